"""Reports: found by any id, explained where there is none, pulled once, written safely."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO

import pytest
from ruamel.yaml import YAML

from halo_iac.api.retry import Retry
from halo_iac.api.runs import RunReader
from halo_iac.api.trpc import Json, Kind
from halo_iac.errors import Delivery, FileError, NoReport, PlatformError, Rejected
from halo_iac.model.runs import Conversation, ConversationDetails, Dataset, Message, Report, Run
from halo_iac.render.report import neutralize_markdown, report_file
from halo_iac.render.report_names import conversation_ending, file_name, name_ending, slug
from halo_iac.render.style import Style
from halo_iac.render.text.report import render_for_terminal
from halo_iac.runs.pull import PulledReport, PulledSchedule, pull
from halo_iac.runs.reports import fetch, fetch_of_conversation, fetch_of_schedule
from halo_iac.storage.atomic import check_writable, write_new

WINDOW = ("2026-11-01T00:00:00.000Z", "2026-11-02T00:00:00.000Z")


def dataset(run_id: str) -> Json:
    return {"id": f"d-{run_id}", "agentUuid": "a-1", "windowStartAt": WINDOW[0], "windowEndAt": WINDOW[1]}


def rejected_with(status: int) -> Rejected:
    is_transient = status >= 500
    delivery = Delivery.AMBIGUOUS if is_transient else Delivery.REFUSED
    return Rejected("no", procedure="p", status=status, delivery=delivery, is_transient=is_transient)


@dataclass
class Platform:
    """Conversations with one run each, by schedule; answers queries and counts them."""

    runs: dict[str, Json] = field(default_factory=dict)
    page_size: int = 2
    failing: dict[str, PlatformError] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)
    latest: dict[str, str] = field(default_factory=dict)

    def add(self, number: int, status: str = "completed", schedule: str = "s-1", origin: str = "scheduled") -> None:
        created = f"2026-11-{number:02d}T09:00:00.000Z"
        self.runs[f"r-{number}"] = {
            "id": f"r-{number}",
            "conversationId": f"c-{number}",
            "scheduleId": schedule,
            "status": status,
            "origin": origin,
            "createdAt": created,
            "scheduledForAt": created,
            "modelId": "m",
        }

    def call(self, procedure: str, kind: Kind, value: Json = None, *, deadline: float | None = None) -> Json:
        del deadline
        assert kind == "query"
        self.asked[procedure] += 1
        if value.get("id") in self.failing:
            raise self.failing[value["id"]]
        answers: dict[str, Callable[[Json], Json]] = {
            "haloRun.getById": self._run,
            "haloSchedule.listRuns": self._schedule_runs,
            "haloConversation.listForProject": self._conversations,
            "haloConversation.getDetails": self._details,
        }
        return answers[procedure](value)

    def _run(self, value: Json) -> Json:
        if value["id"] not in self.runs:
            raise rejected_with(404)
        return {"run": self.runs[value["id"]], "haloExportDataset": dataset(value["id"])}

    def _newest(self, schedule: str) -> list[Json]:
        found = [run for run in self.runs.values() if run["scheduleId"] == schedule]
        return sorted(found, key=lambda run: str(run["createdAt"]), reverse=True)

    def _schedule_runs(self, value: Json) -> Json:
        if not self._newest(value["id"]):
            raise rejected_with(404)
        return self._newest(value["id"])[: value["limit"]]

    def _conversations(self, value: Json) -> Json:
        found = self._newest(value["scheduleId"])
        start = int(value.get("cursor", 0))
        end = start + self.page_size
        rows = [
            {
                "id": run["conversationId"],
                "title": "T",
                "latestRunId": self.latest.get(run["conversationId"], run["id"]),
                "createdAt": run["createdAt"],
                "updatedAt": run["createdAt"],
            }
            for run in found[start:end]
        ]
        return {"conversations": rows, "nextCursor": str(end) if end < len(found) else None}

    def _details(self, value: Json) -> Json:
        found = [run for run in self.runs.values() if run["conversationId"] == value["id"]]
        if not found:
            raise rejected_with(404)
        (run,) = found
        messages = [{"sequence": 0, "role": "user", "content": "asked"}]
        if run["status"] in {"completed", "incomplete"}:
            messages.append({"sequence": 1, "role": "assistant", "content": f"# Report of {run['id']}\n"})
        head = {"id": value["id"], "title": "T", "createdAt": run["createdAt"]}
        return {"conversation": head, "messages": messages, "runs": [run], "datasets": [dataset(run["id"])]}


def reader(platform: Platform) -> RunReader:
    return RunReader(platform, Retry(attempts=1))


# One report ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def platform() -> Platform:
    made = Platform()
    made.add(1)
    made.add(2)
    made.add(3, "failed")
    made.add(4, origin="manual_schedule")
    return made


@pytest.mark.parametrize(("id_", "found"), [("r-1", "r-1"), ("c-2", "r-2"), ("s-1", "r-4")])
def test_a_report_is_found_by_run_conversation_or_schedule(platform: Platform, id_: str, found: str) -> None:
    report = fetch(reader(platform), id_)
    assert report.markdown == f"# Report of {found}\n"
    assert report.facts() == {
        "runId": found,
        "conversationId": f"c-{found[2:]}",
        "title": "T",
        "scheduleId": "s-1",
        "agentUuid": "a-1",
        "windowStartAt": WINDOW[0],
        "windowEndAt": WINDOW[1],
        "modelId": "m",
        "status": "completed",
    }


def test_the_last_scheduled_report_is_one_that_a_cadence_started(platform: Platform) -> None:
    assert fetch_of_schedule(reader(platform), "s-1", is_scheduled=True).markdown == "# Report of r-2\n"


def test_an_unknown_id_is_an_error(platform: Platform) -> None:
    with pytest.raises(NoReport, match="x-9 is not a run, conversation or schedule"):
        fetch(reader(platform), "x-9")


def test_other_failures_are_not_taken_for_a_wrong_kind(platform: Platform) -> None:
    platform.failing["r-1"] = rejected_with(503)
    with pytest.raises(Rejected):
        fetch(reader(platform), "r-1")


@pytest.mark.parametrize(
    ("status", "message", "hint"),
    [
        ("running", "run r-9 has no report yet; it is running", "halo run poll r-9"),
        ("dreaming", "run r-9 has no report yet; it is dreaming", "halo run poll r-9"),
        ("failed", "run r-9 has no report; it ended as failed: out of memory", "halo run retry r-9"),
        ("export_failed", "run r-9 has no report; it ended as export_failed: out of memory", "halo run events r-9"),
        ("no_traces", f"run r-9 found no traces of a-1 between {WINDOW[0]} and {WINDOW[1]}", "--lookback-hours"),
    ],
)
def test_a_conversation_without_an_answer_says_why_and_what_to_do(status: str, message: str, hint: str) -> None:
    platform = Platform()
    platform.add(9, status)
    platform.runs["r-9"]["errorMessage"] = "out of memory"
    with pytest.raises(NoReport) as raised:
        fetch_of_conversation(reader(platform), "c-9")
    assert raised.value.message == message
    assert hint in str(raised.value.hint)


@pytest.mark.parametrize(
    ("status", "message", "hint"),
    [
        ("running", "its latest, r-1, is running", "run `halo run poll r-1` to wait for it"),
        (
            "no_traces",
            "its latest, r-1, is no_traces",
            "run `halo schedule runs s-1` to list its runs",
        ),
    ],
)
def test_a_schedule_without_a_report_says_how_its_latest_run_stands(status: str, message: str, hint: str) -> None:
    platform = Platform()
    platform.add(1, status)
    with pytest.raises(NoReport) as caught:
        fetch_of_schedule(reader(platform), "s-1")
    assert (caught.value.message, caught.value.hint) == (f"schedule s-1 has no completed run yet; {message}", hint)


def test_a_schedule_that_was_only_fired_by_hand_has_no_scheduled_report() -> None:
    platform = Platform()
    platform.add(1, origin="manual_schedule")
    with pytest.raises(NoReport) as caught:
        fetch_of_schedule(reader(platform), "s-1", is_scheduled=True)
    assert (caught.value.message, caught.value.hint) == (
        "no scheduled run of schedule s-1 has completed yet",
        "run `halo report get r-1` to print the report of the latest run fired by hand",
    )


# Pull ---------------------------------------------------------------------------------------------------------------


def pull_all(
    platform: Platform, there: Sequence[str] = (), schedules: Sequence[str] = ("s-1",), since: str | None = None
) -> dict[str, list[str]]:
    """Return the conversations by what became of them."""
    wanted = [PulledSchedule(f"key-{schedule}", schedule) for schedule in schedules]
    found: dict[str, list[str]] = {"report": [], "absence": [], "read_error": [], "present": []}
    for each in pull(reader(platform), "p", wanted, there.__contains__, since=since, at_once=3):
        found[_kind(each)].append(each.conversation.id if each.conversation is not None else each.schedule.key)
    return {kind: sorted(ids) for kind, ids in found.items() if ids}


def _kind(each: PulledReport) -> str:
    return next((kind for kind in ("report", "absence", "read_error") if getattr(each, kind) is not None), "present")


def test_every_page_is_read_and_existing_reports_are_not_requested(platform: Platform) -> None:
    assert pull_all(platform, ["c-2"]) == {"report": ["c-1", "c-4"], "absence": ["c-3"], "present": ["c-2"]}
    assert platform.asked == {
        "haloConversation.listForProject": 2,
        "haloSchedule.listRuns": 1,
        "haloConversation.getDetails": 2,
    }


def test_a_second_pull_only_lists(platform: Platform) -> None:
    del platform.runs["r-3"]
    assert pull_all(platform, ["c-1", "c-2", "c-4"]) == {"present": ["c-1", "c-2", "c-4"]}
    assert platform.asked == {"haloConversation.listForProject": 2}


def test_pages_that_are_too_old_are_not_read(platform: Platform) -> None:
    platform.page_size = 1
    assert pull_all(platform, since="2026-11-02T00:00:00.000Z") == {"report": ["c-2", "c-4"], "absence": ["c-3"]}
    assert platform.asked["haloConversation.listForProject"] == 4


def test_a_failed_run_that_was_tried_again_is_read(platform: Platform) -> None:
    """The conversation's latest run is another than the failed one that the schedule lists."""
    platform.latest["c-3"] = "r-30"
    assert pull_all(platform)["absence"] == ["c-3"]
    assert platform.asked["haloConversation.getDetails"] == 4


