"""The keys of a project file, their forms, and a one-line description of each (docs/semantics.md#entry-fields).

The forms are pydantic-core schemas, which validate values directly; :mod:`halo_iac.load.json_schema` has pydantic
generate JSON Schemas from them. Typed dictionaries could express the same, but pydantic would compile them in every
command that reads a file, which takes longer than the rest of the command (docs/decisions/0031-core-schemas.md).

Mappings rather than models: an omitted key stays omitted, so that layers can be merged, and null is refused. No unions:
a validator that turns one number into a list of one keeps the position of a problem exact. Rules between fields are
checked in :mod:`halo_iac.load.entries`.
"""

from collections.abc import Callable, Collection, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from pydantic_core import PydanticCustomError, SchemaValidator
from pydantic_core.core_schema import (
    CoreSchema,
    bool_schema,
    dict_schema,
    float_schema,
    int_schema,
    list_schema,
    literal_schema,
    no_info_before_validator_function,
    str_schema,
    typed_dict_field,
    typed_dict_schema,
    union_schema,
)

from halo_iac.load.limits import MAX_COST, MAX_LIST, MAX_NUMBER, MAX_OLD_TITLES, MAX_PATTERN, MAX_PROMPT
from halo_iac.load.rule_settings import RULES, WORDS
from halo_iac.model.schedule import DAYS, MANAGED

IGNORED: Final = "x-"
"""The prefix of top-level keys that hold anchors; their values are ignored."""

KEY: Final = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$"
TIME: Final = r"(?:[01]?[0-9]|2[0-3]):[0-5][0-9]"
CRON: Final = r"^\s*(?:(?:\S+\s+){4}\S+|@[A-Za-z]+)\s*$"
LOOKBACK: Final = r"[1-9][0-9]{0,5}[hdw]"
ZONE: Final = r"[A-Za-z][A-Za-z0-9_+/-]*"
PINNED: Final = r"[!-~]{1,200}"
NAME: Final = r"\S(?:.*\S)?"

_SINGLE: Final = frozenset({int, str})
"""Types of a single value; they are strict, so that a bool is not accepted as a number."""

# Forms --------------------------------------------------------------------------------------------------------------

JSON_SCHEMA: Final = "json_schema"
"""The metadata key of a form that holds additions to its JSON Schema."""

Notes = Mapping[str, Any]
_NO_NOTES: Final[Notes] = MappingProxyType({})


def _metadata(**notes: object) -> dict[str, Notes]:
    return {JSON_SCHEMA: notes}


_NO_VARIABLE: Final[Notes] = {
    "allOf": [{"pattern": r"^(?![\s\S]*\$\{)", "patternErrorMessage": "No variable is read: write the value itself."}]
}
"""In JSON Schema, a text without a variable reference: :mod:`halo_iac.load.loader` refuses references itself."""


class Field(NamedTuple):
    """A key of a mapping: the form of its value and a description; ``notes`` are additions to its JSON Schema."""

    form: CoreSchema
    description: str
    notes: Notes = _NO_NOTES


Fields = Mapping[str, Field]


def mapping_form(name: str, fields: Fields, *, required: Collection[str] = (), **notes: object) -> CoreSchema:
    """Return the form of a mapping with these keys and no others; JSON Schemas refer to it by its name."""
    keys = {
        key: typed_dict_field(
            field.form,
            required=key in required,
            metadata=_metadata(description=field.description, **field.notes),
        )
        for key, field in fields.items()
    }
    return typed_dict_schema(
        keys, extra_behavior="forbid", config={"strict": True}, ref=name, metadata=_metadata(title=name, **notes)
    )


def _one_or_many(one: CoreSchema, single: Callable[[object], object], most: int | None = None) -> CoreSchema:
    """Return the form of a list that also accepts a single value, in the JSON Schema as well."""
    several = list_schema(one, min_length=1, max_length=most)
    return no_info_before_validator_function(single, several, json_schema_input_schema=union_schema([one, several]))


def _in_list(value: object) -> object:
    """Wrap a single number or name in a list; leave every other value to the list's own check."""
    return [value] if type(value) in _SINGLE else value


