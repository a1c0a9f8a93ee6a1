"""``halo run`` and ``halo schedule runs|fire``: as ``inf halo`` has them, and nothing is paid for twice."""

from __future__ import annotations

import json
import shlex
import threading
from hashlib import sha256
from pathlib import Path

import pytest
from command_line import CommandLine
from loopback import HangUp, Reply, Request, failure, result, serving
from served_runs import COSTLY, QUIET, WAITING, Served, press_ctrl_c

from halo_iac.model.runs import PROMPT
from halo_iac.sandbox import demo
from halo_iac.sandbox.faults import Cut, Fault, Refuse

# Who interrupts does not wait for a socket's thirty seconds (abreast.py): one may be left to the collector.
pytestmark = pytest.mark.filterwarnings(
    "ignore:Exception ignored (in.|while finalizing socket) <socket:pytest.PytestUnraisableExceptionWarning"
)

NOWHERE = "00000000-0000-4000-8000-000000000000"
CUT = "warning: these are the 100 most recent runs; the platform may hold more\n"
PROJECT_FILE = """\
version: 1
agents: {shop: checkout}
schedules:
  daily:
    title: Daily review
    agent: shop
    frequency: daily
    hours: [9]
    lookback_hours: 48
"""


# create -------------------------------------------------------------------------------------------------------------


def test_a_run_is_started_and_its_ids_are_shown(quick_runs: Served) -> None:
    ended = quick_runs("run", "create", "--agent-uuid", "checkout")
    shown = dict(line.split(maxsplit=1) for line in ended.out.splitlines())
    assert ended.code == 0
    assert shown["agentUuid"] == demo.CHECKOUT_ID
    assert (shown["windowStartAt"], shown["windowEndAt"]) == ("2026-11-01T12:00:00.000Z", "2026-11-02T12:00:00.000Z")
    assert ended.err.endswith(f"Wait for it: halo run poll {shown['runId']}\n")


def test_the_workflow_of_the_documentation_works(quick_runs: Served) -> None:
    started = quick_runs("run", "create", "--agent-uuid", demo.CHECKOUT_ID, "--json").json
    polled = quick_runs("run", "poll", started["runId"], "--json")
    assert (polled.code, polled.json["run"]["status"]) == (0, "completed")
    messages = quick_runs("conv", "get", started["conversationId"], "--json").json["messages"]
    report = next(message["content"] for message in messages if message["role"] == "assistant")
    assert quick_runs("report", "get", started["runId"]).out == report


def test_given_options_are_sent_and_others_are_not(quick_runs: Served) -> None:
    quick_runs.started(
        *("--prompt", "Why?", "--model-id", demo.MODELS[0]["id"], "--span-limit", "500", "--max-subagent-depth", "4"),
        *("--max-turns", "60", "--reasoning-effort", "high", "--debug", "--lookback-hours", "3"),
    )
    sent = next(each.input for each in quick_runs.sandbox.requests if each.procedure == "haloRun.create")
    assert sent == {
        "projectId": demo.DEMO_PROJECT_ID,
        "agentUuid": demo.CHECKOUT_ID,
        "prompt": "Why?",
        "windowStartAt": "2026-11-02T09:00:00.000Z",
        "windowEndAt": "2026-11-02T12:00:00.000Z",
        "modelId": demo.MODELS[0]["id"],
        "subagentModelId": None,
        "spanLimit": 500,
        "maxSubagentDepth": 4,
        "maxTurns": 60,
        "reasoningEffort": "high",
        "debug": True,
    }


def test_a_run_without_options_leaves_the_limits_to_the_platform(quick_runs: Served) -> None:
    run = quick_runs("run", "get", quick_runs.started()["runId"], "--json").json["run"]
    sent = next(each.input for each in quick_runs.sandbox.requests if each.procedure == "haloRun.create")
    assert sent == {
        "projectId": demo.DEMO_PROJECT_ID,
        "agentUuid": demo.CHECKOUT_ID,
        "prompt": PROMPT,
        "windowStartAt": "2026-11-01T12:00:00.000Z",
        "windowEndAt": "2026-11-02T12:00:00.000Z",
        "modelId": None,
        "subagentModelId": None,
        "debug": False,
    }
    taken = [run[name] for name in ("maxSubagentDepth", "maxTurns", "reasoningEffort")]
    assert (sha256(PROMPT.encode()).hexdigest()[:12], taken) == ("6c433747ec9f", [1, 20, "medium"])


