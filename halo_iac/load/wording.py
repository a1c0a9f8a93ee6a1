"""How messages quote a file's own words: one line, no control characters, not too long."""

from __future__ import annotations

from halo_iac.model.characters import has_invisible, is_invisible


def shown(text: str, *, longest: int = 60) -> str:
    """Return a key or value in backticks, cut short, with what cannot be printed written as an escape."""
    cut = text if len(text) <= longest else text[: longest - 1] + "…"
    if not cut.isprintable() or has_invisible(cut):
        cut = "".join(map(_visible, cut))
    return f"`{cut}`"


def _visible(character: str) -> str:
    if character.isprintable() and not is_invisible(character):
        return character
    return character.encode("unicode_escape").decode()