def test_a_run_that_is_still_going_is_asked_for_in_the_next_pull_as_well(platform: Platform) -> None:
    platform.runs["r-3"]["status"] = "running"
    assert pull_all(platform)["absence"] == ["c-3"]
    platform.runs["r-3"]["status"] = "completed"
    assert pull_all(platform, ["c-1", "c-2", "c-4"])["report"] == ["c-3"]


def test_several_schedules_are_pulled_side_by_side() -> None:
    platform = Platform(page_size=100)
    for number in range(1, 29):
        platform.add(number, schedule=f"s-{number % 7}")
    assert pull_all(platform, schedules=[f"s-{n}" for n in range(7)])["report"] == sorted(
        f"c-{number}" for number in range(1, 29)
    )


def test_unreadable_reports_are_reported_and_the_rest_is_read(platform: Platform) -> None:
    platform.failing["c-1"] = rejected_with(503)
    assert pull_all(platform, schedules=["s-1"]) == {
        "report": ["c-2", "c-4"],
        "absence": ["c-3"],
        "read_error": ["c-1"],
    }


def test_a_fatal_error_ends_the_pull(platform: Platform) -> None:
    platform.failing["c-1"] = rejected_with(401)
    with pytest.raises(Rejected):
        pull_all(platform)


# Files --------------------------------------------------------------------------------------------------------------


