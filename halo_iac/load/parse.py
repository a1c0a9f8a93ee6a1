"""A project file's bytes → :class:`~halo_iac.load.document.Document`, whatever they hold.

Built from the parser's event stream rather than with a loader, for three reasons: a loader drops the marks, lets
through what a project file must not hold, and takes five times as long (performance.md, Where the time goes).
"""

from __future__ import annotations

import re
from codecs import BOM_UTF8
from typing import Final

from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import ScalarEvent
from ruamel.yaml.parser import ParserError

from halo_iac.load.build import Builder, Complaint, Event, Take
from halo_iac.load.document import Document

try:
    from _ruamel_yaml import CParser  # type: ignore[import-not-found]  # a C extension without stubs
except ImportError:  # ruamel.yaml 0.19 no longer brings its C parser, and PyPy has none
    CParser = None

_MARKER: Final = r"(?m)^(?:<{7}|\|{7}|={7}|>{7})(?:[ \r]|$)"
"""A line of a merge conflict; ``=======`` may well be text, but no block of text is at the start of a line."""

_CERTAIN_MARKER: Final = r"(?m)^(?:<{7}|>{7}) "
"""One that nobody writes on purpose at the start of a line, so that it is one even where the YAML is valid."""

_UNPRINTABLE: Final = "[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"
"""A pattern that takes 3 ms to compile; only a file with a control character in it does."""

_BEYOND_UNICODE: Final = r"\\U(?!000|0010)[0-9A-Fa-f]{8}"
_NO_CHARACTER: Final = "not valid YAML: found invalid Unicode character escape code"
"""In libyaml's words."""

_INDENTATION: Final = "check the indentation of this line and of the one above"

_BYTE_ORDER_MARKS: Final = (b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")


def parser_name() -> str:
    """Say which parser reads the events: ``C`` or ``pure Python``."""
    return "pure Python" if CParser is None else "C"


def parse(data: bytes, path: str) -> Document:
    """Return a file's values and places; what is wrong with its YAML is among its problems."""
    if data.startswith(_BYTE_ORDER_MARKS):
        document = Document(path)
        document.complain_of_whole("UTF-16 or UTF-32, not UTF-8", "save it as UTF-8")
        return document
    data = data.removeprefix(BOM_UTF8)
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        before = data[: error.start].decode()
        document = Document(path, before)
        document.complain_at(len(before), "not valid UTF-8", "save it as UTF-8")
        return document
    if "\0" in text:
        document = Document(path, text)
        document.complain_at(text.index("\0"), "a NUL byte", "is it a binary file, or UTF-16?")
        return document
    return parse_text(text, path)


def parse_text(text: str, path: str, *, pure: bool = CParser is None) -> Document:
    """Return the same for text, read by the pure Python parser if asked to or if there is no other."""
    document = Document(path, text)
    complaints: list[Complaint] = []
    try:
        builder = Builder(document, events(text, pure=pure))
        complaints = builder.complaints
        document.root = builder.root()
        conflict = _conflict(text, _CERTAIN_MARKER) if "<<<<<<< " in text or ">>>>>>> " in text else None
        if conflict is not None:
            complaints.append(conflict)
    except Complaint as complaint:
        complaints.append(_conflict_or(complaint, text))
    except YAMLError as error:
        complaints.append(_conflict_or(_syntax(error, text), text))
    for found in complaints:
        where = "" if found.first is None else f" in line {document.line_and_column(found.first)[0]}"
        document.complain_at(found.index, found.message + where, found.hint)
    return document


def events(text: str, *, pure: bool = CParser is None) -> Take:
    """Return what gives a text's events one after the other, marks in characters; errors are the parser's own."""
    if pure:
        return _pure_events(text)
    take: Take = CParser(text).get_event
    return take


def _pure_events(text: str) -> Take:
    from ruamel.yaml import YAML  # noqa: PLC0415 - only where the C parser is missing

    take: Take = YAML(typ="safe", pure=True).parse(text).__next__

    def checked() -> Event:
        """Return the next event, refusing escapes that the C parser refuses: half a surrogate pair cannot be sent."""
        try:
            event = take()
        except (ValueError, OverflowError) as error:  # from chr()
            found = re.search(_BEYOND_UNICODE, text)
            raise Complaint(found.start() if found else 0, _NO_CHARACTER) from error
        if event.__class__ is ScalarEvent and re.search("[\ud800-\udfff]", event.value):
            raise Complaint(event.start_mark.index, _NO_CHARACTER)
        return event

    return checked


def _conflict_or(complaint: Complaint, text: str) -> Complaint:
    """Return what a file cannot be read beyond: a merge conflict, if one stands before what is complained of."""
    conflict = _conflict(text, _MARKER)
    return conflict if conflict is not None and conflict.index <= complaint.index else complaint


def _conflict(text: str, pattern: str) -> Complaint | None:
    """Return a complaint of the first line that a merge has left; within brackets or quotes, YAML takes it for text."""
    marker = re.search(pattern, text)
    if marker is None:
        return None
    hint = "resolve the conflict, and remove its markers"
    return Complaint(marker.start(), "this line is a merge conflict marker", hint)


def _syntax(error: YAMLError, text: str) -> Complaint:
    """Word a parser's complaint; tabs are looked for in the text, since every parser words them differently."""
    mark = getattr(error, "problem_mark", None)
    if not isinstance(error, MarkedYAMLError) or mark is None:
        found = re.search(_UNPRINTABLE, text)
        return Complaint(found.start() if found else 0, "a control character", "write it as an escape in double quotes")
    index = min(mark.index, len(text))
    line = text[text.rfind("\n", 0, index) + 1 :]
    if "\t" in line[: len(line) - len(line.lstrip(" \t"))] or text[index : index + 1] == "\t":
        return Complaint(index, "a tab is no indentation in YAML", "use spaces")
    problem = _without_content(str(error.problem))
    return Complaint(index, f"not valid YAML: {problem}{_begun(error, mark.line)}", _hint(error, text, index))


def _hint(error: MarkedYAMLError, text: str, index: int) -> str | None:
    """Guess what was meant, from what stands before a parser's complaint in its line."""
    before = text[text.rfind("\n", 0, index) + 1 : index]
    is_colon = text[index : index + 1] == ":"
    if is_colon and len(before.split()) > 1:  # a key and the start of its value, or text
        return "put a value with a colon in it in quotes"
    start = error.context_mark
    if start is not None and text.startswith(("[", "{"), start.index):  # in there, indentation means nothing
        return None
    begins_line = start is not None and isinstance(error, ParserError) and not before.strip()
    return _INDENTATION if is_colon or begins_line else None


def _begun(error: MarkedYAMLError, line: int) -> str:
    """Say where what a parser did not find the end of begins, if that is another line."""
    mark = error.context_mark
    return f", {error.context} from line {mark.line + 1}" if mark is not None and mark.line != line else ""


def _without_content(message: str) -> str:
    """Drop what a parser quotes from a file that was not understood (design §10), but keep punctuation."""
    return re.sub(r"(['\"])(.*?)\1", lambda quoted: quoted[0] if len(quoted[2]) < 2 else "…", message)
