"""Foreign words made fit for a message: one line, no control characters, bounded (design §10)."""

from __future__ import annotations

import unicodedata
from typing import Final

REASON_LIMIT: Final = 300
"""How many characters of the platform's own words a message repeats."""

_UNSHOWABLE: Final = frozenset({"Cc", "Cf", "Cn", "Co", "Cs"})


def one_line(text: str, *, limit: int = REASON_LIMIT) -> str:
    """Return the text with white space folded, control and format characters as symbols, cut to ``limit``."""
    window = " ".join(text[: limit * 8].split())
    shown = "".join(map(_symbol, window[:limit]))
    return shown if len(window) <= limit else f"{shown}…"


def _symbol(character: str) -> str:
    if character < " ":
        return chr(0x2400 + ord(character))
    if character == "\x7f":
        return "\u2421"
    return "\ufffd" if unicodedata.category(character) in _UNSHOWABLE else character
