"""The comparable form: what a schedule is, whichever side it comes from (docs/semantics.md#diff)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from operator import attrgetter
from types import NoneType
from typing import Annotated, Any, Final, NamedTuple

from halo_iac.model import Described, Document
from halo_iac.model.zones import is_same_zone


class Frequency(StrEnum):
    """How often a schedule fires; decides which other parts of its cadence mean anything."""

    HOURLY = "hourly"
    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"


DAYS: Final = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
"""The days of the week as project files name them, by the platform's numbers."""

CADENCE_PARTS: Final = ("days_of_week", "days_of_month", "hours", "minutes")
"""The fields that define when a frequency fires."""

RELEVANT_PARTS: Final[dict[str, frozenset[str]]] = {
    Frequency.HOURLY: frozenset({"minutes"}),
    Frequency.DAILY: frozenset({"hours", "minutes"}),
    Frequency.WEEKLY: frozenset({"days_of_week", "hours", "minutes"}),
    Frequency.MONTHLY: frozenset({"days_of_month", "hours", "minutes"}),
}
"""The parts of a cadence that each frequency reads; the platform stores the others, and they are not compared."""


Numbers = tuple[int, ...]
"""A part of a cadence: sorted and unique."""


class Cadence(NamedTuple):
    """When a schedule fires: the cross product of its parts, read in ``timezone`` (docs/protocol.md#values)."""

    frequency: str
    days_of_week: Numbers
    days_of_month: Numbers
    hours: Numbers
    minutes: Numbers
    timezone: str


Value = str | int | bool | Numbers | None
"""What a field of a :class:`Spec` can hold."""


@dataclass(frozen=True, slots=True)
class Spec(Document):
    """One schedule in comparable form, fields in the order of the project file.

    Sets of numbers are sorted and unique; parts that the frequency ignores are empty; the prompt has LF line ends and
    no trailing white space. ``None`` in ``model_id``, ``summarization_model_id`` and ``enabled`` means "not managed" on
    the declared side. ``agent`` is a reference as written until :mod:`halo_iac.resolve` has put the agent's id there.
    """

    title: Annotated[str, Described("The title, which is the identity.")]
    agent: Annotated[str, Described("The agent's UUID.")]
    frequency: Annotated[str, Described("hourly, daily, weekly or monthly.")]
    days_of_week: Annotated[Numbers, Described("0 = Sunday to 6 = Saturday; weekly only.")]
    days_of_month: Annotated[Numbers, Described("1 to 31; monthly only.")]
    hours: Annotated[Numbers, Described("0 to 23; empty for hourly.")]
    minutes: Annotated[Numbers, Described("0 to 59.")]
    timezone: Annotated[str, Described("IANA time zone of hours and days.")]
    prompt: Annotated[str, Described("Instructions for the analysis.")]
    model_id: Annotated[str | None, Described("Analysis model; null where it is the platform's choice.")]
    summarization_model_id: Annotated[
        str | None, Described("Summarization model; null where it is the platform's choice.")
    ]
    span_limit: Annotated[int, Described("Maximum number of spans a run reads.")]
    lookback_hours: Annotated[int, Described("How many hours before a fire a run analyses.")]
    max_subagent_depth: Annotated[int, Described("How deep sub-agents may nest.")]
    max_turns: Annotated[int, Described("Maximum number of turns of an analysis.")]
    enabled: Annotated[bool | None, Described("Whether it fires; null where the operator decides.")]

    @property
    def cadence(self) -> Cadence:
        """Return when it fires."""
        return Cadence(self.frequency, self.days_of_week, self.days_of_month, self.hours, self.minutes, self.timezone)

    def with_agent(self, agent: str) -> Spec:
        """Return a copy with another agent; ``replace`` would take twice as long for every declared schedule."""
        return Spec(self.title, agent, *_after_agent(self))

    def filled_from(self, actual: Spec) -> Spec:
        """Return a copy with unmanaged fields set to the platform's values, so that equality means "as desired".

        Of two names of one time zone the platform's is used: it may answer with another than was sent.
        """
        choices: tuple[Value, ...] = _choices(self)
        if None not in choices and self.timezone == actual.timezone:
            return self
        return replace(
            self,
            timezone=actual.timezone if is_same_zone(self.timezone, actual.timezone) else self.timezone,
            **{
                name: getattr(actual, name)
                for name, chosen in zip(UNMANAGED_WHEN_LEFT_OUT, choices, strict=True)
                if chosen is None
            },
        )


def number_set(numbers: Collection[int]) -> Numbers:
    """Return the numbers sorted and unique, as they are compared."""
    return tuple(numbers) if len(numbers) < 2 else tuple(sorted(set(numbers)))


