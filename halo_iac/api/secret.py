"""A value that must never be seen (design §10, Keys)."""

from __future__ import annotations

from typing import Final

MASK: Final = "***"


class Secret:
    """A key or token; shows as ``***`` wherever it is printed, formatted, logged or compared by a test runner."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the key itself, for the Authorization header and for nothing else."""
        return self._text

    def hide_in(self, text: str) -> str:
        """Return the text with every occurrence of the key replaced."""
        return text.replace(self._text, MASK) if self._text else text

    def __repr__(self) -> str:
        return MASK

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._text == other.reveal()

    def __hash__(self) -> int:
        return hash(self._text)
