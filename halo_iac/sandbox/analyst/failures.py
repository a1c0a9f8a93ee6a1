"""Failed steps grouped by message, and which of them may only propagate a failure below them."""

from __future__ import annotations

import re
from collections import Counter
from typing import Final

from halo_iac.sandbox.analyst.figures import ErrorGroup
from halo_iac.sandbox.analyst.spans import Span
from halo_iac.sandbox.analyst.statistics import AffectedTraces, Example
from halo_iac.sandbox.analyst.traces import Trace

_MAX_COMPARED_LENGTH: Final = 500
_MAX_MESSAGE_LENGTH: Final = 200
"""The most characters of a message that are compared, and that are kept as the name of its group."""

_STATUS: Final = r"(?P<status>\b(?:HTTP|status|code)\b[ :=/]*[1-5]\d\d\b)"
"""An HTTP status, which is kept: 404 and 503 are different failures."""
_ID: Final = (
    r"\b0x[0-9a-f]+\b"
    r"|\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"
    r"|\b(?=[a-f]*\d)[0-9a-f]{8,}\b"
    r"|\b[a-z]+[_-](?=[a-z]*\d)[a-z0-9]{5,}\b"
)
"""Hexadecimal ids, and ids with a prefix, such as ``req_8f3k2``."""
_NUMBER: Final = r"\d+(?:[.,:]\d+)*"
_VARYING: Final = re.compile(f"{_STATUS}|{_ID}|{_NUMBER}", re.IGNORECASE | re.ASCII)


def mask_varying_parts(message: str) -> str:
    """Return a message with ``<*>`` in place of numbers, ids and hexadecimal text, which differ between failures."""
    plain = " ".join(message[:_MAX_COMPARED_LENGTH].split())
    return _VARYING.sub(lambda found: found["status"] or "<*>", plain)[:_MAX_MESSAGE_LENGTH]


class _Group:
    def __init__(self, tool: str | None) -> None:
        self.tool = tool
        self.count = self.above = self.elsewhere = self.time = 0
        self.example = Example()
        self.affected = AffectedTraces()


class Failures:
    """Computes :class:`ErrorGroup` values from traces, which are added one at a time."""

    def __init__(self) -> None:
        self._calls: Counter[tuple[str, str]] = Counter()
        self._groups: dict[tuple[str, str, str], _Group] = {}

    def add(self, trace: Trace) -> None:
        """Add a trace."""
        self._calls.update((span.name, span.kind) for span in trace.spans)
        failed = [span for span in trace.spans if span.has_failed]
        seen: Counter[tuple[str, str, str]] = Counter()
        for span in failed:
            key = (span.name, span.kind, mask_varying_parts(span.message))
            group = self._groups.setdefault(key, _Group(span.tool))
            seen[key] += 1
            group.count += 1
            group.above += trace.has_failure_below(span)
            group.elsewhere += trace.has_failure_below(span) and not trace.has_own_failure_below(span)
            group.time += trace.self_time(span)
            group.tool = min(filter(None, (group.tool, span.tool)), default=None)
            group.example.add(span.start, trace.id, span.span_id, _failure_message(span))
        for key, count in seen.items():
            self._groups[key].affected.add(trace.id, count)

    def groups(self) -> tuple[ErrorGroup, ...]:
        """Return the groups, those in which failures began before the others, then by frequency."""
        found = (
            ErrorGroup(
                name=name,
                kind=kind,
                tool=group.tool,
                message=message,
                count=group.count,
                above=group.above,
                elsewhere=group.elsewhere,
                calls=self._calls[name, kind],
                affected=group.affected.count,
                time=group.time,
                example=group.example.text(),
                traces=group.affected.cited(),
            )
            for (name, kind, message), group in self._groups.items()
        )
        return tuple(sorted(found, key=_rank))


def _rank(group: ErrorGroup) -> tuple[int, int, str, str, str]:
    return (group.above - group.count, -group.count, group.name, group.kind, group.message)


def _failure_message(span: Span) -> str:
    """Return the text of a failure; SDKs often put the cause into the output and a generic text into the message."""
    said = (" ".join(text.split()) for text in (span.message[:_MAX_MESSAGE_LENGTH], span.output_excerpt or ""))
    return " — ".join(filter(None, said))
