"""Volume, timings, and steps that some traces skip."""

from __future__ import annotations

from collections import Counter

from halo_iac.sandbox.analyst.figures import FEWEST_COMPARED, UNCOMPARED_KINDS, SkippedStep, Timing, Volume
from halo_iac.sandbox.analyst.model_usage import find_model_calls
from halo_iac.sandbox.analyst.statistics import AffectedTraces, Durations
from halo_iac.sandbox.analyst.traces import Trace


class _Kind:
    def __init__(self, earlier: AffectedTraces) -> None:
        self.having = 0
        self.names: Counter[str] = Counter()
        self.lacking = earlier


class SkippedSteps:
    """Computes :class:`SkippedStep` values from traces, which are added one at a time.

    ``compared`` is the number of traces examined.
    """

    def __init__(self) -> None:
        self.compared = 0
        self._all = AffectedTraces()
        self._kinds: dict[str, _Kind] = {}

    def add(self, trace: Trace) -> None:
        """Add a trace, if it is complete and did not fail."""
        if any(span.has_failed for span in trace.roots) or not trace.is_whole or not find_model_calls(trace):
            return
        names: dict[str, set[str]] = {}
        for span in trace.spans:
            if span.kind not in UNCOMPARED_KINDS:
                names.setdefault(span.kind, set()).add(span.name)
        for kind in names.keys() - self._kinds.keys():
            self._kinds[kind] = _Kind(self._all.copy())  # no trace so far has it
        self.compared += 1
        self._all.add(trace.id, len(trace.spans))
        for kind, seen in self._kinds.items():
            seen.names.update(names.get(kind, ()))
            if kind in names:
                seen.having += 1
            else:
                seen.lacking.add(trace.id, len(trace.spans))

    def skipped(self) -> tuple[SkippedStep, ...]:
        """Return the kinds of steps that at least half of the traces have, and not all."""
        if self.compared < FEWEST_COMPARED:
            return ()
        return tuple(
            SkippedStep(
                kind=kind,
                having=seen.having,
                affected=seen.lacking.count,
                names=tuple(sorted(seen.names, key=lambda name: (-seen.names[name], name))[:3]),
                traces=seen.lacking.cited(),
            )
            for kind, seen in sorted(self._kinds.items())
            if self.compared / 2 <= seen.having < self.compared
        )


class _Step:
    def __init__(self) -> None:
        self.durations = Durations()
        self.count = self.self_time = self.self_time_ok = 0
        self.affected = AffectedTraces()


class Timings:
    """Computes :class:`Timing` values from traces, which are added one at a time."""

    def __init__(self) -> None:
        self._steps: dict[tuple[str, str], _Step] = {}

    def add(self, trace: Trace) -> None:
        """Add a trace."""
        slowest: dict[tuple[str, str], int] = {}
        for span in trace.spans:
            key = (span.name, span.kind)
            step = self._steps.setdefault(key, _Step())
            self_time = trace.self_time(span)
            step.durations.add(span.duration)
            step.count += 1
            step.self_time += self_time
            step.self_time_ok += 0 if span.has_failed else self_time
            slowest[key] = max(span.duration, slowest.get(key, 0))
        for key, duration in slowest.items():
            self._steps[key].affected.add(trace.id, duration)

    def timings(self) -> tuple[Timing, ...]:
        """Return the steps, the greatest self time first."""
        found = (
            Timing(
                name=name,
                kind=kind,
                count=step.count,
                affected=step.affected.count,
                took=step.durations.percentiles(),
                self_time=step.self_time,
                self_time_ok=step.self_time_ok,
                traces=step.affected.cited(),
            )
            for (name, kind), step in self._steps.items()
        )
        return tuple(sorted(found, key=lambda timing: (-timing.self_time, timing.name, timing.kind)))


class Volumes:
    """Computes :class:`Volume` from traces, which are added one at a time."""

    def __init__(self) -> None:
        self._kinds: Counter[str] = Counter()
        self._lengths = Durations()
        self._traces = self._failed_spans = self._failed_traces = self._failed_roots = 0
        self._first: int | None = None
        self._last: int | None = None

    def add(self, trace: Trace) -> None:
        """Add a trace."""
        self._kinds.update(span.kind for span in trace.spans)
        self._lengths.add(trace.length)
        failed = [span for span in trace.spans if span.has_failed]
        self._traces += 1
        self._failed_spans += len(failed)
        self._failed_traces += bool(failed)
        self._failed_roots += any(span.has_failed for span in trace.roots)
        end = trace.start + trace.length
        self._first = trace.start if self._first is None else min(self._first, trace.start)
        self._last = end if self._last is None else max(self._last, end)

    def volume(self, left_out: int) -> Volume:
        """Return the volume; ``left_out`` is the number of spans that the span limit excluded."""
        return Volume(
            spans=self._kinds.total(),
            traces=self._traces,
            failed_spans=self._failed_spans,
            failed_traces=self._failed_traces,
            failed_roots=self._failed_roots,
            left_out=left_out,
            kinds=tuple(sorted(self._kinds.items(), key=lambda kind: (-kind[1], kind[0]))),
            first=self._first,
            last=self._last,
            lengths=self._lengths.percentiles() if self._traces else None,
        )
