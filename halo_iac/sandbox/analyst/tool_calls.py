"""Repeated tool calls with the same arguments within one trace: needless ones, retries, and loops."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from halo_iac.sandbox.analyst.figures import Loop, Repeat, Retry
from halo_iac.sandbox.analyst.spans import Span
from halo_iac.sandbox.analyst.statistics import AffectedTraces, Example
from halo_iac.sandbox.analyst.traces import Trace


class _IdenticalCalls(NamedTuple):
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
        """Return the most attempts in a row, each made after the previous one failed."""
        longest = stretch = 1
        for before, call in self.pairs:
            stretch = stretch + 1 if _is_retry(before, call) else 1
            longest = max(longest, stretch)
        return longest


def _is_retry(before: Span, call: Span) -> bool:
    return before.has_failed and before.end <= call.start


class _Tool:
    def __init__(self) -> None:
        self.calls = self.same_answer = self.other_answer = self.tried = self.recovered = self.most = self.time = 0
        self.example = Example()
        self.affected = AffectedTraces()

    def add(self, trace_id: str, most: int, call: Span) -> None:
        self.most = max(self.most, most)
        self.example.add(-most, trace_id, call.span_id, call.input_excerpt or "")


class Calls:
    """Computes :class:`Repeat` and :class:`Retry` values from traces, which are added one at a time."""

    def __init__(self) -> None:
        self._repeats: dict[str, _Tool] = {}
        self._retries: dict[str, _Tool] = {}
        self.uncompared = 0
        """Calls whose arguments were not recorded."""

    def add(self, trace: Trace) -> None:
        """Add a trace."""
        identical: dict[tuple[str, str], list[Span]] = {}
        for call in trace.tools:
            if call.input_digest is None:
                self.uncompared += 1
            else:
                identical.setdefault((call.call, call.input_digest), []).append(call)
        repeats: dict[str, list[_IdenticalCalls]] = {}
        retries: dict[str, list[_IdenticalCalls]] = {}
        for (tool, _), calls in identical.items():
            group = _IdenticalCalls(calls)
            if group.repeated:
                repeats.setdefault(tool, []).append(group)
            if group.retried:
                retries.setdefault(tool, []).append(group)
        for tool, groups in repeats.items():
            self._add_repeats(trace, tool, groups)
        for tool, groups in retries.items():
            self._add_retries(trace, tool, groups)

    def _add_repeats(self, trace: Trace, tool: str, groups: list[_IdenticalCalls]) -> None:
        seen = self._repeats.setdefault(tool, _Tool())
        seen.affected.add(trace.id, sum(len(group.repeated) for group in groups))
        for group in groups:
            seen.calls += len(group.repeated)
            for before, call in group.repeated:
                if before.output_digest is not None and call.output_digest is not None:
                    seen.same_answer += before.output_digest == call.output_digest
                    seen.other_answer += before.output_digest != call.output_digest
            seen.time += sum(call.duration for _, call in group.repeated)
            seen.add(trace.id, len(group.calls), group.calls[0])

    def _add_retries(self, trace: Trace, tool: str, groups: list[_IdenticalCalls]) -> None:
        seen = self._retries.setdefault(tool, _Tool())
        seen.affected.add(trace.id, sum(len(group.retried) for group in groups))
        for group in groups:
            seen.calls += len(group.retried)
            seen.tried += 1
            seen.recovered += not group.calls[-1].has_failed
            seen.time += sum(call.duration for call in group.retried)
            seen.add(trace.id, group.attempts, group.calls[0])

    def repeats(self) -> tuple[Repeat, ...]:
        """Return the repeated calls by tool, the most calls first."""
        found = (
            Repeat(
                tool=tool,
                calls=seen.calls,
                same_answer=seen.same_answer,
                other_answer=seen.other_answer,
                affected=seen.affected.count,
                most=seen.most,
                time=seen.time,
                arguments=seen.example.text(),
                traces=seen.affected.cited(),
            )
            for tool, seen in self._repeats.items()
        )
        return tuple(sorted(found, key=lambda repeat: (-repeat.calls, repeat.tool)))

    def retries(self) -> tuple[Retry, ...]:
        """Return the retried calls by tool, the most calls first."""
        found = (
            Retry(
                tool=tool,
                calls=seen.calls,
                tried=seen.tried,
                recovered=seen.recovered,
                affected=seen.affected.count,
                most=seen.most,
                time=seen.time,
                arguments=seen.example.text(),
                traces=seen.affected.cited(),
            )
            for tool, seen in self._retries.items()
        )
        return tuple(sorted(found, key=lambda retry: (-retry.calls, retry.tool)))


_MIN_ROUNDS: Final = 3
_MAX_CYCLE_LENGTH: Final = 6
"""The most calls in one round; longer cycles were not seen in practice, and each length takes one pass."""

_Key = tuple[str, str]


class _Loop:
    def __init__(self) -> None:
        self.most = 0
        self.affected = AffectedTraces()


class Loops:
    """Computes :class:`Loop` values from traces, which are added one at a time."""

    def __init__(self) -> None:
        self._loops: dict[tuple[str, ...], _Loop] = {}

    def add(self, trace: Trace) -> None:
        """Add a trace; a call without recorded arguments equals no other."""
        sequence = [(call.call, call.input_digest or f"?{call.span_id}") for call in trace.tools]
        found: dict[tuple[str, ...], int] = {}
        for tools, rounds in _find_cycles(sequence):
            found[tools] = max(rounds, found.get(tools, 0))
        for tools, rounds in found.items():
            seen = self._loops.setdefault(tools, _Loop())
            seen.most = max(seen.most, rounds)
            seen.affected.add(trace.id, rounds)

    def loops(self) -> tuple[Loop, ...]:
        """Return the loops, those in the most traces first."""
        found = (
            Loop(tools, seen.affected.count, seen.most, seen.affected.cited()) for tools, seen in self._loops.items()
        )
        return tuple(sorted(found, key=lambda loop: (-loop.affected, -loop.most, loop.tools)))


def _find_cycles(sequence: Sequence[_Key]) -> Iterator[tuple[tuple[str, ...], int]]:
    """Yield the tools of each cycle and its number of rounds, from the first call; the shortest cycle is taken."""
    start = 0
    while start < len(sequence):
        length, rounds = _cycle_at(sequence, start)
        if rounds >= _MIN_ROUNDS:
            yield tuple(tool for tool, _ in sequence[start : start + length]), rounds
            start += length * rounds
        else:
            start += 1


def _cycle_at(sequence: Sequence[_Key], start: int) -> tuple[int, int]:
    for length in range(1, _MAX_CYCLE_LENGTH + 1):
        end = start + length
        while end < len(sequence) and sequence[end] == sequence[end - length]:
            end += 1
        if (rounds := (end - start) // length) >= _MIN_ROUNDS:
            return length, rounds
    return 1, 1
