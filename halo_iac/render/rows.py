"""One change as rows: what differs, before → after, and where each value comes from (docs/semantics.md#origins).

Every format draws the same rows; their words are harmless already (:mod:`halo_iac.text`), on one line each.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Final, NamedTuple

from halo_iac.fire_times import is_valid, times_of_day
from halo_iac.model.plan import Action, Attribution, Cause, Change, FieldChange
from halo_iac.model.project import Source
from halo_iac.model.schedule import Spec, Value
from halo_iac.render.calendar import Calendar
from halo_iac.render.prompt_diff import PromptLine, excerpt, prompt_diff
from halo_iac.render.style import Style
from halo_iac.render.values import format_change, format_cost_change, format_value, shorten
from halo_iac.text import counted

_CADENCE_FIELDS: Final = frozenset({"frequency", "days_of_week", "days_of_month", "hours", "minutes", "timezone"})
_TIME_FIELDS: Final = frozenset({"hours", "minutes"})
ATTRIBUTIONS: Final = {
    Attribution.BRANCH: "this branch",
    Attribution.BRANCH_AND_DRIFT: "this branch; it already differed before",
    Attribution.DRIFT: "it differed before this branch",
    Attribution.INHERITED: "a policy, default or alias, not the entry",
}
"""The attribution of a change, in words."""
_MAX_SUMMARY_ROWS: Final = 4
"""How many rows a summary has at most."""
_MAX_VALUE_LENGTH: Final = 40
"""How many characters of a value a summary has room for."""
_BUILT_IN: Final = "built-in default"
_OVERRIDDEN: Final = f"({Source.OVERRIDES})"
_ARCHIVE_REASONS: Final = {
    Cause.RETIRED: "the project file says `state: archived`",
    Cause.UNDECLARED: "no file declares it, and the project file says `undeclared: archive`",
    Cause.UNDONE: "it was not active before the run that this undoes",
}

_Fields = tuple[FieldChange, ...]
"""The fields of a change, agents with their names."""


class Row(NamedTuple):
    """One row of a change; one without ``before`` has no arrow, ``below`` are lines of a prompt that belong to it."""

    label: str
    after: str
    before: str | None = None
    origin: str = ""
    below: tuple[PromptLine, ...] = ()


def change_rows(change: Change, calendar: Calendar, style: Style, agents: Mapping[str, str]) -> tuple[Row, ...]:
    """Return the rows of one change, in the order of the file; ``agents`` has the names of agent ids."""
    return tuple(_ROWS[change.action](change, _with_names(change.fields, agents), calendar, style))


def field_rows(change: Change, calendar: Calendar, style: Style, agents: Mapping[str, str]) -> tuple[Row, ...]:
    """Return the rows of the fields that differ, without next fires, runs and cost."""
    return tuple(_field_rows(change, _with_names(change.fields, agents), calendar, style))


def format_monthly_cost(before: float, after: float, per_run: float, style: Style) -> str:
    """Return the monthly cost of runs in words."""
    return f"{format_cost_change(before * per_run, after * per_run, style)} (estimate)"


def monthly_runs(change: Change, calendar: Calendar) -> tuple[float, float]:
    """Return the runs a month of a change's schedule, before and after."""
    was_active = change.action in {Action.UPDATE, Action.ARCHIVE} and change.before is not None
    before = calendar.runs_per_month(_require_before(change)) if was_active else 0.0
    if change.after is None:
        return before, 0.0
    return before, calendar.runs_per_month(
        change.after if change.before is None else change.after.filled_from(change.before)
    )


