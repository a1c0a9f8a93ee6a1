"""Two reports → what is new, gone and changed, without what differs in any two of them."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from halo_iac.model.report_diff import DiffKind, ReportDiff, TableDiff, Words
from halo_iac.report_diff import report_diff

SIGNS = {DiffKind.NEW: "+", DiffKind.GONE: "-", DiffKind.CHANGED: "~", None: ""}
TRACES = "`329ccea6c6f9491eeae2da1e8bf949ee`, `494c16299cc913ae9378a1ad65c2fea2`"
OTHERS = "`a0e396eb24315a3f9666be3eec9b550e`"
ALIKE = "The same line stands in both.\nAnd so does this one.\n"


def marked(words: tuple[Words, ...]) -> str:
    return "".join(f"[{SIGNS[kind]}{text}]" if kind else text for kind, text in words)


def rows(table: TableDiff) -> Iterator[str]:
    for row in table.rows:
        if row.before is None or row.after is None:
            yield f"  {SIGNS[row.kind]} | {' | '.join(row.after or row.before or ())}"
        else:
            cells = [f"{table.head[column]}: {row.before[column]} → {row.after[column]}" for column in row.changed]
            yield f"  ~ | {row.name}: {', '.join(cells)}"


def diff_signs(found: ReportDiff) -> list[str]:
    """A difference in few signs, for tables of cases."""
    lines = []
    for section in found.sections:
        lines.append(f"{SIGNS[section.kind]} {' > '.join(section.path)}")
        for line in section.lines:
            said = marked(line.words) if line.words else line.after if line.before is None else line.before
            lines.append(f"  {SIGNS[line.kind]} {said}")
        for table in section.tables:
            lines += rows(table)
    return lines


def differences(before: str, after: str) -> list[str]:
    found = report_diff(before, after)
    assert not found.is_unrelated
    return diff_signs(found)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            "- Window: from 2026-11-01 12:34:00 UTC to 2026-11-02 12:34:00 UTC.",
            "- Window: from 2026-11-02 to 2026-11-03.",
        ),
        ("**Window:** last 24 hours", "**Window:** last 7 days"),
        ("Generated: Mon, 2 Nov 2026 at 09:00 UTC", "Generated: Tue, 3 Nov 2026 at 09:12 UTC"),
        ("As of November 2nd, 2026 all is well", "As of November 3rd, 2026 all is well"),
        ("Analysis took: 3 min 20 s", "Analysis took: 45 s"),
        (f"Traces: {TRACES}", f"Traces: {OTHERS}"),
        ("Traces: 329ccea6…, 494c1629…, and 8126863b…", "Traces: a0e396eb…"),
        ("run 6d0de173-1f3c-4456-ba97-e2b7266165e2", "run 17db58f5-99d9-4315-9526-ffbf8e5fabc7"),
        ("request req_733052a042c6 failed", "request req_4f4a45615c10 failed"),
        ("It takes 3.98 s (p50), 1 min 2 s (p95).", "It takes 4.2 s (p50), 58.9 s (p95)."),
        ("at 09:15 and 9:30 pm", "at 23:59:59.123Z and 8:01 am"),
        ("1. One\n2. Two", "3. One\n4. Two"),
        ("* a\n+ b", "- a\n- b"),
        ("a\tb   c", "a b c"),
        ("| Step | p50 |\n| --- | --- |\n| a | 759 ms |", "| Step | p50 |\n|---|---:|\n| a | 701 ms |"),
        ("| Metric | Value |\n| - | - |\n| Window | 24 h |", "| Metric | Value |\n| - | - |\n| Window | 48 h |"),
        ("one\r\ntwo\r\n", "one\ntwo\n"),
        ("## A ##\ntext", "A\n---\n\n\ntext\n"),
    ],
)
def test_dates_counts_and_windows_are_left_out_of_a_comparison(before: str, after: str) -> None:
    assert differences(f"# Report\n\n{ALIKE}\n{before}", f"# Report\n\n{ALIKE}\n{after}") == []


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (
            "6 of 48 calls failed (13 %)",
            "12 of 48 calls failed (25 %)",
            "[-6] [+12] of 48 calls failed ([-13] [+25] %)",
        ),
        ("It takes 1.30 s (p50)", "It takes 30.0 s (p50)", "It takes [-1.30 s] [+30.0 s] (p50)"),
        ("cost 0.0801", "cost 0.1588", "cost [-0.0801] [+0.1588]"),
        (
            "the checkout agent fails often",
            "the checkout agent fails rarely",
            "the checkout agent fails [-often] [+rarely]",
        ),
        ("the checkout agent fails", "the checkout agent never fails", "the checkout agent [+never] fails"),
        (f"3 traces: {TRACES}", f"4 traces: {OTHERS}", f"[-3] [+4] traces: {OTHERS}"),
        ("2. **Loops:** 3 rounds", "1. **Loops:** 5 rounds", "1. **Loops:** [-3] [+5] rounds"),
    ],
)
def test_words_within_a_line_are_marked(before: str, after: str, expected: str) -> None:
    lines = differences(f"{ALIKE}\n{before}", f"{ALIKE}\n{after}")
    assert [line.replace("][", "] [") for line in lines] == ["~ ", f"  ~ {expected}"]


def test_lines_without_words_are_no_changes_of_each_other() -> None:
    assert differences(f"{ALIKE}\n***", f"{ALIKE}\n+++") == ["~ ", "  - ***", "  + +++"]


def test_sections_are_new_gone_and_changed_by_their_headings() -> None:
    before = (
        "# Report of Monday\n\nx\n\n## Errors\n\n3 failed\n\n### Payment\n\nold\n\n## Cost\n\n$ 4\n\n"
        "## Retries\n\nnone\n"
    )
    after = (
        "# Report of Tuesday\n\nx\n\n## 1. Errors\n\n4 failed\n\n### Stock\n\n#### Deep\n\nnew\n\n## Retries\n\nnone\n"
    )
    assert differences(before, after) == [
        "~ Report of Tuesday",
        "  ~ # Report of [-Monday][+Tuesday]",
        "~ 1. Errors",
        "  ~ [-3][+4] failed",
        "- 1. Errors > Payment",
        "  - old",
        "+ 1. Errors > Stock",
        "  + #### Deep",
        "  + ",
        "  + new",
        "- Cost",
        "  - $ 4",
    ]


def test_sections_match_though_numbers_in_their_headings_differ() -> None:
    before = "## Failures\n\n### 1. Timeouts (51 traces)\n\nRetry once.\n\n### 2. Loops\n\nNone.\n"
    after = "## Failures\n\n### 2. **Loops**\n\nNone.\n\n### 3.1 Timeouts (4 traces)\n\nRetry once.\n"
    assert differences(before, after) == ["~ Failures > 3.1 Timeouts (4 traces)", "  ~ Timeouts ([-51][+4] traces)"]


def test_of_several_sections_with_one_heading_the_same_ones_belong_together() -> None:
    before = "## Case\n\nfirst text\n\n## Case\n\nsecond text\n\n## Case\n\nthird 3\n"
    after = "## Case\n\nsecond text\n\n## Case\n\nthird 4\n"
    assert differences(before, after) == ["- Case", "  - first text", "~ Case", "  ~ third [-3][+4]"]


def test_rows_are_matched_by_their_first_column() -> None:
    before = (
        "| Step | Failed | Of |\n| --- | ---: | --- |\n| `pay` | 6 | 48 |\n| stock | 1 | 9 |\n| old \\| odd | 2 | 2 |\n"
    )
    after = (
        "| **Step** | Failed | Of |\n| --- | --- | --- |\n| new | 1 | 1 |\n| stock | 1 | 9 |\n| **pay** | 12 | 48 |\n"
    )
    assert differences(ALIKE + "\n" + before, ALIKE + "\n" + after) == [
        "~ ",
        "  + | new | 1 | 1",
        "  - | old | odd | 2 | 2",
        "  ~ | **pay**: Failed: 6 → 12",
    ]


def test_columns_are_matched_by_their_heads_in_whatever_order() -> None:
    before = f"{ALIKE}\n| Step | Failed | Share |\n| - | - | - |\n| pay | 6 | 12 % |\n| stock | 1 | 2 % |"
    after = f"{ALIKE}\n| Share | **Step** | Failed |\n| - | - | - |\n| 2 % | stock | 1 |\n| 12 % | pay | 7 |"
    assert differences(before, after) == ["~ ", "  ~ | pay: Failed: 6 → 7"]


def test_rows_that_a_first_column_counts_are_matched_by_the_second() -> None:
    before = "| # | Issue | Calls |\n| - | - | - |\n| 1 | slow | 4 |\n| 2 | loop | 3 |"
    after = "| # | Issue | Calls |\n| - | - | - |\n| 1 | loop | 9 |\n| 2 | slow | 4 |"
    assert differences(before, after) == ["~ ", "  ~ | loop: Calls: 3 → 9"]


def test_rows_with_the_same_first_column_are_matched_by_what_they_say() -> None:
    before = (
        "| Step | Message | Calls |\n| - | - | - |\n| pay | timeout | 4 |\n| pay | refused | 3 |\n| pay | lost | 1 |"
    )
    after = "| Step | Message | Calls |\n| - | - | - |\n| pay | refused | 3 |\n| pay | timeout | 5 |"
    assert differences(before, after) == ["~ ", "  - | pay | lost | 1", "  ~ | pay: Calls: 4 → 5"]


def test_tables_whose_heads_differ_are_compared_as_lines() -> None:
    before = f"{ALIKE}\n| Step | Calls |\n| --- | --- |\n| pay | 4 |"
    after = f"{ALIKE}\n| Step | Calls | Share |\n| --- | --- | --- |\n| pay | 4 | 9 % |"
    assert differences(before, after) == ["~ ", "  ~ | Step | Calls | [+Share |]", "  ~ | pay | 4 | [+9 % |]"]


@pytest.mark.parametrize("opening", ["```", "~~~", "````python", "- ```sh", "   ```"])
def test_code_has_no_headings_and_no_tables(opening: str) -> None:
    fence = re.sub("[^`~]", "", opening)
    code = f"# a comment\n| a | b |\n|---|---|\n| 1 | 2 |\n{fence[:2]}\nTitle\n=====\n"
    before, after = (f"## Fix\n\n{opening}\n{code}run {number}\n{fence}\n" for number in "12")
    assert differences(before, after) == ["~ Fix", "  ~ run [-1][+2]"]


def test_a_wrapped_paragraph_is_one_and_a_long_one_is_compared_by_sentence() -> None:
    first = "The agent calls the inventory for each of the items again, although it has the answer."
    second = "It should keep {} answers for as long as the conversation goes on, and no longer than that."
    before = f"{first} {second.format('all')}"
    after = f"{first[:70]}\n{first[71:]}\n{second.format('no')}"
    assert differences(before, after) == ["~ ", f"  ~ {second.format('[-all][+no]')}"]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("one thing", "quite another"),
        ("# Checkout\n\n## Errors\n\nmany\n", "# Support\n\n## Praise\n\nfew\n"),
        ("\n".join(f"a{place}" for place in range(1_000)), "\n".join(f"b{place}" for place in range(1_000))),
    ],
)
def test_unrelated_reports_show_no_diff(before: str, after: str) -> None:
    found = report_diff(before, after)
    assert (found.is_unrelated, found.sections, found.unchanged, found.shared) == (True, (), 0, 0)


@pytest.mark.parametrize(("before", "after"), [("", ""), ("", "new"), ("old", ""), ("\n\n", "# Title")])
def test_an_empty_report_is_compared_as_any_other(before: str, after: str) -> None:
    found = report_diff(before, after)
    assert not found.is_unrelated
    assert bool(found.sections) is (before.strip() != after.strip())


MARKDOWN = st.lists(
    st.sampled_from(
        [
            "# A",
            "## B",
            "### C 3",
            "text of 4 words",
            "text of 5 words",
            "| a | b |",
            "| --- | --- |",
            "| 1 | x |",
            "| 1 | y |",
            "```",
            "===",
            "- item",
            "took 3 s",
            "`329ccea6c6f9491e`",
            "\r",
            "é\u2028::error::",
            "|",
            "#",
            "",
        ]
    ),
    max_size=25,
).map("\n".join)


@given(MARKDOWN)
def test_a_report_does_not_differ_from_itself(markdown: str) -> None:
    assert report_diff(markdown, markdown).sections == ()


@given(MARKDOWN, MARKDOWN)
def test_the_new_and_kept_words_of_a_line_make_up_the_later_line(before: str, after: str) -> None:
    for section in report_diff(before, after).sections:
        for line in section.lines:
            kept = "".join(text for kind, text in line.words if kind is not DiffKind.GONE)
            assert kept.split() == (line.after or "").split() or not line.words
            assert (line.kind is DiffKind.CHANGED) is bool(line.words)


@given(MARKDOWN, MARKDOWN)
def test_new_and_removed_lines_swap_when_reports_are_swapped(before: str, after: str) -> None:
    there, back = report_diff(before, after), report_diff(after, before)
    assert there.is_unrelated is back.is_unrelated
    assert there.count(DiffKind.NEW) == back.count(DiffKind.GONE)
