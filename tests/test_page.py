"""``halo page``: one HTML file, what stands on it, and what it refuses to write over."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path

import pytest
from command_line import NOW, CommandLine
from golden_files import assert_golden
from render_asserts import assert_harmless
from render_samples import HOSTILE
from served_runs import Served
from strategies import entry, project

from halo_iac.findings import run_rules
from halo_iac.load import load
from halo_iac.model.project import Entry
from halo_iac.page import ProjectInput, build_page
from halo_iac.render.html import PAGE_START, page_html
from halo_iac.sandbox.faults import Fault, Refuse

ROOT = Path(__file__).parent.parent
SPRING = datetime(2027, 3, 26, 12, 0, tzinfo=UTC)
FILE = """\
version: 1
schedules:
  early: {title: Before the shop opens, agent: shop, cron: "30 2 * * *", timezone: Europe/Berlin, lookback: 12h}
  later: {title: Later, agent: bot, cron: "0 9 * * 1,2", timezone: Asia/Tokyo, enabled: false}
"""


class Elements(HTMLParser):
    """Every element of a page with its attributes, and the text of it all."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def of(self, name: str) -> list[str]:
        """Return the values of an attribute, wherever it stands."""
        return [value or "" for _, attributes in self.found for key, value in attributes.items() if key == name]


def html(*entries: Entry, now: datetime = NOW, timezone: str = "UTC", weeks: int = 4, **policy: object) -> str:
    declared = project(*entries, **policy)
    return page_html(build_page([ProjectInput(declared, run_rules(declared))], now, timezone, ahead=weeks * 7))


def visible_text(text: str) -> str:
    """Return the text of a page on one line."""
    return " ".join(Elements(text).text.split())


# What stands on it --------------------------------------------------------------------------------------------------


def test_the_page_of_the_team_looks_as_agreed() -> None:
    declared = load(ROOT / "examples/team/halo.yaml", variables={}, cwd=ROOT)
    found = build_page([ProjectInput(declared, run_rules(declared))], NOW, "Europe/Berlin", ahead=28)
    assert_golden("page/team.html", page_html(found).partition("<body>")[2])
    assert page_html(found) == page_html(found)


def test_every_fire_of_a_preview_is_on_it_in_its_zone_and_in_utc(halo: CommandLine, folder: Path) -> None:
    (folder / "halo.yaml").write_text(FILE)
    preview = halo("preview", "--json").json
    assert halo("page", "--offline", "--timezone", "America/New_York").code == 0
    shown = set(Elements((folder / "halo.html").read_text()).of("datetime"))
    fires = [fire for schedule in preview["schedules"] for fire in schedule["fires"]]
    assert {each for fire in fires for each in (fire["at"], fire["utc"])} <= shown
    assert len(fires) == 5


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ((entry("A"),), "1 schedule reviews 1 agent, about 30 times a month"),
        ((entry("A"), entry("B", agent="bot", enabled=False)), "1 schedule reviews 1 agent, about 30 times a month"),
        ((), "No schedule runs"),
        ((entry("A", enabled=False),), "Not covered: no schedule of this agent runs."),
        ((entry("A", enabled=False),), "paused in the file"),
        ((entry("A", is_retired=True),), "Archived, so never running: A."),
        ((entry("A", lookback_hours=24),), "Every trace is read."),
        ((entry("A", lookback_hours=23),), "Leaves out 27 hours: Tue 3 Nov 09:00 to 10:00, Wed 4 Nov 09:00 to 10:00"),
        ((entry("A", lookback_hours=48),), "Looks at traces more than once: always, twice."),
        ((entry("A", hours=(9, 17), lookback_hours=16),), "more than once: 33 % of the time, at most twice."),
        ((entry("A", timezone="Asia/Tokyo"),), "Next: Tue 3 Nov 09:00 JST (00:00 UTC)"),
    ],
)
def test_the_summary_counts_schedules_agents_and_runs(entries: tuple[Entry, ...], said: str) -> None:
    assert said in visible_text(html(*entries))


def test_a_fire_at_a_clock_change_says_so_and_the_change_is_marked() -> None:
    text = visible_text(html(entry("A", hours=(2,), minutes=(30,), timezone="Europe/Berlin"), now=SPRING))
    assert "Sun 28 Mar 03:00 CEST (01:00 UTC) approximate: the clocks skip from 02:00 to 03:00" in text
    assert "clocks change: Sun 28 Mar, 02:00 to 03:00 (Europe/Berlin)" in text


def test_equal_drawings_are_rendered_once() -> None:
    one, many = (html(*(entry(f"{n}") for n in range(count))) for count in (1, 50))
    assert many.count('class="mark"') == one.count('class="mark"')
    assert len(Elements(many).of("id")) == len(set(Elements(many).of("id")))


# What it must not hold ----------------------------------------------------------------------------------------------


def test_the_page_loads_nothing_from_elsewhere() -> None:
    text = html(entry("A"), now=SPRING)
    elements = Elements(text)
    assert {tag for tag, _ in elements.found}.isdisjoint({"script", "img", "iframe", "object", "embed", "form", "base"})
    links = [*elements.of("href"), *elements.of("src"), *elements.of("xlink:href")]
    assert [each for each in links if not each.startswith(("#", "data:image/svg+xml,"))] == []
    assert not any(name.startswith("on") or name == "style" for _, each in elements.found for name in each)
    (style,) = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = next(each["content"] for tag, each in elements.found if each.get("http-equiv"))
    assert policy == (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"
    )
    assert "url(" not in style
    assert "@import" not in style


