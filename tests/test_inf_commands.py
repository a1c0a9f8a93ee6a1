"""Every ``inf halo|trace|span`` command against ``halo sandbox serve``: good and bad, ``--json`` and not.

What a command prints is held against what the sandbox's file holds, which the tests open beside the server.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from inf_cases import CASES, Bad, Subjects
from inf_trace_cases import NOT_SERVED, TRACE_CASES
from official_client import InfResult, commands, needs_inf, refusal_message, run_inf
from sandbox_calls import Caller, Json
from sandbox_process import exported_variables, serve_process

from halo_iac.sandbox import demo
from halo_iac.sandbox.platform import Sandbox
from halo_iac.sandbox.store import Key

pytestmark = needs_inf

ALL = {f"halo {command}": case for command, case in CASES.items()} | TRACE_CASES
MODES = pytest.mark.parametrize("mode", ["--json", "text"])


@dataclass(frozen=True)
class Served:
    """A served sandbox: what it exports, and its file, opened by who wants runs over at once, and never."""

    env: dict[str, str]
    quick: Caller
    slow: Caller
    folder: Path

    def run(self, line: str, mode: str, key: str = "") -> InfResult:
        command = f"--json {line}" if mode == "--json" else line
        return run_inf(command, self.env | ({"INF_API_KEY": key} if key else {}), self.folder / "nobody")

    def run_signed_in(self, line: str, mode: str) -> InfResult:
        """Run a command as who has signed in: the client refuses a key for some."""
        command = f"--json {line}" if mode == "--json" else line
        session = {name: value for name, value in self.env.items() if name != "INF_API_KEY"}
        return run_inf(command, session, self.folder / "somebody")

    def holdings(self) -> Json:
        """Return what a bad command must leave as it is."""
        page = {"projectId": self.env["INF_PROJECT_ID"], "limit": 100}
        conversations = self.quick.query("haloConversation.listForProject", page)["conversations"]
        return self.quick.sandbox.schedules(), [(each["id"], each["latestRunId"]) for each in conversations]


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("served")
    path = folder / "sandbox.db"
    (folder / "somebody").mkdir()
    with serve_process(folder, "--sandbox-file", str(path)) as running:
        env = exported_variables(running)
        session = json.dumps({"sessionToken": env["INF_API_KEY"]})
        (folder / "somebody" / "config.json").write_text(session, encoding="utf-8")
        with Sandbox.open(path, pace=0) as quick, Sandbox.open(path, pace=1000) as slow:
            quick.add_key(Key(demo.DEMO_READ_KEY, can_write=False, every_project=True))
            found = Served(env, Caller(quick), Caller(slow), folder)
            assert Subjects(found.quick, found.slow)["fired"]  # no list is empty
            yield found


@pytest.fixture
def subjects(platform: Served) -> Subjects:
    return Subjects(platform.quick, platform.slow)


def test_every_command_that_the_client_has_is_tried_here(tmp_path: Path) -> None:
    offline = {"INF_API_URL": "http://127.0.0.1:9"}
    found = [command for group in ("halo", "trace", "span") for command in commands(offline, tmp_path, group)]
    assert sorted(found) == sorted([*ALL, *NOT_SERVED])


@MODES
@pytest.mark.parametrize("command", ALL)
def test_a_command_prints_what_the_sandbox_holds(platform: Served, subjects: Subjects, command: str, mode: str) -> None:
    case = ALL[command]
    line = f"{command} {case.good.format_map(subjects)}"
    said = platform.run_signed_in(line, mode) if case.is_for_people else platform.run(line, mode)
    assert said.code == 0, said
    held = case.held(subjects)
    assert {name: held[name] for name in case.expected} == case.expected
    if mode == "--json":
        assert json.loads(said.out) == held
    else:
        assert [word for word in case.shown(held) if word not in said.out] == []


REFUSALS = [
    pytest.param(command, bad, id=f"{command} {number}")
    for command, case in ALL.items()
    for number, bad in enumerate(case.bad, 1)
]


@MODES
@pytest.mark.parametrize(("command", "bad"), REFUSALS)
def test_a_bad_command_changes_nothing(platform: Served, subjects: Subjects, command: str, bad: Bad, mode: str) -> None:
    line = f"{command} {bad.line.format_map(subjects)}"
    before = platform.holdings()
    said = platform.run(line, mode, bad.key)
    assert said.code == 1, said
    assert bad.words in refusal_message(said)
    assert platform.holdings() == before


@MODES
@pytest.mark.parametrize("command", NOT_SERVED)
def test_an_unserved_command_is_refused(platform: Served, tmp_path: Path, command: str, mode: str) -> None:
    (tmp_path / "t.jsonl").write_text('{"resourceSpans": []}\n', encoding="utf-8")
    said = platform.run(f"{command} {NOT_SERVED[command].format(file=tmp_path / 't.jsonl')}", mode)
    assert (said.code, "The sandbox does not serve traces." in refusal_message(said)) == (1, True), said
