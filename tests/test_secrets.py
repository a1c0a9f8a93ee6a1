"""No command writes a key anywhere or sends it to another host (docs/security.md#keys).

Every command of the command line runs against a platform that puts the key into all it says, and beside a project file
that holds it. A key counts as shown where a dozen characters of its own are, in one of the forms in which a format
may write them, in output, in a file, or in a file's name.
"""

from __future__ import annotations

import base64
import html
import json
import re
import signal
import subprocess
import sys
import urllib.parse
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from analyst_spans import line
from command_line import CommandLine, CommandResult, commands
from loopback import Recorder, Reply, Request, failure, result, serving
from wire_samples import WIRE

OWN = "Canary7ZqXw0123456789abcdefghijklmnopqrs"
"""What no text of ours holds; every key here is made of it."""
PLAIN = f"sk-inference-{OWN}"
ODD = f'sk-"{OWN[:14]}\\0##[{OWN[14:28]}]\'%<&9"{OWN[28:]}'
"""A key with everything in it that some format escapes."""

Words = tuple[str, ...]


@dataclass(frozen=True)
class Way:
    """How a key is given: the variable, or the config file of ``inf``, and whether a header can carry it."""

    key: str
    env: str | None = None
    config: dict[str, str] | None = None
    is_usable: bool = True


WAYS = {
    "variable": Way(PLAIN, env=PLAIN),
    "newline": Way(PLAIN, env=f"{PLAIN}\n"),
    "odd": Way(ODD, env=ODD),
    "quoted": Way(PLAIN, env=f"“{PLAIN}”", is_usable=False),
    "two-lines": Way(PLAIN, env=f"{PLAIN}\n{PLAIN}x", is_usable=False),
    "config": Way(PLAIN, config={"apiKey": PLAIN}),
    "token": Way(PLAIN, config={"sessionToken": PLAIN}),
    "other": Way(PLAIN, env="sk-inference-another", config={"apiKey": ODD, "sessionToken": PLAIN}),
    "config-quoted": Way(PLAIN, config={"apiKey": f"‘{PLAIN}’"}, is_usable=False),
}

