"""Parses YAML into events that are equal for both parsers: a file must mean the same on every machine.

The C parser, libyaml, is ten times faster; ruamel.yaml ships it for some interpreters only. libyaml cannot be extended,
so the pure parser is made as strict (:mod:`halo_iac.load.yaml_pure`); surrogate pairs are decoded here for both.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from ruamel.yaml.error import YAMLError
from ruamel.yaml.events import ScalarEvent, StreamEndEvent

from halo_iac.load.yaml_builder import Event, NextEvent
from halo_iac.load.yaml_document import Diagnostic

try:
    from _ruamel_yaml import CParser  # type: ignore[import-not-found]  # a C extension without stubs
except ImportError:  # ruamel.yaml 0.19 no longer brings its C parser, and PyPy has none
    CParser = None

IS_PURE: Final = CParser is None
"""Whether the pure Python parser is the only one available."""

NO_CHARACTER: Final = "not valid YAML: found invalid Unicode character escape code"
"""libyaml's message for a character that YAML does not allow."""

OTHER_VERSION: Final = ("unsupported YAML version: expected 1.2", "remove the %YAML line")
"""Message and hint for a directive of another YAML version."""

_SURROGATE_ESCAPES: Final = ("\\ud", "\\uD")
_ESCAPE: Final = r"(?s)\\(?:u([dD][89abAB][\da-fA-F]{2})\\u([dD][c-fC-F][\da-fA-F]{2})|u[dD][89a-fA-F][\da-fA-F]{2}|.)"
"""An escape in double quotes: a surrogate pair, half of one, or any other."""


def parser_name() -> str:
    """Return the name of the parser in use: ``C`` or ``pure Python``."""
    return "pure Python" if IS_PURE else "C"


def read_events(text: str, *, pure: bool = IS_PURE) -> NextEvent:
    """Return a function that returns a text's next event on each call, with marks in characters.

    Raises the parser's own errors, or a :class:`~halo_iac.load.yaml_document.Diagnostic`, as it reaches them.
    """
    if _has_surrogates(text):
        return _with_surrogate_pairs(text, pure=pure)
    return _plain_events(text, pure=pure)


def _plain_events(text: str, *, pure: bool) -> NextEvent:
    if pure:
        from halo_iac.load.yaml_pure import pure_python_events

        return _with_diagnostics(pure_python_events(text), text)
    next_event: NextEvent = CParser(text).get_event
    return next_event


def _with_diagnostics(next_event: NextEvent, text: str) -> NextEvent:
    """Wrap an event source so that unexpected exceptions of the pure parser become diagnostics."""

    def checked() -> Event:
        try:
            return next_event()
        except (ValueError, OverflowError) as error:  # from chr()
            raise _diagnostic(r"\\U(?!000|0010)[0-9A-Fa-f]{8}", text, NO_CHARACTER) from error
        except AssertionError as error:  # of an unknown YAML version
            raise _diagnostic("(?m)^%YAML", text, *OTHER_VERSION) from error

    return checked


def _diagnostic(pattern: str, text: str, message: str, hint: str | None = None) -> Diagnostic:
    found = re.search(pattern, text)
    return Diagnostic(found.start() if found else 0, message, hint)


# Pairs of surrogates ------------------------------------------------------------------------------------------------


def _with_surrogate_pairs(text: str, *, pure: bool) -> NextEvent:
    """Return the events of a text with escaped surrogates: in double quotes, a pair is one character.

    JSON writes them so, and libyaml refuses each half. So the double-quoted scalars are located with all such escapes
    masked by others of the same length, and decoded separately; the parser then reads a text that is masked in these
    scalars only.
    """
    values: dict[int, str] = {}
    pieces, done = [], 0
    try:
        for start, end in _double_quoted(_mask_surrogates(text), pure=pure):
            if _has_surrogates(text[start:end]):
                values[start] = _double_quoted_value(text[start:end], start, pure=pure)
                pieces += [text[done:start], _mask_surrogates(text[start:end])]
                done = end
    except YAMLError:
        return _plain_events(_mask_surrogates(text), pure=pure)  # repeats the same error
    next_event = _plain_events("".join([*pieces, text[done:]]), pure=pure)

    def joined() -> Event:
        event = next_event()
        if event.__class__ is ScalarEvent and event.start_mark.index in values and event.style == '"':
            event.value = values[event.start_mark.index]
        return event

    return joined


def _has_surrogates(text: str) -> bool:
    return any(half in text for half in _SURROGATE_ESCAPES)


def _double_quoted(text: str, *, pure: bool) -> Iterator[tuple[int, int]]:
    """Yield the start and end of each double-quoted scalar, its anchor included."""
    next_event = _plain_events(text, pure=pure)
    while (event := next_event()).__class__ is not StreamEndEvent:
        if event.__class__ is ScalarEvent and event.style == '"':
            yield event.start_mark.index, event.end_mark.index


def _mask_surrogates(text: str) -> str:
    return re.sub(_ESCAPE, lambda found: "\\u0041" * (len(found[0]) // 6) or found[0], text)


def _double_quoted_value(text: str, index: int, *, pure: bool) -> str:
    """Return the value of a double-quoted scalar, after its anchor if it has one."""
    start = text.index('"')

    def decode_escape(found: re.Match[str]) -> str:
        if found[1] is None and len(found[0]) > 2:
            raise Diagnostic(index + start + found.start(), NO_CHARACTER)
        return found[0] if found[1] is None else f"\\U{_code_point(int(found[1], 16), int(found[2], 16)):08x}"

    next_event = _plain_events(re.sub(_ESCAPE, decode_escape, text[start:]), pure=pure)
    next_event()
    next_event()
    value: str = next_event().value
    return value


def _code_point(high: int, low: int) -> int:
    return 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00)
