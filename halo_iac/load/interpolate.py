"""``${NAME}`` in the strings of an entry: read from ``HALO_VAR_NAME`` and from nothing else.

See docs/semantics.md#variables.

So a file can be asked to differ between environments, but never to carry a secret of the pipeline into a title.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

PREFIX: Final = "HALO_VAR_"
LITERAL_FIELDS: Final = frozenset({"prompt", "prompt_file"})
"""Never touched: a prompt may well speak of dollars and braces."""

_REFERENCE: Final = re.compile(r"\$(?:\$|\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?P<fallback>:-[^{}]*)?\}|(?P<open>\{))")

Complain = Callable[[tuple[str], str, str], None]
"""Told which field cannot be resolved, why, and what to do."""


class _Unresolved(Exception):  # noqa: N818 - carries one message out of a substitution
    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


def interpolated(
    fields: dict[str, Any], variables: Mapping[str, str], complain: Complain, *, keeps_unset: bool = False
) -> dict[str, Any]:
    """Return the fields with every reference replaced, without those where that is impossible.

    ``keeps_unset`` leaves a reference to a variable that is not set as it is written.

    The very same mapping if nothing refers to a variable.
    """
    if not any(_mentions(value) for key, value in fields.items() if key not in LITERAL_FIELDS):
        return fields
    replaced = {}
    for key, value in fields.items():
        try:
            replaced[key] = value if key in LITERAL_FIELDS else _replaced(value, variables, keeps_unset)
        except _Unresolved as unresolved:
            complain((key,), unresolved.message, unresolved.hint)
    return replaced


def _mentions(value: object) -> bool:
    if isinstance(value, list):
        return any(isinstance(element, str) and "$" in element for element in value)
    return isinstance(value, str) and "$" in value


def _replaced(value: object, variables: Mapping[str, str], keeps_unset: bool) -> object:
    if isinstance(value, list):
        return [_replaced(element, variables, keeps_unset) for element in value]
    if not isinstance(value, str) or "$" not in value:
        return value
    return _REFERENCE.sub(lambda found: _value(found, variables, keeps_unset), value)


def _value(found: re.Match[str], variables: Mapping[str, str], keeps_unset: bool) -> str:
    """Return what one reference stands for; like a shell, an empty variable gives way to the fallback."""
    if found["open"]:
        raise _Unresolved("`${` begins no variable", "write ${NAME} or ${NAME:-fallback}, and $$ for a dollar")
    name = found["name"]
    if name is None:
        return "$"
    value = variables.get(PREFIX + name)
    if value is None and name.startswith(PREFIX):  # whoever writes that has set the variable that it names
        plain = name.removeprefix(PREFIX) or "NAME"
        raise _Unresolved(
            f"`${{{name}}}` would read {PREFIX}{name}", f"write ${{{plain}}}, which reads {PREFIX}{plain}"
        )
    if found["fallback"] is not None:
        return value or found["fallback"][2:]
    if value is None and keeps_unset:
        return found[0]
    if value is None:
        raise _Unresolved(f"`${{{name}}}` is not set", f"set {PREFIX}{name}, or write ${{{name}:-fallback}}")
    return value
