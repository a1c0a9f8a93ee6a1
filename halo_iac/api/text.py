"""Foreign words made fit for a message: one line, no control characters, bounded (docs/security.md#untrusted-text)."""

from __future__ import annotations

import unicodedata
from typing import Final

from halo_iac.model.characters import is_invisible

REASON_LIMIT: Final = 300
"""How many characters of the platform's own words a message repeats."""

_UNASSIGNED: Final = frozenset({"Cn", "Co"})
"""Categories of code points that mean nothing, or something else to everybody."""


def one_line(text: str, *, limit: int = REASON_LIMIT) -> str:
    """Return the text with white space folded, invisible characters as symbols, cut to ``limit``."""
    window = " ".join(text[: limit * 8].split())
    shown = "".join(map(_symbol, window[:limit]))
    return shown if len(window) <= limit else f"{shown}…"


def _symbol(character: str) -> str:
    if character < " ":
        return chr(0x2400 + ord(character))
    if character == "\x7f":
        return "\u2421"
    is_unshowable = is_invisible(character) or unicodedata.category(character) in _UNASSIGNED
    return "\ufffd" if is_unshowable else character
