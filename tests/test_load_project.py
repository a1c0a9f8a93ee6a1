"""A project file → Project: the example of the design, layers and origins."""

from __future__ import annotations

from pathlib import Path

from halo_iac.load import load
from halo_iac.model.project import Project

EXAMPLE = """\
version: 1
agents: {checkout: 6f1e2a9c}
defaults: {timezone: America/Los_Angeles, lookback_hours: 48}
overrides: {enabled: false}
schedules:
  checkout-daily:
    title: Daily checkout review
    agent: checkout
    frequency: weekly
    days_of_week: [thu, mon]
    at: "09:30"
    lookback: 7d
    prompt: |
      Look for errors.
"""


def loaded(folder: Path, text: str, **variables: str) -> Project:
    (folder / "halo.yaml").write_text(text, encoding="utf-8")
    return load(Path("halo.yaml"), variables=variables, cwd=folder)


def test_every_field_says_which_layer_decided_it(tmp_path: Path) -> None:
    origins = loaded(tmp_path, EXAMPLE).entries[0].origins
    fields = ("title", "hours", "lookback_hours", "timezone", "enabled", "span_limit")
    assert {field: str(origins.of(field)) for field in fields} == {
        "title": "halo.yaml:7",
        "hours": "halo.yaml:11",
        "lookback_hours": "halo.yaml:12",
        "timezone": "halo.yaml:3 (defaults)",
        "enabled": "halo.yaml:4 (overrides)",
        "span_limit": "built-in default",
    }
