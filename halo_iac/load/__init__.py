"""Project files → :class:`~halo_iac.model.project.Project`, or every problem of every file at once.

See docs/semantics.md#project-file.

Which files there are, ``reader`` says: within the checkout (``paths``), on ``disk`` or in another ``tree``.
How a file is read: ``parse`` turns its bytes into values and marks · ``file`` says which keys and forms there are ·
``fields`` checks one mapping (an entry, ``defaults``, ``overrides``), variables and prompt files included · ``entry``
merges the layers and works out the cadence · ``project`` puts sources, policy and entries together. ``complaints`` and
``hints`` word what is wrong, ``layers`` knows where every value stands, ``schema`` says the same as JSON Schema.
"""

from __future__ import annotations

from halo_iac.load.files import DiskFiles
from halo_iac.load.find import find_project
from halo_iac.load.loader import load, load_policy

__all__ = ["DiskFiles", "find_project", "load", "load_policy"]
