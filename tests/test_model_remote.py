"""What the platform holds, compared with what is declared without projecting it first."""

from dataclasses import replace

import pytest
from wire_samples import WIRE

from halo_iac.model.remote import RemoteSchedule, read_spec
from halo_iac.model.schedule import WIRE_NAMES, Spec

DECLARED = replace(read_spec(WIRE), model_id=None, enabled=None)  # type: ignore[type-var]


def shows(spec: Spec, **changed: object) -> bool:
    return RemoteSchedule({**WIRE, **changed}).matches(spec)


def test_a_schedule_shows_what_it_was_read_as() -> None:
    spec = read_spec(WIRE)
    assert isinstance(spec, Spec)
    assert shows(spec)
    assert shows(DECLARED)
    assert shows(DECLARED, modelId=None, enabled=False, summarizationModelId="halo-brief")


@pytest.mark.parametrize("name", [name for name in WIRE if name != "id"])
def test_a_schedule_without_one_field_is_looked_at_more_closely(name: str) -> None:
    wire = {key: value for key, value in WIRE.items() if key != name}
    assert not RemoteSchedule(wire).matches(DECLARED)


@pytest.mark.parametrize(
    ("name", "held"),
    [
        ("title", "Daily Review"),
        ("agentUuid", None),
        ("frequency", "fortnightly"),
        ("daysOfWeek", [4, 1]),
        ("daysOfMonth", None),
        ("hours", "9"),
        ("minutes", [0, 0]),
        ("prompt", "Look for slow spans.\n"),
        ("spanLimit", "10000"),
        ("modelId", 3),
        ("enabled", None),
        ("archivedAt", False),
    ],
)
def test_any_other_value_is_looked_at_more_closely(name: str, held: object) -> None:
    assert not shows(DECLARED, **{name: held})


def test_declared_choices_are_compared() -> None:
    spec = replace(DECLARED, model_id="halo-large", enabled=True)
    assert shows(spec)
    assert not shows(spec, modelId="halo-small")
    assert not shows(spec, enabled=False)


def test_the_names_on_the_wire_are_those_of_a_spec() -> None:
    assert tuple(WIRE_NAMES) == Spec.__slots__
