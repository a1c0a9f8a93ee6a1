"""Progress of a run on standard error: live lines on a terminal, plain lines in a pipe.

See docs/cli.md#output.

What has ended scrolls by as a plain line; only what is under way is redrawn, so no screen is too small for a long run.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self, TextIO

from halo_iac.cli.console import Console
from halo_iac.cli.signals import STOPPING
from halo_iac.model.apply_result import Event, Status
from halo_iac.model.runs import COMPLETED
from halo_iac.render.style import Style, columns, pad, truncate
from halo_iac.render.text.apply import event_line

if TYPE_CHECKING:
    from rich.console import Console as Screen
    from rich.live import Live
    from rich.text import Text

    from halo_iac.runs.polling import RunSnapshot


_FRAMES_A_SECOND: Final = 8
_LARGEST: Final = 16
"""How many lines are redrawn at most; on a lower screen, as many as fit."""


def log_events(
    events: Iterable[Event], console: Console, total: int, *, is_stopping: Callable[[], bool] = lambda: False
) -> Iterator[Event]:
    """Yield the events of a run of ``total`` changes, each shown on standard error as it comes."""
    if console.shows_progress:
        with ProgressDisplay(console.log_stream, console.err_style, total, is_stopping=is_stopping) as lines:
            for event in events:
                lines.show(event)
                yield event
        return
    style, finished = console.err_style, set[int]()
    for event in events:
        if event.status.is_final and _is_logged(event):
            finished.add(id(event.change))
            console.log(event_line(event, style, position=(len(finished), total)))
        elif event.status is Status.RETRYING:
            console.log(event_line(event, style))
        yield event


def _is_logged(event: Event) -> bool:
    """Return whether a final event gets a line; changes that never started are left to the summary."""
    return event.status is not Status.NOT_STARTED or bool(event.message)


class ProgressDisplay:
    """Draws the changes that are under way below the lines of those that have ended; a context manager.

    ``clock`` gives seconds from any start, for how long a change has been under way. ``is_stopping`` says whether the
    run was told to stop, which is then drawn below the rest.
    """

    def __init__(
        self,
        stream: TextIO,
        style: Style,
        total: int,
        *,
        clock: Callable[[], float] = time.monotonic,
        is_stopping: Callable[[], bool] = lambda: False,
    ) -> None:
        self._style = style
        self._total = total
        self._clock = clock
        self._is_stopping = is_stopping
        self._ended: set[int] = set()
        self._under_way: dict[int, tuple[Event, float]] = {}
        self._drawn: tuple[tuple[Event, float], ...] = ()
        self._screen = screen_on(stream, style)
        self._live = live_display(self._screen, self._draw)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def show(self, event: Event) -> None:
        """Show an event: a final one is printed, others update the live display."""
        change = id(event.change)
        if event.status.is_final:
            self._under_way.pop(change, None)
        else:
            since = self._under_way[change][1] if change in self._under_way else self._clock()
            self._under_way[change] = (event, since)
        self._drawn = tuple(self._under_way.values())  # whole, because another thread draws it
        if event.status.is_final and _is_logged(event):
            self._ended.add(change)
            self._write(event_line(event, self._style, position=(len(self._ended), self._total)))

    def _write(self, lines: str) -> None:
        from rich.text import Text

        self._screen.print(Text.from_ansi(lines), soft_wrap=True)

    def _draw(self) -> Text:
        from rich.text import Text

        room = max(1, min(_LARGEST, self._screen.height - 2))
        width = max(1, self._screen.width - 1)
        now = self._clock()
        lines = [self._line(event, now - since, width) for event, since in self._drawn[:room]]
        if len(self._drawn) > room:
            lines[-1] = self._style.own(f"… and {len(self._drawn) - room + 1} more")
        if self._is_stopping():
            lines.append(self._style.paint(truncate(STOPPING, width, self._style.own("…")), "warning"))
        return Text.from_ansi("\n".join(lines), no_wrap=True, end="")

    def _line(self, event: Event, seconds: float, width: int) -> str:
        plain = Style(unicode=self._style.unicode)
        words = " ".join(line.strip() for line in event_line(event, plain).split("\n")[:2])
        line = truncate(f"{words}  {seconds:.0f} s", width, plain.own("…"))
        return self._style.paint(line, "warning" if event.status is Status.RETRYING else event.change.action)


def screen_on(stream: TextIO, style: Style) -> Screen:
    """Return a terminal that shows what it is given as it is."""
    from rich.console import Console as Screen

    return Screen(
        file=stream,
        force_terminal=True,
        no_color=not style.colour,
        color_system="standard" if style.colour else None,
        markup=False,
        emoji=False,
        highlight=False,
    )


def live_display(screen: Screen, draw: Callable[[], Text]) -> Live:
    """Return what redraws the text that ``draw`` returns, and leaves nothing of it behind."""
    from rich.live import Live

    class Redrawn(Live):
        """Redrawn whenever a line is printed at least, where the system has no thread to redraw it by the clock."""

        def start(self, refresh: bool = False) -> None:
            with suppress(RuntimeError, MemoryError):
                super().start(refresh)

    return Redrawn(
        console=screen,
        get_renderable=draw,
        refresh_per_second=_FRAMES_A_SECOND,
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
        vertical_overflow="crop",
    )


_LARGEST_TABLE: Final = 16
_STATUS_WIDTH: Final = len("exporting_traces")


def log_runs(sightings: Iterable[RunSnapshot], console: Console, names: Mapping[str, str]) -> Iterator[RunSnapshot]:
    """Yield snapshots of runs, each shown at once; ``names`` has the name of each run id."""
    style = console.err_style
    if not console.shows_progress:
        for seen in sightings:
            console.log(line_of(seen, names[seen.run_id], style))
            yield seen
        return
    board = RunTable(names, style)
    screen = screen_on(console.log_stream, style)
    live = live_display(
        screen, lambda: _rendered(board.lines(max(1, min(_LARGEST_TABLE, screen.height - 2)), screen.width - 1))
    )
    with live:
        for seen in sightings:
            board.show(seen)
            if seen.is_final:
                screen.print(_rendered([line_of(seen, names[seen.run_id], style)]), soft_wrap=True)
            yield seen


def line_of(seen: RunSnapshot, name: str, style: Style) -> str:
    """Return a snapshot as a line: name, status, run id, and error."""
    line = f"{style.safe(name)}  {_status(seen, style)}  {style.safe(seen.run_id)}"
    if seen.trouble is not None:
        again = "" if seen.is_final else "; retrying"
        line += f"  ({style.safe(seen.trouble.message)}{again})"
    elif seen.is_final and not seen.is_over:
        line += "  (timed out waiting; the run continues)"
    return line


def _status(seen: RunSnapshot, style: Style) -> str:
    role = "create" if seen.status == COMPLETED else "archive" if seen.is_over else "update"
    return style.paint(style.safe(seen.status), role)


def _rendered(lines: Iterable[str]) -> Text:
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
        """Take a snapshot, which another thread draws."""
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
        status = pad(self._style.safe(seen.status if seen is not None else "started"), _STATUS_WIDTH)
        elapsed = _clock_time(self._clock() - self._since)
        trouble = "cannot be read, retrying" if seen is not None and seen.trouble is not None else ""
        latest = trouble or self._style.safe(self._latest.get(run_id, ""))
        name = pad(
            self._style.safe(self._names[run_id]), max(map(columns, map(self._style.safe, self._names.values())))
        )
        return truncate(f"{name}  {status}  {elapsed}  {latest}".rstrip(), width, self._style.own("…"))


def _clock_time(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}:{rest:02d}"
