"""The plan as text: golden output, and what no plan may do to a reader's screen or a CI runner."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from golden_files import assert_golden
from hypothesis import given
from hypothesis import strategies as st
from render_asserts import assert_harmless
from render_samples import (
    BASE,
    HOSTILE,
    NOW,
    archive,
    create,
    every_section,
    hostile_plan,
    large_plan,
    nasty_plan,
    plan_of,
    update,
)

from halo_iac.model.plan import Cause, RunRate, UndeclaredSchedule
from halo_iac.render.calendar import MAX_CADENCES
from halo_iac.render.prompt_diff import MAX_COMPARED_LINES, MAX_DIFF_LINES
from halo_iac.render.style import PLAIN, Style, display_width
from halo_iac.render.text.plan import plan_text
from halo_iac.render.text.wrap import wrap_lines


@pytest.mark.parametrize(
    ("name", "style"),
    [
        ("plan-pipe.txt", PLAIN),
        ("plan-narrow.txt", Style(width=60)),
        ("plan-wide.txt", Style(width=160)),
        ("plan-colour.txt", Style(colour=True, width=100)),
        ("plan-ascii.txt", Style(unicode=False, width=100)),
    ],
)
def test_a_plan_with_every_section_looks_as_agreed(name: str, style: Style) -> None:
    assert_golden(f"render/{name}", plan_text(every_section(), style, now=NOW))


@pytest.mark.parametrize(
    ("name", "style"),
    [
        ("nasty-pipe.txt", PLAIN),
        ("nasty-narrow.txt", Style(width=60)),
        ("nasty-wide.txt", Style(width=160)),
        ("nasty-colour.txt", Style(colour=True, width=100)),
        ("nasty-ascii.txt", Style(unicode=False, width=100)),
    ],
)
def test_nasty_words_look_as_agreed(name: str, style: Style) -> None:
    assert_golden(f"render/{name}", plan_text(nasty_plan(), style, now=NOW))


def test_ascii_output_is_ascii_whatever_the_plan_holds() -> None:
    for words in (*HOSTILE, "日本語のタイトル", "Übersicht…"):
        assert plan_text(hostile_plan(words), Style(unicode=False), now=NOW).isascii()


@pytest.mark.parametrize("words", HOSTILE)
def test_foreign_words_are_neither_raw_nor_commands(words: str) -> None:
    for style in (PLAIN, Style(width=40), Style(unicode=False)):
        assert_harmless(plan_text(hostile_plan(words), style, now=NOW))


@pytest.mark.parametrize(
    ("line", "width", "lines"),
    [
        ("Host     https://example.com  (default)", 30, ["Host     https://example.com", "         (default)"]),
        (
            "      hint: run `halo plan --out x` now",
            26,
            ["      hint: run", "        `halo plan --out x`", "        now"],
        ),
        ("  │ - one two three", 12, ["  │ - one", "  │   two", "  │   three"]),
        ("  │ two three", 12, ["  │ two", "  │ three"]),
        ("Plan: \x1b[32m2 to create\x1b[0m, 0", 14, ["Plan: \x1b[32m2 to", "  create\x1b[0m, 0"]),
        ("see ::error::x", 8, ["see", "  \\::error::x"]),
        ("日本語 日本語 日本語", 13, ["日本語 日本語", "  日本語"]),
    ],
)
def test_a_line_that_does_not_fit_is_broken_between_words(line: str, width: int, lines: list[str]) -> None:
    assert list(wrap_lines([line], Style(width=width))) == lines
    assert list(wrap_lines([line], PLAIN)) == [line]


@given(st.text(st.sampled_from("ab:(),-~é日 "), max_size=60), st.integers(1, 40))
def test_no_word_is_broken_and_none_is_lost(line: str, width: int) -> None:
    shown = list(wrap_lines([line], Style(width=width)))
    assert " ".join(shown).replace("\\", "").split() == line.split()
    assert all(display_width(each) <= width or each.lstrip().find(" ") < 0 or each == shown[0] for each in shown)


def test_at_sixty_columns_every_line_of_a_plan_fits() -> None:
    assert all(display_width(line) <= 60 for line in plan_text(every_section(), Style(width=60), now=NOW).splitlines())


@given(st.text(st.sampled_from("a: #[]vso\n\r\t\x1b\u202e\u00a0\u3000"), max_size=12))
def test_no_mixture_of_special_characters_is_a_command(words: str) -> None:
    assert_harmless(plan_text(hostile_plan(words), PLAIN, now=NOW))


def test_without_changes_one_line_says_so() -> None:
    assert plan_text(plan_of(), PLAIN).splitlines()[-1] == (
        "No changes. 12 schedules are as declared. Runs a month: 91.3."
    )


def test_without_changes_the_last_line_still_counts_what_is_apart() -> None:
    plan = plan_of(undeclared=(UndeclaredSchedule("1", "One", is_firing=True),), unchanged=1)
    assert plan_text(plan, PLAIN).splitlines()[-1] == (
        "No changes. 1 schedule is as declared; 1 undeclared. Runs a month: 91.3."
    )


@pytest.mark.parametrize(
    ("runs", "words"),
    [
        (RunRate(91.31, 121.75), "91.3 → 122 (+30.4)"),
        (RunRate(30.44, 8.7), "30.4 → 8.7 (-21.7)"),
        (RunRate(152.19, 182.62), "152 → 183 (+30.4)"),
        (RunRate(56.525625, 52.1775), "56.5 → 52.2 (-4.3)"),
        (RunRate(0, 0.25), "0 → 0.25 (+0.25)"),
        (RunRate(0, 0), "0"),
        (RunRate(17_531.4, 17_531.2), "17,531"),
    ],
)
def test_runs_a_month_are_rounded_once_each_and_so_is_their_difference(runs: RunRate, words: str) -> None:
    assert plan_text(plan_of(runs_per_month=runs), PLAIN).endswith(f" Runs a month: {words}.\n")


def test_more_than_twenty_undeclared_schedules_are_counted() -> None:
    undeclared = tuple(UndeclaredSchedule(str(number), f"Title {number}", is_firing=True) for number in range(32))
    text = plan_text(plan_of(undeclared=undeclared), PLAIN)
    assert "Undeclared: 32 schedules, still firing; left alone" in text
    assert text.count('  ? "Title') == 20
    assert "  … and 12 more" in text


WEEKLY = {"frequency": "weekly", "days_of_week": (1, 4)}
MANY = {"hours": (0, 1, 2, 4), "minutes": (0, 30)}


@pytest.mark.parametrize(
    ("before", "after", "rows"),
    [
        ({}, {"hours": (8,), "minutes": (30,)}, ["at  09:00 → 08:30  (halo.yaml:15, halo.yaml:16)"]),
        ({"hours": (9, 17)}, {"hours": (9,)}, ["at  09:00 and 17:00 → 09:00  (halo.yaml:15)"]),
        ({}, {"minutes": (5,)}, ["at  09:00 → 09:05  (halo.yaml:16)"]),
        (WEEKLY, {"days_of_week": (1,)}, ["days_of_week  [mon, thu] → [mon]  (halo.yaml:13)"]),
        ({}, {"timezone": "UTC"}, ["timezone  America/Los_Angeles → UTC  (halo.yaml:17)"]),
        (
            {"timezone": "UTC"},
            {"hours": (8,), "timezone": "Europe/Berlin"},
            ["cadence  every day at 09:00 (UTC) → every day at 08:00 (Europe/Berlin)  (halo.yaml:15, halo.yaml:17)"],
        ),
        (
            {"timezone": "UTC"},
            WEEKLY,
            ["cadence  every day at 09:00 (UTC) → Mon and Thu at 09:00 (UTC)  (halo.yaml:12, halo.yaml:13)"],
        ),
        (
            {"timezone": "UTC", "frequency": "hourly", "hours": ()},
            {"minutes": (30,)},
            ["cadence  every hour, on the hour (UTC) → every hour at :30 (UTC)  (halo.yaml:16)"],
        ),
        (
            {"timezone": "UTC"},
            {"hours": (0, 6, 12, 18)},
            ["cadence  every day at 09:00 (UTC) → every 6 hours at :00 (UTC)  (halo.yaml:15)"],
        ),
        (MANY, {"hours": (0, 1, 3, 4)}, ["hours  [0, 1, 2, 4] → [0, 1, 3, 4]  (halo.yaml:15)"]),
        ({"hours": ()}, {"hours": (9,)}, ["hours  (none) → [9]  (halo.yaml:15)"]),
    ],
)
def test_a_changed_cadence_is_one_row(before: dict[str, object], after: dict[str, object], rows: list[str]) -> None:
    old = replace(BASE, **before)  # type: ignore[arg-type]
    drawn = plan_text(plan_of(update("a", old, replace(old, **after))), Style(width=200))  # type: ignore[arg-type]
    found = [" ".join(line.split(maxsplit=1)) for line in drawn.splitlines() if line.startswith("      ")]
    assert [row for row in found if not row.startswith("runs a month")] == [
        " ".join(row.split(maxsplit=1)) for row in rows
    ]


def test_a_built_in_default_is_not_named_as_the_place_of_a_cadence() -> None:
    change = update("a", replace(BASE, minutes=(30,)), replace(BASE, hours=(8,)))
    hours, minutes = change.fields
    change = replace(change, fields=(hours, replace(minutes, origin="built-in default")))
    assert "at  09:30 → 08:00  (halo.yaml:15)\n" in plan_text(plan_of(change), PLAIN)


def test_a_created_schedule_says_which_override_has_a_part_in_its_cadence() -> None:
    change = create("a", BASE)
    over = {"hours": "envs/staging.yaml:8 (overrides)", "minutes": "envs/staging.yaml:8 (overrides)"}
    fields = tuple(replace(each, origin=over.get(each.field, each.origin)) for each in change.fields)
    frequency = next(each.origin for each in fields if each.field == "frequency")
    text = plan_text(plan_of(replace(change, fields=fields)), PLAIN)
    assert f"every day at 09:00 (America/Los_Angeles)  ({frequency}, envs/staging.yaml:8 (overrides))\n" in text


def test_next_fires_are_left_out_without_a_clock() -> None:
    assert "next fires" not in plan_text(plan_of(update("a", BASE, replace(BASE, hours=(10,)))), PLAIN)


def test_next_fires_are_left_out_where_nothing_about_them_changes() -> None:
    plan = plan_of(update("a", BASE, replace(BASE, max_turns=60)))
    assert "next fires" not in plan_text(plan, PLAIN, now=NOW)


def fires_shown(text: str) -> list[str]:
    return [line.split("next fires")[1].strip() for line in text.splitlines() if "next fires" in line]


def test_next_fires_name_the_zone_once_unless_it_changes_and_the_year_unless_it_is_this_one() -> None:
    spec = replace(BASE, timezone="Europe/Berlin", frequency="monthly", days_of_month=(24,), prompt="p")
    plan = plan_of(create("a", spec))
    rows = fires_shown(plan_text(plan, PLAIN, now=NOW))
    assert rows == ["Tue 24 Nov 2026 09:00, Thu 24 Dec 2026 09:00, Sun 24 Jan 2027 09:00 CET"]
    rows = fires_shown(plan_text(plan, PLAIN, now=NOW + timedelta(days=70)))
    assert rows == ["Wed 24 Feb 09:00 CET, Wed 24 Mar 09:00 CET, Sat 24 Apr 09:00 CEST"]


def test_a_fire_where_the_clocks_change_is_marked() -> None:
    plan = plan_of(create("a", replace(BASE, timezone="Europe/Berlin", hours=(2,), minutes=(30,))))
    assert fires_shown(plan_text(plan, PLAIN, now=datetime(2027, 3, 27, 12, tzinfo=UTC))) == [
        "Sun 28 Mar 03:00 (approximate), Mon 29 Mar 02:30, Tue 30 Mar 02:30 CEST"
    ]
    assert fires_shown(plan_text(plan, PLAIN, now=datetime(2026, 10, 24, 12, tzinfo=UTC))) == [
        "Sun 25 Oct 02:30 CEST (approximate), Mon 26 Oct 02:30 CET, Tue 27 Oct 02:30 CET"
    ]


def test_next_fires_stop_after_a_number_of_cadences() -> None:
    specs = [replace(BASE, hours=(n % 24,), minutes=(n // 24,)) for n in range(MAX_CADENCES + 1)]
    text = plan_text(plan_of(*(create(f"k{n}", spec) for n, spec in enumerate(specs))), PLAIN, now=NOW)
    assert text.count("next fires") == MAX_CADENCES
    assert f"Next fires are shown for the first {MAX_CADENCES} cadences only." in text


def test_a_cadence_of_the_platform_that_makes_no_sense_is_named_as_such() -> None:
    odd = replace(BASE, hours=(), timezone="Mars/Olympus")
    text = plan_text(plan_of(archive(Cause.UNDECLARED, odd)), PLAIN, now=NOW)
    assert "  a cadence that this version of halo cannot read\n" in text
    assert fires_shown(text) == ["unknown → never while archived"]


def prompt_lines(before: str, after: str) -> list[str]:
    plan = plan_of(update("a", replace(BASE, prompt=before), replace(BASE, prompt=after)))
    return [line.strip() for line in plan_text(plan, PLAIN).splitlines() if line.lstrip().startswith("│")]


def test_a_paragraph_on_one_line_is_compared_by_sentences() -> None:
    before = "Look at payments. " * 12 + "Report three errors. Cite traces."
    lines = prompt_lines(before, before.replace("three", "five"))
    assert lines == [
        "│   …",
        "│   … Look at payments.",
        "│   … Look at payments.",
        "│ - … Report three errors.",
        "│ + … Report five errors.",
        "│   … Cite traces.",
    ]


def test_trailing_and_unusual_spaces_show_in_a_diff() -> None:
    assert prompt_lines("one \ntwo\nend", "one\ntwo\u00a0\nend") == [
        "│ - one·",
        "│ - two",
        "│ + one",
        "│ + two\\xa0",
        "│   end",
    ]


def test_a_long_diff_is_cut_and_says_where_the_rest_is() -> None:
    lines = prompt_lines("\n".join(f"old {n}" for n in range(60)), "\n".join(f"new {n}" for n in range(60)))
    assert len(lines) == MAX_DIFF_LINES + 1
    assert lines[-1] == "│   … 40 more lines of difference; --json has them all"


def test_prompts_too_long_to_compare_are_only_counted() -> None:
    old, new = (word + "\n" + "\n".join(f"{word} {n}" for n in range(MAX_COMPARED_LINES)) for word in ("old", "new"))
    assert prompt_lines(old, new) == ["│   … 1,001 lines replaced by 1,001, too many to compare"]


@given(
    st.text(st.sampled_from("ab. \n…·\u00a0"), max_size=400),
    st.text(st.sampled_from("ab. \n…·\u00a0"), max_size=400),
)
def test_two_prompts_that_differ_never_have_an_empty_diff(before: str, after: str) -> None:
    lines = prompt_lines(before, after)
    assert any(line.startswith(("│ -", "│ +")) for line in lines) == (before != after)


def test_ten_thousand_changes_are_drawn_whole() -> None:
    text = plan_text(large_plan(10_000), PLAIN, now=NOW)
    assert text.count("+ create ") == text.count("~ update ") == 5_000
