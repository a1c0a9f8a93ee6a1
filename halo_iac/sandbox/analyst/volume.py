"""How much there is: spans, traces, kinds, failures, and how long traces take."""

from __future__ import annotations

from collections import Counter

from halo_iac.sandbox.analyst.figures import Volume
from halo_iac.sandbox.analyst.tally import Durations
from halo_iac.sandbox.analyst.trace import Trace


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
