"""Adds entries to the ``schedules:`` of a project file, in the style of the file."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from halo_iac.render.yaml import block_text, flow_pairs
from halo_iac.yaml_edit.edits import CannotEdit, Form, Node, TextEdit, YamlText

Entries = Mapping[str, Mapping[str, Any]]

_STEP = 2


def add_entries(text: str, entries: Entries) -> str:
    """Return a project file's text with entries added after its own; the bytes around them stay.

    Raises :class:`~halo_iac.yaml_edit.edits.CannotEdit` if that cannot be done safely. The loader must accept the text,
    and the text must contain none of the keys.
    """
    file = YamlText(text)
    found, before = file.top.pair("schedules"), file.values()
    if found is None and "schedules" in before:
        raise CannotEdit("`schedules` is merged from another mapping")
    edits, alone = _plan_edits(file, found, entries)
    after = {**before.get("schedules", {}), **YamlText(alone).values()["schedules"]}
    return file.apply(edits, {**before, "schedules": after})


def _plan_edits(file: YamlText, found: tuple[Node, Node] | None, entries: Entries) -> tuple[list[TextEdit], str]:
    """Return the edits, and the new entries as a separate text, to compare with the values after insertion."""
    pairs, block = flow_pairs(entries), f"schedules:\n{block_text(entries)}"
    flow = f'"schedules": {{{", ".join(pairs)}}}'
    if found is None:
        if file.top.is_flow:
            return [_add_to_flow(file, file.top, [flow])], f"{{{flow}}}"
        return [_add_mapping(file, entries)], block
    key, mapping = found
    if mapping.form is Form.ALIAS:
        raise CannotEdit("`schedules` is an alias")
    if mapping.form is Form.BLOCK_MAPPING:
        return [_add_to_block(file, mapping, entries)], block
    if mapping.children or file.top.is_flow:
        return [_add_to_flow(file, mapping, pairs)], f"{{{flow}}}"
    return _replace_braces(file, key, mapping, entries), block


def _add_to_flow(file: YamlText, mapping: Node, pairs: Sequence[str]) -> TextEdit:
    """Return the insertion after the last pair of a flow mapping; on separate lines if that pair has one."""
    if not mapping.children:
        at = file.text.index("{", mapping.start) + 1
        return TextEdit(at, at, ", ".join(pairs))
    last, at = mapping.children[-2], mapping.children[-1].end
    indentation = file.text[last.start - file.column(last.start) : last.start]
    is_line = not indentation.strip() and "\n" in file.text[mapping.start : last.start]
    between = f",\n{indentation}" if is_line else ", "
    return TextEdit(at, at, "".join(f"{between}{pair}" for pair in pairs))


def _add_to_block(file: YamlText, mapping: Node, entries: Entries) -> TextEdit:
    first, value = mapping.children[:2]
    left = file.column(first.start)
    step = file.column(value.children[0].start) - left if value.form is Form.BLOCK_MAPPING else _STEP
    lines = block_text(entries, column=left, step=step, is_spaced=_is_spaced(file, mapping))
    at = _end_of_block(file, mapping, left)
    has_gap = _is_spaced(file, mapping) and not file.keeps_empty_lines(mapping)
    return TextEdit(at, at, f"\n{lines}" if has_gap else lines)


def _add_mapping(file: YamlText, entries: Entries) -> TextEdit:
    left = file.column(file.top.start)
    at = _end_of_block(file, file.top, left)
    lines = f"{' ' * left}schedules:\n{block_text(entries, column=left + _STEP)}"
    return TextEdit(at, at, lines if file.keeps_empty_lines(file.top) else f"\n{lines}")


def _replace_braces(file: YamlText, key: Node, mapping: Node, entries: Entries) -> list[TextEdit]:
    brace = file.text.index("{", mapping.start)
    if file.text[brace + 1 : mapping.end - 1].strip(" "):
        raise CannotEdit("the braces of `schedules` contain a comment or more than one line")
    gap = brace - len(file.text[:brace].rstrip(" "))
    at = file.next_line_start(mapping.end)
    lines = block_text(entries, column=file.column(key.start) + _STEP)
    return [TextEdit(brace - gap, mapping.end, ""), TextEdit(at, at, lines)]


def _is_spaced(file: YamlText, mapping: Node) -> bool:
    """Return whether empty lines separate the entries; true if there is a single entry to judge by."""
    ends = [file.end_of_content(value) for _, value in mapping.pairs]
    starts = [key.start for key, _ in mapping.pairs]
    gaps = [file.text[end:start] for end, start in zip(ends, starts[1:], strict=False)]
    return not gaps or any(re.search(r"\n[ \t]*\r?\n", gap) for gap in gaps)


def _end_of_block(file: YamlText, mapping: Node, left: int) -> int:
    """Return the start of the line after a mapping and the comments that are indented like its last value.

    Other comments belong to what follows, or close the file.
    """
    at = file.next_line_start(file.end_of_content(mapping))
    position = at
    for line in re.findall(r"[^\n]*\n|[^\n]+", file.text[at:]):
        position += len(line)
        comment = line.lstrip(" \t")
        if comment.startswith("#") and len(line) - len(comment) > left:
            at = position
        elif comment.strip():
            break
    return at
