"""``halo mcp`` over the real protocol: the SDK's own client, the inspector, and clients that misbehave."""

from __future__ import annotations

import signal
import threading
import time
from pathlib import Path

import pytest
from loopback import Reply, Request, result, serving
from mcp_pipe import inspect, needs_inspector, needs_mcp, open_pipe, sdk_client
from served_runs import Served
from test_mcp import KEY, PROJECT_FILE

from halo_iac.mcp.schemas import input_schema, output_schema
from halo_iac.mcp.tools import READING, tools

pytestmark = needs_mcp


@pytest.mark.parametrize(("mode", "version"), [("legacy", "2025-11-25"), ("auto", "2026-07-28")])
def test_the_sdks_client_lists_and_calls_tools_in_both_protocols(folder: Path, mode: str, version: str) -> None:
    (folder / "halo.yaml").write_text(PROJECT_FILE)
    with sdk_client(folder, {}, "--sandbox", mode=mode) as client:
        server = client("server")
        assert (server["name"], server["version"]) == ("halo", version)
        assert "untrusted" in server["instructions"]
        listed = {tool["name"]: tool for tool in client("list_tools")["tools"]}
        assert [*listed] == [tool.name for tool in READING]
        for tool in READING:
            shown = listed[tool.name]
            assert shown["inputSchema"] == input_schema(tool)
            assert shown["outputSchema"] == output_schema(tool)
            assert shown["annotations"] == {
                "title": tool.title,
                "readOnlyHint": True,
                "destructiveHint": False,
                "idempotentHint": True,
                "openWorldHint": tool.calls_platform,
            }
        assert client.call("plan_project")["untrusted_data"]["total"] == 2
        assert client.call("list_agents", limit=1)["next_cursor"]
        wrong = client("call_tool", "list_agents", {"limt": 1})
        assert wrong["isError"] is True
        assert wrong["content"][0]["text"].startswith("error: unknown argument `limt`; did you mean `limit`?")
        assert client("call_tool", "get_report", {}) == {
            "error": "unknown tool `get_report`; did you mean `get_halo_report`?"
        }
        assert "halo mcp --allow-runs" in client("call_tool", "ask_halo", {})["error"]


def test_tools_that_cost_money_say_so_and_are_offered_where_asked_for(folder: Path) -> None:
    with sdk_client(folder, {}, "--sandbox", "--allow-runs") as client:
        listed = {tool["name"]: tool for tool in client("list_tools")["tools"]}
        assert [*listed] == [*tools(allow_runs=True)]
        for name in ("start_halo_run", "ask_halo"):
            assert listed[name]["annotations"]["readOnlyHint"] is False
            assert listed[name]["annotations"]["idempotentHint"] is False
            assert listed[name]["_meta"] == {"costsMoney": True}
            assert "COSTS MONEY" in listed[name]["description"]
        assert client.call("start_halo_run", agent="checkout")["untrusted_data"]["run_id"]


def test_the_prompt_is_listed_and_says_what_to_do(folder: Path) -> None:
    with sdk_client(folder, {}, "--sandbox") as client:
        (prompt,) = client("list_prompts")["prompts"]
        assert prompt["name"] == "apply_halo_fixes"
        assert [each["name"] for each in prompt["arguments"]] == ["schedule", "agent"]
        (message,) = client("get_prompt", "apply_halo_fixes", {"schedule": "daily"})["messages"]
        assert 'get_halo_report with schedule="daily"' in message["content"]["text"]
        assert "takes one of schedule and agent" in client("get_prompt", "apply_halo_fixes", {})["error"]
        assert "unknown prompt" in client("get_prompt", "apply_fixes", {})["error"]


@needs_inspector
def test_the_inspector_lists_and_calls_tools(folder: Path) -> None:
    (folder / "halo.yaml").write_text(PROJECT_FILE)
    assert [tool["name"] for tool in inspect(folder, {}, "--method", "tools/list")["tools"]] == [
        tool.name for tool in READING
    ]
    called = ("--method", "tools/call", "--tool-name", "list_agents", "--tool-arg", "limit=2")
    assert len(inspect(folder, {}, *called)["structuredContent"]["untrusted_data"]["agents"]) == 2
    asked = ("--method", "prompts/get", "--prompt-name", "apply_halo_fixes", "--prompt-args", "schedule=daily")
    assert inspect(folder, {}, *asked)["messages"]


# Clients that misbehave ---------------------------------------------------------------------------------------------


def test_initialize_is_answered_before_any_file_or_request(folder: Path) -> None:
    (folder / "halo.yaml").write_text("version: [")
    with open_pipe(folder, {"INF_CONFIG_DIR": str(folder.parent)}) as talk:
        assert talk.begin()["result"]["serverInfo"]["name"] == "halo"
        talk.send("tools/call", name="list_agents", arguments={"project": "p"})
        answer = talk.read()["result"]
        assert answer["isError"] is True
        assert "INF_API_KEY" in answer["content"][0]["text"]
        talk.stdin.close()
        assert talk.ended() == (0, b"", "")


