"""Prompts in plans: the first lines of a new one, a line diff of a changed one (docs/cli.md#formats).

A paragraph written as one long line, which is how folded YAML arrives, is compared sentence by sentence: a diff of
whole paragraphs says only that something changed.
"""

import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from typing import Final, NamedTuple

from halo_iac.render.style import Style
from halo_iac.text import counted

CONTEXT_LINES: Final = 2
EXCERPT_LINES: Final = 8
MAX_DIFF_LINES: Final = 80
"""How many lines of a diff are shown; ``--json`` holds both texts whole."""
MAX_COMPARED_LINES: Final = 1_000
"""How many lines on either side are compared; line diffs take quadratic time."""

NOTE: Final = "…"
"""The sign of a line that replaces others."""

_LONG_LINE_LENGTH: Final = 160
_SENTENCE_END: Final = re.compile(r"(?<=[.!?;:])(?= )")
_CONTINUED: Final = "\n"
"""Marks a piece that continues the line before it; no line contains this character."""


class PromptLine(NamedTuple):
    """One line of a prompt or of a difference: a sign (``-``, ``+``, a space or :data:`NOTE`) and escaped text."""

    sign: str
    words: str


def excerpt(prompt: str, style: Style) -> list[PromptLine]:
    """Return the first lines of a prompt, the rest counted."""
    pieces = _split_prompt(prompt)
    lines = [_line(" ", piece, style) for piece in pieces[:EXCERPT_LINES]]
    if len(pieces) > EXCERPT_LINES:
        lines.append(PromptLine(NOTE, counted(len(pieces) - EXCERPT_LINES, "more line")))
    return lines


def prompt_diff(before: str, after: str, style: Style) -> list[PromptLine]:
    """Return the changed lines with a little context."""
    lines = list(_diff_lines(_split_prompt(before), _split_prompt(after), style))
    if len(lines) <= MAX_DIFF_LINES:
        return lines
    rest = counted(len(lines) - MAX_DIFF_LINES, "more line")
    return [*lines[:MAX_DIFF_LINES], PromptLine(NOTE, f"{rest} of difference; --json has them all")]


def _diff_lines(before: Sequence[str], after: Sequence[str], style: Style) -> Iterator[PromptLine]:
    start, end = _equal_ends(before, after)
    old, new = before[start : len(before) - end], after[start : len(after) - end]
    if max(len(old), len(new)) > MAX_COMPARED_LINES:
        yield PromptLine(NOTE, f"{counted(len(old), 'line')} replaced by {len(new):,}, too many to compare")
        return
    for index, group in enumerate(SequenceMatcher(None, old, new).get_grouped_opcodes(CONTEXT_LINES)):
        if index or start or group[0][1]:
            yield PromptLine(NOTE, "")
        for tag, old_from, old_to, new_from, new_to in group:
            if tag == "equal":
                yield from (_line(" ", piece, style) for piece in old[old_from:old_to])
                continue
            yield from (_line("-", piece, style) for piece in old[old_from:old_to])
            yield from (_line("+", piece, style) for piece in new[new_from:new_to])


def _equal_ends(before: Sequence[str], after: Sequence[str]) -> tuple[int, int]:
    """Return how many lines at the start and at the end are equal, but for the context that is shown of them."""
    most = min(len(before), len(after))
    start = next((index for index in range(most) if before[index] != after[index]), most)
    end = next((index for index in range(most - start) if before[-1 - index] != after[-1 - index]), most - start)
    return max(start - CONTEXT_LINES, 0), max(end - CONTEXT_LINES, 0)


def _split_prompt(prompt: str) -> list[str]:
    return [piece for line in prompt.split("\n") for piece in _sentences(line)]


def _sentences(line: str) -> list[str]:
    if len(line) <= _LONG_LINE_LENGTH:
        return [line]
    first, *others = (
        sentence[start : start + _LONG_LINE_LENGTH]
        for sentence in _SENTENCE_END.split(line)
        for start in range(0, max(len(sentence), 1), _LONG_LINE_LENGTH)
    )
    return [first, *(_CONTINUED + piece for piece in others)]


def _line(sign: str, piece: str, style: Style) -> PromptLine:
    is_continued = piece.startswith(_CONTINUED)
    words = f"{style.displayable('…')}{style.safe(piece[1:])}" if is_continued else style.safe(piece)
    kept = words.rstrip(" ")
    # Trailing spaces are shown, so that no two lines of a diff look the same.
    return PromptLine(sign, kept + ("·" if style.unicode else "\\x20") * (len(words) - len(kept)))
