"""``halo report``: run, get, list, ask and pull, as their user meets them."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path
from typing import Any

import pytest
from command_line import CommandLine, tree
from loopback import Reply, Request, failure, result, serving
from ruamel.yaml import YAML
from served_runs import QUIET, WAITING, Served, press_ctrl_c

from halo_iac.sandbox import demo
from halo_iac.sandbox.faults import Fault, Refuse

# Who interrupts does not wait for a socket's thirty seconds (abreast.py): one may be left to the collector.
pytestmark = pytest.mark.filterwarnings(
    "ignore:Exception ignored (in.|while finalizing socket) <socket:pytest.PytestUnraisableExceptionWarning"
)

PROJECT_FILE = """\
version: 1
agents: {shop: checkout}
schedules:
  daily:
    title: Daily review
    agent: shop
    prompt: What went wrong?
    frequency: daily
    hours: [9]
    lookback_hours: 48
    span_limit: 900
  support:
    title: Support review
    agent: support-bot
    frequency: daily
    hours: [10]
  retired:
    title: Old review
    agent: shop
    state: archived
    frequency: daily
    hours: [9]
"""
HOSTILE = "# Hi\x1b[2J\r\n  ::set-env name=X::y\n##[group]x ##teamcity[y]\n\ttab\n--- z"


@pytest.fixture
def declared(quick_runs: Served, folder: Path) -> Served:
    """A project file, applied."""
    (folder / "halo.yaml").write_text(PROJECT_FILE)
    assert quick_runs("apply", "--yes").code == 0
    return quick_runs


def messages(served: Served, conversation: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = served("conversation", "get", conversation, "--json").json["messages"]
    return found


def report_of(served: Served, conversation: str) -> str:
    """The first answer of a conversation, as the platform holds it."""
    return next(str(each["content"]) for each in messages(served, conversation) if each["role"] == "assistant")


# run ----------------------------------------------------------------------------------------------------------------


def test_one_report_goes_out_exactly_as_the_platform_holds_it(quick_runs: Served) -> None:
    ended = quick_runs("report", "run", "checkout")
    (conversation,) = quick_runs("report", "list", "--json").json["conversations"]
    assert (ended.code, ended.out) == (0, report_of(quick_runs, conversation["id"]))
    assert f"Started run {conversation['latestRunId']} of checkout" in ended.err
    assert f"checkout  completed  {conversation['latestRunId']}" in ended.err


def test_several_reports_go_out_under_a_heading_line_each(quick_runs: Served) -> None:
    ended = quick_runs("report", "run", "checkout", "--agent", "support-bot", "--agent-uuid", "checkout")
    headings = [line for line in ended.out.splitlines() if line in {"# checkout", "# support-bot"}]
    assert (ended.code, headings, len(quick_runs.paid)) == (0, ["# checkout", "# support-bot"], 2)


def test_reports_as_json_have_the_platform_s_field_names(quick_runs: Served) -> None:
    document = quick_runs("report", "run", "checkout", "support-bot", "--json").json
    first, second = document["reports"]
    assert (first["agent"], second["agent"]) == ("checkout", "support-bot")
    assert first["report"] == report_of(quick_runs, first["conversationId"])
    assert {"runId", "agentUuid", "windowStartAt", "windowEndAt", "status", "modelId", "title"} <= set(first)


def test_no_traces_says_which_window_had_none_and_what_to_widen(quick_runs: Served) -> None:
    ended = quick_runs("report", "run", "checkout", *QUIET)
    assert (ended.code, ended.out) == (1, "")
    assert "found no traces of checkout between 2020-01-01T00:00:00.000Z and 2020-01-02T00:00:00.000Z" in ended.err
    assert "--lookback-hours" in ended.err


def test_the_hint_without_traces_names_the_same_project_and_file(quick_runs: Served, folder: Path) -> None:
    (folder / "shop.yaml").write_text(PROJECT_FILE)
    given = ("--file", "shop.yaml", "--project", demo.DEMO_PROJECT_ID)
    command = f"`halo agent list --time-range 90d --file shop.yaml --project {demo.DEMO_PROJECT_ID}`"
    ended = quick_runs("report", "run", "checkout", *QUIET, *given)
    assert command in ended.err
    as_json = quick_runs("report", "run", "checkout", *QUIET, *given, "--json").json
    assert command in as_json["reports"][0]["error"]["hint"]


def test_a_failed_run_does_not_hide_the_reports_of_the_others(quick_runs: Served) -> None:
    fault = Fault("haloRun.create", Refuse("BAD_REQUEST", "No."), where={"agentUuid": demo.CHECKOUT_ID})
    quick_runs.sandbox.faults.add(fault)
    ended = quick_runs("report", "run", "checkout", "support-bot")
    assert (ended.code, len(quick_runs.paid)) == (1, 2)
    assert ended.out.startswith("# What the traces show")
    assert "haloRun.create (HTTP 400): No." in ended.err


def test_no_further_run_is_started_after_a_fatal_error(quick_runs: Served) -> None:
    quick_runs.sandbox.faults.add(Fault("haloRun.create", Refuse("PAYMENT_REQUIRED"), times=None))
    ended = quick_runs("report", "run", "checkout", "support-bot", "--json")
    assert (ended.code, len(quick_runs.paid)) == (1, 1)
    assert [each["error"]["code"] for each in ended.json["reports"]] == ["rejected", "rejected"]


def test_without_waiting_the_ids_are_printed(slow_runs: Served) -> None:
    ended = slow_runs("report", "run", "checkout", "--no-wait")
    run = slow_runs("report", "list", "--json").json["conversations"][0]["latestRunId"]
    assert (ended.code, ended.out.splitlines()[0].split()) == (0, ["AGENT", "RUN", "CONVERSATION"])
    assert run in ended.out
    assert ended.err.endswith(f"Wait for it: halo run poll {run}\n")
    as_json = slow_runs("report", "run", "checkout", "--no-wait", "--json").json
    assert set(as_json) == {"runs"}
    assert as_json["runs"][0]["windowEndAt"] == "2026-11-02T12:00:00.000Z"


def test_a_timed_out_run_continues_and_names_the_command(slow_runs: Served) -> None:
    ended = slow_runs("report", "run", "checkout", "--interval", "0.1", "--timeout", "0.2")
    assert (ended.code, ended.out) == (1, "")
    assert "of checkout is still pending_export and continues" in ended.err
    assert "halo run poll " in ended.err


@pytest.mark.parametrize(
    ("argv", "code", "words"),
    [
        (["checkout", "chekout", "support-bt"], 1, ["'chekout'", "'checkout'", "'support-bt'", "'support-bot'"]),
        (["--schedule", "dayly"], 64, ["declares no schedule 'dayly'", "did you mean 'daily'?"]),
        (["--compare"], 64, ["--compare requires --schedule"]),
    ],
)
def test_unknown_agents_cost_nothing(declared: Served, argv: list[str], code: int, words: list[str]) -> None:
    ended = declared("report", "run", *argv)
    assert (ended.code, ended.out, declared.paid) == (code, "", [])
    assert [word for word in words if word not in ended.err] == []


@pytest.mark.parametrize(
    "argv",
    [
        ("report", "run", "--schedule"),
        ("report", "pull", "--schedule"),
        ("report", "list", "--schedule"),
        ("report", "get"),
        ("schedule", "get"),
        ("schedule", "runs"),
        ("schedule", "fire"),
    ],
    ids=" ".join,
)
def test_a_mistyped_key_is_answered_with_near_ones_everywhere(declared: Served, argv: tuple[str, ...]) -> None:
    before = declared.asked
    ended = declared(*argv, "dayly")
    assert (ended.code, ended.out, declared.asked) == (64, "", before)
    assert ended.err.endswith("declares no schedule 'dayly'\nhint: did you mean 'daily'?\n")


def test_agents_of_one_name_are_distinguished_by_id(halo: CommandLine) -> None:
    twins = [{"id": f"{n}" * 8, "identitySource": "agent_name", "identityValue": "twin"} for n in (1, 2)]
    with serving(lambda _: result(twins)) as platform:
        env = {"INF_API_URL": platform.url, "INF_API_KEY": "sk-inference-test", "INF_PROJECT_ID": "p"}
        ended = halo("report", "run", "twin", **env)
    assert (ended.code, [request.path for request in platform.requests]) == (1, ["/agent.listForProject"])
    assert "2 agents are named 'twin': 11111111, 22222222" in ended.err


def test_a_run_is_called_by_the_name_that_was_picked(quick_runs: Served) -> None:
    ended = quick_runs("report", "run", "--no-wait", answer="1\n")
    assert ended.code == 0
    assert " of checkout\n" in ended.err


def test_a_hostile_agent_name_cannot_reach_the_terminal(quick_runs: Served) -> None:
    ended = quick_runs("report", "run", "x\x1b[2J", is_terminal=True)
    assert "\x1b[2J" not in ended.text


# run --schedule -----------------------------------------------------------------------------------------------------


def test_a_declared_schedule_is_run_as_the_file_says_before_it_is_applied(quick_runs: Served, folder: Path) -> None:
    (folder / "halo.yaml").write_text(PROJECT_FILE)
    assert quick_runs("report", "run", "--schedule", "daily").code == 0
    sent = next(each.input for each in quick_runs.sandbox.requests if each.procedure == "haloRun.create")
    assert sent == {
        "projectId": demo.DEMO_PROJECT_ID,
        "agentUuid": demo.CHECKOUT_ID,
        "prompt": "What went wrong?",
        "windowStartAt": "2026-10-31T12:00:00.000Z",
        "windowEndAt": "2026-11-02T12:00:00.000Z",
        "modelId": None,
        "subagentModelId": None,
        "debug": False,
        "spanLimit": 900,
        "maxSubagentDepth": 3,
        "maxTurns": 50,
    }


def test_an_option_overrides_the_file(declared: Served) -> None:
    declared("report", "run", "--schedule", "daily", "--prompt", "Other", "--lookback-hours", "1", "--span-limit", "7")
    sent = next(each.input for each in declared.sandbox.requests if each.procedure == "haloRun.create")
    assert (sent["prompt"], sent["windowStartAt"], sent["spanLimit"]) == ("Other", "2026-11-02T11:00:00.000Z", 7)


@pytest.mark.parametrize("argv", [("--schedule", "retired"), ("checkout", "--schedule", "daily")])
def test_a_schedule_that_cannot_be_run_is_wrong_usage(declared: Served, argv: tuple[str, ...]) -> None:
    ended = declared("report", "run", *argv)
    assert (ended.code, declared.paid) == (64, [])


def test_without_an_earlier_report_the_new_one_is_printed_alone(declared: Served) -> None:
    ended = declared("report", "run", "--schedule", "daily", "--compare")
    assert (ended.code, ended.out.startswith("# What the traces show")) == (0, True)
    assert "Nothing to compare with: schedule " in ended.err


def test_a_report_of_a_fire_by_hand_is_offered_for_comparison(declared: Served) -> None:
    run = declared("schedule", "fire", "daily", "--json").json["runId"]
    ended = declared("report", "run", "--schedule", "daily", "--compare")
    assert ended.code == 0
    assert " has completed yet (run `halo report get " + run + "` to print the report of the latest run" in ended.err
    assert "Nothing to compare with: no scheduled run of schedule " in ended.err


# run --output -------------------------------------------------------------------------------------------------------


def test_a_file_gets_the_markdown_alone(quick_runs: Served, folder: Path) -> None:
    ended = quick_runs("report", "run", "checkout", "--output", "new/r.md")
    (conversation,) = quick_runs("report", "list", "--json").json["conversations"]
    assert (ended.code, ended.out) == (0, "")
    assert (folder / "new" / "r.md").read_bytes() == report_of(quick_runs, conversation["id"]).encode()


def test_a_folder_gets_a_file_each_with_front_matter(quick_runs: Served, folder: Path) -> None:
    assert quick_runs("report", "run", "checkout", "support-bot", "--output", "out/").code == 0
    names = sorted(path.name for path in (folder / "out").iterdir())
    assert [name.split("--")[:2] for name in names] == [
        ["2026-11-02T1200Z", "checkout"],
        ["2026-11-02T1200Z", "support-bot"],
    ]
    assert (folder / "out" / names[0]).read_text().startswith("---\nrun: ")


@pytest.mark.parametrize(("output", "code"), [("file/r.md", 1), ("file/", 1), ("", 64)])
def test_an_unwritable_output_costs_nothing(quick_runs: Served, folder: Path, output: str, code: int) -> None:
    (folder / "file").write_text("")
    ended = quick_runs("report", "run", "checkout", "--output", output)
    assert (ended.code, quick_runs.asked) == (code, [])


@pytest.mark.parametrize(
    ("argv", "suffix"),
    [
        (("run", "checkout", "-o", "x.html"), ".html"),
        (("run", "checkout", "-o", "out/X.JSON", "--json"), ".json"),
        (("get", "c-1", "-o", "report.v1.pdf"), ".pdf"),
        (("run", "checkout", "-o", "halo.yaml"), ".yaml"),
    ],
)
def test_an_unknown_suffix_is_refused_first(
    quick_runs: Served, folder: Path, argv: tuple[str, ...], suffix: str
) -> None:
    ended = quick_runs("report", *argv)
    assert (ended.code, quick_runs.asked, tree(folder)) == (64, [], {})
    assert f"a report is written as markdown, not as {suffix}" in ended.err
    assert "name a file that ends in .md, or a folder that ends in /" in ended.err


@pytest.mark.parametrize("output", ["r", "r.MD", "r.markdown", "r.txt", "r.html/"])
def test_markdown_goes_into_its_suffixes_and_any_folder(quick_runs: Served, folder: Path, output: str) -> None:
    assert quick_runs("report", "run", "checkout", "-o", output).code == 0
    assert len(tree(folder)) == 1


def test_a_file_that_is_there_is_refused_before_anything_is_started(quick_runs: Served, folder: Path) -> None:
    (folder / "r.md").write_text("mine")
    ended = quick_runs("report", "run", "checkout", "--output", "r.md")
    assert (ended.code, quick_runs.asked, (folder / "r.md").read_text()) == (1, [], "mine")
    assert ended.err == "error: r.md already exists\nhint: name another file, or a folder; nothing was done\n"


def test_a_report_that_was_written_into_is_not_written_over(quick_runs: Served, folder: Path) -> None:
    (folder / "r.md").write_text("mine")
    ended = quick_runs("report", "get", "c-1", "--output", "r.md")
    assert (ended.code, quick_runs.asked, (folder / "r.md").read_text()) == (1, [], "mine")
    assert ended.err.startswith("error: r.md already exists\n")


def test_no_folder_is_made_for_an_unknown_agent(quick_runs: Served, folder: Path) -> None:
    assert quick_runs("report", "run", "chekout", "--output", "reports/").code == 1
    assert tree(folder) == {}
    assert not (folder / "reports").exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is read-only to root")
def test_a_read_only_folder_costs_nothing(quick_runs: Served, folder: Path) -> None:
    (folder / "out").mkdir(mode=stat.S_IRUSR | stat.S_IXUSR)
    assert (quick_runs("report", "run", "checkout", "--output", "out").code, quick_runs.asked) == (1, [])


# Ctrl-C -------------------------------------------------------------------------------------------------------------


def test_ctrl_c_leaves_several_runs_going_and_resumes_them_at_once(slow_runs: Served) -> None:
    with slow_runs.once_asked("haloRun.getById", press_ctrl_c):
        ended = slow_runs("report", "run", "checkout", "support-bot", "--interval", "0.1")
    runs = [each["latestRunId"] for each in slow_runs("report", "list", "--json").json["conversations"]]
    assert ended.code == 130
    assert "stopped waiting; 2 runs go on" in ended.err
    assert {f"halo run poll {a} {b}" in ended.err for a, b in (runs, runs[::-1])} == {True, False}


def test_ctrl_c_while_runs_are_started_starts_no_more_and_loses_none(halo: CommandLine) -> None:
    noticed = threading.Event()

    def answer(request: Request) -> Reply:
        if request.path != "/haloRun.create":
            agents = [{"id": f"a-{n}", "identitySource": "agent_id", "identityValue": n} for n in ("one", "two")]
            return result(agents)
        press_ctrl_c()
        noticed.wait(10)
        return result({"runId": "r-1", "conversationId": "c-1"})

    with serving(answer) as platform:
        env = {"INF_API_URL": platform.url, "INF_API_KEY": "sk-inference-test", "INF_PROJECT_ID": "p"}
        ended = halo("report", "run", "one", "two", reactions={WAITING: noticed.set}, **env)
    paths = [request.path for request in platform.requests]
    assert (ended.code, paths.count("/haloRun.create")) == (130, 1)
    assert "run `halo run poll r-1` to resume" in ended.err


# get ----------------------------------------------------------------------------------------------------------------


def test_a_report_is_found_by_run_conversation_schedule_and_key(declared: Served) -> None:
    declared.clock.advance(hours=22)
    (run,) = declared("schedule", "runs", "daily", "--json").json
    report = report_of(declared, run["conversationId"])
    for reference in ("daily", run["id"], run["conversationId"], run["scheduleId"]):
        assert declared("report", "get", reference).out == report


def test_a_report_as_json_and_the_whole_thread(quick_runs: Served) -> None:
    started = quick_runs.started()
    quick_runs("report", "ask", started["conversationId"], "Which errors?")
    document = quick_runs("report", "get", started["runId"], "--all", "--json").json
    assert (document["runId"], document["status"]) == (started["runId"], "completed")
    assert document["messages"] == messages(quick_runs, started["conversationId"])
    thread = quick_runs("report", "get", started["runId"], "--all").out
    assert [line for line in thread.splitlines() if line in {"# user", "# assistant"}] == ["# user", "# assistant"] * 2


def test_the_reason_for_a_missing_report_is_given(slow_runs: Served, folder: Path) -> None:
    started = slow_runs.started()
    ended = slow_runs("report", "get", started["conversationId"])
    assert (ended.code, ended.out) == (1, "")
    assert f"run {started['runId']} has no report yet; it is pending_export" in ended.err
    assert slow_runs("report", "get", "nothing", "--json").error["code"] == "no_report"
    (folder / "halo.yaml").write_text(PROJECT_FILE)
    assert "is declared, but does not exist on the platform yet" in slow_runs("report", "get", "daily").err


def served_report(markdown: str) -> Any:  # noqa: ANN401 - a server's answers
    def answer(request: Request) -> Reply:
        if request.path == "/haloConversation.getDetails":
            run = {"id": "r-1", "conversationId": "c-1", "status": "completed"}
            said = [{"sequence": 1, "role": "assistant", "content": markdown}]
            head = {"id": "c-1", "title": "../../x", "createdAt": "2026-11-01T00:00:00.000Z"}
            return result({"conversation": head, "messages": said, "runs": [run]})
        return result({"run": {"id": "r-1", "conversationId": "c-1", "status": "completed"}})

    return serving(answer)


def answer_text(halo: CommandLine, *argv: str, is_terminal: bool = False, **more: str) -> str:
    with served_report(HOSTILE) as platform:
        env = {"INF_API_URL": platform.url, "INF_API_KEY": "sk-inference-test", "INF_PROJECT_ID": "p", **more}
        ended = halo("report", "get", "c-1", *argv, is_terminal=is_terminal, **env)
    assert ended.code == 0
    return ended.out


def test_a_pipe_gets_the_bytes(halo: CommandLine) -> None:
    assert answer_text(halo) == HOSTILE


@pytest.mark.parametrize(
    "variable",
    ["CI", "GITHUB_ACTIONS", "TF_BUILD", "TEAMCITY_VERSION", "BUILDKITE", "GITLAB_CI", "TRAVIS", "JENKINS_URL"],
)
def test_a_ci_log_is_commanded_by_nothing(halo: CommandLine, variable: str) -> None:
    shown = answer_text(halo, "--raw", **{variable: "true"})
    assert shown.splitlines() == [
        "# Hi␛[2J",
        "\\  ::set-env name=X::y",
        "##\\[group]x ##teamcity\\[y]",
        "    tab",
        "\\--- z",
    ]


@pytest.mark.parametrize("argv", [(), ("--raw",), ("--no-color",)])
def test_a_terminal_is_moved_by_nothing(halo: CommandLine, argv: tuple[str, ...]) -> None:
    shown = answer_text(halo, *argv, is_terminal=True)
    assert "\x1b[2J" not in shown
    assert ("# Hi" in shown) is ("--raw" in argv)
    assert "--no-color" not in argv or "\x1b[3" not in shown


def test_a_title_that_leads_elsewhere_stays_in_the_folder(halo: CommandLine, folder: Path) -> None:
    answer_text(halo, "--output", "out/")
    assert [*tree(folder)] == ["out/2026-11-01T0000Z--x--c-1.md"]


# list ---------------------------------------------------------------------------------------------------------------


def test_reports_are_listed_by_agent_and_schedule(declared: Served) -> None:
    declared.clock.advance(hours=23)
    declared.started(agent="research")
    everything = declared("report", "list", "--json").json
    assert (len(everything["conversations"]), everything["nextCursor"]) == (3, None)
    for options in (("--schedule", "daily"), ("--agent", "shop")):
        (found,) = declared("report", "list", *options, "--json").json["conversations"]
        assert found["title"] == "Daily review"
    limited = declared("report", "list", "--limit", "2")
    assert (len(limited.out.splitlines()), "There are more" in limited.err) == (3, True)


def test_reports_are_listed_with_schedule_agent_and_status(declared: Served) -> None:
    declared.clock.advance(hours=23)
    declared.started("--prompt", "Look.", *QUIET, agent="research")
    asked = len(declared.asked)
    head, *rows = declared("report", "list").out.splitlines()
    assert head.split() == ["UPDATED", "TITLE", "SCHEDULE", "AGENT", "STATUS", "CONVERSATION"]
    assert sorted(row.split("  ", 1)[1].split()[:-1] for row in rows) == [
        ["Daily", "review", "daily", "checkout", "completed"],
        ["Look.", "research", "no_traces"],
        ["Support", "review", "support", "support-bot", "completed"],
    ]
    assert "haloRun.getById" not in declared.asked[asked:]


@pytest.mark.parametrize("is_refused", [False, True])
def test_the_schedule_of_a_listed_report_is_read_from_its_latest_run(halo: CommandLine, *, is_refused: bool) -> None:
    rows = [{"id": f"c-{each}", "title": f"T{each}", "latestRunId": f"r-{each}"} for each in range(3)]
    run = {"status": "running", "scheduleId": "s-1"}

    def answer(request: Request) -> Reply:
        if request.path.endswith("haloConversation.listForProject"):
            return result({"conversations": rows, "nextCursor": None})
        if is_refused or request.input.get("id") == "r-2":
            return failure(403, "not yours")
        if request.path.endswith("haloRun.getById"):
            return result({"run": {"id": request.input["id"], **run}, "haloExportDataset": {"agentUuid": "a-1"}})
        agents, schedules = [{"id": "a-1", "identityValue": "checkout"}], [{"id": "s-1", "title": "Nightly"}]
        return result(agents if "agent" in request.path else {"schedules": schedules, "nextCursor": None})

    with serving(answer) as platform:
        env = {"INF_API_URL": platform.url, "INF_API_KEY": "sk-inference-test", "INF_PROJECT_ID": "p"}
        ended = halo("report", "list", **env)
    named = [] if is_refused else ["Nightly", "checkout", "running"]
    assert (ended.code, [row.split() for row in ended.out.splitlines()[1:]]) == (
        0,
        [["T0", *named, "c-0"], ["T1", *named, "c-1"], ["T2", "c-2"]],
    )


# ask ----------------------------------------------------------------------------------------------------------------


def test_only_the_new_answer_is_printed(quick_runs: Served) -> None:
    conversation = quick_runs.started()["conversationId"]
    first = quick_runs("report", "ask", conversation, "Which errors?")
    second = quick_runs("report", "ask", conversation, "How many traces?", "--json")
    said = [each["content"] for each in messages(quick_runs, conversation) if each["role"] == "assistant"]
    assert (first.code, [first.out, second.json["answer"]]) == (0, said[1:])


def test_a_question_accepts_every_id_and_key_of_a_report(declared: Served) -> None:
    declared.clock.advance(hours=23)
    run = declared("report", "get", "daily", "--json").json
    for reference in ("daily", run["runId"], run["conversationId"]):
        asked = declared("report", "ask", reference, "Which errors?", "--no-wait", "--json").json
        assert asked["conversationId"] == run["conversationId"]


def test_an_invalid_question_costs_nothing(quick_runs: Served) -> None:
    for argv in (("nothing", "Why?"), (quick_runs.started()["conversationId"], " ")):
        before = len(quick_runs.paid)
        assert (quick_runs("report", "ask", *argv).code, len(quick_runs.paid)) == (1, before)


# pull ---------------------------------------------------------------------------------------------------------------


def pulled_files(folder: Path) -> dict[str, bytes]:
    """The reports that were pulled, by their paths, without the indexes."""
    files = tree(folder / "reports")
    return {f"reports/{name}": text for name, text in files.items() if not name.endswith("index.md")}


@pytest.fixture
def fired(declared: Served) -> Served:
    """Three days on: six reports, one of a run that found nothing among them."""
    for _ in range(3):
        declared.clock.advance(hours=23)
        declared("report", "list")
        declared.clock.advance(hours=1)
    return declared


def test_every_report_gets_a_file_and_a_second_pull_only_lists(fired: Served, folder: Path) -> None:
    first = fired("report", "pull", "--dir", "reports")
    files = tree(folder / "reports")
    assert (first.code, sorted(first.out.splitlines())) == (0, sorted(pulled_files(folder)))
    assert [name.split("/")[1:3] for name in sorted(pulled_files(folder))] == [["daily", "2026-11"]] * 3 + [
        ["support", "2026-11"]
    ] * 3
    assert "| [`daily`](daily/index.md) | 3 |" in (folder / "reports" / "index.md").read_text()
    assert first.err.endswith("6 reports written, 0 already present.\n")
    before = len(fired.asked)
    second = fired("report", "pull", "--dir", "reports")
    assert (second.code, second.out, tree(folder / "reports")) == (0, "", files)
    assert sorted(fired.asked[before:]) == ["haloConversation.listForProject"] * 2 + ["haloSchedule.listForProject"]


def test_a_file_says_where_its_report_comes_from(fired: Served, folder: Path) -> None:
    written = fired("report", "pull", "--schedule", "daily", "--json").json["written"]
    path = min(folder / each["path"] for each in written)
    assert path.name.startswith("2026-11-03T0900Z--daily--")
    _, front, markdown = path.read_text().split("---\n", 2)
    facts = YAML(typ="safe").load(front)
    assert markdown == "\n" + report_of(fired, facts["conversation"])
    assert (facts["schedule"], facts["agent"], facts["status"]) == ("daily", demo.CHECKOUT_ID, "completed")
    assert facts["window"] == {"start": "2026-11-01T09:00:00.000Z", "end": "2026-11-03T09:00:00.000Z"}


def test_an_edited_file_stays_and_a_deleted_one_comes_back(fired: Served, folder: Path) -> None:
    fired("report", "pull")
    edited, deleted, renamed, *_ = [folder / name for name in sorted(pulled_files(folder))]
    edited.write_text("mine")
    deleted.unlink()
    renamed.rename(renamed.with_name(f"read--{renamed.name.rpartition('--')[2]}"))
    ended = fired("report", "pull")
    assert (ended.code, ended.out) == (0, f"{deleted.relative_to(folder)}\n")
    assert edited.read_text() == "mine"


def test_a_folder_of_before_keeps_its_files_and_may_stay_flat(fired: Served, folder: Path) -> None:
    fired("report", "pull", "--flat", "--since", "2026-11-05")
    flat = pulled_files(folder)
    assert (len(flat), len(tree(folder / "reports"))) == (2, 2)
    assert (fired("report", "pull").code, len(pulled_files(folder))) == (0, 6)
    assert flat.items() <= pulled_files(folder).items()
    before = tree(folder / "reports")
    assert (fired("report", "pull", "--flat").out, tree(folder / "reports")) == ("", before)


def test_pulls_at_the_same_time_write_each_report_once(fired: Served, folder: Path) -> None:
    ended: list[int] = []
    pulls = [threading.Thread(target=lambda: ended.append(fired("report", "pull", "--json").code)) for _ in range(3)]
    for each in pulls:
        each.start()
    for each in pulls:
        each.join()
    assert (ended, len(pulled_files(folder))) == ([0] * 3, 6)
    assert "6 reports." in (folder / "reports" / "index.md").read_text()


def test_a_foreign_index_is_reported_and_kept(fired: Served, folder: Path) -> None:
    (folder / "reports").mkdir()
    (folder / "reports" / "index.md").write_text("# Ours\n")
    ended = fired("report", "pull")
    assert (ended.code, (folder / "reports" / "index.md").read_text()) == (0, "# Ours\n")
    assert "warning: reports/index.md is not an index that halo has written; it was left as it is\n" in ended.err


@pytest.mark.parametrize(
    ("options", "schedules"),
    [
        (["--agent", "shop"], ["daily"] * 3),
        (["--agent", "research"], []),
        (["--schedule", "support"], ["support"] * 3),
        (["--schedule", "support", "--schedule", "daily", "--since", "2026-11-05"], ["daily", "support"]),
        (["--since", "1h", "--schedule", "daily"], ["daily"] * 3),
    ],
)
def test_only_what_is_wanted_is_pulled(fired: Served, options: list[str], schedules: list[str]) -> None:
    """A span such as 1h counts back from now, which here is three days before the fires."""
    written = fired("report", "pull", *options, "--json").json["written"]
    assert sorted(each["schedule"] for each in written) == schedules


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (["--since", "soon"], 64),
        (["--since", "999999w"], 64),
        (["--schedule", "dayly"], 64),
        (["--concurrency", "0"], 64),
        (["--dir", "halo.yaml"], 1),
        (["--agent", "chekout"], 1),
    ],
)
def test_failed_pulls_are_reported(fired: Served, options: list[str], code: int) -> None:
    ended = fired("report", "pull", *options)
    assert (ended.code, ended.out) == (code, "")


def test_since_says_how_a_span_is_written(declared: Served) -> None:
    assert "such as 24h, 7d or 2w" in declared("report", "pull", "--since", "yesterday").err


def test_without_a_project_file_there_is_nothing_to_pull(quick_runs: Served) -> None:
    assert quick_runs("report", "pull", "--json").error["code"] == "project_not_found"


def test_an_unreadable_report_fails_the_pull_and_the_next_pull_reads_it(fired: Served, folder: Path) -> None:
    fired.sandbox.faults.add(Fault("haloConversation.getDetails", Refuse("NOT_FOUND")))
    first = fired("report", "pull", "--json")
    assert (first.code, len(first.json["written"]), len(first.json["problems"])) == (1, 5, 1)
    assert (fired("report", "pull").code, len(pulled_files(folder))) == (0, 6)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a full disk")
def test_a_full_disk_leaves_no_partial_file(fired: Served, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fdopen, count = os.fdopen, iter(range(100))

    def filling(descriptor: int, mode: str = "r", **options: Any) -> Any:  # noqa: ANN401 - as os.fdopen
        if mode == "w" and next(count) >= 2:
            os.close(descriptor)
            descriptor = os.open("/dev/full", os.O_WRONLY)
        return fdopen(descriptor, mode, **options)

    with monkeypatch.context() as patched:
        patched.setattr(os, "fdopen", filling)
        ended = fired("report", "pull")
    assert (ended.code, len(tree(folder / "reports"))) == (1, 2)
    assert "No space left on device" in ended.err
    assert "2 reports written, 0 already present; run the command again to continue" in ended.err
    assert fired("report", "pull", "--json").json["present"] == 2


def test_a_run_without_a_report_is_counted_and_not_written(fired: Served, folder: Path) -> None:
    assert fired("schedule", "fire", "daily", *QUIET).code == 0
    document = fired("report", "pull", "--json").json
    assert [each["schedule"] for each in document["withoutReport"]] == ["daily"]
    assert len(pulled_files(folder)) == 6
