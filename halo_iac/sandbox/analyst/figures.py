"""The figures of an analysis as frozen values, from which the report and every follow-up answer are made.

Times are nanoseconds, costs are what the spans recorded.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final

Traces = tuple[str, ...]
"""Ids of the few traces that show a finding best, the best first."""


@dataclass(frozen=True, slots=True)
class Window:
    """The time range of the spans: ``start`` is inclusive, ``end`` exclusive."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Percentiles:
    """The nearest-rank percentiles of durations: each is a measured duration, none is interpolated."""

    p50: int
    p95: int
    p99: int
    most: int


@dataclass(frozen=True, slots=True)
class Volume:
    """The number of spans and traces that were analysed."""

    spans: int
    traces: int
    failed_spans: int
    failed_traces: int
    """Traces with at least one failed span."""
    failed_roots: int
    """Traces whose root span failed, so that the caller got an error."""
    left_out: int
    """Spans of the window that the span limit excluded."""
    kinds: tuple[tuple[str, int], ...]
    first: int | None
    last: int | None
    lengths: Percentiles | None
    """The durations of traces, from their first start to their last end."""


@dataclass(frozen=True, slots=True)
class ErrorGroup:
    """Failures of one step with one message, without the numbers and ids in it."""

    name: str
    kind: str
    tool: str | None
    message: str
    count: int
    above: int
    """Failures with a failed step of any agent below them, which they may only propagate."""
    elsewhere: int
    """Those of ``above`` for which all failures below began in steps of other agents."""
    calls: int
    """All executions of the step, for the failure rate."""
    affected: int
    """Traces with such a failure."""
    time: int
    """The total self time of the failed executions."""
    example: str
    """The message and the output of the earliest failure, unchanged."""
    traces: Traces


@dataclass(frozen=True, slots=True)
class Timing:
    """The durations of one step, identified by name and kind."""

    name: str
    kind: str
    count: int
    affected: int
    took: Percentiles
    self_time: int
    """The total time spent in the step and not in steps of any agent below it."""
    self_time_ok: int
    """The same without failed executions."""
    traces: Traces
    """Traces in which it was slowest, the slowest first."""


@dataclass(frozen=True, slots=True)
class Repeat:
    """A tool called again in one trace with the same arguments although it had answered."""

    tool: str
    calls: int
    """Calls for which there was an earlier result."""
    same_answer: int
    """Those of ``calls`` that returned an equal result."""
    other_answer: int
    """Those of ``calls`` that returned another result; for the rest a result was not recorded."""
    affected: int
    most: int
    """The most times one call was made in one trace."""
    time: int
    arguments: str
    traces: Traces


@dataclass(frozen=True, slots=True)
class Retry:
    """A tool called again in one trace with the same arguments after it had failed."""

    tool: str
    calls: int
    """Repeated attempts, without the first."""
    tried: int
    """Calls that were retried, each counted once."""
    recovered: int
    """Those of ``tried`` that succeeded in the end."""
    affected: int
    most: int
    """The most attempts at one call in one trace."""
    time: int
    arguments: str
    traces: Traces


@dataclass(frozen=True, slots=True)
class Loop:
    """A sequence of tool calls with equal arguments that occurred three or more times in a row in one trace."""

    tools: tuple[str, ...]
    affected: int
    most: int
    """The most rounds in one trace."""
    traces: Traces


@dataclass(frozen=True, slots=True)
class ModelUse:
    """The use and the cost of one model; ``model`` is ``None`` if the spans do not name it."""

    model: str | None
    calls: int
    affected: int
    prompt_tokens: int | None
    """``None``, as are the next two, if no call recorded it."""
    completion_tokens: int | None
    total_tokens: int | None
    uncounted: int
    """Calls without token counts."""
    partial: int
    """Calls with some token counts and without others."""
    cost: Decimal
    unpriced: int
    """Calls without a cost."""
    steps: tuple[str, ...]
    """Names of the spans that call it, the most frequent first."""
    traces: Traces
    """The most costly first, then those with the most tokens."""


@dataclass(frozen=True, slots=True)
class LargeOutput:
    """A tool whose results are so long that they fill the context of the model."""

    tool: str
    calls: int
    affected: int
    most: int
    """The number of characters of its longest result."""
    next_prompt: int | None
    """Prompt tokens of the first model call after that result; ``None`` if not recorded."""
    traces: Traces


UNCOMPARED_KINDS: Final = ("AGENT", "CHAIN", "LLM", "SPAN", "TOOL")
"""Kinds of steps that occur in every trace, or that the model chooses: traces without them are not unusual."""
FEWEST_COMPARED: Final = 5
"""The fewest traces from which usual steps are determined."""


@dataclass(frozen=True, slots=True)
class SkippedStep:
    """A kind of step, not one of :data:`UNCOMPARED_KINDS`, that most traces have and some lack."""

    kind: str
    having: int
    affected: int
    """Traces that lack it."""
    names: tuple[str, ...]
    traces: Traces
    """Examples of the traces that lack it."""


Finding = ErrorGroup | Timing | Repeat | Retry | Loop | ModelUse | LargeOutput | SkippedStep
"""A figure that a fix may be proposed for; ``affected`` is the number of its traces."""


class FixKind(StrEnum):
    """The kind of finding that a fix is for."""

    ERROR = "error"
    RETRY = "retry"
    LOOP = "loop"
    REPEAT = "repeat"
    SLOW = "slow"
    COST = "cost"
    OUTPUT = "output"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Fix:
    """A suggestion with its reason; ``weight`` is the number of affected traces times the weight of its kind."""

    kind: FixKind
    subject: str
    advice: str
    evidence: str
    weight: int
    traces: Traces


@dataclass(frozen=True, slots=True)
class Figures:
    """Everything a report says.

    ``uncompared`` is the number of tool calls without recorded arguments, ``compared`` the number of traces that were
    searched for skipped steps: those that are complete, did not fail and have a model call.
    """

    window: Window
    prompt: str
    volume: Volume
    errors: tuple[ErrorGroup, ...]
    timings: tuple[Timing, ...]
    repeats: tuple[Repeat, ...]
    retries: tuple[Retry, ...]
    loops: tuple[Loop, ...]
    uncompared: int
    models: tuple[ModelUse, ...]
    outputs: tuple[LargeOutput, ...]
    skipped: tuple[SkippedStep, ...]
    compared: int
    fixes: tuple[Fix, ...] = ()