def test_a_prompt_may_come_from_a_file(quick_runs: Served, folder: Path) -> None:
    (folder / "p.md").write_bytes("\ufeffLook.\r\nCloser.\r\n\r\n".encode())
    run = quick_runs.started("--prompt-file", "p.md")["runId"]
    assert quick_runs("run", "get", run, "--json").json["run"]["prompt"] == "Look.\nCloser."


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--window-start-at", "2026-11-02", "--window-end-at", "2026-11-01"], "the window ends before it starts"),
        (["--window-end-at", "2026-11-01", "--window-start-at", "2026-11-01"], "the window ends before it starts"),
        (["--window-start-at", "2026-11-03", "--window-end-at", "2026-11-04"], "the window is in the future"),
        (["--window-end-at", "2099-01-01"], "the window is in the future"),
        (["--window-start-at", "yesterday"], "--window-start-at: 'yesterday' is not an ISO 8601 instant"),
        (["--window-end-at", ""], "--window-end-at: '' is not an ISO 8601 instant"),
        (["--window-end-at", "0001-01-01T00:00:00+14:00"], "is not an ISO 8601 instant"),
        (["--lookback-hours", "0"], "--lookback-hours"),
        (["--lookback-hours", "99999999"], "before the year 1"),
        (["--lookback-hours", "9" * 30], "before the year 1"),
        (["--span-limit", "0"], "--span-limit"),
        (["--max-subagent-depth", "6"], "--max-subagent-depth"),
        (["--max-turns", "101"], "--max-turns"),
        (["--max-turns", "2"], "--max-turns"),
        (["--reasoning-effort", "utmost"], "--reasoning-effort"),
        (["--prompt", " "], "--prompt is empty"),
        (["--prompt", "a", "--prompt-file", "b"], "--prompt and --prompt-file were both given"),
    ],
)
def test_invalid_options_are_reported_before_any_request(quick_runs: Served, options: list[str], message: str) -> None:
    ended = quick_runs("run", "create", "--agent-uuid", "checkout", *options)
    assert (ended.code, ended.out, quick_runs.asked) == (64, "", [])
    assert message in ended.err


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, ": no such file"),
        (b" \n", ": empty"),
        (b"\xff\xfe", ":1:1: the file is UTF-16 or UTF-32, not UTF-8\nhint: save it as UTF-8"),
        (b"a\n\xe9", ":2:1: not valid UTF-8\nhint: save it as UTF-8"),
        (b"a\0", ":1:2: the file contains a NUL byte\nhint: save it as UTF-8"),
        (b"x" * 300_000, " is longer than 256 KiB"),
    ],
)
def test_an_unusable_prompt_costs_nothing(
    quick_runs: Served, folder: Path, content: bytes | None, message: str
) -> None:
    if content is not None:
        (folder / "p.md").write_bytes(content)
    ended = quick_runs("run", "create", "--agent-uuid", "checkout", "--prompt-file", "p.md")
    assert (ended.code, quick_runs.asked) == (1, [])
    assert f"p.md{message}" in ended.err


def test_an_unknown_agent_is_answered_with_near_ones(quick_runs: Served) -> None:
    ended = quick_runs("run", "create", "--agent-uuid", "chekout")
    assert (ended.code, quick_runs.paid) == (1, [])
    assert "no agent named 'chekout' was seen in the last 90 days" in ended.err
    assert "did you mean 'checkout'?" in ended.err


def test_an_alias_of_the_project_file_names_an_agent(quick_runs: Served, folder: Path) -> None:
    (folder / "halo.yaml").write_text(PROJECT_FILE)
    assert quick_runs.started(agent="shop")["agentUuid"] == demo.CHECKOUT_ID


def test_without_an_agent_a_pipe_gets_an_error(quick_runs: Served) -> None:
    ended = quick_runs("run", "create")
    assert (ended.code, quick_runs.paid) == (64, [])
    assert "no agent was given" in ended.err


