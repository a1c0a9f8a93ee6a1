"""Runs as they go, on standard error: a live line each on a terminal, a plain line a change in a pipe.

See docs/semantics.md#one-off-runs.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Final

from halo_iac.cli.console import Console
from halo_iac.cli.live import lively, screen_on
from halo_iac.model.run import COMPLETED
from halo_iac.render.style import Style, columns, cut, padded

if TYPE_CHECKING:
    from rich.text import Text

    from halo_iac.runs import Sighting

_LARGEST: Final = 16
_STATUS_WIDTH: Final = len("exporting_traces")


def narrated(sightings: Iterable[Sighting], console: Console, names: Mapping[str, str]) -> Iterator[Sighting]:
    """Yield what is seen of runs, each shown as it comes; ``names`` are what to call which run id."""
    style = console.err_style
    if not console.shows_progress:
        for seen in sightings:
            console.say(line_of(seen, names[seen.run_id], style))
            yield seen
        return
    board = Board(names, style)
    screen = screen_on(console.narration, style)
    live = lively(screen, lambda: _drawn(board.lines(max(1, min(_LARGEST, screen.height - 2)), screen.width - 1)))
    with live:
        for seen in sightings:
            board.show(seen)
            if seen.is_final:
                screen.print(_drawn([line_of(seen, names[seen.run_id], style)]), soft_wrap=True)
            yield seen


def line_of(seen: Sighting, name: str, style: Style) -> str:
    """Return one sighting as a line: who, where it stands, which run, and what is wrong."""
    line = f"{style.safe(name)}  {_status(seen, style)}  {style.safe(seen.run_id)}"
    if seen.trouble is not None:
        again = "" if seen.is_final else "; looking again"
        line += f"  ({style.safe(seen.trouble.message)}{again})"
    elif seen.is_final and not seen.is_over:
        line += "  (the time to wait is over; the run goes on)"
    return line


def _status(seen: Sighting, style: Style) -> str:
    role = "create" if seen.status == COMPLETED else "archive" if seen.is_over else "update"
    return style.paint(style.safe(seen.status), role)


def _drawn(lines: Iterable[str]) -> Text:
    from rich.text import Text

    return Text.from_ansi("\n".join(lines), no_wrap=True, end="\n")


class Board:
    """What is drawn while runs go: each one's status, how long it has been going, and its latest event."""

    def __init__(self, names: Mapping[str, str], style: Style, clock: Callable[[], float] = time.monotonic) -> None:
        self._names = names
        self._style = style
        self._clock = clock
        self._since = clock()
        self._seen: dict[str, Sighting] = {}
        self._latest: dict[str, str] = {}
        self._ended: frozenset[str] = frozenset()

    def show(self, seen: Sighting) -> None:
        """Take note of a sighting; another thread draws it."""
        self._seen[seen.run_id] = seen
        if seen.events:
            self._latest[seen.run_id] = seen.events[-1].kind
        if seen.is_final:
            self._ended |= {seen.run_id}

    def lines(self, room: int, width: int) -> list[str]:
        """Return a line for each run that has not ended, as many as there is room for."""
        going = [run_id for run_id in self._names if run_id not in self._ended]
        lines = [self._line(run_id, width) for run_id in going[:room]]
        if len(going) > room:
            lines[-1] = self._style.own(f"… and {len(going) - room + 1} more")
        return lines

    def _line(self, run_id: str, width: int) -> str:
        seen = self._seen.get(run_id)
        status = padded(self._style.safe(seen.status if seen is not None else "started"), _STATUS_WIDTH)
        elapsed = _clock_time(self._clock() - self._since)
        trouble = "cannot be looked at, trying again" if seen is not None and seen.trouble is not None else ""
        latest = trouble or self._style.safe(self._latest.get(run_id, ""))
        name = padded(
            self._style.safe(self._names[run_id]), max(map(columns, map(self._style.safe, self._names.values())))
        )
        return cut(f"{name}  {status}  {elapsed}  {latest}".rstrip(), width, self._style.own("…"))


def _clock_time(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}:{rest:02d}"
