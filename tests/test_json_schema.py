"""The JSON Schemas: fresh, described, and as strict as ``load`` wherever JSON Schema can be."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

from halo_iac.errors import ProjectError
from halo_iac.load import load
from halo_iac.load.json_schema import FILES, INVISIBLE, include_schema, plan_schema, project_schema, render
from halo_iac.load.suggestions.timezone import zone_names
from halo_iac.load.zone_list import OFFERED
from halo_iac.storage.schema_files import outdated_schemas
from halo_iac.text import is_invisible

ROOT = Path(__file__).parent.parent
EXAMPLES = sorted([*(ROOT / "examples").rglob("*.yaml"), *ROOT.glob("halo*.yaml")])
LEFT_OUT = object()


def _name(value: object) -> str:
    return ascii(value).replace(ascii(LEFT_OUT), "left out")[:120]


ENTRY = {"title": "T", "agent": "x", "frequency": "daily", "hours": 9}
RETIRED = {"state": "archived", "agent": LEFT_OUT, "frequency": LEFT_OUT, "hours": LEFT_OUT}

BROKEN_ENTRIES: list[dict[str, Any]] = [
    *({field: None} for field in ENTRY),
    *({field: LEFT_OUT} for field in ENTRY),
    {"title": ""},
    {"title": 5},
    {"title": " T"},
    {"title": "T "},
    {"title": "T\u3000"},
    {"title": "a\u200bb"},
    {"title": "a\tb"},
    {"title": "a\u2028b"},
    {"title": "x" * 201},
    {"agent": ""},
    {"agent": " x"},
    {"frequency": "dayly"},
    {"frequency": "Daily"},
    {"frequency": ["daily"]},
    {"hours": 24},
    {"hours": -1},
    {"hours": "9"},
    {"hours": ["9"]},
    {"hours": [9, None]},
    {"hours": True},
    {"hours": [True]},
    {"hours": 9.5},
    {"hours": []},
    {"minutes": 60},
    {"minutes": []},
    {"days_of_week": "mon"},
    {"days_of_month": 1},
    {"frequency": "weekly"},
    {"frequency": "weekly", "days_of_week": 7},
    {"frequency": "weekly", "days_of_week": "Monday"},
    {"frequency": "weekly", "days_of_week": []},
    {"frequency": "weekly", "days_of_week": [True]},
    {"frequency": "weekly", "days_of_week": 1, "days_of_month": 1},
    {"frequency": "weekly", "days_of_week": 1, "hours": LEFT_OUT},
    {"frequency": "monthly"},
    {"frequency": "monthly", "days_of_month": 0},
    {"frequency": "monthly", "days_of_month": [32]},
    {"frequency": "monthly", "days_of_month": 1, "days_of_week": 1},
    {"frequency": "hourly"},
    {"frequency": "hourly", "hours": LEFT_OUT, "at": "09:00"},
    {"frequency": "hourly", "hours": LEFT_OUT, "days_of_week": 1},
    {"at": "09:00"},
    {"hours": LEFT_OUT, "at": "09:00", "minutes": 0},
    {"hours": LEFT_OUT, "at": "24:00"},
    {"hours": LEFT_OUT, "at": "9am"},
    {"hours": LEFT_OUT, "at": []},
    {"hours": LEFT_OUT, "at": 9},
    {"cron": "0 9 * * *"},
    {"cron": "0 9 * * *", "frequency": LEFT_OUT},
    {"cron": "0 9 * *", "frequency": LEFT_OUT, "hours": LEFT_OUT},
    {"cron": "0 9 * * *", "frequency": LEFT_OUT, "hours": LEFT_OUT, "at": "09:00"},
    {"timezone": ""},
    {"timezone": "../x"},
    {"timezone": "Mars/Olympus"},
    {"timezone": 1},
    {"prompt": ""},
    {"prompt": " \n"},
    {"prompt": "x" * 262_145},
    {"prompt": "x", "prompt_file": "p.md"},
    {"prompt_file": "p"},
    {"prompt_file": "/p.md"},
    {"prompt_file": ".p.md"},
    {"prompt_file": "a/.b/p.md"},
    {"prompt_file": "C:p.md"},
    {"prompt_file": "a\\p.md"},
    {"prompt_file": "a\u0000.md"},
    {"model_id": ""},
    {"model_id": None},
    {"summarization_model_id": 5},
    {"span_limit": 0},
    {"span_limit": True},
    {"span_limit": "5"},
    {"span_limit": 2**31},
    {"lookback_hours": 0},
    {"lookback": 24},
    {"lookback": "0d"},
    {"lookback": "7 days"},
    {"lookback": "7d", "lookback_hours": 24},
    {"max_subagent_depth": 0},
    {"max_subagent_depth": 6},
    {"max_turns": 0},
    {"max_turns": 101},
    {"enabled": "true"},
    {"enabled": 1},
    {"enabled": None},
    {"state": "paused"},
    {"state": None},
    {"renamed_from": []},
    {"renamed_from": ""},
    {"renamed_from": [5]},
    {"id": ""},
    {"id": "a b"},
    {"id": "x" * 201},
    {"id": 7},
    {"timeZone": "UTC"},
    {"suspend": True},
    {"findings": []},
    {"findings": "off"},
    {"findings": {"paid-twice": None}},
    {"findings": {"paid-twice": False}},
    {"findings": {"paid-twice": "on"}},
    {"findings": {"paid_twice": "off"}},
    {"max_runs_per_month": 5},
    {"cost_per_run": 0.5},
    {"cost_per_run": 2},
    {**RETIRED, "title": LEFT_OUT},
    {**RETIRED, "title": " T"},
    {**RETIRED, "hours": 99},
    {**RETIRED, "hours": 9, "at": "09:00"},
]

BROKEN_PROJECTS: list[dict[str, Any]] = [
    {"version": LEFT_OUT},
    {"version": 2},
    {"version": "1"},
    {"version": True},
    {"version": None},
    {"schedules": LEFT_OUT},
    {"schedules": None},
    {"schedules": []},
    {"schedules": {"a": None}},
    {"schedules": {"a b": ENTRY}},
    {"schedules": {"-a": ENTRY}},
    {"schedules": {"": ENTRY}},
    {"schedules": {"x" * 65: ENTRY}},
    {"schedule": {}},
    {"project": ""},
    {"project": "a b"},
    {"project": 5},
    {"undeclared": "delete"},
    {"scope": {}},
    {"scope": []},
    {"scope": {"agents": []}},
    {"scope": {"agents": "x"}},
    {"scope": {"agents": [""]}},
    {"scope": {"title_prefix": ""}},
    {"scope": {"title": "x"}},
    {"protect": "x"},
    {"protect": [""]},
    {"include": "x.yaml"},
    {"include": ["x.txt"]},
    {"include": ["/x.yaml"]},
    {"include": ["./.x.yaml"]},
    {"agents": []},
    {"agents": {"a": 1}},
    {"agents": {"a": ""}},
    {"agents": {" a": "x"}},
    {"defaults": []},
    {"defaults": None},
    {"defaults": {"title": "T"}},
    {"defaults": {"hours": 9}},
    {"defaults": {"state": "active"}},
    {"defaults": {"id": "x"}},
    {"defaults": {"max_turns": 0}},
    {"defaults": {"lookback": "1d", "lookback_hours": 24}},
    {"defaults": {"findings": {"paid-twice": "off"}}},
    {"findings": {"unknown": "off"}},
    {"findings": {"coverage-gap": True}},
    {"findings": {"coverage-gap": "Off"}},
    {"findings": ["coverage-gap"]},
    {"max_runs_per_month": 0},
    {"cost_per_run": -0.5},
    {"cost_per_run": "0.50"},
    {"cost_per_run": True},
    {"max_runs_per_month": "5"},
    {"overrides": {"cron": "@daily"}},
    {"overrides": {"state": "active"}},
    {"overrides": {"a": {"state": "active"}}},
    {"overrides": {"schedules": {"a": None}}},
    {"overrides": {"schedules": {"a": {"title": "T"}}}},
    {"overrides": {"schedules": {"a": {"renamed_from": "T"}}}},
    {"overrides": {"schedules": {"a": {"cron": "@daily", "at": "9:00"}}}},
    {"overrides": {"schedules": {"a b": {}}}},
    {"overrides": {"schedules": {"a": {"findings": {"x": "off"}}}}},
    {"overrides": {"renamed_from": "T"}},
    {"overrides": {"prompt": "x", "prompt_file": "p.md"}},
]

GOOD_ENTRIES: list[dict[str, Any]] = [
    {},
    {"hours": [0, 23], "minutes": 59},
    {"frequency": "hourly", "hours": LEFT_OUT},
    {"frequency": "hourly", "hours": LEFT_OUT, "minutes": [0, 30]},
    {"frequency": "weekly", "days_of_week": "mon"},
    {"frequency": "weekly", "days_of_week": [0, "sat"]},
    {"frequency": "monthly", "days_of_month": [1, 31]},
    {"hours": LEFT_OUT, "at": ["9:00", "17:00"]},
    {"frequency": LEFT_OUT, "hours": LEFT_OUT, "cron": "*/5 0-3 * * mon,FRI"},
    {"frequency": LEFT_OUT, "hours": LEFT_OUT, "cron": "@daily"},
    {"title": "x" * 200},
    {"title": "Prüfung ✓ 日本"},
    {"title": "${V:-" + "y" * 100 + "} " + "x" * 150},
    {"title": " odd\u200b", "id": "i"},
    {"frequency": "${F}", "timezone": "${V:-UTC}", "lookback": "${L}", "state": "${S:-active}", "id": "${V}"},
    {"prompt": "costs $5 and ${braces"},
    {"prompt_file": "a b/p.md"},
    {"prompt_file": "a b/../p.md"},
    {"prompt_file": "./p.md"},
    {"lookback": "2w", "model_id": "m", "renamed_from": ["a", "b"], "enabled": False},
    {"findings": {}},
    {"findings": {"paid-twice": "off", "coverage-gap": "error", "missing-day": "warning"}},
    RETIRED,
    {**RETIRED, "title": LEFT_OUT, "id": "x"},
    {**RETIRED, "hours": 9, "days_of_week": 1, "prompt_file": "gone.md"},
]

GOOD_PROJECTS: list[dict[str, Any]] = [
    {"schedules": {}},
    {"defaults": {"agent": "x"}, "schedules": {"a": {"title": "T", "cron": "@daily"}}},
    {"overrides": {"agent": "x"}, "schedules": {"A_1-b": {"title": "T", "cron": "@daily"}}},
    {"overrides": {"state": "archived", "schedules": {"a": {"state": "active", "at": "9:00", "id": "i"}}}},
    {"overrides": {"state": "${S:-archived}", "timezone": "${V}", "schedules": {}}},
    {"overrides": {"schedules": {"a": {"agent": "x"}}}, "schedules": {"a": {"title": "T", "cron": "@daily"}}},
    {"overrides": {"schedules": {"a": {"cron": "@daily"}}}, "schedules": {"a": {"title": "T", "agent": "x"}}},
    {"overrides": {"schedules": {"a": {"state": "archived"}}}, "schedules": {"a": {"title": "T"}}},
    {"scope": {"agents": ["x"], "title_prefix": "T"}, "protect": [], "include": [], "agents": {}, "project": "p"},
    {"schedules": LEFT_OUT, "include": ["s/**/*.yml", "./x.yaml", "s/../*.yaml"]},
    {"findings": {"too-many-runs": "warning", "skipped-fire": "error"}, "max_runs_per_month": 1},
]

NOT_SAYABLE: list[dict[str, Any]] = [
    {"hours": 9.0},
    {"timezone": "Europe/Berln"},
    {"hours": "2_0"},
    {"title": "e\u0301"},
    {"title": "a\U000e0001b"},
    {"title": "${UNSET}"},
    {"title": " ${V}", "agent": "${"},
    {"prompt": "é" * 140_000},
    {"prompt_file": "missing.md"},
    {"prompt_file": "../p.md"},
    {"prompt_file": "../.b/p.md"},
    {"hours": LEFT_OUT, "at": ["09:00", "17:30"]},
    {"frequency": LEFT_OUT, "hours": LEFT_OUT, "cron": "0 9 1 * 1"},
    {"frequency": LEFT_OUT, "hours": LEFT_OUT, "cron": "99 9 * * *"},
]
"""What only ``load`` can know: duplicate keys and titles aside, which no value shows."""


def _with(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in {**base, **changes}.items() if value is not LEFT_OUT}


def _project_of(changes: dict[str, Any]) -> dict[str, Any]:
    return {"version": 1, "schedules": {"a": _with(ENTRY, changes)}}


def _project(changes: dict[str, Any]) -> dict[str, Any]:
    return _with({"version": 1, "schedules": {"a": ENTRY}}, changes)


def loads(folder: Path, project: dict[str, Any]) -> bool:
    (folder / "a b").mkdir()
    for name in ("p.md", "a b/p.md", "a.md"):
        (folder / name).write_text("Look.")
    (folder / "s").mkdir()
    for name in ("s/x.yml", "x.yaml"):
        (folder / name).write_text("schedules: {}")
    (folder / "halo.yaml").write_text(json.dumps(project, ensure_ascii=False).replace("\u2028", "\\u2028"))
    variables = {"HALO_VAR_V": "UTC", "HALO_VAR_F": "daily", "HALO_VAR_L": "1d"}
    try:
        load(folder / "halo.yaml", variables=variables)
    except ProjectError:
        return False
    return True


@cache
def validator(schema: Callable[[], dict[str, Any]]) -> Draft202012Validator:
    """Return what holds values against a schema, which takes longer to make than to hold."""
    return Draft202012Validator(schema())


def is_valid(schema: Callable[[], dict[str, Any]], instance: object) -> bool:
    return bool(validator(schema).is_valid(instance))


@pytest.mark.parametrize("project", [*map(_project_of, GOOD_ENTRIES), *map(_project, GOOD_PROJECTS)], ids=_name)
def test_a_project_that_loads_is_valid_by_the_schema(tmp_path: Path, project: dict[str, Any]) -> None:
    assert (loads(tmp_path, project), is_valid(project_schema, project)) == (True, True)


@pytest.mark.parametrize("project", [*map(_project_of, BROKEN_ENTRIES), *map(_project, BROKEN_PROJECTS)], ids=_name)
def test_a_project_of_the_wrong_form_fails_load_and_schema(tmp_path: Path, project: dict[str, Any]) -> None:
    assert (loads(tmp_path, project), is_valid(project_schema, project)) == (False, False)


@pytest.mark.parametrize("changes", NOT_SAYABLE, ids=_name)
def test_load_refuses_what_the_schema_cannot_express(tmp_path: Path, changes: dict[str, Any]) -> None:
    assert not loads(tmp_path, _project_of(changes))


@pytest.mark.parametrize("changes", [*GOOD_ENTRIES, {"agent": LEFT_OUT}], ids=_name)
def test_an_included_file_may_hold_the_same_entries(changes: dict[str, Any]) -> None:
    assert is_valid(include_schema, {"schedules": {"a": _with(ENTRY, changes)}})


@pytest.mark.parametrize(
    "file",
    [
        {},
        {"version": 1, "schedules": {}},
        {"schedules": None},
        *({"schedules": {"a": _with(ENTRY, change)}} for change in BROKEN_ENTRIES if change != {"agent": LEFT_OUT}),
    ],
    ids=_name,
)
def test_an_included_file_is_refused_as_a_project_file_is(file: dict[str, Any]) -> None:
    assert not is_valid(include_schema, file)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_example_is_valid(path: Path) -> None:
    values = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    schema = project_schema if "version" in values else include_schema
    assert [error.message for error in validator(schema).iter_errors(values)] == []


@pytest.mark.parametrize("name", FILES)
def test_the_committed_schemas_are_fresh(name: str) -> None:
    committed = (ROOT / "schemas" / name).read_text(encoding="utf-8")
    assert committed == render(FILES[name]()), f"schemas/{name} is stale: write it anew with `halo schema`"


def test_the_digests_are_those_of_the_committed_schemas() -> None:
    assert outdated_schemas(ROOT / "schemas") == [], "halo_iac/storage/schemas.sha256 is stale: run `make generate`"


@pytest.mark.parametrize("name", FILES)
def test_the_schemas_are_schemas(name: str) -> None:
    Draft202012Validator.check_schema(FILES[name]())


def _properties(schema: object, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every documented property of a schema; rules that only refine one, below ``allOf`` and such, have none."""
    if not isinstance(schema, dict):
        return
    for name, value in schema.get("properties", {}).items():
        yield f"{path}.{name}", value
    for name, value in schema.get("$defs", {}).items():
        yield from _properties(value, name)


