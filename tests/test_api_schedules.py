"""Listings, cursors and answers that are not what was asked for (docs/security.md#listings)."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from contextlib import suppress

import pytest

from halo_iac.api.auth import AccessibleProject, AuthContext, SelectedProject, Setting, select_project
from halo_iac.api.pagination import Listing
from halo_iac.api.retry import Retry
from halo_iac.api.schedules import Reader, Writer
from halo_iac.api.trpc import Json, Kind
from halo_iac.errors import Delivery, PlatformError, Rejected, SettingsError, Unreadable
from halo_iac.model.remote import Agent, RemoteSchedule

PROJECT = "project-1"


class Script:
    """A caller that gives prepared results in turn, raising those that are errors, and notes what it was asked."""

    def __init__(self, *results: Json) -> None:
        self.asked: list[tuple[str, Kind, Json]] = []
        self._results = list(results)

    def call(self, procedure: str, kind: Kind, value: Json = None, *, deadline: float | None = None) -> Json:
        del deadline
        self.asked.append((procedure, kind, value))
        answer = self._results.pop(0) if len(self._results) > 1 else self._results[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


def reader_of(script: Script) -> Reader:
    return Reader(script, Retry(sleep=lambda _: None))


def schedule(id: str, **fields: object) -> dict[str, object]:  # noqa: A002 - the platform's word
    return {"id": id, "title": f"Title {id}", "projectId": PROJECT} | fields


def page(*schedules: dict[str, object], cursor: Json = None) -> dict[str, object]:
    return {"schedules": list(schedules), "nextCursor": cursor}


def listing(*schedules: dict[str, object], gap: str | None = None) -> Listing:
    return Listing(tuple(map(RemoteSchedule, schedules)), gap)


# --- schedules -----------------------------------------------------------------------------------------------------


def test_every_cursor_is_followed_and_no_limit_is_sent() -> None:
    script = Script(page(schedule("a"), cursor="c1"), page(cursor="c2"), page(schedule("b")))
    assert reader_of(script).schedules(PROJECT, agent="agent-1") == listing(schedule("a"), schedule("b"))
    query = {"projectId": PROJECT, "includeArchived": True, "agentUuid": "agent-1"}
    assert script.asked == [
        ("haloSchedule.listForProject", "query", query),
        ("haloSchedule.listForProject", "query", query | {"cursor": "c1"}),
        ("haloSchedule.listForProject", "query", query | {"cursor": "c2"}),
    ]


def test_a_last_page_without_the_cursor_s_name_is_a_last_page() -> None:
    assert reader_of(Script({"schedules": [schedule("a")]})).schedules(PROJECT) == listing(schedule("a"))


def test_a_schedule_on_two_pages_counts_once_and_the_listing_is_read_again() -> None:
    """It has moved, perhaps past another that was on no page: here c, to the front."""
    a, b, c = map(schedule, "abc")
    script = Script(page(a, b, cursor="2"), page(b), page(c, a, cursor="2"), page(b))
    assert reader_of(script).schedules(PROJECT) == listing(c, a, b)


def test_a_listing_that_overlaps_twice_is_complete_if_nothing_is_new() -> None:
    a, b, c = map(schedule, "abc")
    script = Script(*[page(a, b, cursor="2"), page(b, c)] * 2)
    assert reader_of(script).schedules(PROJECT) == listing(a, b, c)
    assert len(script.asked) == 4


def test_a_listing_whose_pages_keep_shifting_is_incomplete() -> None:
    a, b, c = map(schedule, "abc")
    script = Script(page(a, b, cursor="2"), page(b), page(c, a, cursor="2"), page(a, b))
    gap = "schedules moved between its pages while they were read"
    assert reader_of(script).schedules(PROJECT) == listing(c, a, b, gap=gap)


@pytest.mark.parametrize(
    ("pages", "expected"),
    [
        (
            [page(schedule("a"), cursor="c"), page(schedule("b"), cursor="c"), page(schedule("never"))],
            listing(schedule("a"), schedule("b"), gap="the platform repeated a cursor"),
        ),
        (
            [page(schedule("a"), cursor="c"), page(schedule("a", title="Other"), schedule("b"))],
            listing(schedule("a"), schedule("b"), gap="schedule a was listed twice with different contents"),
        ),
        (
            [page(schedule("a"), schedule("b", projectId="project-2"))],
            listing(schedule("a"), gap="schedule b of another project was listed"),
        ),
    ],
)
def test_an_inconsistent_listing_is_incomplete_with_a_reason(pages: Sequence[Json], expected: Listing) -> None:
    assert reader_of(Script(*pages)).schedules(PROJECT) == expected


def test_a_listing_without_an_end_ends() -> None:
    class Endless:
        count = 0

        def call(self, procedure: str, kind: Kind, value: Json = None, *, deadline: float | None = None) -> Json:
            del procedure, kind, value, deadline
            self.count += 1
            return page(cursor=self.count)

    found = Reader(Endless()).schedules(PROJECT)
    assert found == listing(gap="the platform gave cursors without end")


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (None, "answered without a page of schedules"),
        ([], "answered without a page of schedules"),
        ({"schedules": None}, "answered without a page of schedules"),
        (page({"title": "T"}), "answered with a schedule that has no id"),
        (page({"id": "", "title": "T"}), "answered with a schedule that has no id"),
        (page({"id": "a"}), "answered with a schedule that has no title"),
        (page({"id": "a", "title": None}), "answered with a schedule that has no title"),
        (page("a"), "answered without a schedule"),  # type: ignore[arg-type]
        (page(cursor=["c"]), "answered with a cursor that is not text"),
        (page(cursor=True), "answered with a cursor that is not text"),
    ],
)
def test_a_listing_that_cannot_be_understood_fails_without_being_repeated(answer: Json, reason: str) -> None:
    script = Script(answer)
    with pytest.raises(Unreadable) as caught:
        reader_of(script).schedules(PROJECT)
    assert (caught.value.reason, caught.value.procedure, len(script.asked)) == (
        reason,
        "haloSchedule.listForProject",
        1,
    )


def passing() -> PlatformError:
    return PlatformError("no", procedure="p", delivery=Delivery.AMBIGUOUS, status=503, is_transient=True)


def test_a_page_is_repeated_by_itself() -> None:
    script = Script(page(schedule("a"), cursor="c"), passing(), page(schedule("b")))
    assert reader_of(script).schedules(PROJECT) == listing(schedule("a"), schedule("b"))
    assert [value.get("cursor") for _, _, value in script.asked] == [None, "c", "c"]


def test_a_page_that_keeps_failing_fails_the_listing() -> None:
    script = Script(page(schedule("a"), cursor="c"), passing())
    with pytest.raises(PlatformError):
        reader_of(script).schedules(PROJECT)
    assert len(script.asked) == 7


# --- one schedule --------------------------------------------------------------------------------------------------


def test_one_schedule_is_returned_as_sent() -> None:
    assert reader_of(Script(schedule("a", new=1))).schedule("A") == RemoteSchedule(schedule("a", new=1))


@pytest.mark.parametrize("answer", [None, {}, {"id": "a"}, schedule("b")])
def test_another_schedule_than_asked_for_is_unreadable(answer: Json) -> None:
    with pytest.raises(Unreadable):
        reader_of(Script(answer)).schedule("a")


# --- agents, models, access ----------------------------------------------------------------------------------------


def test_agents_are_read_as_far_as_they_can_be() -> None:
    sent = [
        {"id": "1", "identitySource": "agent_id", "identityValue": "checkout", "stats": {"executionCount": 7}},
        {"id": "2", "identitySource": 3, "identityValue": None, "stats": {"executionCount": True}},
        {"id": "3", "stats": None},
    ]
    script = Script(sent)
    assert reader_of(script).agents(PROJECT) == (
        Agent("1", "checkout", "agent_id", 7),
        Agent("2", None),
        Agent("3", None),
    )
    assert reader_of(script).raw_agents(PROJECT, "7d") == sent
    assert [value["timeRange"] for _, _, value in script.asked] == ["90d", "7d"]


@pytest.mark.parametrize("answer", [None, {}, "x", [{}], [None], [{"id": 7}]])
def test_agents_that_cannot_be_understood_are_an_error(answer: Json) -> None:
    with pytest.raises(Unreadable):
        reader_of(Script(answer)).agents(PROJECT)


def test_models_and_projects_are_returned_as_sent() -> None:
    assert reader_of(Script(["m", {"id": "n"}])).eligible_models() == ["m", {"id": "n"}]
    assert reader_of(Script({"any": 1})).projects() == {"any": 1}
    with pytest.raises(Unreadable):
        reader_of(Script({})).eligible_models()


CONTEXT = {
    "authMethod": "api_key",
    "teamId": "team-1",
    "resolvedProject": {"id": "p1", "name": "One"},
    "scopedProjects": [
        {"id": "p1", "name": "One", "permissions": ["read", "write"]},
        {"id": "p2", "name": None, "permissions": None},
        {"name": "no id"},
    ],
}


def test_the_auth_context_is_read_leniently() -> None:
    scoped = (AccessibleProject("p1", "One", ("read", "write")), AccessibleProject("p2"))
    expected = AuthContext("api_key", "team-1", AccessibleProject("p1", "One"), scoped, CONTEXT)
    assert reader_of(Script(CONTEXT)).auth_context() == expected
    assert reader_of(Script({})).auth_context() == AuthContext(None, None, None, (), {})
    with pytest.raises(Unreadable):
        reader_of(Script([])).auth_context()


def context(*scoped: AccessibleProject, resolved: AccessibleProject | None = None) -> Callable[[], AuthContext]:
    return lambda: AuthContext("api_key", None, resolved, scoped, {})


def test_a_named_project_costs_no_request() -> None:
    def never() -> AuthContext:
        raise AssertionError

    assert select_project(Setting("p", "--project"), never) == SelectedProject("p", "--project")


def test_the_only_project_of_a_key_is_used() -> None:
    one = AccessibleProject("p1", "One")
    expected = SelectedProject("p1", "the key's only project", "One")
    assert select_project(None, context(one)) == expected
    assert select_project(None, context(resolved=one)) == expected


def test_several_projects_are_listed() -> None:
    with pytest.raises(SettingsError) as caught:
        select_project(None, context(AccessibleProject("p1", "One\x1b[31m"), AccessibleProject("p2")))
    assert str(caught.value) == "no project is named, and the key belongs to 2 projects:\n  p1  One\u241b[31m\n  p2"
    assert "--project" in (caught.value.hint or "")


def test_no_project_at_all_is_an_error() -> None:
    with pytest.raises(SettingsError, match="does not say which"):
        select_project(None, context())


# --- writer --------------------------------------------------------------------------------------------------------


def test_a_write_is_attempted_exactly_once() -> None:
    for write in (
        lambda writer: writer.create({"title": "T"}),
        lambda writer: writer.update("a", {"title": "T"}),
        lambda writer: writer.archive("a"),
        lambda writer: writer.unarchive("a"),
    ):
        script = Script(passing())
        with pytest.raises(PlatformError):
            write(Writer(script))
        assert [kind for _, kind, _ in script.asked] == ["mutation"]


def test_a_write_returns_the_schedule_as_it_now_is() -> None:
    assert Writer(Script(schedule("a"))).create({}) == RemoteSchedule(schedule("a"))
    assert Writer(Script(schedule("a"))).archive("a") == RemoteSchedule(schedule("a"))


@pytest.mark.parametrize("answer", [None, {}, {"id": "a"}, schedule("other")])
def test_an_answer_to_a_write_that_cannot_be_understood_is_ambiguous(answer: Json) -> None:
    with pytest.raises(Unreadable) as caught:
        Writer(Script(answer)).update("a", {})
    assert (caught.value.delivery, caught.value.is_transient) == (Delivery.AMBIGUOUS, True)


def test_a_rejection_passes_through_unchanged() -> None:
    rejected = Rejected("no", procedure="p", delivery=Delivery.REFUSED, status=404)
    with pytest.raises(Rejected) as caught:
        reader_of(Script(rejected)).schedule("a")
    assert caught.value is rejected


def test_a_reader_only_asks_queries() -> None:
    calls = {
        "agents": (PROJECT,),
        "raw_agents": (PROJECT,),
        "schedules": (PROJECT,),
        "schedule": ("a",),
        "eligible_models": (),
        "eligible_summarization_models": (),
        "auth_context": (),
        "projects": (),
        "cancel": (),
    }
    public = {name for name, _ in inspect.getmembers(Reader, inspect.isfunction) if not name.startswith("_")}
    assert public == set(calls)
    for name, arguments in calls.items():
        script = Script(schedule("a") | page())
        with suppress(Unreadable):
            getattr(reader_of(script), name)(*arguments)
        assert {kind for _, kind, _ in script.asked} == ({"query"} if name != "cancel" else set())


def test_a_reader_that_gives_up_repeats_nothing() -> None:
    busy = Rejected("busy", procedure="p", delivery=Delivery.REFUSED, status=503, is_transient=True)
    script = Script(busy, schedule("a"))
    reader = reader_of(script)
    reader.cancel()
    with pytest.raises(Rejected):
        reader.schedule("a")
    assert len(script.asked) == 1
