"""Markdown drawn for a terminal with rich, which is imported only here and only then."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, ClassVar, Final

from halo_iac.render.report import neutralize_markdown
from halo_iac.render.style import Style

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console as Screen
    from rich.console import ConsoleOptions, RenderResult
    from rich.markdown import Markdown
    from rich.table import Column, Table
    from rich.text import Text

_MAX_PROSE_WIDTH: Final = 100
"""Columns beyond which prose is hard to read."""
_MIN_ID_WIDTH: Final = 48
"""Columns that an id takes in a list within a list; a terminal that is narrower folds lines by itself."""
_MIN_COLUMN_WIDTH: Final = 8
"""Columns below which a cell of a table cannot be read."""
_ID: Final = re.compile(
    r"(?<![0-9A-Za-z])(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{16,})(?![0-9A-Za-z])", re.IGNORECASE
)
"""Ids of traces, spans, runs and conversations, which are there to be copied: none is broken across lines."""
_COLOURS: Final = re.compile(r"\x1b\[[0-9;]*m")


def render_for_terminal(markdown: str, style: Style) -> str:
    """Return untrusted markdown rendered for a screen, with every id on one line.

    If the screen can show only ASCII, or an id does not fit, the source is returned. Links are not made clickable,
    so that their addresses stay visible.
    """
    plain = neutralize_markdown(markdown, style)
    if not style.unicode:
        return plain
    from rich.console import Console

    drawn = io.StringIO()
    screen = Console(
        file=drawn,
        force_terminal=True,
        legacy_windows=False,
        no_color=not style.colour,
        color_system="standard" if style.colour else None,
        width=max(min(style.width or _MAX_PROSE_WIDTH, _MAX_PROSE_WIDTH), _MIN_ID_WIDTH if _ID.search(plain) else 1),
    )
    screen.print(_folding_markdown(plain), crop=False)
    shown = drawn.getvalue()
    return shown if _find_ids(plain) == _find_ids(_COLOURS.sub("", shown)) else plain


def _find_ids(text: str) -> list[str]:
    return sorted(_ID.findall(text))


def _folding_markdown(markdown: str) -> Markdown:
    """Return markdown that folds what is too long for a cell, where rich would cut it, but breaks no id."""
    from rich.markdown import CodeBlock, Markdown, TableElement
    from rich.table import Table
    from rich.text import Text

    class FoldingTable(TableElement):
        def __rich_console__(self, console: Screen, options: ConsoleOptions) -> RenderResult:
            for table in super().__rich_console__(console, options):
                assert isinstance(table, Table)  # noqa: S101 - rich draws a table as one
                for column in table.columns:
                    column.overflow = "fold"
                yield from (table,) if _holds_ids_whole(table, console, options) else _records(table)

    class WholeCode(CodeBlock):
        def __rich_console__(self, console: Screen, options: ConsoleOptions) -> RenderResult:
            code = str(self.text).rstrip()
            is_wide = any(len(line) > options.max_width - 2 for line in code.splitlines())
            if is_wide and _ID.search(code):
                yield Text(code, no_wrap=True, overflow="ignore")
            else:
                yield from super().__rich_console__(console, options)

    class Folding(Markdown):
        elements: ClassVar = {
            **Markdown.elements,
            "table_open": FoldingTable,
            "fence": WholeCode,
            "code_block": WholeCode,
        }

    return Folding(markdown, hyperlinks=False, code_theme="ansi_dark")


def _holds_ids_whole(table: Table, console: Screen, options: ConsoleOptions) -> bool:
    """Return whether a table fits with every id on one line; if needed, its id columns get a fixed width."""
    from rich.measure import Measurement

    if Measurement.get(console, options.update(width=10_000), table).maximum <= options.max_width:
        return True
    words = [[word for cell in _cells(column) for word in cell.plain.split()] for column in table.columns]
    with_id = [max((len(word) for word in each if _ID.search(word)), default=0) for each in words]
    longest = [max(map(len, each), default=0) for each in words]
    gaps = 2 * len(words)
    room = (
        options.max_width
        - gaps
        - sum(width or min(long, _MIN_COLUMN_WIDTH) for width, long in zip(with_id, longest, strict=True))
    )
    if any(with_id) and room < 0:
        return False
    for column, width in zip(table.columns, with_id, strict=True):
        column.width = width or None
    return True


def _records(table: Table) -> Iterator[Text]:
    """Return each row of a table as separate lines, one per cell, after an empty line."""
    from rich.text import Text

    columns = [list(_cells(column)) for column in table.columns]
    for cells in zip(*(column[1:] for column in columns), strict=True):
        yield Text()
        for (head, *_), cell in zip(columns, cells, strict=True):
            yield Text.assemble((f"{head.plain}: ", "bold"), cell)


def _cells(column: Column) -> Iterator[Text]:
    """Yield the heading of a column and its cells."""
    from rich.text import Text

    for cell in (column.header, *column.cells):
        yield cell if isinstance(cell, Text) else Text(str(cell))
