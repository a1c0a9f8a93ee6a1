"""Yields the JSON values of a file; its first line decides between JSON Lines and documents of many lines."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from io import BufferedReader
from typing import Any, Final

from pydantic_core import from_json

from halo_iac.sandbox.trace_files.json_text import (
    MAX_WHOLE_LENGTH,
    BrokenJsonError,
    JsonText,
    Located,
    replace_lone_surrogates,
)
from halo_iac.sandbox.trace_files.problems import BadLine, UnreadableError

_CHUNK_BYTES: Final = 256 * 1024
MAX_BYTES_WITHOUT_SPAN: Final = 256 * 1024 * 1024
"""The most bytes without a span: a small archive may decompress to endless zeros, or to a billion empty lines."""
_SURROGATE: Final = re.compile(rb"\\u[dD][89a-fA-F]")
_BYTES_PER_LINE: Final = 128
"""Bytes added for each line: processing an empty line takes as long as processing these."""


class ByteSource:
    """Counts a file's bytes since the last span (``bytes_without_span``)."""

    def __init__(self, stream: BufferedReader[Any]) -> None:
        self.stream = stream
        self.bytes_without_span = 0

    def count(self, found: bytes) -> bytes:
        """Count some bytes and return them; raises :class:`UnreadableError` if there are too many without a span."""
        self.bytes_without_span += len(found) + _BYTES_PER_LINE
        if self.bytes_without_span > MAX_BYTES_WITHOUT_SPAN:
            mebibytes, lines = MAX_BYTES_WITHOUT_SPAN // 1024**2, MAX_BYTES_WITHOUT_SPAN // _BYTES_PER_LINE
            most = f"{mebibytes} MiB or {lines // 10**6} million lines"
            raise UnreadableError(f"goes on for {most} without a span; the rest was not read")
        return found


def read_values(source: ByteSource) -> Iterator[Located | BadLine]:
    """Yield the values of a file, and a :class:`BadLine` for text that is not JSON.

    Raises :class:`UnreadableError` if the rest cannot be read.
    """
    number, is_first, readline = 0, True, source.stream.readline
    while line := readline(MAX_WHOLE_LENGTH):
        number += 1
        source.count(line)
        try:
            if len(line) == MAX_WHOLE_LENGTH and not line.endswith(b"\n"):
                yield from _read_long_line(line, source, number)
            else:
                yield Located(number, *_parse_line(line))
        except UnreadableError:
            raise
        except ValueError as error:
            if not line.strip():
                continue
            if is_first and _may_continue(line, error):
                yield from _read_document(line, source, number)
                return
            if "trailing characters" in str(error):  # consecutive values, or lines that end in CR
                yield from _read_long_line(line, source, number)
            else:
                yield BadLine(number, *_describe_problem(line, error))
        is_first = False


def _parse_line(line: bytes) -> tuple[Any, bytes | None]:
    """Return the value of a line, with the line if it is written exactly like it."""
    try:
        return from_json(line, cache_strings="keys"), line
    except ValueError:
        if _SURROGATE.search(line):
            with suppress(ValueError, RecursionError):
                return replace_lone_surrogates(json.loads(line)), None
        raise


def _read_long_line(begin: bytes, source: ByteSource, number: int) -> Iterator[Located | BadLine]:
    line = _Line(begin, source)
    try:
        yield from JsonText(line.more, number).values()
    except BrokenJsonError as broken:
        yield BadLine(number, broken.reason)
        while line.more():
            pass


class _Line:
    """A line that arrives in pieces."""

    def __init__(self, begin: bytes, source: ByteSource) -> None:
        self._next, self._source = begin, source

    def more(self) -> bytes:
        found = self._next
        is_last = not found or found.endswith(b"\n")
        self._next = b"" if is_last else self._source.count(self._source.stream.readline(_CHUNK_BYTES))
        return found


def _read_document(begin: bytes, source: ByteSource, number: int) -> Iterator[Located | BadLine]:
    """Yield the values of a file that is one text; nothing can be read after the first error."""
    begins = [begin]
    text = JsonText(lambda: begins.pop() if begins else source.count(source.stream.read1(_CHUNK_BYTES)), number)
    try:
        yield from text.values()
    except BrokenJsonError as broken:
        yield BadLine(broken.line, broken.reason, ends_file=True)


def _may_continue(line: bytes, error: ValueError) -> bool:
    """Return whether a line's JSON may continue on the next line; an open string means a truncated line."""
    return line.endswith(b"\n") and "EOF while parsing" in str(error) and "parsing a string" not in str(error)


def _describe_problem(line: bytes, error: ValueError) -> tuple[str, bool]:
    """Return the problem of a line, and whether the file ends with it."""
    if not line.endswith(b"\n") and "EOF while parsing" in str(error):
        return "ends in the middle of a line; it was cut off", True
    try:
        line.decode()
    except UnicodeDecodeError:
        return "is not UTF-8", False
    if "recursion limit" in str(error):
        return "is nested too deeply", False
    return "is not valid JSON", False
