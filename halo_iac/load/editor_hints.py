"""Adds what an editor shows and completes to a JSON Schema: titles, messages, defaults, snippets and time zones.

``errorMessage``, ``patternErrorMessage`` and ``defaultSnippets`` are keywords of yaml-language-server; every other
reader of JSON Schema treats them as annotations. That server counts UTF-16 units where JSON Schema counts characters,
and knows only the integers of YAML's core schema, so lengths and integers are written in forms on which all readers
agree.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from halo_iac.load.fields import NAME
from halo_iac.load.limits import MAX_NUMBER
from halo_iac.load.rule_settings import RULES
from halo_iac.load.zone_list import AREAS, OFFERED, WITHOUT_AREA
from halo_iac.model.schedule import BUILT_IN

Schema = dict[str, Any]

VARIABLE: Final = r"\$\{"

TITLES: Final = {
    "EntryFields": "Schedule",
    "OverridableFields": "Overrides of a schedule",
    "ScopeFields": "Scope",
    "RuleSettings": "Findings",
}
"""Titles that a hover shows instead of the name of a class; a field is titled by its name."""

_NAMED: Final = "without a space at either end"
_PATH: Final = "relative to this file and with /; no part of it begins with a dot"

MESSAGES: Final = {
    "agent": f"Write the agent's name, {_NAMED}.",
    "agents": f"Write agents' names, {_NAMED}.",
    "at": 'Write times in quotes, from "00:00" to "23:59".',
    "cron": 'Write five cron fields in quotes, such as "0 9 * * 1-5".',
    "cost_per_run": "Write a number such as 0.50, without a currency.",
    "days_of_week": "Write sun, mon, tue, wed, thu, fri or sat, or 0 for Sunday to 6.",
    "enabled": "Write true or false, without quotes.",
    "frequency": "Write hourly, daily, weekly or monthly.",
    "id": "Write the schedule's id: up to 200 letters, digits and signs, without spaces.",
    "include": f"Write globs of .yaml or .yml files, {_PATH}.",
    "lookback": "Write a number with h, d or w, such as 36h, 7d or 2w.",
    "model_id": f"Write the model's id, {_NAMED}.",
    "project": "Write the project's id: up to 200 letters, digits and signs, without spaces.",
    "overrides.schedules": "Write keys of entries, each with its overrides below it.",
    "overrides.state": "Write archived.",
    "prompt": "Write the instructions for the analysis.",
    "prompt_file": f"Write the path of a .md or .txt file, {_PATH}.",
    "protect": "Write globs of 1 to 1,000 characters.",
    "renamed_from": "Write earlier titles.",
    "schedules": "Write keys of letters, digits, - and _, each with a schedule below it.",
    "state": "Write active or archived.",
    "summarization_model_id": f"Write the model's id, {_NAMED}.",
    "timezone": "Write an IANA time zone, such as Europe/Berlin or UTC.",
    "title": "Write a title of 1 to 200 characters, in quotes where it looks like a number.",
    "title_prefix": "Write the prefix of the titles.",
    "undeclared": "Write report, archive or error.",
    "version": "Write 1.",
    **dict.fromkeys(RULES, "Write error, warning or off."),
}
"""Messages for a value of the wrong form, by field; numbers name their bounds."""

DEFAULTS: Final = {
    **{name: value for name, value in BUILT_IN.items() if name != "prompt" and value is not None},
    "minutes": 0,
    "overrides.state": "archived",
    "state": "active",
    "undeclared": "report",
}


def _entry(frequency: str, **days: object) -> Schema:
    """Return the snippet inserted below a schedule's key."""
    return {
        "title": "${2:Checkout review}",
        "agent": "${3:checkout}",
        "frequency": frequency,
        **days,
        "at": '"${4:09:00}"',
        "prompt": "${5:What went wrong, how often, and what would fix it?}",
    }


SNIPPETS: Final[dict[str, Schema]] = {
    "schedules": {"label": "schedule", "description": "A schedule.", "body": {"${1:checkout}": _entry("daily")}},
    "overrides.schedules": {
        "label": "schedule",
        "description": "Overrides for one schedule.",
        "body": {"${1:checkout}": {"state": "active"}},
    },
    "at": {"label": '"09:00"', "description": "A time of day.", "body": '"${1:09:00}"'},
    "hours": {"label": "9", "body": "${1:9}"},
    "days_of_month": {"label": "1", "body": "${1:1}"},
    "max_runs_per_month": {"label": "1000", "body": "${1:1000}"},
    "cost_per_run": {"label": "0.50", "body": "${1:0.50}"},
}
"""The text that completing a key inserts after it."""

ENTRY_SNIPPETS: Final[list[Schema]] = [
    {"label": "daily", "description": "A daily schedule.", "body": _entry("daily")},
    {"label": "weekly", "description": "A weekly schedule.", "body": _entry("weekly", days_of_week="${6:mon}")},
    {"label": "monthly", "description": "A monthly schedule.", "body": _entry("monthly", days_of_month="${6:1}")},
]
"""The snippets offered below a schedule's key; keys that are already there are not inserted again."""

OTHER_INTEGERS: Final = r"^[-+]?(?:0b[01_]+|0o[0-7_]+|0x[0-9a-fA-F_]+|[0-9]+_[0-9_]*)$"
"""Integers to halo, such as ``2_4``, but strings to editors, whose YAML knows fewer integer forms."""

