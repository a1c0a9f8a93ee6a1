"""Parses a project file's bytes into a :class:`~halo_iac.load.yaml_document.Document`; never raises for bad content.

Built on the parser's event stream rather than a loader, for three reasons: a loader drops the marks, accepts what a
project file must not contain, and takes five times as long (docs/performance.md#parsing).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import islice
from typing import Final

from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.parser import ParserError

from halo_iac.load.encoding import NotText, decode_text
from halo_iac.load.limits import MAX_COLLECTED
from halo_iac.load.yaml_builder import Builder
from halo_iac.load.yaml_document import Diagnostic, Document
from halo_iac.load.yaml_events import IS_PURE, OTHER_VERSION, read_events

_CONFLICT_MARKER: Final = r"(?m)^(?:<{7}|\|{7}|={7}|>{7})(?:[ \r]|$)"
"""A line of a merge conflict; ``=======`` may be text, but block scalars are indented."""

_CERTAIN_MARKER: Final = r"(?m)^(?:<{7}|>{7}) "
"""A marker that is never legitimate at the start of a line, so that it is reported even in valid YAML."""

_UNPRINTABLE: Final = "[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"
"""Compiled on use, which takes 3 ms: only a file with a control character needs it."""

_LINE_ENDS: Final = {
    "\x85": "U+0085 (next line)",
    "\u2028": "U+2028 (line separator)",
    "\u2029": "U+2029 (paragraph separator)",
    "\ufeff": "U+FEFF (byte order mark)",
    "\r": "a carriage return without a line feed",
}
"""Characters that end a line for some YAML parsers but not for git, editors and YAML 1.2, or the reverse.

A byte order mark is skipped at the start of a line.
"""

_LINE_END: Final = "[\x85\u2028\u2029\ufeff]|\r(?!\n|\\Z)"

_INDENTATION: Final = "check the indentation of this line and of the one above"

_BRACKETS: Final = {"[": "]", "{": "}"}


def parse(data: bytes, path: str) -> Document:
    """Return a file's values and positions; YAML errors are among its problems."""
    try:
        return parse_text(decode_text(data), path)
    except NotText as error:
        document = Document(path, error.before)
        document.add_problem_at(len(error.before), error.reason, error.hint)
        return document


def parse_text(text: str, path: str, *, pure: bool = IS_PURE) -> Document:
    """Return the document of a text, read by the pure Python parser if ``pure`` or if there is no other."""
    document = Document(path, text)
    diagnostics = _ambiguous_line_ends(text)
    if diagnostics:
        return _with_problems(document, diagnostics)
    try:
        builder = Builder(document, read_events(text, pure=pure))
        diagnostics = builder.diagnostics
        document.root = builder.root()
        conflict = _merge_conflict(text, _CERTAIN_MARKER) if "<<<<<<< " in text or ">>>>>>> " in text else None
        if conflict is not None:
            diagnostics.append(conflict)
    except Diagnostic as diagnostic:
        diagnostics.append(_earlier_conflict(diagnostic, text))
    except YAMLError as error:
        end = _earlier_conflict(_syntax_diagnostic(error, text), text)
        diagnostics[:] = [*(found for found in diagnostics if found.index < end.index), end]  # follow-up errors
    return _with_problems(document, diagnostics)


def _with_problems(document: Document, diagnostics: Iterable[Diagnostic]) -> Document:
    for found in diagnostics:
        where = "" if found.first is None else f": already used in line {document.line_and_column(found.first)[0]}"
        document.add_problem_at(found.index, found.message + where, found.hint)
    return document


def _ambiguous_line_ends(text: str) -> list[Diagnostic]:
    """Return a diagnostic for each ambiguous line end: it could turn a comment into configuration."""
    if not any(character in text for character in _LINE_ENDS):
        return []
    found = islice(re.finditer(_LINE_END, text), MAX_COLLECTED)
    return [Diagnostic(each.start(), *_line_end(each[0])) for each in found]


_DISAGREE: Final = "YAML parsers, editors and git disagree on whether it ends a line"


def _line_end(character: str) -> tuple[str, str]:
    name = _LINE_ENDS[character]
    if character == "\r":
        return (
            f"{name}: it ends the line for YAML, but not for git and most editors",
            "end lines with LF, or with CR and LF",
        )
    why = "it cannot be seen, and some YAML parsers drop it" if character == "\ufeff" else _DISAGREE
    message = f"{name}: {why}"
    return message, f'delete it, or write it in double quotes as "\\u{ord(character):04x}"'


