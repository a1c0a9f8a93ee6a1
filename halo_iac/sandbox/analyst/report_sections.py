"""The sections of a report; answers to follow-up questions use the same sections, so that both agree."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from halo_iac.sandbox.analyst.figures import (
    FEWEST_COMPARED,
    UNCOMPARED_KINDS,
    ErrorGroup,
    Figures,
    ModelUse,
    Percentiles,
    Repeat,
    Retry,
    Timing,
    Traces,
    Volume,
)
from halo_iac.sandbox.analyst.statistics import share

_SHOWN: Final = 120
_HIDDEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_RUNNER: Final = re.compile(r"(##(?:vso)?)(?=\[)", re.IGNORECASE)
"""Text that a CI runner takes for a command anywhere in a line."""

_SECOND: Final = 1_000_000_000
_UNITS: Final = ((_SECOND, "s"), (1_000_000, "ms"), (1_000, "µs"))


def code(text: str, most: int = _SHOWN) -> str:
    """Return untrusted text as one code span, cut to ``most`` characters; invisible characters become ``�``."""
    plain = " ".join("".join("�" if _is_hidden(one) else one for one in text[: most * 4]).split())
    plain = _RUNNER.sub(r"\1\\", plain if len(plain) <= most else f"{plain[: most - 1]}…")
    if not plain:
        return "(empty)"
    fence = "`" * (max((len(run) for run in re.findall("`+", plain)), default=0) + 1)
    pad = " " if plain[0] == "`" or plain[-1] == "`" else ""
    return f"{fence}{pad}{plain}{pad}{fence}"


def _is_hidden(character: str) -> bool:
    return not character.isspace() and unicodedata.category(character) in _HIDDEN


def cite(traces: Traces) -> str:
    """Return the ids of traces, uncut, so that they can be searched for."""
    return ", ".join(code(trace_id) for trace_id in traces)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return the lines of a table; a head that starts with ``#`` is a column of numbers."""
    marks = ["---:" if name.startswith("#") else "---" for name in head]
    lines = [_row([name.removeprefix("#") for name in head]), _row(marks)]
    return lines + [_row([cell.replace("|", "\\|") for cell in row]) for row in rows]


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def counted(number: int, word: str, plural: str | None = None) -> str:
    """Return ``1 trace``, ``1,200 traces``."""
    return f"{number:,} {word if number == 1 else plural or word + 's'}"


def format_duration(duration: int) -> str:
    """Return a duration in nanoseconds with three significant digits at most: ``1.64 s``, ``320 ms``, ``2 min 5 s``."""
    if duration >= 3600 * _SECOND:
        minutes = (duration + 30 * _SECOND) // (60 * _SECOND)
        return f"{minutes // 60:,} h {minutes % 60} min"
    if duration >= 100 * _SECOND:
        seconds = (2 * duration + _SECOND) // (2 * _SECOND)
        return f"{seconds // 60} min {seconds % 60} s"
    for unit, name in _UNITS:
        if duration >= unit:
            return f"{_three_digits(duration, unit)} {name}"
    return f"{duration} ns"


def _three_digits(number: int, unit: int) -> str:
    decimals = 2 if number < 10 * unit else 1 if number < 100 * unit else 0
    scaled = (2 * number * 10**decimals + unit) // (2 * unit)
    whole, parts = divmod(scaled, 10**decimals)
    return f"{whole}.{parts:0{decimals}d}" if decimals else str(whole)


def format_cost(amount: Decimal) -> str:
    """Return a cost with four decimals, or as many as a smaller one needs to show two digits."""
    if not amount:
        return "0"
    decimals = max(4, 1 - amount.adjusted())
    return f"{amount:,.{decimals}f}"


def format_instant(nanoseconds: int) -> str:
    """Return an instant in UTC to the second."""
    return f"{datetime.fromtimestamp(nanoseconds // _SECOND, UTC):%Y-%m-%d %H:%M:%S} UTC"


def join_and(words: Sequence[str]) -> str:
    """Return ``a, b and c``."""
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))


ROWS: Final = 12
"""The most rows of a table; the rest is counted in a line below it."""

Lines = list[str]


def volume(figures: Figures) -> Lines:
    """Return the lines on the number of spans and traces."""
    seen = figures.volume
    window = f"from {format_instant(figures.window.start)} to {format_instant(figures.window.end)}"
    if seen.lengths is None or seen.first is None or seen.last is None:
        return [f"There are no spans {window}."]
    p50, p95, p99, most = _format_percentiles(seen.lengths)
    kinds = join_and([f"{count:,} {code(kind)}" for kind, count in seen.kinds])
    lines = [
        f"- Window: {window}; spans were recorded from {format_instant(seen.first)} to {format_instant(seen.last)}.",
        f"- {counted(seen.traces, 'trace')}, {counted(seen.spans, 'span')}: {kinds}.",
        f"- A trace takes {p50} (p50), {p95} (p95), {p99} (p99), at most {most}.",
        f"- {_failed(seen)}",
    ]
    if seen.left_out:
        lines.append(f"- The span limit left out {counted(seen.left_out, 'more span')} of this window.")
    return lines


