"""The figures of an analysis as frozen values, from which the report and every follow-up answer are made.

Times are nanoseconds, costs are what the spans recorded.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final

Traces = tuple[str, ...]
"""Ids of traces that show a finding, at most a handful, the most telling first."""


@dataclass(frozen=True, slots=True)
class Window:
    """From when (inclusive) to when (exclusive) spans were looked at."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Percentiles:
    """The nearest-rank percentiles of some durations: each is one that was measured, none is interpolated."""

    p50: int
    p95: int
    p99: int
    most: int


@dataclass(frozen=True, slots=True)
class Volume:
    """How much there was to look at."""

    spans: int
    traces: int
    failed_spans: int
    failed_traces: int
    """Traces with at least one failed span."""
    failed_roots: int
    """Traces whose topmost span failed, so that the caller got no good answer."""
    left_out: int
    """Spans of the window that the span limit kept out."""
    kinds: tuple[tuple[str, int], ...]
    first: int | None
    last: int | None
    lengths: Percentiles | None
    """How long traces took, from their first start to their last end."""


@dataclass(frozen=True, slots=True)
class ErrorGroup:
    """Failures of one step with one message, numbers and ids left out of it."""

    name: str
    kind: str
    tool: str | None
    message: str
    count: int
    above: int
    """Those of them with a failed step beneath, of any agent, which they may only pass on."""
    elsewhere: int
    """Those of these where all failures beneath began in steps of other agents."""
    calls: int
    """How often the step was taken in total, for the rate."""
    affected: int
    """Traces with such a failure."""
    time: int
    """What the failed attempts took together."""
    example: str
    """What the earliest of them said, word for word, and what it returned."""
    traces: Traces


@dataclass(frozen=True, slots=True)
class Timing:
    """How long one step takes, by its name and kind."""

    name: str
    kind: str
    count: int
    affected: int
    took: Percentiles
    self_time: int
    """Time that passed in it and in no step beneath it, of any agent, all of them together."""
    self_time_ok: int
    """The same without the failed ones."""
    traces: Traces
    """The slowest first."""


@dataclass(frozen=True, slots=True)
class Repeat:
    """A tool called again in one trace with the same arguments although it had answered."""

    tool: str
    calls: int
    """Calls that had an earlier answer to use."""
    same_answer: int
    """Those of them that got the very same answer again."""
    other_answer: int
    """Those of them that got another one; of the rest at least one answer was not recorded."""
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
    """Calls that were tried again, each with however many attempts."""
    recovered: int
    """Those of them that came through in the end."""
    affected: int
    most: int
    """The most attempts at one call in one trace."""
    time: int
    arguments: str
    traces: Traces


@dataclass(frozen=True, slots=True)
class Loop:
    """One sequence of tool calls, arguments included, that came three or more times in a row in one trace."""

    tools: tuple[str, ...]
    affected: int
    most: int
    """The most rounds in one trace."""
    traces: Traces


@dataclass(frozen=True, slots=True)
class ModelUse:
    """What one model was used for and cost; ``model`` is ``None`` where spans do not name it."""

    model: str | None
    calls: int
    affected: int
    prompt_tokens: int | None
    """``None``, as in the next two, where no call recorded it."""
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
    """A tool whose answers are so long that the model reads little else."""

    tool: str
    calls: int
    affected: int
    most: int
    """Characters of the longest."""
    next_prompt: int | None
    """Prompt tokens of the first model call after it, where recorded."""
    traces: Traces


UNCOMPARED_KINDS: Final = ("AGENT", "CHAIN", "LLM", "SPAN", "TOOL")
"""Kinds of steps that every trace is made of, or that are the model's choice: that some lack them says nothing."""
FEWEST_COMPARED: Final = 5
"""Traces before anything is called a habit."""


@dataclass(frozen=True, slots=True)
class SkippedStep:
    """A kind of step, not one of :data:`UNCOMPARED_KINDS`, that most traces take and some leave out."""

    kind: str
    having: int
    lacking: int
    names: tuple[str, ...]
    traces: Traces
    """Some of those that lack it."""


class FixKind(StrEnum):
    """What a fix is about."""

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
    """Something to try, why, and how much it weighs: traces affected times the weight of its kind."""

    kind: FixKind
    subject: str
    advice: str
    evidence: str
    weight: int
    traces: Traces


@dataclass(frozen=True, slots=True)
class Figures:
    """Everything a report says.

    ``uncompared`` counts tool calls without arguments, which cannot be told apart, ``compared`` the traces in which
    skipped steps were looked for: those that are whole, did not fail and have a model call.
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
