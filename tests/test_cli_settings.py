"""Which file, which platform and which project a command means, as the command line and the environment decide."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from command_line import CommandLine, tree
from loopback import Recorder, Reply, Request, result, serving

KEY = "sk-inference-settings-0123"
EMPTY = "version: 1\nschedules: {}\n"
PROJECTS = [{"id": "p1", "name": "Shop", "permissions": ["read"]}, {"id": "p2", "name": "Desk", "permissions": []}]


def answer_request(request: Request) -> Reply:
    if request.path.endswith("getAuthContext"):
        return result({"authMethod": "apiKey", "teamId": "t", "resolvedProject": None, "scopedProjects": PROJECTS})
    return result({"schedules": [], "nextCursor": None} if "haloSchedule" in request.path else [])


def asked_for(recorder: Recorder) -> set[str]:
    """Return the projects that requests named."""
    return {request.input["projectId"] for request in recorder.requests if request.input}


def planned_host(halo: CommandLine, *argv: str, **env: str) -> dict[str, Any]:
    ended = halo("plan", *argv, "--json", **env)
    assert ended.code == 0, ended.text
    planned: dict[str, Any] = ended.json["host"]
    return planned


# The project file ---------------------------------------------------------------------------------------------------


def test_the_option_comes_before_the_environment_and_both_before_the_search(halo: CommandLine, folder: Path) -> None:
    for name, count in (("halo.yaml", 0), ("env.yaml", 1), ("option.yaml", 2)):
        entries = "".join(f"  e{n}: {{title: T{n}, agent: x{n}, cron: '@daily'}}\n" for n in range(count))
        (folder / name).write_text(f"version: 1\nschedules:{' {}' if not count else ''}\n{entries}")
    env = {"HALO_FILE": "env.yaml"}
    assert halo("validate").out == "halo.yaml: 0 schedules, no problems\n"
    assert halo("validate", **env).out == "env.yaml: 1 schedule, no problems\n"
    assert halo("validate", "--file", "option.yaml", **env).out == "option.yaml: 2 schedules, no problems\n"
    assert halo("validate", HALO_FILE="").out == "halo.yaml: 0 schedules, no problems\n"
    assert halo("validate", HALO_FILE="e*.yaml").err == (
        "e*.yaml: no such file\nhint: HALO_FILE names one file; several, or a glob, are named with --file\n"
    )


def test_a_file_further_up_counts_up_to_the_root_of_the_repository(halo: CommandLine, folder: Path) -> None:
    (folder.parent / "halo.yaml").write_text(EMPTY)
    (folder / "a" / "b").mkdir(parents=True)
    os.chdir(folder / "a" / "b")
    assert halo("validate").out == "../../../halo.yaml: 0 schedules, no problems\n"
    (folder / "a" / ".git").mkdir()
    assert halo("validate").err == (
        "halo.yaml: no such file in this folder or any folder above it\nhint: run `halo init` or `halo import`\n"
    )


def test_the_sandbox_is_beside_the_project_file(halo: CommandLine, folder: Path) -> None:
    (folder / "halo.yaml").write_text(EMPTY)
    (folder / "sub").mkdir()
    os.chdir(folder / "sub")
    assert planned_host(halo, "--sandbox")["base_url"] == f"sandbox:{folder / '.halo' / 'sandbox.db'}"
    assert (folder / ".halo" / "sandbox.db").exists()
    assert tree(folder / "sub") == {}


# The platform -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("argv", "env", "path", "origin"),
    [
        (["--sandbox"], {}, ".halo/sandbox.db", "--sandbox"),
        (["--sandbox"], {"HALO_SANDBOX": "env.db", "INF_API_KEY": KEY}, "env.db", "HALO_SANDBOX"),
        (["--sandbox-file", "a.db"], {"HALO_SANDBOX": "env.db", "INF_API_KEY": KEY}, "a.db", "--sandbox-file"),
        (["--sandbox", "--sandbox-file", "a.db"], {}, "a.db", "--sandbox-file"),
        ([], {"HALO_SANDBOX": "env.db"}, "env.db", "HALO_SANDBOX"),
    ],
)
def test_settings_that_select_the_sandbox(
    halo: CommandLine, folder: Path, argv: list[str], env: dict[str, str], path: str, origin: str
) -> None:
    (folder / "halo.yaml").write_text(EMPTY)
    assert planned_host(halo, *argv, **env) == {
        "base_url": f"sandbox:{folder / path}",
        "project_id": "5a4db0c5-0000-4000-8000-000000000001",
        "project_name": None,
        "url_origin": origin,
        "project_origin": "the sandbox",
        "is_sandbox": True,
    }


@pytest.mark.parametrize("command", [("plan",), ("apply", "--yes"), ("agent", "list")], ids=" ".join)
def test_a_sandbox_beside_a_key_is_an_error(halo: CommandLine, folder: Path, command: tuple[str, ...]) -> None:
    (folder / "halo.yaml").write_text(EMPTY)
    ended = halo(*command, HALO_SANDBOX="env.db", INF_API_KEY=KEY)
    assert (ended.code, ended.out) == (1, "")
    assert ended.err == (
        "error: HALO_SANDBOX and INF_API_KEY are both set, so it is not clear which platform is meant\n"
        "hint: unset one of them, or pass --sandbox\n"
    )
    assert list(tree(folder)) == ["halo.yaml"]


def test_without_a_key_the_hint_says_how_to_give_one(halo: CommandLine, folder: Path) -> None:
    (folder / "halo.yaml").write_text(EMPTY)
    ended = halo("plan")
    assert (ended.code, ended.out) == (1, "")
    assert ended.err == (
        "error: no API key: neither INF_API_KEY nor the inf config file has one\n"
        "hint: Set INF_API_KEY, or sign in with `inf`; `--sandbox` needs no key.\n"
    )


def test_a_session_of_inf_is_enough(halo: CommandLine, folder: Path) -> None:
    (folder / "halo.yaml").write_text(EMPTY)
    config = folder.parent / "inf" / "config.json"
    config.parent.mkdir()
    with serving(answer_request) as recorder:
        config.write_text(
            json.dumps({"sessionToken": KEY, "apiUrl": recorder.url, "activeProjectId": "p1", "activeTeamId": "t1"})
        )
        planned = planned_host(halo)
    assert planned["project_origin"] == f"{config} (activeProjectId)"
    assert asked_for(recorder) == {"p1"}
    headers = [request.headers for request in recorder.requests]
    assert all(each["authorization"] == f"Bearer {KEY}" for each in headers)
    assert all(each["x-inference-team-id"] == "t1" for each in headers)


# The project --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("argv", "declared", "env", "expected"),
    [
        (["--project", "flag"], "declared", {"INF_PROJECT_ID": "other"}, ("flag", "--project")),
        ([], "declared", {}, ("declared", "halo.yaml:2")),
        ([], "declared", {"INF_PROJECT_ID": "declared"}, ("declared", "halo.yaml:2")),
        ([], None, {"INF_PROJECT_ID": "variable"}, ("variable", "INF_PROJECT_ID")),
    ],
)
def test_the_project_comes_from_flag_file_variable_and_config_in_this_order(
    halo: CommandLine,
    folder: Path,
    argv: list[str],
    declared: str | None,
    env: dict[str, str],
    expected: tuple[str, str],
) -> None:
    named = f"project: {declared}\n" if declared else ""
    (folder / "halo.yaml").write_text(f"version: 1\n{named}schedules: {{}}\n")
    with serving(answer_request) as recorder:
        planned = planned_host(halo, *argv, **env, INF_API_URL=recorder.url, INF_API_KEY=KEY)
    assert (planned["project_id"], planned["project_origin"]) == expected
    assert asked_for(recorder) == {expected[0]}


def test_a_file_and_a_variable_that_differ_are_an_error(halo: CommandLine, folder: Path) -> None:
    (folder / "halo.yaml").write_text("version: 1\nproject: one\nschedules: {}\n")
    for where in ((), ("--sandbox",)):
        ended = halo("plan", *where, INF_PROJECT_ID="two", **({} if where else {"INF_API_KEY": KEY}))
        assert (ended.code, ended.out) == (1, "")
        assert ended.err == (
            "error: two projects are named: one in halo.yaml:2 and two in INF_PROJECT_ID\n"
            "hint: Choose one with --project, or unset INF_PROJECT_ID.\n"
        )


def test_requests_start_before_files_are_read_if_the_project_is_known(halo: CommandLine, folder: Path) -> None:
    (folder / "halo.yaml").write_text("version: 1\nschedules: {}\nodd: 1\n")
    with serving(answer_request) as recorder:
        ended = halo("plan", INF_API_URL=recorder.url, INF_API_KEY=KEY, INF_PROJECT_ID="p1")
        assert {request.method for request in recorder.requests} == {"GET"}
        assert asked_for(recorder) == {"p1"}
    assert (ended.code, ended.out) == (1, "")
    assert ended.err == "halo.yaml:3:1: unknown key `odd`\n1 problem in 1 file\n"


def test_problems_of_files_are_reported_before_a_missing_key(halo: CommandLine, folder: Path) -> None:
    (folder / "halo.yaml").write_text("version: 1\nschedules: {}\nodd: 1\n")
    ended = halo("plan", INF_PROJECT_ID="p1")
    assert (ended.code, ended.err) == (1, "halo.yaml:3:1: unknown key `odd`\n1 problem in 1 file\n")


def test_a_key_of_several_projects_lists_them(halo: CommandLine, folder: Path) -> None:
    (folder / "halo.yaml").write_text(EMPTY)
    with serving(answer_request) as recorder:
        env = {"INF_API_URL": recorder.url, "INF_API_KEY": KEY}
        for command in (("plan",), ("schedule", "list")):
            ended = halo(*command, **env)
            assert (ended.code, ended.out) == (1, "")
            assert ended.err == (
                "error: no project is named, and the key belongs to 2 projects:\n"
                "│   p1  Shop\n"
                "│   p2  Desk\n"
                "hint: Name one: --project, `project:` in the project file, or INF_PROJECT_ID.\n"
            )
        assert halo("plan", "--project", "p2", **env).code == 0
    assert asked_for(recorder) == {"p2"}