def _format_percentiles(found: Percentiles) -> tuple[str, str, str, str]:
    p50, p95, p99, most = map(format_duration, (found.p50, found.p95, found.p99, found.most))
    return p50, p95, p99, most


def _failed(seen: Volume) -> str:
    if not seen.failed_spans:
        return "No span failed."
    spans, traces = counted(seen.failed_spans, "span"), counted(seen.failed_traces, "trace")
    rate = share(seen.failed_traces, seen.traces)
    return f"{spans} failed, in {traces} ({rate} %); {counted(seen.failed_roots, 'trace')} failed as a whole."


def fixes(figures: Figures) -> Lines:
    """Return the lines on suggested fixes, ranked."""
    if not figures.fixes:
        return ["Nothing stands out that would need a fix."]
    lines: Lines = []
    for number, fix in enumerate(figures.fixes[:ROWS], 1):
        lines += [
            f"{number}. **{fix.subject}.** {fix.evidence}",
            f"   - Try: {fix.advice}",
            f"   - Traces: {cite(fix.traces)}",
        ]
    return lines + _more(len(figures.fixes), "fix", "fixes")


def errors(figures: Figures) -> Lines:
    """Return the lines on failures by group."""
    if not figures.errors:
        return ["No span reports an error."]
    head = ("Step", "Message", "#Failed", "#Of calls", "#Traces", "Examples")
    lines = table(head, (_error_row(group) for group in figures.errors[:ROWS]))
    lines += _more(len(figures.errors), "group")
    said = [group for group in figures.errors[:ROWS] if group.example not in {"", group.message}]
    lines += [""] if said else []
    lines += [f"- {code(group.name)} said, for instance: {code(group.example, 300)}" for group in said]
    return lines + _passed_on(figures.errors)


def _passed_on(groups: Sequence[ErrorGroup]) -> Lines:
    elsewhere = sum(group.elsewhere for group in groups)
    if not any(group.above for group in groups):
        return []
    lines = ["", "† has a failed step beneath it, and may only pass that failure on."]
    if elsewhere:
        lines[-1] += f" Of {counted(elsewhere, 'failure')} the failed step is another agent's, whose own report has it."
    return lines


def _error_row(group: ErrorGroup) -> Sequence[str]:
    mark = f" (†{group.above:,})" if group.above else ""
    rate = f"{group.calls:,} ({share(group.count, group.calls)} %)"
    message = code(group.message) if group.message else "no message"
    step = _step(group.name, group.kind)
    return (step, message, f"{group.count:,}{mark}", rate, f"{group.affected:,}", cite(group.traces))


def time(figures: Figures) -> Lines:
    """Return the lines on the time that steps take."""
    if not figures.timings:
        return ["There is nothing to time."]
    whole = sum(timing.self_time for timing in figures.timings)
    head = ("Step", "#Count", "#p50", "#p95", "#p99", "#Longest", "#Own time", "Slowest in")
    lines = table(head, (_timing_row(timing, whole) for timing in figures.timings[:ROWS]))
    lines += _more(len(figures.timings), "step")
    return [
        *lines,
        "",
        "Own time is what passes in a step and in no step beneath it, of whatever agent, all its spans together.",
    ]


def _timing_row(timing: Timing, whole: int) -> Sequence[str]:
    self_time = f"{format_duration(timing.self_time)} ({share(timing.self_time, whole)} %)"
    durations = _format_percentiles(timing.took)
    return (_step(timing.name, timing.kind), f"{timing.count:,}", *durations, self_time, cite(timing.traces[:1]))


def repeats(figures: Figures) -> Lines:
    """Return the lines on tool calls repeated after they had succeeded."""
    lines: Lines = ["No tool is called twice with the same arguments within a trace, other than after a failure."]
    if figures.repeats:
        head = ("Tool", "#Repeated", "#Same answer", "#Most in a trace", "#Time", "#Traces", "For instance", "Examples")
        lines = table(head, (_repeat_row(repeat) for repeat in figures.repeats[:ROWS]))
        lines += _more(len(figures.repeats), "tool")
    if figures.uncompared:
        lines += ["", f"{counted(figures.uncompared, 'tool call')} could not be compared: no arguments were recorded."]
    return lines


def _repeat_row(repeat: Repeat) -> Sequence[str]:
    numbers = (f"{repeat.calls:,}", f"{repeat.same_answer:,}", f"{repeat.most:,}")
    spread = (format_duration(repeat.time), f"{repeat.affected:,}")
    return (code(repeat.tool), *numbers, *spread, code(repeat.arguments, 80), cite(repeat.traces))


