"""How messages quote a file's own words: one line, no control characters, not too long."""

from __future__ import annotations


def shown(text: str, *, longest: int = 60) -> str:
    """Return a key or value in backticks, cut short, with what cannot be printed written as an escape."""
    cut = text if len(text) <= longest else text[: longest - 1] + "…"
    if not cut.isprintable():
        cut = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in cut)
    return f"`{cut}`"
