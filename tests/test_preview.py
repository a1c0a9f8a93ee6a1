"""``halo preview``: what declared schedules will do, as values, as text and as JSON, and what bad input is told."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import islice, takewhile
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from command_line import NOW, CommandLine, tree
from golden_files import assert_golden
from hypothesis import given
from hypothesis import strategies as st
from render_asserts import assert_harmless
from render_samples import HOSTILE
from strategies import entry, numbers, project
from test_render_markdown import assert_only_ours

from halo_iac.fire_times import upcoming_fires
from halo_iac.load import load
from halo_iac.model.project import Entry, Project
from halo_iac.page import ProjectInput, build_page
from halo_iac.preview import Collision, Fires, Preview, ScheduleStatus, Span, preview
from halo_iac.render.markdown.preview import preview_markdown
from halo_iac.render.preview_json import preview_json
from halo_iac.render.style import PLAIN, Style
from halo_iac.render.text.preview import preview_text

SPRING = datetime(2027, 3, 26, 12, 0, tzinfo=UTC)
"""A Friday; on Sunday the clocks of Berlin go forward."""
YEAR_2011 = datetime(2011, 1, 1, tzinfo=UTC)

FILE = """\
version: 1
agents: {shop: checkout}
defaults: {timezone: Europe/Berlin}
schedules:
  checkout-early:
    title: Checkout, before anybody is up
    agent: shop
    frequency: daily
    at: "02:30"
  checkout-hourly: {title: "Checkout, every hour", agent: checkout, frequency: hourly, minutes: [30]}
  support-weekly:
    title: Support bot, end of the week
    agent: support-bot
    frequency: weekly
    days_of_week: [fri, sun]
    at: ["09:00", "17:00"]
    timezone: America/Los_Angeles
  research: {title: Research, agent: 6f1e2a9c-0000-4000-8000-000000000001, cron: "0 6 31 * *", timezone: UTC}
  research-nightly: {title: Nightly research, agent: research, cron: "30 2 * * *", enabled: false}
  trial: {title: Trial, state: archived}
