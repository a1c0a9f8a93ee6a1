"""Word wrapping for narrow screens; without a screen, lines are not wrapped.

A command between backticks counts as one word, for it is there to be copied, and what is wider than the screen by
itself is left for the terminal to break.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from halo_iac.render.style import Style, display_width, strip_colour

_WORD: Final = re.compile(r"(\s*)((?:`[^`]*`|\S)+)")
_BAR: Final = re.compile(r"( *[│|])( [-+]?(?: |\Z)| ?)")
_LABEL: Final = re.compile(r" *(?:[-+~^!?=.] )?(?:\S+(?: \S+){0,2}? {2,})?")
_CONTINUATION_INDENT: Final = 2
"""The additional indentation of a continued line that has no label."""


def wrap_lines(lines: Iterable[str], style: Style) -> Iterator[str]:
    """Yield the lines, each broken so that it fits, with or without colours; untrusted text never begins a line.

    A line continues below its value if it has a label, and after its bar if it has one.
    """
    for line in lines:
        if style.width is None or (line.isascii() and len(line) <= style.width):
            yield line
        else:
            yield from _wrap(line, style.width)


def _wrap(line: str, width: int) -> Iterator[str]:
    plain = strip_colour(line)
    if display_width(plain) <= width:
        yield line
        return
    lead, nearest = _indents(plain, width)
    shown, used = "", 0
    for gap, word in _WORD.findall(line):
        bare = strip_colour(word)
        more = len(gap) + display_width(bare)
        under = nearest if len(lead) > width - display_width(bare) >= len(nearest) else lead
        if bare and used + more > width and used > len(under):
            yield shown
            shown = f"{under}\\{word}" if bare.startswith("::") else under + word  # which a runner obeys there
            used = display_width(strip_colour(shown))
        else:
            shown += gap + word
            used += more
    yield shown


def _indents(plain: str, width: int) -> tuple[str, str]:
    """Return what the continuation lines of a line without colour begin with.

    The second is for a word that has no room after the first.
    """
    bar = _BAR.match(plain)
    if bar:
        lead = bar[1] + " " * max(len(bar[2]), 1)
        return lead, lead
    label = _LABEL.match(plain)
    depth = len(plain) - len(plain.lstrip(" "))
    nearest = " " * (min(depth, width // 2) + _CONTINUATION_INDENT)
    under = len(label[0]) if label else 0
    return (" " * under if depth < under <= width // 2 else nearest), nearest
