"""What a person writes: the keys of a project file, their forms, and a line on each (docs/semantics.md#entry-fields).

Typed dictionaries rather than models: a key that is left out stays out, so that layers merge like any mappings, and
null is refused. No unions: a validator that turns one number into a list of one keeps the place of a problem exact.
What only holds between fields is checked in :mod:`halo_iac.load.entries`; :mod:`halo_iac.load.json_schema` says as much
of it as JSON Schema can. Annotations are no strings here: every command that reads a file would have pydantic compile
them.
"""

from collections.abc import Callable
from functools import cache
from typing import Annotated, Any, Final, Literal, Required

from pydantic import BeforeValidator, ConfigDict, Field, TypeAdapter, with_config
from pydantic_core import PydanticCustomError
from typing_extensions import TypedDict

from halo_iac.load.limits import MAX_COST, MAX_LIST, MAX_NUMBER, MAX_OLD_TITLES, MAX_PATTERN, MAX_PROMPT
from halo_iac.load.rule_settings import RuleSettings
from halo_iac.model.schedule import DAYS, MANAGED

IGNORED: Final = "x-"
"""How keys at the top of a file begin that hold anchors for the rest of it, and mean nothing themselves."""

KEY: Final = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$"
TIME: Final = r"(?:[01]?[0-9]|2[0-3]):[0-5][0-9]"
CRON: Final = r"^\s*(?:(?:\S+\s+){4}\S+|@[A-Za-z]+)\s*$"
LOOKBACK: Final = r"[1-9][0-9]{0,5}[hdw]"
ZONE: Final = r"[A-Za-z][A-Za-z0-9_+/-]*"
PINNED: Final = r"[!-~]{1,200}"
NAME: Final = r"\S(?:.*\S)?"

_NO_VARIABLE: Final = {
    "allOf": [{"pattern": r"^(?![\s\S]*\$\{)", "patternErrorMessage": "No variable is read: write the value itself."}]
}
"""In JSON Schema, a text that reads no variable: :mod:`halo_iac.load.loader` refuses it by itself."""

_SINGLE: Final = frozenset({int, str})
"""Types of their own right: a bool is no number here."""


def path_pattern(suffixes: str) -> str:
    """Return what paths look like for JSON Schema; :mod:`halo_iac.load.files` says of each what is wrong with it."""
    any_part = r"[^/\\\x00-\x1f\x7f]+"
    part = rf"(?!\.){any_part}"
    above = rf"(?:\.{{1,2}}/+)*\.\./+(?:{any_part}/+)*"  # the project file's own folders may be hidden
    return rf"^(?![A-Za-z]:)(?:{above}|(?:(?:\.{{1,2}}|{part})/+)*){part}\.(?:{suffixes})$"


def _in_list(value: object) -> object:
    """Put a single number or name into a list; leave everything else to the list's own check."""
    return [value] if type(value) in _SINGLE else value


