"""Tool calls that go round in a circle: the same sequence, arguments included, three or more times in a row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from halo_iac.sandbox.analyst.figures import Loop
from halo_iac.sandbox.analyst.tally import Cited
from halo_iac.sandbox.analyst.trace import Trace

_ROUNDS: Final = 3
_LONGEST: Final = 6
"""Calls in one round; longer circles were never seen in practice, and each length costs a pass."""

_Key = tuple[str, str]


class _Seen:
    def __init__(self) -> None:
        self.affected = self.most = 0
        self.cited = Cited()


class Loops:
    """Counts traces into :class:`Loop` values."""

    def __init__(self) -> None:
        self._loops: dict[tuple[str, ...], _Seen] = {}

    def add(self, trace: Trace) -> None:
        """Count a trace in; a call without arguments is like no other."""
        sequence = [(call.call, call.input_digest or f"?{call.span_id}") for call in trace.tools]
        found: dict[tuple[str, ...], int] = {}
        for tools, rounds in _circles(sequence):
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


def _circles(sequence: Sequence[_Key]) -> Iterator[tuple[tuple[str, ...], int]]:
    """Yield the tools of each circle and its rounds, from the left; the shortest circle counts."""
    start = 0
    while start < len(sequence):
        length, rounds = _circle_at(sequence, start)
        if rounds >= _ROUNDS:
            yield tuple(tool for tool, _ in sequence[start : start + length]), rounds
            start += length * rounds
        else:
            start += 1


def _circle_at(sequence: Sequence[_Key], start: int) -> tuple[int, int]:
    for length in range(1, _LONGEST + 1):
        end = start + length
        while end < len(sequence) and sequence[end] == sequence[end - length]:
            end += 1
        if (rounds := (end - start) // length) >= _ROUNDS:
            return length, rounds
    return 1, 1
