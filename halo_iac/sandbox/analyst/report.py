"""Figures as markdown: the report that is a run's first message."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from halo_iac.sandbox.analyst import sections
from halo_iac.sandbox.analyst.figures import Figures
from halo_iac.sandbox.analyst.wording import code, counted

_SECTIONS: Final[tuple[tuple[str, Callable[[Figures], list[str]]], ...]] = (
    ("Volume", sections.volume),
    ("Fixes to try, the weightiest first", sections.fixes),
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
A fix weighs the traces it affects times 4 for failures and stubborn retries, 3 for loops and steps left out, 2 for \
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
