"""The results of a trace search as text; the platform's format was never observed, so any is accepted."""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import TYPE_CHECKING, Any, Final

from halo_iac.cli.reports.output import format_fields
from halo_iac.model.traces import Trace
from halo_iac.render.json import document
from halo_iac.render.text.table import record, table
from halo_iac.render.text.traces.rows import TRACES

if TYPE_CHECKING:
    from halo_iac.render.style import Style

_OF_TRACE: Final = ("TRACE", "START", "STATUS", "ROOT SPAN")
_EXCERPTS: Final = frozenset({"excerpt", "highlight", "match", "snippet", "text"})
"""Names of members that may hold the matching text."""


def search_results_text(found: object, style: Style) -> str:
    """Return the traces found, each with the matching span and text; another response is shown by its fields."""
    rows = _rows(found)
    if rows is None:
        return record(format_fields(found), style) if isinstance(found, Mapping) else document(found)
    if not all(isinstance(row.get("traceId"), str) for row in rows):
        return "\n".join(record(format_fields(row), style) for row in rows)
    cells = [
        [*(TRACES.cells[name](Trace(row), style) for name in _OF_TRACE), _text(row, {"spanId"}), _text(row, _EXCERPTS)]
        for row in rows
    ]
    return table((*_OF_TRACE, "SPAN", "FOUND"), cells, style, uncut={"TRACE", "STATUS", "SPAN"})


def _rows(found: object) -> list[Mapping[str, Any]] | None:
    """Return the only list of objects in a response; ``None`` if there is none, or more than one."""
    lists = [value for value in found.values() if isinstance(value, list)] if isinstance(found, Mapping) else [found]
    rows: Any = lists[0] if len(lists) == 1 else None
    return rows if isinstance(rows, list) and all(isinstance(row, Mapping) for row in rows) else None


def _text(value: object, names: Set[str]) -> str:
    """Return the first text under one of these names, at any depth; empty if there is none."""
    waiting: list[object] = [value]
    while waiting:
        each = waiting.pop(0)
        if isinstance(each, Mapping):
            for name, text in each.items():
                if name in names and isinstance(text, str):
                    return text
            waiting += each.values()
        elif isinstance(each, list):
            waiting += each
    return ""
