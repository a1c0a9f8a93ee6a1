"""The progress of runs on standard error: a live table on a terminal, a line for each step in a pipe.

See docs/cli.md#output.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Final

from halo_iac.cli.console import Console
from halo_iac.cli.progress import make_live_display, make_screen
from halo_iac.model.runs import COMPLETED
from halo_iac.render.style import Style, display_width, pad, truncate

if TYPE_CHECKING:
    from rich.text import Text

    from halo_iac.runs.polling import RunSnapshot

_MAX_LIVE_ROWS: Final = 16
_STATUS_WIDTH: Final = len("exporting_traces")


def log_runs(snapshots: Iterable[RunSnapshot], console: Console, names: Mapping[str, str]) -> Iterator[RunSnapshot]:
    """Yield snapshots of runs, each shown at once; ``names`` has the name of each run id."""
    style = console.err_style
    if not console.shows_progress:
        for seen in snapshots:
            console.log(format_snapshot(seen, names[seen.run_id], style))
            yield seen
        return
    table = RunTable(names, style)
    screen = make_screen(console.log_stream, style)
    live = make_live_display(
        screen, lambda: _to_text(table.lines(max(1, min(_MAX_LIVE_ROWS, screen.height - 2)), screen.width - 1))
    )
    with live:
        for seen in snapshots:
            table.show(seen)
            if seen.is_final:
                screen.print(_to_text([format_snapshot(seen, names[seen.run_id], style)]), soft_wrap=True)
            yield seen


def format_snapshot(seen: RunSnapshot, name: str, style: Style) -> str:
    """Return a snapshot as a line: name, status, run id, and error."""
    line = f"{style.safe(name)}  {_format_status(seen, style)}  {style.safe(seen.run_id)}"
    if seen.read_error is not None:
        again = "" if seen.is_final else "; retrying"
        line += f"  ({style.safe(seen.read_error.message)}{again})"
    elif seen.is_final and not seen.is_over:
        line += "  (timed out waiting; the run continues)"
    return line


def _format_status(seen: RunSnapshot, style: Style) -> str:
    role = "create" if seen.status == COMPLETED else "archive" if seen.is_over else "update"
    return style.paint(style.safe(seen.status), role)


def _to_text(lines: Iterable[str]) -> Text:
    from rich.text import Text

    return Text.from_ansi("\n".join(lines), no_wrap=True, end="\n")


class RunTable:
    """The live table of runs: the status, elapsed time and latest event of each."""

    def __init__(self, names: Mapping[str, str], style: Style, clock: Callable[[], float] = time.monotonic) -> None:
        self._names = names
        self._style = style
        self._clock = clock
        self._since = clock()
        self._seen: dict[str, RunSnapshot] = {}
        self._latest: dict[str, str] = {}
        self._ended: frozenset[str] = frozenset()

    def show(self, seen: RunSnapshot) -> None:
        """Store a snapshot, which another thread draws."""
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
            lines[-1] = self._style.displayable(f"… and {len(going) - room + 1} more")
        return lines

    def _line(self, run_id: str, width: int) -> str:
        seen = self._seen.get(run_id)
        status = pad(self._style.safe(seen.status if seen is not None else "started"), _STATUS_WIDTH)
        elapsed = _format_elapsed(self._clock() - self._since)
        read_error = "cannot be read, retrying" if seen is not None and seen.read_error is not None else ""
        latest = read_error or self._style.safe(self._latest.get(run_id, ""))
        name = pad(
            self._style.safe(self._names[run_id]), max(map(display_width, map(self._style.safe, self._names.values())))
        )
        return truncate(f"{name}  {status}  {elapsed}  {latest}".rstrip(), width, self._style.displayable("…"))


def _format_elapsed(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}:{rest:02d}"
