"""Projects and platform states: makers for plain ones, and strategies that draw any, unusual ones included.

Titles come from a small pool, so that chains, twins, swaps and schedules to bring back come up by themselves.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from types import MappingProxyType
from typing import Any, Final

from hypothesis import strategies as st

from halo_iac.diff import diff
from halo_iac.match import match
from halo_iac.model import schedule as defaults
from halo_iac.model.plan import Plan
from halo_iac.model.project import Entry, Origin, Project, Source
from halo_iac.model.remote import Agent, ModelCatalog, PlatformState, PlatformTarget, RemoteSchedule
from halo_iac.model.schedule import BUILT_IN, Cadence, Spec, relevant_parts
from halo_iac.plan import Overrides, plan
from halo_iac.resolve import resolve
from halo_iac.sandbox import demo

AGENTS: Final = tuple(Agent(each["id"], each["identityValue"]) for each in demo.AGENTS)
AGENT_IDS: Final = tuple(agent.id for agent in AGENTS)
AGENT_NAMES: Final = tuple(agent.identity or "" for agent in AGENTS)
HOST: Final = PlatformTarget("https://relay.inference.net", demo.DEMO_PROJECT_ID)
THEN: Final = "2026-01-02T03:04:05.678Z"
PREFIX: Final = "D"
PLAIN_TITLES: Final = ("A", "B", "C", "DA", "DB", "DC")
ODD_TITLES: Final = (
    *("costs $5", "${HOME}", "$$", "$${x}", "true", "null", "123", "1e3", "2026-01-02", "a: b", "- a", "# a", "'", '"'),
    *(" led by a space", "trailed by one ", "tab\tbed", "two\nlines", "nel\x85", "line\u2028separator", "\ufeffbom"),
    *("zero\u200bwidth", "e\u0301", "\x7f", "😀", "[prod] x", "{a}", "*a", "&a", "!a", "%a", "@a", "`a", "~", "?", "|"),
)
ODD_PROMPTS: Final = (
    *(
        "Look.",
        "Look.\n",
        "Look.\r\nAgain.\r\n",
        "old\rmac",
        "a\n   \nb",
        "a  \nb",
        "\n\nled by lines",
        "  led by spaces",
    ),
    *(
        "tab\there",
        "${HOME} $$",
        "# no comment",
        "---",
        "...",
        "- a\n- b",
        "nul-free\x01control",
        "line\u2028separator",
    ),
    *("nel\x85", "\ufeffbom", "😀", "'single' \"double\" \\ back", "%YAML 1.1", "a\n\n\n\nb", "x" * 300, "key: value"),
    defaults.PROMPT,
)


# Makers -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Written:
    """Origins of an entry that no file holds."""

    key: str

    def of(self, field: str) -> Origin:
        return Origin(Source.ENTRY, f"{self.key}.{field}.yaml", 1, 1)

    @property
    def entry(self) -> Origin:
        return Origin(Source.ENTRY, f"{self.key}.yaml", 1, 1)


BASE: Final = Spec("", AGENT_IDS[0], "daily", (), (), (9,), (0,), **{**BUILT_IN, "prompt": "Look."})


def entry(
    title: str | None,
    *renamed_from: str,
    key: str | None = None,
    id: str | None = None,  # noqa: A002 - an entry's own word
    is_retired: bool = False,
    **fields: Any,  # noqa: ANN401 - a spec's own fields
) -> Entry:
    """Return an entry; its key is ``key-<title>`` unless given."""
    key = key or f"key-{title or id}"
    spec = None if is_retired else replace(BASE, title=title or "", **fields)
    return Entry(key, title, spec, Written(key), is_retired, renamed_from, id)


def cadence(frequency: str = "daily", zone: str = "UTC", **parts: Iterable[int]) -> Cadence:
    """Return a cadence at 9 o'clock unless given; parts that the frequency ignores may be given."""
    given = {"days_of_week": (), "days_of_month": (), "hours": (9,), "minutes": (0,), **parts}
    return Cadence(frequency, *relevant_parts(frequency, given), zone)


def project(*entries: Entry, **policy: Any) -> Project:  # noqa: ANN401 - a project's own fields
    return Project("halo.yaml", entries, **policy)


def wire(id: str, title: str, *, is_archived: bool = False, **fields: object) -> dict[str, Any]:  # noqa: A002 - likewise
    """Return a schedule as the platform sends it, equal to what :func:`entry` makes of the same title."""
    return {
        "id": id,
        "teamId": demo.DEMO_TEAM_ID,
        "projectId": demo.DEMO_PROJECT_ID,
        "title": title,
        "enabled": True,
        "archivedAt": THEN if is_archived else None,
        "autoPausedAt": None,
        "autoPauseReason": None,
        "frequency": "daily",
        "hours": [9],
        "minutes": [0],
        "daysOfWeek": [],
        "daysOfMonth": [],
        "timezone": "UTC",
        "prompt": "Look.",
        "agentUuid": AGENT_IDS[0],
        "modelId": demo.DEFAULT_MODEL_ID,
        "summarizationModelId": None,
        "spanLimit": 10_000,
        "lookbackHours": 24,
        "maxSubagentDepth": 3,
        "maxTurns": 50,
        "createdByUserId": demo.DEMO_USER_ID,
        "createdAt": THEN,
        "updatedAt": THEN,
        **fields,
    }