"""


@pytest.fixture
def file(folder: Path) -> Path:
    (folder / "halo.yaml").write_text(FILE)
    return folder / "halo.yaml"


@pytest.fixture
def declared(file: Path) -> Project:
    return load(file, variables={}, cwd=file.parent)


def preview_of(*entries: Entry, now: datetime = NOW, count: int | None = 5, until: datetime | None = None) -> Preview:
    whole = project(*entries)
    return preview(whole, whole.entries, Span(now, count, until))


# What it shows ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "style"),
    [
        ("pipe.txt", PLAIN),
        ("narrow.txt", Style(width=40)),
        ("screen.txt", Style(width=80)),
        ("wide.txt", Style(width=160)),
        ("colour.txt", Style(colour=True, width=100)),
        ("ascii.txt", Style(unicode=False, width=100)),
    ],
)
def test_a_preview_looks_as_agreed(declared: Project, name: str, style: Style) -> None:
    text = "".join(preview_text(preview(declared, declared.entries, Span(SPRING, 3)), style))
    assert_golden(f"preview/{name}", text)
    assert style.unicode or text.isascii()


def test_a_preview_up_to_an_instant_looks_as_agreed(declared: Project) -> None:
    found = preview(declared, declared.entries[:4], Span(SPRING, None, SPRING + timedelta(days=2)))
    assert_golden("preview/until.txt", "".join(preview_text(found, Style(width=100))))


def test_the_document_of_a_preview_is_as_agreed(declared: Project) -> None:
    found = preview(declared, declared.entries, Span(SPRING, 3))
    assert_golden("preview/preview.json", "".join(preview_json(found)))


@pytest.mark.parametrize("is_unicode", [True, False])
def test_a_preview_in_markdown_looks_as_agreed(declared: Project, *, is_unicode: bool) -> None:
    found = build_page([ProjectInput(declared)], SPRING, "UTC", ahead=28)
    text = preview_markdown(found, Style(unicode=is_unicode))
    assert is_unicode is not text.isascii()
    assert_golden(f"preview/{'markdown' if is_unicode else 'ascii'}.md", text)


@pytest.mark.parametrize("words", HOSTILE)
def test_untrusted_text_takes_no_effect_in_markdown(words: str) -> None:
    odd = [*(entry(words, key=f"{words}{n}", agent=words) for n in range(2)), entry(words, key=words, is_retired=True)]
    inputs = [ProjectInput(project(*odd)._replace(path=words))] * 2
    assert_only_ours(preview_markdown(build_page(inputs, NOW, "UTC", ahead=28), PLAIN))


def test_a_preview_in_markdown_fits_into_a_comment(halo: CommandLine, file: Path) -> None:  # noqa: ARG001 - likewise
    many = project(*(entry(f"{n}") for n in range(1_000)))
    text = preview_markdown(build_page([ProjectInput(many)], NOW, "UTC", ahead=28), PLAIN)
    assert 60_000 < len(text) <= 65_000
    assert "more rows; `halo page` draws them all." in text
    shown = halo("preview", "checkout-early", "--format", "markdown")
    assert (shown.code, shown.out.count("`checkout-"), shown.err) == (0, 1, "")
    refused = halo("preview", "--format", "markdown", "--until", "2027-01-01")
    assert (refused.code, refused.out) == (64, "")
    assert refused.err.startswith("error: --next and --until cannot be used with --format markdown")


@pytest.mark.parametrize("words", HOSTILE)
def test_foreign_words_are_neither_raw_nor_commands(words: str) -> None:
    odd = [entry(words, key=f"{words}{n}", agent=words) for n in range(2)]
    for style in (PLAIN, Style(width=40), Style(unicode=False)):
        assert_harmless("".join(preview_text(preview_of(*odd, entry(words, key=words, is_retired=True)), style)))
    assert_harmless("".join(preview_json(preview_of(*odd))))


# What it holds ------------------------------------------------------------------------------------------------------


def test_only_active_entries_fire_and_an_entry_is_active_by_default() -> None:
    found = preview_of(entry("A"), entry("B", enabled=True), entry("C", enabled=False), entry("D", is_retired=True))
    assert [(each.status, len([*each.fires])) for each in found.forecasts] == [
        (ScheduleStatus.ACTIVE, 5),
        (ScheduleStatus.ACTIVE, 5),
        (ScheduleStatus.PAUSED, 0),
        (ScheduleStatus.ARCHIVED, 0),
    ]


@pytest.mark.parametrize(
    ("count", "days", "listed"), [(3, None, 3), (9, None, 9), (None, 4, 4), (3, 9, 3), (9, 3, 3), (None, 1_001, 1_001)]
)
def test_count_or_instant_end_the_fires_whichever_comes_first(count: int | None, days: int | None, listed: int) -> None:
    until = None if days is None else NOW + timedelta(days=days)
    (found,) = preview_of(entry("A"), count=count, until=until).forecasts
    assert found.following is not None
    every = [*found.fires, found.following]
    spec = entry("A").spec
    assert spec is not None
    assert [fire.at for fire in every] == [*islice(upcoming_fires(spec.cadence, NOW), listed + 1)]


def test_a_fire_at_the_very_end_is_within() -> None:
    (found,) = preview_of(entry("A"), count=None, until=datetime(2026, 11, 3, 9, tzinfo=UTC)).forecasts
    assert [fire.at for fire in found.fires] == [datetime(2026, 11, 3, 9, tzinfo=UTC)]


def test_many_schedules_show_as_many_fires_as_one() -> None:
    found = preview_of(*(entry(str(n)) for n in range(400)), count=9)
    assert {len([*each.fires]) for each in found.forecasts} == {9}


def test_fires_up_to_an_instant_are_written_as_they_are_found() -> None:
    every_minute = entry("A", frequency="hourly", minutes=tuple(range(60)), hours=())
    forever = preview_of(every_minute, count=None, until=datetime(9000, 1, 1, tzinfo=UTC))
    (found,) = forever.forecasts
    assert found.following is not None
    assert found.following.at == datetime(9000, 1, 1, 0, 1, tzinfo=UTC)
    for parts in (preview_text(forever, PLAIN), preview_json(forever)):
        assert [len(part) < 2**17 for part in islice(parts, 3)] == [True] * 3


def test_every_fire_up_to_an_instant_is_there_in_each_format() -> None:
    found = preview_of(entry("A"), entry("B"), count=None, until=NOW + timedelta(days=1_500))
    text, document = "".join(preview_text(found, PLAIN)), json.loads("".join(preview_json(found)))
    assert [len(each["fires"]) for each in document["schedules"]] == [1_500, 1_500]
    assert text.count(" 09:00 UTC\n") == 3_000
    assert len([*preview_json(found)]) > 1


def test_fires_end_at_the_last_representable_instant() -> None:
    end = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
    for each in (entry("A"), entry("B", frequency="hourly", minutes=(30,), hours=())):
        assert each.spec is not None
        fires = Fires.of(each.spec.cadence, Span(datetime(9999, 12, 30, 12, tzinfo=UTC), None, end))
        assert [*fires][-1].at.day == 31
        assert fires.following is None


def test_an_agent_named_by_alias_and_by_name_has_one_row() -> None:
    entries = (entry("A", agent="checkout"), entry("B", agent="shop"), entry("C", agent="other", enabled=False))
    found = preview(project(*entries, aliases={"shop": "checkout", "store": "checkout"}), entries, Span(NOW, 1))
    assert [(each.agent, [len(day) for day in each.days]) for each in found.week.agents] == [
        ("shop", [0, 2, 2, 2, 2, 2, 2]),
        ("other", [0] * 7),
    ]


@pytest.mark.parametrize(
    ("zones", "week", "today"),
    [
        (["Asia/Tokyo", "Asia/Tokyo"], "Asia/Tokyo", date(2026, 11, 3)),
        (["Asia/Tokyo", "Europe/Berlin"], "UTC", date(2026, 11, 2)),
        ([], "UTC", date(2026, 11, 2)),
    ],
)
def test_the_week_is_in_the_zone_that_all_share(zones: Sequence[str], week: str, today: date) -> None:
    entries = [entry(f"{n}", timezone=zone) for n, zone in enumerate(zones)]
    paused = entry("paused", timezone="Africa/Cairo", enabled=False)
    found = preview_of(*entries, paused, now=datetime(2026, 11, 2, 20, tzinfo=UTC)).week
    assert (found.timezone, found.days) == (week, tuple(today + timedelta(days=n) for n in range(7)))


def test_schedules_of_one_agent_that_fire_at_once_are_named() -> None:
    found = preview_of(
        entry("A", key="a", hours=(9,)),
        entry("B", key="b", hours=(10,), timezone="Europe/Berlin"),
        entry("C", key="c", hours=(9,), agent="other"),
        entry("D", key="d", frequency="weekly", days_of_week=(3,), hours=(9,)),
    )
    spec = entry("A").spec
    assert spec is not None
    assert found.collisions == (
        Collision(spec.agent, ("a", "b"), 5, datetime(2026, 11, 3, 9, tzinfo=UTC)),
        Collision(spec.agent, ("a", "b", "d"), 1, datetime(2026, 11, 4, 9, tzinfo=UTC)),
    )


zones = st.sampled_from(["UTC", "America/New_York", "Australia/Lord_Howe", "America/St_Johns", "Asia/Kolkata"])
entries = st.lists(
    st.builds(
        lambda zone, hours, minutes, agent: (zone, tuple(sorted({*hours})), tuple(sorted({*minutes})), agent),
        zones,
        numbers(0, 23),
        numbers(0, 59),
        st.sampled_from(["a", "b"]),
    ),
    max_size=4,
)


@given(entries, st.integers(0, 17 * 365 * 86_400).map(lambda seconds: YEAR_2011 + timedelta(seconds=seconds)))
def test_the_week_holds_every_fire_of_its_days_once(drawn: list[Any], now: datetime) -> None:
    declared = [
        entry(f"{n}", timezone=zone, hours=hours, minutes=minutes, agent=agent)
        for n, (zone, hours, minutes, agent) in enumerate(drawn)
    ]
    week = preview_of(*declared, now=now).week
    midnight = datetime.combine(week.days[-1] + timedelta(days=1), datetime.min.time(), ZoneInfo(week.timezone))
    end = midnight.astimezone(UTC)
    specs = [each.spec for each in declared if each.spec is not None]
    expected = {
        agent: sorted(
            at.astimezone(UTC)
            for spec in specs
            if spec.agent == agent
            for at in takewhile(lambda at: at < end, upcoming_fires(spec.cadence, now))
        )
        for agent in dict.fromkeys(spec.agent for spec in specs)
    }
    assert {row.agent: [fire.at.astimezone(UTC) for day in row.days for fire in day] for row in week.agents} == expected


# The command --------------------------------------------------------------------------------------------------------


def test_preview_reads_only_the_project_file(halo: CommandLine, file: Path) -> None:
    ended = halo("preview", "--sandbox", HALO_SANDBOX="other.db", INF_API_KEY="a-key-that-is-not-asked-for")
    assert (ended.code, ended.err) == (0, "")
    assert ended == halo("preview") == halo("preview", "--next", "5", "--format", "text")
    assert tree(file.parent) == {"halo.yaml": FILE.encode()}


def test_one_schedule_is_selected_by_its_key(halo: CommandLine, file: Path) -> None:  # noqa: ARG001 - it has to be there
    ended = halo("preview", "checkout-early", "--next", "2")
    assert (ended.code, ended.out) == (
        0,
        """\
