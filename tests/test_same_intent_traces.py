"""One intent, two clients: ``inf trace`` and ``inf span``, and ``halo``, ask a recorder the same questions in order."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest
from command_line import CommandLine
from loopback import Reply, Request, result, serving
from official_client import needs_inf, run_inf

from halo_iac.api.trpc import Json

pytestmark = needs_inf

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SPAN = "53995c3f42cd8ad8"
HEADERS = ("authorization", "content-type", "x-inference-team-id", "x-inference-caller-timezone")
DAY = "--from 2026-11-27 --to 2026-11-28T12:00:00+01:00"
ROW = {"traceId": TRACE, "spanId": SPAN, "parentSpanId": "", "spanName": "s", "startTime": "2026-11-27T09:00:00.000Z"}
ATTRIBUTES = {f"{of}Attributes{kind}": {} for of in ("span", "resource") for kind in ("", "Int", "Double")}
FACETS: Json = {"categorical": {}, "numeric": {}, "attributeKeys": {}, "attributeValues": {}}
ANSWERS: dict[str, Json] = {
    "/traces.list": {"traces": [], "nextCursor": None, "totalCount": 0},
    "/traces.get": {"traceId": TRACE, "startTime": ROW["startTime"]},
    "/spans.list": {"spans": [ROW], "nextCursor": None},
    "/spans.get": {**ROW, **ATTRIBUTES, "events": [], "links": []},
    "/traces.facets": FACETS,
    "/spans.facets": FACETS,
}


def answer_request(request: Request) -> Reply:
    if request.path == "/traces.getSpans":  # a trace of 250 spans
        first = int((request.input or {}).get("cursor") or 0)
        last = min(first + request.input.get("limit", 100), 250)
        return result({"spans": [ROW] * (last - first), "nextCursor": str(last) if last < 250 else None})
    return result(ANSWERS.get(request.path, {}))


COMMANDS = (
    f"trace list {DAY} --limit 7 --cursor CUR --sort total_cost --order asc",
    f"trace ls {DAY} --kind LLM,TOOL --kind AGENT --agent a --agent b,c --model m --status ok --order desc",
    *(
        f"trace list {DAY} --filter '{expression}'"
        for expression in (
            "duration_ms > 500",
            "duration>0.5",
            "duration_ns>5",
            "total_cost between: 0.1 , 2",
            "user_id = a=b",
            "span_name~a~b",
            "user_id  empty",
            "user_id in:a, b",
            "agent_name not-in:a",
            "status!=ok",
            "cached_input_tokens<=3",
        )
    ),
    f"trace list {DAY} --metadata 'a=b=c' --metadata 'x.y!~z' --resource 'h not-empty'",
    f"trace get {TRACE}",
    f"trace show {TRACE} --limit 150 --page-size 70 --view tree",
    f"trace get {TRACE} --all --view raw",
    f"trace facets {DAY} --facet status --search status=e --attribute-key span:a.b --limit 3",
    "trace search --query 'card declined' --limit 5 --filters '{\"status\":\"error\"}'",
    f"trace get-tree --trace-id {TRACE}",
    f"trace get-bodies --trace-id {TRACE} --span-ids '[\"{SPAN}\"]'",
    "trace sessions --agent-identity a --limit 3",
    "trace session-tree --agent-identity a --session-id s",
    f"span list {DAY} --trace-id {TRACE} --text 'timed out' --scope root --sort duration_ns",
    f"span get {TRACE} {SPAN} --view io",
    f"span facets {DAY} --scope entrypoint",
    f"spans ls {DAY} --service s",
)


def asked_by(requests: list[Request]) -> list[tuple[str, str, Json, dict[str, str | None]]]:
    """Return what was asked, procedure by procedure: the official client asks for a trace and its spans at once."""
    asked = [
        (each.method, each.path, each.input, {name: each.headers.get(name) for name in HEADERS})
        for each in requests
        if not each.path.startswith("/telemetry.")
    ]
    return sorted(asked, key=lambda each: each[1])  # stable: the pages of one procedure stay in order


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_asks_as_the_official_one_does(halo: CommandLine, tmp_path: Path, command: str) -> None:
    config = tmp_path / "config.json"
    with serving(answer_request) as inf, serving(answer_request) as ours:
        for recorder in (inf, ours):
            signed_in = {"apiKey": "sk-inference-test", "activeTeamId": "team-1", "activeProjectId": "project-1"}
            config.write_text(json.dumps({**signed_in, "apiUrl": recorder.url}))
            if recorder is inf:
                said = run_inf(command, {"TZ": "UTC"}, tmp_path)
                assert said.code == 0, said
            else:
                ended = halo(*shlex.split(command), INF_CONFIG_DIR=str(tmp_path), TZ="UTC")
                assert ended.code == 0, ended.text
    assert asked_by(ours.requests) == asked_by(inf.requests)