def names_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def report(markdown: str = "# R\n", **conversation: str) -> Report:
    head = Conversation(
        {"id": "c-1", "createdAt": "2026-11-23T09:00:12.345Z", "title": "Daily: checkout"} | conversation
    )
    thread = ConversationDetails({}, head, (Message(1, "assistant", markdown),), ())
    run = Run({"id": "r-1", "scheduleId": "s-1", "modelId": "m", "status": "completed"})
    return Report(markdown, thread, run, Dataset(dataset("r-1")))


def test_a_file_s_name_sorts_by_time_and_ends_in_the_whole_id() -> None:
    assert file_name(report(), "checkout-daily") == "2026-11-23T0900Z--checkout-daily--c-1.md"


@pytest.mark.parametrize(
    ("label", "part"),
    [
        ("../../etc/passwd", "etc-passwd"),
        ("..", "report"),
        ("", "report"),
        ("Übersicht: täglich!", "Ubersicht-taglich"),
        ("a--b---c", "a-b-c"),
        ("x" * 300, "x" * 64),
        ("CON\x00\n/\\:", "CON"),
        ("日報", "report"),
    ],
)
def test_no_label_leads_out_of_the_folder(label: str, part: str) -> None:
    assert slug(label) == part


@pytest.mark.parametrize("id_", ["../../x", "a--b", "", "x" * 200, "a/b", "a\\b", "c\x00"])
def test_an_unusual_id_is_replaced_by_a_digest_and_recognised(id_: str) -> None:
    name = file_name(report(id=id_), "k")
    assert Path(name).name == name
    assert len(name) < 100
    assert name_ending(name) == conversation_ending(id_)


