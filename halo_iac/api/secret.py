"""Keys and tokens, which must never be shown (docs/security.md#keys)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Final

MASK: Final = "***"

_BACKSLASH: Final = r"\\|&#92;(?:<wbr>)?"
_WORD: Final = re.compile("[A-Za-z0-9]+")
_ELLIPSES: Final = ("…", "...", r"\u2026")
_SHOWN_LENGTH: Final = 8
"""Characters of a truncated key that may be shown: every key begins with the same ones."""
_SANDBOX_WORD: Final = "sandbox"
_MAX_ESCAPE_LENGTH: Final = len("&quot;")


SANDBOX_KEY_PREFIX: Final = "sk-inference-sandbox-"
"""The beginning of the keys of sandboxes, each of which has its own."""


class Secret:
    """A key or token; shows as ``***`` wherever it is printed, formatted, logged or compared by a test runner."""

    __slots__ = ("_compiled_beginning", "_text", "_word")

    def __init__(self, text: str) -> None:
        self._text = text
        self._compiled_beginning: re.Pattern[str] | None = None
        self._word = max(_WORD.findall(text), key=len, default="")

    def reveal(self) -> str:
        """Return the key itself, only for the Authorization header."""
        return self._text

    def hide_in(self, text: str) -> str:
        """Return the text with every occurrence of the key replaced, escaped ones and truncated ones included."""
        # No format escapes a letter or digit, so this test is enough for most texts, even of many megabytes.
        if self._text and self._word in text:
            text = re.sub("".join(_patterns(self._text)), MASK, text)
        return self._hide_beginnings(text) if len(self._text) > _SHOWN_LENGTH else text

    def _hide_beginnings(self, text: str) -> str:
        """Replace truncated keys, searching only before each ellipsis: the pattern is too slow for a whole text."""
        parts, done = [], 0
        for end in sorted(end for sign in _ELLIPSES for end in _find_all(sign, text)):
            found = self._beginning_pattern().search(text, max(done, end - len(self._text) * _MAX_ESCAPE_LENGTH), end)
            if found is not None:
                parts += [text[done : found.start()], MASK]
                done = end
        return "".join([*parts, text[done:]])

    def _beginning_pattern(self) -> re.Pattern[str]:
        if self._compiled_beginning is None:
            patterns = _patterns(self._text)
            optional = "".join(f"(?:{pattern}" for pattern in patterns[_SHOWN_LENGTH:]) + ")?" * len(
                patterns[_SHOWN_LENGTH:]
            )
            self._compiled_beginning = re.compile("".join(patterns[:_SHOWN_LENGTH]) + optional + r"\Z")
        return self._compiled_beginning

    def __repr__(self) -> str:
        return MASK

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._text == other.reveal()

    def __hash__(self) -> int:
        return hash(self._text)


def hide_sandbox_keys(text: str) -> str:
    """Return the text with the keys of all sandboxes replaced."""
    return _sandbox_keys().sub(MASK, text) if _SANDBOX_WORD in text else text


@cache
def _sandbox_keys() -> re.Pattern[str]:
    return re.compile("".join(_patterns(SANDBOX_KEY_PREFIX)) + "[0-9a-f]{32}")


def _find_all(sign: str, text: str) -> Iterator[int]:
    at = text.find(sign)
    while at >= 0:
        yield at
        at = text.find(sign, at + len(sign))


def _patterns(text: str) -> list[str]:
    """Return the patterns of a text's characters, backslashes in a row as one: each quoting makes more of them."""
    return list(map(_encoding_pattern, re.findall(r"\\+|.", text, re.DOTALL)))


def _encoding_pattern(part: str) -> str:
    """Return the pattern of a character, or of backslashes, as JSON, YAML, HTML, URLs, shells or we escape it.

    In HTML, a place where a line may be broken may follow.
    """
    if _WORD.match(part):
        return part
    code = ord(part[0])
    if part[0] == "\\":
        return rf"(?:(?:{_BACKSLASH})++(?:u{code:04x})?|(?i:%{code:02X}))+"
    # Between single quotes, YAML doubles one, and a command to be pasted has it in double quotes.
    quoted = rf"'(?:{_BACKSLASH})*\"'(?:{_BACKSLASH})*\"'|''|" if part == "'" else ""
    return rf"(?:{_BACKSLASH})*+(?:u{code:04x}|(?i:%{code:02X})|&#?\w+;(?:<wbr>)?|{quoted}{re.escape(part)})"
