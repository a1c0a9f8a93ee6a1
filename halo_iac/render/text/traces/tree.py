"""A trace as a tree of its spans, and as a timeline of them (docs/protocol.md#trace-views).

A line has the span, then its duration in figures and as a bar on the scale of the trace. Each line fits on the screen:
the least important facts are left out first, and ids are never cut.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil
from typing import Final, NamedTuple

from halo_iac.model.span_tree import Anomaly, Node, SpanTree
from halo_iac.render.style import LOG_WIDTH, Style, display_width, pad, strip_colour, truncate
from halo_iac.render.text.traces.fold import Fold, Row, select_spans, tree_rows
from halo_iac.render.values import format_dollars, format_elapsed
from halo_iac.text import counted

_GAP: Final = "  "
_WIDE_SCREEN: Final = 80
"""The screen width in columns from which a level is indented by three columns instead of two."""
_WITH_IDS: Final = 130
"""The screen width in columns from which span ids are shown."""
_MIN_NAME_WIDTH: Final = 8
_EIGHTHS: Final = "▏▎▍▌▋▊▉"
_HALVES: Final = {(False, False): " ", (True, False): "▌", (False, True): "▐", (True, True): "█"}
_ANOMALY_NOTES: Final = {Anomaly.ORPHAN: "(parent missing)", Anomaly.CYCLE: "(part of a cycle)"}


class _Layout(NamedTuple):
    """The width in columns of each part of a line; ``ids`` is 0 if ids are not shown."""

    left: int
    figures: int
    bar: int
    ids: int
    lengths: int
    step: int

    @property
    def deepest(self) -> int:
        """Return the depth up to which there is room for names."""
        return max(self.left // 2 // self.step, 4)


class TreeDrawing:
    """The lines of a tree: each span below its parent, with its duration and a bar of that length.

    A timeline also has the start of each span, counted from the first, and the bar begins there. Of a long tree the
    paths to failed spans and to the span ``focus`` are drawn first, and the rest is counted; ``is_whole`` draws all
    spans. Without a width nothing is cut.
    """

    def __init__(
        self,
        tree: SpanTree,
        style: Style,
        *,
        focus: str | None = None,
        is_whole: bool = False,
        is_timeline: bool = False,
    ) -> None:
        self._tree = tree
        self._style = style
        self._is_timeline = is_timeline
        layout = _layout(tree, style, is_timeline=is_timeline)
        marked = tree.find(focus) if focus else None
        self._rows = [
            (row, _left_part(row, layout, style, is_marked=row.entry is marked))
            for row in tree_rows(tree, None if is_whole else select_spans(tree, layout.deepest, marked))
        ]
        drawn = (strip_colour(left) for row, left in self._rows if isinstance(row.entry, Node))
        needed = max(map(display_width, drawn), default=0)
        self._layout = layout._replace(left=min(layout.left, needed) if style.width else needed)

    @property
    def is_folded(self) -> bool:
        """Return whether some spans are counted instead of drawn."""
        return any(isinstance(row.entry, Fold) or row.hidden for row, _ in self._rows)

    def lines(self) -> Iterator[str]:
        """Yield the lines; for a timeline, its scale first."""
        if self._is_timeline:
            yield _scale_line(self._tree, self._layout, self._style)
        for row, left in self._rows:
            yield left if isinstance(row.entry, Fold) else self._line(row.entry, left)

    def _line(self, node: Node, left: str) -> str:
        layout, style, first = self._layout, self._style, self._tree.starts
        offset = None if node.start is None or first is None else node.start - first
        shown = (offset, node.duration)[-layout.lengths :]
        lengths = [format_elapsed(each, style).rjust(layout.figures) for each in shown]
        bar = (
            _timeline_bar(offset, max(node.duration or 0, 0), self._tree.length, layout.bar, style)
            if self._is_timeline
            else _length_bar(node, self._tree.longest, layout.bar, style)
        )
        parts = [left + " " * (layout.left - display_width(strip_colour(left))), *lengths]
        parts.append(style.paint(bar, "failed" if node.is_error else "bar"))
        if layout.ids:
            parts[-1] += " " * (layout.bar - len(bar))
            parts.append(style.paint(style.safe(node.id), "dim"))
        return _GAP.join(parts).rstrip()


# A line -------------------------------------------------------------------------------------------------------------


def _left_part(row: Row, layout: _Layout, style: Style, *, is_marked: bool) -> str:
    """Return the coloured part of a line before its figures: the guides, then its span or fold."""
    guides = _guides(row, layout, style)
    room = layout.left if isinstance(row.entry, Node) else style.width
    most = None if style.width is None else (room or 0) - display_width(guides)
    drawn = (
        _fold_part(row.entry, most, style)
        if isinstance(row.entry, Fold)
        else _span_part(row, row.entry, most, style, is_marked=is_marked)
    )
    return style.paint(guides, "dim") + drawn


def _guides(row: Row, layout: _Layout, style: Style) -> str:
    """Return the guides of a line, one for each level above it; of many levels only the last ones."""
    if row.depth == 0:
        return ""
    levels = row.guides[1:] if row.depth < len(row.guides) else row.guides
    most = len(levels) if style.width is None else layout.deepest
    beyond = "…" if len(levels) > most or row.depth > len(levels) else ""
    *above, own = levels[-most:]
    rule = "─" * (layout.step - 2)
    drawn = [("│" if more else " ").ljust(layout.step) for more in above]
    return style.displayable(f"{beyond}{''.join(drawn)}{'├' if own else '└'}{rule} ")


class _LineBuilder:
    """A part of a line to which text is added until its columns are used up; ``None`` is no limit."""

    def __init__(self, most: int | None, style: Style) -> None:
        self._left = most
        self._style = style
        self._shown: list[str] = []

    def add(self, text: str, role: str | None = None) -> bool:
        """Add a text if there is room for all of it; return whether there was."""
        if self._left is not None:
            if display_width(text) > self._left:
                return False
            self._left -= display_width(text)
        self._shown.append(self._style.paint(text, role) if role else text)
        return True

    def add_cut(self, text: str, role: str | None = None, *, leave: int = 0) -> None:
        """Add as much of a text as there is room for, without the last ``leave`` columns."""
        if self._left is not None:
            text = truncate(text, max(self._left - leave, 0), self._style.displayable("…"))
        self.add(text, role)

    @property
    def left(self) -> int:
        """Return the number of unused columns."""
        return LOG_WIDTH if self._left is None else self._left

    def __str__(self) -> str:
        return "".join(self._shown)


def _span_part(row: Row, node: Node, most: int | None, style: Style, *, is_marked: bool) -> str:
    """Return the name of a span, and as many other facts as there is room for."""
    line = _LineBuilder(most, style)
    if is_marked:
        line.add(style.displayable("▶ "), "bold")
    if node.is_error:
        line.add(style.displayable("✗ "), "failed")
    hidden = _hidden_note(row, is_brief=line.left < 40)
    role = "failed" if node.is_error else "bold" if is_marked else None
    line.add_cut(style.safe(node.name) or "(no name)", role, leave=display_width(hidden))
    line.add(hidden, "failed" if row.failures else "dim")
    if node.anomaly is not None:
        line.add(f" {_ANOMALY_NOTES[node.anomaly]}", "warning")
    all(line.add(fact, "dim") for fact in _span_facts(node, style))
    if node.message and line.left > 2 * _MIN_NAME_WIDTH:
        line.add_cut(f": {style.safe(node.message)}", "failed")
    return str(line)


def _hidden_note(row: Row, *, is_brief: bool) -> str:
    if not row.hidden:
        return ""
    failures = f", {row.failures:,} failed" if row.failures else ""
    if is_brief:
        return f" +{row.hidden:,}"
    return f" (+{counted(row.hidden, 'span')}{failures})"


def _span_facts(node: Node, style: Style) -> Iterator[str]:
    """Yield the facts of a span besides its name, the most important first."""
    yield f" {style.safe(node.kind)}"
    separator = style.displayable(" · ")
    if node.model:
        yield f"{separator}{style.safe(node.model)}"
    if node.input_tokens or node.output_tokens:
        tokens = f"{node.input_tokens or 0:,} → {node.output_tokens or 0:,} tokens"
        yield f"{separator}{style.displayable(tokens)}"
    if node.cost:
        yield f"{separator}{format_dollars(node.cost)}"


def _fold_part(fold: Fold, most: int | None, style: Style) -> str:
    """Return the summary of a fold: number and kinds of spans, their duration, number of failures."""
    line = _LineBuilder(most, style)
    spans = _fold_title(fold, style)
    below = f" and {fold.below:,} below {'it' if fold.spans == 1 else 'them'}" if fold.below else ""
    if most is not None and display_width(spans + below) > most:
        spans, below = style.displayable(f"… {fold.spans + fold.below:,} spans"), ""
    line.add_cut(spans + below, "dim")
    if fold.failures:
        line.add(f", {fold.failures:,} failed", "failed")
    if fold.duration:
        line.add(f", {format_elapsed(fold.duration, style)}", "dim")
    if len(fold.kinds) > 1:
        kinds = sorted(fold.kinds.items(), key=lambda each: (-each[1], each[0]))
        line.add(f" ({', '.join(f'{count:,} {style.safe(kind)}' for kind, count in kinds)})", "dim")
    return str(line)


def _fold_title(fold: Fold, style: Style) -> str:
    if fold.is_between:
        return style.displayable(f"… {counted(fold.spans, 'span')} between")
    more = "more " if fold.follows else ""
    kind = f"{style.safe(next(iter(fold.kinds)))} " if len(fold.kinds) == 1 else ""
    return style.displayable("… ") + f"{fold.spans:,} {more}{kind}spans"


# Columns and bars ---------------------------------------------------------------------------------------------------


def _layout(tree: SpanTree, style: Style, *, is_timeline: bool) -> _Layout:
    width = style.width or LOG_WIDTH
    longest = max([abs(node.duration or 0) for node in tree.walk()] + [tree.length])
    figures = 8 if longest < 59 * 10**9 else 12 if longest < 10**16 else 16  # columns of the longest duration
    lengths = 2 if is_timeline and width >= 60 else 1
    ids = max((display_width(style.safe(node.id)) for node in tree.walk()), default=0)
    if style.width is not None and (width < _WITH_IDS or ids > width // 4):
        ids = 0
    room = width - lengths * (figures + len(_GAP)) - (ids + len(_GAP) if ids and style.width else 0) - len(_GAP)
    bar = min(max(room * 2 // 5, 8), 60) if is_timeline else min(max(room // 4, 5), 40)
    return _Layout(room - bar, figures, bar, ids, lengths, 3 if width >= _WIDE_SCREEN else 2)


def _length_bar(node: Node, longest: int, width: int, style: Style) -> str:
    if node.duration is None or node.duration < 0:
        return ""
    eighths = max(round(node.duration / longest * width * 8), 1) if longest else 1
    return style.displayable("█" * (eighths // 8) + (_EIGHTHS[eighths % 8 - 1] if eighths % 8 else ""))


def _timeline_bar(offset: int | None, duration: int, length: int, width: int, style: Style) -> str:
    """Return a bar from a span's start to its end, exact to half a column."""
    if offset is None:
        return ""
    scale = 2 * width / max(length, 1)
    first = min(int(offset * scale), 2 * width - 1)
    last = max(min(ceil((offset + duration) * scale), 2 * width), first + 1)
    cells = [(first <= half < last, first <= half + 1 < last) for half in range(0, last, 2)]
    return style.displayable("".join(_HALVES[cell] for cell in cells))


def _scale_line(tree: SpanTree, layout: _Layout, style: Style) -> str:
    heads = ["start", "time"][-layout.lengths :]
    end = format_elapsed(tree.length, style)
    ruler = f"0{end:>{layout.bar - 1}}" if layout.bar > display_width(end) else ""
    line = _GAP.join([pad("span", layout.left), *(head.rjust(layout.figures) for head in heads), ruler])
    return style.paint(line.rstrip(), "bold")