def summary_rows(change: Change, calendar: Calendar, style: Style, agents: Mapping[str, str]) -> tuple[Row, ...]:
    """Return a change as rows for one line: the fields that differ, a new schedule's cadence, or why one is archived.

    Long values are cut, and a row without a label counts the fields that there is no room for.
    """
    if change.action is Action.ARCHIVE:
        return (Row("", _ARCHIVE_REASONS.get(change.cause, change.cause)),)
    if change.action is Action.CREATE or not change.fields:
        after = _require_after(change)
        paused = () if after.enabled is not False else (Row("", "paused"),)
        return (Row("", calendar.describe(after.cadence)), *paused)
    rows = tuple(_field_rows(change, _with_names(change.fields, agents), calendar, style, _summary_row))
    if len(rows) <= _MAX_SUMMARY_ROWS:
        return rows
    shown = rows[: _MAX_SUMMARY_ROWS - 1]
    return (*shown, Row("", f"{len(rows) - len(shown)} more"))


def _summary_row(field: FieldChange, style: Style) -> Row:
    if field.field == "prompt":
        return Row("prompt", "changed")
    before, after = (
        style.displayable(shorten(format_value(field.field, value, style), _MAX_VALUE_LENGTH))
        for value in (field.before, field.after)
    )
    return Row(field.field, after, before)


def _with_names(fields: Iterable[FieldChange], agents: Mapping[str, str]) -> _Fields:
    """Put an agent's name before its id, wherever a field shows one."""

    def named(value: Value) -> Value:
        return f"{agents[value]} ({value})" if isinstance(value, str) and value in agents else value

    return tuple(
        replace(field, before=named(field.before), after=named(field.after)) if field.field == "agent" else field
        for field in fields
    )


def _create_rows(change: Change, fields: _Fields, calendar: Calendar, style: Style) -> Iterator[Row]:
    """Show the cadence in words and every field that was written; built-in defaults are left out."""
    spec = _require_after(change)
    for field in fields:
        if field.field == "frequency":
            overridden = (
                each for each in fields if each.field in _CADENCE_FIELDS and each.origin.endswith(_OVERRIDDEN)
            )
            yield Row("cadence", calendar.describe(spec.cadence), origin=_origins((field, *overridden), style))
        elif field.field == "prompt":
            yield _new_prompt(field, style)
        elif field.field not in _CADENCE_FIELDS and field.field != "title" and field.origin != _BUILT_IN:
            yield Row(field.field, format_value(field.field, field.after, style), origin=style.safe(field.origin))
    fires = "never while paused" if spec.enabled is False else calendar.next_fires(spec.cadence)
    if fires:
        yield Row("next fires", fires)
    before, after = monthly_runs(change, calendar)
    yield Row("runs a month", format_change(before, after, style))
    yield from _cost_row(before, after, calendar, style)


def _new_prompt(field: FieldChange, style: Style) -> Row:
    text = str(field.after)
    size = counted(text.count("\n") + 1, "line")
    if field.origin == _BUILT_IN:
        return Row("prompt", size, origin=_BUILT_IN)
    return Row("prompt", size, origin=style.safe(field.origin), below=tuple(excerpt(text, style)))


def _update_rows(change: Change, fields: _Fields, calendar: Calendar, style: Style) -> Iterator[Row]:
    yield from _field_rows(change, fields, calendar, style)
    if not any(field.field in _CADENCE_FIELDS or field.field == "enabled" for field in fields):
        return
    before, after = _require_before(change), _effective_spec(change)
    yield from _fires_row(_describe_fires(before, calendar), _describe_fires(after, calendar))
    yield from _monthly_rows(change, calendar, style)


def _field_rows(
    change: Change,
    fields: _Fields,
    calendar: Calendar,
    style: Style,
    draw: Callable[[FieldChange, Style], Row] | None = None,
) -> Iterator[Row]:
    """Yield a row per field, in the order of the file, with one row for all fields of the cadence."""
    draw = draw or _field_row
    cadence = tuple(field for field in fields if field.field in _CADENCE_FIELDS)
    whole = _cadence_row(change, cadence, calendar, style) if cadence else None
    for field in fields:
        if whole is None or field not in cadence:
            yield draw(field, style)
        elif field is cadence[0]:
            yield whole