_PORTABLE_NAME: Final = r"[\S\ufeff](?:[^\n]*[\S\ufeff])?"
"""A name. In JavaScript ``.`` excludes more characters than the line feed, and U+FEFF is a space."""

_COUNTED: Final = 1_000
"""The longest length that a pattern counts; other programs reject larger repetition counts."""


def add_hints(schema: Schema) -> None:
    """Add titles, messages, defaults, snippets and zones to the schema of a project file or an included file."""
    definitions = schema["$defs"]
    for name, title in TITLES.items():
        if name in definitions:
            definitions[name]["title"] = title
    definitions["EntryFields"]["defaultSnippets"] = ENTRY_SNIPPETS
    for part, owner in {"": schema, **definitions}.items():
        for name, field in owner["properties"].items():
            own = f"overrides.{name}"
            key = own if part == "OverridesFields" and own in MESSAGES else name
            owner["properties"][name] = _with_hints(name, field, key)
    for name in definitions.keys() - {"EntryFields"}:  # the list of zones is most of a schema's size
        properties = definitions[name]["properties"]
        if "timezone" in properties:
            same = {"$ref": "#/$defs/EntryFields/properties/timezone"}
            properties["timezone"] = {"description": properties["timezone"]["description"], **same}
    for layer in ("ScheduleFields", "OverridesFields"):
        for keyword in ("title", "description", "type"):  # `defaults` and `overrides` have their own entries
            definitions.get(layer, {}).pop(keyword, None)


def _with_hints(name: str, field: Schema, key: str) -> Schema:
    """Return a field's schema with its hints, which are looked up by a key."""
    title = name.replace("_", " ").capitalize()
    field = {"title": title, **field}
    # Completion would insert every field of a referenced object that has a default.
    if field.get("$ref", "").endswith(("/ScheduleFields", "/OverridesFields")):
        field |= {"type": "object", "allOf": [{"$ref": field.pop("$ref")}]}
    if name == "timezone":
        field |= _zones()
    _name_choices(field, title)
    for form in _forms(field):
        _word(form, MESSAGES.get(key))
    if key in SNIPPETS:
        field["defaultSnippets"] = [SNIPPETS[key]]
    return {**field, "default": DEFAULTS[key]} if key in DEFAULTS else field


def _name_choices(field: Schema, title: str) -> None:
    """Give the alternatives of a field distinct titles: a hover lists equal ones twice, and shows the innermost."""
    for choice in field.get("anyOf", ()):
        if "anyOf" in choice:
            _name_choices(choice, title)
        elif choice.get("pattern") == VARIABLE:
            choice["title"] = f"{title}: a variable"
        else:
            choice.setdefault("title", f"{title}: several" if "items" in choice else title)


def _forms(schema: Schema) -> Iterator[Schema]:
    """Yield every part of a field's schema that describes one form of value."""
    choices = schema.get("anyOf", ())
    items = [schema["items"]] if "items" in schema else []
    for part in (*choices, *items, *schema.get("patternProperties", {}).values()):
        yield from _forms(part)
    for part in choices:
        # The empty-list alternative needs no message of its own.
        schema |= {keyword: part.pop(keyword) for keyword in ("minItems", "maxItems") if keyword in part}
    if "type" in schema or "pattern" in schema or "enum" in schema:
        yield schema


def _word(form: Schema, message: str | None) -> None:
    if form.get("type") == "integer" and "const" not in form:
        least, most = form["minimum"], form["maximum"]
        message = f"Write a whole number, {'1 or more' if most == MAX_NUMBER else f'{least} to {most}'}."
        form |= {"type": ["integer", "string"], "pattern": OTHER_INTEGERS}
    if form.get("type") == "number":
        form |= {"type": ["number", "string"], "pattern": OTHER_INTEGERS}
    if "pattern" in form:
        form["pattern"] = _portable(form["pattern"])
    if "patternProperties" in form:
        form["patternProperties"] = {_portable(key): value for key, value in form["patternProperties"].items()}
    _count(form)
    if form.get("type") == "string":  # otherwise the server prepends "Incorrect type" to the message
        form["type"] = ["string"]
    if message is not None and form.get("type") != "array":
        form["errorMessage"] = message
        if "pattern" in form:
            form["patternErrorMessage"] = message


def _portable(pattern: str) -> str:
    return r"[\S\ufeff]" if pattern == r"\S" else pattern.replace(NAME, _PORTABLE_NAME)


def _count(form: Schema) -> None:
    """Count a string's characters with a pattern. A prompt is too long for that; the limit on its bytes applies."""
    least, most = form.pop("minLength", 0), form.get("maxLength", 0)
    if 0 < most <= _COUNTED:
        form["pattern"] = rf"^[\s\S]{{{least},{form.pop('maxLength')}}}$"
    elif least:
        form.setdefault("pattern", r"[\s\S]")


def _zones() -> Schema:
    """Return the schema of a zone: it accepts the names of every version of the database and offers those of places."""
    older = "|".join(map(re.escape, WITHOUT_AREA))
    return {
        "anyOf": [
            {"type": "string", "pattern": rf"^(?:(?:{'|'.join(AREAS)})/[A-Za-z0-9_+/-]+|{older})$|{VARIABLE}"},
            {
                "$comment": "Completion only; the pattern decides. A hover lists every matching value of an enum.",
                "title": "Time zones of places",
                "enum": list(OFFERED),
                "maxLength": 0,
            },
        ]
    }
