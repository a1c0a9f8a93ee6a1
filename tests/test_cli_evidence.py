"""From a report to its evidence, as its user meets it: report traces, and what report get and pull do for an agent."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from command_line import tree
from served_runs import Served

from halo_iac.sandbox.faults import Fault, Refuse

PROJECT_FILE = """\
version: 1
schedules:
  daily:
    title: Daily review
    agent: checkout
    frequency: daily
    hours: [9]
"""


@pytest.fixture
def reported(quick_runs: Served, folder: Path) -> Served:
    """A schedule whose first report is there."""
    (folder / "halo.yaml").write_text(PROJECT_FILE)
    assert quick_runs("apply", "--yes").code == 0
    quick_runs.clock.advance(hours=22)
    assert quick_runs("report", "list").code == 0
    return quick_runs


def test_two_commands_lead_from_a_report_to_the_arguments_of_the_call_that_failed(reported: Served) -> None:
    read = reported("report", "get", "daily", is_terminal=True)
    first = read.err.rstrip().splitlines()[-1].partition(": ")[2]
    assert first == "halo report traces daily"
    traces = reported(*shlex.split(first)[1:])
    second = next(line.strip() for line in traces.out.splitlines() if line.startswith("  halo span get "))
    span = reported(*shlex.split(second)[1:])
    assert (read.code, traces.code, span.code) == (0, 0, 0)
    assert "✗ charge_card: timed out after 30000 ms" in traces.out
    assert '"order": "ord_' in span.out


def test_no_command_is_suggested_in_a_pipe_a_file_or_json(reported: Served) -> None:
    for argv in ((), ("--json",), ("--output", "r.md")):
        ended = reported("report", "get", "daily", *argv)
        assert ended.code == 0
        assert "halo report traces" not in ended.text


def test_the_traces_of_a_report_as_json_are_in_its_order_with_what_failed(reported: Served) -> None:
    document = reported("report", "traces", "daily", "--json").json
    markdown = reported("report", "get", "daily").out
    ids = [each["traceId"] for each in document["traces"]]
    assert ids == sorted(ids, key=markdown.index)
    lines = markdown.split("\n")
    for each in document["traces"]:
        assert each["trace"]["traceId"] == each["traceId"] == each["cited"]
        assert all(each["traceId"] in lines[place["line"] - 1] for place in each["places"])
        assert bool(each["failedSpans"]) == each["trace"]["hasError"]
    assert document["scheduleId"] is not None
    assert len(reported("report", "traces", document["conversationId"], "--json").json["traces"]) == len(ids)


def test_no_more_traces_than_the_limit_are_read(reported: Served) -> None:
    before = len(reported.asked)
    ended = reported("report", "traces", "daily", "--limit", "2")
    assert (ended.code, reported.asked[before:].count("traces.get")) == (0, 2)
    assert "more traces were not read; use --limit to read them." in ended.out


def test_missing_and_unreadable_traces_are_reported(reported: Served) -> None:
    reported.sandbox.faults.add(Fault("traces.get", Refuse("NOT_FOUND")))
    ended = reported("report", "traces", "daily")
    assert ended.code == 0
    assert "1 cited trace is not found in this project: " in ended.out
    reported.sandbox.faults.add(Fault("traces.get", Refuse("BAD_REQUEST", "No.")))
    ended = reported("report", "traces", "daily")
    assert ended.code == 1
    assert " could not be read: traces.get (HTTP 400): No." in ended.out


def test_a_brief_is_the_same_in_a_pipe_a_terminal_and_a_file(reported: Served, folder: Path) -> None:
    ended = reported("report", "get", "daily", "--for-agent")
    assert (ended.code, ended.out.startswith("# Fix what HALO found: `daily`\n")) == (0, True)
    assert "timed out after 30000 ms" in ended.out
    assert reported("report", "get", "daily", "--for-agent", is_terminal=True).out == ended.out
    assert reported("report", "get", "daily", "--for-agent", "-o", "b.md").code == 0
    assert (folder / "b.md").read_text() == ended.out
    assert reported("report", "get", "daily", "--for-agent", "--json").json["brief"] == ended.out
    assert len(reported("report", "get", "daily", "--for-agent", "--max-chars", "5000").out) <= 5_000


@pytest.mark.parametrize(
    "argv",
    [
        ("get", "daily", "--for-agent", "--all"),
        ("get", "daily", "--max-chars", "9000"),
        ("get", "daily", "--for-agent", "--max-chars", "10"),
        ("pull", "--max-chars", "9000"),
        ("traces", "daily", "--limit", "0"),
    ],
)
def test_invalid_options_are_refused_before_any_request(quick_runs: Served, argv: tuple[str, ...]) -> None:
    assert (quick_runs("report", *argv).code, quick_runs.asked) == (64, [])


def test_a_brief_is_written_beside_each_pulled_report_and_earlier_ones(reported: Served, folder: Path) -> None:
    assert reported("report", "pull").code == 0
    (report,) = (folder / "reports").rglob("*--daily--*.md")
    report.write_text("mine")
    ended = reported("report", "pull", "--for-agent", "--json").json
    brief = report.with_name(report.name.removesuffix(".md") + ".agent.md")
    assert (ended["written"], ended["forAgent"]) == ([], [str(brief.relative_to(folder))])
    assert brief.read_text().startswith("# Fix what HALO found: `daily`\n")
    assert report.read_text() == "mine"
    assert f"[`brief`]({brief.name})" in (report.parent / "index.md").read_text()
    before, asked = tree(folder / "reports"), len(reported.asked)
    assert reported("report", "pull", "--for-agent").code == 0
    assert tree(folder / "reports") == before
    assert [each for each in reported.asked[asked:] if each.startswith("traces")] == []
