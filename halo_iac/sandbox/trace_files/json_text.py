"""Reads JSON values one by one from a text that is too long to hold in memory.

The standard library's decoder parses the value at an offset and returns where it ends, as fast as ``json.loads``; if
the text ends first, it is called again with twice as much. A stream of values needs no more than that: no token events,
and no other library.
"""

from __future__ import annotations

import json
import re
from codecs import getincrementaldecoder
from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

from pydantic_core import from_json

from halo_iac.sandbox.trace_files.problems import NotASpanError

MAX_VALUE: Final = 32 * 1024 * 1024
"""The most characters of a value that has to be held whole: a span, or a trace with its observations."""
MAX_WHOLE_LENGTH: Final = 1024 * 1024
"""The most characters of a value that is parsed at once; a longer one is parsed element by element."""
LISTS: Final = frozenset({"resourceSpans", "resource_spans", "scopeSpans", "scope_spans", "spans", "data", "traces"})
"""Keys of lists whose elements are separate values: those of a long list are yielded one by one."""

TOO_LONG: Final = (
    f"holds one JSON value of more than {MAX_VALUE // 1024**2} MiB; "
    "write JSON lines instead: one span, trace or OTLP request on each line"
)
_CUT_OFF: Final = "ends in the middle of a value; it was cut off"
_NOT_UTF8: Final = "is not UTF-8"
_CHUNK_LENGTH: Final = 256 * 1024
_MAX_DEPTH: Final = 6
"""The deepest level of spans in a document; broken JSON is parsed again for each level, which takes time."""
_SPACE: Final = re.compile(r"[ \t\r\n]*")
_PARSE: Final = json.JSONDecoder().raw_decode
_SURROGATE: Final = re.compile(r"\\u[dD][89a-fA-F]")
_TAIL: Final = 16
"""The longest literal or escape: an error this close to the end may be due to a value that is cut off."""