def remote(id: str, title: str, *, is_archived: bool = False, **fields: object) -> RemoteSchedule:  # noqa: A002 - likewise
    return RemoteSchedule(wire(id, title, is_archived=is_archived, **fields))


def actual(*remotes: RemoteSchedule, agents: Iterable[Agent] = AGENTS, gap: str | None = None) -> PlatformState:
    return PlatformState(remotes, tuple(agents), gap)


def plan_on(project_: Project, state: PlatformState, targets: Sequence[str] = (), **options: Any) -> Plan:  # noqa: ANN401
    """Return what makes a platform in this state like the project."""
    pairing = resolve(project_, match(project_, state), state)
    return plan(project_, pairing, diff(pairing.pairs), state, HOST, targets=targets, **options)


def planned(
    project_: Project,
    *remotes: RemoteSchedule,
    targets: Sequence[str] = (),
    gap: str | None = None,
    models: Mapping[str, ModelCatalog] = MappingProxyType({}),
    allow_archive: int = 0,
    allow_create: Iterable[str] = (),
) -> Plan:
    """Return what makes a platform with these schedules like the project."""
    state = actual(*remotes, gap=gap)._replace(models=models)
    overrides = Overrides(allow_archive, frozenset(allow_create))
    return plan_on(project_, state, targets, overrides=overrides)


# Platform states ----------------------------------------------------------------------------------------------------


@cache
def numbers(low: int, high: int) -> st.SearchStrategy[list[int]]:
    """Return lists of numbers as the platform keeps them: in any order, with doubles."""
    return st.lists(st.integers(low, high), min_size=1, max_size=4)


@st.composite
def wires(draw: st.DrawFn, id: str, titles: st.SearchStrategy[str]) -> dict[str, Any]:  # noqa: A002 - likewise
    """Draw one schedule of a platform: active or not, paused by a user, by the platform or not, perhaps unreadable."""
    frequency = draw(st.sampled_from(["hourly", "daily", "weekly", "monthly"]))
    is_paused = draw(st.integers(0, 5)) == 0
    anomaly = draw(st.sampled_from([{}] * 9 + [{"frequency": "yearly"}, {"timezone": 5}, {"hours": "9"}]))
    return wire(
        id,
        draw(titles),
        is_archived=draw(st.integers(0, 3)) == 0,
        enabled=draw(st.booleans()),
        autoPausedAt=THEN if is_paused else None,
        autoPauseReason="agent_not_found" if is_paused else None,
        frequency=frequency,
        hours=draw(numbers(0, 23)),
        minutes=draw(numbers(0, 59)),
        daysOfWeek=draw(numbers(0, 6)) if frequency == "weekly" else [],
        daysOfMonth=draw(numbers(1, 31)) if frequency == "monthly" else [],
        timezone=draw(st.sampled_from(["UTC", "America/Los_Angeles"])),
        prompt=draw(st.sampled_from(ODD_PROMPTS)),
        agentUuid=draw(st.sampled_from(AGENT_IDS)),
        modelId=draw(st.sampled_from(["halo-large", "halo-small"])),
        maxTurns=draw(st.sampled_from([20, 50])),
    ) | (anomaly or {})


def platforms(
    titles: st.SearchStrategy[str], *, most: int = 6, least: int = 0
) -> st.SearchStrategy[list[dict[str, Any]]]:
    """Return lists of schedules with different ids, whose titles may well be equal."""
    return st.integers(least, most).flatmap(
        lambda size: st.tuples(*(wires(f"5c000000-0000-4000-8000-{place:012}", titles) for place in range(size))).map(
            list
        )
    )


plain_titles: Final = st.sampled_from(PLAIN_TITLES)
any_titles: Final = st.one_of(plain_titles, st.sampled_from(ODD_TITLES), st.text(min_size=1, max_size=20)).filter(
    lambda title: title.strip() and "\0" not in title and not any("\ud800" <= c <= "\udfff" for c in title)
)


# Projects -----------------------------------------------------------------------------------------------------------


ALIASES: Final = dict(zip(("shop", "help"), AGENT_NAMES, strict=False))
"""Names of ours for the first agents."""

CRONS: Final = ("@daily", "15 * * * *", "0 9 * * mon-fri", "*/20 8-18/2 1,15 * *")
GLOBS: Final = ("A", "D*", "?", "[BC]", "D[A]", "[prod] x")


_ONE_IN_THREE: Final = st.sampled_from([False, False, True])


def one_in_three(draw: st.DrawFn) -> bool:
    return draw(_ONE_IN_THREE)


