"""The reports of a page: read from a folder that anyone may have edited, joined with runs, drawn harmless."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from project_files import write_files
from render_samples import HOSTILE
from strategies import entry, project

from halo_iac.errors import FileError
from halo_iac.model.runs import Run
from halo_iac.model.stored_report import StoredReport, StoredReports
from halo_iac.page.contents import ProjectInput, build_page
from halo_iac.page.history import Outcome, PageReport, PastRun, failures_in_a_row, past_runs
from halo_iac.render.html import page_html
from halo_iac.render.html.report import report_html
from halo_iac.report_diff import report_diff
from halo_iac.storage.stored_reports import MAX_BYTES, MAX_SHOWN_BYTES, read_reports

FRONT = """\
---
run: r-{n}
conversation: c-{n}
title: Nightly
schedule: nightly
schedule_id: s-1
window:
  start: "2026-11-0{n}T09:00:00.000Z"
  end: "2026-11-0{m}T09:00:00.000Z"
status: completed
---

"""


def report_text(number: int, text: str = "# Nothing new\n") -> str:
    return FRONT.format(n=number, m=number + 1) + text


def at(day: int, hour: int = 9) -> datetime:
    return datetime(2026, 11, day, hour, tzinfo=UTC)


# A folder -----------------------------------------------------------------------------------------------------------


def test_reports_are_recognised_by_front_matter_anywhere(tmp_path: Path) -> None:
    files = {
        "2026-11-02T0900Z--nightly--c-1.md": report_text(1),
        "nightly/2026-11/2026-11-03T0900Z--nightly--c-2.md": report_text(2),
        "nightly/2026-11/renamed.md": report_text(3),
        "nightly/2026-11/2026-11-03T0900Z--nightly--c-2.agent.md": report_text(2),
        "nightly/index.md": "# Reports\n",
        ".git/hidden.md": report_text(4),
        "README.md": "# Ours\n",
    }
    write_files(tmp_path, files)
    (tmp_path / "link.md").symlink_to(tmp_path / "README.md")
    found = read_reports(tmp_path)
    assert [(each.path, each.run, each.at) for each in found.reports] == [
        ("nightly/2026-11/renamed.md", "r-3", at(4)),
        ("nightly/2026-11/2026-11-03T0900Z--nightly--c-2.md", "r-2", at(3)),
        ("2026-11-02T0900Z--nightly--c-1.md", "r-1", at(2)),
    ]
    assert found.others == ("README.md",)
    assert found.reports[0] == StoredReport(
        "nightly/2026-11/renamed.md",
        "# Nothing new\n",
        "nightly",
        "s-1",
        "r-3",
        "c-3",
        "Nightly",
        "completed",
        at(3),
        at(4),
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("---\nrun: r-1\n---\nText\n", ("r-1", at(5, 8), "Text\n")),
        ("---\r\nrun: r-1\r\n---\r\nText\r\n", ("r-1", at(5, 8), "Text\r\n")),
        ("---\nrun: r-1\nwindow: {end: soon}\nextra: [1]\n---\n", ("r-1", at(5, 8), "")),
        ('---\nrun: r-1\nwindow: {end: "2026-11-09T09:00:00"}\n---\n', ("r-1", at(5, 8), "")),
        ('---\nrun: r-1\nwindow: {end: "0001-01-01T00:00:00+14:00"}\n---\n', ("r-1", at(5, 8), "")),
        ("---\nrun: 7\nschedule: nightly\n---\n", (None, at(5, 8), "")),
        ("---\nrun: r-1\n", None),
        ("---\nrun: [\n---\n", None),
        ("---\n- run\n---\n", None),
        ("---\ntitle: A page of ours\n---\n", None),
        ("---\n---\n", None),
        ("", None),
        ("\ufeff\x00", None),
    ],
)
def test_an_edited_report_file_is_read_by_its_front_matter(tmp_path: Path, text: str, said: object) -> None:
    (tmp_path / "2026-11-05T0800Z--nightly--c-1.md").write_bytes(text.encode())
    found = read_reports(tmp_path)
    shown = [(each.run, each.at, each.markdown) for each in found.reports]
    assert shown == ([] if said is None else [said])
    assert len(found.others) == (said is None)


def test_a_long_report_is_cut_and_the_oldest_of_many_have_no_room(tmp_path: Path) -> None:
    write_files(tmp_path, {"long.md": report_text(8, "x" * 2_000_000)})
    for number in range(1, 8):
        write_files(tmp_path, {f"{number}.md": report_text(number, "y" * (MAX_SHOWN_BYTES - 1_000))})
    found = read_reports(tmp_path).reports
    assert found[0].is_cut
    assert len(found[0].markdown or "") < MAX_SHOWN_BYTES
    held = [each for each in found if each.markdown is not None]
    assert sum(len(each.markdown or "") for each in held) <= MAX_BYTES
    assert found[: len(held)] == tuple(held)
    assert all(not each.is_cut for each in held[1:])


def test_a_missing_folder_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for name in ("none", "file"):
        with pytest.raises(FileError, match="no such folder"):
            read_reports(tmp_path / name)


# History ------------------------------------------------------------------------------------------------------------


def run(number: int, status: str = "completed", **fields: object) -> Run:
    due = f"2026-11-{number:02d}T09:00:00.000Z"
    return Run(
        {"id": f"r-{number}", "conversationId": f"c-{number}", "scheduledForAt": due, "status": status, **fields}
    )


def report(number: int, run: str | None = None, conversation: str | None = None, day: int = 1) -> PageReport:
    return PageReport(number, StoredReport(f"{number}.md", "", run=run, conversation=conversation, at=at(day)))


def test_runs_and_reports_are_joined_by_either_id_and_what_has_no_run_is_one() -> None:
    reports = (report(1, "r-3"), report(2, None, "c-2"), report(3, "r-0", day=1))
    found = past_runs([run(2), run(3), run(4, "failed", errorMessage="no model")], reports)
    assert found == (
        PastRun(at(4), Outcome.FAILED, "failed", "no model"),
        PastRun(at(3), Outcome.REPORT, "completed", None, reports[0]),
        PastRun(at(2), Outcome.REPORT, "completed", None, reports[1]),
        PastRun(at(1), Outcome.REPORT, "completed", None, reports[2]),
    )


@pytest.mark.parametrize(
    ("statuses", "failed"),
    [
        ([], 0),
        (["completed", "failed"], 0),
        (["failed", "timed_out", "export_failed", "completed", "failed"], 3),
        (["running", "failed", "cancelled", "failed", "no_traces", "failed"], 2),
        (["incomplete", "failed"], 0),
        (["a status of tomorrow", "failed"], 1),
    ],
)
def test_failures_are_counted_from_the_latest_run_that_is_over(statuses: list[str], failed: int) -> None:
    runs = [run(20 - place, status) for place, status in enumerate(statuses)]
    assert len(failures_in_a_row(past_runs(runs, ()))) == failed


def test_a_run_without_an_instant_is_left_out() -> None:
    assert past_runs([Run({"id": "r", "scheduledForAt": "soon"}), Run({"id": "q"})], ()) == ()


def test_each_report_is_held_against_the_one_of_its_schedule_before() -> None:
    texts = ("# Review\n\n2 traces failed.\n", "# Review\n\n3 traces failed.\n", "# Other\n\nNothing.\n")
    stored = [StoredReport(f"{n}.md", text, "key-A", run=f"r-{n}", at=at(3 - n)) for n, text in enumerate(texts[:2])]
    lone = StoredReport("lone.md", texts[2], "key-gone", at=at(1))
    left_out = StoredReport("old.md", None, "key-A", at=at(1), is_cut=True)
    declared = project(entry("A"))
    reports = StoredReports((*stored, lone, left_out))
    found = build_page([ProjectInput(declared)], at(4), "UTC", ahead=7, reports=reports)
    (schedule,) = found.schedules
    assert [each.report.path for each in schedule.reports] == ["0.md", "1.md", "old.md"]
    first, *others = [each.diff for each in schedule.reports]
    assert first == report_diff(texts[1], texts[0])
    assert others == [None, None]
    assert [(each.number, each.diff) for each in found.unclaimed] == [(3, None)]
    text = page_html(found)
    assert "Against the report before: 1 section changed" in text
    assert "<del>3</del><ins>2</ins> traces failed." in text
    assert "There was no room for this report" in text
    assert "Reports of no declared schedule" in text


def test_the_latest_reports_have_their_text_as_long_as_there_is_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("halo_iac.render.html.page._MAX_PAGE_LENGTH", 200_000)
    declared = project(*(entry(f"{number}") for number in range(30)))
    words = "\u65e5\u672c " * 1_000
    stored = tuple(StoredReport(f"{n}.md", words, f"key-{n}", at=at(28 - n)) for n in range(28))
    text = page_html(build_page([ProjectInput(declared)], at(29), "UTC", ahead=28, reports=StoredReports(stored)))
    shown = [number for number in range(1, 29) if "There was no room" not in text.split(f'id="r{number}"')[1][:500]]
    assert 150_000 < len(text.encode()) < 220_000
    assert shown == [*range(1, 20)]


# Markdown of others -------------------------------------------------------------------------------------------------

PLAIN_TAGS = {
    *("p", "h4", "h5", "h6", "a", "em", "strong", "s", "code", "pre", "ul", "ol", "li", "blockquote", "hr", "br"),
    *("div", "table", "thead", "tbody", "tr", "th", "td"),
}
ATTRIBUTES = {"href", "rel", "class", "tabindex", "role", "aria-label", "start"}


class Checker(HTMLParser):
    """Fails on what no report may become."""

    def __init__(self) -> None:
        super().__init__()
        self.levels: list[int] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in PLAIN_TAGS
        assert {name for name, _ in attrs} <= ATTRIBUTES
        for name, value in attrs:
            assert name != "href" or re.match(r"(?i)https?://|mailto:", value or "")
            assert name != "class" or value in {"wide", "right", "center"}
        if tag in {"h4", "h5", "h6"}:
            self.levels.append(int(tag[1]))


def failure_counts(markdown: str) -> list[int]:
    checker = Checker()
    checker.feed(str(report_html(markdown, level=4)))
    checker.close()
    return checker.levels


MARKS = st.sampled_from(
    [*"#*_`[]()!<>|-\n \t:&;\\~\"'", "](", "javascript:", "http://x", "\n\n", "| - |", "<b>", "&#x202e;", "a", "\u202e"]
)


@given(st.lists(MARKS, max_size=60).map("".join))
def test_whatever_a_report_holds_becomes_plain_elements(markdown: str) -> None:
    levels = failure_counts(markdown)
    assert all(after <= before + 1 for before, after in zip([3, *levels], levels, strict=False))
    assert "\u202e" not in report_html(markdown, level=4)


@pytest.mark.parametrize("markdown", HOSTILE)
def test_hostile_words_become_plain_elements(markdown: str) -> None:
    failure_counts(markdown)


@pytest.mark.parametrize(
    ("markdown", "html"),
    [
        ("<script>alert(1)</script>", "<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>\n"),
        ("![a *b*](http://x/y.png)", "<p>[image: a b]</p>\n"),
        ("![](http://x/y.png)", "<p>[image]</p>\n"),
        ("[a](javascript:alert(1))", "<p>[a](javascript:alert(1))</p>\n"),
        ("[a](#findings)", "<p>[a](#findings)</p>\n"),
        ("[](http://x)", '<p><a href="http://x" rel="noreferrer nofollow">http://x</a></p>\n'),
        ("[]()", "<p><a></a></p>\n"),
        ("### a\n# b\n###### c\n#", "<h4>a</h4>\n<h4>b</h4>\n<h5>c</h5>\n<p></p>\n"),
        ("```sh\na\tb\n```", "<pre><code>a   b\n</code></pre>\n"),
        ("&#x202e;a", "<p>\\u202ea</p>\n"),
    ],
)
def test_markdown_becomes_safe_html(markdown: str, html: str) -> None:
    assert report_html(markdown, level=4) == html


def test_a_column_is_aligned_by_class_and_an_empty_head_is_dropped() -> None:
    assert report_html("| a | |\n| -: | - |\n| 1 | 2 |", level=4).replace("\n", "") == (
        '<div class="wide" tabindex="0" role="group" aria-label="Table"><table><thead><tr><th class="right">a</th>'
        '<td></td></tr></thead><tbody><tr><td class="right">1</td><td>2</td></tr></tbody></table></div>'
    )


@pytest.mark.parametrize("markdown", ["[" * 20_000, "*a _b " * 5_000, "![" * 20_000, "`" * 50_000, "> " * 20_000])
def test_a_paragraph_too_costly_to_read_is_shown_as_it_is(markdown: str) -> None:
    failure_counts(markdown)


def test_ten_thousand_headings_stay_an_outline() -> None:
    assert len(failure_counts("".join(f"{'#' * (number % 6 + 1)} h\n" for number in range(10_000)))) == 10_000