def replace_lone_surrogates(found: Any) -> Any:  # noqa: ANN401 - any JSON
    """Return parsed JSON with U+FFFD for lone surrogates, which UTF-8 cannot encode.

    JavaScript writes them if it cuts a text within an emoji.
    """
    written = json.dumps(found, ensure_ascii=False)
    return from_json(written.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace"))


class BrokenJsonError(NotASpanError):
    """The text is not JSON from line ``line`` (from 1) on."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(reason)
        self.line = line


class Located(NamedTuple):
    """A value of a file."""

    line: int
    """The number of the line on which it begins, from 1."""
    value: Any
    text: bytes | None = None
    """The text of the line, if it contains only this value."""


class JsonText:
    """Reads consecutive JSON values; only the current one is held in memory.

    ``more`` returns the next bytes, empty at the end; ``line`` is the number of their first line. Errors raise
    :class:`BrokenJsonError`.
    """

    def __init__(self, more: Callable[[], bytes], line: int) -> None:
        self._more = more
        self._decode = getincrementaldecoder("utf-8")().decode
        self._text = ""
        self._at = 0
        self._has_ended = False
        self._dropped = 0
        self._line = line
        self._lines_until = 0

    def values(self) -> Iterator[Located]:
        """Yield the values; a long one in parts, as if each part were a separate value."""
        try:
            while self._peek():
                yield from self._parse_parts()
        except RecursionError:
            raise self._error("is nested too deeply") from None

    # Values ----------------------------------------------------------------------------------------------------------

    def _parse_parts(self, depth: int = 0) -> Iterator[Located]:
        opening, line = self._peek(), self._line_here()
        found = None
        try:
            found = self._parse(MAX_WHOLE_LENGTH)
        except BrokenJsonError as broken:
            if opening not in "[{" or broken.reason == _NOT_UTF8 or depth == _MAX_DEPTH:
                raise  # otherwise the values before the error are read first
        if found is not None:
            yield Located(line, found[0])
        elif opening == "[":
            for _ in self._elements():
                yield from self._parse_parts(depth + 1)
        elif opening == "{":
            yield from self._parse_object_parts(line, depth)
        else:
            raise self._error(TOO_LONG if len(self._text) - self._at >= MAX_WHOLE_LENGTH else "is not valid JSON")

    def _parse_object_parts(self, line: int, depth: int) -> Iterator[Located]:
        """Yield a long object in parts: its :data:`LISTS` element by element, each with the fields before them."""
        head: dict[str, Any] = {}
        has_parts, begin = False, self._offset()
        for key in self._keys():
            if key in LISTS and self._peek() == "[":
                has_parts = True
                for _ in self._elements():
                    for part in self._parse_parts(depth + 1):
                        yield Located(part.line, {**head, key: [part.value]})
            elif has_parts and key in {"resource", "scope"}:
                raise self._error(f"has {key} behind its spans; write it before them, or an OTLP request on each line")
            else:
                head[key] = self._parse_whole(self._offset() if has_parts else begin)
        if not has_parts:
            yield Located(line, head)

    def _parse_whole(self, begin: int) -> Any:  # noqa: ANN401 - any JSON
        """Return the current value of any length; raises an error :data:`MAX_VALUE` characters after ``begin``."""
        opening = self._peek()
        most = begin + MAX_VALUE - self._offset()
        if (found := self._parse(min(MAX_WHOLE_LENGTH, most))) is not None:
            return found[0]
        if opening == "[" and most > 0:
            return [self._parse_whole(begin) for _ in self._elements()]
        if opening == "{" and most > 0:
            return {key: self._parse_whole(begin) for key in self._keys()}
        if (found := self._parse(most)) is not None:
            return found[0]
        raise self._error(TOO_LONG)

    def _parse(self, most: int) -> tuple[Any] | None:
        """Parse the current value; ``None`` if it has more than ``most`` characters."""
        while True:
            found, end, mistake = None, len(self._text), None
            try:
                found, end = _PARSE(self._text, self._at)
            except json.JSONDecodeError as error:
                mistake = error
                if error.pos < len(self._text) - _TAIL and not error.msg.startswith("Unterminated string"):
                    raise self._error("is not valid JSON", error.pos) from None
            except ValueError:  # int() refuses numbers of thousands of digits
                raise self._error("holds a number that is too long") from None
            if mistake is None and (end < len(self._text) or self._has_ended):
                has_surrogates = _SURROGATE.search(self._text, self._at, end)
                self._at = end
                if end > MAX_WHOLE_LENGTH:
                    self._refill(0)  # do not hold so long a text while its value is stored
                return (replace_lone_surrogates(found) if has_surrogates else found,)
            if self._has_ended and mistake is not None:
                if mistake.pos >= len(self._text) or mistake.msg.startswith("Unterminated string"):
                    raise self._error(_CUT_OFF, len(self._text))
                raise self._error("is not valid JSON", mistake.pos)
            held = len(self._text) - self._at
            if held >= most:
                return None
            self._refill(min(max(2 * held, _CHUNK_LENGTH), most))

    # Lists and objects -----------------------------------------------------------------------------------------------

    def _elements(self) -> Iterator[None]:
        """Yield at the start of each element of the current list; the caller has to read it before the next."""
        self._expect("[")
        if self._peek() == "]":
            self._at += 1
            return
        yield
        while self._expect(",]") == ",":
            yield

    def _keys(self) -> Iterator[str]:
        """Yield each key of the current object, positioned at its value."""
        self._expect("{")
        if self._peek() == "}":
            self._at += 1
            return
        while True:
            if self._peek() != '"' or (found := self._parse(MAX_WHOLE_LENGTH)) is None:
                raise self._error("is not valid JSON")
            self._expect(":")
            yield found[0]
            if self._expect(",}") == "}":
                return

    def _expect(self, expected: str) -> str:
        found = self._peek()
        if not found:
            raise self._error(_CUT_OFF)
        if found not in expected:
            raise self._error("is not valid JSON")
        self._at += 1
        return found

    # The text --------------------------------------------------------------------------------------------------------

    def _peek(self) -> str:
        """Skip white space, and return the next character; empty at the end."""
        while True:
            self._at = _SPACE.match(self._text, self._at).end()  # type: ignore[union-attr]  # it matches anything
            if self._at < len(self._text):
                return self._text[self._at]
            if self._has_ended:
                return ""
            self._refill(_CHUNK_LENGTH)

    def _refill(self, most: int) -> None:
        """Drop the text that was read, and hold at least ``most`` characters after it, if there are as many."""
        self._line_here()
        self._dropped += self._at
        parts = [self._text[self._at :]]
        held = len(parts[0])
        self._text, self._at, self._lines_until = "", 0, 0
        while held < most and not self._has_ended:
            found = self._more()
            self._has_ended = not found
            try:
                parts.append(self._decode(found, final=self._has_ended))
            except UnicodeDecodeError:
                raise self._error(_NOT_UTF8) from None
            held += len(parts[-1])
        self._text = "".join(parts)

    def _offset(self) -> int:
        """Return how many characters were read."""
        return self._dropped + self._at

    def _line_here(self) -> int:
        self._line += self._text.count("\n", self._lines_until, self._at)
        self._lines_until = self._at
        return self._line

    def _error(self, reason: str, at: int | None = None) -> BrokenJsonError:
        """Return an error at the current position, or at a later one in the text that is held."""
        ahead = 0 if at is None else self._text.count("\n", self._at, at)
        return BrokenJsonError(self._line_here() + ahead, reason)