CASES: dict[Words, tuple[Words, ...]] = {
    (): ((), ("KEY",), ("--KEY",)),
    ("init",): (("--file", "new.yaml", "--agent", "KEY"), ("--file", "KEY/new.yaml")),
    ("import",): (("--file", "imported.yaml"), ("--file", "halo.yaml")),
    ("rename",): (("one", "KEY"), ("KEY", "New"), ("one", "--from", "KEY")),
    ("validate",): ((), ("--file", "KEY"), ("--file", "bad.yaml"), ("--also", "KEY")),
    ("plan",): (
        *(("--out", "plan.json"), ("--target", "KEY"), ("--file", "bad.yaml"), ("--project", "KEY"), ("--base", "KEY")),
        *(("--format", "github", "--also", "markdown=plan.md"), ("--protect", "KEY"), ("--undeclared", "KEY")),
    ),
    ("apply",): (
        *(("--yes",), ("plan.json", "--yes", "--file", "lax.yaml"), ("--yes", "--file", "lax.yaml")),
        *(("KEY",), ("--allow-create", "KEY"), ("--require-head", "KEY")),
    ),
    ("pause",): (("one", "--yes"), ("KEY",), ("one", "--reason", "KEY", "--yes"), ("--agent", "KEY", "--yes")),
    ("resume",): (("one", "--yes"), ("KEY",), ("--id", "KEY", "--yes")),
    ("drift",): ((), ("--ignore", "KEY"), ("--file", "KEY"), ("--format", "github", "--also", "markdown=drift.md")),
    ("ci",): (("KEY",), ("validate",), ("plan",), ("fixes",), ("plan", "--", "--target", "KEY"), ("drift",)),
    ("undo",): (("receipt.jsonl",), ("receipt.jsonl", "--yes", "--file", "lax.yaml"), ("KEY",)),
    ("preview",): ((), ("KEY",), ("--until", "KEY")),
    ("page",): (("--offline",), ("--timezone", "KEY"), ("--reports", "KEY"), ()),
    ("schema",): ((), ("KEY",)),
    ("doctor",): ((), ("--file", "bad.yaml")),
    ("agent",): ((), ("KEY",)),
    ("agent", "list"): ((), ("--time-range", "KEY")),
    ("mcp",): ((), ("--project", "KEY"), ("--file", "KEY/halo.yaml")),  # its answers: tests/test_mcp.py
    ("model",): ((),),
    ("model", "list"): ((), ("--team", "KEY")),
    ("schedule",): ((),),
    ("schedule", "list"): ((), ("--include-archived",)),
    ("schedule", "get"): (("one",), ("KEY",), (WIRE["id"],), ("00000000-0000-4000-8000-000000000001",)),
    ("schedule", "runs"): (("one",), ("KEY",), ("00000000-0000-4000-8000-000000000001",)),
    ("schedule", "fire"): (("one",), ("KEY",), ("one", "--window-start-at", "KEY")),
    ("report",): ((),),
    ("report", "run"): (("checkout",), ("KEY",), ("checkout", "--no-wait"), ("checkout", "--output", "reports/")),
    ("report", "pull"): (
        ("--dir", "pulled"),
        ("--dir", "pulled", "--for-agent"),
        ("--since", "KEY"),
        ("--schedule", "KEY"),
    ),
    ("report", "get"): (
        ("one",),
        ("one", "--all"),
        ("one", "--for-agent"),
        ("KEY",),
        ("00000000-0000-4000-8000-000000000001",),
    ),
    ("report", "diff"): (("one",), ("one", "KEY"), ("KEY.md", "one"), ("one", "--format", "markdown")),
    ("report", "traces"): (("one",), ("KEY",), ("one", "--json")),
    ("report", "list"): ((), ("--agent", "KEY")),
    ("report", "ask"): (("00000000-0000-4000-8000-000000000001", "KEY?"),),
    ("run",): ((),),
    ("run", "create"): (("--agent", "checkout", "--prompt", "KEY"), ("--agent", "KEY")),
    ("run", "get"): (("one",), ("KEY",)),
    ("run", "events"): (("one",), ("KEY",)),
    ("run", "poll"): (("one",), ("KEY",)),
    ("run", "logs"): (("one",), ("KEY", "--log-level", "KEY")),
    ("run", "cancel"): (("one", "--reason", "KEY"),),
    ("run", "retry"): (("one",), ("KEY",)),
    ("conversation",): ((),),
    ("conversation", "list"): ((), ("--agent", "KEY")),
    ("conversation", "get"): (("one",), ("KEY",)),
    ("trace",): ((),),
    ("trace", "list"): (
        (),
        ("--filter", "KEY"),
        ("--kind", "KEY"),
        ("--cursor", "KEY"),
        ("--agent", "KEY", "--range", "KEY"),
    ),
    ("trace", "get"): (("one",), ("KEY", "--all"), ("one", "--output", "trace.json"), ("one", "--view", "thread")),
    ("trace", "search"): (("KEY",), ("a", "--filters", "KEY")),
    ("trace", "facets"): ((), ("--facet", "KEY"), ("--attribute-key", "KEY")),
    ("span",): ((),),
    ("span", "list"): ((), ("--metadata", "KEY"), ("--text", "KEY")),
    ("span", "get"): (("one", "two"), ("KEY", "KEY", "--view", "io"), ("one", "two", "--output", "span.json")),
    ("span", "facets"): ((), ("--search", "KEY")),
    ("sandbox",): ((),),
    ("sandbox", "serve"): (("--port", "KEY"), ("--sandbox-file", "halo.yaml")),  # it serves further below
    ("sandbox", "reset"): (("--yes",), ("--sandbox-file", "halo.yaml")),
    ("sandbox", "load"): (("traces.jsonl",), ("KEY",), ("halo.yaml",)),
    ("sandbox", "tick"): ((), ("--until", "KEY")),
    ("sandbox", "next-run"): ((), ("--ends", "KEY"), ("--ends", "failed", "--after", "KEY")),
}
"""Command → what it is called with; ``KEY`` stands for the key, which a user may paste anywhere."""


FIRST: dict[Words, Words] = {
    ("apply",): ("plan", "--file", "lax.yaml", "--out", "plan.json"),
    ("undo",): ("apply", "--file", "lax.yaml", "--yes", "--receipt", "receipt.jsonl"),
}
"""What is called before the cases of a command, for the files that they read."""


