"""A preview as a document for machines; instants are ISO 8601, in the schedule's zone and in UTC.

See docs/cli.md#formats.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from typing import Any

from halo_iac.fire_times import Fire, describe, describe_reason, runs_per_month
from halo_iac.preview import Collision, Preview, ScheduleForecast, ScheduleStatus, Week
from halo_iac.render.json import LazyList, document_parts, projects_value
from halo_iac.text import Document


def preview_json(preview: Preview) -> Iterator[Document]:
    """Yield the whole preview as one document, in parts: there may be millions of fires."""
    return document_parts(_preview(preview))


def previews_json(previews: Sequence[Preview]) -> Iterator[Document]:
    """Yield the previews of several project files as one document, in parts."""
    return document_parts(projects_value({"file": preview.path, **_preview(preview)} for preview in previews))


def _preview(preview: Preview) -> dict[str, Any]:
    span = preview.span
    fee = preview.cost_per_run
    return {
        "path": preview.path,
        "now": _utc(span.now),
        "next": span.count,
        "until": None if span.until is None else _utc(span.until),
        **({} if fee is None else {"cost_per_run": fee}),
        "schedules": [_outlook(forecast, fee) for forecast in preview.forecasts],
        "week": _week(preview.week),
        "at_the_same_instant": [_collision(collision) for collision in preview.collisions],
    }


def _outlook(forecast: ScheduleForecast, fee: float | None) -> dict[str, Any]:
    cadence, is_active = forecast.cadence, forecast.status is ScheduleStatus.ACTIVE
    following = forecast.following
    runs = float(runs_per_month(cadence)) if cadence is not None and is_active else 0.0
    return {
        "key": forecast.key,
        "title": forecast.title,
        "agent": forecast.agent,
        "standing": str(forecast.status),
        "cadence": None if cadence is None else describe(cadence),
        "timezone": None if cadence is None else cadence.timezone,
        "runs_per_month": round(runs, 2),
        **({} if fee is None else {"cost_per_month": round(runs * fee, 2)}),
        "fires": LazyList(lambda: map(_fire, forecast.fires)),
        "following": None if following is None else _fire(following),
    }


def _fire(fire: Fire) -> dict[str, Any]:
    reason = None if fire.reason is None else {"reason": str(fire.reason), "message": describe_reason(fire)}
    return {"at": fire.at.isoformat(), "utc": _utc(fire.at), "approximate": reason}


def _week(week: Week) -> dict[str, Any]:
    return {
        "timezone": week.timezone,
        "agents": [
            {"agent": agent.agent, "days": [_day(*each) for each in zip(week.days, agent.days, strict=True)]}
            for agent in week.agents
        ],
    }


def _day(day: date, fires: Sequence[Fire]) -> dict[str, Any]:
    return {
        "date": day.isoformat(),
        "fires": len(fires),
        "first": _utc(fires[0].at) if fires else None,
        "last": _utc(fires[-1].at) if fires else None,
        "is_approximate": any(fire.reason for fire in fires),
    }


def _collision(collision: Collision) -> dict[str, Any]:
    return {
        "agent": collision.agent,
        "schedules": list(collision.keys),
        "count": collision.count,
        "first": _utc(collision.first),
    }


def _utc(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
