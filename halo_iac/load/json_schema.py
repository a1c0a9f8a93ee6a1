"""JSON Schemas for editors and other tools: project file, included file, plan and receipt line.

See docs/semantics.md#schemas. Generated from :mod:`halo_iac.load.fields`, :mod:`halo_iac.model.plan` and
:mod:`halo_iac.model.receipt`; rules between fields are added here.

They refuse every form that ``load`` refuses, as far as JSON Schema can express it. It cannot express: duplicate keys,
which time zones and files exist, whether a cron expression can be converted or several times are hours × minutes, that
``9.0`` is not an hour, that a title is composed (NFC) and declared once, and which variables are set.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from functools import cache
from typing import Annotated, Any, Final

from pydantic import Field, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue

from halo_iac.load.editor_hints import VARIABLE, Schema, add_hints
from halo_iac.load.entries import MAX_TITLE_LENGTH
from halo_iac.load.fields import IGNORED, INCLUDE_FIELDS, JSON_SCHEMA, PROJECT_FIELDS, Fields, mapping_form
from halo_iac.model.plan import Plan
from halo_iac.model.receipt import Header, Line, RunEnd, WriteIntent, WriteOutcome
from halo_iac.text import INVISIBLE_RANGES, SURROGATES

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"

_LITERAL: Final = frozenset({"title", "prompt", "prompt_file", "renamed_from"})
"""Fields whose form cannot be replaced by a variable reference, and fields without variables."""


INVISIBLE: Final = "".join(
    f"\\u{first:04x}" if first == last else f"\\u{first:04x}{'-' if last > first + 1 else ''}\\u{last:04x}"
    for first, last in INVISIBLE_RANGES
    if last <= 0xFFFF and (first, last) != SURROGATES
)
"""The characters that titles must not contain, as the content of a character class.

Without those above U+FFFF and the surrogates: half of the programs that read JSON Schemas confuse the two.
"""


def _having(*keys: str) -> Schema:
    return {"required": list(keys)}


def _any_of(*keys: str, message: str) -> Schema:
    return {"anyOf": [{**_having(key), "errorMessage": message} for key in keys]}


def _none_of(*keys: str, message: str) -> Schema:
    return {"properties": dict.fromkeys(keys, False), "errorMessage": message}


_MERGES_NOTHING: Final[Schema] = {"propertyNames": {"not": {"const": "<<"}}}
"""Ignored by readers other than yaml-language-server.