@pytest.mark.parametrize("name", FILES)
def test_every_field_has_a_description(name: str) -> None:
    assert [path for path, field in _properties(FILES[name]()) if "description" not in field] == []


@pytest.mark.parametrize("schema", [project_schema, include_schema], ids=["project", "include"])
def test_no_editor_shows_the_name_of_a_class(schema: Callable[[], dict[str, Any]]) -> None:
    assert [name for name, definition in schema()["$defs"].items() if definition.get("title") == name] == []


def test_a_plan_is_closed_to_unknown_fields() -> None:
    definitions = plan_schema()["$defs"].values()
    assert [part["title"] for part in definitions if part["type"] == "object" and part["additionalProperties"]] == []


def test_the_schema_knows_the_invisible_characters_of_16_bits() -> None:
    surrogates = range(0xD800, 0xE000)
    invisible = {code for code in range(0x10000) if is_invisible(chr(code))} - set(surrogates)
    assert {code for code in range(0x10000) if re.search(f"[{INVISIBLE}]", chr(code))} == invisible


def test_every_zone_that_is_accepted_is_valid_and_those_offered_are_accepted() -> None:
    schema = {"$defs": project_schema()["$defs"], "$ref": "#/$defs/EntryFields/properties/timezone"}
    zones = Draft202012Validator(schema)
    assert [zone for zone in zone_names() if not zones.is_valid(zone)] == []
    assert set(OFFERED) <= zone_names()


@pytest.mark.parametrize("zone", ["Europe/Newtown", "America/Argentina/Villa_Nueva", "Asia/Xi-An"])
def test_a_zone_of_a_later_version_of_the_database_is_valid(zone: str) -> None:
    assert is_valid(project_schema, _project_of({"timezone": zone}))


@pytest.mark.parametrize(
    "zone", ["PST", "CEST", "Berlin", "Mars/Olympus", "UTC+2", "GMT+5", "Factory", "europe/berlin"]
)
def test_an_unknown_zone_is_invalid_by_the_schema(zone: str) -> None:
    assert not is_valid(project_schema, _project_of({"timezone": zone}))
