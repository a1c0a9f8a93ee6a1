"""Sets ``enabled`` of one entry, in the entry itself or in ``overrides.schedules``, in the style of the file."""

from __future__ import annotations

from typing import Any

from halo_iac.render.yaml import scalar_text
from halo_iac.yaml_edit.edits import CannotEdit, Form, Node, TextEdit, YamlText, check_own

_STEP = 2


def set_enabled(text: str, key: str, *, is_enabled: bool) -> str:
    """Return a file's text in which the entry itself sets ``enabled``; every other byte stays.

    Raises :class:`~halo_iac.yaml_edit.edits.CannotEdit` if the entry is not written out, or shared. The loader must
    accept the text.
    """
    file = YamlText(text)
    entry, before = file.find_entry(key), file.values()
    found, word = entry.pair("enabled"), str(is_enabled).lower()
    if found is None:
        *_, last = entry.pairs
        edit = file.insert_below(entry, last, f"enabled: {word}")
    else:
        check_own(found[1], "its enabled")
        edit = TextEdit(found[1].start, found[1].end, word)
    own = {**before["schedules"][key], "enabled": is_enabled}
    return file.apply([edit], {**before, "schedules": {**before["schedules"], key: own}})


def override_enabled(text: str, key: str, *, is_enabled: bool) -> str:
    """Return a project file's text in which ``overrides.schedules`` sets ``enabled`` of an entry; the rest stays.

    Raises :class:`~halo_iac.yaml_edit.edits.CannotEdit` if that cannot be done safely. The loader must accept the text.
    """
    path = ("overrides", "schedules", key, "enabled")
    word = str(is_enabled).lower()
    file = YamlText(text)
    node, found = file.top, 0
    while found < len(path) and (pair := node.pair(path[found])) is not None:
        node, found = pair[1], found + 1
        if node.form is Form.ALIAS:
            raise CannotEdit(f"`{'.'.join(path[:found])}` is an alias")
    if found == len(path):
        check_own(node, "its enabled")
        edit = TextEdit(node.start, node.end, word)
    else:
        edit = _insert(file, node, path[found:], word)
    return file.apply([edit], _set_at(file.values(), path, is_enabled))


def _set_at(mapping: dict[str, Any], path: tuple[str, ...], value: object) -> dict[str, Any]:
    first, *rest = path
    return {**mapping, first: _set_at(mapping.get(first, {}), tuple(rest), value) if rest else value}


def _insert(file: YamlText, node: Node, names: tuple[str, ...], word: str) -> TextEdit:
    """Return the insertion of nested names into a mapping."""
    if node.form is not Form.BLOCK_MAPPING:
        return _insert_in_flow(file, node, names, word)
    key, value = _pair_above(node) if node is file.top else node.children[-2:]
    at, left = file.next_line_start(file.end_of_content(value)), file.column(key.start)
    indented = (f"{' ' * (left + depth * _STEP)}{_key(name, node)}:" for depth, name in enumerate(names))
    return TextEdit(at, at, "\n".join(indented) + f" {word}\n")


def _pair_above(top: Node) -> tuple[Node, Node]:
    """Return the pair that a new one follows: the one before ``schedules``, which come last, or the last."""
    pairs = [*top.pairs]
    place = next((number for number, (key, _) in enumerate(pairs) if key.text == "schedules"), 0)
    return pairs[place - 1]


def _insert_in_flow(file: YamlText, mapping: Node, names: tuple[str, ...], word: str) -> TextEdit:
    *outer, last = (_key(name, mapping) for name in names)
    new = f"{''.join(f'{name}: {{' for name in outer)}{last}: {word}{'}' * len(outer)}"
    if mapping.children:
        at = mapping.children[-1].end
        return TextEdit(at, at, f", {new}")
    at = file.text.index("{", mapping.start) + 1
    return TextEdit(at, at, new)


def _key(name: str, mapping: Node) -> str:
    """Return a key, quoted if those of the mapping are."""
    is_quoted = bool(mapping.children) and mapping.children[0].form is Form.DOUBLE
    return scalar_text(name, quote='"' if is_quoted else "", is_flow=True)
