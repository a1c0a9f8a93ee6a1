"""The characters that nobody can see: one table for all that refuses, shows or replaces them.

See docs/semantics.md#titles and docs/security.md#untrusted-text.

A table of our own rather than the interpreter's, so that each version of Python judges a title alike.
"""

from __future__ import annotations

from typing import Final

INVISIBLE_RANGES: Final = (
    (0x0000, 0x001F),
    (0x007F, 0x009F),
    (0x00AD, 0x00AD),
    (0x034F, 0x034F),
    (0x0600, 0x0605),
    (0x061C, 0x061C),
    (0x06DD, 0x06DD),
    (0x070F, 0x070F),
    (0x0890, 0x0891),
    (0x08E2, 0x08E2),
    (0x115F, 0x1160),
    (0x17B4, 0x17B5),
    (0x180B, 0x180F),
    (0x200B, 0x200F),
    (0x2028, 0x202E),
    (0x2060, 0x2064),
    (0x2066, 0x206F),
    (0x3164, 0x3164),
    (0xD800, 0xDFFF),
    (0xFEFF, 0xFEFF),
    (0xFFA0, 0xFFA0),
    (0xFFF9, 0xFFFB),
    (0x110BD, 0x110BD),
    (0x110CD, 0x110CD),
    (0x13430, 0x1343F),
    (0x1BCA0, 0x1BCA3),
    (0x1D173, 0x1D17A),
    (0xE0001, 0xE0001),
    (0xE0020, 0xE007F),
)
"""First and last code point of each range: control, format and line-break characters, halves of surrogate pairs, and
letters and marks of no width. Variation selectors are not among them: they are part of many an emoji."""

SURROGATES: Final = (0xD800, 0xDFFF)

_INVISIBLE: Final = frozenset(chr(code) for first, last in INVISIBLE_RANGES for code in range(first, last + 1))


def is_invisible(character: str) -> bool:
    """Say whether a character is a control, format, line-break or zero-width one."""
    return character in _INVISIBLE


def has_invisible(text: str) -> bool:
    """Say whether there is such a character in a text."""
    return not _INVISIBLE.isdisjoint(text)
