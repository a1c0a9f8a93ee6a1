"""A coding assistant that has nothing but ``halo mcp`` goes from a schedule to the file that has to change.

A scripted dialogue over the real protocol, by the SDK's own client, on a sandbox with traces of an agent whose tool
fails. The assistant knows the key of the schedule and the files of the repository, and else only what it is answered.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from mcp_pipe import SdkClient, environment, needs_mcp, sdk_client, sdk_program
from project_files import write_files

pytestmark = needs_mcp

PROJECT_FILE = """\
version: 1
schedules:
  shop-daily: {title: Shop review, agent: shop-agent, frequency: daily, hours: [9], lookback_hours: 48}
"""
STACK = """\
Traceback (most recent call last):
  File "/opt/venv/lib/python3.12/site-packages/agents/tools.py", line 212, in invoke
    return function(**arguments)
  File "/srv/app/shop/payments/refunds.py", line 31, in refund
    return gateway.post(order)
  File "/srv/app/shop/payments/gateway.py", line 17, in post
    raise GatewayTimeout(f"no answer within {limit} s")
shop.payments.gateway.GatewayTimeout: no answer within 5 s
"""
FILES = (
    "shop/__init__.py",
    "shop/payments/gateway.py",
    "shop/payments/refunds.py",
    "shop/gateway.py",
    "tests/test_x.py",
)


def failing_conversation(number: int) -> Iterator[dict[str, Any]]:
    """Yield the spans of a conversation in which a refund fails, the latest a minute ago."""
    began = datetime.now(UTC) - timedelta(minutes=number + 1)
    trace = f"{number + 1:032x}"
    refused = {"code": "STATUS_CODE_ERROR", "message": "GatewayTimeout: no answer within 5 s"}
    raised = {
        "name": "exception",
        "timestamp": (began + timedelta(seconds=6)).isoformat().replace("+00:00", "Z"),
        "attributes": {
            "exception.type": "shop.payments.gateway.GatewayTimeout",
            "exception.message": "no answer within 5 s",
            "exception.stacktrace": STACK,
        },
    }
    rows: tuple[tuple[str, str, str, dict[str, Any]], ...] = (
        ("a", "", "assistant", {"openinference.span.kind": "AGENT"}),
        ("b", "a", "chat", {"openinference.span.kind": "LLM", "llm.model_name": "gpt-4.1-mini"}),
        ("c", "a", "refund_order", {"openinference.span.kind": "TOOL", "tool.name": "refund_order"}),
    )
    for id_, parent, name, attributes in rows:
        is_failed = id_ == "c"
        yield {
            "trace_id": trace,
            "span_id": f"{number:08x}{id_ * 8}",
            "parent_span_id": f"{number:08x}{parent * 8}" if parent else "",
            "trace_state": "",
            "name": name,
            "kind": "SPAN_KIND_INTERNAL",
            "start_time": began.isoformat().replace("+00:00", "Z"),
            "end_time": (began + timedelta(seconds=6)).isoformat().replace("+00:00", "Z"),
            "status": refused if is_failed else {"code": "STATUS_CODE_OK", "message": ""},
            "resource": {"attributes": {"service.name": "shop"}},
            "scope": {"name": "shop", "version": "1"},
            "attributes": {**attributes, "agent.id": "shop-agent", "input.value": json.dumps({"order": f"o-{number}"})},
            "events": [raised] if is_failed else [],
        }


@pytest.fixture
def shop(folder: Path) -> Path:
    """A repository with a project file, applied, and a report of its schedule about traces that fail."""
    write_files(folder, {"halo.yaml": PROJECT_FILE, **dict.fromkeys(FILES, "")})
    lines = [json.dumps(each) for number in range(12) for each in failing_conversation(number)]
    (folder / "traces.jsonl").write_text("\n".join(lines))
    halo(folder, "sandbox", "load", "traces.jsonl")
    halo(folder, "apply", "--sandbox", "--yes")
    fired = json.loads(halo(folder, "schedule", "fire", "shop-daily", "--sandbox", "--json"))
    halo(folder, "run", "poll", fired["runId"], "--sandbox")
    return folder


def halo(folder: Path, *argv: str) -> bytes:
    command = [sdk_program("halo"), *argv]
    return subprocess.run(command, cwd=folder, env=environment({}), check=True, capture_output=True).stdout


class Assistant:
    """What a coding assistant does with a repository and the tools of the server; it knows no id beforehand."""

    def __init__(self, client: SdkClient, repository: Path) -> None:
        self._client = client
        self._files = [path.relative_to(repository) for path in repository.rglob("*.py")]
        self.called: list[str] = []

    def call(self, name: str, **arguments: Any) -> dict[str, Any]:  # noqa: ANN401 - as JSON
        self.called.append(name)
        found: dict[str, Any] = self._client.call(name, **arguments)["untrusted_data"]
        return found

    def schedule(self, words: str) -> str:
        """Return the schedule whose title has some words of what the user asked for."""
        listed = self.call("list_halo_schedules")["schedules"]
        return next(str(each["schedule"]) for each in listed if words in each["title"])

    def failed_step(self, traces: list[dict[str, Any]]) -> tuple[str, str]:
        """Return the first failed step of the traces that a report cites: the ids of the trace and of the span."""
        for cited in traces:
            failed = self.call("get_trace", trace_id=cited["trace_id"])["failed"]
            if failed:
                return cited["trace_id"], failed[0]["span_id"]
        raise AssertionError(traces)

    def file(self, named: str) -> Path | None:
        """Return the file of the repository that a file of where the agent ran is: the longest end of its path."""
        matching = [path for path in self._files if Path(named).parts[-len(path.parts) :] == path.parts]
        return max(matching, key=lambda path: len(path.parts), default=None)


@pytest.mark.parametrize("mode", ["legacy", "auto"])
def test_an_assistant_finds_the_file_to_change(shop: Path, mode: str) -> None:
    with sdk_client(shop, {}, "--sandbox", mode=mode) as client:
        assistant = Assistant(client, shop)
        report = assistant.call("get_halo_report", schedule=assistant.schedule("Shop"))
        assert "refund_order" in report["report"]
        trace, step = assistant.failed_step(report["cited_traces"])
        opened = assistant.call("get_span", trace_id=trace, span_id=step)
    assert opened["message"] == "GatewayTimeout: no answer within 5 s"
    place = next(each for each in opened["code"] if not each["is_library"])
    assert (str(assistant.file(place["file"])), place["line"], place["function"]) == (
        "shop/payments/gateway.py",
        17,
        "post",
    )
    assert assistant.called == ["list_halo_schedules", "get_halo_report", "get_trace", "get_span"]
