"""Steps that most traces take and some leave out, such as an answer that was given without looking anything up.

Only kinds whose absence is a risk are looked at, only in traces that hang together, called a model and did not fail,
and only where taking the step is clearly the habit: an agent may have good reasons, and a finding should be one.
"""

from __future__ import annotations

from collections import Counter
from typing import Final

from halo_iac.sandbox.analyst.figures import SkippedStep
from halo_iac.sandbox.analyst.tally import Cited
from halo_iac.sandbox.analyst.trace import Trace
from halo_iac.sandbox.analyst.usage import model_calls

_KINDS: Final = ("GUARDRAIL", "RERANKER", "RETRIEVER")
_FEWEST: Final = 5
"""Traces before anything is called a habit."""


class _Kind:
    def __init__(self) -> None:
        self.having = 0
        self.names: Counter[str] = Counter()
        self.lacking = Cited()


class Steps:
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