def retries(figures: Figures) -> Lines:
    """Return the lines on calls retried after a failure, and on loops."""
    lines: Lines = ["No failed tool call is tried again with the same arguments."]
    if figures.retries:
        head = ("Tool", "#Retries", "#Most in a row", "#Came through", "#Time", "#Traces", "For instance", "Examples")
        lines = table(head, (_retry_row(retry) for retry in figures.retries[:ROWS]))
        lines += _more(len(figures.retries), "tool")
    return [*lines, "", *_loops(figures)]


def _retry_row(retry: Retry) -> Sequence[str]:
    numbers = (f"{retry.calls:,}", f"{retry.most:,}", f"{retry.recovered:,} of {retry.tried:,}")
    spread = (format_duration(retry.time), f"{retry.affected:,}")
    return (code(retry.tool), *numbers, *spread, code(retry.arguments, 80), cite(retry.traces))


def _loops(figures: Figures) -> Lines:
    if not figures.loops:
        return ["No sequence of tool calls comes three times in a row."]
    head = ("Sequence, arguments included", "#Most rounds", "#Traces", "Examples")
    rows = (
        (" → ".join(map(code, loop.tools)), f"{loop.most:,}", f"{loop.affected:,}", cite(loop.traces))
        for loop in figures.loops[:ROWS]
    )
    return [*table(head, rows), *_more(len(figures.loops), "sequence")]


def models(figures: Figures) -> Lines:
    """Return the lines on tokens and cost by model, and on tool results that fill the context."""
    if not figures.models:
        return ["No model call is recorded.", *_outputs(figures)]
    whole = sum((use.cost for use in figures.models), Decimal(0))
    head = ("Model", "#Calls", "#Prompt", "#Completion", "#Tokens", "#Cost", "#Of the cost", "Used by", "Most in")
    lines = table(head, (_model_row(use, whole) for use in figures.models[:ROWS]))
    return [*lines, *_more(len(figures.models), "model"), "", _sums(figures.models, whole), *_outputs(figures)]


def _sums(models: Sequence[ModelUse], whole: Decimal) -> str:
    calls, unpriced = sum(use.calls for use in models), sum(use.unpriced for use in models)
    uncounted, partial = sum(use.uncounted for use in models), sum(use.partial for use in models)
    tokens = counted(sum(use.total_tokens or 0 for use in models), "token") if uncounted < calls else "no token counts"
    amount = "no cost was recorded" if unpriced == calls else f"cost {format_cost(whole)}"
    said = [f"Together {tokens} in {counted(calls, 'model call')}; {amount}."]
    if 0 < uncounted < calls:
        said.append(f"{counted(uncounted, 'call')} recorded no token counts, so the true number is higher.")
    if partial:
        said.append(f"{counted(partial, 'call')} recorded only some of the token counts.")
    if 0 < unpriced < calls:
        said.append(f"{counted(unpriced, 'call')} recorded no cost, so the true cost is higher.")
    return " ".join(said)


def _model_row(use: ModelUse, whole: Decimal) -> Sequence[str]:
    is_priced = use.unpriced < use.calls
    return (
        code(use.model) if use.model else "not named",
        f"{use.calls:,}",
        *map(_recorded, (use.prompt_tokens, use.completion_tokens, use.total_tokens)),
        format_cost(use.cost) if is_priced else "—",
        f"{round(100 * use.cost / whole)} %" if is_priced and whole else "—",
        join_and([code(step) for step in use.steps]),
        cite(use.traces[:1]),
    )


def _recorded(count: int | None) -> str:
    return "—" if count is None else f"{count:,}"


def _outputs(figures: Figures) -> Lines:
    return [
        line
        for output in figures.outputs[:ROWS]
        for line in (
            "",
            f"{code(output.tool)} gave {counted(output.calls, 'long answer')}, up to {output.most:,} characters"
            + (f"; the model call after it read {output.next_prompt:,} prompt tokens" if output.next_prompt else "")
            + f": {cite(output.traces)}",
        )
    ]


def skipped(figures: Figures) -> Lines:
    """Return the lines on steps that some traces lack, and on the kinds of steps compared."""
    kinds = join_and([code(kind) for kind in UNCOMPARED_KINDS])
    return [*_skipped(figures), "", f"Looked at: steps of every kind but {kinds}."]


def _skipped(figures: Figures) -> Lines:
    if figures.compared < FEWEST_COMPARED:
        found = counted(figures.compared, "trace")
        return [f"Too few traces to compare: {found} came whole and did not fail, of the {FEWEST_COMPARED} it takes."]
    if not figures.skipped:
        return ["No kind of step that most traces take is left out by some."]
    return [
        f"- {step.affected:,} of {counted(step.having + step.affected, 'trace')} that did not fail have no "
        f"{code(step.kind)} step ({join_and([code(name) for name in step.names])} elsewhere): {cite(step.traces)}"
        for step in figures.skipped
    ]


def _step(name: str, kind: str) -> str:
    return f"{code(name, 60)} {code(kind, 20)}"


def _more(count: int, word: str, plural: str | None = None) -> Lines:
    if count <= ROWS:
        return []
    return ["", f"… and {counted(count - ROWS, f'more {word}', f'more {plural}' if plural else None)}."]
