"""YAML text → events, the same ones from either parser: what a file means must not depend on the machine.

The C parser, which is ten times faster, is libyaml; ruamel.yaml brings it for some interpreters only. What libyaml
does not understand cannot be taught to it, so the pure one is made as strict (:mod:`halo_iac.load.yaml_pure`); pairs of
surrogates are put together here, for both.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from ruamel.yaml.error import YAMLError
from ruamel.yaml.events import ScalarEvent, StreamEndEvent

from halo_iac.load.yaml_builder import Event, Take
from halo_iac.load.yaml_document import Diagnostic

try:
    from _ruamel_yaml import CParser  # type: ignore[import-not-found]  # a C extension without stubs
except ImportError:  # ruamel.yaml 0.19 no longer brings its C parser, and PyPy has none
    CParser = None

IS_PURE: Final = CParser is None
"""Whether there is no parser but the pure one."""

NO_CHARACTER: Final = "not valid YAML: found invalid Unicode character escape code"
"""In libyaml's words."""

OTHER_VERSION: Final = ("unsupported YAML version: expected 1.2", "remove the %YAML line")
"""Message and hint for a directive that names another version."""

_HALVES: Final = ("\\ud", "\\uD")
_ESCAPE: Final = r"(?s)\\(?:u([dD][89abAB][\da-fA-F]{2})\\u([dD][c-fC-F][\da-fA-F]{2})|u[dD][89a-fA-F][\da-fA-F]{2}|.)"
"""An escape in double quotes: a pair of surrogates, half of one, or any other."""


def parser_name() -> str:
    """Say which parser reads the events: ``C`` or ``pure Python``."""
    return "pure Python" if IS_PURE else "C"


def events(text: str, *, pure: bool = IS_PURE) -> Take:
    """Return what gives a text's events one after the other, marks in characters.

    Errors are the parser's own, or a :class:`~halo_iac.load.yaml_document.Diagnostic`, as soon as they are met.
    """
    if _has_halves(text):
        return _with_pairs(text, pure=pure)
    return _plain_events(text, pure=pure)


def _plain_events(text: str, *, pure: bool) -> Take:
    if pure:
        from halo_iac.load.yaml_pure import pure_python_events

        return _checked(pure_python_events(text), text)
    take: Take = CParser(text).get_event
    return take


def _checked(take: Take, text: str) -> Take:
    """Return the same, with diagnostics of ours instead of what the pure parser was not meant to raise."""

    def checked() -> Event:
        try:
            return take()
        except (ValueError, OverflowError) as error:  # from chr()
            raise _diagnostic(r"\\U(?!000|0010)[0-9A-Fa-f]{8}", text, NO_CHARACTER) from error
        except AssertionError as error:  # of a version that it has not heard of
            raise _diagnostic("(?m)^%YAML", text, *OTHER_VERSION) from error

    return checked


def _diagnostic(pattern: str, text: str, message: str, hint: str | None = None) -> Diagnostic:
    found = re.search(pattern, text)
    return Diagnostic(found.start() if found else 0, message, hint)


# Pairs of surrogates ------------------------------------------------------------------------------------------------


def _with_pairs(text: str, *, pure: bool) -> Take:
    """Return the events of a text in which escapes of surrogates stand: in double quotes, two are one character.

    JSON writes them so, and libyaml refuses each half. So what is in double quotes is found with all of them masked, by
    escapes of the same length, and read apart; the parser then goes through a text that is masked there alone.
    """
    values: dict[int, str] = {}
    pieces, done = [], 0
    try:
        for start, end in _double_quoted(_masked(text), pure=pure):
            if _has_halves(text[start:end]):
                values[start] = _value(text[start:end], start, pure=pure)
                pieces += [text[done:start], _masked(text[start:end])]
                done = end
    except YAMLError:
        return _plain_events(_masked(text), pure=pure)  # which says again what is wrong
    take = _plain_events("".join([*pieces, text[done:]]), pure=pure)

    def joined() -> Event:
        event = take()
        if event.__class__ is ScalarEvent and event.start_mark.index in values and event.style == '"':
            event.value = values[event.start_mark.index]
        return event

    return joined


def _has_halves(text: str) -> bool:
    return any(half in text for half in _HALVES)


def _double_quoted(text: str, *, pure: bool) -> Iterator[tuple[int, int]]:
    """Yield where each scalar in double quotes begins, its anchor included, and ends."""
    take = _plain_events(text, pure=pure)
    while (event := take()).__class__ is not StreamEndEvent:
        if event.__class__ is ScalarEvent and event.style == '"':
            yield event.start_mark.index, event.end_mark.index


def _masked(text: str) -> str:
    return re.sub(_ESCAPE, lambda found: "\\u0041" * (len(found[0]) // 6) or found[0], text)


def _value(text: str, index: int, *, pure: bool) -> str:
    """Return what a scalar in double quotes, behind its anchor if it has one, stands for."""
    start = text.index('"')

    def one(found: re.Match[str]) -> str:
        if found[1] is None and len(found[0]) > 2:
            raise Diagnostic(index + start + found.start(), NO_CHARACTER)
        return found[0] if found[1] is None else f"\\U{_code_point(int(found[1], 16), int(found[2], 16)):08x}"

    take = _plain_events(re.sub(_ESCAPE, one, text[start:]), pure=pure)
    take()
    take()
    value: str = take().value
    return value


def _code_point(high: int, low: int) -> int:
    return 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00)
