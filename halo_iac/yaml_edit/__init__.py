"""Edits a project file's text and keeps every byte that is not part of the edit.

See docs/semantics.md#import. A file is never dumped anew, which would lose its comments, quoting, anchors and spacing.
``insert`` adds entries, ``rename`` changes a title, ``enabled`` whether an entry fires, everywhere or in one
environment. ``edits`` finds the positions of nodes, applies the edits, parses the result and rejects it unless exactly
the intended values changed.
"""

from __future__ import annotations

from halo_iac.yaml_edit.edits import CannotEdit
from halo_iac.yaml_edit.enabled import override_enabled, set_enabled
from halo_iac.yaml_edit.insert import add_entries
from halo_iac.yaml_edit.rename import rename_entry

__all__ = ["CannotEdit", "add_entries", "override_enabled", "rename_entry", "set_enabled"]
