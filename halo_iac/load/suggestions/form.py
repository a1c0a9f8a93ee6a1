"""Hints for values of the wrong form, and detection of files that belong to other tools."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

_EXAMPLES: Final = {
    "version": "version: 1",
    "title": "title: Daily checkout review",
    "agent": "agent: checkout",
    "frequency": "frequency: daily",
    "cron": 'cron: "0 9 * * *"',
    "at": 'at: "09:00"',
    "hours": "hours: [9]",
    "days_of_week": "days_of_week: [mon, thu]",
    "days_of_month": "days_of_month: [1, 15]",
}
"""Examples for fields that may be required: their hint does not suggest to remove an empty key."""

_SPLIT: Final = {
    "agent": "a schedule has one agent: write an entry for each",
    "cron": "a schedule has one cron expression: write an entry for each",
    "title": "a schedule has one title: write an entry for each",
}
_SINGLE: Final = "write it without brackets and dashes"


def suggest_value(field: str) -> str:
    """Return the hint for a key without a value."""
    example = _EXAMPLES.get(field)
    return f"give it a value, such as `{example}`" if example else "give it a value, or remove the key"


def suggest_for_list(field: str, values: list[Any]) -> str | None:
    """Return the hint for a list where a text is expected."""
    if field == "prompt":
        return "write `prompt: |` with the text indented below it"
    return _SINGLE if len(values) == 1 else _SPLIT.get(field)


# Files of other tools -----------------------------------------------------------------------------------------------


def detect_other_tool(root: Mapping[str, Any]) -> str | None:
    """Return the tool that a file without version and schedules belongs to; ``None`` if it could be halo's."""
    kind = root.get("kind")
    if isinstance(kind, str) and "apiVersion" in root:
        return f"a Kubernetes {kind}" if re.fullmatch("[A-Za-z]{1,40}", kind) else "a Kubernetes object"
    for keys, name in _TOOLS:
        if keys <= root.keys():
            return name
    below = [value for value in root.values() if isinstance(value, dict)]
    if any("tasks" in each and not _OF_A_DAG.isdisjoint(each) for each in below):
        return "an Airflow DAG"
    return "a GitLab pipeline" if any("script" in each for each in below) else None


_TOOLS: Final = (
    (frozenset({"jobs", "on"}), "a GitHub Actions workflow"),
    (frozenset({"deployments"}), "a Prefect deployment file"),
    (frozenset({"dag_id"}), "an Airflow DAG"),
    (frozenset({"config-version"}), "a dbt project file"),
    (frozenset({"model-paths"}), "a dbt project file"),
    (frozenset({"models", "version"}), "a dbt properties file"),
    (frozenset({"sources", "version"}), "a dbt properties file"),
    (frozenset({"jobs"}), "a file of CI or dbt jobs"),
    (frozenset({"services"}), "a Docker Compose file"),
)
_OF_A_DAG: Final = frozenset({"default_args", "schedule", "schedule_interval"})
_CRON: Final = re.compile(r"(?:[0-9*/,-]+[ ]+){2}(?:[0-9A-Za-z*/,-]+[ ]+){2}[0-9A-Za-z*/,-]+")
_CADENCE_KEYS: Final = frozenset({"cron", "schedule", "schedule_interval"})
_MAX_DEPTH: Final = 8
_PYTHON: Final = re.compile(r"(?m)^(?:from|import) (airflow|prefect|dagster)\b")
_CRONTAB: Final = re.compile(rf"(?m)^{_CRON.pattern}[ \t]+[^\s#:]")
_START: Final = "a project file has `version: 1`, and entries with title, agent and cadence under `schedules:`"


def how_to_start(root: Mapping[str, Any]) -> str:
    """Return what a project file needs, and where the cadence of another tool's file goes."""
    cron = next(_crons(root, 0), None)
    return _START if cron is None else f'{_START}; write its cadence as `cron: "{cron}"`'


def _crons(node: object, depth: int) -> Iterator[str]:
    children = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in children if depth < _MAX_DEPTH else ():
        if isinstance(value, str) and key in _CADENCE_KEYS and _CRON.fullmatch(value):
            yield value
        else:
            yield from _crons(value, depth + 1)


def detect_other_format(text: str) -> tuple[str, str] | None:
    """Return the message and hint for a text that is not YAML but another known format."""
    found = _PYTHON.search(text)
    if found is not None:
        return f"this looks like Python for {found[1].title()}, not like a project file", _START
    if _CRONTAB.search(text[:10_000]) is not None:
        return "this looks like a crontab, not like a project file", f"{_START}; `cron:` takes the first five fields"
    return None
