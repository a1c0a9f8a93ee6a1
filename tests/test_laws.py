"""The laws, over generated projects and platform states, against the sandbox in this process.

See docs/architecture.md#laws.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, NamedTuple

from apply_harness import Harness, open_harness
from command_line import CommandLine
from hypothesis import given
from hypothesis import strategies as st
from project_files import load_document
from receipts import RecordedWrites
from sandbox_calls import PROJECT
from strategies import AGENTS, HOST, any_titles, documents, plain_titles, platforms, targets

from halo_iac.api.retry import Retry
from halo_iac.api.schedules import Reader, Writer
from halo_iac.apply import apply
from halo_iac.model.apply_result import Status, Summary, summarize
from halo_iac.model.plan import Action, Cause, Plan, PlanList
from halo_iac.model.project import Project
from halo_iac.model.remote import PlatformState, RemoteSchedule, UnreadableSchedule
from halo_iac.model.schedule import Spec
from halo_iac.observe import observe
from halo_iac.pausing import PauseRequest, Selection
from halo_iac.pipeline import PlanRequest, ProjectSource, plan_pause, plan_project, plan_projects, plan_undo
from halo_iac.plan import Overrides
from halo_iac.render.json import plan_json, plans_json, read_plan
from halo_iac.sandbox.faults import Cut, Fault, Pass, Refuse
from halo_iac.sandbox.platform import Sandbox
from halo_iac.workers import StopSignal

Document = dict[str, Any]
Wires = list[dict[str, Any]]


@dataclass
class World:
    """A platform, and people who plan and apply there."""

    harness: Harness

    @property
    def actual(self) -> PlatformState:
        return observe(Reader(self.harness.transport, Retry(attempts=1)), PROJECT)

    def plan(self, document: Document, chosen: Sequence[str] = ()) -> Plan:
        return planned(load_document(document), self.actual, chosen)

    def apply(
        self,
        plan: Plan,
        *,
        stop_signal: StopSignal | None = None,
        concurrency: int = 1,
        recorder: RecordedWrites | None = None,
    ) -> Summary:
        """Carry out a plan that is not refused; its waits take no time."""
        stop_signal = stop_signal or StopSignal()
        events = apply(
            plan,
            Reader(self.harness.transport, Retry(attempts=1)),
            Writer(self.harness.transport),
            stop_signal=stop_signal,
            retry=Retry(stop=stop_signal.interrupted, attempts=2, sleep=lambda _: None, chance=lambda: 0.0),
            concurrency=concurrency,
            recorder=recorder,
            check_after=(0.0, 0.0),
        )
        return summarize(plan.changes, list(events), is_interrupted=stop_signal.interrupted.is_set())

    def plan_undo(self, kept: RecordedWrites, document: Document | None = None) -> Plan:
        """Plan the way back, with every word given."""
        project_ = Project("halo.yaml", ()) if document is None else load_document(document)
        return plan_undo(
            kept.receipt(), lambda: project_, lambda _: (HOST, self.actual), Overrides(1_000), allows_gap=False
        )

    def shown(self) -> Counter[str]:
        """Return what the platform holds, but for ids and instants."""
        shown = (
            {**each, "id": None, "createdAt": None, "updatedAt": None, "archivedAt": each["archivedAt"] is not None}
            for each in self.harness.sandbox.schedules()
        )
        return Counter(json.dumps(each, sort_keys=True) for each in shown)


@contextmanager
def open_world(wires: Wires) -> Iterator[World]:
    with open_harness() as opened:
        opened.sandbox.seed(PROJECT, wires)
        yield World(opened)


def planned(project_: Project, actual: PlatformState, chosen: Sequence[str] = ()) -> Plan:
    """Plan with every word given: guards are refusals and no laws; here they would only hide what a plan does."""
    overrides = Overrides(1_000, frozenset(entry.key for entry in project_.entries))
    return plan_project(lambda: project_, lambda _: (HOST, actual), PlanRequest(tuple(chosen), overrides))


def state_of(wires: Wires) -> PlatformState:
    return PlatformState(tuple(map(RemoteSchedule, wires)), AGENTS)


class Drawn(NamedTuple):
    """A project file, the platform it is for, and the entries a command is limited to."""

    document: Document
    wires: Wires
    targets: tuple[str, ...]


@st.composite
def draws(draw: st.DrawFn) -> Drawn:
    wires = draw(platforms(plain_titles))
    document = draw(documents(each["id"] for each in wires))
    return Drawn(document, wires, draw(targets(document)))


worlds = draws()


# A plan -------------------------------------------------------------------------------------------------------------


@given(worlds)
def test_a_plan_goes_to_json_and_back(drawn: Drawn) -> None:
    document, wires, chosen = drawn
    plan = planned(load_document(document), state_of(wires), chosen)
    assert read_plan(plan_json(plan).encode()) == plan


@given(worlds, worlds, st.booleans())
def test_a_plan_of_several_files_is_the_union_of_their_plans(one: Drawn, other: Drawn, is_one_project: bool) -> None:
    hosts = (HOST, HOST if is_one_project else replace(HOST, project_id="another"))
    projects = [load_document(drawn.document)._replace(path=name) for drawn, name in ((one, "a"), (other, "b"))]
    states = [state_of(one.wires), state_of(one.wires if is_one_project else other.wires)]
    sources = [
        ProjectSource(lambda each=each: each, lambda _, seen=(host, state): seen, PlanRequest())
        for each, host, state in zip(projects, hosts, states, strict=True)
    ]
    together = plan_projects(sources, allow_archive=1_000)
    alone = [plan_project(source.load, source.observe, PlanRequest((), Overrides(1_000))) for source in sources]
    kept = [tuple(each for each in plan.refusals if each.guard != "overlap") for plan in together]
    assert [replace(plan, refusals=rest) for plan, rest in zip(together, kept, strict=True)] == alone
    overlaps = [any(each.guard == "overlap" for each in plan.refusals) for plan in together]
    changed = [{change.id or change.title for change in plan.changes} for plan in alone]
    assert overlaps[0] == overlaps[1]
    assert overlaps[0] or not (is_one_project and changed[0] & changed[1])
    assert not overlaps[0] or is_one_project
    assert read_plan(plans_json(together).encode()) == PlanList(1, together)


@given(worlds, st.randoms(use_true_random=False))
def test_input_order_never_matters(drawn: Drawn, chance: random.Random) -> None:
    document, wires, chosen = drawn
    project_, actual = load_document(document), state_of(wires)
    turned_project = project_._replace(entries=tuple(chance.sample(project_.entries, len(project_.entries))))
    turned = PlatformState(
        tuple(chance.sample(actual.schedules, len(actual.schedules))),
        tuple(chance.sample(actual.agents, len(actual.agents))),
    )
    turned_targets = chance.sample(chosen, len(chosen))
    assert plan_json(planned(turned_project, turned, turned_targets)) == plan_json(planned(project_, actual, chosen))


@given(worlds)
def test_an_update_has_a_visible_field(drawn: Drawn) -> None:
    document, wires, chosen = drawn
    for change in planned(load_document(document), state_of(wires), chosen).changes:
        assert change.fields or change.action in {Action.UNARCHIVE, Action.ARCHIVE}
        assert all(field.before != field.after for field in change.fields)


@given(worlds)
def test_nothing_undeclared_is_archived_unless_the_file_says_so(drawn: Drawn) -> None:
    document, wires, chosen = drawn
    plan = planned(load_document(document), state_of(wires), chosen)
    archived = [change for change in plan.changes if change.action is Action.ARCHIVE]
    retired = {key for key, each in document["schedules"].items() if each.get("state") == "archived"}
    assert all(change.key in retired for change in archived if change.cause is not Cause.UNDECLARED)
    gone = {change.id for change in archived if change.cause is Cause.UNDECLARED}
    assert not gone or document["undeclared"] == "archive"
    # Only a pin can leave a schedule with a declared title without an entry.
    titles = {each["title"] for each in document["schedules"].values() if "id" not in each}
    pins = {each.get("id") for each in document["schedules"].values()}
    agents, prefix = plan.policy.scope_agents, plan.policy.title_prefix or ""
    for each in (each for each in wires if each["id"] in gone):
        assert each["title"] not in titles
        assert each["id"] not in pins
        assert agents is None or each["agentUuid"] in agents
        assert each["title"].startswith(prefix)


@given(worlds)
def test_an_applicable_plan_neither_archives_nor_pauses_protected_schedules(drawn: Drawn) -> None:
    document, wires, chosen = drawn
    plan = planned(load_document(document), state_of(wires), chosen)
    silenced = [change.before.title for change in plan.changes if change.is_removal and change.before]
    globs = document.get("protect", ())
    assert plan.blocking_violations or not any(fnmatchcase(title, glob) for title in silenced for glob in globs)


@given(worlds)
def test_a_plan_limited_to_entries_does_not_touch_others(drawn: Drawn) -> None:
    document, wires, chosen = drawn
    plan = planned(load_document(document), state_of(wires), chosen)
    if chosen and not plan.blocking_violations:
        assert {change.key for change in plan.changes} <= set(chosen)


IN_ANOTHER_PROCESS = """
import sys
sys.path[:0] = sys.argv[1:]
from strategies import entry, project, wire
from test_laws import plan_json, planned, state_of
wires = [wire(str(at), title, is_archived=at > 5) for at, title in enumerate("ABCAXYBZ")]
entries = [entry("A"), entry("B", "X", hours=(1,)), entry("D", "Y"), entry("E", "Y"), entry("F", agent="no")]
print(plan_json(planned(project(*entries), state_of(wires))))
"""


def test_the_same_inputs_give_the_same_bytes_in_every_process() -> None:
    here = Path(__file__).parent
    outputs = {
        subprocess.run(
            [sys.executable, "-c", IN_ANOTHER_PROCESS, str(here), str(here.parent)],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
            timeout=60,
        ).stdout
        for seed in ("1", "2")
    }
    assert [len(output) > 1000 for output in outputs] == [True]


# Plan and apply -----------------------------------------------------------------------------------------------------


@given(worlds, st.sampled_from([1, 8]))
def test_a_plan_after_an_apply_is_empty(drawn: Drawn, concurrency: int) -> None:
    document, wires, chosen = drawn
    with open_world(wires) as there:
        plan = there.plan(document, chosen)
        if plan.blocking_violations:
            return
        summary = there.apply(plan, concurrency=concurrency)
        assert {event.status for event in summary.events} <= {Status.DONE}
        again = there.plan(document, chosen)
        assert (again.changes, again.blocking_violations) == ((), ()) or plan.blocked
        assert {each.key for each in again.blocked} <= {each.key for each in plan.blocked}
        assert there.apply(again).exit_code == 0
        assert there.plan(document, chosen).changes == ()


@given(worlds)
def test_undeclared_schedules_are_not_changed(drawn: Drawn) -> None:
    document, wires, chosen = drawn
    with open_world(wires) as there:
        plan = there.plan({**document, "undeclared": "report"}, chosen)
        there.apply(plan)
        left = {each.id for each in plan.undeclared}
        now = there.harness.sandbox.schedules()
        assert [each for each in now if each["id"] in left] == [each for each in wires if each["id"] in left]


# An apply that is stopped -------------------------------------------------------------------------------------------

FAULTS = {
    "lost before": Fault("*", Cut(), when="before"),
    "lost after": Fault("*", Cut(), when="after"),
    "two lost before": Fault("*", Cut(), times=2, when="before"),
    "two lost after": Fault("*", Cut(), times=2, when="after"),
    "down": Fault("*", Refuse("SERVICE_UNAVAILABLE"), times=None),
    "gone": Fault("*", Cut(), times=None, when="before"),
    "answers lost": Fault("*", Cut(), times=None, when="after"),
    "refused": Fault("*", Refuse("BAD_REQUEST")),
    "no key": Fault("*", Refuse("UNAUTHORIZED"), times=None),
}


class Undisturbed(NamedTuple):
    """What an apply and its repetition come to, how many requests the first takes, and what stops the second.

    Guards look at what a plan does. The archives that the first one withholds, while an entry is blocked, are in the
    second, and a guard that no command line overrides may stop that one however smoothly the first has gone.
    """

    shown: Counter[str]
    requests: int
    stopping: frozenset[str]


def assert_converges(there: World, document: Document, chosen: Sequence[str], expected: Undisturbed) -> None:
    """Apply again, as often as a person would, and compare with what an undisturbed run has made.

    Where a guard would have stopped that one as well, a person has given the word, in the file, to both.
    """
    for _ in range(2):
        plan = there.plan(document, chosen)
        assert blocking_guards(plan) <= expected.stopping
        there.apply(plan)
    assert there.plan(document, chosen).changes == ()
    assert there.shown() == expected.shown


def blocking_guards(plan: Plan) -> frozenset[str]:
    return frozenset(refusal.guard for refusal in plan.blocking_violations)


def undisturbed(document: Document, wires: Wires, chosen: Sequence[str]) -> Undisturbed | None:
    """Return what an apply comes to; ``None`` if there is nothing it may do."""
    with open_world(wires) as there:
        plan = there.plan(document, chosen)
        if plan.blocking_violations or not plan.changes:
            return None
        before = len(there.harness.sandbox.requests)
        there.apply(plan)
        took = len(there.harness.sandbox.requests) - before
        again = there.plan(document, chosen)
        there.apply(again)
        return Undisturbed(there.shown(), took, blocking_guards(again))


@given(worlds, st.data(), st.sampled_from(sorted(FAULTS)))
def test_an_apply_that_failed_anywhere_and_is_repeated_converges(drawn: Drawn, data: st.DataObject, fault: str) -> None:
    document, wires, chosen = drawn
    expected = undisturbed(*drawn)
    if expected is None:
        return
    with open_world(wires) as there:
        plan = there.plan(document, chosen)
        passing = data.draw(st.integers(0, expected.requests - 1), label="requests before the fault")
        there.harness.sandbox.faults.add(Fault("*", Pass(), times=passing), FAULTS[fault])
        there.apply(plan)
        there.harness.sandbox.faults.clear()
        assert_converges(there, document, chosen, expected)


@given(worlds, st.data())
def test_an_apply_that_was_interrupted_anywhere_and_is_repeated_converges(drawn: Drawn, data: st.DataObject) -> None:
    document, wires, chosen = drawn
    expected = undisturbed(*drawn)
    if expected is None:
        return
    with open_world(wires) as there:
        plan = there.plan(document, chosen)
        left = data.draw(st.integers(0, expected.requests - 1), label="requests before Ctrl-C")
        stop_signal = StopSignal()
        answer = there.harness.sandbox.answer

        def counting(request: Any) -> Any:  # noqa: ANN401 - as the sandbox takes and gives them
            nonlocal left
            left -= 1
            if left < 0:
                stop_signal.interrupt()
            return answer(request)

        there.harness.sandbox.answer = counting  # type: ignore[method-assign]
        there.apply(plan, stop_signal=stop_signal)
        there.harness.sandbox.answer = answer  # type: ignore[method-assign]
        assert_converges(there, document, chosen, expected)


# Undo ---------------------------------------------------------------------------------------------------------------


def undo_repeatedly(there: World, kept: RecordedWrites) -> list[RecordedWrites]:
    """Undo until there is nothing more to do, and return the receipts of that, the latest first.

    One title may have to be freed by an archive, which comes last, so one undo is not always enough.
    """
    receipts: list[RecordedWrites] = []
    for _ in range(4):
        plan = there.plan_undo(kept)
        if not plan.changes:
            return receipts
        receipts.insert(0, RecordedWrites())
        summary = there.apply(plan, recorder=receipts[0])
        assert {event.status for event in summary.events} <= {Status.DONE}
    raise AssertionError("it never ends")


def assert_as_before(there: World, kept: RecordedWrites, before: PlatformState) -> None:
    """Hold the platform against what it was, but for what the run has created and what shares a title with another."""
    blocked = {id_ for each in there.plan_undo(kept).blocked for id_ in each.ids}
    old, new = comparable_forms(before), comparable_forms(there.actual)
    assert {id_: new[id_] for id_ in old if id_ not in blocked} == {
        id_: form for id_, form in old.items() if id_ not in blocked
    }
    assert not any(new[id_][0] for id_ in new.keys() - old.keys())
    titles = Counter(each.title for each in before.schedules if each.is_active)
    stuck = {each.id for each in before.schedules if titles[each.title] > 1}
    holders = {each.title: each.id for each in there.actual.schedules if each.is_active}
    while more := {each.id for each in before.schedules if holders.get(each.title) in stuck} - stuck:
        stuck |= more  # its title is held by one that cannot have its own back
    assert blocked & {each.id for each in before.schedules} <= stuck


def comparable_forms(actual: PlatformState) -> dict[str, tuple[bool, Spec | UnreadableSchedule]]:
    """Return what every schedule is, by id: whether it is active, and its comparable form."""
    return {each.id: (each.is_active, each.spec()) for each in actual.schedules}


@given(worlds, st.sampled_from([1, 8]))
def test_an_undone_apply_leaves_everything_as_it_was(drawn: Drawn, concurrency: int) -> None:
    document, wires, chosen = drawn
    with open_world(wires) as there:
        plan = there.plan(document, chosen)
        if plan.blocking_violations:
            return
        before, kept = there.actual, RecordedWrites()
        there.apply(plan, concurrency=concurrency, recorder=kept)
        applied = there.actual
        undos = undo_repeatedly(there, kept)
        assert_as_before(there, kept, before)
        for undo in undos:
            undo_repeatedly(there, undo)
        if len(undos) == 1:
            assert_as_before(there, undos[0], applied)


@given(worlds, st.sampled_from([Cause.PAUSED, Cause.RESUMED]), st.sampled_from([1, 8]))
def test_a_pause_changes_enabled_alone_and_can_be_undone(drawn: Drawn, cause: Cause, concurrency: int) -> None:
    document, wires, _ = drawn
    with open_world(wires) as there:
        before, kept, project_ = there.actual, RecordedWrites(), load_document(document)
        request = PauseRequest(cause, Selection(), includes_protected=True)
        plan = plan_pause(request, lambda: project_, lambda _: (HOST, before)).plan
        summary = there.apply(plan, concurrency=concurrency, recorder=kept)
        assert {event.status for event in summary.events} <= {Status.DONE}
        wanted = {change.id: change.after for change in plan.changes}
        assert comparable_forms(there.actual) == {
            id_: (is_active, wanted.get(id_, spec)) for id_, (is_active, spec) in comparable_forms(before).items()
        }
        undo_repeatedly(there, kept)
        assert comparable_forms(there.actual) == comparable_forms(before)


@given(worlds, st.data(), st.sampled_from(sorted(FAULTS)))
def test_an_apply_that_failed_anywhere_can_be_undone(drawn: Drawn, data: st.DataObject, fault: str) -> None:
    document, wires, chosen = drawn
    expected = undisturbed(*drawn)
    if expected is None:
        return
    with open_world(wires) as there:
        plan, before, kept = there.plan(document, chosen), there.actual, RecordedWrites()
        passing = data.draw(st.integers(0, expected.requests - 1), label="requests before the fault")
        there.harness.sandbox.faults.add(Fault("*", Pass(), times=passing), FAULTS[fault])
        there.apply(plan, recorder=kept)
        there.harness.sandbox.faults.clear()
        undo_repeatedly(there, kept)
        assert_as_before(there, kept, before)


# Import -------------------------------------------------------------------------------------------------------------


@given(platforms(any_titles, most=5))
def test_import_then_plan_is_empty_for_any_platform_state(wires: Wires) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file, database = Path(folder) / "halo.yaml", Path(folder) / "sandbox.db"
        with Sandbox.open(database) as sandbox:
            sandbox.seed(PROJECT, wires)
        ended = CommandLine({"INF_CONFIG_DIR": folder})(
            "import", "--file", str(file), "--sandbox-file", str(database), "--json"
        )
        assert (ended.code, ended.json["changes"], ended.json["blocked"]) == (0, [], []), ended.err
        readable = [each for each in wires if not isinstance(RemoteSchedule(each).spec(), UnreadableSchedule)]
        listed = ended.json["unchanged"] + len(ended.json["paused"])
        assert listed == sum(each["archivedAt"] is None for each in readable)
