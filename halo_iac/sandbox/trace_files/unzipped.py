"""Decompresses gzip as it is read; data before an error or a premature end is never lost."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import suppress
from io import BufferedReader, RawIOBase
from typing import TYPE_CHECKING, Any, Final

from halo_iac.sandbox.trace_files.problems import UnreadableError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_CHUNK_BYTES: Final = 64 * 1024
_WITH_HEADER: Final = 31


def _until_wrong(member: Any, packed: bytes) -> Iterator[bytes]:  # noqa: ANN401 - zlib's type has no name
    """Decompress byte by byte: zlib drops the bytes before an error, and those that the checksum covers."""
    with suppress(zlib.error):
        for place in range(len(packed)):
            yield member.decompress(packed[place : place + 1])


class Unzipped(RawIOBase):
    """The decompressed bytes of a gzip stream of one or more members; never reads more than requested.

    ``gzip.GzipFile`` loses the end of a truncated stream.
    """

    def __init__(self, packed: BufferedReader[Any]) -> None:
        self._packed = packed
        self._member = zlib.decompressobj(_WITH_HEADER)
        self._input = b""

    def readable(self) -> bool:
        """Return true."""
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
                found = b"".join(_until_wrong(before, self._input))
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