@st.composite
def written_cadences(draw: st.DrawFn) -> dict[str, Any]:
    """Draw when an entry fires, in one of the three spellings."""
    spelling = draw(st.sampled_from(["parts", "parts", "at", "cron"]))
    if spelling == "cron":
        return {"cron": draw(st.sampled_from(CRONS))}
    frequency = draw(st.sampled_from(["hourly", "daily", "weekly", "monthly"]))
    written: dict[str, Any] = {"frequency": frequency}
    if frequency == "weekly":
        written["days_of_week"] = draw(numbers(0, 6))
    if frequency == "monthly":
        written["days_of_month"] = draw(numbers(1, 31))
    if frequency == "hourly":
        return {**written, "minutes": draw(numbers(0, 59))}
    if spelling == "at":
        return {**written, "at": draw(st.sampled_from(["09:00", ["09:00", "9:30", "17:00", "17:30"]]))}
    return {**written, "hours": draw(numbers(0, 23)), "minutes": draw(numbers(0, 59))}


@st.composite
def layers(draw: st.DrawFn, agents: tuple[str, ...]) -> dict[str, Any]:
    """Draw some of the fields that an entry, ``defaults`` and ``overrides`` may all hold."""
    fields: dict[str, st.SearchStrategy[Any]] = {
        "agent": st.sampled_from(agents),
        "timezone": st.sampled_from(["UTC", "Europe/Berlin"]),
        "prompt": st.sampled_from(["Look.", "Look.\nAgain.\n", defaults.PROMPT]),
        "enabled": st.booleans(),
        "model_id": st.sampled_from(["halo-large", "halo-medium"]),
        "max_turns": st.sampled_from([20, 50]),
        **draw(st.sampled_from([{"lookback": st.just("2d")}, {"lookback_hours": st.sampled_from([24, 36])}])),
    }
    return {name: draw(values) for name, values in fields.items() if one_in_three(draw)}


@st.composite
def written_entries(draw: st.DrawFn, title: str, agents: tuple[str, ...], ids: list[str]) -> dict[str, Any]:
    """Draw one entry as a person writes it, under the title; ``ids`` may be used up for pins."""
    written: dict[str, Any] = {"title": title}
    former = draw(st.lists(plain_titles, max_size=2))
    if former:
        written["renamed_from"] = former
    if ids and draw(st.integers(0, 4)) == 0:
        written["id"] = ids.pop(draw(st.integers(0, len(ids) - 1)))
    if draw(st.integers(0, 5)) == 0:
        return {**written, "state": "archived"}
    return {**written, **draw(written_cadences()), **draw(layers(agents))}


@st.composite
def policies(draw: st.DrawFn) -> dict[str, Any]:
    """Draw what a project file says beside its schedules; every entry gets an agent from ``defaults`` at least."""
    scope: dict[str, Any] = {}
    if one_in_three(draw):
        scope["agents"] = draw(st.lists(st.sampled_from((*AGENT_NAMES, "shop")), min_size=1, max_size=2, unique=True))
    if one_in_three(draw):
        scope["title_prefix"] = PREFIX
    agents = tuple(scope.get("agents", (*AGENT_NAMES, *ALIASES, AGENT_IDS[0])))
    policy: dict[str, Any] = {
        "version": 1,
        "undeclared": draw(st.sampled_from(["report", "report", "archive", "error"])),
        "agents": ALIASES,
        "defaults": {"agent": agents[0], **draw(layers(agents))},
    }
    if scope:
        policy["scope"] = scope
    if one_in_three(draw):
        policy["protect"] = draw(st.lists(st.sampled_from(GLOBS), min_size=1, max_size=2, unique=True))
    if one_in_three(draw):
        policy["overrides"] = draw(layers((*AGENT_NAMES, "help")))
    return policy


@st.composite
def documents(draw: st.DrawFn, ids: Iterable[str] = (), *, most: int = 5) -> dict[str, Any]:
    """Draw a project file as a mapping; its JSON is YAML. ``ids`` are those that pins may name."""
    policy = draw(policies())
    scope = policy.get("scope", {})
    prefix = scope.get("title_prefix", "")
    own_titles = st.sampled_from([title for title in PLAIN_TITLES if title.startswith(prefix)])
    # One agent may lie outside the scope, which blocks the entry.
    agents = (*scope["agents"], AGENT_NAMES[-1]) if "agents" in scope else (*AGENT_NAMES, *ALIASES, AGENT_IDS[0])
    left = list(ids)
    titles = draw(st.lists(own_titles, unique=True, max_size=most))
    schedules = {f"key-{title}": draw(written_entries(title, agents, left)) for title in titles}
    if schedules and one_in_three(draw):
        of_one = {draw(st.sampled_from(sorted(schedules))): draw(st.one_of(layers(agents), written_cadences()))}
        policy["overrides"] = {**policy.get("overrides", {}), "schedules": of_one}
    return {**policy, "schedules": schedules}


def targets(document: Mapping[str, Any]) -> st.SearchStrategy[tuple[str, ...]]:
    """Return what a command may be limited to: mostly nothing."""
    keys = sorted(document["schedules"])
    if not keys:
        return st.just(())
    return st.one_of(st.just(()), st.just(()), st.lists(st.sampled_from(keys), max_size=2, unique=True).map(tuple))
