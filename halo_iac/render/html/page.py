"""A page as one HTML file, from templates that escape all values."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup, escape

from halo_iac.fire_times import describe, describe_reason, runs_per_month
from halo_iac.model.schedule import Cadence
from halo_iac.page.contents import Page, PageAgent, PageSchedule
from halo_iac.page.history import PastRun
from halo_iac.page.timeline import Coverage
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
    """Return the page as one HTML file; equal pages give equal bytes. ``style`` formats the commands."""
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
    """The drawings of a page, as SVG paths; ``weeks`` has the first weekday, the date and the days of each week.

    Equal strips have one name, under which a strip is used again.
    """

    def __init__(self, page: Page) -> None:
        self._page = page
        self._names: dict[tuple[Cadence, int], str] = {}
        days, present = page.period.days, page.period.position(page.period.present)
        size = f"h{strip.DAY}v{strip.HEIGHT}h-{strip.DAY}z"
        mondays = [place for place, each in enumerate(days) if each.weekday() == 0]
        self.width, self.height = len(days) * strip.DAY, strip.HEIGHT
        self.weekends = "".join(
            f"M{place * strip.DAY} 0{size}" for place, each in enumerate(days) if each.weekday() >= 5
        )
        self.mondays = "".join(map(strip.draw_line, mondays))
        self.now = strip.draw_line(present)
        self.past = f"{present * strip.DAY:.2f}"  # the width of what is over
        starts = sorted({0, *mondays})
        firsts = [format_day(days[start]).partition(" ") for start in starts]
        lengths = [end - start for start, end in pairwise([*starts, len(days)])]
        self.weeks = [(weekday, date, length) for (weekday, _, date), length in zip(firsts, lengths, strict=True)]

    def clock_changes(self, timezone: str) -> str:
        """Return when the clocks of a zone change, as lines."""
        changes = (each.at for each in self._page.clock_changes if each.timezone == timezone)
        return "".join(strip.draw_line(self._page.period.position(at)) for at in changes)

    def schedule_strip(self, schedule: PageSchedule) -> tuple[str, strip.Strip | None]:
        """Return the name of a schedule's strip, and the strip itself unless an equal one was returned before."""
        track = schedule.track
        assert track is not None  # noqa: S101 - what does not fire has no drawing
        key = (track.cadence, track.lookback_hours)
        if key in self._names:
            return self._names[key], None
        name = self._names[key] = f"d{len(self._names)}"
        return name, strip.draw_strip(track, self._page.period)

    def agent_strip(self, agent: PageAgent) -> strip.Strip:
        """Return the drawing of how often an agent's traces are analysed by all its schedules."""
        return strip.draw_coverage(agent.coverage, self._page.period)

    def run_dots(self, past: Sequence[PastRun]) -> list[tuple[str, str]]:
        """Return the past runs of the period by outcome, each with its runs as one path of dots."""
        places: dict[str, list[float]] = {}
        for run in past:
            place = self._position(run.at)
            if place is not None:
                places.setdefault(run.outcome.name.lower(), []).append(place)
        return [(outcome, strip.draw_dots(found)) for outcome, found in places.items()]

    def run_area(self, instant: datetime) -> str:
        """Return the area around a run's dot that links to its report; empty outside the period."""
        place = self._position(instant)
        return "" if place is None else strip.draw_area(place)

    def _position(self, instant: datetime) -> float | None:
        period, seconds = self._page.period, instant.timestamp()
        return period.position(int(seconds)) if period.start <= seconds < period.end else None

    def upcoming(self, coverage: Coverage) -> Coverage:
        """Return how often the traces from now on are analysed."""
        return coverage.since(self._page.period.present)
