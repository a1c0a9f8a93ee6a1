"""How like two words are: the same but for case and signs, or a slip of the finger apart."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

LONGEST: Final = 100
"""Of how many characters a word may be that something near is looked for: it takes quadratic time."""


def folded(text: str) -> str:
    """Return a word without case, spaces, dashes and underscores: what ``daysOfWeek`` and ``days-of-week`` share."""
    return re.sub(r"[^a-z0-9]", "", text.lower())


def nearest(word: str, known: Collection[str], *, cutoff: float = 0.7) -> str | None:
    """Return the nearest of the known words, if one is near: ``cutoff`` is how much of both has to be the same."""
    if len(word) > LONGEST:
        return None
    from difflib import get_close_matches  # noqa: PLC0415 - only where something is wrong

    found = get_close_matches(word, sorted(known), n=1, cutoff=cutoff)
    return found[0] if found else None


def near(word: str, known: Collection[str]) -> str | None:
    """Ask whether the nearest of the known words was meant, if one is near."""
    found = nearest(word, known)
    return f"did you mean `{found}`?" if found else None
