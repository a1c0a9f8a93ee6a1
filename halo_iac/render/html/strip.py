"""Drawings of time as paths of SVG: fires as marks, and how often each moment is analysed as bars of rising height.

A drawing is one day for each unit of width times :data:`DAY`, stretched to the width of its place on the page, so that
only vertical lines keep their width. Equal drawings are made once and used again: a page of a thousand schedules has a
few hundred.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Final, NamedTuple

from halo_iac.page import Coverage, Period, Stretch, Track

DAY: Final = 24
"""The width of a day."""
HEIGHT: Final = 40
"""The height of a drawing: marks above, bars below."""

_TOP: Final = 2
_MARK: Final = 11
_BASE: Final = 38
_STEP: Final = 7
_TARGET: Final = 6
_CLOSE: Final = 3.5 / 24
"""Marks that are nearer to each other than this part of a day are drawn as one band."""
_LEVELS: Final = 3
"""How many heights of bars there are; what is analysed more often is as high as the last."""


class Strip(NamedTuple):
    """The SVG paths of one drawing, each empty if there is nothing to draw.

    ``bars`` has a path for each number of analyses, from one on; ``bands`` are fires too dense to draw individually.
    """

    marks: str
    approximate: str
    bands: str
    bars: tuple[str, ...]
    gaps: str


def strip(track: Track, period: Period) -> Strip:
    """Return the drawing of one schedule."""
    if track.fires is None:
        return Strip("", "", _band(0, len(period.days)), *_bars(track.coverage, period))
    places = [(period.place(int(fire.at.timestamp())), fire.reason) for fire in track.fires]
    runs = [*_close([place for place, _ in places])]
    return Strip(
        "".join(_mark(run[0]) for run in runs if len(run) == 1),
        "".join(_mark(place) for place, reason in places if reason is not None),
        "".join(_band(run[0], run[-1]) for run in runs if len(run) > 1),
        *_bars(track.coverage, period),
    )


def coverage_strip(coverage: Coverage, period: Period) -> Strip:
    """Return the drawing of several schedules together, whose fires are not drawn."""
    return Strip("", "", "", *_bars(coverage, period))


def dots(places: Iterable[float]) -> str:
    """Return a dot at each place, at the height of the marks: lines of no length, whose ends are round."""
    return "".join(f"M{_number(place)} {_TOP + _MARK / 2}h0" for place in places)


def target(place: float) -> str:
    """Return a box around a place, over the whole height, to be pointed at."""
    return f"M{_number(place - _TARGET / 2 / DAY)} 0h{_TARGET}v{HEIGHT}h-{_TARGET}z"


def _close(places: Sequence[float]) -> Iterator[list[float]]:
    """Yield positions in order; those too dense to draw individually are grouped."""
    run: list[float] = []
    for place in places:
        if run and place - run[-1] > _CLOSE:
            yield run
            run = []
        run.append(place)
    if run:
        yield run


def line(place: float) -> str:
    """Return a line over the whole height, at a place in days."""
    return f"M{_number(place)} 0v{HEIGHT}"


def _mark(place: float) -> str:
    return f"M{_number(place)} {_TOP}v{_MARK}"


def _band(first: float, last: float) -> str:
    return f"M{_number(first)} {_TOP}H{_number(last)}v{_MARK}H{_number(first)}z"


def _bars(coverage: Coverage, period: Period) -> tuple[tuple[str, ...], str]:
    levels = [
        "".join(_box(each, level, period) for each in _merged(coverage.stretches, level)) for level in range(_LEVELS)
    ]
    gaps = "".join(_box(each, 0, period) for each in coverage.gaps)
    return tuple(filter(None, levels)), gaps


def _merged(stretches: Iterable[Stretch], level: int) -> Iterable[Stretch]:
    """Yield what is analysed more than ``level`` times, neighbours as one."""
    for is_above, run in groupby(stretches, key=lambda each: each.times > level):
        if is_above:
            whole = [*run]
            yield Stretch(whole[0].start, whole[-1].end, level + 1)


def _box(stretch: Stretch, level: int, period: Period) -> str:
    left, right = period.place(stretch.start), period.place(stretch.end)
    bottom = _BASE - level * _STEP
    return f"M{_number(left)} {bottom}H{_number(right)}v-{_STEP - 1}H{_number(left)}z"


def _number(days: float) -> str:
    """Return a place as a number of a path, exact to half a minute."""
    return f"{days * DAY:.2f}".rstrip("0").rstrip(".")