def test_without_an_agent_a_terminal_offers_those_there_are(quick_runs: Served) -> None:
    ended = quick_runs("run", "create", answer="1\n", NO_COLOR="1")
    assert ended.code == 0
    assert ended.err.splitlines()[1:5] == [
        "#  NAME         EXECUTIONS  UUID",
        f"1  checkout           1440  {demo.CHECKOUT_ID}",
        f"2  support-bot         720  {demo.SUPPORT_BOT_ID}",
        f"3  research            180  {demo.RESEARCH_ID}",
    ]
    assert demo.CHECKOUT_ID in ended.out


@pytest.mark.parametrize("answer", ["", "\n", "0\n", "4\n", "c\n", "-1\n", "nobody\n"])
def test_an_answer_that_picks_no_agent_costs_nothing(quick_runs: Served, answer: str) -> None:
    ended = quick_runs("run", "create", answer=answer)
    assert (ended.code, quick_runs.paid) == (64, [])
    assert "no agent was chosen" in ended.err


@pytest.mark.parametrize(
    "answer",
    [
        "2\n",
        "support-bot\n",
        "Support-Bot\n",
        f"{demo.SUPPORT_BOT_ID}\n",
        "7\n2\n",
        "suport\nsupport-bot\n",
        "supp\n2\n",
    ],
)
def test_an_agent_is_chosen_by_number_or_name_and_after_a_slip(quick_runs: Served, answer: str) -> None:
    ended = quick_runs("run", "create", answer=answer)
    assert (ended.code, quick_runs.paid) == (0, ["haloRun.create"])
    assert demo.SUPPORT_BOT_ID in ended.out


def test_agents_beyond_the_screen_are_found_by_name(halo: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f"shop-{number}" for number in range(1, 40)] + ["search", "search"]
    agents = [{"id": f"a-{name}-{at}", "identityValue": name, "stats": {}} for at, name in enumerate(names)]
    monkeypatch.setenv("LINES", "12")
    with serving(lambda _: result(agents)) as platform:
        env = {"INF_API_URL": platform.url, "INF_API_KEY": "sk-inference-test", "INF_PROJECT_ID": "p"}
        ended = halo("run", "create", answer="sea\nsearch\nShop-3\n", **env)
    lines = [line.split()[:2] for line in ended.err.splitlines() if line.split()[0].isdecimal() and " a-s" in line]
    both = [["40", "search"], ["41", "search"]]
    assert lines == [*([str(each), f"shop-{each}"] for each in range(1, 8)), *both, *both]
    assert "34 more agents; type a part of a name to filter.\n" in ended.err
    assert platform.requests[-1].input["agentUuid"] == "a-shop-3-2"


@pytest.mark.parametrize("given", [["shop", "research"], ["checkout", "checkout"], [demo.CHECKOUT_ID, "a b", "c"]])
def test_one_run_is_not_started_for_the_last_of_several_agents(quick_runs: Served, given: list[str]) -> None:
    options = [word for agent in given for word in ("--agent-uuid", agent)]
    ended = quick_runs("run", "create", *options, "--project", "p")
    assert (ended.code, quick_runs.paid) == (64, [])
    assert ended.err == (
        f"error: this starts one run, but {len(given)} agents were given\n"
        f"hint: run `halo report run {shlex.join(given)} --no-wait --project p` to start one for each\n"
    )


# Costly calls -------------------------------------------------------------------------------------------------------


def words_that_cost(served: Served, folder: Path, command: str) -> list[str]:
    """Return a command line that costs money, everything it needs being there."""
    (folder / "halo.yaml").write_text(PROJECT_FILE)
    if command == "create":
        return ["run", "create", "--agent-uuid", demo.CHECKOUT_ID]
    if command == "retry":
        return ["run", "retry", served.started(*QUIET)["runId"]]
    if command == "ask":
        return ["report", "ask", served.started()["conversationId"], "Why?"]
    if command == "fire":
        assert served("apply", "--yes").code == 0
        return ["schedule", "fire", "daily"]
    return ["report", "run", "checkout"]


COMMANDS = ("create", "retry", "ask", "fire", "report")


@pytest.mark.parametrize("command", COMMANDS)
def test_a_lost_answer_is_not_paid_for_twice(quick_runs: Served, folder: Path, command: str) -> None:
    argv = words_that_cost(quick_runs, folder, command)
    before = len(quick_runs.paid)
    quick_runs.sandbox.faults.add(*(Fault(procedure, Cut(), when="after") for procedure in COSTLY))
    ended = quick_runs(*argv)
    assert (ended.code, ended.out, len(quick_runs.paid) - before) == (5, "", 1)
    assert "may or may not have been started" in ended.err
    assert "hint: run `halo " in ended.err
    assert "` to check before you try again" in ended.err