@pytest.mark.parametrize("foreign", HOSTILE)
def test_untrusted_text_is_escaped(foreign: str) -> None:
    plain = Elements(html(entry("A", agent="a"), entry("C", is_retired=True), aliases={"b": "a"}))
    text = html(entry(foreign, agent=foreign), entry(foreign, is_retired=True), aliases={"b": foreign})
    assert_harmless(text)
    assert [each[0] for each in Elements(text).found] == [each[0] for each in plain.found]


# The file -----------------------------------------------------------------------------------------------------------


def test_a_page_is_written_and_replaced_and_nothing_else_is(halo: CommandLine, folder: Path) -> None:
    (folder / "halo.yaml").write_text(FILE)
    for _ in range(2):
        result = halo("page", "--offline", "--out", "halo page.html")
        assert (result.code, result.out) == (0, "Wrote halo page.html: 1 active schedule\n")
    written = folder / "halo page.html"
    assert written.read_text().startswith(PAGE_START)
    assert written.stat().st_mode & 0o777 == 0o600
    foreign = folder / "index.html"
    foreign.write_text("<!doctype html>\n<title>Ours</title>\n")
    result = halo("page", "--offline", "--out", "index.html")
    assert (result.code, result.out) == (1, "")
    assert "index.html exists and is not a page of halo; it was not overwritten" in result.err
    assert foreign.read_text() == "<!doctype html>\n<title>Ours</title>\n"


@pytest.mark.parametrize(
    ("argv", "code", "said"),
    [
        (("--out", "."), 1, ".: a directory"),
        (("--out", "no/such/folder.html"), 1, "No such file or directory"),
        (("--weeks", "0"), 64, "--weeks"),
        (("--weeks", "14"), 64, "--weeks"),
        (("--timezone", "Europe/Berlim"), 64, "did you mean `Europe/Berlin`?"),
        (("--file", "bad.yaml"), 1, "bad.yaml"),
    ],
)
def test_bad_input_is_an_error(halo: CommandLine, folder: Path, argv: tuple[str, ...], code: int, said: str) -> None:
    (folder / "halo.yaml").write_text(FILE)
    (folder / "bad.yaml").write_text("version: 1\nschedules: {one: {title: 1}}\n")
    result = halo("page", "--offline", *argv)
    assert (result.code, result.out) == (code, "")
    assert said in result.err
    assert {each.name for each in folder.iterdir() if each.suffix == ".html"} == set()


def test_with_a_platform_it_says_how_that_differs(halo: CommandLine, folder: Path) -> None:
    (folder / "halo.yaml").write_text(
        FILE.replace("agent: shop", "agent: checkout").replace("agent: bot", "agent: research")
    )
    assert halo("page", "--sandbox", "--out", "a.html").code == 0
    text = visible_text((folder / "a.html").read_text())
    assert "Missing: 2 schedules, declared, but not active on the platform" in text
    assert "missing on the platform" in text
    assert "No schedule runs" in text
    assert "Not covered: no schedule of this agent runs." in text
    halo("apply", "--sandbox", "--yes")
    halo("pause", "early", "--sandbox", "--yes")
    result = halo("page", "--sandbox", "--out", "a.html", "--json")
    assert result.json == {"path": "a.html", "schedules": 1, "agents": 2, "reports": 0}
    assert "paused on the platform" in visible_text((folder / "a.html").read_text())


def test_past_runs_and_pulled_reports_stand_at_their_fires(quick_runs: Served, folder: Path) -> None:
    known = FILE.replace("agent: shop", "agent: checkout").replace("agent: bot", "agent: research")
    (folder / "halo.yaml").write_text(known)
    quick_runs("apply", "--yes")
    for _ in range(4):
        quick_runs.clock.advance(hours=12)
        quick_runs("schedule", "list")
    assert quick_runs("report", "pull", "--dir", "reports").code == 0
    (folder / "reports/README.md").write_text("# Ours\n")
    result = quick_runs("page", "--reports", "reports")
    assert (result.code, result.out) == (0, "Wrote halo.html: 1 active schedule, 2 reports\n")
    assert result.err.endswith("Skipped, because they are not reports: `README.md`\n")
    text = (folder / "halo.html").read_text()
    targets = {each[1:] for each in Elements(text).of("href") if each.startswith("#r")}
    assert targets == {"r1", "r2", "reports"} <= set(Elements(text).of("id"))
    assert "completed Wed 4 Nov 02:30 CET (01:30 UTC) its report" in visible_text(text)
    assert 'class="dot report"' in text
    assert quick_runs("page", "--offline", "--reports", "reports", "--out", "offline.html").code == 0
    assert "its report" in (folder / "offline.html").read_text()
    assert quick_runs("page", "--offline", "--reports", "none").code == 1


def test_runs_that_cannot_be_read_are_missing_with_a_warning(quick_runs: Served, folder: Path) -> None:
    known = FILE.replace("agent: shop", "agent: checkout").replace("agent: bot", "agent: research")
    (folder / "halo.yaml").write_text(known)
    quick_runs("apply", "--yes")
    quick_runs.sandbox.faults.add(Fault("haloSchedule.listRuns", Refuse("NOT_FOUND"), times=None))
    result = quick_runs("page")
    assert result.code == 1
    assert "the runs of `early` could not be read" in result.err
    assert "could not be read" in visible_text((folder / "halo.html").read_text())


def test_several_project_files_are_one_page(halo: CommandLine, folder: Path) -> None:
    (folder / "halo.yaml").write_text(FILE)
    (folder / "other.yaml").write_text(FILE)
    assert halo("page", "--offline", "-f", "halo.yaml", "-f", "other.yaml").code == 0
    text = (folder / "halo.html").read_text()
    assert "2 schedules review 1 agent, about 61 times a month" in visible_text(text)
    assert len(Elements(text).of("id")) == len(set(Elements(text).of("id")))
    assert json.dumps("other.yaml")[1:-1] in text
