"""Code locations in a span: in its attributes and stack traces, in the formats of common languages."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

_MAX_STACK_TRACE_LENGTH: Final = 100_000
"""How many characters of a stack trace are searched."""
_MAX_LINE_LENGTH: Final = 1_000
_FRAMES: Final = (
    re.compile(r'File "(?P<file>[^"]+)", line (?P<line>\d{1,9})(?:, in (?P<function>.{1,200}))?'),  # Python
    # JavaScript
    re.compile(r"at (?:(?:async )?(?P<function>[^\s()]+) )?\(?(?P<file>[^\s()]+):(?P<line>\d{1,9}):\d+\)?"),
    re.compile(r"at (?P<function>[\w$.<>/@]+)\((?P<file>[\w$]+\.\w{1,10}):(?P<line>\d{1,9})\)"),  # Java
    re.compile(r"at (?P<function>.{1,300}?) in (?P<file>.{1,500}):line (?P<line>\d{1,9})"),  # .NET
    re.compile(r"#\d+ (?P<file>[^\s()]+)\((?P<line>\d{1,9})\): (?P<function>[^\s()]+)?"),  # PHP
    # Go, Ruby, Rust
    re.compile(r"(?:from |at )?(?P<file>[^\s:]+\.(?:go|rb|rs)):(?P<line>\d{1,9})(?::in [`'](?P<function>[^'`]+))?"),
)
"""The forms of a line of a stack trace, from its first word on."""
_FILE: Final = ("code.file.path", "code.filepath")
_LINE: Final = ("code.line.number", "code.lineno")
_FUNCTION: Final = ("code.function.name", "code.function")
_LIBRARIES: Final = ("site-packages/", "dist-packages/", "node_modules/", "/lib/python", "<frozen", "node:")


class CodePlace(NamedTuple):
    """A line of a file, as the recorder of the span names it; ``is_library`` if it is not of the application."""

    file: str
    line: int | None
    function: str | None = None

    @property
    def is_library(self) -> bool:
        """Return whether it lies where libraries are installed."""
        return any(part in self.file for part in _LIBRARIES)


def code_places(attributes: Mapping[str, Any], stack_traces: Iterable[str], most: int) -> list[CodePlace]:
    """Return the places that a span names, those of the application first, the innermost of a stack trace first."""
    found: dict[CodePlace, None] = {}
    file = _first(attributes, _FILE)
    if file is not None:
        line = _first(attributes, _LINE) or ""
        found[CodePlace(file, int(line) if line.isdecimal() else None, _first(attributes, _FUNCTION))] = None
    for trace in stack_traces:
        found.update(dict.fromkeys(_frames(trace[:_MAX_STACK_TRACE_LENGTH])))
    return sorted(found, key=lambda place: place.is_library)[:most]


def _frames(trace: str) -> Iterator[CodePlace]:
    """Yield the frames of a stack trace, the innermost first; all of them are of one form."""
    lines = [line.strip() for line in trace.splitlines() if len(line) <= _MAX_LINE_LENGTH]
    for form in _FRAMES:
        matches = filter(None, map(form.match, lines))
        frames = [CodePlace(match["file"], int(match["line"]), match["function"]) for match in matches]
        if frames:
            yield from reversed(frames) if form is _FRAMES[0] else frames  # Python's most recent call comes last
            return


def _first(attributes: Mapping[str, Any], names: Iterable[str]) -> str | None:
    return next((str(attributes[name]) for name in names if attributes.get(name) not in {None, ""}), None)