@pytest.mark.parametrize("command", COMMANDS)
def test_a_run_refused_as_too_many_requests_is_tried_again(quick_runs: Served, folder: Path, command: str) -> None:
    argv = words_that_cost(quick_runs, folder, command)
    before = len(quick_runs.paid)
    busy = Refuse("TOO_MANY_REQUESTS", retry_after="0")
    quick_runs.sandbox.faults.add(*(Fault(procedure, busy) for procedure in COSTLY))
    ended = quick_runs(*argv)
    assert len(quick_runs.paid) - before == 2
    assert "trying again in 0." in ended.err


@pytest.mark.parametrize("status", [301, 408, 409, 500, 502, 503])
def test_an_unreadable_answer_leaves_the_outcome_unknown(halo: CommandLine, status: int) -> None:
    def answer(_: Request) -> Reply:
        return Reply(status, b"<html>") if status in {301, 502} else failure(status)

    with serving(answer) as platform:
        env = {"INF_API_URL": platform.url, "INF_API_KEY": "sk-inference-test", "INF_PROJECT_ID": "p"}
        ended = halo("run", "create", "--agent-uuid", NOWHERE, "--json", **env)
    assert (ended.code, ended.error["code"], len(platform.requests)) == (5, "unknown_outcome", 1)
    assert ended.error["hint"] == f"run `halo report list --agent {NOWHERE}` to check before you try again"


def test_ctrl_c_while_a_run_is_started_waits_for_its_id(halo: CommandLine) -> None:
    noticed = threading.Event()

    def answer(_: Request) -> Reply:
        press_ctrl_c()
        noticed.wait(10)
        return result({"runId": "r-1", "conversationId": "c-1"})

    with serving(answer) as platform:
        env = {"INF_API_URL": platform.url, "INF_API_KEY": "sk-inference-test", "INF_PROJECT_ID": "p"}
        ended = halo("run", "create", "--agent-uuid", NOWHERE, reactions={WAITING: noticed.set}, **env)
    assert (ended.code, len(platform.requests)) == (0, 1)
    assert "r-1" in ended.out
    assert "Waiting for the response, so that no run is lost" in ended.err


def test_a_second_ctrl_c_gives_the_answer_up_and_says_how_to_look(halo: CommandLine) -> None:
    released = threading.Event()

    def answer(_: Request) -> Reply:
        press_ctrl_c()
        released.wait(10)
        raise HangUp

    with serving(answer) as platform:
        env = {"INF_API_URL": platform.url, "INF_API_KEY": "sk-inference-test", "INF_PROJECT_ID": "p"}
        ended = halo("run", "create", "--agent-uuid", NOWHERE, reactions={WAITING: press_ctrl_c}, **env)
        released.set()
    assert (ended.code, ended.out, len(platform.requests)) == (130, "", 1)
    assert f"run `halo report list --agent {NOWHERE}` to check before you start another one" in ended.err


# get, events, logs, cancel, retry -----------------------------------------------------------------------------------


def test_a_run_is_shown_with_its_traces(quick_runs: Served) -> None:
    run = quick_runs.started()["runId"]
    answer = quick_runs("run", "get", run, "--json").json
    assert set(answer) == {"run", "haloExportDataset"}
    shown = dict((*line.split(maxsplit=1), "")[:2] for line in quick_runs("run", "get", run).out.splitlines())
    assert shown["status"] == "completed"
    assert shown["traces.spanCount"] == str(answer["haloExportDataset"]["spanCount"])


@pytest.mark.parametrize(
    "argv", [("run", "get"), ("run", "events"), ("run", "logs"), ("run", "cancel"), ("run", "retry"), ("run", "poll")]
)
def test_an_unknown_run_is_reported(quick_runs: Served, argv: tuple[str, ...]) -> None:
    ended = quick_runs(*argv, NOWHERE)
    assert (ended.code, ended.out) == (1, "")
    assert "HTTP 404" in ended.err


