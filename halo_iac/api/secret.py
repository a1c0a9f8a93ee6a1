"""A value that must never be seen (design §10, Keys)."""

from __future__ import annotations

import re
from typing import Final

MASK: Final = "***"

_WORD: Final = re.compile("[A-Za-z0-9]+")


class Secret:
    """A key or token; shows as ``***`` wherever it is printed, formatted, logged or compared by a test runner."""

    __slots__ = ("_text", "_word")

    def __init__(self, text: str) -> None:
        self._text = text
        self._word = max(_WORD.findall(text), key=len, default="")

    def reveal(self) -> str:
        """Return the key itself, for the Authorization header and for nothing else."""
        return self._text

    def hide_in(self, text: str) -> str:
        """Return the text with every occurrence of the key replaced, those that some format has escaped included."""
        # No format escapes a letter or digit, so most texts, plans of many megabytes among them, are done with here.
        if not self._text or self._word not in text:
            return text
        return re.sub("".join(map(_written, self._text)), MASK, text)

    def __repr__(self) -> str:
        return MASK

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._text == other.reveal()

    def __hash__(self) -> int:
        return hash(self._text)


def _written(character: str) -> str:
    """Return the pattern of a character as itself or as JSON, YAML, HTML, URLs or our own renderers escape it.

    In HTML, a place where a line may be broken may follow.
    """
    if _WORD.match(character):
        return character
    code = ord(character)
    doubled = "''|" if character == "'" else ""  # YAML, between single quotes
    return rf"(?:\\u{code:04x}|%{code:02X}|&#?\w+;(?:<wbr>)?|{doubled}\\?{re.escape(character)})"