def test_every_command_has_a_case() -> None:
    assert set(CASES) == set(commands())


# Looking for it -----------------------------------------------------------------------------------------------------


def encodings_of(text: str) -> Iterator[bytes]:
    """Yield what a piece of text may look like in a file or a stream."""
    raw = text.encode()
    yield from (raw, json.dumps(text)[1:-1].encode(), urllib.parse.quote(text).encode(), html.escape(text).encode())
    yield from (raw.hex().encode(), raw[::-1], text.encode("utf-16-le"), repr(text)[1:-1].encode())
    for shift in range(3):  # base64 of a longer text that holds it
        whole = base64.b64encode(bytes(shift) + raw).rstrip(b"=")
        yield whole[4:-3]


PIECES = frozenset(form for start in range(0, len(OWN) - 7, 4) for form in encodings_of(OWN[start : start + 8]))


def shown_in(content: bytes) -> list[bytes]:
    return [piece for piece in PIECES if piece in content]


def assert_hidden(content: bytes, where: object) -> None:
    if re.search(rb"[A-Za-z0-9+/]{6}", content):
        assert shown_in(content) == [], (where, content.decode(errors="replace"))


def test_the_search_for_a_key_finds_every_encoding() -> None:
    for written in (PLAIN, json.dumps(PLAIN), PLAIN[:24] + "…", PLAIN.encode().hex(), f"{PLAIN[:30]}\n{PLAIN[30:]}"):
        assert shown_in(written.encode())
    for before in ("", "a", "ab", "Bearer "):
        assert shown_in(base64.b64encode(f"{before}{PLAIN} and more".encode()))
    assert not shown_in(b"sk-inference-")


# A platform that says it --------------------------------------------------------------------------------------------


def answers_with_key(key: str) -> dict[str, Any]:
    """Return what the platform answers to each procedure: the key, wherever it may put a word of its own."""
    id_ = "00000000-0000-4000-8000-000000000001"
    schedule = {**WIRE, "id": id_, "title": "One", "prompt": f"Look for {key}.\n\n{key}", "modelId": key}
    other = {**schedule, "id": key, "title": f"{key} {key}", "frequency": key, "timezone": key}
    run = {"id": id_, "conversationId": id_, "status": "completed", "origin": key, "errorMessage": key, "modelId": key}
    run |= {"scheduleId": id_, "createdAt": "2026-11-02T12:00:00.000Z", "resultR2Key": key}
    report = f"# Report of {key}\n\n{'long words ' * 5}{key} {key}\n\n| a | b |\n| - | - |\n| {key} | `{key}` |\n"
    message = {"sequence": 2, "role": "assistant", "content": report}
    conversation = {"id": id_, "title": key, "latestRunId": key, "createdAt": "2026-11-02T12:00:00.000Z"}
    dataset = {"id": key, "agentUuid": key, "lifecycleStatus": key, "windowStartAt": key, "windowEndAt": key}
    project = {"id": "p", "name": key, "permissions": [key, "read"]}
    trace = {"traceId": id_, "rootSpanName": key, "agentName": key, "startTime": key, "totalCost": key, "new": key}
    span = {"traceId": id_, "spanId": key, "parentSpanId": key, "spanName": f"{key} {key}", "observationKind": key}
    span |= {
        "input": key,
        "output": json.dumps({key: key}),
        "inputMessages": json.dumps([{"role": key, "content": key}]),
    }
    detail = {**span, "events": [{"name": key}], "links": [key], "spanAttributes": {key: key}, "userId": key}
    facets = {"categorical": {key: [{"value": key, "count": 1}]}, "attributeKeys": {"span": [{"value": key}]}}
    agent = {"id": WIRE["agentUuid"], "identitySource": "agent_name", "identityValue": "checkout"}
    return {
        "agent.listForProject": [agent, {"id": key, "identityValue": f"{key} {key}", "identitySource": key}],
        "haloSchedule.listForProject": {"schedules": [schedule, other], "nextCursor": None},
        "haloSchedule.getById": schedule,
        "haloSchedule.listRuns": [run],
        "haloSchedule.listEligibleModels": [{"id": key, "name": f"{key} {key}"}, key],
        "haloRun.getById": {"run": run, "haloExportDataset": dataset},
        "haloRun.getEvents": {"events": [{"sequence": 1, "eventType": key, "createdAt": key}], "nextCursor": None},
        "haloRun.getLogs": [key, {"message": key}],
        "haloConversation.listForProject": {"conversations": [conversation], "nextCursor": None},
        "haloConversation.getDetails": {
            "conversation": conversation,
            "messages": [{"sequence": 1, "role": "user", "content": key}, message],
            "runs": [run],
            "dataset": dataset,
        },
        "project.getAuthContext": {"authMethod": key, "resolvedProject": project, "scopedProjects": [project]},
        "project.getProject": {"teamId": "team", "name": key},
        "traces.list": {"traces": [trace, {**trace, "traceId": key}], "nextCursor": key, "totalCount": 2},
        "traces.get": trace,
        "traces.getSpans": {"spans": [span, span], "nextCursor": None},
        "traces.search": {"hits": [trace], "nextCursor": key},
        "traces.facets": facets,
        "spans.list": {"spans": [span], "nextCursor": key},
        "spans.get": detail,
        "spans.facets": facets,
        "haloRun.create": {"runId": id_, "conversationId": id_, "note": key},
    }


