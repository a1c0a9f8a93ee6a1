"""``halo conversation``: threads as ``inf halo conversation`` shows them, harmless on any screen."""

from __future__ import annotations

import pytest
from command_line import CommandLine
from loopback import result, serving
from served_runs import Served

HOSTILE = "\x1b]0;owned\x07 ::error::x"


def test_conversations_are_listed_newest_first(quick_runs: Served) -> None:
    first = quick_runs.started()["conversationId"]
    quick_runs.clock.advance(hours=1)
    second = quick_runs.started("--lookback-hours", "1")["conversationId"]
    document = quick_runs("conversation", "list", "--json").json
    assert [each["id"] for each in document["conversations"]] == [second, first]
    assert document["nextCursor"] is None
    lines = quick_runs("conversation", "list").out.splitlines()
    assert lines[0].split() == ["UPDATED", "TITLE", "CONVERSATION", "LATEST", "RUN"]
    assert [id_ in line for id_, line in zip((second, first), lines[1:], strict=True)] == [True, True]


def test_the_limit_follows_cursors_and_says_that_there_are_more(quick_runs: Served) -> None:
    for _ in range(3):
        quick_runs.started()
    two = quick_runs("conv", "ls", "--limit", "2")
    assert (len(two.out.splitlines()), two.err.splitlines()[-1]) == (3, "There are more; use --limit to show them.")
    limited = quick_runs("conv", "list", "--limit", "2", "--json").json
    assert (len(limited["conversations"]), limited["nextCursor"] is None) == (2, False)


def test_a_small_page_is_not_taken_for_the_end(halo: CommandLine) -> None:
    pages = [
        {"conversations": [{"id": "a"}, {"id": "b"}], "nextCursor": "x"},
        {"conversations": [{"id": "c"}, {"id": "d"}], "nextCursor": "y"},
    ]
    with serving(lambda request: result(pages[1 if request.input.get("cursor") else 0])) as platform:
        env = {"INF_API_URL": platform.url, "INF_API_KEY": "sk-inference-test", "INF_PROJECT_ID": "p"}
        document = halo("conv", "list", "--limit", "3", "--json", **env).json
    assert document == {"conversations": [{"id": "a"}, {"id": "b"}, {"id": "c"}], "nextCursor": "y"}
    assert [request.input for request in platform.requests] == [
        {"projectId": "p", "limit": 3},
        {"projectId": "p", "limit": 3, "cursor": "x"},
    ]


def test_a_conversation_is_shown_with_messages_and_runs(quick_runs: Served) -> None:
    started = quick_runs.started("--prompt", "Look.")
    document = quick_runs("conversation", "get", started["conversationId"], "--json").json
    assert {"conversation", "messages", "runs"} <= set(document)
    text = quick_runs("conversation", "get", started["conversationId"]).out
    assert " user\nLook.\n" in text
    assert " assistant\n# What the traces show\n" in text
    assert "\n1 run\nSTATUS " in text
    assert started["runId"] in text


def test_conv_is_an_alias_of_conversation(quick_runs: Served) -> None:
    conversation = quick_runs.started()["conversationId"]
    assert quick_runs("conv", "get", conversation) == quick_runs("conversation", "get", conversation)
    assert quick_runs("conv", "ls") == quick_runs("conversation", "list")


def test_an_unknown_conversation_is_reported(quick_runs: Served) -> None:
    ended = quick_runs("conversation", "get", "00000000-0000-4000-8000-000000000000", "--json")
    assert (ended.code, ended.error["status"]) == (1, 404)


@pytest.mark.parametrize("is_terminal", [True, False])
def test_untrusted_text_cannot_control_the_terminal_or_a_runner(halo: CommandLine, *, is_terminal: bool) -> None:
    answer = {
        "conversation": {"id": "c-1", "title": HOSTILE},
        "messages": [{"sequence": 0, "role": HOSTILE, "content": f"a\n{HOSTILE}"}],
        "runs": [{"id": "r-1", "status": HOSTILE}],
    }
    with serving(lambda _: result(answer)) as platform:
        env = {"INF_API_URL": platform.url, "INF_API_KEY": "sk-inference-test", "INF_PROJECT_ID": "p"}
        ended = halo("conv", "get", "c-1", is_terminal=is_terminal, **env)
    assert ended.code == 0
    assert "\x1b]" not in ended.out
    assert "\x07" not in ended.out
    assert not any(line.lstrip().startswith("::") for line in ended.out.splitlines())
