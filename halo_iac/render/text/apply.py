"""The result of an apply as text: a line for each event, then the summary and the next commands.

See docs/semantics.md#outcomes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from halo_iac.model.apply_result import DEFAULT_COMMANDS, Event, NextCommands, Status, Summary
from halo_iac.model.plan import Action
from halo_iac.render.headings import DONE, next_steps, run_counts
from halo_iac.render.style import SIGNS, Style
from halo_iac.render.text.wrap import wrap_lines
from halo_iac.render.values import MAX_LISTED, join_names

_IN_PROGRESS: Final[Mapping[str, str]] = {
    Action.CREATE: "creating",
    Action.UPDATE: "updating",
    Action.UNARCHIVE: "unarchiving",
    Action.ARCHIVE: "archiving",
    "pause": "pausing",
    "resume": "resuming",
}
_STATUS_SIGNS: Final = {
    Status.RETRYING: ".",
    Status.ALREADY: "=",
    Status.FAILED: "!",
    Status.CONFLICT: "!",
    Status.UNKNOWN: "?",
    Status.NOT_STARTED: ".",
}
_ROLES: Final = {
    Status.RETRYING: "warning",
    Status.ALREADY: "dim",
    Status.FAILED: "refused",
    Status.CONFLICT: "blocked",
    Status.UNKNOWN: "warning",
    Status.NOT_STARTED: "dim",
}
_VERB_WIDTH: Final = max(map(len, (*_IN_PROGRESS.values(), *Status)))
_INDENT: Final = "      "


def event_line(event: Event, style: Style, *, position: tuple[int, int] | None = None) -> str:
    """Return an event as a line, with reason and hint on separate lines; without a final newline.

    ``position`` is the number of the change among those that have ended, and how many there are.
    """
    count = f"[{position[0]:>{len(str(position[1]))}}/{position[1]}] " if position else ""
    took = "" if event.elapsed is None else f"  ({event.elapsed:.2f} s)"
    first = f"{count}{_status(event, style)}  {_names(event, style)}{style.paint(took, 'dim')}"
    return "\n".join(wrap_lines([first, *_reason(event, style)], style))


def _status(event: Event, style: Style) -> str:
    action = event.change.action
    if event.status in {Status.STARTED, Status.DONE}:
        verbs = DONE if event.status is Status.DONE else _IN_PROGRESS
        return style.paint(f"{SIGNS[action]} {verbs[event.change.verb]:<{_VERB_WIDTH}}", event.change.verb)
    return style.paint(f"{_STATUS_SIGNS[event.status]} {event.status:<{_VERB_WIDTH}}", _ROLES[event.status])


def _names(event: Event, style: Style) -> str:
    """Return the key, or the title of an undeclared schedule, and the id once it is known."""
    change = event.change
    id_ = event.id or change.id
    name = style.safe(change.key) if change.key else style.quoted(change.title)
    return f"{name}  {style.safe(id_)}" if id_ else name


def _reason(event: Event, style: Style) -> Iterator[str]:
    """Yield the message and the hint of an event, each line after a bar."""
    lines = style.safe_lines(event.message) if event.message else []
    if event.hint:
        first, *others = style.safe_lines(event.hint)
        lines += [f"hint: {first}", *others]
    yield from (f"{_INDENT}{style.displayable('│')} {line}".rstrip() for line in lines)


# The end of a run ---------------------------------------------------------------------------------------------------


def summary_text(summary: Summary, style: Style, commands: NextCommands = DEFAULT_COMMANDS) -> str:
    """Return the summary of a run: one line if all succeeded, else the changes that failed, why, and what to do."""
    is_success = not summary.is_interrupted and all(event.status.is_success for event in summary.events)
    sections = () if is_success else _sections(summary, style, commands)
    lines = [line for section in sections for line in (*section, "")]
    return "\n".join(wrap_lines([*lines, run_counts(summary), ""], style))


def _sections(summary: Summary, style: Style, commands: NextCommands) -> Iterator[list[str]]:
    if summary.is_interrupted:
        yield [style.paint("Interrupted: no more changes were started.", "warning")]
    yield from _section("Done", summary.with_status(Status.DONE, Status.ALREADY), style, with_reason=False)
    yield from _section("Not done", summary.with_status(Status.FAILED, Status.CONFLICT), style)
    yield from _section("Unknown: it may or may not have happened", summary.with_status(Status.UNKNOWN), style)
    waiting = summary.with_status(Status.NOT_STARTED)
    if waiting:
        yield [f"Not started: {len(waiting):,}", f"  {join_names([event.change.name for event in waiting], style)}"]
    steps = [style.safe(step) for step in next_steps(summary, commands)]
    if steps:
        yield [style.paint("What to do next", "bold"), *(f"  {step}" for step in steps)]


def _section(heading: str, events: Sequence[Event], style: Style, *, with_reason: bool = True) -> Iterator[list[str]]:
    if not events:
        return
    lines = [f"{heading}: {len(events):,}"]
    for event in events[:MAX_LISTED]:
        lines.append(f"  {_status(event, style)}  {_names(event, style)}")
        lines += _reason(event, style) if with_reason else ()
    if len(events) > MAX_LISTED:
        lines.append(style.displayable(f"  … and {len(events) - MAX_LISTED:,} more"))
    yield lines