def answer_with_key(key: str) -> Callable[[Request], Reply]:
    known = answers_with_key(key)
    return lambda request: result(
        known.get(request.path[1:], {**known["haloSchedule.getById"], **known["haloRun.create"]})
    )


def failing_platforms(key: str) -> dict[str, Callable[[Request], Reply]]:
    """Return platforms that fail and say the key as well; with statuses that are not retried, so that no test waits."""
    return {
        "rejects": lambda _: failure(400, f"no {key}: {'x' * 250} {key}", key, **{"x-request": "1"}),
        "wrong key": lambda _: failure(401, f"{key} is not accepted", f"NOT_{key}"),
        "html": lambda _: Reply(403, f"<html>{key}".encode(), {"cf-ray": "1", "content-type": "text/html"}),
        "text": lambda _: Reply(404, key.encode()),
    }


# Every command ------------------------------------------------------------------------------------------------------


def write_files_with_key(folder: Path, way: Way) -> None:
    """Write a project file with the key in its texts, one with the key where it makes problems, and traces with it."""
    quoted = json.dumps(way.key)
    entry = f"{{title: One, agent: checkout, frequency: hourly, model_id: {quoted}, prompt: {quoted}}}"
    new = f"{{title: New, agent: {quoted}, frequency: hourly, timezone: UTC, renamed_from: {quoted}}}"
    (folder / "halo.yaml").write_text(f"version: 1\nproject: p\nschedules:\n  one: {entry}\n  new: {new}\n")
    lax = f"version: 1\nproject: p\nfindings: {{credential-in-prompt: off}}\nschedules:\n  one: {entry}\n"
    (folder / "lax.yaml").write_text(lax)
    bad = f"version: 1\n{quoted}: 1\nundeclared: {quoted}\ninclude: {quoted}\nschedules:\n  {quoted}: {{{quoted}: 1}}\n"
    bad += f"  b: {{title: {quoted}, timezone: {quoted}, prompt_file: {quoted}, agent: ${{{OWN}}}, cron: {quoted}}}\n"
    (folder / "bad.yaml").write_text(bad)
    (folder / "traces.jsonl").write_bytes(line(attributes={"agent.name": way.key}) + f"\n{{{way.key}\n".encode())
    (folder / "own").write_text("")
    if way.config is not None:
        (folder.parent / "inf").mkdir()
        (folder.parent / "inf" / "config.json").write_text(json.dumps(way.config))


OURS = {"halo.yaml", "lax.yaml", "bad.yaml", "traces.jsonl", "config.json"}
"""Files that hold the key because we put it there."""


def assert_told_well(ended: CommandResult, argv: Words) -> None:
    assert_hidden(ended.text.encode(), argv)
    assert "Traceback" not in ended.text, argv
    assert "internal error" not in ended.text, argv


def assert_left_well(folder: Path) -> None:
    """Look into every file, and at its name, in the folder and beside it."""
    for path in sorted(folder.parent.rglob("*")):
        assert_hidden(str(path.relative_to(folder.parent)).encode(), path)
        if path.is_file() and path.name not in OURS and not path.name.startswith("sandbox.db"):
            assert_hidden(path.read_bytes(), path)


