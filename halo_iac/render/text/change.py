"""One change as a block: a heading, then what differs, before → after, and where each value comes from (design §5)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final, NamedTuple

from halo_iac.model.change import Action, Cause, Change, FieldChange
from halo_iac.model.schedule import Spec, Value
from halo_iac.render.style import SIGNS, Style
from halo_iac.render.text.calendar import Calendar
from halo_iac.render.text.prompt import excerpt, prompt_diff
from halo_iac.render.text.values import from_to, shown
from halo_iac.render.words import SHARES, counted

INDENT: Final = "      "
CADENCE_FIELDS: Final = frozenset({"frequency", "days_of_week", "days_of_month", "hours", "minutes", "timezone"})
_BUILT_IN: Final = "built-in default"
_WHY: Final = {
    Cause.RETIRED: "the project file says `state: archived`",
    Cause.UNDECLARED: "no file declares it, and the project file says `undeclared: archive`",
}
_VERB_WIDTH: Final = max(map(len, Action))


class Row(NamedTuple):
    """One line of a block; a row without ``before`` has no arrow, ``below`` are whole lines that belong to it."""

    label: str
    after: str
    before: str | None = None
    origin: str = ""
    below: tuple[str, ...] = ()


def change_block(
    change: Change, calendar: Calendar, style: Style, agents: Mapping[str, str] | None = None
) -> list[str]:
    """Return the lines of one change, without a blank line around them; ``agents`` has the names of agent ids."""
    rows = list(_ROWS[change.action](_with_names(change, agents or {}), calendar, style))
    width = max((len(row.label) for row in rows), default=0)
    lines = [_heading(change, style)]
    for row in rows:
        lines += _row_lines(row, width, style)
    return lines


def _with_names(change: Change, agents: Mapping[str, str]) -> Change:
    """Put an agent's name before its id, wherever a field shows one."""

    def named(value: Value) -> Value:
        return f"{agents[value]} ({value})" if isinstance(value, str) and value in agents else value

    if not any(field.field == "agent" for field in change.fields):
        return change
    fields = (
        replace(field, before=named(field.before), after=named(field.after)) if field.field == "agent" else field
        for field in change.fields
    )
    return replace(change, fields=tuple(fields))


def _heading(change: Change, style: Style) -> str:
    deed = style.paint(f"{SIGNS[change.action]} {change.action:<{_VERB_WIDTH}}", change.action)
    old = change.before.title if change.before else change.title
    names = (
        style.paint(style.safe(change.key), "bold") if change.key else "",
        style.quoted(old),
        style.safe(change.id) if change.id else "",
        style.paint(f"({SHARES[change.share]})", "dim") if change.share in SHARES else "",
    )
    return "  ".join((deed, *filter(None, names)))


def _row_lines(row: Row, width: int, style: Style) -> Iterator[str]:
    lead = f"{INDENT}{row.label:<{width}}  "
    arrow = style.own("→")
    origin = f"({row.origin})" if row.origin else ""
    value = row.after if row.before is None else f"{row.before} {arrow} {row.after}"
    if style.fits(f"{lead}{value}  {origin}"):
        yield f"{lead}{value}{'  ' if origin else ''}{style.paint(origin, 'dim')}".rstrip()
    else:
        under = " " * len(lead)
        yield f"{lead}{value if row.before is None else row.before}".rstrip()
        if row.before is not None:
            yield f"{under}{arrow} {row.after}"
        if origin:
            yield under + style.paint(origin, "dim")
    yield from (f"{INDENT}  {line}" for line in row.below)


# What each action shows ---------------------------------------------------------------------------------------------


def _created(change: Change, calendar: Calendar, style: Style) -> Iterator[Row]:
    """Show the cadence in words and whatever was written; what is this tool's default goes without saying."""
    spec = _after(change)
    for field in change.fields:
        if field.field == "frequency":
            yield Row("cadence", calendar.words(spec.cadence), origin=style.safe(field.origin))
        elif field.field == "prompt":
            yield _new_prompt(field, style)
        elif field.field not in CADENCE_FIELDS and field.field != "title" and field.origin != _BUILT_IN:
            yield Row(field.field, shown(field.field, field.after, style), origin=style.safe(field.origin))
    yield from _fires_after(spec, calendar)
    yield Row("runs a month", from_to(0, calendar.runs(spec), style))


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


def _updated(change: Change, calendar: Calendar, style: Style) -> Iterator[Row]:
    for field in change.fields:
        yield _field_row(field, style)
    if not any(field.field in CADENCE_FIELDS or field.field == "enabled" for field in change.fields):
        return
    before, after = _before(change), _effective(change)
    if before.cadence != after.cadence:
        yield Row("cadence", calendar.words(after.cadence), calendar.words(before.cadence))
    yield from _fires(_fires_of(before, calendar), _fires_of(after, calendar))
    yield from _runs(calendar.runs(before), calendar.runs(after), style)


def _field_row(field: FieldChange, style: Style) -> Row:
    origin = style.safe(field.origin)
    if field.field == "prompt" and isinstance(field.before, str) and isinstance(field.after, str):
        sizes = (counted(text.count("\n") + 1, "line") for text in (field.before, field.after))
        before, after = sizes
        diff = tuple(prompt_diff(field.before, field.after, style))
        return Row("prompt", after, None if before == after else before, origin, diff)
    return Row(field.field, shown(field.field, field.after, style), shown(field.field, field.before, style), origin)


def _unarchived(change: Change, calendar: Calendar, style: Style) -> Iterator[Row]:
    for field in change.fields:
        yield _field_row(field, style)
    before, after = _before(change), _effective(change)
    if before.cadence == after.cadence:
        yield Row("cadence", calendar.words(after.cadence))
    else:
        yield Row("cadence", calendar.words(after.cadence), calendar.words(before.cadence))
    yield from _fires("never while archived", _fires_of(after, calendar))
    yield from _runs(0, calendar.runs(after), style)


def _archived(change: Change, calendar: Calendar, style: Style) -> Iterator[Row]:
    yield Row("why", _WHY.get(change.cause, change.cause))
    if change.before is None:
        return
    yield Row("cadence", calendar.words(change.before.cadence))
    yield from _fires(_fires_of(change.before, calendar), "never while archived")
    yield from _runs(calendar.runs(change.before), 0, style)


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


def _runs(before: float, after: float, style: Style) -> Iterator[Row]:
    if before != after:
        yield Row("runs a month", from_to(before, after, style))


def _before(change: Change) -> Spec:
    if change.before is None:
        raise ValueError(f"{change.action} of {change.name!r} without a before")
    return change.before


def _after(change: Change) -> Spec:
    if change.after is None:
        raise ValueError(f"{change.action} of {change.name!r} without an after")
    return change.after


def _effective(change: Change) -> Spec:
    """Return what will be: as declared, and as it is where the declaration leaves it to others."""
    return _after(change).over(_before(change))
