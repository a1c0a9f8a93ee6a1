"""Every rule: what it finds, what it leaves alone, where it points, and how its project file switches it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from render_samples import plan_of, update
from strategies import BASE, entry, project

from halo_iac.findings import RULES, find_in_plan, run_rules
from halo_iac.findings.engine import MAX_LISTED
from halo_iac.findings.today import find_shifted_fires_today
from halo_iac.load import load
from halo_iac.load.rule_settings import RULES as RULE_LINES
from halo_iac.model.finding import Finding, Severity
from halo_iac.model.project import BUILT_IN_ORIGIN, Entry, Origin, Project, Source

WEEKDAYS = {"frequency": "weekly", "days_of_week": (1, 2, 3, 4, 5)}
MONDAY_AND_THURSDAY = {"frequency": "weekly", "days_of_week": (1, 4)}
FIRST = {"frequency": "monthly", "days_of_month": (1,)}
HOURLY = {"frequency": "hourly", "hours": ()}
LOS_ANGELES = {"timezone": "America/Los_Angeles"}
TROLL = {"timezone": "Antarctica/Troll"}  # where clocks go back by two hours
DST = {"coverage-gap-dst": Severity.WARNING}
SECRET = "sk-proj-0123456789abcdefghijklmn"


def rules_of(project_: Project) -> list[tuple[str, str | None]]:
    """Return which rules found something, and in which entry."""
    return [(finding.rule, finding.key) for finding in run_rules(project_)]


# One entry at a time ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, []),
        ({"lookback_hours": 23}, ["coverage-gap"]),
        ({"lookback_hours": 48}, []),
        ({"lookback_hours": 49}, ["paid-twice"]),
        ({**HOURLY, "lookback_hours": 1}, []),
        ({**HOURLY, "lookback_hours": 2}, []),
        ({**HOURLY, "lookback_hours": 3}, ["paid-twice"]),
        ({**HOURLY, "minutes": (0, 30), "lookback_hours": 1}, []),
        ({**HOURLY, "minutes": (0, 20, 40), "lookback_hours": 1}, ["paid-twice"]),
        ({**MONDAY_AND_THURSDAY, "lookback_hours": 95}, ["coverage-gap"]),
        ({**MONDAY_AND_THURSDAY, "lookback_hours": 96}, []),
        ({**MONDAY_AND_THURSDAY, "lookback_hours": 145}, ["paid-twice"]),
        ({**WEEKDAYS, "lookback_hours": 24}, ["coverage-gap"]),
        ({**WEEKDAYS, "lookback_hours": 72}, ["paid-twice"]),
        ({**FIRST, "lookback_hours": 30 * 24}, ["coverage-gap"]),
        ({**FIRST, "lookback_hours": 31 * 24}, []),
        ({**FIRST, "days_of_month": (28,), "lookback_hours": 31 * 24}, []),
        ({**FIRST, "days_of_month": (29,), "lookback_hours": 59 * 24}, ["paid-twice", "missing-day"]),
        ({**FIRST, "days_of_month": (1, 31), "lookback_hours": 30 * 24}, ["paid-twice", "missing-day"]),
        ({**LOS_ANGELES}, []),
        ({**LOS_ANGELES, "lookback_hours": 25}, []),
        ({**LOS_ANGELES, "lookback_hours": 23}, ["coverage-gap"]),
        ({**LOS_ANGELES, **HOURLY, "lookback_hours": 1}, []),
        ({"timezone": "America/Phoenix"}, []),
        ({"prompt": "Review ${AGENT}."}, ["unfinished-prompt"]),
        ({"prompt": "prompts/a.md"}, ["unfinished-prompt"]),
        ({"prompt": "prompts/a.md", "enabled": False}, []),
        ({"prompt": f"Use {SECRET}."}, ["credential-in-prompt"]),
        ({"prompt": f"Use {SECRET}.", "enabled": False}, ["credential-in-prompt"]),
        ({"prompt": "TODO", "enabled": False, "lookback_hours": 1, **LOS_ANGELES}, []),
        ({"prompt": "TODO", "enabled": True}, ["unfinished-prompt"]),
    ],
    ids=str,
)
def test_findings_of_a_single_entry(fields: Mapping[str, object], expected: list[str]) -> None:
    found = {rule for rule, key in rules_of(project(entry("A", **fields))) if key == "key-A"}
    assert found == set(expected)


def test_a_prompt_that_is_a_path_is_taken_for_a_prompt_file() -> None:
    (found,) = run_rules(project(entry("A", prompt="prompts/${TEAM}.md")))
    assert (found.message, found.hint) == ("the prompt is a path and is sent as written", "did you mean `prompt_file`?")


def test_rules_ignore_retired_entries() -> None:
    assert run_rules(project(entry("A", is_retired=True), max_runs_per_month=1)) == ()


@pytest.mark.parametrize(
    ("fields", "hint"),
    [
        ({"lookback_hours": 23}, "set `lookback: 1d`"),
        ({**MONDAY_AND_THURSDAY}, "set `lookback: 4d`"),
        (
            {"hours": (9, 17), "minutes": (0, 30)},
            "set `lookback: 16h`; declare the fire after the long interval",
        ),
        ({**WEEKDAYS}, "set `lookback: 3d`, or declare the fire after the long interval as a separate entry"),
        ({"lookback_hours": 72}, "set `lookback: 1d`"),
        (
            {**HOURLY, "minutes": (0, 15, 30, 45)},
            "set `lookback: 1h`; fire less often; the shortest look-back is one hour",
        ),
        ({**LOS_ANGELES, "lookback_hours": 23}, "set `lookback: 1d`"),
        ({**LOS_ANGELES, "lookback_hours": 72}, "set `lookback: 1d`"),
    ],
    ids=str,
)
def test_a_hint_about_a_look_back_can_be_pasted(fields: Mapping[str, object], hint: str) -> None:
    (found,) = run_rules(project(entry("A", **fields)))
    assert (found.hint or "").startswith(hint)


@pytest.mark.parametrize(
    ("fields", "most"),
    [
        ({"lookback_hours": 4 * 24}, "4 times"),
        ({"hours": (9, 10)}, "twice"),
        ({"minutes": (0, 5)}, "twice"),
        ({"frequency": "weekly", "days_of_week": (1, 2), "lookback_hours": 7 * 24}, "twice"),
        ({**HOURLY, "lookback_hours": 2_000}, "2,000 times"),
    ],
    ids=str,
)
def test_a_finding_says_how_often_traces_are_paid_for(fields: Mapping[str, object], most: str) -> None:
    (found,) = run_rules(project(entry("A", **fields)))
    assert (found.rule, found.message.partition(": ")[2]) == (
        "paid-twice",
        f"traces are analysed, and paid for, up to {most}",
    )


@pytest.mark.parametrize(
    ("fields", "lacking"),
    [
        ({**LOS_ANGELES}, 1),
        ({**LOS_ANGELES, "lookback_hours": 25}, 0),
        ({**LOS_ANGELES, "lookback_hours": 23}, 0),  # which is said at every fire
        ({**LOS_ANGELES, **WEEKDAYS, "lookback_hours": 72}, 1),
        ({**LOS_ANGELES, "hours": (9, 17), "lookback_hours": 16}, 1),
        ({**LOS_ANGELES, **FIRST, "lookback_hours": 31 * 24}, 1),
        ({**TROLL}, 2),
        ({**TROLL, "lookback_hours": 25}, 1),
        ({"timezone": "America/Phoenix"}, 0),
    ],
    ids=str,
)
def test_the_clock_change_rule_reports_the_missing_hours(fields: Mapping[str, object], lacking: int) -> None:
    odd = entry("A", **fields)
    found = [each for each in run_rules(project(odd, rule_severities=DST)) if each.rule == "coverage-gap-dst"]
    hours = {1: "1 hour", 2: "2 hours"}.get(lacking)
    assert [(each.message, each.hint) for each in found] == (
        [(f"`key-A` leaves out up to {hours} a year, when clocks go back", f"look back {hours} longer")] * bool(lacking)
    )
    assert odd.spec is not None
    longer = entry("A", **{**fields, "lookback_hours": odd.spec.lookback_hours + lacking})
    assert "coverage-gap-dst" not in {rule for rule, _ in rules_of(project(longer, rule_severities=DST)) if lacking}


def test_the_clock_change_finding_names_all_entries() -> None:
    (found,) = run_rules(project(entry("A", **TROLL), entry("B", agent="b", **LOS_ANGELES), rule_severities=DST))
    assert found.message == "`key-A` and `key-B` leave out up to 2 hours a year, when clocks go back"


@pytest.mark.parametrize("hours", [23, 72])
def test_a_hint_has_the_hour_when_clocks_go_back_where_its_rule_is_on(hours: int) -> None:
    odd = entry("A", **LOS_ANGELES, lookback_hours=hours)
    (found,) = run_rules(project(odd, rule_severities=DST))
    assert found.hint == "set `lookback: 25h`"


# Several together ---------------------------------------------------------------------------------------------------


def test_one_agent_under_two_names_at_the_same_times_is_declared_twice() -> None:
    first, second = entry("A", agent="shop"), entry("B", agent="checkout", prompt="Another question.")
    found = run_rules(project(first, second, entry("C", agent="other"), aliases={"shop": "checkout"}))
    assert [(finding.rule, finding.key) for finding in found] == [("declared-twice", f"key-{title}") for title in "AB"]
    assert {finding.message for finding in found} == {
        "`key-A` and `key-B` analyse the same agent at the same times: its traces are read, and paid for, twice"
    }


@pytest.mark.parametrize(
    ("prompts", "said"),
    [
        (("Look.", "Look."), "one report, paid for twice"),
        (("Look.", "Look.", "Look."), "one report, paid for 3 times"),
        (("Look.", "Look.", "Look again."), "its traces are read, and paid for, 3 times"),
    ],
)
def test_an_entry_declared_several_times_is_reported_with_its_cost(prompts: Sequence[str], said: str) -> None:
    found = run_rules(project(*(entry(str(number), prompt=prompt) for number, prompt in enumerate(prompts))))
    assert [finding.message.rpartition(": ")[2] for finding in found] == [said] * len(prompts)


@pytest.mark.parametrize(
    "fields", [{"enabled": False}, {"hours": (10,)}, {"agent": "other"}, {"timezone": "Asia/Tokyo"}]
)
def test_paused_or_differing_entries_are_not_duplicates(fields: Mapping[str, object]) -> None:
    assert run_rules(project(entry("A"), entry("B", **fields))) == ()


def test_duplicates_may_differ_in_lookback_and_unmanaged_fields() -> None:
    twins = project(entry("A"), entry("B", lookback_hours=30, enabled=True))
    assert rules_of(twins) == [("declared-twice", "key-A"), ("declared-twice", "key-B")]


def crowd(count: int, **fields: object) -> list[Entry]:
    return [entry(f"{number:02}", key=f"k{number:02}", agent=f"agent-{number}", **fields) for number in range(count)]


def test_more_than_ten_schedules_in_one_minute_are_a_crowd_with_a_spread() -> None:
    assert run_rules(project(*crowd(10))) == ()
    (found,) = run_rules(project(*crowd(12)))
    assert (found.rule, found.key) == ("crowded-minute", None)
    assert found.message == (
        "12 schedules fire in the same minute, 09:00 (UTC): `k00`, `k01`, `k02`, `k03`, `k04` and 7 more"
    )
    minutes = [f"`k{number:02}` at :{number * 5:02}" for number in range(12)]
    assert found.hint == f"spread them over the hour, such as {', '.join(minutes)}"


def test_a_collision_of_many_entries_names_some_of_them() -> None:
    (found,) = run_rules(project(*crowd(30)))
    assert (found.hint or "").endswith("`k18` at :36, `k19` at :38, and so on every 2 minutes")


def test_only_schedules_that_fire_on_one_day_are_crowded() -> None:
    days = [
        crowd(9, **WEEKDAYS, lookback_hours=48)[:4],
        crowd(9, **FIRST, lookback_hours=31 * 24)[4:8],
    ]
    some = [each._replace(rule_severities={"coverage-gap": None}) for each in (*days[0], *days[1])]
    assert run_rules(project(*some, *crowd(10)[8:])) == ()
    met = run_rules(project(*some, *crowd(11)[8:]))
    assert [finding.rule for finding in met] == ["crowded-minute"]
    apart = [each._replace(spec=replace(each.spec or BASE, days_of_week=(2,))) for each in days[0][:2]]
    assert "crowded-minute" not in {rule for rule, _ in rules_of(project(*apart, *some[2:], *crowd(11)[9:]))}


def test_hourly_schedules_that_meet_every_hour_are_one_crowd() -> None:
    found = run_rules(project(*crowd(11, **HOURLY, lookback_hours=1)))
    assert [finding.rule for finding in found] == ["crowded-minute"]


def test_runs_beyond_what_the_file_permits_are_an_error_of_the_project() -> None:
    some = (entry("A", **HOURLY, lookback_hours=1), entry("B"), entry("C", enabled=False, **HOURLY))
    place = {"max_runs_per_month": Origin(Source.ENTRY, "halo.yaml", 3, 1)}
    assert run_rules(project(*some, max_runs_per_month=761, origins=place)) == ()
    assert run_rules(project(*some, max_runs_per_month=760, origins=place)) == (
        Finding(
            "too-many-runs",
            Severity.ERROR,
            "the declared schedules run 760.9 times a month; `max_runs_per_month` allows 760",
            "reduce the most frequent: `key-A` 730.5, `key-B` 30.4",
            None,
            "halo.yaml",
            3,
            1,
        ),
    )


# Switches and places ------------------------------------------------------------------------------------------------


def test_the_project_file_knows_every_rule_and_says_what_it_does_by_itself() -> None:
    assert list(RULE_LINES) == [rule.name for rule in RULES]
    for rule in RULES:
        assert f"default: {rule.severity or 'off'}." in RULE_LINES[rule.name]


@dataclass(frozen=True)
class NowhereInTheEntry:
    """Origins of an entry that gives nothing itself."""

    def of(self, field: str) -> Origin:
        return {"prompt": Origin(Source.DEFAULTS, "prompts/p.md", 1, 1)}.get(field, BUILT_IN_ORIGIN)

    @property
    def entry(self) -> Origin:
        return Origin(Source.ENTRY, "halo.yaml", 7, 3)


def test_a_finding_points_at_the_entry_s_own_line_or_at_the_entry_and_at_a_prompt_where_it_is_written() -> None:
    odd = entry("A", prompt="Look.\nTODO", lookback_hours=1)._replace(origins=NowhereInTheEntry())
    places = [(finding.rule, finding.path, finding.line, finding.column) for finding in run_rules(project(odd))]
    assert places == [("coverage-gap", "halo.yaml", 7, 3), ("unfinished-prompt", "prompts/p.md", 2, 1)]


OFF: dict[str, Severity | None] = {"coverage-gap": None}
FAILS: dict[str, Severity | None] = {"coverage-gap": Severity.ERROR}


@pytest.mark.parametrize(
    ("by_project", "by_entry", "expected"),
    [
        ({}, {}, [Severity.WARNING]),
        (OFF, {}, []),
        (FAILS, {}, [Severity.ERROR]),
        ({}, OFF, []),
        (FAILS, OFF, []),
        (OFF, FAILS, [Severity.ERROR]),
        (OFF, {"paid-twice": Severity.ERROR}, []),
    ],
)
def test_an_entry_s_switch_is_stronger_than_the_project_s_and_both_than_the_rule_s(
    by_project: dict[str, Severity | None], by_entry: dict[str, Severity | None], expected: list[Severity]
) -> None:
    odd = entry("A", lookback_hours=1)._replace(rule_severities=by_entry)
    found = run_rules(project(odd, rule_severities=by_project))
    assert [finding.severity for finding in found] == expected


def test_an_entry_with_the_rule_off_is_not_a_duplicate() -> None:
    off = {"declared-twice": None}
    assert run_rules(project(entry("A"), entry("B")._replace(rule_severities=off))) == ()
    assert len(run_rules(project(entry("A"), entry("B")._replace(rule_severities=off), entry("C")))) == 2


def test_a_finding_about_several_entries_is_an_error_if_it_is_for_any() -> None:
    several = crowd(11)
    several[4] = several[4]._replace(rule_severities={"crowded-minute": Severity.ERROR})
    (found,) = run_rules(project(*several))
    assert found.severity is Severity.ERROR


def test_switches_are_read_by_either_parser(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "halo.yaml").write_text(
        "version: 1\nmax_runs_per_month: 50\nfindings: {coverage-gap: off, paid-twice: error}\n"
        "schedules: {a: {title: T, agent: x, cron: '@daily', findings: {missing-day: off, paid-twice: warning}}}\n"
    )
    for _ in range(2):
        read = load(Path("halo.yaml"), variables={}, cwd=tmp_path)
        assert read.rule_severities == {"coverage-gap": None, "paid-twice": Severity.ERROR}
        assert read.entries[0].rule_severities == {"missing-day": None, "paid-twice": Severity.WARNING}
        assert (read.max_runs_per_month, read.origin("max_runs_per_month").line) == (50, 2)
        monkeypatch.setitem(__import__("sys").modules, "_ruamel_yaml", None)


# Many, and in a plan ------------------------------------------------------------------------------------------------


def many_findings(count: int) -> list[Entry]:
    odd = {**FIRST, "days_of_month": (31,), "lookback_hours": 61 * 24}
    return [
        entry(
            f"{number}",
            key=f"k{number:03}",
            agent=f"agent-{number}",
            minutes=(number % 60,),
            hours=(number // 60,),
            **odd,
        )
        for number in range(count)
    ]


def test_findings_of_one_rule_beyond_a_hundred_are_counted_but_for_those_that_matter() -> None:
    assert len(run_rules(project(*many_findings(MAX_LISTED + 1)))) == MAX_LISTED + 1
    found = run_rules(project(*many_findings(MAX_LISTED + 50)), {"k149"})
    assert len(found) == MAX_LISTED + 2
    (last,) = (finding for finding in found if "more entries" in finding.message)
    assert (last.key, last.message) == ("k100", "49 more entries have the same problem, starting with this one")
    assert "k149" in {finding.key for finding in found}


def test_a_plan_with_targets_has_their_findings_only() -> None:
    odd = project(*many_findings(3), max_runs_per_month=1)
    assert {finding.key for finding in find_in_plan(odd, plan_of())} == {None, "k000", "k001", "k002"}
    assert {finding.key for finding in find_in_plan(odd, plan_of(targets=("k001",)))} == {"k001"}


# Today --------------------------------------------------------------------------------------------------------------

NOON = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)  # a Monday
DAILY = replace(BASE, title="A", enabled=True)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({"hours": (15,)}, {"hours": (9,)}, "skipped-fire"),
        ({"hours": (9,)}, {"hours": (15,)}, "doubled-fire"),
        ({"hours": (9,)}, {"hours": (10,)}, None),
        ({"hours": (14,)}, {"hours": (15,)}, None),
        ({"hours": (12,)}, {"hours": (13,)}, "doubled-fire"),
        ({"hours": (11, 15)}, {"hours": (13, 17)}, "doubled-fire"),
        ({"hours": (13, 17)}, {"hours": (11, 15)}, "skipped-fire"),
        ({"hours": (9, 15)}, {"hours": (15,)}, None),
        ({"hours": (9,)}, {"hours": (9, 15)}, None),
        ({"hours": (9,)}, {"hours": (15,), "enabled": False}, None),
        ({"hours": (9,), "enabled": False}, {"hours": (15,), "enabled": True}, None),
        ({"hours": (9,)}, {"hours": (15,), "enabled": None}, "doubled-fire"),
        ({"hours": (9,)}, {"prompt": "Another."}, None),
        ({"hours": (9,)}, {**MONDAY_AND_THURSDAY, "hours": (15,)}, "doubled-fire"),
        ({"hours": (9,)}, {"frequency": "weekly", "days_of_week": (2,), "hours": (15,)}, None),
        ({"hours": (15,)}, {"frequency": "weekly", "days_of_week": (2,), "hours": (9,)}, None),
        (HOURLY, {**HOURLY, "minutes": (30,)}, None),
        ({"hours": (15,)}, {"hours": (9,), "timezone": "Asia/Tokyo"}, None),  # there, it is evening, and it has run
        ({"hours": (9,)}, {"hours": (15,), "timezone": "Europe/Berlin"}, "doubled-fire"),
        ({"hours": (15,), "timezone": "America/Los_Angeles"}, {"hours": (9,)}, "skipped-fire"),
        ({"hours": (9,), "timezone": "Mars/Base"}, {"hours": (15,)}, None),
    ],
    ids=str,
)
def test_a_change_may_skip_or_double_fires(
    before: dict[str, object], after: dict[str, object], expected: str | None
) -> None:
    old, new = replace(DAILY, **before), replace(DAILY, **after)  # type: ignore[arg-type]
    declared = project(entry("A", key="a"))
    found = find_shifted_fires_today(plan_of(update("a", old, new)), declared, NOON)
    assert [finding.rule for finding in found] == ([expected] if expected else [])
    switched = declared._replace(rule_severities={rule.name: None for rule in RULES})
    assert find_shifted_fires_today(plan_of(update("a", old, new)), switched, NOON) == ()


# What is cut short, and what globs mean -----------------------------------------------------------------------------

CUT = "version: 1\nschedules:\n  a:\n    agent: x\n    cron: '@daily'\n"


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("    title: Review #1\n", [("title", "Review", 6, 12)]),
        ("    title: Review\t#1\n", [("title", "Review", 6, 12)]),
        ("    title: &t Review #1  # why\n", [("title", "Review", 6, 12)]),
        ("    title: A\n    prompt: Look at\n      issue #12\n", [("prompt", "Look at issue", 7, 13)]),
        ("    title: A\n    renamed_from: [B #1\n      , C]\n", [("renamed_from", "B", 7, 20)]),
        ("    title: A\n    renamed_from: [C,\n      B #1\n      ]\n", [("renamed_from", "B", 8, 7)]),
        ("    title: A\n    renamed_from:\n    - B #1\n", [("renamed_from", "B", 8, 7)]),
        ("    title: A # 1\n", []),
        ("    title: A #\n", []),
        ("    title: A  # see #12\n", []),
        ("    title: A#1\n", []),
        ('    title: "A" #1\n', []),
        ("    title: 'A #1'\n", []),
        ("    title: A\n     #own line\n", []),
        ("    title: A\n    #own line #1\n", []),
        (
            "    title: A\n    prompt: |  #1\n      See #12\n      #13 and #14\n",
            [("prompt", "See #12\n#13 and #14\n", 7, 13)],
        ),
        ("    title: A\n    prompt: >-2 #1\n        See #12\n", [("prompt", "  See #12", 7, 13)]),
        ("    title: A\n    prompt: &p |+ #1\n      See #12\n", [("prompt", "See #12\n", 7, 13)]),
        ("    title: A\n    prompt: |  # 1\n      See #12\n      #13 and #14\n", []),
        ("    title: A\n    prompt: | # why\n      See this #1\n", []),
        ("    title: A\n    prompt: #1 priority\n      Look.\n", [("prompt", "Look.", 8, 7)]),
        ("    title: #1 priority\n      'A'\n", [("title", "A", 7, 7)]),
        ("    title: A\n    renamed_from:\n    - B\n    - #1 priority\n      C\n", [("renamed_from", "C", 10, 7)]),
        ("    title: A\n    renamed_from:  #old ones\n    - B\n", []),
        ("    title: A\n    max_turns: 9  #as before\n    prompt: Look.\n", []),
        ("    title: A\n    hours: 9 #1\n".replace("hours: 9", "span_limit: 9"), []),
        ("    title: A\n    renamed_from: [B, C] #1\n", []),
        # Text of a scalar that looks like a key or an item before a comment, at the end of the file and before a value.
        ("    title: A\n    prompt: |\n      Costs: #1 is the worst\n", []),
        ("    title: A\n    prompt: >-\n      Look at\n      - #1\n", []),
        ('    title: A\n    prompt: "Costs:\n      a: #1"\n', []),
        ('    title: A\n    renamed_from: ["B\n      x: #1", "C"]\n', []),
        ("    title: A\n    renamed_from: ['B''s\n      x: #1', 'C']\n", []),
        ("    title: A\n    prompt: Look at\n      - #1\n", [("prompt", "Look at -", 7, 13)]),
    ],
    ids=str,
)
def test_text_cut_by_a_comment_is_found(tmp_path: Path, lines: str, expected: list[tuple[str, str, int, int]]) -> None:
    (tmp_path / "halo.yaml").write_text(CUT + lines)
    loaded = load(tmp_path / "halo.yaml", variables={})
    assert [(cut.field, cut.value, cut.at.line, cut.at.column) for cut in loaded.truncated_texts] == expected
    violations = [finding for finding in run_rules(loaded) if finding.rule == "cut-by-comment"]
    assert [(finding.key, finding.line, finding.column) for finding in violations] == [
        ("a", *each[2:]) for each in expected
    ]


@pytest.mark.parametrize(
    ("top", "lines", "expected"),
    [
        ("x-t: &t Review #1\n", "    title: *t\n", [("title", "Review", 1, 6)]),
        ("x-t: [&s Other, &t Review #1\n  ]\n", "    title: *t\n", [("title", "Review", 1, 17)]),
        ("x-t: &t Review #1\n", "    title: A\n    renamed_from: [*t]\n", [("renamed_from", "Review", 1, 6)]),
        ("x-p: &p | #1 first\n  Look.\n", "    title: A\n    prompt: *p\n", [("prompt", "Look.\n", 1, 6)]),
        ("x-e: &e\n  title: Review #1\n", "    <<: *e\n", [("title", "Review", 2, 10)]),
        ("x-e: &e {title: Review #1\n  }\n", "    <<: [*e]\n", [("title", "Review", 1, 17)]),
        ("x-l: &l\n- B #1\n", "    title: A\n    renamed_from: *l\n", [("renamed_from", "B", 2, 3)]),
        ("x-t: &t Review #1\nx-u: &t Whole\n", "    title: *t\n", []),
        ("x-t: &t Review #1\n", "    title: A\n", []),
        ("x-t: &t 'Review' #1\n", "    title: *t\n", []),
    ],
    ids=str,
)
def test_a_text_cut_by_a_comment_is_reported_through_an_alias(
    tmp_path: Path, top: str, lines: str, expected: list[tuple[str, str, int, int]]
) -> None:
    (tmp_path / "halo.yaml").write_text(top + CUT + lines)
    loaded = load(tmp_path / "halo.yaml", variables={})
    assert [(cut.field, cut.value, cut.at.line, cut.at.column) for cut in loaded.truncated_texts] == expected
    violations = [finding for finding in run_rules(loaded) if finding.rule == "cut-by-comment"]
    assert [(finding.key, finding.line, finding.column) for finding in violations] == [
        ("a", *each[2:]) for each in expected
    ]


def test_a_prompt_that_is_cut_short_is_not_quoted_and_an_entry_may_switch_it_off(tmp_path: Path) -> None:
    path = tmp_path / "halo.yaml"
    path.write_text(CUT + f"    title: A\n    prompt: Use {SECRET} #1\n")
    (finding,) = (each for each in run_rules(load(path, variables={})) if each.rule == "cut-by-comment")
    assert SECRET not in finding.message
    path.write_text(CUT + "    title: A #1\n    findings: {cut-by-comment: off}\n")
    assert [each.rule for each in run_rules(load(path, variables={}))] == []


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("    prompt: >\n      Look at:\n      - errors\n      - slow calls\n", 3),
        ("    prompt: >-  # folded\n      - errors\n      - slow calls\n", 3),
        ("    prompt: &p >\n      1. errors\n      2) slow calls\n", 3),
        ("    prompt: >\n      What failed?\n\n      Today\n      ## Why\n", 5),
        ("    prompt: >\n      Look at:\n\n      - errors\n\n      - slow calls\n", None),
        ("    prompt: >\n      Look at:\n        - errors\n        - slow calls\n", None),
        ("    prompt: |\n      Look at:\n      - errors\n", None),
        ("    prompt: >\n      Look at what went wrong\n      -- and why\n    enabled: true\n", None),
        ("    prompt: 'Look at: >'\n", None),
    ],
    ids=str,
)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_folded_list_is_reported_at_its_item(tmp_path: Path, text: str, line: int | None, end: str) -> None:
    written = f"{CUT}    title: A\n{text}".replace("\n", end)
    (tmp_path / "halo.yaml").write_bytes(written.encode())
    violations = [each for each in run_rules(load(tmp_path / "halo.yaml", variables={})) if each.rule == "folded-list"]
    before = CUT.count("\n") + 1
    assert [(each.key, each.line, each.column) for each in violations] == (
        [] if line is None else [("a", before + line, 7)]
    )


def test_a_folded_list_is_reported_in_defaults_and_through_an_alias(tmp_path: Path) -> None:
    (tmp_path / "halo.yaml").write_text(
        "version: 1\nx-p: &p >\n  - errors\n  - slow calls\ndefaults:\n  prompt: >\n    Look:\n    - errors\n"
        + CUT.removeprefix("version: 1\n")
        + "    title: A\n    prompt: *p\n"
    )
    violations = [(each.rule, each.key, each.line) for each in run_rules(load(tmp_path / "halo.yaml", variables={}))]
    assert violations == [("folded-list", "a", 4), ("folded-list", None, 8)]


def test_cut_texts_outside_entries_and_in_retired_ones_are_reported(tmp_path: Path) -> None:
    (tmp_path / "halo.yaml").write_text(
        "version: 1\nprotect:\n- Nightly #1\nagents:\n  shop: x #1\ndefaults:\n  agent: x #1\n"
        "schedules:\n  a:\n    title: A #1\n    state: archived\n"
    )
    violations = [(each.rule, each.key, each.line) for each in run_rules(load(tmp_path / "halo.yaml", variables={}))]
    assert violations == [("cut-by-comment", key, line) for key, line in ((None, 3), (None, 5), (None, 7), ("a", 10))]


@pytest.mark.parametrize(
    ("glob", "signs"),
    [("[prod] *", "["), ("a?", "?"), ("${ENV}: *", "${"), ("$E *", None), ("a*b]", None), ("{a}", None)],
)
def test_a_glob_with_special_characters_of_other_globs_is_reported(glob: str, signs: str | None) -> None:
    violations = run_rules(project(protect=(glob,)))
    assert [each.rule for each in violations] == ["special-glob"] * (signs is not None)
    assert all(f"`{signs}`" in each.message for each in violations)
