"""Tool calls made again with the same arguments within one trace: needlessly, or because they had failed."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from halo_iac.sandbox.analyst.figures import ErrorGroup, Loop, Repeat, Retry, SkippedStep, Timing, Volume
from halo_iac.sandbox.analyst.model_usage import model_calls
from halo_iac.sandbox.analyst.spans import Span, Trace
from halo_iac.sandbox.analyst.statistics import CitationSet, Durations, Example


class _RepeatCounter(NamedTuple):
    """One call and all its repetitions within one trace, in the order they began."""

    calls: list[Span]

    @property
    def retried(self) -> list[Span]:
        return [call for before, call in self.pairs if _is_retry(before, call)]

    @property
    def repeated(self) -> list[tuple[Span, Span]]:
        return [(before, call) for before, call in self.pairs if not _is_retry(before, call)]

    @property
    def pairs(self) -> list[tuple[Span, Span]]:
        return list(zip(self.calls, self.calls[1:], strict=False))

    @property
    def attempts(self) -> int:
        """The longest stretch of attempts, each made because the one before it had failed."""
        longest = stretch = 1
        for before, call in self.pairs:
            stretch = stretch + 1 if _is_retry(before, call) else 1
            longest = max(longest, stretch)
        return longest


def _is_retry(before: Span, call: Span) -> bool:
    return before.has_failed and before.end <= call.start


class _Tool:
    def __init__(self) -> None:
        self.calls = self.same_answer = self.other_answer = self.tried = self.recovered = self.affected = self.most = (
            self.time
        ) = 0
        self.example = Example()
        self.cited = CitationSet()

    def add(self, trace_id: str, count: int, most: int, call: Span) -> None:
        self.most = max(self.most, most)
        self.example.add(-most, trace_id, call.span_id, call.input_excerpt or "")
        self.cited.add(trace_id, count)


class Calls:
    """Counts traces into :class:`Repeat` and :class:`Retry` values."""

    def __init__(self) -> None:
        self._repeats: dict[str, _Tool] = {}
        self._retries: dict[str, _Tool] = {}
        self.uncompared = 0
        """Calls whose arguments were not recorded."""

    def add(self, trace: Trace) -> None:
        """Count a trace in."""
        identical: dict[tuple[str, str], list[Span]] = {}
        for call in trace.tools:
            if call.input_digest is None:
                self.uncompared += 1
            else:
                identical.setdefault((call.call, call.input_digest), []).append(call)
        again = [(tool, _RepeatCounter(calls)) for (tool, _), calls in identical.items() if len(calls) > 1]
        for tool in {tool for tool, group in again if group.repeated}:
            self._add_repeats(trace, tool, [group for name, group in again if name == tool and group.repeated])
        for tool in {tool for tool, group in again if group.retried}:
            self._add_retries(trace, tool, [group for name, group in again if name == tool and group.retried])

    def _add_repeats(self, trace: Trace, tool: str, groups: list[_RepeatCounter]) -> None:
        seen = self._repeats.setdefault(tool, _Tool())
        seen.affected += 1
        count = sum(len(group.repeated) for group in groups)
        for group in groups:
            seen.calls += len(group.repeated)
            for before, call in group.repeated:
                if before.output_digest is not None and call.output_digest is not None:
                    seen.same_answer += before.output_digest == call.output_digest
                    seen.other_answer += before.output_digest != call.output_digest
            seen.time += sum(call.duration for _, call in group.repeated)
            seen.add(trace.id, count, len(group.calls), group.calls[0])

    def _add_retries(self, trace: Trace, tool: str, groups: list[_RepeatCounter]) -> None:
        seen = self._retries.setdefault(tool, _Tool())
        seen.affected += 1
        count = sum(len(group.retried) for group in groups)
        for group in groups:
            seen.calls += len(group.retried)
            seen.tried += 1
            seen.recovered += not group.calls[-1].has_failed
            seen.time += sum(call.duration for call in group.retried)
            seen.add(trace.id, count, group.attempts, group.calls[0])

    def repeats(self) -> tuple[Repeat, ...]:
        """Return the repeated calls by tool, the most first."""
        found = (
            Repeat(
                tool=tool,
                calls=seen.calls,
                same_answer=seen.same_answer,
                other_answer=seen.other_answer,
                affected=seen.affected,
                most=seen.most,
                time=seen.time,
                arguments=seen.example.text(),
                traces=seen.cited.traces(),
            )
            for tool, seen in self._repeats.items()
        )
        return tuple(sorted(found, key=lambda repeat: (-repeat.calls, repeat.tool)))

    def retries(self) -> tuple[Retry, ...]:
        """Return the retried calls by tool, the most first."""
        found = (
            Retry(
                tool=tool,
                calls=seen.calls,
                tried=seen.tried,
                recovered=seen.recovered,
                affected=seen.affected,
                most=seen.most,
                time=seen.time,
                arguments=seen.example.text(),
                traces=seen.cited.traces(),
            )
            for tool, seen in self._retries.items()
        )
        return tuple(sorted(found, key=lambda retry: (-retry.calls, retry.tool)))


_READ: Final = 500
_KEPT: Final = 200
"""Characters of a message: read for its group, and kept as its name."""

_STATUS: Final = r"(?P<status>\b(?:HTTP|status|code)\b[ :=/]*[1-5]\d\d\b)"
"""An HTTP status stays: 404 and 503 are different failures."""
_ID: Final = (
    r"\b0x[0-9a-f]+\b"
    r"|\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"
    r"|\b(?=[a-f]*\d)[0-9a-f]{8,}\b"
    r"|\b[a-z]+[_-](?=[a-z]*\d)[a-z0-9]{5,}\b"
)
"""Hexadecimal ids, and those with a prefix: ``req_8f3k2``."""
_NUMBER: Final = r"\d+(?:[.,:]\d+)*"
_VARYING: Final = re.compile(f"{_STATUS}|{_ID}|{_NUMBER}", re.IGNORECASE | re.ASCII)


def normalised(message: str) -> str:
    """Return a message with ``<*>`` for what differs from one failure to the next: numbers, ids and hexadecimals."""
    plain = " ".join(message[:_READ].split())
    return _VARYING.sub(lambda found: found["status"] or "<*>", plain)[:_KEPT]


class _Group:
    def __init__(self, tool: str | None) -> None:
        self.tool = tool
        self.count = self.above = self.affected = self.time = 0
        self.example = Example()
        self.cited = CitationSet()


class Failures:
    """Counts traces into :class:`ErrorGroup` values."""

    def __init__(self) -> None:
        self._calls: Counter[tuple[str, str]] = Counter()
        self._groups: dict[tuple[str, str, str], _Group] = {}

    def add(self, trace: Trace) -> None:
        """Count a trace in."""
        self._calls.update((span.name, span.kind) for span in trace.spans)
        failed = [span for span in trace.spans if span.has_failed]
        above = _above(trace, failed)
        seen: Counter[tuple[str, str, str]] = Counter()
        for span in failed:
            key = (span.name, span.kind, normalised(span.message))
            group = self._groups.setdefault(key, _Group(span.tool))
            seen[key] += 1
            group.count += 1
            group.above += span.span_id in above
            group.time += trace.own_time(span)
            group.tool = min(filter(None, (group.tool, span.tool)), default=None)
            group.example.add(span.start, trace.id, span.span_id, _said(span))
        for key, count in seen.items():
            self._groups[key].affected += 1
            self._groups[key].cited.add(trace.id, count)

    def groups(self) -> tuple[ErrorGroup, ...]:
        """Return the groups: those that start a failure first, the most frequent first."""
        found = (
            ErrorGroup(
                name=name,
                kind=kind,
                tool=group.tool,
                message=message,
                count=group.count,
                above=group.above,
                calls=self._calls[name, kind],
                affected=group.affected,
                time=group.time,
                example=group.example.text(),
                traces=group.cited.traces(),
            )
            for (name, kind, message), group in self._groups.items()
        )
        return tuple(sorted(found, key=_rank))


def _rank(group: ErrorGroup) -> tuple[int, int, str, str, str]:
    return (group.above - group.count, -group.count, group.name, group.kind, group.message)


def _above(trace: Trace, failed: list[Span]) -> set[str]:
    """Return the ids of all spans that have a failed one somewhere beneath them."""
    found: set[str] = set()
    for span in failed:
        parent = trace.parent(span)
        while parent is not None and parent.span_id not in found:
            found.add(parent.span_id)
            parent = trace.parent(parent)
    return found


def _said(span: Span) -> str:
    """Return a failure in its own words; SDKs often keep the cause in the output and a commonplace in the message."""
    said = (" ".join(text.split()) for text in (span.message[:_KEPT], span.output_excerpt or ""))
    return " — ".join(filter(None, said))


_ROUNDS: Final = 3
_LONGEST: Final = 6
"""Calls in one round; longer circles were never seen in practice, and each length costs a pass."""

_Key = tuple[str, str]


class _Seen:
    def __init__(self) -> None:
        self.affected = self.most = 0
        self.cited = CitationSet()


class Loops:
    """Counts traces into :class:`Loop` values."""

    def __init__(self) -> None:
        self._loops: dict[tuple[str, ...], _Seen] = {}

    def add(self, trace: Trace) -> None:
        """Count a trace in; a call without arguments is like no other."""
        sequence = [(call.call, call.input_digest or f"?{call.span_id}") for call in trace.tools]
        found: dict[tuple[str, ...], int] = {}
        for tools, rounds in _cycles(sequence):
            found[tools] = max(rounds, found.get(tools, 0))
        for tools, rounds in found.items():
            seen = self._loops.setdefault(tools, _Seen())
            seen.affected += 1
            seen.most = max(seen.most, rounds)
            seen.cited.add(trace.id, rounds)

    def loops(self) -> tuple[Loop, ...]:
        """Return the loops, those in the most traces first."""
        found = (Loop(tools, seen.affected, seen.most, seen.cited.traces()) for tools, seen in self._loops.items())
        return tuple(sorted(found, key=lambda loop: (-loop.affected, -loop.most, loop.tools)))


def _cycles(sequence: Sequence[_Key]) -> Iterator[tuple[tuple[str, ...], int]]:
    """Yield the tools of each circle and its rounds, from the left; the shortest circle counts."""
    start = 0
    while start < len(sequence):
        length, rounds = _cycle_at(sequence, start)
        if rounds >= _ROUNDS:
            yield tuple(tool for tool, _ in sequence[start : start + length]), rounds
            start += length * rounds
        else:
            start += 1


def _cycle_at(sequence: Sequence[_Key], start: int) -> tuple[int, int]:
    for length in range(1, _LONGEST + 1):
        end = start + length
        while end < len(sequence) and sequence[end] == sequence[end - length]:
            end += 1
        if (rounds := (end - start) // length) >= _ROUNDS:
            return length, rounds
    return 1, 1


_KINDS: Final = ("GUARDRAIL", "RERANKER", "RETRIEVER")
_FEWEST: Final = 5
"""Traces before anything is called a habit."""


class _Kind:
    def __init__(self) -> None:
        self.having = 0
        self.names: Counter[str] = Counter()
        self.lacking = CitationSet()


class SkippedSteps:
    """Counts traces into :class:`SkippedStep` values."""

    def __init__(self) -> None:
        self._looked_at = 0
        self._kinds = {kind: _Kind() for kind in _KINDS}

    def add(self, trace: Trace) -> None:
        """Count a trace in."""
        has_failed = any(span.has_failed and trace.parent(span) is None for span in trace.spans)
        if has_failed or not trace.is_whole or not model_calls(trace):
            return
        self._looked_at += 1
        for kind, seen in self._kinds.items():
            names = {span.name for span in trace.spans if span.kind == kind}
            seen.names.update(names)
            if names:
                seen.having += 1
            else:
                seen.lacking.add(trace.id, len(trace.spans))

    def skipped(self) -> tuple[SkippedStep, ...]:
        """Return the steps that at least half of the traces take, and not all."""
        if self._looked_at < _FEWEST:
            return ()
        return tuple(
            SkippedStep(
                kind=kind,
                having=seen.having,
                lacking=self._looked_at - seen.having,
                names=tuple(sorted(seen.names, key=lambda name: (-seen.names[name], name))[:3]),
                traces=seen.lacking.traces(),
            )
            for kind, seen in self._kinds.items()
            if self._looked_at / 2 <= seen.having < self._looked_at
        )


class _Step:
    def __init__(self) -> None:
        self.durations = Durations()
        self.count = self.affected = self.own = self.own_good = 0
        self.cited = CitationSet()


class Timings:
    """Counts traces into :class:`Timing` values."""

    def __init__(self) -> None:
        self._steps: dict[tuple[str, str], _Step] = {}

    def add(self, trace: Trace) -> None:
        """Count a trace in."""
        slowest: dict[tuple[str, str], int] = {}
        for span in trace.spans:
            key = (span.name, span.kind)
            step = self._steps.setdefault(key, _Step())
            own = trace.own_time(span)
            step.durations.add(span.duration)
            step.count += 1
            step.own += own
            step.own_good += 0 if span.has_failed else own
            slowest[key] = max(span.duration, slowest.get(key, 0))
        for key, duration in slowest.items():
            self._steps[key].affected += 1
            self._steps[key].cited.add(trace.id, duration)

    def timings(self) -> tuple[Timing, ...]:
        """Return the steps, those first in which the most time passed."""
        found = (
            Timing(
                name=name,
                kind=kind,
                count=step.count,
                affected=step.affected,
                took=step.durations.percentiles(),
                own=step.own,
                own_good=step.own_good,
                traces=step.cited.traces(),
            )
            for (name, kind), step in self._steps.items()
        )
        return tuple(sorted(found, key=lambda timing: (-timing.own, timing.name, timing.kind)))


class Volumes:
    """Counts traces into a :class:`Volume`."""

    def __init__(self) -> None:
        self._kinds: Counter[str] = Counter()
        self._lengths = Durations()
        self._traces = self._failed_spans = self._failed_traces = self._failed_tops = 0
        self._first: int | None = None
        self._last: int | None = None

    def add(self, trace: Trace) -> None:
        """Count a trace in."""
        self._kinds.update(span.kind for span in trace.spans)
        self._lengths.add(trace.length)
        failed = [span for span in trace.spans if span.has_failed]
        self._traces += 1
        self._failed_spans += len(failed)
        self._failed_traces += bool(failed)
        self._failed_tops += any(trace.parent(span) is None for span in failed)
        end = trace.start + trace.length
        self._first = trace.start if self._first is None else min(self._first, trace.start)
        self._last = end if self._last is None else max(self._last, end)

    def volume(self, left_out: int) -> Volume:
        """Return what was counted."""
        return Volume(
            spans=self._kinds.total(),
            traces=self._traces,
            failed_spans=self._failed_spans,
            failed_traces=self._failed_traces,
            failed_tops=self._failed_tops,
            left_out=left_out,
            kinds=tuple(sorted(self._kinds.items(), key=lambda kind: (-kind[1], kind[0]))),
            first=self._first,
            last=self._last,
            lengths=self._lengths.percentiles() if self._traces else None,
        )