There a merged value overrides the mapping's own, so that a rule on values cannot be trusted beside a merge.
"""


def _when(field: str, value: str, then: Schema) -> Schema:
    return {"if": {"properties": {field: {"const": value}}, **_having(field), **_MERGES_NOTHING}, "then": then}


_IS_ACTIVE: Final[Schema] = {
    "anyOf": [{"not": _having("state")}, {"properties": {"state": {"const": "active"}}, **_MERGES_NOTHING}]
}


def _beside(key: str, rule: Schema) -> Schema:
    """Return a rule that applies if a key is present; older editors do not support ``dependentSchemas``."""
    return {"if": _having(key), "then": rule}


_ONE_SPELLING: Final[list[Schema]] = [
    _beside("lookback", _none_of("lookback_hours", message="Remove this, or `lookback`, which says the same.")),
    _beside("prompt", _none_of("prompt_file", message="Remove this, or `prompt`.")),
]
_WHOLE: Final = ("frequency", "days_of_week", "days_of_month", "hours", "minutes", "at")
_ONE_CADENCE: Final[list[Schema]] = [
    _beside("at", _none_of("hours", "minutes", message="Remove this: `at` says it.")),
    _beside("cron", _none_of(*_WHOLE, message="Remove this, or `cron`, which is the whole cadence.")),
]


def _cadence(frequency: str, without: tuple[str, ...], *needed: str) -> Schema:
    """Return the rule for a frequency: its required parts, a time of day if it takes one, and no unused parts."""
    rules = [_none_of(*without, message=f"Remove this: it is not for {frequency}."), _having(*needed)]
    times = [] if "at" in without else [_any_of("hours", "at", message='Add `at`, such as at: "09:00".')]
    return _when("frequency", frequency, {"allOf": [*rules, *times]})


_CADENCE: Final[list[Schema]] = [
    {"if": {"not": _having("cron")}, "then": _having("frequency")},
    _cadence("hourly", ("days_of_week", "days_of_month", "hours", "at")),
    _cadence("daily", ("days_of_week", "days_of_month")),
    _cadence("weekly", ("days_of_month",), "days_of_week"),
    _cadence("monthly", ("days_of_week",), "days_of_month"),
]


def _pattern(pattern: str, message: str) -> Schema:
    return {"pattern": pattern, "patternErrorMessage": message}


_TITLE: Final[Schema] = {
    "doNotSuggest": True,
    "allOf": [
        _pattern(r"^(?:\S(?:.*\S)?)?$", "A title has no space at either end."),
        _pattern(f"^[^{INVISIBLE}]*$", "A title holds no control, format or zero-width characters."),
        _pattern(rf"^[\s\S]{{1,{MAX_TITLE_LENGTH}}}$|\$", f"A title has 1 to {MAX_TITLE_LENGTH} characters."),
    ],
}
_ENTRY: Final[list[Schema]] = [
    {"if": {"not": _having("id")}, "then": {"properties": {"title": _TITLE}}},
    _when("state", "archived", _any_of("title", "id", message="Add the `title` or the `id` of what is archived.")),
]
_WHOLE_ENTRY: Final[Schema] = {"if": _IS_ACTIVE, "then": {**_having("title"), "allOf": _CADENCE}}
"""Keys that an entry requires, unless `overrides` give them or archive it."""

_DIGEST: Final[Schema] = {
    "type": "string",
    "pattern": "^[0-9a-f]{64}$",
    "description": "SHA-256 of the previous digest and of this line up to this key.",
}


class _Untitled(GenerateJsonSchema):
    """Omits the titles that pydantic generates from field names, which add nothing."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ANN401, ARG002 - pydantic's own signature
        return False


class _OfFiles(_Untitled):
    """Adds the ``notes`` of :mod:`halo_iac.load.fields` to each form."""

    def generate_inner(self, schema: Any) -> JsonSchemaValue:  # noqa: ANN401 - pydantic's own signature
        found = super().generate_inner(schema)
        return found if schema["type"] == "typed-dict" else found | _notes(schema)  # it is a reference

    def typed_dict_schema(self, schema: Any) -> JsonSchemaValue:  # noqa: ANN401 - likewise
        return super().typed_dict_schema(schema) | _notes(schema)


def _notes(schema: Schema) -> Schema:
    notes: Schema = schema.get("metadata", {}).get(JSON_SCHEMA, {})
    return notes


def project_schema() -> Schema:
    """Return the JSON Schema of a project file."""
    schema = _of_files(PROJECT_FIELDS, ["version"], "HALO project file", "A project file.")
    entry = schema["properties"]["schedules"]["patternProperties"]
    needs_agent = {key: {"if": _IS_ACTIVE, "then": _having("agent")} for key in entry}
    gives_agent = [_layer_with("defaults", "agent"), _layer_with("overrides", "agent")]
    overrides_some = [_layer_with("overrides", key) for key in ("state", "schedules")]
    schema["anyOf"] = [_having("schedules"), _having("include")]
    schema["allOf"] = [
        _unless(overrides_some, dict.fromkeys(entry, _WHOLE_ENTRY)),
        _unless([*gives_agent, *overrides_some], needs_agent),
    ]
    schema["$defs"]["ScopeFields"]["minProperties"] = 1
    return schema


def _layer_with(layer: str, key: str) -> Schema:
    return {"properties": {layer: _having(key)}, **_having(layer)}


def _unless(any_of: list[Schema], of_entries: Schema) -> Schema:
    """Return a rule for the entries, by key, that applies unless one of several conditions holds."""
    then = {"properties": {"schedules": {"patternProperties": of_entries}}}
    return {"if": {"not": {"anyOf": any_of}}, "then": then}


