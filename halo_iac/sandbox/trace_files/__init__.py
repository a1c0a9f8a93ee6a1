"""Files of traces as people have them: told apart by what they hold, and read as spans of HALO's format.

``read_spans`` is the way in. ``opening`` unpacks and names what holds no JSON; ``lines`` and ``json_text`` give its
JSON values in bounded memory; ``formats`` tells which format a value is in; ``single`` (HALO, OpenInference), ``otlp``
and ``langfuse`` make spans of it, and ``conventions`` adds what HALO calls the attributes of other conventions.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO, NamedTuple

from halo_iac.sandbox.trace_files.conventions import fill
from halo_iac.sandbox.trace_files.formats import elements, spans_of
from halo_iac.sandbox.trace_files.json_text import Located
from halo_iac.sandbox.trace_files.lines import Bytes, read_values
from halo_iac.sandbox.trace_files.opening import opened
from halo_iac.sandbox.trace_files.problems import BadLine, NotASpanError, UnreadableError
from halo_iac.sandbox.trace_files.single import is_exact

__all__ = ["BadLine", "FoundSpan", "read_spans"]


class FoundSpan(NamedTuple):
    """A span as HALO writes it."""

    line: int
    """The number of the line on which its value begins, from 1."""
    span: dict[str, Any]
    text: bytes | None
    """Its JSON, where the file has exactly this."""


def read_spans(file: BinaryIO) -> Iterator[FoundSpan | BadLine]:
    """Yield a file's spans, and what of the file is none, with the reason; the file may be packed with gzip."""
    line = 0
    try:
        source = Bytes(opened(file))
        for found in read_values(source):
            if isinstance(found, BadLine):
                line = found.number
                yield found
                continue
            line = found.line
            if is_exact(found.value):
                source.barren = 0
                has_more = fill(found.value)
                yield FoundSpan(line, found.value, None if has_more else found.text)
            else:
                yield from _spans_of(found, source)
    except UnreadableError as unreadable:
        yield BadLine(line, unreadable.reason, ends_file=True)


def _spans_of(located: Located, source: Bytes) -> Iterator[FoundSpan | BadLine]:
    for element in elements(located.value):
        try:
            for found in spans_of(element):
                if isinstance(found, NotASpanError):
                    yield BadLine(located.line, found.reason)
                else:
                    source.barren = 0
                    fill(found)
                    yield FoundSpan(located.line, found, None)
        except NotASpanError as bad:
            yield BadLine(located.line, bad.reason)
