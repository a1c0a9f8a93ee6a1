"""A page as one HTML file, from templates that escape all values."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from datetime import datetime
from functools import cache, cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup, escape

from halo_iac.fire_times import describe, describe_reason, runs_per_month
from halo_iac.page import Coverage, Page, PageAgent, PageSchedule, PastRun, Track
from halo_iac.render.calendar import format_day
from halo_iac.render.drift import drift_counts, item_rows, kind_heading, shared_hint
from halo_iac.render.html import diff, strip, words
from halo_iac.render.html.report import report_html
from halo_iac.render.style import PLAIN, Style
from halo_iac.render.values import counted_findings, format_amount, format_number
from halo_iac.text import counted

PAGE_START: Final = "<!doctype html>\n<!-- halo page -->\n"
"""How every page of halo begins; other files are not overwritten."""

_CODE: Final = re.compile("`([^`]+)`")
_MAX_PAGE_LENGTH: Final = 4_700_000
_SCHEDULE: Final = 2_000
"""The approximate size of a page in bytes, which stays below 5 MB, and the share of each schedule."""
_TEMPLATES: Final = Path(__file__).parent / "templates"


def page_html(page: Page, style: Style = PLAIN) -> str:
    """Return the whole file; same page, same bytes. ``style`` spells commands."""
    environment = _environment()
    css = f"{_css()}.ruler{{grid-template-columns:repeat({len(page.period.days)},1fr)}}\n"
    digest = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
    common = {"page": page, "draw": _Drawings(page), "style": style}
    parts = environment.get_template("parts.html.j2").make_module(common)
    return environment.get_template("page.html.j2").render(
        common,
        parts=parts,
        reports=_reports(page, parts),
        css=Markup(css),  # noqa: S704 - our own
        css_hash=f"sha256-{digest}",  # by which the page's content security policy allows the style sheet
    )


def _reports(page: Page, parts: Any) -> dict[int, Markup]:  # noqa: ANN401 - a template has whatever it defines
    """Return each report by its number; the earliest ones without their text if the page would become too large."""
    found = [(each, schedule.forecast.cadence) for schedule in page.all_schedules for each in schedule.reports]
    found += [(each, None) for each in page.unclaimed]
    room = _MAX_PAGE_LENGTH - _SCHEDULE * sum(1 for _ in page.all_schedules)
    drawn: dict[int, Markup] = {}
    for report, cadence in sorted(found, key=lambda one: one[0].number):
        whole = parts.report(report, cadence, room > 0)
        size = len(whole.encode())
        has_room = size <= room
        drawn[report.number] = whole if has_room else parts.report(report, cadence, False)  # noqa: FBT003 - a macro
        room -= size if has_room else 0
    return drawn


@cache
def _environment() -> Environment:
    """Return the template environment: every text that is not our markup is made harmless, then escaped.

    The style comes with what is rendered: to compile the templates takes longer than to render most pages.
    """
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_finalize,
    )
    environment.filters |= {
        "number": format_number,
        "money": format_amount,
        "describe": describe,
        "say": _message_html,
        "lookback": lambda hours: words.duration(hours * 3600),
    }
    environment.globals |= {
        "counted": counted,
        "counted_findings": counted_findings,
        "runs_per_month": lambda cadence: float(runs_per_month(cadence)),
        "describe_reason": describe_reason,
        "words": words,
        "report_html": report_html,
        "diff": diff,
        "drift_counts": drift_counts,
        "shared_hint": shared_hint,
        "kind_heading": kind_heading,
        "item_rows": item_rows,
    }
    return environment


@pass_context
def _finalize(context: Context, value: object) -> object:
    return _style(context).safe(value) if isinstance(value, str) and not isinstance(value, Markup) else value


@pass_context
def _message_html(context: Context, text: str) -> Markup:
    """Return a message with what stands in backticks as code."""
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(_style(context).safe(text)))))  # noqa: S704 - escaped above


def _style(context: Context) -> Style:
    style: Style = context["style"]
    return style


@cache
def _css() -> str:
    return (_TEMPLATES / "page.css").read_text(encoding="utf-8")


class _Drawings:
    """The drawings of a page, each with the name under which it is used again."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._names: dict[Any, str] = {}

    @cached_property
    def width(self) -> int:
        """Return the width of every drawing, in its own units."""
        return len(self._page.period.days) * strip.DAY

    @property
    def height(self) -> int:
        """Return the height of every drawing."""
        return strip.HEIGHT

    @cached_property
    def weekends(self) -> str:
        """Return the days of weekends as a path."""
        size = f"h{strip.DAY}v{strip.HEIGHT}h-{strip.DAY}z"
        days = enumerate(self._page.period.days)
        return "".join(f"M{place * strip.DAY} 0{size}" for place, each in days if each.weekday() >= 5)

    @cached_property
    def mondays(self) -> str:
        """Return the beginnings of weeks as lines."""
        return "".join(strip.line(place) for place, each in enumerate(self._page.period.days) if each.weekday() == 0)

    @cached_property
    def now(self) -> str:
        """Return the current instant as a line."""
        return strip.line(self._page.period.place(self._page.period.present))

    @cached_property
    def past(self) -> str:
        """Return the width of what is over."""
        return f"{self._page.period.place(self._page.period.present) * strip.DAY:.2f}"

    def changes(self, timezone: str) -> str:
        """Return when the clocks of a zone change, as lines."""
        period = self._page.period
        return "".join(strip.line(period.place(e.at)) for e in self._page.clock_changes if e.timezone == timezone)

    @cached_property
    def weeks(self) -> list[tuple[str, str, int]]:
        """Return the first weekday and date of each week, or of a part of one, and how many days it has."""
        days = self._page.period.days
        starts = [place for place, each in enumerate(days) if place == 0 or each.weekday() == 0]
        found = []
        for start, end in pairwise([*starts, len(days)]):
            weekday, _, its_date = format_day(days[start]).partition(" ")
            found.append((weekday, its_date, end - start))
        return found

    def of(self, schedule: PageSchedule) -> tuple[str, strip.Strip | None]:
        """Return the name of a schedule's drawing, and its paths unless they were given out under it already."""
        track = schedule.track
        assert track is not None  # noqa: S101 - what does not fire has no drawing
        key = (track.cadence, track.lookback_hours)
        if key in self._names:
            return self._names[key], None
        name = self._names[key] = f"d{len(self._names)}"
        return name, strip.strip(track, self._page.period)

    def together(self, agent: PageAgent) -> strip.Strip:
        """Return the drawing of all that looks at an agent."""
        return strip.coverage_strip(agent.coverage, self._page.period)

    def dots(self, past: Sequence[PastRun]) -> list[tuple[str, str]]:
        """Return what became of past runs: for each outcome the dots of its runs as one path."""
        places: dict[str, list[float]] = {}
        for run in past:
            if self._is_shown(run.at):
                places.setdefault(run.outcome.name.lower(), []).append(self._place(run.at))
        return [(outcome, strip.dots(found)) for outcome, found in places.items()]

    def target(self, instant: datetime) -> str:
        """Return what to point at for an instant, empty where it is outside the period."""
        return strip.target(self._place(instant)) if self._is_shown(instant) else ""

    def _place(self, instant: datetime) -> float:
        return self._page.period.place(int(instant.timestamp()))

    def _is_shown(self, instant: datetime) -> bool:
        return self._page.period.start <= instant.timestamp() < self._page.period.end

    def coming(self, coverage: Coverage) -> Coverage:
        """Return how often what is still to come is analysed."""
        return coverage.since(self._page.period.present)

    def count(self, track: Track) -> int | None:
        """Return the number of coming fires in the period; ``None`` if there are too many to draw individually."""
        if track.fires is None:
            return None
        return sum(fire.at > self._page.period.now for fire in track.fires)
