"""Every fault at every operation, over a real socket: exit code, message, and what is on the platform afterwards.

Never a duplicate, never an archive after an incomplete listing, never a lost change reported as done, never an endless
loop (docs/architecture.md#faults). The table is in ``faults_table``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import pytest
from command_line import CommandLine, CommandResult
from faults_table import (
    DONE,
    FOUR,
    LEFT,
    LIST,
    MEETINGS,
    OPERATIONS,
    TROUBLES,
    UNDONE,
    Harm,
    Operation,
    Trouble,
    expected_ending,
)
from sandbox_calls import PROJECT, Caller, restore, serialize
from sandbox_server import SandboxServer, serve_sandbox

from halo_iac.sandbox.faults import ChangeBetween, Close, Pass, PatchResponse, Refuse, Reply

Json = Any


@dataclass
class Setting:
    """Four active schedules, an archived one and a run on a place, and a folder for the project file."""

    place: SandboxServer
    folder: Path
    run_id: str = ""

    def __call__(self, operation: Operation, *, is_patient: bool = True, **how: Any) -> CommandResult:  # noqa: ANN401 - how a place is asked
        """Carry out an operation; a poll lasts a minute, or a moment if ``is_patient`` is false."""
        (self.folder / "halo.yaml").write_text(operation.project_file, encoding="utf-8")
        argv = [self.run_id if word == "RUN" else word for word in operation.argv]
        if "poll" in argv:
            argv += ["--timeout", "60" if is_patient else "0.3"]
        return self.place(*argv, **how)

    def let_suffer(self, operation: Operation, trouble: Trouble, *, is_lasting: bool) -> None:
        """Let the trouble come to the operation's one procedure."""
        fault = self.place.fault
        if trouble.effect is not None:
            when: Literal["before", "after"] = "after" if trouble.harm is Harm.LOST_AFTER else "before"
            fault(operation.suffers, trouble.effect(), times=None if is_lasting else 1, when=when)
        elif operation.before is None:
            self.place.shut()
        else:
            procedure, number = operation.before
            fault(procedure, Pass(), times=number - 1)
            fault(procedure, ChangeBetween(self.place.shut))
            fault(procedure, Close())


_made: list[tuple[bytes, str]] = []
"""What the platform holds where every test begins, and the id of its run: made by the first test, then copied."""


def prepare_project(place: SandboxServer, folder: Path) -> Setting:
    setting = Setting(place, folder)
    if _made:
        content, setting.run_id = _made[0]
        restore(place.sandbox, content)
        return setting
    caller = Caller(place.sandbox)
    for title in FOUR:
        caller.create(title=title)
    caller.mutate("haloSchedule.archive", {"id": caller.create(title="Omega")["id"]})
    setting.run_id = setting(OPERATIONS["run create"]).out.split()[1]
    _made.append((serialize(place.sandbox), setting.run_id))
    return setting


@pytest.fixture
def setting(halo: CommandLine, folder: Path) -> Iterator[Setting]:
    with serve_sandbox(halo) as place:
        yield prepare_project(place, folder)


# Calls --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_lasting", [False, True], ids=["once", "for ever"])
@pytest.mark.parametrize(("operation", "trouble"), MEETINGS.values(), ids=MEETINGS)
def test_nothing_is_done_twice_and_nothing_is_claimed(
    setting: Setting, operation: Operation, trouble: Trouble, *, is_lasting: bool
) -> None:
    place, expected = setting.place, expected_ending(operation, trouble, is_lasting=is_lasting)
    before = place.asked(operation.suffers)
    setting.let_suffer(operation, trouble, is_lasting=is_lasting)
    read = 0.5 if trouble is TROUBLES["silence"] else 30.0
    ended = setting(operation, is_patient=not is_lasting, read=read, comes_back=not is_lasting)
    asked = place.asked(operation.suffers) - before

    assert (ended.code, place.held) == (expected.code, operation.done if expected.outcome == DONE else UNDONE)
    assert trouble.words in ended.text
    assert "Traceback" not in ended.text
    if expected.asked is not None and trouble.effect is not None:
        # The agents of a plan, read beside the schedules, may be a success between two failures: the waits begin anew.
        may_begin_anew = operation is OPERATIONS["list"] and trouble.throttled
        assert asked - expected.asked in range(expected.asked if may_begin_anew else 1)
    if expected.asked is not None and expected.asked > 1:
        # Such a success may also come before the list has begun to wait.
        waited_for_nothing = operation is OPERATIONS["list"] and trouble.throttled and not place.waits
        assert waited_for_nothing or any(map(trouble.waits, place.waits))


