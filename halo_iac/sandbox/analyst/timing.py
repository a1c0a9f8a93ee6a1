"""How long steps take, by name."""

from __future__ import annotations

from halo_iac.sandbox.analyst.figures import Timing
from halo_iac.sandbox.analyst.tally import Cited, Durations
from halo_iac.sandbox.analyst.trace import Trace


class _Step:
    def __init__(self) -> None:
        self.durations = Durations()
        self.count = self.affected = self.own = self.own_good = 0
        self.cited = Cited()


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