def normalized_prompt(text: str) -> str:
    """Return a prompt with LF line ends and no trailing white space, as it is compared (docs/semantics.md#diff)."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text.rstrip()


def relevant_parts(frequency: str, parts: Mapping[str, Any]) -> tuple[Numbers, Numbers, Numbers, Numbers]:
    """Return the parts of a cadence in the order of ``CADENCE_PARTS``, those that the frequency ignores empty."""
    relevant = RELEVANT_PARTS[frequency]
    week_days, month_days, hours, minutes = [
        number_set(parts[name]) if name in relevant else () for name in CADENCE_PARTS
    ]
    return week_days, month_days, hours, minutes


MINUTES: Final = (0,)
ENABLED_ON_CREATE: Final = True

PROMPT: Final = """\
Review this agent's traces in the window. Report, most costly first:
1. Errors and failed tool calls: how often, since when, the likely cause, and trace ids to look at.
2. Anomalies: behaviour that differs from most other traces of the window.
3. Inefficiencies: repeated calls, loops, needless tokens, slow steps.
4. Fixes: concrete changes to prompts, tools or code, each with the evidence for it.
Say so plainly when there is nothing to report."""


class ManagedField(NamedTuple):
    """The properties of a field of a :class:`Spec`.

    ``wire`` is the platform's name, ``types`` what the platform may hold there, ``default`` what the field means where
    no layer gives it: ``REQUIRED``, a value, or ``None`` for "as it is on the platform". ``least`` and ``most`` bound a
    number; without ``most`` it is as large as any number of a project file may be.
    """

    wire: str
    types: tuple[type, ...]
    default: Any
    least: int = 1
    most: int | None = None


REQUIRED: Final = object()

_TEXT: Final = (str,)
_NUMBER: Final = (int,)
_MODEL: Final = (str, NoneType)

MANAGED: Final[dict[str, ManagedField]] = {
    "title": ManagedField("title", _TEXT, REQUIRED),
    "agent": ManagedField("agentUuid", _TEXT, REQUIRED),
    "frequency": ManagedField("frequency", _TEXT, REQUIRED),
    "days_of_week": ManagedField("daysOfWeek", (list,), REQUIRED, 0, 6),
    "days_of_month": ManagedField("daysOfMonth", (list,), REQUIRED, 1, 31),
    "hours": ManagedField("hours", (list,), REQUIRED, 0, 23),
    "minutes": ManagedField("minutes", (list,), REQUIRED, 0, 59),
    "timezone": ManagedField("timezone", _TEXT, "UTC"),
    "prompt": ManagedField("prompt", _TEXT, PROMPT),
    "model_id": ManagedField("modelId", _MODEL, None),
    "summarization_model_id": ManagedField("summarizationModelId", _MODEL, None),
    "span_limit": ManagedField("spanLimit", _NUMBER, 10_000),
    "lookback_hours": ManagedField("lookbackHours", _NUMBER, 24),
    "max_subagent_depth": ManagedField("maxSubagentDepth", _NUMBER, 3, most=5),
    "max_turns": ManagedField("maxTurns", _NUMBER, 50, most=100),
    "enabled": ManagedField("enabled", (bool,), None),
}
"""A row for each field, in the order of :class:`Spec`: for reading files and their schema, and for comparing, sending
and importing schedules. How a field is written in a project file is in :mod:`halo_iac.load.fields`."""

FIELDS: Final[tuple[str, ...]] = tuple(MANAGED)
"""The names of a spec's fields, in order; the keys of an entry that reach the platform."""

WIRE_NAMES: Final[dict[str, str]] = {name: field.wire for name, field in MANAGED.items()}
"""Our field names → the platform's."""

BUILT_IN: Final[dict[str, Any]] = {
    name: field.default for name, field in MANAGED.items() if field.default is not REQUIRED
}
"""The values of the fields that no layer sets."""

UNMANAGED_WHEN_LEFT_OUT: Final = tuple(name for name, default in BUILT_IN.items() if default is None)
"""Fields for which "left out" means "as it is", not a default (docs/semantics.md#left-out)."""

MODEL_FIELDS: Final = tuple(name for name, field in MANAGED.items() if field.types is _MODEL)
"""Fields that name a model."""

NUMBERS: Final = tuple(name for name, field in MANAGED.items() if field.types is _NUMBER)
"""Fields that hold one number."""

_after_agent: Final = attrgetter(*FIELDS[FIELDS.index("agent") + 1 :])
_choices: Final = attrgetter(*UNMANAGED_WHEN_LEFT_OUT)
