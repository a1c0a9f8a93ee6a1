"""Markdown drawn for a screen; rich is imported only here and only then."""

from __future__ import annotations

import io
from typing import Final

from halo_iac.render.report import harmless
from halo_iac.render.style import Style

_WIDEST: Final = 100
"""Columns beyond which prose is hard to read."""


def on_screen(markdown: str, style: Style) -> str:
    """Return foreign markdown as a screen shows it best; where it can show only ASCII, the source.

    Links are not made clickable: where they lead should be seen.
    """
    plain = harmless(markdown, style)
    if not style.unicode:
        return plain
    from rich.console import Console as Screen  # noqa: PLC0415 - see the module
    from rich.markdown import Markdown  # noqa: PLC0415

    drawn = io.StringIO()
    screen = Screen(
        file=drawn,
        force_terminal=True,
        legacy_windows=False,
        no_color=not style.colour,
        color_system="standard" if style.colour else None,
        width=min(style.width or _WIDEST, _WIDEST),
    )
    screen.print(Markdown(plain, hyperlinks=False, code_theme="ansi_dark"))
    return drawn.getvalue()