@pytest.mark.parametrize("trouble", TROUBLES.values(), ids=TROUBLES)
@pytest.mark.parametrize("name", ["create", "update", "archive", "unarchive"])
def test_the_next_apply_does_what_is_left(setting: Setting, name: str, trouble: Trouble) -> None:
    place, operation = setting.place, OPERATIONS[name]
    setting.let_suffer(operation, trouble, is_lasting=True)
    setting(operation, read=0.5 if trouble is TROUBLES["silence"] else 30.0, comes_back=False)
    place.sandbox.faults.clear()
    place.open()
    assert (setting(operation).code, place.held) == (0, operation.done)


# Lists in pages -----------------------------------------------------------------------------------------------------

PAGE_2 = {"cursor": "after-2"}
"""What asks for the second page of a listing in pages of two: Alpha and Beta; Delta and Gamma; Omega."""

each_that_lists = pytest.mark.parametrize("name", [name for name, each in OPERATIONS.items() if each.lists])
once_or_for_ever = pytest.mark.parametrize("times", [1, None], ids=["once", "for ever"])


def leading_to(cursor: str | None) -> PatchResponse:
    return PatchResponse(lambda page: {**page, "nextCursor": cursor})


@pytest.fixture
def paged(halo: CommandLine, folder: Path) -> Iterator[Setting]:
    with serve_sandbox(halo, page_size=2) as place:
        yield prepare_project(place, folder)


@each_that_lists
def test_a_page_in_the_middle_that_cannot_be_read_is_asked_for_again(paged: Setting, name: str) -> None:
    paged.place.fault(LIST, Refuse(), where=PAGE_2)
    assert (paged(OPERATIONS[name]).code, paged.place.held) == (0, OPERATIONS[name].done)


@each_that_lists
def test_a_page_in_the_middle_that_can_never_be_read_changes_nothing(paged: Setting, name: str) -> None:
    paged.place.fault(LIST, Refuse(), times=None, where=PAGE_2)
    ended = paged(OPERATIONS[name])
    assert (ended.code, paged.place.held) == (1, UNDONE)
    assert "haloSchedule.listForProject (HTTP 500)" in ended.err


@each_that_lists
def test_an_empty_page_in_the_middle_is_not_taken_for_the_last(paged: Setting, name: str) -> None:
    nothing = b'{"result":{"data":{"schedules":[],"nextCursor":"after-2"}}}'
    paged.place.fault(LIST, Reply(200, nothing), times=None, where={"cursor": "nothing"})
    for cursor in ("after-2", "after-4"):
        paged.place.fault(LIST, Pass(), times=None, where={"cursor": cursor})
    paged.place.fault(LIST, leading_to("nothing"), times=None)
    assert (paged(OPERATIONS[name]).code, paged.place.held) == (0, OPERATIONS[name].done)


@each_that_lists
@once_or_for_ever
def test_a_cursor_that_repeats_permits_no_create_and_no_archive(paged: Setting, name: str, times: int | None) -> None:
    """Omega is on the page that is never seen, so that bringing it back looks like a create."""
    paged.place.fault(LIST, leading_to("after-2"), times=times, where=PAGE_2)
    ended = paged(OPERATIONS[name])
    is_harmless = name in {"list", "update"}
    assert (ended.code, paged.place.held) == ((0, OPERATIONS[name].done) if is_harmless else (3, UNDONE))
    assert "the list of schedules is incomplete" in ended.text
    assert "the platform repeated a cursor" in ended.text


@pytest.mark.parametrize("name", ["create", "update", "archive", "unarchive"])
def test_schedules_hidden_by_a_missing_page_are_not_created_again(paged: Setting, name: str) -> None:
    """The listing for the plan leaves page 2 out without a sign; the listing before the creates does not."""
    paged.place.fault(LIST, leading_to("after-4"))
    ended, is_hidden = paged(OPERATIONS[name]), name == "archive"
    assert (ended.code, paged.place.held) == (1, UNDONE) if is_hidden else (4, OPERATIONS[name].done)
    appeared = "a schedule with this title has appeared since the plan was made"
    assert ended.out.count(appeared) == (1 if is_hidden else 2)


