"""The JSON values of a file, told apart by its first line: a value on each line, or documents of many lines."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from io import BufferedReader
from typing import Any, Final

from pydantic_core import from_json

from halo_iac.sandbox.trace_files.json_text import WHOLE, BrokenJsonError, JsonText, Located, without_half_characters
from halo_iac.sandbox.trace_files.problems import BadLine, UnreadableError

_STEP: Final = 256 * 1024
MOST_BARREN: Final = 256 * 1024 * 1024
"""A small archive may hold endless zeros, or a billion empty lines; a file without a span in so many bytes is left."""
_SURROGATE: Final = re.compile(rb"\\u[dD][89a-fA-F]")
_LINE: Final = 128
"""As many bytes a line counts for besides its own: to look at an empty one takes as long."""


class Bytes:
    """A file's bytes, and how many were read since one of them belonged to a span (``barren``)."""

    def __init__(self, stream: BufferedReader[Any]) -> None:
        self.stream = stream
        self.barren = 0

    def count(self, found: bytes) -> bytes:
        """Count some bytes in and return them; raise :class:`UnreadableError` where there were too many."""
        self.barren += len(found) + _LINE
        if self.barren > MOST_BARREN:
            most = f"{MOST_BARREN // 1024**2} MiB or {MOST_BARREN // _LINE // 10**6} million lines"
            raise UnreadableError(f"goes on for {most} without a span; the rest was not read")
        return found


def read_values(source: Bytes) -> Iterator[Located | BadLine]:
    """Yield the values of a file, and what of it is no JSON; :class:`UnreadableError` where it cannot be read on."""
    number, is_first, readline = 0, True, source.stream.readline
    while line := readline(WHOLE):
        number += 1
        source.count(line)
        try:
            if len(line) == WHOLE and not line.endswith(b"\n"):
                yield from _long_line(line, source, number)
            else:
                yield Located(number, *_value(line))
        except UnreadableError:
            raise
        except ValueError as error:
            if not line.strip():
                continue
            if is_first and _goes_on(line, error):
                yield from _document(line, source, number)
                return
            if "trailing characters" in str(error):  # values one after the other, or lines that end in CR alone
                yield from _long_line(line, source, number)
            else:
                yield BadLine(number, *_not_json(line, error))
        is_first = False


def _value(line: bytes) -> tuple[Any, bytes | None]:
    """Return the value of a line, and the line if that is how it is written."""
    try:
        return from_json(line, cache_strings="keys"), line
    except ValueError:
        if _SURROGATE.search(line):
            with suppress(ValueError, RecursionError):
                return without_half_characters(json.loads(line)), None
        raise


def _long_line(begin: bytes, source: Bytes, number: int) -> Iterator[Located | BadLine]:
    line = _Line(begin, source)
    try:
        yield from JsonText(line.more, number).values()
    except BrokenJsonError as broken:
        yield BadLine(number, broken.reason)
        while line.more():
            pass


class _Line:
    """A line that comes in pieces."""

    def __init__(self, begin: bytes, source: Bytes) -> None:
        self._next, self._source = begin, source

    def more(self) -> bytes:
        found = self._next
        is_last = not found or found.endswith(b"\n")
        self._next = b"" if is_last else self._source.count(self._source.stream.readline(_STEP))
        return found


def _document(begin: bytes, source: Bytes, number: int) -> Iterator[Located | BadLine]:
    """Yield what the file holds as one text; after a mistake nothing says where the next value would begin."""
    begins = [begin]
    text = JsonText(lambda: begins.pop() if begins else source.count(source.stream.read1(_STEP)), number)
    try:
        yield from text.values()
    except BrokenJsonError as broken:
        yield BadLine(broken.line, broken.reason, ends_file=True)


def _goes_on(line: bytes, error: ValueError) -> bool:
    """Say whether a line's JSON may go on on the next line; a string that does is a line that was cut off."""
    return line.endswith(b"\n") and "EOF while parsing" in str(error) and "parsing a string" not in str(error)


def _not_json(line: bytes, error: ValueError) -> tuple[str, bool]:
    """Return what is wrong with a line, and whether the file ends with it."""
    if not line.endswith(b"\n") and "EOF while parsing" in str(error):
        return "ends in the middle of a line; it was cut off", True
    try:
        line.decode()
    except UnicodeDecodeError:
        return "is not UTF-8", False
    if "recursion limit" in str(error):
        return "is nested too deeply", False
    return "is not valid JSON", False
