"""What people write in place of what a file says: the golden table, and what happens when its hints are followed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from golden_files import GOLDEN

from halo_iac.errors import Problem
from halo_iac.load.suggestions.keys import ENTRY_KEYS
from halo_iac.model.schedule import CADENCE_PARTS, RELEVANT_PARTS

TABLE: Final = "suggestions.txt"
NO_HINT: Final = "…"

Fields = Mapping[str, str | None]

_CADENCE: Final = ("frequency", "cron", "at", *CADENCE_PARTS)
_EXAMPLES: Final = {"days_of_week": "mon", "days_of_month": "1", "hours": "9"}
_TOGETHER: Final = r"`([^`]+)`([^`]*)"
"""A code, and the words up to the next."""


class Case(NamedTuple):
    """A line of the table: ``text`` as it is there, and the fields that it lays over a good entry."""

    text: str
    fields: Fields


def cases() -> Iterator[str | Case]:
    """Yield the cases of the table, and as they are its other lines."""
    base: Fields = {}
    for line in (GOLDEN / TABLE).read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            base = _fields(line[1:-1])
        if " => " in line:
            text = line.partition(" => ")[0]
            yield Case(text, {**base, **_fields(text)})
        else:
            yield line


def _fields(text: str) -> Fields:
    pairs = (part.split(": ", 1) for part in text.split(" | ") if part)
    return {key: None if value == "-" else value for key, value in pairs}


def suggestions(hint: str | None) -> list[list[str]]:
    """Return what a hint suggests: codes that belong together, and each of several ways."""
    found: list[list[str]] = []
    glue = ""
    for code, words in re.findall(_TOGETHER, hint or ""):
        if glue in {" with ", ", ", " and "} and found:
            found[-1].append(code)
        else:
            found.append([code])
        glue = words
    return found


def with_suggestions(written: Mapping[str, str], found: list[Problem], codes: list[str]) -> dict[str, str]:
    """Return an entry in which ``codes`` are pasted where the first problem is, and for the others what they suggest.

    What a frequency needs besides is filled in, and what it has no use for taken out, as the next messages would say.
    """
    result = dict(written)
    for problem in sorted(found, key=lambda each: (each.line, each.column), reverse=True):
        ways = suggestions(problem.hint)
        _paste(result, [*written][problem.line - 4], problem, codes if problem is found[0] else ways[0] if ways else [])
    return _whole(result)


def _paste(result: dict[str, str], key: str, problem: Problem, codes: list[str]) -> None:
    lines = {code.partition(": ")[0]: code.partition(": ")[2] for code in codes if _is_line(code)}
    values = [code for code in codes if not _is_line(code)]
    old = result.pop(key)
    if values:
        is_key = problem.message.startswith("unknown key")
        result[values[0] if is_key else key] = (
            old if is_key else _replaced(old, problem.column - len(key) - 7, values[0])
        )
    if lines and (lines.keys() & {"frequency", "cron"}):
        for part in _CADENCE:
            result.pop(part, None)
    result.update(lines)


def _is_line(code: str) -> bool:
    return code.partition(": ")[0] in ENTRY_KEYS


def _replaced(old: str, index: int, value: str) -> str:
    """Return a field's value with the element at an index replaced, or the value itself."""
    if index <= 0 or not old.startswith("["):
        return value
    end = re.match(r'"[^"]*"|[^],]*', old[index:])
    assert end is not None
    return old[:index] + value + old[index + end.end() :]


def _whole(result: dict[str, str]) -> dict[str, str]:
    relevant = RELEVANT_PARTS.get(result.get("frequency", ""))
    if relevant is None:
        return result
    for part, value in _EXAMPLES.items():
        if part in relevant and part not in result and not (part == "hours" and "at" in result):
            result[part] = value
    return {key: value for key, value in result.items() if key not in CADENCE_PARTS or key in relevant}
