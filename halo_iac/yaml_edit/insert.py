"""Adds entries to the ``schedules:`` of a project file, in the style of the file."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from halo_iac.render.yaml import block_text, flow_pairs
from halo_iac.yaml_edit.edits import (
    CannotEdit,
    Form,
    Node,
    TextEdit,
    apply_edits,
    column,
    end_of_content,
    next_line_start,
    outline,
    preserves_line_breaks,
    values,
)

Entries = Mapping[str, Mapping[str, Any]]

_STEP = 2


def add_entries(text: str, entries: Entries) -> str:
    """Return a project file's text with entries added after its own; the bytes around them stay.

    Raises :class:`~halo_iac.yaml_edit.edits.CannotEdit` if that cannot be done safely. The loader must accept the text,
    and the text must contain none of the keys.
    """
    top = outline(text)
    found = top.pair("schedules")
    before = values(text)
    if found is None and "schedules" in before:
        raise CannotEdit("`schedules` is merged from another mapping")
    splices, alone = _edits(text, top, found, entries)
    after = {**before.get("schedules", {}), **values(alone)["schedules"]}
    return apply_edits(text, splices, {**before, "schedules": after})


def _edits(text: str, top: Node, found: tuple[Node, Node] | None, entries: Entries) -> tuple[tuple[TextEdit, ...], str]:
    """Return the edits, and the new entries as a separate text, to compare with the values after insertion."""
    pairs, block = flow_pairs(entries), f"schedules:\n{block_text(entries)}"
    flow = f'"schedules": {{{", ".join(pairs)}}}'
    if found is None:
        if top.is_flow:
            return (_into_flow(text, top, [flow]),), f"{{{flow}}}"
        return (_new_mapping(text, top, entries),), block
    key, mapping = found
    if mapping.form is Form.ALIAS:
        raise CannotEdit("`schedules` is an alias")
    if mapping.form is Form.BLOCK_MAPPING:
        return (_into_block(text, mapping, entries),), block
    if mapping.children or top.is_flow:
        return (_into_flow(text, mapping, pairs),), f"{{{flow}}}"
    return _in_place_of_braces(text, key, mapping, entries), block


def _into_flow(text: str, mapping: Node, pairs: Sequence[str]) -> TextEdit:
    """Return the insertion after the last pair of a flow mapping; on separate lines if that pair has one."""
    if not mapping.children:
        at = text.index("{", mapping.start) + 1
        return TextEdit(at, at, ", ".join(pairs))
    last, at = mapping.children[-2], mapping.children[-1].end
    indentation = text[last.start - column(text, last.start) : last.start]
    is_line = not indentation.strip() and "\n" in text[mapping.start : last.start]
    between = f",\n{indentation}" if is_line else ", "
    return TextEdit(at, at, "".join(f"{between}{pair}" for pair in pairs))


def _into_block(text: str, mapping: Node, entries: Entries) -> TextEdit:
    first, value = mapping.children[:2]
    left = column(text, first.start)
    step = column(text, value.children[0].start) - left if value.form is Form.BLOCK_MAPPING else _STEP
    lines = block_text(entries, column=left, step=step, is_spaced=_is_spaced(text, mapping))
    at = _end_of_block(text, mapping, left)
    has_gap = _is_spaced(text, mapping) and not preserves_line_breaks(text, mapping)
    return TextEdit(at, at, f"\n{lines}" if has_gap else lines)


def _new_mapping(text: str, top: Node, entries: Entries) -> TextEdit:
    left = column(text, top.start)
    at = _end_of_block(text, top, left)
    lines = f"{' ' * left}schedules:\n{block_text(entries, column=left + _STEP)}"
    return TextEdit(at, at, lines if preserves_line_breaks(text, top) else f"\n{lines}")


def _in_place_of_braces(text: str, key: Node, mapping: Node, entries: Entries) -> tuple[TextEdit, TextEdit]:
    brace = text.index("{", mapping.start)
    if text[brace + 1 : mapping.end - 1].strip(" "):
        raise CannotEdit("the braces of `schedules` contain a comment or more than one line")
    gap = brace - len(text[:brace].rstrip(" "))
    at = next_line_start(text, mapping.end)
    lines = block_text(entries, column=column(text, key.start) + _STEP)
    return TextEdit(brace - gap, mapping.end, ""), TextEdit(at, at, lines)


def _is_spaced(text: str, mapping: Node) -> bool:
    """Return whether empty lines separate the entries; true if there is a single entry to judge by."""
    ends = [end_of_content(text, value) for _, value in mapping.pairs]
    starts = [key.start for key, _ in mapping.pairs]
    gaps = [text[end:start] for end, start in zip(ends, starts[1:], strict=False)]
    return not gaps or any(re.search(r"\n[ \t]*\r?\n", gap) for gap in gaps)


def _end_of_block(text: str, mapping: Node, left: int) -> int:
    """Return the start of the line after a mapping and the comments that are indented like its last value.

    Other comments belong to what follows, or close the file.
    """
    at = next_line_start(text, end_of_content(text, mapping))
    position = at
    for line in re.findall(r"[^\n]*\n|[^\n]+", text[at:]):
        position += len(line)
        comment = line.lstrip(" \t")
        if comment.startswith("#") and len(line) - len(comment) > left:
            at = position
        elif comment.strip():
            break
    return at
