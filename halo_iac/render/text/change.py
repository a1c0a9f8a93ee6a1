"""One change as a block: a heading, then its rows (docs/cli.md#formats)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from halo_iac.model.change import Action, Change, Share
from halo_iac.render.calendar import Calendar
from halo_iac.render.prompt import NOTE, PromptLine
from halo_iac.render.rows import SHARES, Row, change_rows
from halo_iac.render.style import SIGNS, Style

INDENT: Final = "      "
_VERB_WIDTH: Final = max(map(len, Action))
_ROLES: Final = {"-": "removed", "+": "added", NOTE: "dim"}


def change_block(
    change: Change, calendar: Calendar, style: Style, agents: Mapping[str, str] | None = None
) -> list[str]:
    """Return the lines of one change, without a blank line around them; ``agents`` has the names of agent ids."""
    rows = change_rows(change, calendar, style, agents)
    width = max([len(row.label) for row in rows], default=0)
    lines = [_heading(change, style)]
    for row in rows:
        lines += _row_lines(row, width, style)
    return lines


def _heading(change: Change, style: Style) -> str:
    deed = style.paint(f"{SIGNS[change.action]} {change.action:<{_VERB_WIDTH}}", change.action)
    old = change.before.title if change.before else change.title
    names = (
        style.paint(style.safe(change.key), "bold") if change.key else "",
        style.quoted(old),
        style.safe(change.id) if change.id else "",
        style.paint(f"({SHARES[change.share]})", "dim") if change.share and change.share is not Share.BRANCH else "",
    )
    return "  ".join((deed, *filter(None, names)))


def _row_lines(row: Row, width: int, style: Style) -> Iterator[str]:
    lead = f"{INDENT}{row.label:<{width}}  "
    origin = f"({row.origin})" if row.origin else ""
    value = row.after if row.before is None else f"{row.before} {style.own('→')} {row.after}"
    if style.fits(f"{lead}{value}  {origin}"):
        yield f"{lead}{value}{'  ' if origin else ''}{style.paint(origin, 'dim')}".rstrip()
    else:
        under = " " * len(lead)
        yield f"{lead}{value if row.before is None else row.before}".rstrip()
        if row.before is not None:
            yield f"{under}{style.own('→')} {row.after}"
        if origin:
            yield under + style.paint(origin, "dim")
    yield from (f"{INDENT}  {_prompt_line(line, style)}" for line in row.below)


def _prompt_line(line: PromptLine, style: Style) -> str:
    """Draw a line behind a bar, so that foreign words never begin one of ours."""
    lead = style.own(f"│ {'  ' if line.sign == NOTE else ''}{line.sign}")
    drawn = f"{lead} {line.words}".rstrip()
    return style.paint(drawn, _ROLES[line.sign]) if line.sign in _ROLES else drawn
