"""``haloSchedule.*``: schedules as documented, and our choices where the platform is undocumented.

Not documented, and chosen here:

- A list is in the order of creation, and its cursor is a position in it: schedules created meanwhile come last.
- Equal titles are allowed.
- Every update sets ``updatedAt``, even one that changes nothing; archiving and unarchiving set it if they change the
  state.
- An archived schedule may be updated (``Settings.updates_archived`` makes it PRECONDITION_FAILED) and stays archived.
- A schedule of a project that the key does not cover is NOT_FOUND, like one that does not exist.
- A schedule that was paused because its agent was deleted continues once it is enabled or gets another agent.
- The catalog's default model is resolved when a schedule is written, so that a change of the catalog does not change
  schedules. A summarization model that is not given stays null.
- Only eligible models are accepted, as the official client's help says ("must be is_halo_model").
- Defaults of a create are those of docs/protocol.md#values; a later official client documents others.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final
from zoneinfo import ZoneInfo

from halo_iac.sandbox import demo
from halo_iac.sandbox import validation as rules
from halo_iac.sandbox.call import Call, Kind, Procedure, find_agent, parse_offset
from halo_iac.sandbox.instants import format_instant
from halo_iac.sandbox.protocol import RequestRefused, encode_json
from halo_iac.sandbox.store import ScheduleRow
from halo_iac.sandbox.validation import BY_ID, FREQUENCIES, Shape, nullable, optional, required

_MINUTES: Final = frozenset(range(60))

_SEARCHED: Final = {
    "hourly": timedelta(hours=3),
    "daily": timedelta(days=3),
    "weekly": timedelta(days=9),
    "monthly": timedelta(days=70),
}
"""How far back the latest fire is searched for: more than the longest time between two fires of each frequency.

Monthly on the 31st skips months of 30 days.
"""


def next_fire(wire: Mapping[str, Any], after: datetime) -> datetime | None:
    """Return a schedule's first fire after an instant, in UTC; ``None`` if it does not fire in its current state."""
    is_active = wire.get("enabled") is True and wire.get("archivedAt") is None and wire.get("autoPausedAt") is None
    return next(fires(wire, after), None) if is_active else None


def last_fire(wire: Mapping[str, Any], first: datetime, now: datetime) -> datetime:
    """Return the latest fire up to ``now``; ``first`` is a fire up to ``now``."""
    latest = first
    for fire in fires(wire, max(first, now - _SEARCHED[wire["frequency"]])):
        if fire > now:
            break
        latest = fire
    return latest


def fires(wire: Mapping[str, Any], after: datetime) -> Iterator[datetime]:
    """Yield a cadence's fires after an instant, in UTC; none for an invalid cadence, which a seeded row may have."""
    try:
        zone = ZoneInfo(wire["timezone"])
        found = (
            _fires_of_hours(wire, zone, after) if wire["frequency"] == "hourly" else _fires_of_cron(wire, zone, after)
        )
    except (KeyError, TypeError, ValueError, OSError):
        return
    for local in found:
        fire = local.astimezone(UTC)
        if fire > after:  # a search that begins in the second of two equal hours finds the fires of the first
            yield fire


def _fires_of_hours(wire: Mapping[str, Any], zone: ZoneInfo, after: datetime) -> Iterator[datetime]:
    """Yield the fires of an hourly cadence; cronsim misses some where clocks change by half an hour."""
    wanted = {int(number) for number in _cron_field(wire["minutes"]).split(",")}
    if not wanted <= _MINUTES:
        raise ValueError(wanted)
    first = after.astimezone(UTC).replace(second=0, microsecond=0)
    minutes = (first + timedelta(minutes=count) for count in itertools.count(1))
    return (minute for minute in minutes if minute.astimezone(zone).minute in wanted)


def _fires_of_cron(wire: Mapping[str, Any], zone: ZoneInfo, after: datetime) -> Iterator[datetime]:
    from cronsim import CronSim, CronSimError

    try:
        return CronSim(_cron_expression(wire), after.astimezone(zone))
    except CronSimError as error:
        raise ValueError(str(error)) from None


