"""Opens a trace file: detects text, gzip and formats without JSON by the first bytes, and decompresses gzip."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from contextlib import suppress
from io import BufferedReader, RawIOBase
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from halo_iac.sandbox.trace_files.problems import UnreadableError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_GZIP: Final = b"\x1f\x8b"
_BOM: Final = b"\xef\xbb\xbf"
_HEAD_BYTES: Final = 512
_CHUNK_BYTES: Final = 64 * 1024
_WITH_HEADER: Final = 31
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


def open_text(file: BinaryIO) -> BufferedReader[Any]:
    """Return a file's text as bytes, decompressed if it is gzip; raises :class:`UnreadableError` if it has no JSON."""
    stream: BufferedReader[Any] = file if isinstance(file, BufferedReader) else BufferedReader(file)
    if stream.peek(_HEAD_BYTES).startswith(_GZIP):
        stream = BufferedReader(GzipStream(stream), _CHUNK_BYTES)
        if stream.peek(_HEAD_BYTES).startswith(_GZIP):
            raise UnreadableError("is gzip within gzip; unpack it once")
    head = stream.peek(_HEAD_BYTES)[:_HEAD_BYTES]
    if head.startswith(_BOM):
        stream.read(len(_BOM))
    else:
        _reject_other_formats(head)
    return stream


def _reject_other_formats(head: bytes) -> None:
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


class GzipStream(RawIOBase):
    """The decompressed bytes of a gzip stream of one or more members; never reads more than requested.

    ``gzip.GzipFile`` loses the end of a truncated stream.
    """

    def __init__(self, packed: BufferedReader[Any]) -> None:
        self._packed = packed
        self._member = zlib.decompressobj(_WITH_HEADER)
        self._input = b""

    def readable(self) -> bool:
        """Return true, as ``BufferedReader`` asks."""
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Read into a buffer and return the number of bytes; raises :class:`UnreadableError` for a truncated stream."""
        view = memoryview(buffer).cast("B")
        try:
            found = self._read(len(view))
        except zlib.error:
            raise UnreadableError("is damaged: from here on it is no gzip stream") from None
        view[: len(found)] = found
        return len(found)

    def _read(self, most: int) -> bytes:
        while True:
            if self._member.eof and not self._starts_next():
                return b""
            if not self._input:
                self._input = self._packed.read1(_CHUNK_BYTES)
                if not self._input:
                    raise UnreadableError("ends in the middle of the gzip stream; it was cut off")
            before = self._member.copy()
            try:
                found = self._member.decompress(self._input, most)
            except zlib.error:
                found = b"".join(_decompress_bytewise(before, self._input))
                if not found:
                    raise
                return found
            self._input = self._member.unconsumed_tail
            if found:
                return found

    def _starts_next(self) -> bool:
        """Start the next member, after the zero padding of some writers; return whether there is one."""
        self._input = self._member.unused_data.lstrip(b"\0")
        while not self._input:
            found = self._packed.read1(_CHUNK_BYTES)
            if not found:
                return False
            self._input = found.lstrip(b"\0")
        self._member = zlib.decompressobj(_WITH_HEADER)
        return True


def _decompress_bytewise(member: Any, packed: bytes) -> Iterator[bytes]:  # noqa: ANN401 - zlib's type has no name
    """Yield the bytes before an error: zlib would drop those that it decompressed in the same call."""
    with suppress(zlib.error):
        for at in range(len(packed)):
            yield member.decompress(packed[at : at + 1])