def _cadence_row(change: Change, fields: _Fields, calendar: Calendar, style: Style) -> Row | None:
    """Return a changed cadence as one row: times of day as `at` has them, else the whole cadence in words.

    ``None`` where the fields say it better: a list of days or a zone alone, and what words cannot tell apart.
    """
    before, after = _require_before(change).cadence, _effective_spec(change).cadence
    names = {field.field for field in fields}
    if (len(names) == 1 and not names & _TIME_FIELDS) or not (is_valid(before) and is_valid(after)):
        return None
    times = [style.displayable(text) for text in map(times_of_day, (before, after)) if text is not None]
    if names <= _TIME_FIELDS and len(times) == 2:
        label, (was, will) = "at", times
    else:
        label, was, will = "cadence", calendar.describe(before), calendar.describe(after)
    return None if was == will else Row(label, will, was, _origins(fields, style))


def _origins(fields: _Fields, style: Style) -> str:
    """Return the places that the fields come from, each once; what is built in only where all of it is."""
    places = dict.fromkeys(field.origin for field in fields)
    written = [place for place in places if place != _BUILT_IN]
    return style.safe(", ".join(written or places))


def _field_row(field: FieldChange, style: Style) -> Row:
    origin = style.safe(field.origin)
    if field.field == "prompt" and isinstance(field.before, str) and isinstance(field.after, str):
        sizes = (counted(text.count("\n") + 1, "line") for text in (field.before, field.after))
        before, after = sizes
        diff = tuple(prompt_diff(field.before, field.after, style))
        return Row("prompt", after, None if before == after else before, origin, diff)
    return Row(
        field.field,
        format_value(field.field, field.after, style),
        format_value(field.field, field.before, style),
        origin,
    )


def _unarchive_rows(change: Change, fields: _Fields, calendar: Calendar, style: Style) -> Iterator[Row]:
    yield from _field_rows(change, fields, calendar, style)
    before, after = _require_before(change), _effective_spec(change)
    if before.cadence == after.cadence:
        yield Row("cadence", calendar.describe(after.cadence))
    yield from _fires_row("never while archived", _describe_fires(after, calendar))
    yield from _monthly_rows(change, calendar, style)


def _archive_rows(change: Change, fields: _Fields, calendar: Calendar, style: Style) -> Iterator[Row]:
    yield Row("why", _ARCHIVE_REASONS.get(change.cause, change.cause))
    for field in fields:
        yield _field_row(field, style)
    if change.before is None:
        return
    yield Row("cadence", calendar.describe(change.before.cadence))
    yield from _fires_row(_describe_fires(change.before, calendar), "never while archived")
    yield from _monthly_rows(change, calendar, style)


_ROWS: Final = {
    Action.CREATE: _create_rows,
    Action.UPDATE: _update_rows,
    Action.UNARCHIVE: _unarchive_rows,
    Action.ARCHIVE: _archive_rows,
}


def _describe_fires(spec: Spec, calendar: Calendar) -> str | None:
    fires = calendar.next_fires(spec.cadence)
    return fires if fires is None or spec.enabled is not False else "never while paused"


def _fires_row(before: str | None, after: str | None) -> Iterator[Row]:
    if before is not None and after is not None:
        yield Row("next fires", after, before)


def _monthly_rows(change: Change, calendar: Calendar, style: Style) -> Iterator[Row]:
    before, after = monthly_runs(change, calendar)
    if before != after:
        yield Row("runs a month", format_change(before, after, style))
        yield from _cost_row(before, after, calendar, style)


def _cost_row(before: float, after: float, calendar: Calendar, style: Style) -> Iterator[Row]:
    if calendar.cost_per_run is not None:
        yield Row("cost a month", format_monthly_cost(before, after, calendar.cost_per_run, style))


def _require_before(change: Change) -> Spec:
    if change.before is None:
        raise ValueError(f"{change.action} of {change.name!r} without a before")
    return change.before


def _require_after(change: Change) -> Spec:
    if change.after is None:
        raise ValueError(f"{change.action} of {change.name!r} without an after")
    return change.after


def _effective_spec(change: Change) -> Spec:
    """Return the values after the change: the declared ones, and the present ones of fields left to the platform."""
    return _require_after(change).filled_from(_require_before(change))
