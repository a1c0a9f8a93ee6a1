"""Creates: never sent twice, looked for if the answer was lost, archived if two runs created the same schedule.

See docs/semantics.md#creates.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from apply_harness import (
    ARCHIVE,
    CREATE,
    ENDING,
    LIST,
    NOT_NOW,
    READ,
    TRANSIENT,
    UNARCHIVE,
    UPDATE,
    WRONG,
    Harness,
    archive,
    create,
    open_harness,
    open_served_harness,
    plan_of,
    update,
)
from sandbox_calls import DAILY

from halo_iac.api.retry import Retry
from halo_iac.api.schedules import Reader, Writer
from halo_iac.api.secret import Secret
from halo_iac.api.transport import Transport
from halo_iac.apply import apply
from halo_iac.model.apply_result import Event, summarize
from halo_iac.sandbox import demo
from halo_iac.sandbox.faults import Cut, Effect, NoReply, Pass, Refuse, Reply, Truncate

WORDS = "A fault of the sandbox, as asked for."
AMBIGUOUS: dict[str, Effect] = {
    **TRANSIENT,
    "409": Refuse("CONFLICT"),
    "302": Reply(302, headers={"location": "https://elsewhere.example/"}),
    "silence": NoReply(),
}


def test_a_create_lists_first_sends_every_field_and_looks_for_duplicates(harness: Harness) -> None:
    run = harness.run(create("Review"))
    assert (run.event_lines, run.requests, run.exit_code) == (
        ["Review started", "Review done"],
        [LIST, CREATE, LIST],
        0,
    )
    assert harness.sandbox.requests[1].input == {
        **DAILY,
        "title": "Review",
        "modelId": None,
        "maxSubagentDepth": 3,
        "maxTurns": 50,
        "enabled": True,
    }
    assert (harness.shown(), run.summary.events[0].id) == ({"s1": ("Review", True, [9])}, "s1")


def test_a_run_without_creates_lists_nothing(harness: Harness) -> None:
    assert harness.run(update(harness.add("Review"), hours=(12,))).requests == [READ, UPDATE]


def test_a_title_that_has_appeared_is_a_conflict(harness: Harness) -> None:
    harness.add("Review")
    run = harness.run(create("Review"), create("Other"))
    assert (run.statuses, run.writes, run.exit_code) == (["conflict", "done"], [CREATE], 4)
    assert run.message == "a schedule with this title has appeared since the plan was made: s1"
    assert harness.shown() == {"s1": ("Review", True, [9]), "s2": ("Other", True, [9])}


def test_a_title_of_an_archived_schedule_can_be_used(harness: Harness) -> None:
    harness.add("Review", archived=True)
    assert harness.run(create("Review")).statuses == ["done"]


# What may be repeated -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("effect", NOT_NOW.values(), ids=NOT_NOW)
def test_a_create_is_repeated_where_the_platform_says_not_now(harness: Harness, effect: Effect) -> None:
    harness.fault(CREATE, effect)
    run = harness.run(create("Review"))
    assert (run.event_lines, run.writes) == (["Review started", "Review retrying", "Review done"], [CREATE, CREATE])
    assert (harness.shown(), run.exit_code) == ({"s1": ("Review", True, [9])}, 0)


def test_a_create_waits_as_long_as_the_platform_says(harness: Harness) -> None:
    harness.fault(CREATE, Refuse("TOO_MANY_REQUESTS", retry_after="11"))
    assert (harness.run(create("Review")).statuses, harness.waits) == (["done"], [11.0])


def test_a_create_that_was_not_sent_is_tried_again(harness: Harness) -> None:
    with Transport("http://127.0.0.1:9", Secret(demo.DEMO_KEY)) as nobody:
        events = list(
            apply(
                plan_of(create("Review")),
                Reader(harness.transport, Retry(attempts=1)),
                Writer(nobody),
                stop_signal=harness.stop_signal,
                concurrency=8,
                retry=Retry(attempts=3, sleep=harness.waits.append, chance=lambda: 0.0),
                check_after=(0.0,),
            )
        )
    summary = summarize([events[0].change], events)
    assert [str(event.status) for event in events] == ["started", "retrying", "retrying", "failed"]
    assert (harness.waits, summary.exit_code, harness.shown()) == ([0.5, 1.0], 1, {})
    assert "no connection to 127.0.0.1:9" in summary.events[0].message


@pytest.mark.parametrize("effect", WRONG.values(), ids=WRONG)
def test_a_refused_create_has_failed(harness: Harness, effect: Effect) -> None:
    harness.fault(CREATE, effect)
    run = harness.run(create("Review"), create("Other"))
    assert (run.statuses, run.writes, run.exit_code) == (["failed", "done"], [CREATE, CREATE], 4)
    assert harness.shown() == {"s1": ("Other", True, [9])}


@pytest.mark.parametrize("effect", ENDING.values(), ids=ENDING)
def test_no_key_no_credit_no_permission_end_the_run(harness: Harness, effect: Effect) -> None:
    wire = harness.add("C")
    harness.fault(CREATE, effect)
    run = harness.run(create("A"), create("B"), update(wire, hours=(12,)))
    assert (run.statuses, run.requests, run.exit_code) == (["failed", "not started", "not started"], [LIST, CREATE], 1)
    assert harness.shown() == {"s1": ("C", True, [9])}


# What is looked for -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("effect", AMBIGUOUS.values(), ids=AMBIGUOUS)
def test_a_create_whose_answer_was_lost_is_found_and_never_repeated(harness: Harness, effect: Effect) -> None:
    harness.fault(CREATE, effect, when="after")
    run = harness.run(create("Review"))
    assert run.event_lines == ["Review started", "Review retrying", "Review done"]
    assert run.requests == [LIST, CREATE, LIST, LIST]
    assert (run.message, run.exit_code) == ("the answer was lost, but it was created", 0)
    assert (harness.shown(), harness.waits) == ({"s1": ("Review", True, [9])}, [])


@pytest.mark.parametrize(
    "effect",
    [effect for effect in AMBIGUOUS.values() if not isinstance(effect, Truncate)],
    ids=[name for name, effect in AMBIGUOUS.items() if not isinstance(effect, Truncate)],
)
def test_a_create_that_does_not_appear_is_unknown_and_never_repeated(harness: Harness, effect: Effect) -> None:
    harness.fault(CREATE, effect)
    run = harness.run(create("Review"))
    assert run.event_lines == ["Review started", "Review retrying", "Review unknown"]
    assert run.requests == [LIST, CREATE, LIST, LIST, LIST]
    assert (run.message, run.exit_code) == ("the answer was lost and it has not appeared; it may still be created", 5)
    assert harness.shown() == {}


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_create_is_found_or_unknown_after_a_reset_connection(when: str) -> None:
    with open_served_harness() as served:
        served.fault(CREATE, Cut(), when=when)
        run = served.run(create("Review"))
        assert run.writes == [CREATE]
        assert run.statuses == [{"before": "unknown", "after": "done"}[when]]
        assert len(served.shown()) == {"before": 0, "after": 1}[when]


def test_a_create_may_appear_late(harness: Harness) -> None:
    harness.fault(CREATE, Cut(), when="after")
    harness.fault(LIST, Pass())
    harness.fault(LIST, Reply(200, b'{"result":{"data":{"schedules":[],"nextCursor":null}}}'), times=2)
    run = harness.run(create("Review"))
    assert (run.statuses, run.requests, run.exit_code) == (["done"], [LIST, CREATE, LIST, LIST, LIST, LIST], 0)


def test_several_schedules_that_match_a_lost_create_are_a_conflict(harness: Harness) -> None:
    harness.add("Elsewhere")
    harness.fault(CREATE, Cut(), when="after")
    run = harness.run(create("Review"), during=_on("retrying", lambda: harness.add("Review")))
    assert (run.statuses, run.message, run.exit_code) == (["conflict"], "2 new schedules match it: s2, s3", 1)
    assert [seen.input["title"] for seen in harness.sandbox.requests if seen.procedure == CREATE][1:] == ["Review"] * 2


def test_a_schedule_with_other_values_is_not_taken_for_the_created_one(harness: Harness) -> None:
    harness.fault(CREATE, Cut())
    run = harness.run(create("Review"), during=_on("retrying", lambda: harness.add("Review", hours=[17])))
    assert (run.statuses, run.exit_code) == (["unknown"], 5)
    assert harness.shown() == {"s1": ("Review", True, [17])}


def test_a_schedule_from_before_is_not_taken_for_the_created_one(harness: Harness) -> None:
    harness.add("Review", archived=True)
    harness.fault(CREATE, Cut())
    run = harness.run(create("Review"), during=_on("retrying", lambda: harness.caller.mutate(UNARCHIVE, {"id": "s1"})))
    assert (run.statuses, run.exit_code) == (["unknown"], 5)


def test_a_lost_create_that_another_user_archived_is_a_conflict(harness: Harness) -> None:
    harness.fault(CREATE, Cut(), when="after")
    run = harness.run(create("Review"), during=_on("retrying", lambda: harness.caller.mutate(ARCHIVE, {"id": "s1"})))
    assert (run.statuses, run.message, run.exit_code) == (["conflict"], "it is now archived", 4)


def _on(status: str, act: Callable[[], object]) -> Callable[[Event], None]:
    """Let another client act once a change has this status."""

    def during(event: Event) -> None:
        if event.status == status:
            act()

    return during


def test_a_search_for_a_lost_create_goes_on_after_a_failed_listing(harness: Harness) -> None:
    harness.fault(CREATE, Cut(), when="after")
    harness.fault(LIST, Pass())
    harness.fault(LIST, Refuse("BAD_REQUEST"))
    run = harness.run(create("Review"))
    assert (run.statuses, run.requests, run.exit_code) == (["done"], [LIST, CREATE, LIST, LIST, LIST], 0)


def test_a_failed_search_for_a_lost_create_is_reported(harness: Harness) -> None:
    harness.fault(CREATE, Cut(), when="after")
    harness.fault(LIST, Pass())
    harness.fault(LIST, Refuse("BAD_REQUEST"), times=3)
    run = harness.run(create("Review"))
    why = f"the search for it failed ({LIST} (HTTP 400): {WORDS})"
    assert run.message == f"the answer was lost and {why}; it may still be created"
    assert (run.statuses, run.exit_code, harness.shown()) == (["unknown"], 5, {"s1": ("Review", True, [9])})


def test_a_search_for_a_lost_create_ends_when_the_key_is_refused(harness: Harness) -> None:
    harness.fault(CREATE, Cut())
    harness.fault(LIST, Pass())
    harness.fault(LIST, Refuse("UNAUTHORIZED"), times=None)
    run = harness.run(create("Review"))
    assert (run.statuses, run.requests, run.exit_code) == (["unknown"], [LIST, CREATE, LIST], 5)


def test_an_answer_other_than_what_was_sent_fails_after_the_create(harness: Harness) -> None:
    other = b'{"result":{"data":%s}}'
    harness.add("Model", hours=[17])
    wire = harness.caller.send_query(READ, {"id": "s1"}).body.removeprefix(b'{"result":{"data":').removesuffix(b"}}")
    harness.fault(CREATE, Reply(200, other % wire))
    run = harness.run(create("Review"))
    message = "it was created, but the platform answered with another title, hours than was sent"
    assert (run.statuses, run.message, run.exit_code) == (["failed"], message, 4)


# Listings -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("effect", [*TRANSIENT.values(), *NOT_NOW.values()], ids=[*TRANSIENT, *NOT_NOW])
def test_a_failed_listing_is_repeated(harness: Harness, effect: Effect) -> None:
    harness.fault(LIST, effect)
    run = harness.run(create("Review"))
    assert (run.statuses, run.requests, run.exit_code) == (["done"], [LIST, LIST, CREATE, LIST], 0)


def test_without_a_listing_nothing_is_created_and_other_changes_are_applied(harness: Harness) -> None:
    wire = harness.add("C")
    harness.fault(LIST, Refuse("BAD_REQUEST"))
    run = harness.run(create("A"), create("B"), update(wire, hours=(12,)), archive(harness.add("D")))
    assert (run.statuses, run.exit_code) == (["failed", "failed", "done", "not started"], 4)
    assert (run.requests, run.message) == (
        [LIST, READ, UPDATE],
        f"nothing was created, because the schedules could not be listed first: {LIST} (HTTP 400): {WORDS}",
    )


def test_a_listing_without_a_key_ends_the_run(harness: Harness) -> None:
    wire = harness.add("B")
    harness.fault(LIST, Refuse("UNAUTHORIZED"))
    run = harness.run(create("A"), update(wire, hours=(12,)))
    assert (run.statuses, run.requests, run.exit_code) == (["failed", "not started"], [LIST], 1)


LISTING_OF_ANOTHER_PROJECT = (
    b'{"result":{"data":{"schedules":[{"id":"x","title":"X","projectId":"elsewhere"}],"nextCursor":null}}}'
)
ENDLESS_LISTING = b'{"result":{"data":{"schedules":[],"nextCursor":"again"}}}'


@pytest.mark.parametrize(
    ("body", "gap"),
    [
        (LISTING_OF_ANOTHER_PROJECT, "schedule x of another project was listed"),
        (ENDLESS_LISTING, "the platform repeated a cursor"),
    ],
)
def test_after_an_incomplete_listing_nothing_is_created_or_archived(harness: Harness, body: bytes, gap: str) -> None:
    harness.fault(LIST, Reply(200, body), times=None)
    run = harness.run(create("A"), archive(harness.add("B")))
    assert (run.statuses, run.writes, run.exit_code) == (["failed", "not started"], [], 1)
    assert run.message.endswith(f"the list of schedules is incomplete: {gap}")
    assert harness.shown() == {"s1": ("B", True, [9])}


def test_a_listing_in_pages_is_read_to_its_end() -> None:
    with open_harness(page_size=1) as paged:
        paged.add("Other")
        paged.add("Review")
        run = paged.run(create("Review"))
        assert (run.statuses, run.requests) == (["conflict"], [LIST, LIST])


# Twins --------------------------------------------------------------------------------------------------------------


def _earlier_twin(harness: Harness, hours: tuple[int, ...] = (9,)) -> Callable[[Event], None]:
    """Let another run turn out to have created the same an hour before."""

    def create_earlier() -> None:
        harness.clock.advance(hours=-1)
        harness.add("Review", hours=list(hours))
        harness.clock.advance(hours=1)

    return _on("done", create_earlier)


def test_the_later_of_two_concurrent_creates_is_archived_if_this_run_made_it(harness: Harness) -> None:
    wire = harness.add("Other")
    run = harness.run(create("Review"), archive(wire), during=_earlier_twin(harness, hours=(17,)))
    assert run.statuses == ["conflict", "not started"]
    assert run.message == "another run created s3 with this title first; this run's, s2, was archived"
    assert (run.exit_code, run.writes) == (4, [CREATE, CREATE, ARCHIVE])
    assert harness.shown() == {"s1": ("Other", True, [9]), "s2": ("Review", False, [9]), "s3": ("Review", True, [17])}


def test_of_two_schedules_created_at_one_instant_the_lower_id_is_kept(harness: Harness) -> None:
    run = harness.run(create("Review"), during=_on("done", lambda: harness.add("Review")))
    assert (run.statuses, run.exit_code) == (["done"], 0)
    assert harness.shown() == {"s1": ("Review", True, [9]), "s2": ("Review", True, [9])}


def test_the_earlier_duplicate_is_kept(harness: Harness) -> None:
    def create_later() -> None:
        harness.clock.advance(hours=1)
        harness.add("Review")

    run = harness.run(create("Review"), during=_on("done", create_later))
    assert (run.statuses, run.writes, run.exit_code) == (["done"], [CREATE, CREATE], 0)


def test_a_create_yields_to_an_older_schedule_unarchived_meanwhile(harness: Harness) -> None:
    harness.add("Review", archived=True)
    harness.clock.advance(hours=1)
    run = harness.run(create("Review"), during=_on("done", lambda: harness.caller.mutate(UNARCHIVE, {"id": "s1"})))
    assert (run.statuses, run.exit_code) == (["conflict"], 4)
    assert harness.shown() == {"s1": ("Review", True, [9]), "s2": ("Review", False, [9])}


def test_a_lost_create_that_is_found_can_be_a_duplicate(harness: Harness) -> None:
    harness.fault(CREATE, Cut(), when="after", where={"title": "Review"})
    run = harness.run(create("Review"), during=_earlier_twin(harness))
    assert (run.event_lines[1:], run.exit_code) == (
        ["Review retrying", "Review done", "Review started", "Review conflict"],
        4,
    )
    assert harness.shown() == {"s1": ("Review", False, [9]), "s2": ("Review", True, [9])}


def test_a_duplicate_that_cannot_be_archived_is_named(harness: Harness) -> None:
    harness.fault(ARCHIVE, Refuse("FORBIDDEN"))
    run = harness.run(create("Review"), during=_earlier_twin(harness))
    event = run.summary.events[0]
    assert event.message == (
        f"another run created s2 with this title first; "
        f"this run's, s1, could not be archived: {ARCHIVE} (HTTP 403): {WORDS}"
    )
    assert (event.status, event.hint, run.exit_code) == ("conflict", "archive s1, then plan again", 4)


@pytest.mark.parametrize(
    "effect", [Refuse("BAD_REQUEST"), Reply(200, LISTING_OF_ANOTHER_PROJECT)], ids=["failed", "not whole"]
)
def test_an_incomplete_listing_archives_no_duplicate_and_is_reported(harness: Harness, effect: Effect) -> None:
    harness.fault(LIST, Pass())
    harness.fault(LIST, effect)
    run = harness.run(create("Review"))
    assert (run.event_lines, run.writes, run.exit_code) == (
        ["Review started", "Review done", "Review done"],
        [CREATE],
        0,
    )
    assert run.message.startswith(f"could not check whether another run created the same schedule: {LIST}")


def test_duplicates_are_checked_only_after_a_create(harness: Harness) -> None:
    harness.fault(CREATE, Refuse("BAD_REQUEST"))
    assert harness.run(create("Review")).requests == [LIST, CREATE]