def test_an_unreadable_instant_leaves_the_name_undated() -> None:
    assert file_name(report(createdAt="../yesterday"), "k") == "undated--k--c-1.md"


def test_front_matter_says_where_a_report_comes_from_and_the_rest_is_as_the_platform_holds_it() -> None:
    markdown = "---\r\n# R\x1b[31m\n::warning::x"
    text = report_file(report(markdown, title="a: [b]\n---\nrun: forged"), "checkout-daily")
    _, front, rest = text.split("---\n", 2)
    assert YAML(typ="safe").load(front) == {
        "run": "r-1",
        "conversation": "c-1",
        "title": "a: [b]\n---\nrun: forged",
        "schedule": "checkout-daily",
        "schedule_id": "s-1",
        "agent": "a-1",
        "window": {"start": WINDOW[0], "end": WINDOW[1]},
        "model": "m",
        "status": "completed",
    }
    assert rest == f"\n{markdown}"


def test_unknown_values_are_left_out_of_the_front_matter() -> None:
    text = report_file(replace(report(title=""), run=None, dataset=None), None)
    assert text == "---\nconversation: c-1\n---\n\n# R\n"


def test_a_new_file_is_whole_and_one_that_is_there_stays(tmp_path: Path) -> None:
    path = tmp_path / "r.md"
    assert write_new(path, "a\r\nb") is True
    assert write_new(path, "other") is False
    assert (path.read_bytes(), names_in(tmp_path)) == (b"a\r\nb", ["r.md"])


def test_a_new_file_needs_no_hard_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_links(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "link", no_links)
    path = tmp_path / "r.md"
    assert [write_new(path, text) for text in ("a", "b")] == [True, False]
    assert (path.read_text(), names_in(tmp_path)) == ("a", ["r.md"])


