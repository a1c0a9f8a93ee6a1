"""What mutation starts from: the examples, and the samples of the tests."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import analyst_spans
import render_samples
from receipts import HEADER, receipt_bytes
from wire_samples import WIRE

from fuzzing.files import PROJECT_FILES
from fuzzing.laws import KEY, packed
from halo_iac.model.plan import Action
from halo_iac.model.receipt import Result, RunEnd, WriteIntent, WriteOutcome
from halo_iac.model.remote import RemoteSchedule
from halo_iac.model.schedule import Spec
from halo_iac.render.json import plan_json

_ROOT: Final = Path(__file__).parents[2]
_EXAMPLES: Final = [_ROOT / "halo.yaml", *sorted((_ROOT / "examples").glob("*/**/*.yaml"))]

_LINKS: Final = b"""\
version: 1
include: [schedules/*.yaml, schedules/b.yml, links/*.yaml, links/up/outside.yaml, "**/*.yml", ../outside.yaml]
defaults: {prompt_file: links/file.md}
overrides: {prompt_file: links/up/outside.md}
schedules:
  one: {title: "${ONE:-x} $$ ${TWO}", agent: a, cron: "*/15 9-17 * * mon-fri", prompt_file: ../outside.md}
"""
_INCLUDED: Final = b"""\
schedules:
  two: &two
    title: Two
    agent: checkout
    frequency: monthly
    days_of_month: [1, 15]
    at: ["09:30", "17:30"]
    lookback: 7d
    timezone: Europe/Berlin
    prompt_file: ../prompts/a.md
  three: {<<: *two, title: Three, state: archived, id: 0b9d6c1e-0000-4000-8000-000000000001, renamed_from: [Two, Old]}
"""


def projects() -> Iterator[bytes]:
    """Yield archives of projects."""
    for path in _EXAMPLES:
        yield packed({"halo.yaml": path.read_bytes()})
    prompts = {"prompts/a.md": b"Look.", "prompts/b.txt": b"\xef\xbb\xbfLook.\r\n"}
    yield packed({"halo.yaml": _LINKS, PROJECT_FILES[1]: _INCLUDED, **prompts, "env": b"ONE=1\nTWO=${TWO}\n"})


def yamls() -> Iterator[bytes]:
    """Yield YAML files, odd ones among them."""
    yield from (path.read_bytes() for path in _EXAMPLES)
    yield _INCLUDED
    yield b'%YAML 1.2\n---\n? a\n: |2-\n   b\n"\\u00e9\\x41\\U0001F600": !!str >+\n  folded\n\n...\n# end\n'
    yield b"a: &x [1_000, 0x1F, .inf, 1e3, ~, 2026-11-02]\nb: *x\n<<: [{c: 1}, {d: 2}]\n'e''f': \"\\\n  g\"\n"


def saved_plans() -> Iterator[bytes]:
    """Yield saved plans."""
    yield plan_json(render_samples.every_section()).encode()


def saved_receipts() -> Iterator[bytes]:
    """Yield receipts: of every action on a schedule that is there, and of creates whose outcome is unknown."""
    remote = RemoteSchedule(WIRE)
    before = remote.spec()
    assert isinstance(before, Spec)
    about: dict[str, Any] = {"key": "one", "id": remote.id, "title": before.title, "is_archived": False}
    former = replace(before, title="Former", hours=(7,))
    made = {**about, "id": None, "before": None, "after": before}
    for intents in (
        [WriteIntent(number=1, action=Action.UPDATE, before=former, after=before, **about)],
        [WriteIntent(number=1, action=Action.UNARCHIVE, before=before, after=None, **{**about, "is_archived": True})],
        [WriteIntent(number=1, action=Action.CREATE, **made), WriteIntent(number=2, action=Action.CREATE, **made)],
    ):
        done = WriteOutcome(number=1, result=Result.DONE, id=remote.id)
        yield receipt_bytes(HEADER, *intents, done, RunEnd(writes=len(intents)))


def settings() -> Iterator[bytes]:
    """Yield config files with environments."""
    config = {"apiKey": KEY, "sessionToken": KEY, "apiUrl": "http://127.0.0.1:8787/x/", "activeTeamId": "team"}
    env = f"INF_API_KEY={KEY}”\nINF_API_URL=https://[::1]:443/a\nINF_PROJECT_ID=p\n"
    yield packed({"config.json": json.dumps({**config, "activeProjectId": None}).encode()})
    yield packed({"config.json": json.dumps(config).encode(), "env": env.encode()})


def traces() -> Iterator[bytes]:
    """Yield files of spans."""
    yield analyst_spans.line()
    yield b"\xef\xbb\xbf" + analyst_spans.line(attributes={"llm.token_count.prompt": 7, "agent.name": "a"}) + b"\n{}\n"


def answers() -> Iterator[bytes]:
    """Yield answers, one after the other where a page follows."""
    run = {"id": "one", "conversationId": "c", "status": "completed", "createdAt": "2026-11-02T12:00:00.000Z"}
    message = {"sequence": 1, "role": "assistant", "content": "# Report"}
    agent = {"id": "a", "identitySource": "agent_name", "identityValue": "checkout", "stats": {"executionCount": 1}}
    archived = {**WIRE, "id": "two", "archivedAt": "2026-11-02T12:00:00.000Z", "projectId": "project"}
    page = {"schedules": [WIRE, archived], "nextCursor": "2", "events": [message], "conversations": [run]}
    yield _then([{**page, "nextCursor": "2"}, {**page, "nextCursor": None}])
    yield from (_then([value]) for value in ([agent], [run], WIRE))
    yield _then([{"run": run, "haloExportDataset": {"id": "d", "windowStartAt": "x"}, "runId": "one"}])
    yield _then([{"conversation": run, "messages": [message], "runs": [run], "dataset": {"windowStartAt": "x"}}])
    project = {"id": "p", "name": "P", "permissions": ["read"]}
    yield _then([{"authMethod": "key", "teamId": "t", "resolvedProject": project, "scopedProjects": [project]}])
    span = {"traceId": "t", "spanId": "s", "parentSpanId": "s", "spanName": "n", "observationKind": "LLM"}
    span |= {"startTime": "2026-11-02T12:00:00.123456789Z", "durationNs": "5", "statusCode": "STATUS_CODE_ERROR"}
    span |= {"inputMessages": '[{"role": "user", "content": [{"text": "x"}]}]', "output": '{"a": 1}', "costTotal": 0.1}
    detail = {**span, "events": [{"name": "e", "attributes": {"a": 1}}], "links": [span], "spanAttributes": {"a": "b"}}
    facet = {"value": "v", "count": "1"}
    yield _then([{"traces": [span], "spans": [span, {**span, "spanId": "r"}], "nextCursor": None, **span}])
    yield _then([detail])
    yield _then([{"categorical": {"a": [facet]}, "numeric": {"duration_ns": {"min": 1, "max": "2"}}}])
    error = {"message": f"no {KEY}", "code": -32004, "data": {"code": "NOT_FOUND", "httpStatus": 404}}
    yield b"404\nretry-after: 7\n\n" + json.dumps({"error": error}).encode()
    yield b"403\nserver: cloudflare\ncf-ray: 1\ncontent-type: text/html\n\n<html>"
    yield b"302\nlocation: https://example.org\nretry-after: Wed, 25 Nov 2026 07:28:00 GMT\n\n"


def _then(values: Iterable[Any]) -> bytes:
    return b"-- then --\n".join(
        b"200\ncontent-type: application/json\n\n" + json.dumps({"result": {"data": value}}).encode() + b"\n"
        for value in values
    )


def http() -> Iterator[bytes]:
    """Yield what servers write into a connection."""
    body = json.dumps({"result": {"data": {"authMethod": "key"}}}).encode()
    plain = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
    yield plain + body
    yield plain + b"--wait--\n" + body[:9] + b"--wait--\n" + body[9:]
    yield b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (
        len(gzip.compress(body, mtime=0)),
        gzip.compress(body, mtime=0),
    )
    yield b"HTTP/1.1 307 No\r\nLocation: https://example.org/\r\nSet-Cookie: a=b\r\nContent-Length: 0\r\n\r\n"
    yield b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 502 Bad Gateway\r\nRetry-After: 3\r\n\r\n<html>"
