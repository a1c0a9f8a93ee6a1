"""Spans in, figures out: every figure is a fold over whole traces, one at a time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from halo_iac.sandbox.analyst.calls import Calls
from halo_iac.sandbox.analyst.failures import Failures
from halo_iac.sandbox.analyst.figures import Figures, Window
from halo_iac.sandbox.analyst.fixes import fixes
from halo_iac.sandbox.analyst.loops import Loops
from halo_iac.sandbox.analyst.span import Span
from halo_iac.sandbox.analyst.steps import Steps
from halo_iac.sandbox.analyst.timing import Timings
from halo_iac.sandbox.analyst.trace import Trace
from halo_iac.sandbox.analyst.usage import Models, Outputs
from halo_iac.sandbox.analyst.volume import Volumes


def analyse(spans: Iterable[Span], window: Window, prompt: str = "", *, left_out: int = 0) -> Figures:
    """Return the figures of some spans; their order does not matter, and a span that comes twice counts once.

    ``left_out`` is how many spans of the window the span limit kept out. All spans are held at once; for windows too
    big for that see :func:`analyse_traces`.
    """
    traces: dict[str, list[Span]] = {}
    for span in spans:
        traces.setdefault(span.trace_id, []).append(span)
    return analyse_traces(traces.values(), window, prompt, left_out=left_out)


def analyse_traces(traces: Iterable[Iterable[Span]], window: Window, prompt: str = "", *, left_out: int = 0) -> Figures:
    """Return the same from whole traces, each coming once and none empty.

    Besides one trace at a time this keeps a few counters for every name, message and model, and eight bytes a span.
    """
    volumes, failures, timings, calls = Volumes(), Failures(), Timings(), Calls()
    loops, models, outputs, steps = Loops(), Models(), Outputs(), Steps()
    folds = (volumes, failures, timings, calls, loops, models, outputs, steps)
    for spans in traces:
        trace = Trace(spans)
        for fold in folds:
            fold.add(trace)
    figures = Figures(
        window=window,
        prompt=prompt,
        volume=volumes.volume(left_out),
        errors=failures.groups(),
        timings=timings.timings(),
        repeats=calls.repeats(),
        retries=calls.retries(),
        loops=loops.loops(),
        uncompared=calls.uncompared,
        models=models.models(),
        outputs=outputs.outputs(),
        skipped=steps.skipped(),
    )
    return replace(figures, fixes=fixes(figures))
