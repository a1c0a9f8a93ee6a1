"""A project with two hundred changes of every kind, the platform before them, and what it must hold after them."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from forked import HaloProcess
from sandbox_calls import PROJECT
from strategies import wire

from halo_iac.sandbox import demo
from halo_iac.sandbox.platform import Sandbox

ROOT = Path(__file__).parent.parent

NEW, CHANGED, RENAMED, BACK, GONE = (
    [f"{word} {number}" for number in range(count)]
    for word, count in (("New", 60), ("Changed", 60), ("Renamed", 30), ("Back", 30), ("Gone", 20))
)
CALLS = 1 + 1 + 2 * len(RENAMED) + 1 + len(NEW) + 1 + 2 * len(CHANGED) + 2 * 15 + 3 * 15 + 2 * len(GONE)
"""What an apply asks: agents, schedules, each rename read and written, schedules, creates, schedules again, each update
read and written, thirty to bring back, of which half are updated as well, and each archive read and written."""

Active = Mapping[str, list[int]]
"""Title of an active schedule → the hours at which each that has it fires."""

DONE: Active = {title: [9] for title in (*NEW, *CHANGED, *RENAMED, *BACK)}


def bulk_document(prefix: str = "") -> dict[str, Any]:
    """Return the project file; its JSON is YAML."""
    entries = {title: {"title": prefix + title} for title in (*NEW, *CHANGED, *RENAMED, *BACK)}
    for title in RENAMED:
        entries[title]["renamed_from"] = f"{prefix}Former {title}"
    schedules = {title.lower().replace(" ", "-"): entry for title, entry in entries.items()}
    cadence = {"agent": "checkout", "frequency": "daily", "hours": [9], "prompt": "Look."}
    scope = {"scope": {"title_prefix": prefix}} if prefix else {}
    return {
        "version": 1,
        "undeclared": "archive",
        **scope,
        "schedules": {key: entry | cadence for key, entry in schedules.items()},
    }


def bulk_schedules(prefix: str = "") -> Iterator[dict[str, Any]]:
    """Yield what the platform holds before; every second one to bring back has another hour."""
    numbers = iter(range(1000))

    def one(title: str, hour: int, **fields: object) -> dict[str, Any]:
        id_ = f"5c000000-0000-4000-8000-{ord(prefix[0]) if prefix else 0:06}{next(numbers):06}"
        return wire(id_, prefix + title, hours=[hour], **fields)

    yield from (one(title, 7) for title in CHANGED)
    yield from (one(f"Former {title}", 9) for title in RENAMED)
    yield from (one(title, 9 - number % 2, is_archived=True) for number, title in enumerate(BACK))
    yield from (one(title, 3) for title in GONE)


def active(sandbox: Sandbox) -> Active:
    """Return what is active now; a title with more than one hour is a duplicate."""
    found: dict[str, list[int]] = {}
    for each in sandbox.schedules():
        if each["archivedAt"] is None:
            found.setdefault(each["title"], []).extend(each["hours"])
    return found


def start_apply(url: str, folder: Path, *argv: str) -> HaloProcess:
    """Start ``halo apply`` in a process of its own, as fast as it may be."""
    env = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "INF_API_URL": url,
        "INF_API_KEY": demo.DEMO_KEY,
        "INF_PROJECT_ID": PROJECT,
    }
    command = ("apply", "--yes", "--json", "--allow-archive", str(len(GONE)), "--max-rps", "10000")
    return HaloProcess(*command, *argv, cwd=folder, env=env)


def write_document(folder: Path, document: Mapping[str, Any], name: str = "halo.yaml") -> None:
    (folder / name).write_text(json.dumps(document), encoding="utf-8")
