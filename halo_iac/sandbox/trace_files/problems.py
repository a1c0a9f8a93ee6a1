"""What of a file is not a span, and why."""

from __future__ import annotations

from dataclasses import dataclass


class NotASpanError(ValueError):
    """A value that is not a span; ``reason`` says why, in words that follow the number of its line."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class UnreadableError(NotASpanError):
    """The file cannot be read from here on."""


@dataclass(frozen=True, slots=True)
class BadLine:
    """What was skipped: the number of the line on which it begins, from 1, and why."""

    number: int
    reason: str
    ends_file: bool = False
    """Whether the rest of the file was not read either."""