def test_a_link_to_nowhere_is_not_written_through(tmp_path: Path) -> None:
    (tmp_path / "r.md").symlink_to(tmp_path / "elsewhere")
    assert write_new(tmp_path / "r.md", "a") is False
    assert names_in(tmp_path) == ["r.md"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a full disk")
def test_a_full_disk_leaves_no_half_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fdopen = os.fdopen

    def full(descriptor: int, mode: str, *, encoding: str, newline: str) -> IO[str]:
        os.close(descriptor)
        return fdopen(os.open("/dev/full", os.O_WRONLY), mode, encoding=encoding, newline=newline)

    monkeypatch.setattr(os, "fdopen", full)
    with pytest.raises(FileError) as caught:
        write_new(tmp_path / "r.md", "a" * 100_000)
    said = (f"{tmp_path / 'r.md'}: No space left on device", "free space on its disk, or write to another one")
    assert (caught.value.message, caught.value.hint) == said
    assert names_in(tmp_path) == []


def test_a_folder_is_made_and_tried_before_anything_else(tmp_path: Path) -> None:
    check_writable(tmp_path / "a" / "b")
    assert names_in(tmp_path / "a" / "b") == []
    (tmp_path / "file").write_text("")
    with pytest.raises(FileError, match="Not a directory") as raised:
        check_writable(tmp_path / "file" / "x")
    assert "nothing was started" in str(raised.value.hint)


# Screens and logs ---------------------------------------------------------------------------------------------------

TRACE = "0af7651916cd43dd8448eb211c80319c"
RUN = "5a4db0c5-a000-4000-8000-000000000001"
HOSTILE = "# Hi\x1b[2J\n\n\x1b]8;;http://evil\x07click\x1b]8;;\x07\n  ::set-env name=X::y\n##[group]x\n\ttab\r\nend"


def test_a_report_in_a_log_cannot_issue_runner_commands() -> None:
    shown = neutralize_markdown(HOSTILE)
    assert "\x1b" not in shown
    assert shown.split("\n")[3:] == ["\\  ::set-env name=X::y", "##\\[group]x", "    tab", "end"]


@pytest.mark.parametrize("style", [Style(colour=True, width=40), Style(width=40), Style(unicode=False, width=40)])
def test_a_report_on_a_terminal_has_no_control_characters(style: Style) -> None:
    shown = render_for_terminal(HOSTILE, style)
    assert "\x1b[2J" not in shown
    assert "\x1b]" not in shown
    assert "\x07" not in shown
    assert style.unicode or shown.isascii()


@pytest.mark.parametrize("width", [20, 60, 100])
def test_a_cell_of_a_table_folds_and_loses_nothing(width: int) -> None:
    step = "checkout.payment.authorize_with_the_provider_of_the_card"
    shown = render_for_terminal(f"| TRACE | STEP |\n|---|---|\n| short | {step} |\n", Style(width=width))
    _, _, body = shown.rpartition("─")
    columns = zip(*(line[1:].split("  ", 1) for line in body.splitlines() if line.strip()), strict=True)
    assert ["".join("".join(column).split()) for column in columns] == ["short", step]
    assert max(map(len, shown.splitlines())) <= width


@pytest.mark.parametrize(
    "markdown",
    [
        f"Some prose that cites `{TRACE}`, and then {TRACE} and (trace {TRACE}).\n",
        f"- a list that cites {TRACE} and goes on\n  - and within it `{RUN}`\n    1. and again `{RUN}`\n",
        f"> a quotation of {TRACE}, {TRACE}\n",
        f"| finding | traces | count |\n|---|---|--:|\n| slow calls of a tool | `{TRACE}`, `{TRACE}` | 3 |\n",
        f"| a | b | c | d |\n|---|---|---|---|\n| some words | {TRACE} | other words | {RUN} |\n| x | {RUN} | | |\n",
        f'```json\n{{"trace_id":"{TRACE}","span_id":"b7ad6b7169203331","parent":"{TRACE}"}}\n```\n',
        f"[look](https://a.example/projects/of/the/shop/traces/with/a/long/path/{TRACE}/spans/{TRACE})\n",
        f"<!-- {TRACE} -->\n",
    ],
    ids=["prose", "list", "quotation", "table", "wide table", "code", "link", "comment"],
)
@pytest.mark.parametrize("width", [20, 40, 60, 80, 200])
def test_an_id_is_never_broken_across_lines(markdown: str, width: int) -> None:
    for style in (Style(width=width), Style(width=width, colour=True)):
        shown = render_for_terminal(markdown, style)
        assert [shown.count(each) for each in (TRACE, RUN)] == [markdown.count(each) for each in (TRACE, RUN)]


def test_a_table_too_wide_for_its_ids_is_shown_as_records() -> None:
    shown = render_for_terminal(f"| WHAT | TRACE | RUN |\n|---|---|---|\n| slow | {TRACE} | {RUN} |\n", Style(width=60))
    assert shown.split("\n") == ["", "", "WHAT: slow", f"TRACE: {TRACE}", f"RUN: {RUN}", ""]


def test_markdown_is_drawn_and_links_show_where_they_lead() -> None:
    shown = render_for_terminal("# Head\n\n- [a link](http://x.example/y)\n", Style(width=60))
    assert "http://x.example/y" in shown
    assert "[a link](" not in shown