def test_events_are_a_table_or_as_sent(quick_runs: Served) -> None:
    run = quick_runs.started()["runId"]
    answer = quick_runs("run", "events", run, "--json").json
    kinds = [event["eventType"] for event in answer["events"]]
    assert (kinds[0], kinds[-1], answer["nextCursor"]) == ("run.created", "run.completed", None)
    lines = quick_runs("run", "events", run).out.splitlines()
    assert [line.split()[1] for line in lines] == ["TYPE", *kinds]


def test_events_stop_at_the_limit_and_say_that_there_are_more(quick_runs: Served) -> None:
    run = quick_runs.started()["runId"]
    ended = quick_runs("run", "events", run, "--limit", "2")
    assert (len(ended.out.splitlines()), ended.err.splitlines()[-1]) == (3, "There are more; use --limit to show them.")


def test_events_are_followed_until_the_run_has_ended(slow_runs: Served) -> None:
    run = slow_runs.started()["runId"]
    with slow_runs.once_asked("haloRun.getEvents", lambda: slow_runs.clock.advance(seconds=60)):
        ended = slow_runs("run", "events", run, "--follow", "--interval", "0.1")
    assert ended.code == 0
    assert [line.split()[1] for line in ended.out.splitlines()][-1] == "run.completed"


def test_followed_events_are_one_document_as_json(quick_runs: Served) -> None:
    run = quick_runs.started()["runId"]
    followed = quick_runs("run", "events", run, "--follow", "--json").json
    assert followed == quick_runs("run", "events", run, "--json").json


@pytest.mark.parametrize(
    ("given", "held", "shown", "said"),
    [
        ([], 50, 50, "These are the 50 most recent runs; use --limit to show more.\n"),
        (["--limit", "60"], 60, 60, "These are the 60 most recent runs; use --limit to show more.\n"),
        (["--limit", "60"], 59, 59, ""),
        (["--limit", "100"], 99, 99, ""),
        (["--limit", "500"], 99, 99, ""),
        (
            ["--limit", "500"],
            100,
            100,
            f"{CUT}hint: run `halo report list --schedule {NOWHERE} --limit 500` to see their reports\n",
        ),
    ],
)
def test_runs_beyond_a_page_are_mentioned(
    halo: CommandLine, given: list[str], held: int, shown: int, said: str
) -> None:
    def answer(request: Request) -> Reply:
        if request.input["limit"] > 100:
            return failure(400, "limit must be from 1 to 100.", "BAD_REQUEST")
        return result([{"id": f"r-{each}", "status": "completed"} for each in range(min(held, request.input["limit"]))])

    with serving(answer) as platform:
        env = {"INF_API_URL": platform.url, "INF_API_KEY": "sk-inference-test", "INF_PROJECT_ID": "p"}
        ended = halo("schedule", "runs", NOWHERE, *given, **env)
        as_json = halo("schedule", "runs", NOWHERE, *given, "--json", **env)
    assert (ended.code, len(ended.out.splitlines()), ended.err) == (0, shown + 1, said)
    assert (as_json.code, len(as_json.json)) == (0, shown)
    if said.startswith("warning"):
        warning = json.loads(as_json.err)["warning"]
        assert said == f"warning: {warning['message']}\nhint: {warning['hint']}\n"
    else:
        assert as_json.err == ""


def test_as_many_runs_are_asked_for_as_the_platform_gives(halo: CommandLine) -> None:
    with serving(lambda _: result([{"id": f"r-{each}"} for each in range(300)])) as platform:
        env = {"INF_API_URL": platform.url, "INF_API_KEY": "sk-inference-test", "INF_PROJECT_ID": "p"}
        ended = halo("schedule", "runs", NOWHERE, "--limit", "500", **env)
    assert (len(ended.out.splitlines()), ended.err) == (301, "")
    assert [request.input["limit"] for request in platform.requests] == [500]


@pytest.mark.parametrize(
    ("logs", "given", "said"),
    [
        ({"logs": ["a", "b"], "total": 2}, [], ""),
        ({"logs": ["a", "b"], "total": 3}, [], "There may be more; use --offset 2 to show them.\n"),
        ({"logs": ["b"], "total": 3}, ["--offset", "1"], "There may be more; use --offset 2 to show them.\n"),
        ({"logs": ["c"], "total": 3}, ["--offset", "2"], ""),
        (["a", "b"], ["--limit", "2"], "There may be more; use --offset 2 to show them.\n"),
        (["a"], ["--limit", "2"], ""),
    ],
)
def test_logs_beyond_the_limit_are_mentioned(halo: CommandLine, logs: object, given: list[str], said: str) -> None:
    with serving(lambda _: result(logs)) as platform:
        env = {"INF_API_URL": platform.url, "INF_API_KEY": "sk-inference-test", "INF_PROJECT_ID": "p"}
        assert halo("run", "logs", NOWHERE, *given, **env).err == said


