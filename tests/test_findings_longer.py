"""What a hint says about a look-back that is too short when clocks go back, done: one edit is enough."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from halo_iac.findings import run_rules
from halo_iac.load import load
from halo_iac.model.finding import Finding

FOLDER = Path(__file__).parent
DAILY: dict[str, Any] = {"frequency": "daily", "at": "09:00"}
MONDAYS: dict[str, Any] = {"frequency": "weekly", "days_of_week": "mon", "at": "09:00"}
CADENCES = (
    (DAILY, {"lookback_hours": 24}),
    (MONDAYS, {"lookback": "7d"}),
    ({**MONDAYS, "days_of_week": ["mon", "thu"]}, {"lookback": "4d"}),
    ({**DAILY, "at": ["09:00", "17:00"]}, {"lookback_hours": 16}),
    ({"frequency": "monthly", "days_of_month": 1, "at": "09:00"}, {"lookback": "31d"}),
)
"""When something fires, and what it needs to look back but for the hour when clocks go back."""
ZONES = ("America/New_York", "Europe/Berlin", "Antarctica/Troll", "Australia/Lord_Howe", "UTC")


def project_of(schedules: dict[str, Any], **layers: Any) -> dict[str, Any]:  # noqa: ANN401 - a file's own fields
    entries = {key: {"title": key, "agent": key, **fields} for key, fields in schedules.items()}
    return {"version": 1, "findings": {"paid-twice": "off"}, **layers, "schedules": entries}


def found_in(document: dict[str, Any]) -> list[Finding]:
    drafts = {FOLDER / "halo.yaml": json.dumps(document).encode()}
    read = load(Path("halo.yaml"), variables={}, cwd=FOLDER, drafts=drafts)
    return [finding for finding in run_rules(read) if finding.rule == "coverage-gap-dst"]


def written(hint: str) -> str:
    """Return what a hint says to write."""
    (found,) = re.fullmatch(r"set (.+), or set `findings: .+", hint).groups()  # type: ignore[union-attr]
    return str(found)


def mended(document: dict[str, Any], hint: str) -> dict[str, Any]:
    """Do what a hint says."""
    changed: dict[str, Any] = json.loads(json.dumps(document))
    parts = re.split(r"`(lookback|lookback_hours): (\w+)` in ", written(hint))[1:]
    for name, value, places in zip(parts[::3], parts[1::3], parts[2::3], strict=True):
        for place in re.findall(r"`([^`]+)`", places):
            is_layer = place.endswith(":")
            fields = changed.setdefault(place[:-1], {}) if is_layer else changed["schedules"][place]
            for spelling in ("lookback", "lookback_hours"):
                fields.pop(spelling, None)
            fields[name] = value if name == "lookback" else int(value)
    return changed


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    """Draw projects of as few entries as are listed, which look back as far as their cadence needs, or by default."""
    schedules = {}
    for key in "abcde"[: draw(st.integers(1, 5))]:
        cadence, enough = draw(st.sampled_from(CADENCES))
        schedules[key] = {**cadence, "timezone": draw(st.sampled_from(ZONES)), **draw(st.sampled_from([enough, {}]))}
    layer = draw(st.sampled_from(["defaults", "overrides"]))
    fields = draw(st.sampled_from([{}, *(enough for _, enough in CADENCES)]))
    return project_of(schedules, **{layer: fields})


@given(documents())
def test_one_edit_as_the_hint_says_is_enough_for_all(document: dict[str, Any]) -> None:
    for finding in found_in(document):
        assert found_in(mended(document, finding.hint or "")) == []


NEW_YORK = {"timezone": "America/New_York"}
TROLL = {"timezone": "Antarctica/Troll"}
WEEK, DAY = {"lookback": "7d"}, {"lookback_hours": 24}


def several(count: int, fields: dict[str, Any]) -> dict[str, Any]:
    return {f"k{number}": fields for number in range(count)}


def nights(count: int) -> dict[str, Any]:
    """Return entries that leave ever more hours from 23:00 on, and look back as far."""
    return {
        f"k{hours}": {**DAILY, "at": ["23:00", f"{hours - 1}:00"], "lookback_hours": hours}
        for hours in range(13, 13 + count)
    }


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (
            project_of({"a": DAILY, "b": DAILY, "c": {**MONDAYS, **WEEK}}, defaults={**NEW_YORK, **DAY}),
            "`lookback: 25h` in `defaults:`, and `lookback: 169h` in `c`",
        ),
        (
            project_of({"a": DAILY, "b": {**DAILY, **DAY}, "c": {**MONDAYS, **WEEK}}, defaults=NEW_YORK),
            "`lookback: 25h` in `a` and `b`, and `lookback: 169h` in `c`",
        ),
        (
            project_of({"a": {**DAILY, **DAY}, "b": {**DAILY, "lookback_hours": 16}}, overrides={**NEW_YORK, **DAY}),
            "`lookback: 25h` in `overrides:`",
        ),
        (
            project_of({"a": DAILY, "b": DAILY}, overrides={**NEW_YORK, "schedules": {"a": DAY, "b": DAY}}),
            "`lookback: 25h` in `a` and `b` of `overrides.schedules:`",
        ),
        (
            project_of({"a": {**DAILY, **NEW_YORK}, "b": {**DAILY, **TROLL}}, defaults=DAY),
            "`lookback: 26h` in `defaults:`",
        ),
        (project_of(several(6, DAILY), defaults=NEW_YORK), "`lookback: 25h` in `defaults:`"),
        (
            project_of(several(6, {**DAILY, **DAY}), defaults=NEW_YORK),
            "`lookback: 25h` in `k0`, `k1`, `k2`, `k3`, `k4` and 1 more",
        ),
        (
            project_of({"a": DAILY, **nights(7)}, defaults={**NEW_YORK, **DAY}),
            (
                "`lookback: 25h` in `defaults:`, `lookback: 14h` in `k13`, `lookback: 15h` in `k14`, "
                "`lookback: 16h` in `k15`, `lookback: 17h` in `k16`, `lookback: 18h` in `k17`, "
                "and 1 hour more than now in 2 others"
            ),
        ),
    ],
)
def test_a_hint_says_how_far_to_look_back_in_which_place(document: dict[str, Any], said: str) -> None:
    (finding,) = found_in(document)
    assert written(finding.hint or "") == said