def _names(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _day_number(value: object) -> int:
    if isinstance(value, str) and value in DAYS:
        return DAYS.index(value)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 6:
        return value
    raise PydanticCustomError("day", "a day")


def _number(name: str, description: str | None = None) -> Any:  # noqa: ANN401 - as pydantic's own
    """Return the bounds of a number of a schedule, and what it means with its default."""
    field = MANAGED[name]
    words = None if description is None else f"{description}; default: {field.default}."
    return Field(ge=field.least, le=field.most or MAX_NUMBER, description=words)


WrittenDay = Literal[0, 1, 2, 3, 4, 5, 6, "sun", "mon", "tue", "wed", "thu", "fri", "sat"]
Day = Annotated[int, BeforeValidator(_day_number, json_schema_input_type=WrittenDay)]
DayOfMonth = Annotated[int, _number("days_of_month")]
Hour = Annotated[int, _number("hours")]
Minute = Annotated[int, _number("minutes")]
Positive = Annotated[int, Field(ge=1, le=MAX_NUMBER)]
Name = Annotated[str, Field(pattern=f"^{NAME}$")]
LiteralName = Annotated[str, Field(pattern=f"^{NAME}$", json_schema_extra=_NO_VARIABLE)]
Reference = Annotated[str, Field(pattern=f"^{NAME}$")]
Time = Annotated[str, Field(pattern=f"^{TIME}$")]
IncludeGlob = Annotated[str, Field(min_length=1, json_schema_extra={"pattern": path_pattern("yaml|yml")})]
OldTitle = Annotated[str, Field(min_length=1)]


def _one_or_many(
    one: Any,  # noqa: ANN401 - a type form
    wrap: Callable[[object], object] = _in_list,
    most: int | None = None,
) -> BeforeValidator:
    """Let a single value stand for a list of one, in the JSON Schema as well."""
    several = Annotated[list[one], Field(min_length=1, max_length=most)]
    return BeforeValidator(wrap, json_schema_input_type=one | several)


Days = Annotated[list[Day], Field(min_length=1), _one_or_many(Day)]
DaysOfMonth = Annotated[list[DayOfMonth], Field(min_length=1), _one_or_many(DayOfMonth)]
Hours = Annotated[list[Hour], Field(min_length=1), _one_or_many(Hour)]
Minutes = Annotated[list[Minute], Field(min_length=1), _one_or_many(Minute)]
Times = Annotated[list[Time], Field(min_length=1), _one_or_many(Time, _names)]
OldTitles = Annotated[
    list[OldTitle], Field(min_length=1, max_length=MAX_OLD_TITLES), _one_or_many(OldTitle, _names, most=MAX_OLD_TITLES)
]


@with_config(ConfigDict(extra="forbid", strict=True))
class ScheduleFields(TypedDict, total=False):
    """Fields that `defaults` and `overrides` may hold as well as an entry."""

    agent: Annotated[
        Reference, Field(description="The agent: an alias from `agents`, its agent.id or agent.name, or its UUID.")
    ]
    timezone: Annotated[
        str,
        Field(
            pattern=f"^{ZONE}$",
            description="IANA time zone of hours and days; default: UTC.",
            examples=["America/Los_Angeles"],
        ),
    ]
    prompt: Annotated[
        str,
        Field(
            pattern=r"\S",
            max_length=MAX_PROMPT,
            description="What the analysis is asked to do; default: halo's own prompt, frozen for version 1, which is "
            "not the one that `inf` sends.",
        ),
    ]
    prompt_file: Annotated[
        str,
        Field(
            min_length=1,
            description="A .md or .txt file with the prompt, relative to the file that names it.",
            json_schema_extra={"pattern": path_pattern("md|txt")},
        ),
    ]
    model_id: Annotated[
        Reference,
        Field(description="Analysis model (`halo model list`); default: the platform's choice, which is not managed."),
    ]
    summarization_model_id: Annotated[
        Reference,
        Field(
            description="Summarization model (`halo model list --summarization`); default: the platform's "
            "choice, which is not managed."
        ),
    ]
    span_limit: Annotated[int, _number("span_limit", "How many spans a run reads at most")]
    lookback_hours: Annotated[int, _number("lookback_hours", "How many hours before a fire a run analyses")]
    lookback: Annotated[
        str,
        Field(
            pattern=f"^{LOOKBACK}$",
            description="The same as lookback_hours, in hours, days or weeks.",
            examples=["36h", "7d", "2w"],
        ),
    ]
    max_subagent_depth: Annotated[int, _number("max_subagent_depth", "How deep sub-agents may nest")]
    max_turns: Annotated[int, _number("max_turns", "How many turns an analysis may take")]
    enabled: Annotated[
        bool,
        Field(description="Whether it fires; default: true when created, later changes on the platform are kept."),
    ]


@with_config(ConfigDict(extra="forbid", strict=True))
class OverridableFields(ScheduleFields, total=False):
    """Fields of one schedule that an environment may replace."""

    frequency: Annotated[
        Literal["hourly", "daily", "weekly", "monthly"],
        Field(description="How often it fires; decides which other cadence fields are required."),
    ]
    days_of_week: Annotated[
        Days, Field(description="Days it fires on, sun to sat or 0 = Sunday to 6; for weekly only.")
    ]
    days_of_month: Annotated[DaysOfMonth, Field(description="Days it fires on, 1 to 31; for monthly only.")]
    hours: Annotated[Hours, Field(description="Hours it fires at, 0 to 23; not for hourly.")]
    minutes: Annotated[Minutes, Field(description="Minutes it fires at within each hour, 0 to 59; default: 0.")]
    at: Annotated[
        Times,
        Field(description="Times of day, in place of hours and minutes; every hour is combined with every minute."),
    ]
    cron: Annotated[
        str,
        Field(
            pattern=CRON,
            description="The whole cadence as a cron expression of five fields, in place of the other cadence fields.",
            examples=["0 9 * * 1-5"],
        ),
    ]
    state: Annotated[
        Literal["active", "archived"],
        Field(description="active, or archived to retire the schedule; an archived entry needs only title or id."),
    ]
    id: Annotated[
        str,
        Field(pattern=f"^{PINNED}$", description="Pins the entry to the schedule with this id."),
    ]
    findings: Annotated[RuleSettings, Field(description="Lint rules for this entry, in place of the project's.")]


@with_config(ConfigDict(extra="forbid", strict=True))
class EntryFields(OverridableFields, total=False):
    """One schedule."""

    title: Annotated[
        str, Field(min_length=1, description="The title, 1 to 200 characters; it identifies the schedule.")
    ]
    renamed_from: Annotated[
        OldTitles,
        Field(description="Earlier titles; a schedule with one of them is renamed. May stay after the rename."),
    ]


@with_config(ConfigDict(extra="forbid", strict=True))
class ScopeFields(TypedDict, total=False):
    """Which schedules of the platform this project manages; with both keys, a schedule must match both."""

    agents: Annotated[
        list[LiteralName],
        Field(
            min_length=1,
            max_length=MAX_LIST,
            description="Only schedules of these agents, named as in `agent`.",
        ),
    ]
    title_prefix: Annotated[
        str,
        Field(
            min_length=1,
            description="Only schedules whose title begins with this text.",
            json_schema_extra=_NO_VARIABLE,
        ),
    ]


Key = Annotated[str, Field(pattern=KEY)]
Schedules = Annotated[
    dict[Key, EntryFields],
    Field(description="The schedules, each under a key of letters, digits, - and _ that --target and messages use."),
]


@with_config(ConfigDict(extra="forbid", strict=True))
class OverridesFields(ScheduleFields, total=False):
    """What `overrides` may hold."""

    state: Annotated[
        Literal["archived"],
        Field(description="archived, so that only what `schedules` below makes active again runs."),
    ]
    schedules: Annotated[
        dict[Key, OverridableFields],
        Field(description="Values for single schedules, each under its entry's key; the strongest of all."),
    ]


@with_config(ConfigDict(extra="forbid", strict=True))
class IncludeFile(TypedDict):
    """A file named by `include`."""

    schedules: Schedules


@with_config(ConfigDict(extra="forbid", strict=True))
class PolicyFields(TypedDict, total=False):
    """A project file without its schedules, which are checked one by one, and its layers, which are checked apart."""

    version: Required[
        Annotated[
            int,
            Field(ge=1, le=1, description="The version of this format: 1.", json_schema_extra={"const": 1}),
        ]
    ]
    project: Annotated[
        str,
        Field(
            pattern=f"^{PINNED}$",
            description="The platform's project id; --project takes precedence.",
            json_schema_extra=_NO_VARIABLE,
        ),
    ]
    undeclared: Annotated[
        Literal["report", "archive", "error"],
        Field(
            description="What happens to active schedules in scope that no file declares: they are listed, archived, "
            "or make a plan fail; default: report."
        ),
    ]
    scope: Annotated[ScopeFields, Field(description="Which schedules this project manages; default: all.")]
    protect: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=MAX_PATTERN)]],
        Field(
            max_length=MAX_LIST,
            description="Globs of titles that are never archived or paused, or renamed to one that no glob matches.",
        ),
    ]
    include: Annotated[
        list[IncludeGlob],
        Field(max_length=MAX_LIST, description="Globs of further files, each with only `schedules`."),
    ]
    agents: Annotated[
        dict[Name, LiteralName],
        Field(description="Aliases for agents: your name for each, and its id, agent.id or agent.name."),
    ]
    findings: Annotated[RuleSettings, Field(description="What each lint rule reports: error, warning or off.")]
    max_runs_per_month: Annotated[
        Positive,
        Field(description="How many runs a month the declared schedules may have together; default: no limit."),
    ]
    cost_per_run: Annotated[
        float,
        Field(
            ge=0,
            le=MAX_COST,
            allow_inf_nan=False,
            description="What a run costs, in a currency of your own: plans then estimate the cost a month; default: "
            "no money is named.",
        ),
    ]


@with_config(ConfigDict(extra="forbid", strict=True))
class ProjectFile(PolicyFields, total=False):
    """A project file."""

    defaults: Annotated[ScheduleFields, Field(description="Values for fields that an entry does not set.")]
    overrides: Annotated[OverridesFields, Field(description="Values that replace those of the entries.")]
    schedules: Schedules


check_entry: Final[Callable[[object], Any]] = TypeAdapter(EntryFields).validator.validate_python
check_policy: Final[Callable[[object], Any]] = TypeAdapter(PolicyFields).validator.validate_python


def check_defaults(value: object) -> Any:  # noqa: ANN401 - as the others
    """Check `defaults`, which most projects are without."""
    return _validator(ScheduleFields).validate_python(value)


def check_overrides(value: object) -> Any:  # noqa: ANN401 - as the others
    """Check `overrides`, which most projects are without."""
    return _validator(OverridesFields).validate_python(value)


def check_override(value: object) -> Any:  # noqa: ANN401 - as the others
    """Check one of `overrides.schedules`."""
    return _validator(OverridableFields).validate_python(value)


@cache
def _validator(form: Any) -> TypeAdapter[Any]:  # noqa: ANN401 - a type form
    return TypeAdapter(form)