def _names(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _day_number(value: object) -> int:
    if isinstance(value, str) and value in DAYS:
        return DAYS.index(value)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 6:
        return value
    raise PydanticCustomError("day", "a day")


def _number(name: str) -> CoreSchema:
    """Return the form of a schedule's number field."""
    field = MANAGED[name]
    return int_schema(ge=field.least, le=field.most or MAX_NUMBER)


def _number_field(name: str, description: str) -> Field:
    """Return a field with one number, its description and default."""
    return Field(_number(name), f"{description}; default: {MANAGED[name].default}.")


def path_pattern(suffixes: str) -> str:
    """Return the JSON Schema pattern of paths; :mod:`halo_iac.load.files` words what is wrong with a path."""
    any_part = r"[^/\\\x00-\x1f\x7f]+"
    part = rf"(?!\.){any_part}"
    above = rf"(?:\.{{1,2}}/+)*\.\./+(?:{any_part}/+)*"  # the project file's own folders may be hidden
    return rf"^(?![A-Za-z]:)(?:{above}|(?:(?:\.{{1,2}}|{part})/+)*){part}\.(?:{suffixes})$"


_NAME: Final = str_schema(pattern=f"^{NAME}$")
_LITERAL_NAME: Final = str_schema(pattern=f"^{NAME}$", metadata=_metadata(**_NO_VARIABLE))
_PINNED: Final = str_schema(pattern=f"^{PINNED}$")
_TEXT: Final = str_schema(min_length=1)
_DAY: Final = no_info_before_validator_function(
    _day_number, int_schema(), json_schema_input_schema=literal_schema([*range(7), *DAYS])
)

# Keys ---------------------------------------------------------------------------------------------------------------

SCHEDULE_FIELDS: Final[Fields] = {
    "agent": Field(_NAME, "The agent: an alias from `agents`, its agent.id or agent.name, or its UUID."),
    "timezone": Field(
        str_schema(pattern=f"^{ZONE}$"),
        "IANA time zone of hours and days; default: UTC.",
        {"examples": ["America/Los_Angeles"]},
    ),
    "prompt": Field(
        str_schema(pattern=r"\S", max_length=MAX_PROMPT),
        "Instructions for the analysis; default: halo's own prompt, frozen for version 1, which is not the one that "
        "`inf` sends.",
    ),
    "prompt_file": Field(
        _TEXT,
        "A .md or .txt file with the prompt, relative to the file that names it.",
        {"pattern": path_pattern("md|txt")},
    ),
    "model_id": Field(
        _NAME, "Analysis model (`halo model list`); default: the platform's choice, which is not managed."
    ),
    "summarization_model_id": Field(
        _NAME,
        "Summarization model (`halo model list --summarization`); default: the platform's choice, which is not "
        "managed.",
    ),
    "span_limit": _number_field("span_limit", "Maximum number of spans a run reads"),
    "lookback_hours": _number_field("lookback_hours", "How many hours before a fire a run analyses"),
    "lookback": Field(
        str_schema(pattern=f"^{LOOKBACK}$"),
        "The same as lookback_hours, in hours, days or weeks.",
        {"examples": ["36h", "7d", "2w"]},
    ),
    "max_subagent_depth": _number_field("max_subagent_depth", "How deep sub-agents may nest"),
    "max_turns": _number_field("max_turns", "Maximum number of turns of an analysis"),
    "enabled": Field(
        bool_schema(), "Whether it fires; default: true when created, later changes on the platform are kept."
    ),
}
"""Keys of `defaults` and `overrides` that an entry has too."""

_RULES: Final = mapping_form(
    "RuleSettings", {rule: Field(literal_schema([*WORDS]), reports) for rule, reports in RULES.items()}
)

OVERRIDABLE_FIELDS: Final[Fields] = {
    **SCHEDULE_FIELDS,
    "frequency": Field(
        literal_schema(["hourly", "daily", "weekly", "monthly"]),
        "How often it fires; decides which other cadence fields are required.",
    ),
    "days_of_week": Field(
        _one_or_many(_DAY, _in_list), "Days it fires on, sun to sat or 0 = Sunday to 6; for weekly only."
    ),
    "days_of_month": Field(
        _one_or_many(_number("days_of_month"), _in_list), "Days it fires on, 1 to 31; for monthly only."
    ),
    "hours": Field(_one_or_many(_number("hours"), _in_list), "Hours it fires at, 0 to 23; not for hourly."),
    "minutes": Field(
        _one_or_many(_number("minutes"), _in_list), "Minutes it fires at within each hour, 0 to 59; default: 0."
    ),
    "at": Field(
        _one_or_many(str_schema(pattern=f"^{TIME}$"), _names),
        "Times of day, in place of hours and minutes; every hour is combined with every minute.",
    ),
    "cron": Field(
        str_schema(pattern=CRON),
        "The whole cadence as a cron expression of five fields, in place of the other cadence fields.",
        {"examples": ["0 9 * * 1-5"]},
    ),
    "state": Field(
        literal_schema(["active", "archived"]),
        "active, or archived to retire the schedule; an archived entry needs only title or id.",
    ),
    "id": Field(_PINNED, "Pins the entry to the schedule with this id."),
    "findings": Field(_RULES, "Lint rules for this entry, in place of the project's."),
}
"""Keys of `overrides.schedules.KEY`."""

ENTRY_FIELDS: Final[Fields] = {
    **OVERRIDABLE_FIELDS,
    "title": Field(_TEXT, "The title, 1 to 200 characters; it identifies the schedule."),
    "renamed_from": Field(
        _one_or_many(_TEXT, _names, most=MAX_OLD_TITLES),
        "Earlier titles; a schedule with one of them is renamed. May stay after the rename.",
    ),
}
"""Keys of an entry."""

_OVERRIDABLE: Final = mapping_form(
    "OverridableFields", OVERRIDABLE_FIELDS, description="Fields of one schedule that an environment may replace."
)

OVERRIDES_FIELDS: Final[Fields] = {
    **SCHEDULE_FIELDS,
    "state": Field(
        literal_schema(["archived"]),
        "archived, so that only schedules made active under `schedules` run.",
    ),
    "schedules": Field(
        dict_schema(str_schema(pattern=KEY), _OVERRIDABLE),
        "Values for single schedules, each under its entry's key; they take precedence over all others.",
    ),
}
"""Keys of `overrides`."""

SCOPE_FIELDS: Final[Fields] = {
    "agents": Field(
        list_schema(_LITERAL_NAME, min_length=1, max_length=MAX_LIST),
        "Only schedules of these agents, named as in `agent`.",
    ),
    "title_prefix": Field(_TEXT, "Only schedules whose title begins with this text.", _NO_VARIABLE),
}

POLICY_FIELDS: Final[Fields] = {
    "version": Field(int_schema(ge=1, le=1), "The version of this format: 1.", {"const": 1}),
    "project": Field(_PINNED, "The platform's project id; --project takes precedence.", _NO_VARIABLE),
    "undeclared": Field(
        literal_schema(["report", "archive", "error"]),
        "What happens to active schedules in scope that no file declares: they are listed, archived, or make a plan "
        "fail; default: report.",
    ),
    "scope": Field(
        mapping_form(
            "ScopeFields",
            SCOPE_FIELDS,
            description="Which schedules of the platform this project manages; with both keys, a schedule must match "
            "both.",
        ),
        "Which schedules this project manages; default: all.",
    ),
    "protect": Field(
        list_schema(str_schema(min_length=1, max_length=MAX_PATTERN), max_length=MAX_LIST),
        "Globs of titles that are never archived or paused, or renamed to one that no glob matches.",
    ),
    "include": Field(
        list_schema(
            str_schema(min_length=1, metadata=_metadata(pattern=path_pattern("yaml|yml"))),
            max_length=MAX_LIST,
        ),
        "Globs of further files, each with only `schedules`.",
    ),
    "agents": Field(
        dict_schema(_NAME, _LITERAL_NAME),
        "Aliases for agents: your name for each, and its id, agent.id or agent.name.",
    ),
    "findings": Field(_RULES, "What each lint rule reports: error, warning or off."),
    "max_runs_per_month": Field(
        int_schema(ge=1, le=MAX_NUMBER),
        "Maximum number of runs a month of all declared schedules together; default: no limit.",
    ),
    "cost_per_run": Field(
        float_schema(ge=0, le=MAX_COST, allow_inf_nan=False),
        "The cost of one run, in any currency; plans then estimate the cost a month. Default: no cost is shown.",
    ),
}
"""Keys of a project file except its schedules and layers, which are checked separately."""

_ENTRY: Final = mapping_form("EntryFields", ENTRY_FIELDS, description="One schedule.")

INCLUDE_FIELDS: Final[Fields] = {
    "schedules": Field(
        dict_schema(str_schema(pattern=KEY), _ENTRY),
        "The schedules, each under a key of letters, digits, - and _ that --target and messages use.",
    ),
}
"""Keys of a file named by `include`."""

_DEFAULTS: Final = mapping_form("ScheduleFields", SCHEDULE_FIELDS)
_OVERRIDES: Final = mapping_form("OverridesFields", OVERRIDES_FIELDS)

PROJECT_FIELDS: Final[Fields] = {
    **POLICY_FIELDS,
    "defaults": Field(_DEFAULTS, "Values for fields that an entry does not set."),
    "overrides": Field(_OVERRIDES, "Values that replace those of the entries."),
    **INCLUDE_FIELDS,
}
"""Keys of a project file."""

# Checks -------------------------------------------------------------------------------------------------------------


def _check(form: CoreSchema) -> Callable[[object], Any]:
    """Return a function that validates a value (:class:`pydantic_core.ValidationError`); compiled on first use."""
    validator = cache(lambda: SchemaValidator(form))
    return lambda value: validator().validate_python(value)


check_policy: Final = _check(mapping_form("PolicyFields", POLICY_FIELDS, required=["version"]))
check_defaults: Final = _check(_DEFAULTS)
check_overrides: Final = _check(_OVERRIDES)
check_override: Final = _check(_OVERRIDABLE)
"""Validates one of `overrides.schedules`."""
check_entry: Final = _check(_ENTRY)
