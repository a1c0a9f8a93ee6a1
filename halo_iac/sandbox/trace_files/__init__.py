"""Reads spans from trace files in several formats, which are detected from the content.

``read_spans`` is the entry point. ``opening`` decompresses files and refuses those without JSON; ``lines`` and
``json_text`` yield the JSON values in bounded memory; ``formats`` detects the format of a value; ``single`` (HALO,
OpenInference), ``otlp`` and ``langfuse`` convert it to spans, and ``conventions`` adds HALO's names for attributes of
other conventions.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO, NamedTuple

from halo_iac.sandbox.trace_files.conventions import add_halo_names
from halo_iac.sandbox.trace_files.formats import convert_spans, list_elements
from halo_iac.sandbox.trace_files.json_text import Located
from halo_iac.sandbox.trace_files.lines import ByteSource, read_values
from halo_iac.sandbox.trace_files.opening import open_text
from halo_iac.sandbox.trace_files.problems import BadLine, NotASpanError, UnreadableError
from halo_iac.sandbox.trace_files.single import is_exact

__all__ = ["BadLine", "FoundSpan", "read_spans"]


class FoundSpan(NamedTuple):
    """A span in HALO's format."""

    line: int
    """The number of the line on which its value begins, from 1."""
    span: dict[str, Any]
    text: bytes | None
    """Its JSON, if the file contains exactly this text."""


def read_spans(file: BinaryIO) -> Iterator[FoundSpan | BadLine]:
    """Yield the spans of a file, which may be gzipped, and a :class:`BadLine` for everything else."""
    line = 0
    try:
        source = ByteSource(open_text(file))
        for found in read_values(source):
            if isinstance(found, BadLine):
                line = found.number
                yield found
                continue
            line = found.line
            if is_exact(found.value):
                source.bytes_without_span = 0
                has_more = add_halo_names(found.value)
                yield FoundSpan(line, found.value, None if has_more else found.text)
            else:
                yield from _convert(found, source)
    except UnreadableError as unreadable:
        yield BadLine(line, unreadable.reason, ends_file=True)


def _convert(located: Located, source: ByteSource) -> Iterator[FoundSpan | BadLine]:
    for element in list_elements(located.value):
        try:
            for found in convert_spans(element):
                if isinstance(found, NotASpanError):
                    yield BadLine(located.line, found.reason)
                else:
                    source.bytes_without_span = 0
                    add_halo_names(found)
                    yield FoundSpan(located.line, found, None)
        except NotASpanError as bad:
            yield BadLine(located.line, bad.reason)
