"""Which titles an entry may carry (design §2): the title is the identity, so nothing in it may be invisible."""

from __future__ import annotations

import unicodedata
from typing import Final

LONGEST: Final = 200

_ODD_CATEGORIES: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_BLANKS: Final = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u3164\uffa0")
"""Letters and marks of no width. Variation selectors stay allowed: they are part of many an emoji."""


def is_invisible(character: str) -> bool:
    """Say whether a character is a control, format, line-break or zero-width one."""
    return character in _BLANKS or unicodedata.category(character) in _ODD_CATEGORIES


def oddity(title: str) -> str | None:
    """Say what is wrong with a title; ``None`` for one that may be used."""
    if title.isascii() and title.isprintable():  # all that most titles need
        normal = title
    else:
        if any(map(is_invisible, title)):
            return "a title holds no control, format or zero-width characters"
        normal = unicodedata.normalize("NFC", title)
    if title != title.strip():
        return "a title has no space at either end"
    if not 1 <= len(title) <= LONGEST:
        return f"a title has 1 to {LONGEST} characters, this one {len(title)}"
    return None if title == normal else "a title is written in NFC, its composed form"


def corrected(title: str) -> str:
    """Return the nearest title that may be used; empty if nothing is left."""
    visible = "".join(" " if c in "\t\n\r\u2028\u2029" else c for c in title)
    visible = "".join(c for c in visible if not is_invisible(c))
    return unicodedata.normalize("NFC", visible).strip()[:LONGEST].rstrip()
