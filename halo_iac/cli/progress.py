"""Progress of a run on standard error: live lines on a terminal, plain lines in a pipe.

See docs/cli.md#output.

Changes that have ended are printed as plain lines; only those under way are redrawn, so that a long run fits on every
screen.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Self, TextIO

from halo_iac.cli.console import Console
from halo_iac.cli.signals import STOPPING
from halo_iac.model.apply_result import Event, Status
from halo_iac.render.style import Style, truncate
from halo_iac.render.text.apply import event_line

if TYPE_CHECKING:
    from rich.console import Console as Screen
    from rich.live import Live
    from rich.text import Text

_FRAMES_PER_SECOND: Final = 8
_MAX_LIVE_LINES: Final = 16
"""The most lines that are redrawn; on a small screen, as many as fit."""


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

    ``clock`` returns seconds from any start, to measure how long a change has been under way. While ``is_stopping``
    returns true, a line that the run is stopping is drawn below the rest.
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
        self._screen = make_screen(stream, style)
        self._live = make_live_display(self._screen, self._draw)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def show(self, event: Event) -> None:
        """Show an event: a final one is printed, others update the live display."""
        change = id(event.change)
        if event.status.is_final:
            self._under_way.pop(change, None)
        else:
            since = self._under_way[change][1] if change in self._under_way else self._clock()
            self._under_way[change] = (event, since)
        self._drawn = tuple(self._under_way.values())  # replaced, not changed, because another thread draws it
        if event.status.is_final and _is_logged(event):
            self._ended.add(change)
            self._write(event_line(event, self._style, position=(len(self._ended), self._total)))

    def _write(self, lines: str) -> None:
        from rich.text import Text

        self._screen.print(Text.from_ansi(lines), soft_wrap=True)

    def _draw(self) -> Text:
        from rich.text import Text

        room = max(1, min(_MAX_LIVE_LINES, self._screen.height - 2))
        width = max(1, self._screen.width - 1)
        now = self._clock()
        lines = [self._line(event, now - since, width) for event, since in self._drawn[:room]]
        if len(self._drawn) > room:
            lines[-1] = self._style.displayable(f"… and {len(self._drawn) - room + 1} more")
        if self._is_stopping():
            lines.append(self._style.paint(truncate(STOPPING, width, self._style.displayable("…")), "warning"))
        return Text.from_ansi("\n".join(lines), no_wrap=True, end="")

    def _line(self, event: Event, seconds: float, width: int) -> str:
        plain = Style(unicode=self._style.unicode)
        words = " ".join(line.strip() for line in event_line(event, plain).split("\n")[:2])
        line = truncate(f"{words}  {seconds:.0f} s", width, plain.displayable("…"))
        return self._style.paint(line, "warning" if event.status is Status.RETRYING else event.change.action)


def make_screen(stream: TextIO, style: Style) -> Screen:
    """Return a rich console that prints text unchanged."""
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


def make_live_display(screen: Screen, draw: Callable[[], Text]) -> Live:
    """Return a live display that redraws the text that ``draw`` returns, and erases it at the end."""
    from rich.live import Live

    class Redrawn(Live):
        """A display that is redrawn at least with every printed line, if no thread can be started to redraw it."""

        def start(self, refresh: bool = False) -> None:
            with suppress(RuntimeError, MemoryError):
                super().start(refresh)

    return Redrawn(
        console=screen,
        get_renderable=draw,
        refresh_per_second=_FRAMES_PER_SECOND,
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
        vertical_overflow="crop",
    )
