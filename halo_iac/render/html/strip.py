"""Drawings of time as paths of SVG: fires as marks, and how often each moment is analysed as bars of rising height.

A drawing is one day for each unit of width times :data:`DAY`, stretched to the width of its place on the page, so that
only vertical lines keep their width. Equal drawings are made once and used again: a page of a thousand schedules has a
few hundred.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Final, NamedTuple

from halo_iac.page.timeline import Coverage, Period, Stretch, Track

DAY: Final = 24
"""The width of a day."""
HEIGHT: Final = 40
"""The height of a drawing: marks above, bars below."""

_TOP: Final = 2
_MARK: Final = 11
_BASE: Final = 38
_STEP: Final = 7
_AREA_WIDTH: Final = 6
_MIN_GAP: Final = 3.5 / 24
"""The part of a day below which marks are drawn as one band."""
_LEVELS: Final = 3
"""The number of heights of bars; traces that are analysed more often have a bar of the last height."""


class Strip(NamedTuple):
    """The SVG paths of one drawing, each empty if there is nothing to draw.

    ``bars`` has a path for each number of analyses, from one on; ``bands`` are fires too dense to draw individually.
    """

    marks: str
    approximate: str
    bands: str
    bars: tuple[str, ...]
    gaps: str


def draw_strip(track: Track, period: Period) -> Strip:
    """Return the drawing of one schedule."""
    if track.fires is None:
        return Strip("", "", _draw_band(0, len(period.days)), *_draw_bars(track.coverage, period))
    places = [(period.position(int(fire.at.timestamp())), fire.reason) for fire in track.fires]
    runs = [*_group_dense([place for place, _ in places])]
    return Strip(
        "".join(_draw_mark(run[0]) for run in runs if len(run) == 1),
        "".join(_draw_mark(place) for place, reason in places if reason is not None),
        "".join(_draw_band(run[0], run[-1]) for run in runs if len(run) > 1),
        *_draw_bars(track.coverage, period),
    )


def draw_coverage(coverage: Coverage, period: Period) -> Strip:
    """Return the drawing of several schedules together, whose fires are not drawn."""
    return Strip("", "", "", *_draw_bars(coverage, period))


def draw_dots(places: Iterable[float]) -> str:
    """Return a dot at each place, at the height of the marks: lines of no length, whose ends are round."""
    return "".join(f"M{_number(place)} {_TOP + _MARK / 2}h0" for place in places)


def draw_area(place: float) -> str:
    """Return a box around a place, over the whole height, which can be clicked."""
    return f"M{_number(place - _AREA_WIDTH / 2 / DAY)} 0h{_AREA_WIDTH}v{HEIGHT}h-{_AREA_WIDTH}z"


def _group_dense(places: Sequence[float]) -> Iterator[list[float]]:
    """Yield positions in order; those too dense to draw individually are grouped."""
    run: list[float] = []
    for place in places:
        if run and place - run[-1] > _MIN_GAP:
            yield run
            run = []
        run.append(place)
    if run:
        yield run


def draw_line(place: float) -> str:
    """Return a line over the whole height, at a place in days."""
    return f"M{_number(place)} 0v{HEIGHT}"


def _draw_mark(place: float) -> str:
    return f"M{_number(place)} {_TOP}v{_MARK}"


def _draw_band(first: float, last: float) -> str:
    return f"M{_number(first)} {_TOP}H{_number(last)}v{_MARK}H{_number(first)}z"


def _draw_bars(coverage: Coverage, period: Period) -> tuple[tuple[str, ...], str]:
    levels = [
        "".join(_draw_bar(each, level, period) for each in _stretches_above(coverage.stretches, level))
        for level in range(_LEVELS)
    ]
    gaps = "".join(_draw_bar(each, 0, period) for each in coverage.gaps)
    return tuple(filter(None, levels)), gaps


def _stretches_above(stretches: Iterable[Stretch], level: int) -> Iterable[Stretch]:
    """Yield what is analysed more than ``level`` times, neighbours as one."""
    for is_above, run in groupby(stretches, key=lambda each: each.reads > level):
        if is_above:
            whole = [*run]
            yield Stretch(whole[0].start, whole[-1].end, level + 1)


def _draw_bar(stretch: Stretch, level: int, period: Period) -> str:
    left, right = period.position(stretch.start), period.position(stretch.end)
    bottom = _BASE - level * _STEP
    return f"M{_number(left)} {bottom}H{_number(right)}v-{_STEP - 1}H{_number(left)}z"


def _number(days: float) -> str:
    """Return a place as a number of a path, exact to half a minute."""
    return f"{days * DAY:.2f}".rstrip("0").rstrip(".")
