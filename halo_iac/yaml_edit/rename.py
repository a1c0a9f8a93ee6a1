"""Changes an entry's title and adds its former title, in the style of the file."""

from __future__ import annotations

import re
from typing import Any, Final

from halo_iac.render.yaml import escape_variables, scalar_text
from halo_iac.yaml_edit.edits import CannotEdit, Form, Node, TextEdit, YamlText, check_own

_QUOTES: Final = {Form.PLAIN: "", Form.SINGLE: "'", Form.DOUBLE: '"'}
_VARIABLE: Final = re.compile(r"(?:[^$]|\$[^{])*\$\{")


def rename_entry(text: str, key: str, *, title: str | None = None, former: str | None = None) -> str:
    """Return a file's text with ``title`` set for the entry, and ``former`` added to its ``renamed_from``.

    ``None`` leaves either unchanged. Raises :class:`~halo_iac.yaml_edit.edits.CannotEdit` if the title or its former
    titles are not written in the entry itself. The loader must accept the text.
    """
    file = YamlText(text)
    before, entry = file.values(), file.find_entry(key)
    own = before["schedules"][key]
    name, value = _find_title(entry)
    edits: list[TextEdit] = []
    changed: dict[str, Any] = {}
    if title is not None:
        changed["title"] = escape_variables(title)
        edits.append(TextEdit(value.start, value.end, _quoted_like(value, changed["title"], is_flow=entry.is_flow)))
    if former is not None:
        former = escape_variables(former)
        changed["renamed_from"] = _with_former_title(own.get("renamed_from"), former)
        edits.append(_add_former_title(file, entry, (name, value), former, is_merged="renamed_from" in own))
    return file.apply(edits, {**before, "schedules": {**before["schedules"], key: {**own, **changed}}})


def _with_former_title(before: str | list[Any] | None, former: str) -> str | list[Any]:
    if before is None:
        return former
    return [*before, former] if isinstance(before, list) else [before, former]


def _find_title(entry: Node) -> tuple[Node, Node]:
    found = entry.pair("title")
    if found is None:
        raise CannotEdit("its title is merged from another mapping")
    check_own(found[1], "its title")
    if _VARIABLE.match(found[1].text):
        raise CannotEdit("its title contains a variable")
    return found


def _quoted_like(model: Node, text: str, *, is_flow: bool) -> str:
    """Return a text as a scalar with the quotes of another."""
    return scalar_text(text, quote=_QUOTES.get(model.form, ""), is_flow=is_flow)


def _add_former_title(
    file: YamlText, entry: Node, title: tuple[Node, Node], former: str, *, is_merged: bool
) -> TextEdit:
    """Return the edit that adds a former title: to the list, to the single title, or below the title."""
    found = entry.pair("renamed_from")
    if found is None:
        if is_merged:
            raise CannotEdit("its renamed_from is merged from another mapping")
        return file.insert_below(entry, title, f"renamed_from: {_quoted_like(title[1], former, is_flow=entry.is_flow)}")
    value = found[1]
    check_own(value, "its renamed_from")
    if not value.children:
        old = (
            file.text[value.start : value.end]
            if value.form is not Form.PLAIN
            else _quoted_like(value, value.text, is_flow=True)
        )
        return TextEdit(value.start, value.end, f"[{old}, {_quoted_like(value, former, is_flow=True)}]")
    last = value.children[-1]
    check_own(last, "the last title of its renamed_from")
    if value.is_flow:
        return TextEdit(last.end, last.end, f", {_quoted_like(last, former, is_flow=True)}")
    dash = file.text[last.start - file.column(last.start) : last.start]
    if dash.strip() != "-":
        raise CannotEdit("its renamed_from is a list with several titles on one line")
    at = file.next_line_start(file.end_of_content(last))
    return TextEdit(at, at, f"{dash}{_quoted_like(last, former, is_flow=False)}\n")
