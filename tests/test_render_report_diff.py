"""How two reports differ, in every format: golden files, harmless foreign words, and a page that fits an issue."""

from __future__ import annotations

import json

import pytest
from golden_files import assert_golden
from render_asserts import assert_harmless
from render_samples import HOSTILE

from halo_iac.model.report_diff import ComparedReport, ReportComparison
from halo_iac.render.markdown.parts import MAX_PAGE_LENGTH
from halo_iac.render.markdown.report_diff import report_diff_markdown
from halo_iac.render.report_diff import report_diff_json
from halo_iac.render.style import PLAIN, Style
from halo_iac.render.text.report_diff import report_diff_text
from halo_iac.report_diff import report_diff

BEFORE = """\
# What the traces show

- Window: from 2026-11-01 09:00:00 UTC to 2026-11-02 09:00:00 UTC.
- 48 traces, 6 of them with a failure (13 %), taking 3.98 s (p50).

## Errors

| Step | Message | Failed | Examples |
| --- | --- | ---: | --- |
| `charge_card` | `timed out` | 6 | `329ccea6c6f9491eeae2da1e8bf949ee` |
| `quote` | `no rate` | 1 | `494c16299cc913ae9378a1ad65c2fea2` |

## Retries

The agent tries again at once.

## Cost

Together 173,814 tokens; cost 0.0801.
"""
AFTER = """\
# What the traces show

- Window: from 2026-11-02 09:00:00 UTC to 2026-11-03 09:00:00 UTC.
- 52 traces, 14 of them with a failure (27 %), taking 4.02 s (p50).

## Errors

| Step | Message | Failed | Examples |
| --- | --- | ---: | --- |
| `charge_card` | `timed out` | 12 | `a0e396eb24315a3f9666be3eec9b550e` |
| `reserve` | `out of stock` | 2 | `da29fb693c142afbe466ea9a8a6339b3` |

## Loops

1. **`lookup_inventory`** is called in a loop.

## Cost

Together 173,814 tokens; cost 0.0801.
"""
FACTS = {"runId": "6d0de173-1f3c-4456-ba97-e2b7266165e2"}
WINDOW = {"windowStartAt": "2026-11-01T09:00:00.000Z", "windowEndAt": "2026-11-02T09:00:00.000Z"}
LOOKS = {"plain": PLAIN, "ascii": Style(unicode=False), "narrow": Style(width=60), "colour": Style(colour=True)}


def comparison(before: str, after: str, name: str = "checkout-daily") -> ReportComparison:
    sources = ComparedReport(name, {**FACTS, **WINDOW}), ComparedReport("reports/new.md", {})
    return ReportComparison(*sources, report_diff(before, after))


@pytest.mark.parametrize("look", LOOKS)
def test_the_text_of_a_comparison_matches_its_golden_file(look: str) -> None:
    assert_golden(f"render/report-diff-{look}.txt", report_diff_text(comparison(BEFORE, AFTER), LOOKS[look]))


def test_the_markdown_of_a_comparison_matches_its_golden_file() -> None:
    assert_golden("render/report-diff.md", report_diff_markdown(comparison(BEFORE, AFTER), PLAIN))


def test_the_json_of_a_comparison_matches_its_golden_file() -> None:
    assert_golden("render/report-diff.json", report_diff_json(comparison(BEFORE, AFTER)))


@pytest.mark.parametrize(
    ("before", "after", "last"),
    [
        (BEFORE, BEFORE, "No differences except ids, instants and small changes of durations."),
        ("one thing", "another\nmatter\n", "The reports have nothing in common."),
        (
            "".join(f"a{place}\n" for place in range(30)) + "same",
            "".join(f"b{place}\n" for place in range(30)) + "same",
            "The reports have next to nothing in common: 1 of 31 lines, rows and headings.",
        ),
        ("# R\n\n## A\n\nx\n", "# R\n\n## A\n\nx\n\n## B\n\ny\n", "1 section new, 1 unchanged."),
    ],
)
def test_the_last_line_says_how_much_differs(before: str, after: str, last: str) -> None:
    found = comparison(before, after)
    assert report_diff_text(found, PLAIN).splitlines()[-1] == last
    assert last.split(maxsplit=1)[0] in report_diff_markdown(found, PLAIN)


@pytest.mark.parametrize("words", HOSTILE)
def test_foreign_words_are_harmless_in_every_format(words: str) -> None:
    table = f"| {words} | b |\n| - | - |\n| {words} | 1 |"
    before = f"# {words}\n\nSame line.\n\n{words} 1 of {words}\n\n## {words} x\n\n{table}"
    after = before.replace("1", "2") + f"\n\n### New {words}\n\n{words}\n"
    found = comparison(before, after, words)
    page = report_diff_markdown(found, PLAIN)
    for drawn in (report_diff_text(found, PLAIN), report_diff_text(found, Style(width=40)), page):
        assert_harmless(drawn)
    assert "<script" not in page.split("```")[0]
    assert json.loads(report_diff_json(found))["before"]["name"] == words


def test_a_page_has_as_many_sections_as_an_issue_takes() -> None:
    reports = [
        "".join(f"## S{place} x\n\n{number} of {'many words ' * 9}\n\n" for place in range(900)) for number in "12"
    ]
    page = report_diff_markdown(comparison(*reports), PLAIN)
    assert MAX_PAGE_LENGTH - 2_000 < len(page) < MAX_PAGE_LENGTH
    assert page.rstrip().endswith("more sections; `--format json` has them all.")


def test_of_a_long_section_a_page_has_the_beginning() -> None:
    after = "Same line.\n\n## New\n\n" + "A line of a report.\n\n" * 9_000
    page = report_diff_markdown(comparison("Same line.\n", after), PLAIN, limit=20_000)
    assert 8_000 < len(page) < 20_000
    assert "more lines @@" in page
