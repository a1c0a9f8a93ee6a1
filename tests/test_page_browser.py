"""The page in a real browser: it sends no requests, does not overflow, and is accessible."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from browser import needs_browser, open_browser, open_page
from render_samples import HOSTILE, hostile_plan, nasty_plan
from strategies import actual, entry, project

from halo_iac.findings import run_rules
from halo_iac.load import load
from halo_iac.model.project import Entry
from halo_iac.model.runs import Run
from halo_iac.model.stored_report import StoredReport, StoredReports
from halo_iac.page import Page, PlatformInput, ProjectInput, build_page
from halo_iac.plan.drift import find_drift
from halo_iac.preview import Span, preview
from halo_iac.render.html import page_html
from halo_iac.render.preview_json import preview_json

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = needs_browser

ROOT = Path(__file__).parent.parent
NOW = datetime(2027, 3, 24, 12, 0, tzinfo=UTC)
"""Four days before the clocks of Berlin go forward."""
WIDTHS = (320, 768, 1440)
PAGES = ("team", "platform", "hostile")
HUGE = "huge"
"""Too large for axe-core, which takes a minute and more for it."""

REPORT = """\
# Review

| Step | Failed | |
| --- | ---: | --- |
| `charge_card` | 7 | {id} |

1. **Fix** the [tool](https://example.com/a/very/long/path/{id}/{id}/{id}/{id}).

```
{id}{id}{id}{id}{id}{id}
```
"""
ID = "4bf92f3577b34da6a3ce929d0e0e4736"

HTML = "<script>alert(1)</script><img src=x onerror=alert(1)><style>body{display:none}</style>\n"


def hostile_reports(size: int) -> tuple[str, ...]:
    """Return reports that try everything, the first two so many lines long."""
    return (
        HTML * size,
        "".join(f"{'#' * (number % 6 + 1)} Heading {number}\n" for number in range(size)),
        "[a](javascript:alert(1)) ![b](https://example.com/x.png) [](https://example.com) <https://example.com>\n\n",
        "| | |\n| - | - |\n| | |\n\n" + "|" + "wide |" * 60 + "\n|" + "-|" * 60 + "\n|" + f"{ID}|" * 60 + "\n",
        "\n\n".join(HOSTILE),
    )


def team() -> Page:
    declared = load(ROOT / "examples/team/halo.yaml", variables={}, cwd=ROOT)
    return build_page([ProjectInput(declared, run_rules(declared))], NOW, "America/New_York", ahead=28)


def run(number: int, status: str) -> Run:
    due = (NOW - timedelta(days=number)).isoformat()
    return Run({"id": f"r-{number}", "scheduledForAt": due, "status": status, "errorMessage": "no model answered"})


def platform() -> Page:
    entries = (
        entry("Nightly", key="nightly", lookback_hours=12, timezone="Europe/Berlin", hours=(2,), minutes=(30,)),
        entry("Paused", key="paused", agent="bot", enabled=False),
        entry("Gone", key="gone", is_retired=True),
    )
    declared = project(*entries, max_runs_per_month=10)
    runs = {"nightly": [run(1, "failed"), run(2, "timed_out"), run(3, "completed"), run(4, "no_traces")]}
    drift = find_drift(nasty_plan(), actual())
    reports = tuple(
        StoredReport(
            f"nightly/2027-03/{number}.md",
            REPORT.format(id=ID) + f"\n{number} new\n",
            "nightly" if number < 9 else None,
            run=f"r-{number}",
            title="Nightly",
            start=NOW - timedelta(days=number + 1),
            at=NOW - timedelta(days=number),
        )
        for number in range(3, 10)
    )
    given = ProjectInput(declared, run_rules(declared), PlatformInput(drift, runs, {"paused": "HTTP 500"}))
    return build_page([given], NOW, "Asia/Kathmandu", ahead=28, reports=StoredReports(reports, ("README.md",)))


def entry_with_untrusted_text(words: str, number: int) -> Entry:
    return entry(f"{words}{'w' * 200}", key=f"{words}{number}", agent=words, lookback_hours=1)


def hostile_page(size: int) -> Page:
    declared = project(*(entry_with_untrusted_text(words, number) for number, words in enumerate(HOSTILE)))
    drift = find_drift(hostile_plan(HOSTILE[0]), actual())
    reports = tuple(
        StoredReport(f"{HOSTILE[number]}.md", text, declared.entries[number].key, title=HOSTILE[number], at=NOW)
        for number, text in enumerate(hostile_reports(size))
    )
    given = ProjectInput(declared, run_rules(declared), PlatformInput(drift, {}, {}))
    return build_page([given], NOW, "UTC", ahead=28, reports=StoredReports(reports, ()))


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    pages = {"team": team(), "platform": platform(), "hostile": hostile_page(200), HUGE: hostile_page(10_000)}
    for name, found in pages.items():
        (folder / f"{name}.html").write_text(page_html(found), encoding="utf-8")
    return {name: folder / f"{name}.html" for name in pages}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_browser() as found:
        yield found


@pytest.mark.parametrize("name", [*PAGES, HUGE])
@pytest.mark.parametrize("width", WIDTHS)
def test_a_page_logs_and_loads_nothing_and_fits(
    browser: Browser, files: dict[str, Path], name: str, width: int
) -> None:
    with open_page(browser, files[name], width) as found:
        assert found.width == width
        found.unfold()
        assert found.width == width
        assert found.messages == []
        assert [each for each in found.requests if not each.startswith("data:")] == [files[name].as_uri()]


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize(("width", "scheme"), [(320, "light"), (1440, "light"), (1440, "dark")])
def test_axe_finds_no_barrier(browser: Browser, files: dict[str, Path], name: str, width: int, scheme: str) -> None:
    with open_page(browser, files[name], width, scheme) as found:
        found.unfold()
        assert found.violations() == []


def test_axe_would_find_one(browser: Browser, files: dict[str, Path], tmp_path: Path) -> None:
    broken = tmp_path / "broken.html"
    broken.write_text(files["team"].read_text().replace(' lang="en"', "").replace("--soft: #536173", "--soft: #b0b8c2"))
    with open_page(browser, broken) as found:
        rules = {each["rule"] for each in found.violations()}
    assert "html-has-lang" in rules


def test_every_fire_of_a_preview_can_be_seen(browser: Browser, files: dict[str, Path]) -> None:
    declared = load(ROOT / "examples/team/halo.yaml", variables={}, cwd=ROOT)
    document = json.loads("".join(preview_json(preview(declared, declared.entries, Span(NOW, 5)))))
    fires = {fire["at"] for schedule in document["schedules"] for fire in schedule["fires"]}
    with open_page(browser, files["team"]) as found:
        found.unfold()
        times = found.page.locator("time")
        seen = {each.get_attribute("datetime") for each in times.all() if each.is_visible()}
    assert len(fires) == 20
    assert fires <= seen


def test_every_part_can_be_reached_by_keyboard(browser: Browser, files: dict[str, Path]) -> None:
    with open_page(browser, files["platform"]) as found:
        found.page.keyboard.press("Tab")
        assert found.page.evaluate("document.activeElement.textContent") == "Skip to the calendar"
        found.page.keyboard.press("Enter")
        found.page.keyboard.press("Tab")
        assert found.page.evaluate("document.activeElement.closest('#calendar') !== null")
        link = found.page.locator("#calendar p a[href^='#r']").first
        link.focus()
        found.page.keyboard.press("Enter")
        assert found.page.locator(str(link.get_attribute("href"))).is_visible()


def test_a_dot_of_the_calendar_leads_to_its_report(browser: Browser, files: dict[str, Path]) -> None:
    with open_page(browser, files["platform"]) as found:
        found.page.locator("svg a[href='#r1']").click()
        assert found.page.locator("#r1").is_visible()
        assert found.page.locator("#r1").inner_text().count("charge_card") >= 1


def test_everything_is_unfolded_in_print(browser: Browser, files: dict[str, Path]) -> None:
    with open_page(browser, files["platform"]) as found:
        found.page.emulate_media(media="print")
        assert found.page.locator("#r1").bounding_box()["height"] > 100  # type: ignore[index]
        assert not found.page.locator("nav").is_visible()