@pytest.fixture(scope="module")
def unasked_server() -> Iterator[Recorder]:
    with serving(lambda _: Reply(200, b"gotcha")) as recorder:
        yield recorder


@pytest.fixture
def unasked_proxy(unasked_server: Recorder, monkeypatch: pytest.MonkeyPatch) -> Iterator[Recorder]:
    """Set every proxy variable to a server that must not be asked anything; it is also where redirects lead."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, unasked_server.url)
    yield unasked_server
    asked = [*unasked_server.requests]
    unasked_server.requests.clear()
    assert asked == []


@pytest.mark.usefixtures("unasked_proxy")
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("words", CASES, ids=" ".join)
def test_no_command_shows_the_key(halo: CommandLine, folder: Path, words: Words, way: str) -> None:
    given = WAYS[way]
    write_files_with_key(folder, given)
    env = {} if given.env is None else {"INF_API_KEY": given.env}
    argvs = [(*words, *(part.replace("KEY", given.key) for part in case)) for case in CASES[words]]
    with serving(answer_with_key(given.key)) as recorder:
        if words in FIRST:
            assert_told_well(halo(*FIRST[words], INF_API_URL=recorder.url, **env), FIRST[words])
            assert (folder / FIRST[words][-1]).is_file() == given.is_usable
        for argv in argvs:
            for options in ((), ("--json",)):
                assert_told_well(halo(*argv, *options, INF_API_URL=recorder.url, **env), argv)
    assert_left_well(folder)
    keys = {request.headers.get("authorization") for request in recorder.requests}
    assert given.is_usable or not keys
    assert len(keys) <= 1


@pytest.mark.parametrize("way", ["variable", "odd"])
@pytest.mark.parametrize("words", CASES, ids=" ".join)
def test_no_error_shows_the_key(
    halo: CommandLine, folder: Path, unasked_proxy: Recorder, words: Words, way: str
) -> None:
    key = WAYS[way].key
    write_files_with_key(folder, WAYS[way])
    argvs = [(*words, *(part.replace("KEY", key) for part in case)) for case in CASES[words]]
    redirect = Reply(307, key.encode(), {"Location": f"{unasked_proxy.url}/{urllib.parse.quote(key)}"})
    for answer in (*failing_platforms(key).values(), lambda _: redirect):
        with serving(answer) as recorder:
            for argv in argvs:
                assert_told_well(halo(*argv, INF_API_URL=recorder.url, INF_API_KEY=key), argv)
    assert_left_well(folder)


def test_no_narrow_screen_shows_half_a_key(halo: CommandLine, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_files_with_key(folder, WAYS["variable"])
    with serving(answer_with_key(PLAIN)) as recorder:
        for columns in ("20", "70"):
            monkeypatch.setenv("COLUMNS", columns)
            for words, cases in CASES.items():
                for case in cases:
                    argv = (*words, *(part.replace("KEY", PLAIN) for part in case))
                    ended = halo(*argv, is_terminal=True, INF_API_URL=recorder.url, INF_API_KEY=PLAIN)
                    assert_hidden(ended.text.encode(), (columns, argv))


def test_a_sandbox_of_a_clean_project_holds_no_key(halo: CommandLine, folder: Path) -> None:
    (folder / "halo.yaml").write_text("version: 1\nschedules:\n  a: {title: A, agent: checkout, frequency: hourly}\n")
    for argv in (("plan",), ("apply", "--yes"), ("schedule", "list"), ("run", "create", "--agent", "checkout")):
        assert halo(*argv, "--sandbox", INF_API_KEY=PLAIN).code == 0
    for path in folder.rglob("*"):
        if path.is_file():
            assert_hidden(path.read_bytes(), path.name)


def test_a_served_sandbox_shows_no_key_but_its_own(tmp_path: Path) -> None:
    env = {"INF_API_KEY": PLAIN, "PATH": "/usr/bin", "HOME": str(tmp_path)}
    command = [sys.executable, "-P", "-m", "halo_iac", "sandbox", "serve", "--port", "0"]
    with subprocess.Popen(command, cwd=tmp_path, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate()
    assert first.startswith(b"export INF_API_URL=")
    assert_hidden(first + out + err, "serve")