def _earlier_conflict(diagnostic: Diagnostic, text: str) -> Diagnostic:
    """Return a merge conflict that precedes the diagnostic, else the diagnostic."""
    conflict = _merge_conflict(text, _CONFLICT_MARKER)
    return conflict if conflict is not None and conflict.index <= diagnostic.index else diagnostic


def _merge_conflict(text: str, pattern: str) -> Diagnostic | None:
    """Return a diagnostic of the first line left by a merge; inside brackets or quotes YAML reads it as text."""
    marker = re.search(pattern, text)
    if marker is None:
        return None
    hint = "resolve the conflict, and remove its markers"
    return Diagnostic(marker.start(), "this line is a merge conflict marker", hint)


def _syntax_diagnostic(error: YAMLError, text: str) -> Diagnostic:
    """Return a parser's error in halo's words; tabs are searched in the text, because parsers word them differently."""
    mark = getattr(error, "problem_mark", None)
    if not isinstance(error, MarkedYAMLError) or mark is None:
        found = re.search(_UNPRINTABLE, text)
        return Diagnostic(
            found.start() if found else 0,
            "the file contains a control character",
            "write it as an escape in double quotes",
        )
    index = min(mark.index, len(text))
    line = text[text.rfind("\n", 0, index) + 1 :]
    if "\t" in line[: len(line) - len(line.lstrip(" \t"))] or text[index : index + 1] == "\t":
        return Diagnostic(index, "use spaces: YAML does not allow tabs for indentation")
    if str(error.problem).startswith("found incompatible YAML document"):
        return Diagnostic(index, *OTHER_VERSION)
    return (
        _known_mistake(error, text, index)
        or _unclosed_bracket(error, text, index)
        or Diagnostic(
            index,
            f"not valid YAML: {_redact_quotations(str(error.problem))}{_describe_context(error, mark.line)}",
            _hint(error, text, index),
        )
    )


def _known_mistake(error: MarkedYAMLError, text: str, index: int) -> Diagnostic | None:
    from halo_iac.load.suggestions.form import detect_other_format
    from halo_iac.load.suggestions.yaml_syntax import find_mistake

    other = detect_other_format(text)
    if other is not None:
        return Diagnostic(0, *other)
    is_key = error.context_mark is not None and "simple key" in str(error.context)
    return find_mistake(text, index, error.context_mark.index if is_key else None)


def _unclosed_bracket(error: MarkedYAMLError, text: str, index: int) -> Diagnostic | None:
    """Return the bracket that is still open at the end of the file or at a less indented line."""
    mark = error.context_mark
    bracket = "" if mark is None else text[mark.index : mark.index + 1]
    if mark is None or bracket not in _BRACKETS:
        return None
    first, last = (text[text.rfind("\n", 0, place) + 1 :] for place in (mark.index, index))
    is_within = len(last) - len(last.lstrip(" ")) > len(first) - len(first.lstrip(" ")) and index < len(text.rstrip())
    if is_within or len(first) == len(last):
        return None
    return Diagnostic(mark.index, f"unclosed `{bracket}`", f"add `{_BRACKETS[bracket]}` at the end of the value")


def _hint(error: MarkedYAMLError, text: str, index: int) -> str | None:
    """Guess the mistake from the text before the error in its line."""
    before = text[text.rfind("\n", 0, index) + 1 : index]
    if "escape character" in str(error.problem):
        return "write `\\\\` for a backslash, or put the text in single quotes"
    start = error.context_mark
    is_colon = text[index : index + 1] == ":"
    if is_colon and (len(before.split()) > 1 or "unexpected" in str(error.problem)):  # a key and its value, or text
        is_between = start is not None and text.startswith("{", start.index)
        comma = "put a comma between a value and the next key, or a value with a colon in it in quotes"
        return comma if is_between else "put a value with a colon in it in quotes"
    if text[index : index + 1] == "?" and before.strip():
        return "put a value with a question mark in it in quotes"
    if start is not None and text.startswith(("[", "{"), start.index):  # indentation has no meaning inside brackets
        return None
    begins_line = start is not None and isinstance(error, ParserError) and not before.strip()
    return _INDENTATION if is_colon or begins_line else None


def _describe_context(error: MarkedYAMLError, line: int) -> str:
    """Return where the construct begins whose end a parser did not find, if that is on another line."""
    mark = error.context_mark
    return f", {error.context} from line {mark.line + 1}" if mark is not None and mark.line != line else ""


def _redact_quotations(message: str) -> str:
    """Remove what a parser's message quotes from an unreadable file, but keep punctuation.

    See docs/security.md#bounds-of-files.
    """
    return re.sub(r"(['\"])(.*?)\1", lambda quoted: quoted[0] if len(quoted[2]) < 2 else "…", message)
