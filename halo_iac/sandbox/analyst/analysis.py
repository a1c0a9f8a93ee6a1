"""Computes the figures of spans; every figure is accumulated over whole traces, one at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Final

from halo_iac.sandbox.analyst import report_sections as sections
from halo_iac.sandbox.analyst.failures import Failures
from halo_iac.sandbox.analyst.figures import Figures, Window
from halo_iac.sandbox.analyst.fixes import propose_fixes
from halo_iac.sandbox.analyst.metrics import SkippedSteps, Timings, Volumes
from halo_iac.sandbox.analyst.model_usage import Models, Outputs
from halo_iac.sandbox.analyst.report_sections import code, counted
from halo_iac.sandbox.analyst.tool_calls import Calls, Loops
from halo_iac.sandbox.analyst.traces import Trace


def analyse_traces(traces: Iterable[Trace], window: Window, prompt: str = "", *, left_out: int = 0) -> Figures:
    """Return the figures of traces, each with all spans of the agent.

    ``left_out`` is the number of spans of the window that the span limit excluded. Memory holds one trace at a time, a
    few counters for each name, message and model, and eight bytes per span.
    """
    volumes, failures, timings, calls = Volumes(), Failures(), Timings(), Calls()
    loops, models, outputs, steps = Loops(), Models(), Outputs(), SkippedSteps()
    folds = (volumes, failures, timings, calls, loops, models, outputs, steps)
    for trace in traces:
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
        compared=steps.compared,
    )
    return replace(figures, fixes=propose_fixes(figures))


_SECTIONS: Final[tuple[tuple[str, Callable[[Figures], list[str]]], ...]] = (
    ("Volume", sections.volume),
    ("Fixes to try, most important first", sections.fixes),
    ("Errors", sections.errors),
    ("Slow spans: where the time goes", sections.time),
    ("Repeated tool calls", sections.repeats),
    ("Retries and loops", sections.retries),
    ("Tokens and cost", sections.models),
    ("Steps left out", sections.skipped),
)

_METHOD: Final = """\
Computed from the spans alone by the sandbox's analyst, a fixed program without a model behind it: the same spans \
give the same findings, whatever the prompt asks. Percentiles are nearest-rank. Errors are grouped by step and \
message, with numbers and ids taken out. Calls count as identical if tool and arguments are, character by character. \
A fix weighs the traces it affects times 4 for failures and unchanged retries, 3 for loops and steps left out, 2 for \
slow or costly steps and long answers, 1 for repeated calls. Cost is what the spans recorded."""


def render_report(figures: Figures) -> str:
    """Return the report, ending in one newline."""
    lines = ["# What the traces show", "", _summary(figures)]
    if figures.prompt.strip():
        lines += ["", f"Asked: {code(figures.prompt, 300)}"]
    shown = _SECTIONS if figures.volume.spans else _SECTIONS[:1]
    for title, section in shown:
        lines += ["", f"## {title}", "", *section(figures)]
    return "\n".join([*lines, "", "## How this was computed", "", _METHOD, ""])


def _summary(figures: Figures) -> str:
    seen = figures.volume
    if not seen.spans:
        return "No spans, so no findings."
    failed = f"{seen.failed_traces:,}" if seen.failed_traces else "none"
    looked = f"{counted(seen.traces, 'trace')}, {failed} of them with a failure."
    if not figures.fixes:
        return f"{looked} Nothing stands out that would need a fix."
    first = figures.fixes[0]
    return f"{looked} {counted(len(figures.fixes), 'fix', 'fixes')} to try, the first: {first.subject}."