@each_that_lists
def test_a_page_that_shifts_while_another_writes_is_noticed(paged: Setting, name: str) -> None:
    """Gamma moves to the front between two pages: what was last on page 1 is first on page 2, and Gamma is unseen."""
    beta = paged.place.sandbox.schedules()[1]
    shifted = PatchResponse(lambda page: {**page, "schedules": [beta, page["schedules"][0]]})
    paged.place.fault(LIST, shifted, where=PAGE_2)
    assert (paged(OPERATIONS[name]).code, paged.place.held) == (0, OPERATIONS[name].done)


# Reports in pages ---------------------------------------------------------------------------------------------------

CONVERSATIONS = "haloConversation.listForProject"
PULL = ("report", "pull", "--schedule", "alpha", "--dir", "reports")


@dataclass
class Reported:
    """Alpha has three reports, which ``pages`` lists as a test says; ``rows`` are they, newest first."""

    setting: Setting
    rows: list[Json]

    def pages(self, *pages: tuple[slice, str | None]) -> None:
        """Answer every question with the first page, and one with a cursor with that page: ``1`` is the second."""
        bodies = [{"conversations": self.rows[rows], "nextCursor": cursor} for rows, cursor in pages]
        for number, body in reversed([*enumerate(bodies)]):
            reply = Reply(200, json.dumps({"result": {"data": body}}).encode())
            where = {"cursor": str(number)} if number else {}
            self.setting.place.fault(CONVERSATIONS, reply, times=None, where=where)

    def pull(self) -> tuple[int, str, int]:
        """Return the exit code, what was said, and how many reports are there."""
        ended = self.setting.place(*PULL)
        return ended.code, ended.err, len([*(self.setting.folder / "reports").rglob("*--alpha--*.md")])


@pytest.fixture
def reported(setting: Setting) -> Reported:
    (setting.folder / "halo.yaml").write_text(OPERATIONS["list"].project_file, encoding="utf-8")
    caller = Caller(setting.place.sandbox)
    alpha = next(each["id"] for each in caller.listed() if each["title"] == "Alpha")
    window = {"windowStartAt": "2026-11-01T12:00:00.000Z", "windowEndAt": "2026-11-02T12:00:00.000Z"}
    for _ in range(3):
        caller.mutate("haloSchedule.fireNow", {"id": alpha, **window})
    listed = caller.query(CONVERSATIONS, {"projectId": PROJECT, "scheduleId": alpha})
    return Reported(setting, listed["conversations"])


def test_reports_on_pages_that_shift_are_written_and_counted_once(reported: Reported) -> None:
    reported.pages((slice(0, 2), "1"), (slice(1, 3), None))
    code, said, count = reported.pull()
    assert (code, count) == (0, 3)
    assert said.endswith("3 reports written, 0 already present.\n")


def test_a_cursor_that_repeats_ends_a_pull_that_says_so_and_keeps_what_it_read(reported: Reported) -> None:
    reported.pages((slice(0, 1), "1"), (slice(1, 2), "1"))
    code, said, count = reported.pull()
    assert (code, count) == (1, 2)
    assert "error: alpha: haloConversation.listForProject (HTTP 200): repeated a cursor" in said


def test_a_page_in_the_middle_that_can_never_be_read_ends_a_pull_as_well(reported: Reported) -> None:
    reported.setting.place.fault(CONVERSATIONS, Refuse(), times=None, where={"cursor": "1"})
    reported.pages((slice(0, 1), "1"), (slice(1, 2), "2"), (slice(2, 3), None))
    code, said, count = reported.pull()
    assert (code, count) == (1, 1)
    assert "error: alpha: haloConversation.listForProject (HTTP 500)" in said
    reported.setting.place.sandbox.faults.clear()
    code, said, count = reported.pull()
    assert (code, count) == (0, 3)


# Answers that are not as documented ---------------------------------------------------------------------------------


def with_fields(**fields: Json) -> Callable[[Json], Json]:
    return lambda value: {**value, **fields}


def without_field(name: str) -> Callable[[Json], Json]:
    return lambda value: {key: each for key, each in value.items() if key != name}


def the_run(amend: Callable[[Json], Json]) -> Callable[[Json], Json]:
    return lambda answer: {**answer, "run": amend(answer["run"])}


def the_messages(amend: Callable[[Json], Json]) -> Callable[[Json], Json]:
    return lambda thread: {**thread, "messages": [amend(message) for message in thread["messages"]]}