def include_schema() -> Schema:
    """Return the JSON Schema of an included file."""
    schema = _of_files(INCLUDE_FIELDS, ["schedules"], "HALO included file", "A file named by `include`.")
    schema["$defs"]["EntryFields"]["allOf"].append(_WHOLE_ENTRY)
    return schema


def plan_schema() -> Schema:
    """Return the JSON Schema of a plan, as printed by ``plan --format json`` and saved by ``--out``."""
    schema = TypeAdapter(Plan).json_schema(mode="serialization", schema_generator=_Untitled)
    return {"$schema": DIALECT, **schema}


def receipt_schema() -> Schema:
    """Return the JSON Schema of a receipt line, whose last key is its digest."""
    line = Annotated[Line, Field(discriminator="kind")]
    schema = TypeAdapter(line).json_schema(mode="serialization", schema_generator=_Untitled)
    for kind in (Header, WriteIntent, WriteOutcome, RunEnd):
        definition = schema["$defs"][kind.__name__]
        definition["properties"]["digest"] = dict(_DIGEST)
        definition["required"] = [*definition["properties"]]
    return {"$schema": DIALECT, "title": "HALO receipt: a line", **schema}


def render(schema: Schema) -> str:
    """Return a schema's text as committed and printed: two spaces of indent, a final newline, ASCII only."""
    return json.dumps(schema, indent=2) + "\n"


FILES: Final[dict[str, Callable[[], Schema]]] = {
    "halo.schema.json": project_schema,
    "halo.include.schema.json": include_schema,
    "halo.plan.schema.json": plan_schema,
    "halo.receipt.schema.json": receipt_schema,
}
"""The committed files in ``schemas/``, by name."""


@cache
def schema_text(file_name: str) -> str:
    """Return the text of one of :data:`FILES`, as committed, printed and written beside a project file."""
    return render(FILES[file_name]())


def _of_files(fields: Fields, required: Collection[str], title: str, description: str) -> Schema:
    form = mapping_form(title, fields, required=required, description=description)
    schema: Schema = _OfFiles().generate(form)
    definitions = schema["$defs"]
    for name in ("EntryFields", "OverridableFields", "ScheduleFields", "OverridesFields"):
        if name in definitions:
            definitions[name]["allOf"] = _ONE_SPELLING
            properties = definitions[name]["properties"]
            for key in properties.keys() - _LITERAL:  # references are expanded before a form is checked
                properties[key] = _or_variable(properties[key])
    definitions["EntryFields"]["allOf"] = [*_ONE_SPELLING, *_ONE_CADENCE, *_ENTRY]
    if "OverridableFields" in definitions:
        definitions["OverridableFields"]["allOf"] = [*_ONE_SPELLING, *_ONE_CADENCE]
    for owner in (schema, *definitions.values()):
        for mapping in owner["properties"].values():
            if "patternProperties" in mapping:
                mapping["additionalProperties"] = False
    add_hints(schema)
    ignored = {f"^{IGNORED}": {"description": "Ignored: a place for anchors that the rest of the file uses."}}
    return {"$schema": DIALECT, **schema, "patternProperties": ignored, "title": title}


def _or_variable(schema: JsonSchemaValue) -> JsonSchemaValue:
    """Return a field's schema that also allows ``${NAME}`` wherever a string has a form."""
    if "anyOf" in schema:
        return {**schema, "anyOf": [_or_variable(choice) for choice in schema["anyOf"]]}
    if "items" in schema:
        return {**schema, "items": _or_variable(schema["items"])}
    if "pattern" in schema:
        return {**schema, "pattern": f"{schema['pattern']}|{VARIABLE}"}
    if any(isinstance(word, str) for word in schema.get("enum", (schema.get("const"),))):
        described = {key: schema[key] for key in ("description",) if key in schema}
        forms = {key: value for key, value in schema.items() if key not in described}
        return {**described, "anyOf": [forms, {"type": "string", "pattern": VARIABLE}]}
    return schema
