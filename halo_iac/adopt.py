"""Import (adopt): schedules of the platform → YAML whose plan is empty (design §3.10).

What cannot be declared (an empty prompt, a value out of the documented range) is left out and named, since an entry
that ``validate`` refuses would help nobody; it shows up in the plan as undeclared. ``model_id`` is left out too: the
platform answers with the model it resolved, so nobody can tell a choice from its default.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from halo_iac.model import defaults
from halo_iac.model.remote import Actual, Opaque, RemoteSchedule
from halo_iac.model.schedule import Frequency, Spec

_DEFAULTS: Final[dict[str, object]] = {
    "timezone": defaults.TIMEZONE,
    "prompt": defaults.PROMPT,
    "span_limit": defaults.SPAN_LIMIT,
    "lookback_hours": defaults.LOOKBACK_HOURS,
    "max_subagent_depth": defaults.MAX_SUBAGENT_DEPTH,
    "max_turns": defaults.MAX_TURNS,
}
_DAY_NAMES: Final = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_LONGEST_KEY: Final = 48
_PLAIN_NAME: Final = re.compile(r"(?![0-9a-fA-F]{8}-)[A-Za-z0-9][A-Za-z0-9_.:/@-]*(?: [A-Za-z0-9_.:/@-]+)*")
"""Names that need no thought; an agent called otherwise, or like a UUID, is written as its UUID."""


@dataclass(frozen=True, slots=True)
class Adoption:
    """What an import found: entries by key, ready to be written, and what is left out and why."""

    entries: dict[str, dict[str, Any]]
    left_out: tuple[tuple[RemoteSchedule, str], ...]


def adopt(actual: Actual, problems_of: Callable[[dict[str, dict[str, Any]]], dict[str, str]]) -> Adoption:
    """Return an entry for every active schedule, in the order of their titles.

    ``problems_of`` says for given entries which keys could not be loaded and why.
    """
    active = sorted((remote for remote in actual.schedules if remote.is_active), key=lambda each: (each.title, each.id))
    specs = [(remote, remote.spec()) for remote in active]
    left_out = [(remote, spec.reason) for remote, spec in specs if isinstance(spec, Opaque)]
    readable = [(remote, spec) for remote, spec in specs if isinstance(spec, Spec)]
    names = _agent_names(actual)
    titles = Counter(remote.title for remote in active)
    keys = _unique_keys(spec.title for _, spec in readable)
    owners = {key: remote for key, (remote, _) in zip(keys, readable, strict=True)}
    entries = {
        key: _entry(remote, spec, names.get(spec.agent, spec.agent), is_pinned=titles[remote.title] > 1)
        for key, (remote, spec) in zip(keys, readable, strict=True)
    }
    for key in problems_of(entries):
        entries[key] = {"title": entries[key].pop("title"), "id": owners[key].id, **entries[key]}
    problems = problems_of(entries)
    left_out += [(owners[key], reason) for key, reason in problems.items()]
    return Adoption({key: entry for key, entry in entries.items() if key not in problems}, tuple(left_out))


def _entry(remote: RemoteSchedule, spec: Spec, agent: str, *, is_pinned: bool) -> dict[str, Any]:
    """Return the entry's fields in the order of the documentation; what equals a default is left out."""
    entry: dict[str, Any] = {"title": _escaped(spec.title)}
    if is_pinned:
        entry["id"] = remote.id
    entry["agent"] = _escaped(agent)
    entry["frequency"] = str(spec.frequency)
    if spec.frequency == Frequency.WEEKLY:
        entry["days_of_week"] = [_DAY_NAMES[day] if 0 <= day <= 6 else day for day in spec.days_of_week]
    if spec.frequency == Frequency.MONTHLY:
        entry["days_of_month"] = list(spec.days_of_month)
    if spec.frequency != Frequency.HOURLY:
        entry["hours"] = list(spec.hours)
    entry["minutes"] = list(spec.minutes)
    entry.update((name, getattr(spec, name)) for name, value in _DEFAULTS.items() if getattr(spec, name) != value)
    if spec.enabled is False and not remote.is_paused_by_platform:
        entry["enabled"] = False
    return entry


def _agent_names(actual: Actual) -> dict[str, str]:
    """Return agent id → name, where the name means that agent and no other and can be written as it is."""
    counts = Counter(agent.identity for agent in actual.agents)
    return {
        agent.id: agent.identity
        for agent in actual.agents
        if agent.identity and counts[agent.identity] == 1 and _PLAIN_NAME.fullmatch(agent.identity)
    }


def _unique_keys(titles: Iterable[str]) -> Sequence[str]:
    taken: set[str] = set()
    keys = []
    for title in titles:
        slug = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:_LONGEST_KEY].strip("-") or "schedule"
        key, number = slug, 1
        while key in taken:
            number += 1
            key = f"{slug}-{number}"
        taken.add(key)
        keys.append(key)
    return keys


def _escaped(text: str) -> str:
    """Write dollars so that no variable is read into them (design §2)."""
    return text.replace("$", "$$") if "$$" in text or "${" in text else text