def test_logs_are_lines_or_as_sent(quick_runs: Served) -> None:
    run = quick_runs.started()["runId"]
    lines = quick_runs("run", "logs", run, "--limit", "2").out.splitlines()
    assert len(lines) == 2
    assert lines[0].endswith("run.created")
    assert json.dumps(quick_runs("run", "logs", run, "--limit", "2", "--json").json).count("run.created") >= 1


@pytest.mark.parametrize(
    ("logs", "lines"),
    [
        ([], []),
        (["a\x1b[2J", 7], ["a␛[2J", "7"]),
        ({"logs": [{"timestamp": "t", "severityText": "INFO", "body": "::error::x"}]}, ["t  INFO  ::error::x"]),
        ({"total": 0, "rows": [{"odd": True}]}, ['{"odd": true}']),
        ({"odd": 1}, ['{"odd": 1}']),
        (None, ["null"]),
    ],
)
def test_logs_of_any_shape_are_shown_without_harm(halo: CommandLine, logs: object, lines: list[str]) -> None:
    with serving(lambda _: result(logs)) as platform:
        env = {"INF_API_URL": platform.url, "INF_API_KEY": "sk-inference-test", "INF_PROJECT_ID": "p"}
        ended = halo("run", "logs", NOWHERE, **env)
    assert (ended.code, ended.out.splitlines()) == (0, lines)


def test_a_run_is_cancelled(slow_runs: Served) -> None:
    run = slow_runs.started()["runId"]
    ended = slow_runs("run", "cancel", run, "--reason", "superseded")
    assert (ended.code, ended.out) == (0, f"Cancellation of run {run} was requested.\n")
    assert slow_runs.sandbox.requests[-1].input == {"id": run, "reason": "superseded"}
    slow_runs.clock.advance(seconds=60)
    assert slow_runs("run", "get", run, "--json").json["run"]["status"] == "cancelled"


def test_a_run_that_has_ended_cannot_be_cancelled(quick_runs: Served) -> None:
    run = quick_runs.started()["runId"]
    ended = quick_runs("run", "cancel", run)
    assert (ended.code, ended.out) == (0, f"Run {run} has already ended (completed); there is nothing to cancel.\n")
    assert "haloRun.cancel" not in quick_runs.asked


def test_a_run_that_left_nothing_is_tried_again(quick_runs: Served) -> None:
    run = quick_runs.started(*QUIET)["runId"]
    again = quick_runs("run", "retry", run, "--json")
    assert again.code == 0
    assert again.json["runId"] != run


# poll ---------------------------------------------------------------------------------------------------------------


def test_a_completed_run_is_success_and_says_where_its_report_is(quick_runs: Served) -> None:
    run = quick_runs.started()["runId"]
    ended = quick_runs("run", "poll", run)
    assert (ended.code, ended.out) == (0, f"Run {run} completed.\n")
    assert ended.err.endswith(f"Its report: halo report get {run}\n")


def test_several_runs_are_polled_and_one_that_failed_fails_all(quick_runs: Served) -> None:
    good, bad = quick_runs.started()["runId"], quick_runs.started(*QUIET)["runId"]
    ended = quick_runs("run", "poll", good, bad)
    assert (ended.code, ended.out) == (1, f"Run {good} completed.\n")
    assert f"run {bad} found no traces" in ended.err
    as_json = quick_runs("run", "poll", good, bad, "--json")
    assert [answer["run"]["status"] for answer in as_json.json] == ["completed", "no_traces"]
    assert (as_json.code, as_json.error["code"]) == (1, "no_report")


