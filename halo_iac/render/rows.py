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
from halo_iac.render.values import cost_from_to, format_value, from_to, shortened
from halo_iac.text import counted

CADENCE_FIELDS: Final = frozenset({"frequency", "days_of_week", "days_of_month", "hours", "minutes", "timezone"})
TIME_FIELDS: Final = frozenset({"hours", "minutes"})
SHARES: Final = {
    Attribution.BRANCH: "this branch",
    Attribution.BRANCH_AND_DRIFT: "this branch; it already differed before",
    Attribution.DRIFT: "it differed before this branch",
    Attribution.INHERITED: "a policy, default or alias, not the entry",
}
"""Whose change it is, in words."""
SUMMARY_LENGTH: Final = 4
"""How many rows a gist has at most."""
_SHORT: Final = 40
"""How many characters of a value a gist has room for."""
_BUILT_IN: Final = "built-in default"
_OVERRIDDEN: Final = f"({Source.OVERRIDES})"
_WHY: Final = {
    Cause.RETIRED: "the project file says `state: archived`",
    Cause.UNDECLARED: "no file declares it, and the project file says `undeclared: archive`",
    Cause.UNDONE: "it was not active before the run that this undoes",
}

Fields = tuple[FieldChange, ...]
"""The fields of a change, agents with their names."""


class Row(NamedTuple):
    """One row of a change; one without ``before`` has no arrow, ``below`` are lines of a prompt that belong to it."""

    label: str
    after: str
    before: str | None = None
    origin: str = ""
    below: tuple[PromptLine, ...] = ()


def change_rows(
    change: Change, calendar: Calendar, style: Style, agents: Mapping[str, str] | None = None
) -> tuple[Row, ...]:
    """Return the rows of one change, in the order of the file; ``agents`` has the names of agent ids."""
    return tuple(_ROWS[change.action](change, _with_names(change.fields, agents or {}), calendar, style))


def field_rows(
    change: Change, calendar: Calendar, style: Style, agents: Mapping[str, str] | None = None
) -> tuple[Row, ...]:
    """Return the rows of what differs alone, without what follows from it."""
    return tuple(_field_rows(change, _with_names(change.fields, agents or {}), calendar, style))


def cost_in_words(before: float, after: float, per_run: float, style: Style) -> str:
    """Return the monthly cost of runs in words."""
    return f"{cost_from_to(before * per_run, after * per_run, style)} (estimate)"


def runs_of(change: Change, calendar: Calendar) -> tuple[float, float]:
    """Return the runs a month of a change's schedule, before and after."""
    was_active = change.action in {Action.UPDATE, Action.ARCHIVE} and change.before is not None
    before = calendar.runs(_before(change)) if was_active else 0.0
    if change.after is None:
        return before, 0.0
    return before, calendar.runs(change.after if change.before is None else change.after.filled_from(change.before))


def summary(
    change: Change, calendar: Calendar, style: Style, agents: Mapping[str, str] | None = None
) -> tuple[Row, ...]:
    """Return a change on one line: the fields that differ, a new schedule's cadence, or why one is archived.

    Long values are cut, and a row without a label counts the fields that there is no room for.
    """
    if change.action is Action.ARCHIVE:
        return (Row("", _WHY.get(change.cause, change.cause)),)
    if change.action is Action.CREATE or not change.fields:
        after = _after(change)
        paused = () if after.enabled is not False else (Row("", "paused"),)
        return (Row("", calendar.words(after.cadence)), *paused)
    rows = tuple(_field_rows(change, _with_names(change.fields, agents or {}), calendar, style, _short_row))
    if len(rows) <= SUMMARY_LENGTH:
        return rows
    shown = rows[: SUMMARY_LENGTH - 1]
    return (*shown, Row("", f"{len(rows) - len(shown)} more"))


def _short_row(field: FieldChange, style: Style) -> Row:
    if field.field == "prompt":
        return Row("prompt", "changed")
    before, after = (
        style.displayable(shortened(format_value(field.field, value, style), _SHORT))
        for value in (field.before, field.after)
    )
    return Row(field.field, after, before)


def _with_names(fields: Iterable[FieldChange], agents: Mapping[str, str]) -> Fields:
    """Put an agent's name before its id, wherever a field shows one."""

    def named(value: Value) -> Value:
        return f"{agents[value]} ({value})" if isinstance(value, str) and value in agents else value

    return tuple(
        replace(field, before=named(field.before), after=named(field.after)) if field.field == "agent" else field
        for field in fields
    )


def _created(change: Change, fields: Fields, calendar: Calendar, style: Style) -> Iterator[Row]:
    """Show the cadence in words and every field that was written; built-in defaults are left out."""
    spec = _after(change)
    for field in fields:
        if field.field == "frequency":
            overridden = (each for each in fields if each.field in CADENCE_FIELDS and each.origin.endswith(_OVERRIDDEN))
            yield Row("cadence", calendar.words(spec.cadence), origin=_origins((field, *overridden), style))
        elif field.field == "prompt":
            yield _new_prompt(field, style)
        elif field.field not in CADENCE_FIELDS and field.field != "title" and field.origin != _BUILT_IN:
            yield Row(field.field, format_value(field.field, field.after, style), origin=style.safe(field.origin))
    yield from _fires_after(spec, calendar)
    before, after = runs_of(change, calendar)
    yield Row("runs a month", from_to(before, after, style))
    yield from _cost(before, after, calendar, style)


