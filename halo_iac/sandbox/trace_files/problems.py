"""The parts of a file that are not spans, and why."""

from __future__ import annotations

from dataclasses import dataclass


class NotASpanError(ValueError):
    """A value that is not a span; ``reason`` continues a sentence that begins with its line number."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class UnreadableError(NotASpanError):
    """The file cannot be read from here on."""


@dataclass(frozen=True, slots=True)
class BadLine:
    """A skipped value: the number of the line on which it begins, from 1, and the reason."""

    number: int
    reason: str
    ends_file: bool = False
    """Whether the rest of the file was skipped too."""