def _cron_expression(wire: Mapping[str, Any]) -> str:
    frequency = wire["frequency"]
    if frequency not in FREQUENCIES:
        raise ValueError(frequency)
    days_of_month = _cron_field(wire["daysOfMonth"]) if frequency == "monthly" else "*"
    days_of_week = _cron_field(wire["daysOfWeek"]) if frequency == "weekly" else "*"
    return f"{_cron_field(wire['minutes'])} {_cron_field(wire['hours'])} {days_of_month} * {days_of_week}"


def _cron_field(numbers: object) -> str:
    if not isinstance(numbers, list) or not numbers or not all(isinstance(number, int) for number in numbers):
        raise ValueError(numbers)
    return ",".join(str(number) for number in sorted(set(numbers)))


_MAX_LIMIT: Final = 100
MODEL: Final = rules.one_of([str(model["id"]) for model in demo.MODELS])
SUMMARIZATION_MODEL: Final = rules.one_of([str(model["id"]) for model in demo.SUMMARIZATION_MODELS])

_CHECKS: Final[dict[str, rules.Check]] = {
    "title": rules.title,
    "prompt": rules.non_empty,
    "agentUuid": rules.uuid,
    "frequency": rules.one_of(rules.FREQUENCIES),
    "hours": rules.integers(0, 23),
    "minutes": rules.integers(0, 59, fewest=1),
    "daysOfWeek": rules.integers(0, 6),
    "daysOfMonth": rules.integers(1, 31),
    "timezone": rules.zone,
    "spanLimit": rules.integer(1),
    "lookbackHours": rules.integer(1),
}
_LIMITS: Final[dict[str, rules.Check]] = {
    "maxSubagentDepth": rules.integer(1, 5),
    "maxTurns": rules.integer(1, 100),
    "enabled": rules.boolean,
}
_MODELS: Final[Shape] = {
    "modelId": nullable(MODEL),
    "summarizationModelId": nullable(SUMMARIZATION_MODEL),
}
_FIELDS: Final = (
    *("id", "teamId", "projectId", "title", "enabled", "archivedAt", "autoPausedAt", "autoPauseReason"),
    *("frequency", "hours", "minutes", "daysOfWeek", "daysOfMonth", "timezone", "prompt", "agentUuid"),
    *("modelId", "summarizationModelId", "spanLimit", "lookbackHours", "maxSubagentDepth", "maxTurns"),
    *("createdByUserId", "createdAt", "updatedAt"),
)
_DEFAULTS: Final = {"maxSubagentDepth": 3, "maxTurns": 50, "enabled": True, "summarizationModelId": None}

_CREATE: Final[Shape] = {
    "projectId": required(rules.identifier),
    **{name: required(check) for name, check in _CHECKS.items()},
    **{name: optional(check) for name, check in _LIMITS.items()},
    **_MODELS,
}
_UPDATE: Final[Shape] = {
    "id": required(rules.identifier),
    **{name: optional(check) for name, check in (_CHECKS | _LIMITS).items()},
    **_MODELS,
}
_LIST: Final[Shape] = {
    "projectId": required(rules.identifier),
    "includeArchived": optional(rules.boolean),
    "agentUuid": optional(rules.uuid),
    "cursor": nullable(rules.text),
    "limit": optional(rules.integer(1, _MAX_LIMIT)),
}


def list_for_project(call: Call) -> bytes:
    """Return a page of schedules and the cursor of the next."""
    wanted = call.read_project_input(_LIST)
    size = wanted.get("limit", call.settings.page_size)
    rows = call.tables.schedule_page(
        wanted["projectId"],
        after=parse_offset(wanted.get("cursor")),
        limit=size + 1,
        archived=wanted.get("includeArchived", False),
        agent_id=wanted.get("agentUuid"),
    )
    cursor = f"after-{rows[size - 1][0]}" if len(rows) > size else None
    page = b",".join(wire for _, wire in rows[:size])
    return b'{"schedules":[' + page + b'],"nextCursor":' + encode_json(cursor) + b"}"


def get_by_id(call: Call) -> bytes:
    """Return one schedule, archived or not."""
    return encode_json(find_schedule(call, call.read_input(BY_ID)["id"]).wire)