UNREADABLE = "the platform's answer has no readable hours"
UNKNOWN = "unknown frequency 'fortnightly'"
ODD_ANSWERS = [
    # operation, what the answer is like, exit code, whether it is done, what is said
    ("create", without_field("hours"), 4, DONE, UNREADABLE),
    ("create", without_field("id"), 0, DONE, "the answer was lost, but it was created"),
    ("create", with_fields(frequency="fortnightly"), 4, DONE, UNKNOWN),
    ("update", without_field("hours"), 4, DONE, UNREADABLE),
    ("update", without_field("id"), 0, DONE, "answered with a schedule that has no id"),
    ("update", with_fields(frequency="fortnightly"), 4, DONE, UNKNOWN),
    ("archive", without_field("hours"), 0, DONE, "1 archived"),
    ("archive", without_field("archivedAt"), 4, DONE, "the platform answered, but the schedule is not archived"),
    ("archive", with_fields(frequency="fortnightly"), 0, DONE, "archived"),
    ("unarchive", without_field("hours"), 0, DONE, "unarchived"),
    ("unarchive", with_fields(frequency="fortnightly"), 0, DONE, "unarchived"),
    ("run create", without_field("runId"), 5, DONE, "answered without a run's id"),
    ("poll", the_run(without_field("status")), 1, LEFT, "is still"),
    ("poll", the_run(without_field("id")), 1, LEFT, "answered with a run that has no id"),
    ("poll", the_run(with_fields(status="pondering")), 1, LEFT, "is still pondering and continues"),
    ("fetch", without_field("messages"), 1, LEFT, "answered without a conversation's messages"),
    ("fetch", the_messages(without_field("sequence")), 1, LEFT, "answered with a message that has no sequence"),
    ("fetch", the_messages(without_field("content")), 1, LEFT, "has no answer"),
    ("fetch", the_messages(with_fields(role="narrator")), 1, LEFT, "has no answer"),
]


@pytest.mark.parametrize(("name", "amend", "code", "outcome", "words"), ODD_ANSWERS)
def test_an_unexpected_answer_is_reported_as_such(
    setting: Setting, name: str, amend: Callable[[Json], Json], code: int, outcome: str, words: str
) -> None:
    operation = OPERATIONS[name]
    setting.place.fault(operation.suffers, PatchResponse(amend), times=None)
    ended = setting(operation, is_patient=False)
    assert (ended.code, setting.place.held) == (code, operation.done if outcome == DONE else UNDONE)
    assert words in ended.text


@each_that_lists
@pytest.mark.parametrize("lacking", ["id", "title"])
def test_a_listed_schedule_without_id_or_title_fails_the_listing(setting: Setting, name: str, lacking: str) -> None:
    last = PatchResponse(
        lambda page: {**page, "schedules": [*page["schedules"][:-1], without_field(lacking)(page["schedules"][-1])]}
    )
    setting.place.fault(LIST, last, times=None)
    ended = setting(OPERATIONS[name])
    assert (ended.code, setting.place.held) == (1, UNDONE)
    assert f"answered with a schedule that has no {lacking}" in ended.err


@pytest.mark.parametrize(
    "amend",
    [
        *map(
            without_field,
            ("agentUuid", "frequency", "hours", "minutes", "timezone", "prompt", "archivedAt", "enabled"),
        ),
        *map(without_field, ("spanLimit", "lookbackHours", "maxSubagentDepth", "maxTurns")),
        *(
            with_fields(frequency="fortnightly"),
            with_fields(archivedAt=False),
            with_fields(hours=["nine"]),
            with_fields(hours=None),
        ),
    ],
)
def test_a_listed_schedule_of_another_form_is_never_changed(setting: Setting, amend: Callable[[Json], Json]) -> None:
    """Alpha is declared with another hour, Delta is not declared and would be archived: neither can be read."""
    odd = {"Alpha", "Delta"}
    rows = PatchResponse(
        lambda page: {
            **page,
            "schedules": [amend(each) if each["title"] in odd else each for each in page["schedules"]],
        }
    )
    setting.place.fault(LIST, rows, times=None)
    ended = setting(replace(OPERATIONS["archive"], entries={"Alpha": 10, "Beta": 9, "Gamma": 9}))
    assert (ended.code, setting.place.held) == (1, UNDONE)
    assert "Blocked: 1 entry, for which nothing is planned\n  ! alpha" in ended.out
