"""What came of a plan as text, and the tables and problems of the other commands."""

from __future__ import annotations

from dataclasses import replace

import pytest
from golden_files import assert_golden
from render_asserts import assert_harmless
from render_samples import BASE, HOSTILE, archive, create, schedule_id, update

from halo_iac.errors import HaloError, Problem, ProjectError, UsageError
from halo_iac.model.apply_result import Event, Status, Summary
from halo_iac.model.plan import Action, Cause
from halo_iac.render.style import PLAIN, Style, display_width
from halo_iac.render.text.apply import event_line, summary_text
from halo_iac.render.text.problems import error_text, problems_text
from halo_iac.render.text.table import record, table

CREATE = create("checkout-daily", BASE)
UPDATE = update("refunds", BASE, replace(BASE, max_turns=9))
UNARCHIVE = update("back", BASE, BASE, action=Action.UNARCHIVE, number=3)
ARCHIVE = archive(Cause.UNDECLARED, replace(BASE, title="By hand"), number=4)
MADE = Event(CREATE, Status.DONE, schedule_id(8), elapsed=0.214)
RUN = Summary(
    (
        MADE,
        Event(UPDATE, Status.ALREADY, UPDATE.id, elapsed=0.1),
        Event(replace(UPDATE, key="failed"), Status.FAILED, UPDATE.id, "HTTP 500\nno reason given", "ask them"),
        Event(replace(UPDATE, key="moved"), Status.CONFLICT, UPDATE.id, "hours changed on the platform"),
        Event(replace(CREATE, key="lost"), Status.UNKNOWN, None, "the answer was lost"),
        Event(UNARCHIVE, Status.UNKNOWN, UNARCHIVE.id, "the answer was lost", "look at it"),
        Event(ARCHIVE, Status.NOT_STARTED, ARCHIVE.id, "archives run last"),
    ),
    is_interrupted=True,
)


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (MADE, f"+ created      checkout-daily  {schedule_id(8)}  (0.21 s)"),
        (Event(CREATE, Status.STARTED), "+ creating     checkout-daily"),
        (Event(UPDATE, Status.DONE, UPDATE.id), f"~ updated      refunds  {schedule_id(1)}"),
        (Event(UNARCHIVE, Status.DONE), f"^ unarchived   back  {schedule_id(3)}"),
        (Event(ARCHIVE, Status.DONE), f'- archived     "By hand"  {schedule_id(4)}'),
        (Event(UPDATE, Status.ALREADY), f"= already      refunds  {schedule_id(1)}"),
        (
            Event(UPDATE, Status.RETRYING, None, "HTTP 503; again in 0.5 s"),
            f". retrying     refunds  {schedule_id(1)}\n      │ HTTP 503; again in 0.5 s",
        ),
        (
            Event(CREATE, Status.FAILED, None, "refused\n::error::why", "first\nsecond", 1.0),
            (
                "! failed       checkout-daily  (1.00 s)\n"
                "      │ refused\n      │ \\::error::why\n      │ hint: first\n      │ second"
            ),
        ),
    ],
)
def test_an_event_is_a_line_with_its_reason_below(event: Event, line: str) -> None:
    assert event_line(event, PLAIN) == line


def test_a_position_counts_what_has_ended() -> None:
    assert event_line(MADE, PLAIN, position=(3, 120)).startswith("[  3/120] + created ")


@pytest.mark.parametrize(
    ("name", "style"),
    [
        ("summary.txt", PLAIN),
        ("summary-colour.txt", Style(colour=True)),
        ("summary-ascii.txt", Style(unicode=False, width=60)),
    ],
)
def test_a_run_that_went_wrong_ends_with_what_was_not_done_and_what_to_do(name: str, style: Style) -> None:
    assert_golden(f"render/{name}", summary_text(RUN, style))


def test_a_run_that_went_well_ends_with_one_line() -> None:
    summary = Summary((MADE, Event(ARCHIVE, Status.DONE), Event(UPDATE, Status.ALREADY)))
    assert summary_text(summary, PLAIN) == "Applied: 1 created, 1 archived; 1 already up to date.\n"


def test_a_long_list_in_a_summary_is_counted() -> None:
    events = tuple(Event(replace(CREATE, key=f"k{n}"), Status.FAILED, None, "no") for n in range(50))
    text = summary_text(Summary(events), PLAIN)
    assert text.count("! failed") == 20
    assert "  … and 30 more\n" in text
    assert text.endswith("Applied: nothing; 50 failed.\n")


@pytest.mark.parametrize("words", HOSTILE)
def test_foreign_words_are_harmless_in_every_rendering(words: str) -> None:
    change = replace(update(words, BASE, replace(BASE, title=words)), id=words)
    nameless = replace(archive(Cause.UNDECLARED, replace(BASE, title=words)), id=words)
    for style in (PLAIN, Style(width=20), Style(unicode=False)):
        for each in (change, nameless):
            events = [Event(each, status, words, words, words) for status in Status]
            for event in events:
                assert_harmless(event_line(event, style))
                assert_harmless(event_line(event, style, position=(1, 2)))
            assert_harmless(summary_text(Summary(tuple(events)), style))
        assert_harmless(table(("NAME", "ID"), [(words, "1"), ("a", words)], style))
        assert_harmless(record([(words, words), ("a", words)], style))
        problems = [Problem(words, 1, 1, words, words), Problem(words, 0, 0, words)]
        assert_harmless(problems_text(problems, style))
        for error in (HaloError(words, hint=words), ProjectError(problems, hint=words)):
            assert_harmless(error_text(error, style))