def test_a_client_that_goes_away_ends_the_server(folder: Path) -> None:
    with open_pipe(folder, {}, "--sandbox") as talk:
        talk.begin()
        talk.stdin.close()
        assert talk.ended() == (0, b"", "")


def test_a_client_that_goes_away_in_the_middle_of_a_call_ends_the_server(folder: Path) -> None:
    asked, over = threading.Event(), threading.Event()

    def slow(_: Request) -> Reply:
        asked.set()
        over.wait(20)
        return result([])

    with serving(slow) as recorder:
        env = {"INF_API_URL": recorder.url, "INF_API_KEY": KEY, "INF_PROJECT_ID": "p"}
        for leaves in ("both", "stdout"):
            asked.clear()
            with open_pipe(folder, env) as talk:
                talk.begin()
                talk.send("tools/call", name="list_agents", arguments={})
                assert asked.wait(20)
                began = time.monotonic()
                talk.stdout.close()
                if leaves == "both":
                    talk.stdin.close()
                else:
                    talk.send("ping")
                assert talk.process.wait(20) == 0
                assert time.monotonic() - began < 10
                assert talk.stderr.read() == b""
        over.set()


def test_a_cancelled_call_is_not_answered_and_sends_no_more_requests(folder: Path) -> None:
    asked, cancelled = threading.Event(), threading.Event()

    def pages(_: Request) -> Reply:
        asked.set()
        cancelled.wait(20)
        return result({"conversations": [], "nextCursor": str(len(recorder.requests))})

    with serving(pages) as recorder:
        env = {"INF_API_URL": recorder.url, "INF_API_KEY": KEY, "INF_PROJECT_ID": "p"}
        with open_pipe(folder, env) as talk:
            talk.begin()
            number = talk.send("tools/call", name="list_halo_conversations", arguments={})
            assert asked.wait(20)
            talk.notify("notifications/cancelled", requestId=number)
            pinged = talk.send("ping")
            assert talk.read() == {"jsonrpc": "2.0", "id": pinged, "result": {}}
            cancelled.set()
            time.sleep(0.5)
            talk.stdin.close()
            assert talk.ended() == (0, b"", "")
    assert len(recorder.requests) == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_ends_the_server_although_the_client_is_still_there(folder: Path, number: int) -> None:
    with open_pipe(folder, {}, "--sandbox") as talk:
        talk.begin()
        began = time.monotonic()
        talk.process.send_signal(number)
        assert talk.ended() == (0, b"", "")
        assert time.monotonic() - began < 4


def test_a_started_run_is_logged_after_the_client_left(folder: Path) -> None:
    asked, over = threading.Event(), threading.Event()

    def starts(request: Request) -> Reply:
        if request.path.endswith("agent.listForProject"):
            return result([{"id": "5a4db0c5-a000-4000-8000-000000000001", "identityValue": "checkout"}])
        asked.set()
        over.wait(20)
        return result({"runId": "r-1", "conversationId": "c-1"})

    with serving(starts) as recorder:
        env = {"INF_API_URL": recorder.url, "INF_API_KEY": KEY, "INF_PROJECT_ID": "p"}
        with open_pipe(folder, env, "--allow-runs") as talk:
            talk.begin()
            talk.send("tools/call", name="start_halo_run", arguments={"agent": "checkout"})
            assert asked.wait(20)
            talk.stdin.close()
            time.sleep(0.3)
            over.set()
            code, out, err = talk.ended()
    assert (code, err) == (0, "Started run r-1\n")
    assert b"Connection closed" in out  # what the SDK answers to a client that may still read


def test_lines_that_are_no_message_and_unknown_methods_end_nothing(folder: Path) -> None:
    with open_pipe(folder, {}, "--sandbox") as talk:
        talk.begin()
        talk.stdin.write(b"\xff\xfe not json\n\n[]\n{}\n")
        refused = talk.send("tools/wrong")
        answer = talk.read()
        while answer.get("id") != refused:
            answer = talk.read()
        assert answer["error"]["code"] == -32601
        talk.send("ping")
        assert talk.read()["result"] == {}


def test_a_call_with_half_a_character_is_answered(folder: Path) -> None:
    """JavaScript writes such halves where it cut a text within an emoji."""
    with open_pipe(folder, {}, "--sandbox") as talk:
        talk.begin()
        asked = talk.send("tools/call", name="validate_project", arguments={"file": "\ud83d.yaml"})
        talk.send("ping")
        answers = {answer["id"]: answer for answer in (talk.read(), talk.read())}
        assert answers[asked]["result"]["isError"]


def test_nothing_but_the_protocol_is_on_standard_output(quick_runs: Served, folder: Path) -> None:
    """Warnings and what waits say go to standard error."""
    (folder / "halo.yaml").write_text(PROJECT_FILE)
    with open_pipe(folder, quick_runs.halo.env) as talk:
        talk.begin()
        names = ("whoami", "validate_project", "plan_project", "list_halo_schedules", "list_halo_runs")
        numbers = [talk.send("tools/call", name=name, arguments={}) for name in names]
        answers = {message["id"]: message["result"] for message in (talk.read() for _ in numbers)}
        assert {number: answers[number].get("isError", False) for number in numbers} == dict.fromkeys(numbers, False)