def create(call: Call) -> bytes:
    """Create a schedule; two equal calls create two schedules, since there is no idempotency key."""
    wanted = call.read_project_input(_CREATE)
    rules.check_cadence(wanted)
    find_agent(call, wanted["projectId"], wanted["agentUuid"])
    schedule_id = call.new_id()
    fields = {
        **_DEFAULTS,
        **wanted,
        "id": schedule_id,
        "teamId": demo.DEMO_TEAM_ID,
        "modelId": _resolve_model(wanted.get("modelId")),
        "createdByUserId": demo.DEMO_USER_ID,
        "createdAt": call.now,
        "updatedAt": call.now,
    }
    wire = {name: fields.get(name) for name in _FIELDS}
    return _store(call, ScheduleRow(schedule_id, wanted["projectId"], wanted.get("modelId"), wire))


def update(call: Call) -> bytes:
    """Change the given fields; together with the other fields they have to form a valid cadence."""
    given = call.read_input(_UPDATE)
    row = find_schedule(call, given["id"])
    if row.wire.get("archivedAt") is not None and not call.settings.updates_archived:
        raise RequestRefused("PRECONDITION_FAILED", f"Schedule {row.id} is archived.")
    asked_model_id = given.get("modelId", row.asked_model_id)
    changes = {name: value for name, value in given.items() if name != "id"}
    if "modelId" in changes:
        changes["modelId"] = _resolve_model(asked_model_id)
    if "agentUuid" in changes:
        find_agent(call, row.project_id, changes["agentUuid"])
    if "agentUuid" in changes or changes.get("enabled"):
        changes |= {"autoPausedAt": None, "autoPauseReason": None}
    wire = {**row.wire, **changes, "updatedAt": call.now}
    rules.check_cadence(wire)
    return _store(call, ScheduleRow(row.id, row.project_id, asked_model_id, wire))


def find_schedule(call: Call, schedule_id: str) -> ScheduleRow:
    """Return a schedule; raises NOT_FOUND if there is none in the projects that the key covers."""
    row = call.tables.schedule(schedule_id)
    if row is None or not call.tables.covers(call.key, row.project_id):
        raise RequestRefused("NOT_FOUND", f"Schedule {schedule_id} was not found.")
    return row


def _set_archived(call: Call, *, is_archived: bool) -> bytes:
    """Archive or unarchive a schedule; one in that state is not changed, nor is its ``archivedAt``."""
    row = find_schedule(call, call.read_input(BY_ID)["id"])
    if is_archived == (row.wire.get("archivedAt") is not None):
        return encode_json(row.wire)
    wire = {**row.wire, "archivedAt": call.now if is_archived else None, "updatedAt": call.now}
    return _store(call, ScheduleRow(row.id, row.project_id, row.asked_model_id, wire))


def _store(call: Call, row: ScheduleRow) -> bytes:
    """Store a schedule and its next fire; return it in the wire format."""
    at = next_fire(row.wire, datetime.fromisoformat(call.now))
    call.tables.put_schedule(replace(row, next_at=None if at is None else format_instant(at)))
    return encode_json(row.wire)


def _resolve_model(asked_model_id: str | None) -> str:
    return demo.DEFAULT_MODEL_ID if asked_model_id is None else asked_model_id


PROCEDURES: Final = {
    "haloSchedule.listForProject": Procedure(Kind.QUERY, list_for_project),
    "haloSchedule.getById": Procedure(Kind.QUERY, get_by_id),
    "haloSchedule.create": Procedure(Kind.MUTATION, create),
    "haloSchedule.update": Procedure(Kind.MUTATION, update),
    "haloSchedule.archive": Procedure(Kind.MUTATION, partial(_set_archived, is_archived=True)),
    "haloSchedule.unarchive": Procedure(Kind.MUTATION, partial(_set_archived, is_archived=False)),
    "haloSchedule.listEligibleModels": Procedure(Kind.QUERY, lambda _: encode_json(demo.MODELS)),
    "haloSchedule.listEligibleSummarizationModels": Procedure(
        Kind.QUERY, lambda _: encode_json(demo.SUMMARIZATION_MODELS)
    ),
}