def _new_prompt(field: FieldChange, style: Style) -> Row:
    text = str(field.after)
    size = counted(text.count("\n") + 1, "line")
    if field.origin == _BUILT_IN:
        return Row("prompt", size, origin=_BUILT_IN)
    return Row("prompt", size, origin=style.safe(field.origin), below=tuple(excerpt(text, style)))


def _fires_after(spec: Spec, calendar: Calendar) -> Iterator[Row]:
    fires = "never while paused" if spec.enabled is False else calendar.fires(spec.cadence)
    if fires:
        yield Row("next fires", fires)


def _updated(change: Change, fields: Fields, calendar: Calendar, style: Style) -> Iterator[Row]:
    yield from _field_rows(change, fields, calendar, style)
    if not any(field.field in CADENCE_FIELDS or field.field == "enabled" for field in fields):
        return
    before, after = _before(change), _effective(change)
    yield from _fires(_fires_of(before, calendar), _fires_of(after, calendar))
    yield from _runs(change, calendar, style)


def _field_rows(
    change: Change,
    fields: Fields,
    calendar: Calendar,
    style: Style,
    draw: Callable[[FieldChange, Style], Row] | None = None,
) -> Iterator[Row]:
    """Yield a row per field, in the order of the file, with one row for all fields of the cadence."""
    draw = draw or _field_row
    cadence = tuple(field for field in fields if field.field in CADENCE_FIELDS)
    whole = _cadence_row(change, cadence, calendar, style) if cadence else None
    for field in fields:
        if whole is None or field not in cadence:
            yield draw(field, style)
        elif field is cadence[0]:
            yield whole


def _cadence_row(change: Change, fields: Fields, calendar: Calendar, style: Style) -> Row | None:
    """Return a changed cadence as one row: times of day as `at` has them, else the whole cadence in words.

    ``None`` where the fields say it better: a list of days or a zone alone, and what words cannot tell apart.
    """
    before, after = _before(change).cadence, _effective(change).cadence
    names = {field.field for field in fields}
    if (len(names) == 1 and not names & TIME_FIELDS) or not (is_valid(before) and is_valid(after)):
        return None
    times = [style.displayable(text) for text in map(times_of_day, (before, after)) if text is not None]
    if names <= TIME_FIELDS and len(times) == 2:
        label, (was, will) = "at", times
    else:
        label, was, will = "cadence", calendar.words(before), calendar.words(after)
    return None if was == will else Row(label, will, was, _origins(fields, style))


def _origins(fields: Fields, style: Style) -> str:
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


def _unarchived(change: Change, fields: Fields, calendar: Calendar, style: Style) -> Iterator[Row]:
    yield from _field_rows(change, fields, calendar, style)
    before, after = _before(change), _effective(change)
    if before.cadence == after.cadence:
        yield Row("cadence", calendar.words(after.cadence))
    yield from _fires("never while archived", _fires_of(after, calendar))
    yield from _runs(change, calendar, style)


def _archived(change: Change, fields: Fields, calendar: Calendar, style: Style) -> Iterator[Row]:
    yield Row("why", _WHY.get(change.cause, change.cause))
    for field in fields:
        yield _field_row(field, style)
    if change.before is None:
        return
    yield Row("cadence", calendar.words(change.before.cadence))
    yield from _fires(_fires_of(change.before, calendar), "never while archived")
    yield from _runs(change, calendar, style)


_ROWS: Final = {
    Action.CREATE: _created,
    Action.UPDATE: _updated,
    Action.UNARCHIVE: _unarchived,
    Action.ARCHIVE: _archived,
}


def _fires_of(spec: Spec, calendar: Calendar) -> str | None:
    fires = calendar.fires(spec.cadence)
    return fires if fires is None or spec.enabled is not False else "never while paused"


def _fires(before: str | None, after: str | None) -> Iterator[Row]:
    if before is not None and after is not None:
        yield Row("next fires", after, before)


def _runs(change: Change, calendar: Calendar, style: Style) -> Iterator[Row]:
    before, after = runs_of(change, calendar)
    if before != after:
        yield Row("runs a month", from_to(before, after, style))
        yield from _cost(before, after, calendar, style)


def _cost(before: float, after: float, calendar: Calendar, style: Style) -> Iterator[Row]:
    if calendar.cost_per_run is not None:
        yield Row("cost a month", cost_in_words(before, after, calendar.cost_per_run, style))


def _before(change: Change) -> Spec:
    if change.before is None:
        raise ValueError(f"{change.action} of {change.name!r} without a before")
    return change.before


def _after(change: Change) -> Spec:
    if change.after is None:
        raise ValueError(f"{change.action} of {change.name!r} without an after")
    return change.after


def _effective(change: Change) -> Spec:
    """Return the values after the change: the declared ones, and the present ones of fields left to the platform."""
    return _after(change).filled_from(_before(change))
