"""Detects from a file's first bytes whether it is text, gzipped text, or a format without JSON."""

from __future__ import annotations

import re
from io import BufferedReader
from typing import Any, BinaryIO, Final

from halo_iac.sandbox.trace_files.problems import UnreadableError
from halo_iac.sandbox.trace_files.unzipped import Unzipped

_GZIP: Final = b"\x1f\x8b"
_BOM: Final = b"\xef\xbb\xbf"
_HEAD: Final = 512
_UNPACKED: Final = 64 * 1024
"""Bytes that are decompressed at once."""
_UNPACK: Final = "unpack it first"
_JSON: Final = "export JSON or JSON lines instead"
_OTHERS: Final = (
    (b"PK\x03\x04", "a zip archive", _UNPACK),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd", _UNPACK),
    (b"BZh", "compressed with bzip2", _UNPACK),
    (b"\xfd7zXZ\x00", "compressed with xz", _UNPACK),
    (b"PAR1", "Parquet", _JSON),
    (b"ARROW1", "Arrow", _JSON),
    (b"SQLite format 3\x00", "an SQLite database", _JSON),
    (b"\xff\xfe", "UTF-16 text", "save it as UTF-8"),
    (b"\xfe\xff", "UTF-16 text", "save it as UTF-8"),
    (b"<", "HTML or XML", _JSON),
)
_OTLP: Final = re.compile(rb"(?:\x00...)?\n[\x80-\xff]{0,4}[\x00-\x7f]\n", re.DOTALL)
"""A length, as written by the collector's file exporter, then resource_spans, the first field, and its resource."""
_BINARY: Final = re.compile(rb"[\x00-\x08\x0e-\x1f]")
_CSV: Final = re.compile(rb'"?[\w.]+"?(?:[,;\t]"?[\w.]+"?){2,}\s*\n')


def opened(file: BinaryIO) -> BufferedReader[Any]:
    """Return a file's text as bytes, decompressed if it is gzip; raises :class:`UnreadableError` if it has no JSON."""
    stream: BufferedReader[Any] = file if isinstance(file, BufferedReader) else BufferedReader(file)
    if stream.peek(_HEAD).startswith(_GZIP):
        stream = BufferedReader(Unzipped(stream), _UNPACKED)
        if stream.peek(_HEAD).startswith(_GZIP):
            raise UnreadableError("is gzip within gzip; unpack it once")
    head = stream.peek(_HEAD)[:_HEAD]
    if head.startswith(_BOM):
        stream.read(len(_BOM))
    else:
        _check(head)
    return stream


def _check(head: bytes) -> None:
    for begin, what, then in _OTHERS:
        if head.startswith(begin):
            raise UnreadableError(f"is {what}; {then}")
    if _BINARY.search(head):
        is_otlp = _OTLP.match(head) is not None
        what = "OTLP as protobuf" if is_otlp else "binary"
        then = "export OTLP as JSON instead" if is_otlp else "give it JSON or JSON lines"
        raise UnreadableError(f"is {what}, not text; {then}")
    if _CSV.match(head):
        raise UnreadableError(f"is CSV; {_JSON}")
