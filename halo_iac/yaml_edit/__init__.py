"""Edits of a file that somebody wrote: text in, text out, and every byte that is not part of the edit stays (§3.10).

A file is never dumped anew, which would lose its comments, quoting, anchors and spacing. ``outline`` finds where things
stand, ``entries`` and ``titles`` work out what goes where, and ``splice`` puts it there, reads the result again and
refuses it unless exactly the intended values changed.
"""

from __future__ import annotations

from halo_iac.yaml_edit.edits import CannotEdit
from halo_iac.yaml_edit.insert import add_entries
from halo_iac.yaml_edit.rename import rename_entry

__all__ = ["CannotEdit", "add_entries", "rename_entry"]
