"""What differs between an entry and its schedule (docs/semantics.md#diff)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import BASE, ODD_PROMPTS, THEN, entry, remote, wires

from halo_iac.diff import diff
from halo_iac.model.plan import FieldChange, Match
from halo_iac.model.remote import RemoteSchedule, UnreadableSchedule, read_spec
from halo_iac.model.schedule import FIELDS, Spec


def changed_fields(declared: dict[str, Any], held: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Return field → before and after, for an entry and a schedule that are equal but for these fields."""
    entry_ = entry("A", **declared)
    (difference,) = diff([Match(entry_, remote("1", "A", **held), entry_.spec)])
    assert difference.opaque is None
    return {field.field: (field.before, field.after) for field in difference.fields}


@pytest.mark.parametrize(
    ("declared", "held"),
    [
        ({}, {}),
        ({"hours": (9, 17)}, {"hours": [17, 9, 17]}),
        ({"minutes": (0, 30)}, {"minutes": [30, 0]}),
        ({"frequency": "hourly", "hours": ()}, {"frequency": "hourly", "hours": [9]}),
        ({}, {"daysOfWeek": [1], "daysOfMonth": [2]}),
        ({}, {"daysOfWeek": None}),
        ({"prompt": "Look.\nAgain."}, {"prompt": "Look.\r\nAgain.\r\n \n"}),
        ({"prompt": "Look.\nAgain."}, {"prompt": "Look.\rAgain."}),
        ({}, {"modelId": "halo-small", "summarizationModelId": "halo-brief"}),
        ({"timezone": "UTC"}, {"timezone": "Etc/UTC"}),
        ({}, {"enabled": False}),
        ({"enabled": True}, {"enabled": False, "autoPausedAt": THEN}),
        ({}, {"updatedAt": "2027", "createdByUserId": None, "unheardOf": [1]}),
    ],
)
def test_equivalent_values_are_no_difference(declared: dict[str, Any], held: dict[str, Any]) -> None:
    assert changed_fields(declared, held) == {}


@pytest.mark.parametrize(
    ("declared", "held", "expected"),
    [
        ({"hours": (9,)}, {"hours": [10]}, {"hours": ((10,), (9,))}),
        ({"enabled": True}, {"enabled": False}, {"enabled": (False, True)}),
        ({"model_id": "m"}, {}, {"model_id": ("halo-large", "m")}),
        ({"summarization_model_id": "s"}, {}, {"summarization_model_id": (None, "s")}),
        ({"timezone": "UTC"}, {"timezone": "Europe/London"}, {"timezone": ("Europe/London", "UTC")}),
        ({"prompt": "Look"}, {"prompt": " Look"}, {"prompt": (" Look", "Look")}),
        ({"prompt": "a\vb"}, {"prompt": "a\nb"}, {"prompt": ("a\nb", "a\vb")}),
        ({"max_turns": 1}, {"maxTurns": 2}, {"max_turns": (2, 1)}),
        (
            {"enabled": True, "agent": "b"},
            {"enabled": False, "agentUuid": "a", "autoPausedAt": THEN},
            {"agent": ("a", "b"), "enabled": (False, True)},
        ),
        (
            {"frequency": "weekly", "days_of_week": (1,)},
            {"frequency": "monthly", "daysOfMonth": [1]},
            {"frequency": ("monthly", "weekly"), "days_of_week": ((), (1,)), "days_of_month": ((1,), ())},
        ),
    ],
)
def test_differing_values_are_differences(
    declared: dict[str, Any], held: dict[str, Any], expected: dict[str, tuple[Any, Any]]
) -> None:
    assert changed_fields(declared, held) == expected


def test_fields_come_in_the_order_of_the_file_with_their_origin() -> None:
    entry_ = entry("B", "A", enabled=True, hours=(3,), max_turns=7)
    (difference,) = diff([Match(entry_, remote("1", "A", enabled=False), entry_.spec)])
    assert difference.fields == (
        FieldChange("title", "A", "B", "key-B.title.yaml:1"),
        FieldChange("hours", (9,), (3,), "key-B.hours.yaml:1"),
        FieldChange("max_turns", 50, 7, "key-B.max_turns.yaml:1"),
        FieldChange("enabled", before=False, after=True, origin="key-B.enabled.yaml:1"),
    )


def test_a_create_shows_every_field_it_sets_and_starts_enabled() -> None:
    entry_ = entry("A")
    (difference,) = diff([Match(entry_, None, entry_.spec)])
    assert difference.after == replace(BASE, title="A", enabled=True)
    shown = {field.field: field.after for field in difference.fields}
    assert all(field.before is None for field in difference.fields)
    left_out = {"days_of_week", "days_of_month", "model_id", "summarization_model_id"}
    assert shown == {name: getattr(difference.after, name) for name in FIELDS if name not in left_out}


