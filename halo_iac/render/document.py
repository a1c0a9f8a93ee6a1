"""Serialized JSON in which the content of strings can still be replaced.

Everything is ASCII, so any terminal can show it and no foreign character acts on one; ``##`` is escaped because a CI
runner obeys ``##[`` and ``##vso[`` wherever they stand in a line, and so is the colon of the words that fold a log (see
:mod:`halo_iac.text`). To what reads JSON an escape is the character itself.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from typing import Final

from halo_iac.text import Document

_STRING: Final = r'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_STRINGS: Final = re.compile(_STRING)
_FOLDS: Final = re.compile("(travis_(?:fold|time)|section_(?:start|end)):")

StringChange = Callable[[str], str]


def map_strings(document: str, change: StringChange) -> Document:
    """Return a document with ``change`` applied to all of its strings, also to names."""
    return Document(_STRINGS.sub(lambda found: _change_string(found[0], change), document))


def map_members(document: str, names: Iterable[str], change: StringChange) -> Document:
    """Return a document with ``change`` applied to the strings that are values of members with one of these names."""
    # A quote within a string has a backslash before it, so what matches is a whole name.
    members = rf'(?<!\\)("(?:{"|".join(names)})":\s*)({_STRING})'
    return Document(re.sub(members, lambda found: found[1] + _change_string(found[2], change), document))


def _change_string(written: str, change: StringChange) -> str:
    text = json.loads(written) if "\\" in written else written[1:-1]
    changed = change(text)
    return written if changed == text else escape_control(json.dumps(changed))


def escape_control(document: str) -> Document:
    """Return a finished document with escapes for ``##``, DEL and folding words, which only strings contain."""
    document = document.replace("##", "#\\u0023").replace("\x7f", "\\u007f")
    may_fold = "travis_" in document or "section_" in document
    return Document(_FOLDS.sub(r"\1\\u003a", document) if may_fold else document)