halo.yaml: 1 schedule, from Mon 2 Nov 2026 12:00 UTC

checkout-early  "Checkout, before anybody is up"  shop
  every day at 02:30 (Europe/Berlin)
  runs a month: 30.4
    Tue 3 Nov 02:30 CET = 01:30 UTC
    Wed 4 Nov 02:30 CET = 01:30 UTC

The week from Mon 2 Nov 13:00 on (Europe/Berlin)
  AGENT  Mon 2  Tue 3  Wed 4  Thu 5  Fri 6  Sat 7  Sun 8
  shop   -      02:30  02:30  02:30  02:30  02:30  02:30

1 active. Runs a month: 30.4.
""",
    )


def test_until_without_next_lists_every_fire(halo: CommandLine, file: Path) -> None:  # noqa: ARG001 - likewise
    found = halo("preview", "support-weekly", "--until", "2026-11-20T17:00:00Z", "--json")
    assert (found.code, found.err) == (0, "")
    assert [fire["utc"] for fire in found.json["schedules"][0]["fires"]] == [
        *("2026-11-06T17:00:00Z", "2026-11-07T01:00:00Z", "2026-11-08T17:00:00Z", "2026-11-09T01:00:00Z"),
        *("2026-11-13T17:00:00Z", "2026-11-14T01:00:00Z", "2026-11-15T17:00:00Z", "2026-11-16T01:00:00Z"),
        "2026-11-20T17:00:00Z",
    ]
    assert found.out == halo("preview", "support-weekly", "--until", "2026-11-20T17:00Z", "--format", "json").out


def test_a_terminal_that_is_no_unicode_gets_ascii(halo: CommandLine, file: Path) -> None:
    file.write_text(FILE.replace("support-bot", "サポート"), encoding="utf-8")
    for argv in (("preview",), ("preview", "--until", "2027-01-01")):
        ended = halo(*argv, is_terminal=True, encoding="ascii")
        assert (ended.code, ended.out.isascii()) == (0, True)
        assert "\x1b[" in ended.out
        assert "\x1b[" not in halo(*argv, "--no-color", is_terminal=True).out


def test_a_project_that_declares_nothing_says_so(halo: CommandLine, folder: Path) -> None:
    (folder / "halo.yaml").write_text("version: 1\nschedules: {}\n")
    ended = halo("preview")
    head = "halo.yaml: 0 schedules, from Mon 2 Nov 2026 12:00 UTC"
    assert (ended.code, ended.out) == (0, f"{head}\n\nNothing declared. Runs a month: 0.\n")
    assert halo("preview", "--json").json["schedules"] == []


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (("checkout-erly",), "halo.yaml declares no schedule 'checkout-erly'"),
        (("--next", "0"), "Invalid value for '--next': must be at least 1"),
        (("--next", "1001"), "Invalid value for '--next': must be at most 1000"),
        (("--next", "x"), "Invalid value for '--next':"),
        (("--until", "tomorrow"), "--until: 'tomorrow' is not an ISO 8601 instant"),
        (("--until", ""), "--until: '' is not an ISO 8601 instant"),
        (("--until", "2026-11-02T12:00Z"), "--until 2026-11-02T12:00Z is in the past"),
        (("--until", "2026-11-02"), "--until 2026-11-02 is in the past"),
        (("--until", "0001-01-01T00:00+14:00"), "--until: '0001-01-01T00:00+14:00' is not an ISO 8601 instant"),
        (("--format", "github"), "Invalid value for '--format':"),
    ],
)
def test_bad_input_is_wrong_usage(halo: CommandLine, file: Path, argv: tuple[str, ...], message: str) -> None:  # noqa: ARG001 - likewise
    ended = halo("preview", *argv)
    assert (ended.code, ended.out) == (64, "")
    assert ended.err.startswith(f"error: {message}")
    assert "\nhint: " in ended.err
    refused = halo("preview", *argv, "--json")
    assert (refused.code, refused.out, refused.error["exit_code"]) == (64, "", 64)
