"""Reads project files into a :class:`~halo_iac.model.project.Project`, or reports every problem of every file.

See docs/semantics.md#project-file. ``find`` locates the project file and reads it and its includes through ``files``,
from disk or from a tree of git, and never outside the checkout.

``yaml_parser`` turns bytes into values with positions (``yaml_document``). ``fields`` declares the allowed keys and
their forms; ``field_reader`` checks one mapping (an entry, ``defaults``, ``overrides``) and expands variables and
prompt files; ``entries`` merges the layers, ``cron`` derives the cadence, and ``loader`` puts sources, policy and
entries together.

``diagnostics`` and ``suggestions`` word the problems; ``json_schema`` exports the same rules as JSON Schema.
"""

from __future__ import annotations

from halo_iac.load.files import DiskFiles
from halo_iac.load.find import find_project
from halo_iac.load.loader import load, load_head, load_policy

__all__ = ["DiskFiles", "find_project", "load", "load_head", "load_policy"]