def test_a_create_may_start_paused() -> None:
    entry_ = entry("A", enabled=False)
    (difference,) = diff([Match(entry_, None, entry_.spec)])
    assert (difference.after, difference.fields[-1].after) == (entry_.spec, False)


def test_a_retired_entry_is_not_compared() -> None:
    pair = Match(entry("A", is_retired=True), remote("1", "A"), None)
    (difference,) = diff([pair])
    assert (difference.pair, difference.after, difference.fields) == (pair, None, ())


@pytest.mark.parametrize(
    ("held", "reason"),
    [
        ({"frequency": "yearly"}, "unknown frequency 'yearly'"),
        ({"prompt": None}, "the platform's answer has no readable prompt"),
        ({"spanLimit": "many"}, "the platform's answer has no readable spanLimit"),
        ({"spanLimit": True}, "the platform's answer has no readable spanLimit"),
        ({"hours": "9"}, "the platform's answer has no readable hours"),
        ({"hours": [None]}, "the platform's answer has no readable hours"),
        ({"enabled": None}, "the platform's answer has no readable enabled"),
        ({"archivedAt": False}, "the platform's answer has no readable archivedAt"),
        ({"hours": None}, "the platform's answer has no readable hours"),
        ({"frequency": "weekly", "daysOfWeek": None}, "the platform's answer has no readable daysOfWeek"),
        ({"frequency": "monthly", "daysOfMonth": None}, "the platform's answer has no readable daysOfMonth"),
    ],
)
def test_an_unreadable_schedule_is_not_compared(held: dict[str, Any], reason: str) -> None:
    entry_ = entry("A")
    (difference,) = diff([Match(entry_, remote("1", "A", **held), entry_.spec)])
    assert (difference.opaque, difference.fields) == (UnreadableSchedule(reason), ())


@pytest.mark.parametrize(
    "name",
    [
        *("agentUuid", "frequency", "hours", "minutes", "timezone", "prompt", "archivedAt", "enabled"),
        *("spanLimit", "lookbackHours", "maxSubagentDepth", "maxTurns"),
    ],
)
def test_a_missing_field_makes_it_opaque(name: str) -> None:
    entry_ = entry("A", enabled=True)
    held = dict(remote("1", "A").wire)
    del held[name]
    (difference,) = diff([Match(entry_, RemoteSchedule(held), entry_.spec)])
    assert difference.opaque == UnreadableSchedule(f"the platform's answer has no readable {name}")


def test_a_part_that_the_frequency_ignores_may_be_missing() -> None:
    entry_ = entry("A", frequency="hourly", hours=())
    held = remote("1", "A", frequency="hourly", hours=None, daysOfWeek=None, daysOfMonth=None)
    (difference,) = diff([Match(entry_, held, entry_.spec)])
    assert (difference.opaque, difference.fields) == (None, ())


# Laws ---------------------------------------------------------------------------------------------------------------


@given(wires("1", st.just("A")))
def test_a_schedule_does_not_differ_from_itself(held: dict[str, Any]) -> None:
    spec = read_spec(held)
    if isinstance(spec, Spec):
        (difference,) = diff([Match(entry("A"), RemoteSchedule(held), spec)])
        assert (difference.fields, difference.opaque) == ((), None)


@given(wires("1", st.just("A")), wires("1", st.just("A")))
def test_exactly_the_fields_that_differ_are_in_a_diff(held: dict[str, Any], other: dict[str, Any]) -> None:
    before, spec = read_spec(held), read_spec(other)
    if isinstance(before, UnreadableSchedule) or isinstance(spec, UnreadableSchedule):
        return
    (difference,) = diff([Match(entry("A"), RemoteSchedule(held), spec)])
    is_left_out = {"enabled"} if held["autoPausedAt"] and before.agent == spec.agent else set()
    names = [name for name in FIELDS if getattr(before, name) != getattr(spec, name) and name not in is_left_out]
    assert [(field.field, field.before, field.after) for field in difference.fields] == [
        (name, getattr(before, name), getattr(spec, name)) for name in names
    ]


@given(st.sampled_from(ODD_PROMPTS) | st.text(), st.sampled_from(ODD_PROMPTS) | st.text())
def test_two_prompts_differ_exactly_if_their_text_does(one: str, other: str) -> None:
    spec = read_spec(dict(remote("1", "A", prompt=one).wire))
    held = remote("1", "A", prompt=other)
    assert isinstance(spec, Spec)
    (difference,) = diff([Match(entry("A"), held, spec)])
    assert bool(difference.fields) == (spec != held.spec())
