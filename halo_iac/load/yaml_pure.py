"""The pure Python parser, adapted to accept exactly what libyaml accepts."""

from __future__ import annotations

import re
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.error import StringMark
from ruamel.yaml.scanner import Scanner, ScannerError

from halo_iac.load.yaml_builder import NextEvent

_NAME: Final = re.compile("[A-Za-z0-9_-]*")
_AFTER_NAME: Final = frozenset(" \t\r\n\0?:,]}%@`")
_BLANKS: Final = re.compile("[ \t]*")
_HEADER: Final = re.compile("(?:[+-][1-9]?|[1-9][+-]?)?")
_REST_OF_HEADER: Final = re.compile("[ \t]*(?:#[^\r\n\0]*)?")
_CHOMPING: Final = {"+": True, "-": False}
_NOT_IN_FLOW: Final = re.compile("[:?]")
"""What ends a plain scalar inside brackets and is then an error; newer YAML versions accept it as text."""

Untyped = Any
"""A token, a mark or a class of ruamel.yaml, which has no types for them."""


def pure_python_events(text: str) -> NextEvent:
    """Return a function that returns a text's next event on each call."""
    yaml = YAML(typ="safe", pure=True)
    yaml.Scanner = _Scanner
    next_event: NextEvent = yaml.parse(text).__next__
    return next_event


class _Scanner(Scanner):
    """ruamel.yaml's scanner with libyaml's rules for tabs, anchors, blocks, ends, and scalars in brackets."""

    _ended = -1
    """The number of tokens at the latest end of a document."""

    def fetch_document_end(self) -> None:
        if self._ended == self.tokens_taken + len(self.tokens):
            self.reader.forward(3)  # it has already ended
            return
        super().fetch_document_end()
        self._ended = self.tokens_taken + len(self.tokens)

    def scan_directive(self) -> Untyped:
        token = super().scan_directive()
        if token.name not in {"YAML", "TAG"}:
            self._fail("found unknown directive name", token.start_mark.index)
        return token

    def scan_to_next_token(self) -> None:
        super().scan_to_next_token()
        while not self.flow_level and not self.allow_simple_key and self.reader.peek() == "\t":
            self.reader.forward()
            super().scan_to_next_token()

    def scan_anchor(self, TokenClass: Untyped) -> Untyped:  # noqa: N803 - the overridden method's signature
        start = self.reader.get_mark()
        self.reader.forward()
        name = self._match_and_skip(_NAME)
        if not name or self.reader.peek() not in _AFTER_NAME:
            self._fail("did not find expected alphabetic or numeric character")
        return TokenClass(name, start, self.reader.get_mark())

    # Blocks of text

    def scan_block_scalar_indicators(self, _: Untyped) -> tuple[bool | None, int | None]:
        head = self._match_and_skip(_HEADER)
        digit = head.strip("+-")
        return _CHOMPING.get(head.strip(digit)), int(digit) if digit else None

    def scan_block_scalar_ignored_line(self, _: Untyped) -> None:
        self._match_and_skip(_REST_OF_HEADER)
        if self.reader.peek() not in "\r\n\0":
            self._fail("did not find expected comment or line break")
        self.scan_line_break()

    def scan_block_scalar_indentation(self) -> tuple[list[str], int, Untyped]:
        lines, deepest, end = [], 0, self.reader.get_mark()
        while self.reader.peek() in " \r\n":
            if self.reader.peek() == " ":
                self.reader.forward()
                deepest = max(deepest, self.reader.column)
            else:
                lines.append(self.scan_line_break())
                end = self.reader.get_mark()
        self._refuse_tab()
        return lines, deepest, end

    def scan_block_scalar_breaks(self, indent: int) -> Untyped:
        found = super().scan_block_scalar_breaks(indent)
        if self.reader.column < indent:
            self._refuse_tab()
        return found

    # Plain scalars

    def scan_plain(self) -> Untyped:
        token = super().scan_plain()
        odd = _NOT_IN_FLOW.search(token.value) if self.flow_level else None
        if odd is not None:
            index = self.reader.buffer.index(odd[0], token.start_mark.index)
            self._fail("found unexpected ':'" if odd[0] == ":" else "did not find expected ',' or ']'", index)
        return token

    def scan_plain_spaces(self, indent: int, _: Untyped) -> list[str]:
        blanks = self._match_and_skip(_BLANKS)
        if self.reader.peek() not in "\r\n":
            return [blanks] if blanks else []
        self.scan_line_break()
        self.allow_simple_key = True
        breaks = []
        while not (self.check_document_start() or self.check_document_end()):
            if self.reader.peek() in " \t":
                if self.reader.column < indent:
                    self._refuse_tab()
                self.reader.forward()
            elif self.reader.peek() in "\r\n":
                breaks.append(self.scan_line_break())
            else:
                return breaks or [" "]
        return []

    def _match_and_skip(self, pattern: re.Pattern[str]) -> str:
        """Return the match of a pattern at the current position, and move past it."""
        found = pattern.match(self.reader.buffer, self.reader.pointer)
        text = found[0] if found else ""
        self.reader.forward(len(text))
        return text

    def _refuse_tab(self) -> None:
        if self.reader.peek() == "\t":
            self._fail("found a tab character where an indentation space is expected")

    def _fail(self, message: str, index: int | None = None) -> None:
        mark = self.reader.get_mark()
        at = mark if index is None else StringMark(mark.name, index, mark.line, mark.column, None, None)
        raise ScannerError(None, None, message, at)