# Tables -------------------------------------------------------------------------------------------------------------

ROWS = [("checkout", "agent_id", "6f1e2a9c", "1200"), ("日本語", "agent_name", "7a", "7")]
HEADERS = ("NAME", "SOURCE", "UUID", "RUNS")


def test_columns_are_aligned_by_what_they_take_on_a_terminal() -> None:
    assert table(HEADERS, ROWS, PLAIN) == (
        "NAME      SOURCE      UUID      RUNS\n"
        "checkout  agent_id    6f1e2a9c  1200\n"
        "日本語    agent_name  7a           7\n"
    )


def test_a_narrow_screen_cuts_the_widest_columns_and_no_line_is_too_long() -> None:
    wide = [("A title that goes on and on and on", "agent_name", "7a", "7")]
    for width in (40, 50, 60):
        assert all(display_width(line) <= width for line in table(HEADERS, wide, Style(width=width)).splitlines())
    assert "A title that go…  " in table(HEADERS, wide, Style(width=40))
    assert "A title that ...  " in table(HEADERS, wide, Style(width=40, unicode=False))


def test_a_narrow_screen_cuts_no_id() -> None:
    row = ("A title that goes on and on", "agent_name", "6f1e2a9c-4b1d-4c55-9d0e-7a3f5b2c8e61", "7")
    narrow = table(HEADERS, [row], Style(width=62), uncut={"UUID"})
    assert narrow == (
        "NAME      SOURCE    UUID                                  RUNS\n"
        "A title…  agent_n…  6f1e2a9c-4b1d-4c55-9d0e-7a3f5b2c8e61     7\n"
    )


def test_a_screen_too_narrow_for_the_ids_gets_a_record_a_row() -> None:
    row = ("A title that goes on and on", "agent_name", "6f1e2a9c-4b1d-4c55-9d0e-7a3f5b2c8e61", "7")
    one = (
        "NAME    A title that goes on and on\n"
        "SOURCE  agent_name\n"
        "UUID    6f1e2a9c-4b1d-4c55-9d0e-7a3f5b2c8e61\n"
        "RUNS    7\n"
    )
    assert table(HEADERS, [row, row], Style(width=50), uncut={"UUID"}) == f"{one}\n{one}"


def test_without_a_screen_nothing_is_cut() -> None:
    assert "x" * 500 in table(("A", "B"), [("x" * 500, "y" * 500)], PLAIN)


def test_a_table_without_rows_is_its_headers() -> None:
    assert table(HEADERS, [], PLAIN) == "NAME  SOURCE  UUID  RUNS\n"


def test_a_record_is_a_name_and_a_value_a_line() -> None:
    assert record([("id", "1"), ("prompt", "one\ntwo"), ("modelId", "")], PLAIN) == (
        "id       1\nprompt   one\n       │ two\nmodelId\n"
    )


# Problems and errors ------------------------------------------------------------------------------------------------


def test_problems_are_lines_that_editors_understand_and_a_count() -> None:
    problems = [
        Problem("halo.yaml", 3, 5, "unknown key `timeZone`", "did you mean `timezone`?"),
        Problem("schedules/a.yaml", 0, 0, "is empty"),
    ]
    assert problems_text(problems, PLAIN) == (
        "halo.yaml:3:5: unknown key `timeZone` (did you mean `timezone`?)\n"
        "schedules/a.yaml: is empty\n"
        "2 problems in 2 files\n"
    )


def test_a_coloured_problem_reads_the_same() -> None:
    text = problems_text([Problem("halo.yaml", 3, 5, "odd")], Style(colour=True))
    assert text.splitlines()[0] == "\x1b[1mhalo.yaml:3:5\x1b[0m: odd"


def test_an_error_says_what_and_then_what_to_do() -> None:
    error = UsageError("no such option: --fiel\nmore", hint="did you mean --file?\nor not")
    assert error_text(error, PLAIN) == ("error: no such option: --fiel\n│ more\nhint: did you mean --file?\n│ or not\n")


def test_an_error_of_project_files_is_their_problems_and_the_hint() -> None:
    error = ProjectError([Problem("halo.yaml", 1, 1, "odd")], hint="see the manual")
    assert error_text(error, PLAIN) == "halo.yaml:1:1: odd\n1 problem in 1 file\nhint: see the manual\n"


def test_a_huge_cell_widens_no_other_row() -> None:
    text = table(("A", "B"), [("x" * 100_000, "1"), ("y", "2")], Style())
    assert [len(line) for line in text.splitlines()] == [203, 100_003, 203]
