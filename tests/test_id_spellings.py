"""Ids and zones in another spelling mean the same and cause no endless updates."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from command_line import CommandLine, schedules
from hypothesis import given
from hypothesis import strategies as st
from sandbox_calls import PROJECT, Caller, open_at_noon
from sandbox_server import SandboxServer, serve_sandbox

from halo_iac.model.ids import canonical_id
from halo_iac.model.zones import is_same_zone
from halo_iac.sandbox import demo
from halo_iac.sandbox.faults import PatchResponse

UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")


@pytest.fixture
def served_sandbox(halo: CommandLine) -> Iterator[SandboxServer]:
    with serve_sandbox(halo) as place:
        yield place


def write_entry(folder: Path, **fields: Any) -> None:  # noqa: ANN401 - an entry's own fields
    policy = {key: fields.pop(key) for key in ("project", "scope", "undeclared") if key in fields}
    entry = {"title": "A", "agent": "checkout", "frequency": "daily", "hours": 9, "prompt": "Look.", **fields}
    document = {"version": 1, **policy, "schedules": {"a": entry}}
    (folder / "halo.yaml").write_text(json.dumps(document), encoding="utf-8")


def patched_ids(change: Callable[[str], str]) -> PatchResponse:
    return PatchResponse(lambda data: json.loads(change(json.dumps(data))))


def in_capitals(text: str) -> str:
    return UUID.sub(lambda found: found[0].upper(), text)


def test_a_platform_that_answers_in_capitals_holds_what_was_sent(served_sandbox: SandboxServer, folder: Path) -> None:
    served_sandbox.fault("halo*", patched_ids(in_capitals), times=None)
    served_sandbox.fault("agent*", patched_ids(in_capitals), times=None)
    served_sandbox.fault("project*", patched_ids(in_capitals), times=None)
    write_entry(folder, scope={"agents": ["checkout"]}, undeclared="archive")
    assert served_sandbox("apply", "--yes").code == 0
    assert served_sandbox("plan", "--detailed-exitcode").code == 0
    write_entry(folder, hours=10, agent=demo.CHECKOUT_ID)
    assert served_sandbox("apply", "--yes").code == 0
    assert served_sandbox("plan", "--detailed-exitcode").code == 0
    assert served_sandbox.held == (("A at 10",), 0)


def test_ids_in_capitals_in_a_file_are_those_of_the_platform(served_sandbox: SandboxServer, folder: Path) -> None:
    schedule = Caller(served_sandbox.sandbox).create(title="Old", agentUuid=demo.CHECKOUT_ID)
    capitals = {name: text.upper() for name, text in (("id", schedule["id"]), ("agent", demo.CHECKOUT_ID))}
    write_entry(folder, project=PROJECT.upper(), **capitals)
    assert served_sandbox("apply", "--yes").code == 0
    assert served_sandbox.held == (("A at 9",), 0)
    assert served_sandbox("import", schedule["id"].upper()).code == 0
    assert served_sandbox("plan", "--detailed-exitcode", "--project", PROJECT.upper()).code == 0


@pytest.mark.usefixtures("instant_runs")
def test_ids_in_capitals_on_the_command_line_are_those_of_the_platform(halo: CommandLine, folder: Path) -> None:
    open_at_noon(folder)
    write_entry(folder)
    assert halo("apply", "--sandbox", "--yes").code == 0
    schedule = schedules(halo)[0]["id"]
    run = halo("schedule", "fire", schedule, "--sandbox", "--json").json["runId"]
    assert halo("run", "poll", run, "--sandbox").code == 0
    thread = halo("conversation", "list", "--sandbox", "--json").json["conversations"][0]["id"]
    for argv in (
        ["conversation", "list", "--schedule", schedule],
        ["report", "list", "--schedule", schedule],
        ["schedule", "get", schedule],
        ["schedule", "runs", schedule],
        ["report", "get", schedule],
        ["report", "get", run],
        ["report", "get", thread],
        ["run", "get", run],
        ["run", "poll", run],
        ["run", "logs", run],
        ["conversation", "get", thread],
        ["agent", "list", "--project", PROJECT],
    ):
        as_listed, in_capital_letters = (
            halo(*words, "--sandbox", "--json") for words in (argv, list(map(upper_case, argv)))
        )
        assert (as_listed.code, in_capital_letters) == (0, as_listed), (argv, as_listed.text)
    assert halo("schedule", "fire", schedule.upper(), "--sandbox").code == 0
    assert halo("report", "ask", thread.upper(), "Why?", "--sandbox").code == 0
    assert halo("run", "cancel", run.upper(), "--sandbox").err.count("was not found") == 0


def upper_case(word: str) -> str:
    return word.upper() if UUID.fullmatch(word) else word


@pytest.mark.parametrize("written", ["{{{}}}", "({})", "urn:uuid:{}", "{{{}}}|-", "{}|-"])
def test_an_id_in_another_spelling_is_shown_as_written(halo: CommandLine, folder: Path, written: str) -> None:
    write_entry(folder)
    assert halo("apply", "--sandbox", "--yes").code == 0
    schedule = schedules(halo)[0]["id"]
    form, _, without = written.partition("|")
    write_entry(folder, id=form.format(schedule.upper().replace(without or "?", "")))
    assert f"write it as {schedule}" in halo("plan", "--sandbox").text
    write_entry(folder, id="another")
    assert "correct `id:` or remove it" in halo("plan", "--sandbox").text


@pytest.mark.parametrize(
    ("declared", "answered"),
    [
        ("US/Pacific", "America/Los_Angeles"),
        ("America/Los_Angeles", "US/Pacific"),
        ("Etc/UTC", "UTC"),
        ("UTC", "Etc/UCT"),
        ("Asia/Kolkata", "Asia/Calcutta"),
        ("GMT", "Etc/Greenwich"),
    ],
)
def test_another_name_of_a_zone_is_no_change(
    served_sandbox: SandboxServer, folder: Path, declared: str, answered: str
) -> None:
    renamed = patched_ids(lambda text: text.replace(f'"{declared}"', f'"{answered}"'))
    served_sandbox.fault("haloSchedule*", renamed, times=None)
    write_entry(folder, timezone=declared)
    applied = served_sandbox("apply", "--yes")
    assert (applied.code, "another" in applied.text) == (0, False)
    assert served_sandbox("plan", "--detailed-exitcode").code == 0
    write_entry(folder, timezone=declared, hours=10)
    changes = served_sandbox("plan", "--json").json["changes"]
    assert [[field["field"] for field in change["fields"]] for change in changes] == [["hours"]]
    assert served_sandbox("apply", "--yes").code == 0
    assert served_sandbox("plan", "--detailed-exitcode").code == 0


def test_another_zone_is_a_change_even_where_its_clocks_show_the_same() -> None:
    assert not is_same_zone("America/Los_Angeles", "America/Tijuana")
    assert not is_same_zone("UTC", "Europe/London")
    assert not is_same_zone("UTC", "Mars/Olympus")
    assert is_same_zone("Mars/Olympus", "Mars/Olympus")


@given(st.uuids(), st.text())
def test_a_uuid_has_one_spelling_and_any_other_id_stays_as_it_is(uuid: object, text: str) -> None:
    assert canonical_id(str(uuid).upper()) == str(uuid) == canonical_id(str(uuid))
    assert canonical_id(f"{str(uuid).upper()}X") == f"{str(uuid).upper()}X"
    assert UUID.fullmatch(text.lower()) or canonical_id(text) == text
