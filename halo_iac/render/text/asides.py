"""What a plan says apart from its changes: blocked entries, undeclared schedules, warnings, refusals.

See docs/cli.md#formats.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from halo_iac.model.change import Blocked, PlanWarning, Refusal, UndeclaredSchedule
from halo_iac.render.style import Style
from halo_iac.render.text.change import INDENT
from halo_iac.render.values import LISTED, listed
from halo_iac.render.words import counted


def blocked_lines(blocked: Sequence[Blocked], style: Style) -> Iterator[str]:
    """Return entries nothing is planned for, each with what is in the way and what to do."""
    if not blocked:
        return
    yield style.paint(f"Blocked: {counted(len(blocked), 'entry', 'entries')}, for which nothing is planned", "blocked")
    for entry in blocked:
        origin = style.paint(f"({style.safe(entry.origin)})", "dim") if entry.origin else ""
        yield f"  {style.paint('!', 'blocked')} {style.paint(style.safe(entry.key), 'bold')}  {origin}".rstrip()
        yield from paragraph("", entry.reason, style)
        if entry.hint:
            yield from paragraph("hint: ", entry.hint, style)
        if entry.ids:
            yield f"{INDENT}ids: {listed(entry.ids, style)}"


def undeclared_lines(undeclared: Sequence[UndeclaredSchedule], style: Style) -> Iterator[str]:
    """Return schedules in scope that no file declares; those beyond a screenful are counted."""
    if not undeclared:
        return
    firing = sum(schedule.is_firing for schedule in undeclared)
    fires = "still firing" if firing == len(undeclared) else f"{firing:,} still firing"
    yield style.paint(f"Undeclared: {counted(len(undeclared), 'schedule')}, {fires}; left alone", "warning")
    for schedule in undeclared[:LISTED]:
        notes = (None if schedule.is_firing else "paused", schedule.note and style.safe(schedule.note))
        note = ", ".join(filter(None, notes))
        line = f"  ? {style.quoted(schedule.title)}  {style.safe(schedule.id)}"
        yield f"{line}  {style.paint(f'({note})', 'dim')}" if note else line
    if len(undeclared) > LISTED:
        yield style.own(f"  … and {len(undeclared) - LISTED:,} more")


def warning_lines(warnings: Sequence[PlanWarning], style: Style) -> Iterator[str]:
    """Return what is worth a line and changes nothing."""
    if not warnings:
        return
    yield style.paint("Warnings", "warning")
    for warning in warnings:
        lead = f"{style.safe(warning.key)}: " if warning.key else ""
        yield from paragraph(f"! {lead}", warning.message, style, indent="  ")


def refusal_lines(refusals: Sequence[Refusal], style: Style) -> Iterator[str]:
    """Return what is left out of the plan, then why it will not be applied at all, each with what permits it."""
    withheld = [refusal for refusal in refusals if refusal.withholds]
    stopping = [refusal for refusal in refusals if not refusal.withholds]
    if withheld:
        yield style.paint("Withheld: this is left out, the rest can be applied", "refused")
        yield from _reasons(withheld, "to do", style)
    if stopping:
        if withheld:
            yield ""
        yield style.paint("Refused: this plan will not be applied as it is", "refused")
        yield from _reasons(stopping, "override", style)


def _reasons(refusals: Sequence[Refusal], remedy: str, style: Style) -> Iterator[str]:
    for refusal in refusals:
        yield from paragraph(f"! {style.safe(refusal.guard)}: ", refusal.message, style, indent="  ")
        if refusal.names:
            yield f"{INDENT}concerns: {listed(refusal.names, style)}"
        yield from paragraph(f"{remedy}: ", refusal.override, style)


def paragraph(lead: str, text: str, style: Style, *, indent: str = INDENT) -> Iterator[str]:
    """Return a text of one or more lines behind ``lead``; every line but the first stands behind a bar."""
    first, *others = style.safe_lines(text)
    yield f"{indent}{lead}{first}"
    bar = style.own("│")
    yield from (f"{INDENT}{bar} {line}".rstrip() for line in others)
