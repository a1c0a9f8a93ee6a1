"""Guesses the mistake in a file that is not valid YAML, and its position (docs/semantics.md#problems).

A parser reports where it could not continue, often lines below the mistake: at the next quote or key. So the lines up
to that position are searched for common omissions: quotes, colons and the indentation of a block.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from halo_iac.load.suggestions.keys import ENTRY_KEYS, PROJECT_KEYS
from halo_iac.load.yaml_document import Diagnostic
from halo_iac.text import quote

_KNOWN: Final = ENTRY_KEYS | PROJECT_KEYS
_SHOWN: Final = _KNOWN - {"prompt"}
"""Keys whose line a hint may quote, corrected; no other line is quoted from a file that cannot be parsed."""

_LISTS: Final = frozenset({"include", "protect"})
"""Keys of lists, whose values are not quoted as single values."""

_WITH_COLONS: Final = frozenset({"title", "renamed_from"})
"""Keys whose text may contain a colon; in other values a second colon may start a key."""

_MAX_QUOTED_LENGTH: Final = 60
"""The longest value, in characters, that a hint quotes."""

_LINE: Final = re.compile(
    r"(?P<indent>[ \t]*(?:-[ \t]+)*)"
    r"(?:(?P<key>[A-Za-z_][\w.-]*|\"[^\"]*\"|'[^']*')[ \t]*:(?:[ \t]+|$))?"
    r"(?P<value>.*)"
)
_COMMENT: Final = re.compile(r"[ \t]#")
_BLOCK: Final = re.compile(r"(?:[&!]\S+[ \t]+)*[|>][-+0-9]*")
_QUOTED: Final = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^']|'')*'")
_OPENING: Final = re.compile(r"(?:^|[\[{,]|[:-](?=[ \t]))[ \t]*(?P<quote>[\"'])|(?:^|[ \t])#")
_CLOSING: Final = {'"': re.compile(r"(?:[^\"\\]|\\.)*?\""), "'": re.compile(r"(?:[^']|'')*?'(?!')")}
_AFTER_QUOTE: Final = re.compile(r"[ \t]*(?:[,:\]}]|$)")
_IN_BRACKETS: Final = re.compile(r"[\[{]+[^\[\]{}\"']*[\]}]+[ \t]*[^\s#,\[\]{}]")
_WITHOUT_COLON: Final = re.compile(r"([A-Za-z_]+)(?::|[ \t]*=[ \t]*|[ \t]+)(\S.*)")

_ESCAPES: Final = {
    '"': 'write `\\"` for a quote within the text, or put the text in single quotes',
    "'": "write `''` for a quote within the text, or put the text in double quotes",
}


class Line(NamedTuple):
    """A line that is not a comment or part of a block scalar; ``indent`` counts the dashes of lists.

    Offsets: ``start`` of the line, ``begin`` of its content, ``value_index`` of its value.
    """

    start: int
    begin: int
    indent: int
    key: str | None
    value: str
    value_index: int

    @property
    def is_block_header(self) -> bool:
        """Return whether a text is expected on the lines below: after ``prompt: |``, and after ``prompt:`` alone."""
        return self.key is not None and (not self.value or _BLOCK.fullmatch(self.value) is not None)


def find_mistake(text: str, index: int, begin: int | None) -> Diagnostic | None:
    """Return the likely mistake, if it is clear; the parser stopped at ``index``, its token began at ``begin``.

    ``begin`` is set for a token that has to be a key because of its position; ``None`` if there is none.
    """
    lines = list(_lines(text, max(index, begin or 0)))
    quotes = _unclosed_quote(text, index)
    if quotes is not None or not lines:
        return quotes
    at = next((line for line in reversed(lines) if line.start <= (index if begin is None else begin)), lines[-1])
    last = lines[-1]
    found = _special_character(text, index, last) or _misread_value(index, last) or _colon_in_value(text, index, last)
    return found or _without_colon(lines, at, is_token=begin is not None)


def suggest_colon(line: str) -> str | None:
    """Return how a key and its value are written; ``None`` if the line does not begin with a known key."""
    found = _WITHOUT_COLON.fullmatch(line.strip())
    if found is None or found[1] not in _KNOWN:
        return None
    return _quoted_line_hint(found[1], found[2]) or f"put a colon and a space after {quote(found[1])}"


def _quoted_line_hint(key: str | None, value: str) -> str | None:
    """Return the hint that quotes a line, if it may be quoted."""
    if key in _LISTS and value[:1] in _CLOSING:
        value = f"[{value}]"
    is_shown = key in _SHOWN and len(value) <= _MAX_QUOTED_LENGTH and value.isprintable()
    return f"write `{key}: {value}`" if is_shown else None


# Lines --------------------------------------------------------------------------------------------------------------


def _lines(text: str, end: int) -> Iterator[Line]:
    """Yield the structural lines up to the one that contains an offset."""
    start = 0
    header: Line | None = None
    content: int | None = None
    while start <= min(end, len(text)):
        stop = text.find("\n", start)
        raw = text[start : len(text) if stop < 0 else stop].rstrip("\r")
        indent = len(raw) - len(raw.lstrip(" "))
        is_blank = not raw.strip()
        if header is not None and content is None and not is_blank:
            content = indent if indent > header.indent else -1
        is_content = header is not None and content not in {None, -1} and indent >= (content or 0)
        if not is_blank and not is_content and not raw.lstrip().startswith("#"):
            line = _line(raw, start)
            yield line
            header, content = (line, None) if line.key and _BLOCK.fullmatch(line.value) else (None, None)
        start += len(raw) + (2 if text.startswith("\r\n", start + len(raw)) else 1)


def _line(raw: str, start: int) -> Line:
    found = _LINE.fullmatch(raw)
    if found is None:  # a control character, which ends a line for `.`
        return Line(start, start, 0, None, raw, start)
    key = found["key"].strip("\"'") if found["key"] else None
    begin = start + len(raw) - len(raw.lstrip())
    comment = _COMMENT.search(raw, found.start("value") - 1 if key else 0)
    value = raw[found.start("value") : None if comment is None else comment.start()].rstrip(" \t")
    return Line(start, begin, len(found["indent"]), key, value, start + found.start("value"))


# Mistakes -----------------------------------------------------------------------------------------------------------


def _unclosed_quote(text: str, index: int) -> Diagnostic | None:
    """Return the first open quote before an offset that is only closed by a quote on a later line."""
    done = 0
    for line in _lines(text, index):
        if line.start < done:
            continue
        end = text.find("\n", line.start)
        raw = text[line.start : len(text) if end < 0 else end]
        column = next((start for start, end in _quotes(raw) if end is None), None)
        if column is None:
            continue
        mark = raw[column]
        closing = _CLOSING[mark].match(text, line.start + column + 1)
        done = len(text) if closing is None else closing.end()
        swallowed = text[line.start + len(raw) + 1 : done]
        is_swallowed = closing is None or any(
            each.key is not None and each.indent <= line.indent for each in _lines(swallowed, len(swallowed))
        )
        if is_swallowed and line.start + column <= index:
            return _unclosed(line.start + column, mark)
    return None


def _unclosed(index: int, mark: str) -> Diagnostic:
    return Diagnostic(index, "unclosed quote", f"add `{mark}` at the end of the value")


def _quotes(line: str) -> Iterator[tuple[int, int | None]]:
    """Yield the start and end of each quoted value of a line; the last one may not end on this line."""
    end = 0
    while (found := _OPENING.search(line, end)) and found["quote"]:
        start = found.start("quote")
        whole = _QUOTED.match(line, start)
        yield start, None if whole is None else whole.end()
        if whole is None:
            return
        end = whole.end()


def _special_character(text: str, index: int, line: Line) -> Diagnostic | None:
    """Return the value at an offset that begins with a character special to YAML: ``*/15``, ``@daily``."""
    if text.startswith("${", index - 1) and line.value[:1] in {"[", "{"}:
        return Diagnostic(index - 1, "a variable within brackets needs quotes", "put it in quotes")
    start = index
    if text[index : index + 1] not in {"@", "`", "%"}:
        while start > line.start and re.match(r"[\w/-]", text[start - 1]):
            start -= 1
        start -= 1
        if start < line.start or text[start] not in "*&" or text[start - 1 : start] not in {" ", "[", "{", ",", "\t"}:
            return None
    return _quotes_needed(text[start], start, line)


def _misread_value(index: int, line: Line) -> Diagnostic | None:
    """Return the mistake in the value of the line where the parser stopped, if its beginning shows it."""
    value, first = line.value, line.value[:1]
    if first in _CLOSING:
        whole = _QUOTED.match(value)
        is_followed = whole is not None and value[whole.end() :].strip() not in {"", ":"}
        return Diagnostic(index, "text follows the closing quote", _ESCAPES[first]) if is_followed else None
    if first in {"|", ">"} and _BLOCK.fullmatch(value) is None:
        if line.key == "prompt":
            hint = f"begin the text on the line below `prompt: {first}`, indented"
            return Diagnostic(line.value_index, f"text follows {quote(first)} on its line", hint)
        return _quotes_needed(first, line.value_index, line)
    for start, end in _quotes(value) if first in {"[", "{"} else ():
        if _AFTER_QUOTE.match(value, end or len(value)) is None:
            return _unclosed(line.value_index + start, value[start])
    is_special = line.key is not None and re.match(r"[-?](?:[ \t]|$)|[\],}]", value) is not None
    return _quotes_needed(first, line.value_index, line) if is_special or _IN_BRACKETS.match(value) else None


def _colon_in_value(text: str, index: int, line: Line) -> Diagnostic | None:
    """Return a title or similar text with a second colon: ``title: Daily: checkout``."""
    is_colon = (
        text[index : index + 1] == ":"
        and index > line.value_index
        and line.key in _WITH_COLONS
        and line.value[:1].isalnum()
    )
    shown = _quoted_line_hint(line.key, f'"{line.value}"') if is_colon and not re.search(r'["\\]', line.value) else None
    return Diagnostic(index, "a value with a colon in it needs quotes", shown) if shown else None


def _quotes_needed(first: str, index: int, line: Line) -> Diagnostic:
    value = line.value
    quoted = next((f"{mark}{value}{mark}" for mark in "\"'" if mark not in value and "\\" not in value), None)
    shown = _quoted_line_hint(line.key, quoted) if quoted is not None and index == line.value_index else None
    name = "`` ` ``" if first == "`" else quote(first)
    return Diagnostic(index, f"a value that begins with {name} needs quotes", shown or "put the value in quotes")


def _without_colon(lines: list[Line], at: Line, *, is_token: bool) -> Diagnostic | None:
    """Return the line, at or above a position, that lacks its colon or belongs to the text above it."""
    position = lines.index(at)
    if at.key is not None:  # the parser stopped at its colon: does the line above lack one?
        position -= 1
        while position > 0 and lines[position - 1].key is None and lines[position - 1].indent == at.indent:
            position -= 1
        if position < 0 or lines[position].key is not None or lines[position].indent != at.indent:
            return None
    line = lines[position]
    header, meant = _header_above(lines, position), suggest_colon(line.value)
    is_key_like = re.match(r"[A-Za-z_]+[ \t]*[:=]", line.value) is not None  # `agent:checkout`, `agent = checkout`
    if header is not None and (meant is None or not is_key_like):
        name = header.key or ""
        hint = f"indent every line of the text below `{name}: {header.value[:1] or '|'}`"
        hint += f"; for a key, {meant}" if meant else ""
        return Diagnostic(line.begin, f"the text of {quote(name)} is not indented", hint)
    if (at.key is None and not is_token) or line.value[:1] in {"-", "?", "[", "{", '"', "'"}:
        return None
    if line.value.startswith(("//", "/*", "--")):
        return Diagnostic(line.value_index, "expected `key: value`", "begin a comment with `#`")
    hint = meant or "put a colon and a space between a key and its value"
    return Diagnostic(line.value_index, "expected `key: value`", hint)


def _header_above(lines: list[Line], position: int) -> Line | None:
    """Return the key above a line that its text belongs to; other lines of the text may look like keys."""
    indent = lines[position].indent
    for line in reversed(lines[:position]):
        if line.is_block_header:
            return line if line.value or line.indent >= indent else None
        if line.key in _KNOWN or line.indent < indent:
            return None
    return None
