"""Markdown drawn for a screen; rich is imported only here and only then."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, ClassVar, Final

from halo_iac.render.report import neutralize_markdown
from halo_iac.render.style import Style

if TYPE_CHECKING:
    from rich.console import Console as Screen
    from rich.console import ConsoleOptions, RenderResult
    from rich.markdown import Markdown

_WIDEST: Final = 100
"""Columns beyond which prose is hard to read."""


def on_screen(markdown: str, style: Style) -> str:
    """Return foreign markdown as a screen shows it best; where it can show only ASCII, the source.

    Links are not made clickable: where they lead should be seen.
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
        width=min(style.width or _WIDEST, _WIDEST),
    )
    screen.print(_folding(plain))
    return drawn.getvalue()


def _folding(markdown: str) -> Markdown:
    """Return markdown whose tables fold what is too long for a cell; rich's own cut it, a trace id as well."""
    from rich.markdown import Markdown, TableElement
    from rich.table import Table

    class FoldingTable(TableElement):
        def __rich_console__(self, console: Screen, options: ConsoleOptions) -> RenderResult:
            for table in super().__rich_console__(console, options):
                assert isinstance(table, Table)  # noqa: S101 - rich draws a table as one
                for column in table.columns:
                    column.overflow = "fold"
                yield table

    class Folding(Markdown):
        elements: ClassVar = {**Markdown.elements, "table_open": FoldingTable}

    return Folding(markdown, hyperlinks=False, code_theme="ansi_dark")
