"""Which titles an entry may carry: the title is the identity, so nothing in it may be invisible.

See docs/semantics.md#titles.
"""

from __future__ import annotations

import unicodedata
from typing import Final

from halo_iac.model.characters import has_invisible, is_invisible

LONGEST: Final = 200


def oddity(title: str) -> str | None:
    """Say what is wrong with a title; ``None`` for one that may be used."""
    if title.isascii() and title.isprintable():  # all that most titles need
        normal = title
    else:
        if has_invisible(title):
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
