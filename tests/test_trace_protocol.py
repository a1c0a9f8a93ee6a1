"""Our requests about traces and spans against the official client's, as recorded, and how both find the team."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
from command_line import NOW, CommandLine
from loopback import Recorder, Reply, Request, result, serving

from halo_iac.api.trpc import Json

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
RECORDED: list[dict[str, Any]] = json.loads((Path(__file__).parent / "golden-traces.json").read_text())
ASKS_TEAM, *REQUESTS = RECORDED
NO_TEAM = "(no team set)"
NEVER_OURS = ("inf trace export ",)
"""Commands whose intent nothing of ours has."""
GOLDEN = {
    command.removeprefix("inf "): [(each["path"], each["input"]) for each in group]
    for command, group in groupby(REQUESTS, key=lambda each: each["command"])
    if not command.startswith(NEVER_OURS)
}

ANSWERS: dict[str, Json] = {
    "/project.getProject": {"id": "project-1", "teamId": "team-1"},
    "/traces.list": {"traces": [], "nextCursor": None, "totalCount": 0},
    "/traces.get": {"traceId": TRACE},
    "/traces.getSpans": {"spans": [], "nextCursor": None},
    "/spans.list": {"spans": [], "nextCursor": None},
    "/spans.get": {"traceId": TRACE, "spanId": "s"},
}


def answer_request(request: Request) -> Reply:
    assert request.method == "GET"
    return result(ANSWERS.get(request.path, {}))


@pytest.fixture
def platform() -> Iterator[Recorder]:
    with serving(answer_request) as recorder:
        yield recorder


def sign_in(platform: Recorder, folder: Path, **more: str) -> dict[str, str]:
    """Sign in as the official client does: by its config file alone."""
    config = {"apiKey": "sk-inference-test", "apiUrl": platform.url, "activeProjectId": "project-1", **more}
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config))
    return {"INF_CONFIG_DIR": str(folder)}


def requests_of(platform: Recorder) -> list[tuple[str, Json]]:
    return [(request.path, request.input) for request in platform.requests]


def without_clock(requests: list[tuple[str, Json]], now: str | None = None) -> list[tuple[str, Json]]:
    """Return requests whose window says how far it goes back, and that it ends now."""
    changed = []
    for path, fields in requests:
        filters = dict(fields.get("filters") or {})
        if "endDate" in filters:
            end, start = (datetime.fromisoformat(filters[name]) for name in ("endDate", "startDate"))
            is_forever = filters["startDate"] == "1970-01-01T00:00:00.000Z"
            filters["startDate"] = "ever" if is_forever else str(end - start)
            filters["endDate"] = "now" if filters["endDate"] == now or now is None else filters["endDate"]
        changed.append((path, {**fields, "filters": filters}))
    return changed


@pytest.mark.parametrize("command", GOLDEN)
def test_requests_equal_the_recorded_ones(halo: CommandLine, platform: Recorder, tmp_path: Path, command: str) -> None:
    has_team = NO_TEAM not in command
    signed_in = sign_in(platform, tmp_path / "inf", **({"activeTeamId": "team-1"} if has_team else {}))
    ended = halo(*shlex.split(command.removesuffix(NO_TEAM)), **signed_in)
    assert ended.code == 0, ended.text
    expected = GOLDEN[command] if has_team else [(ASKS_TEAM["path"], ASKS_TEAM["input"]), *GOLDEN[command]]
    if "--from" in command or "endDate" not in str(expected):
        assert requests_of(platform) == expected
    else:
        now = re.sub(r"\+00:00$", ".000Z", NOW.isoformat())
        assert without_clock(requests_of(platform), now) == without_clock(expected)
