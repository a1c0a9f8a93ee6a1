"""Text put into text, and the proof that it changed what it was meant to change and nothing else."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from halo_iac.edit.outline import Form, Node
from halo_iac.load.parse import parse_text


class CannotEdit(Exception):  # noqa: N818 - says why a file is left as it is
    """An edit that cannot be made safely; ``reason`` says what of the file stands in its way."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Splice:
    """The characters from ``start`` to ``end`` give way to ``new``; an insertion where the two are equal."""

    start: int
    end: int
    new: str


def spliced(text: str, splices: Sequence[Splice], expected: dict[str, Any]) -> str:
    """Return the text with its splices made; raises :class:`CannotEdit` unless it then holds just what is expected.

    New lines end as the file's own do; the last line of the file is ended first if new ones follow it.
    """
    end_of_line = "\r\n" if "\r\n" in text else "\n"
    for splice in sorted(splices, key=lambda each: each.start, reverse=True):
        new = splice.new.replace("\n", end_of_line)
        if splice.start == len(text) and not text.endswith("\n"):
            new = end_of_line + new
        text = text[: splice.start] + new + text[splice.end :]
    document = parse_text(text, "")
    if document.problems or document.root != expected:
        raise CannotEdit("it is written in a way that this edit would change more of than it should")
    return text


def values(text: str) -> dict[str, Any]:
    """Return what a text that the loader accepts holds once its last line is ended, which a block of text can tell."""
    root = parse_text(text if text.endswith("\n") else f"{text}\n", "").root
    assert root is not None  # noqa: S101 - the loader has accepted it
    return root


def column(text: str, index: int) -> int:
    """Return how many characters stand before one in its line."""
    return index - (text.rfind("\n", 0, index) + 1)


def content_end(text: str, node: Node) -> int:
    """Return where what is written of a node ends: empty lines below a block of text only count if it keeps them."""
    while node.children and not node.is_flow:
        node = node.children[-1]
    if node.form is Form.BLOCK and not keeps_lines(text, node):
        return node.start + len(text[node.start : node.end].rstrip())
    return node.end


def keeps_lines(text: str, node: Node) -> bool:
    """Say whether a node ends with a block of text (``|+``) to which empty lines below it belong."""
    while node.children and not node.is_flow:
        node = node.children[-1]
    return node.form is Form.BLOCK and re.match(r"(?:&\S+[ \t]+)?[|>]\d?\+", text[node.start : node.end]) is not None


def next_line(text: str, index: int) -> int:
    """Return where the line behind that of a character begins; the end of the text where there is none.

    Only a comment may follow what ends before the character: anything else would be torn from it.
    """
    if text[index - 1 : index] == "\n":  # a block of text ends with its line
        return index
    end = text.find("\n", index)
    if not re.fullmatch(r"[ \t]*(?:[ \t]#.*)?\r?", text[index : len(text) if end < 0 else end]):
        raise CannotEdit("something else stands in the line that the new one would follow")
    return len(text) if end < 0 else end + 1
