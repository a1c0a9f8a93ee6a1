"""Decodes the bytes of a file that halo reads as text, and finds the first byte that is not UTF-8."""

from __future__ import annotations

from codecs import BOM_UTF8
from typing import Final

_OTHER_BYTE_ORDER_MARKS: Final = (b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")
_HINT: Final = "save it as UTF-8"


class NotText(Exception):  # noqa: N818 - the caller makes it an error or a problem of its own
    """Bytes that are not text in UTF-8; ``before`` is the text up to the first wrong byte."""

    def __init__(self, before: str, reason: str, hint: str = _HINT) -> None:
        super().__init__(reason)
        self.before = before
        self.reason = reason
        self.hint = hint

    @property
    def position(self) -> str:
        """Return ``LINE:COLUMN`` of the first wrong byte, each from 1; the column counts characters."""
        lines = self.before.split("\n")
        return f"{len(lines)}:{len(lines[-1]) + 1}"


def decode_text(data: bytes) -> str:
    """Return a file's text without a byte order mark; raises :class:`NotText`."""
    if data.startswith(_OTHER_BYTE_ORDER_MARKS):
        raise NotText("", "the file is UTF-16 or UTF-32, not UTF-8")
    data = data.removeprefix(BOM_UTF8)
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise NotText(data[: error.start].decode(), "not valid UTF-8") from None
    before, nul, _ = text.partition("\0")
    if nul:
        raise NotText(before, "the file contains a NUL byte", f"{_HINT} text")
    return text
