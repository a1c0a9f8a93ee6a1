"""Project files → :class:`~halo_iac.model.project.Project`, or every problem of every file at once.

See docs/semantics.md#project-file.

``find`` finds the project file and ``files`` reads it and what it includes, on disk or in a tree of git, within the
checkout. ``yaml_parser`` turns bytes into values with positions (``yaml_document``). ``fields`` has the models of what
may be written; ``field_reader`` checks one mapping (an entry, ``defaults``, ``overrides``), variables and prompt files
included; ``entries`` merges the layers, ``cron`` works out the cadence, and ``loader`` puts sources, policy and entries
together. ``diagnostics`` and the ``suggest`` modules word what is wrong; ``json_schema`` says the same as JSON Schema.
"""

from __future__ import annotations

from halo_iac.load.files import DiskFiles
from halo_iac.load.find import find_project
from halo_iac.load.loader import load, load_policy

__all__ = ["DiskFiles", "find_project", "load", "load_policy"]
