"""An entry's ``enabled``, in the way that the file is written."""

from __future__ import annotations

from halo_iac.yaml_edit.edits import TextEdit, apply_edits, check_own, insert_below, outline, own_entry, values


def set_enabled(text: str, key: str, *, is_enabled: bool) -> str:
    """Return a file's text in which an entry says ``enabled`` itself; every other byte stays.

    Raises :class:`~halo_iac.yaml_edit.edits.CannotEdit` where the entry is not written out, or shared. The text must be
    one that the loader accepts.
    """
    entry, before = own_entry(outline(text), key), values(text)
    found, word = entry.pair("enabled"), str(is_enabled).lower()
    if found is None:
        *_, last = entry.pairs
        edit = insert_below(text, entry, last, f"enabled: {word}")
    else:
        check_own(found[1], "its enabled")
        edit = TextEdit(found[1].start, found[1].end, word)
    own = {**before["schedules"][key], "enabled": is_enabled}
    return apply_edits(text, [edit], {**before, "schedules": {**before["schedules"], key: own}})