@pytest.mark.parametrize("status", ["export_failed", "incomplete", "timed_out"])
def test_statuses_on_which_inf_keeps_polling_end_the_wait(halo: CommandLine, status: str) -> None:
    run = {"run": {"id": "r-1", "status": status, "errorMessage": "x\x1b[2J"}, "haloExportDataset": None}
    with serving(lambda _: result(run)) as platform:
        env = {"INF_API_URL": platform.url, "INF_API_KEY": "sk-inference-test", "INF_PROJECT_ID": "p"}
        ended = halo("run", "poll", "r-1", **env)
    assert ended.code == 1
    assert status in ended.err
    assert "\x1b" not in ended.err


def test_a_wait_that_is_too_long_says_how_to_go_on(slow_runs: Served) -> None:
    run = slow_runs.started()["runId"]
    ended = slow_runs("run", "poll", run, "--interval", "0.1", "--timeout", "0.2")
    assert ended.code == 1
    assert f"timed out waiting; run {run} is still pending_export and continues" in ended.err
    assert f"`halo run poll {run}`" in ended.err


def test_failed_polls_do_not_end_the_wait(quick_runs: Served) -> None:
    run = quick_runs.started()["runId"]
    quick_runs.sandbox.faults.add(Fault("haloRun.getById", Refuse(), times=2))
    quick_runs.sandbox.faults.add(Fault("haloRun.getById", Cut()))
    ended = quick_runs("run", "poll", run, "--interval", "0.1")
    assert ended.code == 0
    assert "; retrying" in ended.err


def test_ctrl_c_leaves_the_run_going_and_says_how_to_resume(slow_runs: Served) -> None:
    run = slow_runs.started()["runId"]
    with slow_runs.once_asked("haloRun.getById", press_ctrl_c):
        ended = slow_runs("run", "poll", run, "--interval", "0.1")
    assert ended.code == 130
    assert "stopped waiting; the run goes on\n" in ended.err
    assert f"run `halo run poll {run}` to resume" in ended.err
    assert "haloRun.cancel" not in slow_runs.asked


def test_a_second_ctrl_c_on_a_terminal_cancels(slow_runs: Served) -> None:
    run = slow_runs.started()["runId"]
    with slow_runs.once_asked("haloRun.getById", press_ctrl_c):
        again = {"Ctrl-C again within": press_ctrl_c}
        ended = slow_runs("run", "poll", run, "--interval", "0.1", is_terminal=True, reactions=again)
    assert ended.code == 130
    assert "cancellation of the run was requested" in ended.err
    assert slow_runs.asked.count("haloRun.cancel") == 1  # a look at the run may have been under way


# schedule -----------------------------------------------------------------------------------------------------------


def test_a_schedule_is_fired_by_its_key_over_its_own_window(quick_runs: Served, folder: Path) -> None:
    argv = words_that_cost(quick_runs, folder, "fire")
    started = quick_runs(*argv, "--json").json
    sent = quick_runs.sandbox.requests[-1].input
    assert (sent["windowStartAt"], sent["windowEndAt"]) == ("2026-10-31T12:00:00.000Z", "2026-11-02T12:00:00.000Z")
    runs = quick_runs("schedule", "runs", "daily", "--json").json
    assert [run["id"] for run in runs] == [started["runId"]]
    assert started["runId"] in quick_runs("schedule", "runs", sent["id"]).out


def test_instants_are_sent_as_they_are_given(quick_runs: Served, folder: Path) -> None:
    argv = words_that_cost(quick_runs, folder, "fire")
    window = ("--window-start-at", "2026-11-01T00:00:00Z", "--window-end-at", "2026-11-02")
    assert quick_runs(*argv, *window).code == 0
    sent = quick_runs.sandbox.requests[-1].input
    assert (sent["windowStartAt"], sent["windowEndAt"]) == ("2026-11-01T00:00:00Z", "2026-11-02T00:00:00.000Z")


def test_without_a_project_file_a_schedule_has_to_be_named_by_its_id(quick_runs: Served) -> None:
    ended = quick_runs("schedule", "fire", "daily")
    assert (ended.code, quick_runs.asked) == (64, [])
    assert "no project file was found that could declare schedule 'daily'" in ended.err


def test_a_schedule_without_runs_says_so(quick_runs: Served, folder: Path) -> None:
    words_that_cost(quick_runs, folder, "fire")
    ended = quick_runs("schedule", "runs", "daily")
    assert (ended.code, quick_runs("schedule", "runs", "daily", "--json").json) == (0, [])
    assert "has no runs yet" in ended.err
