"""Untrusted text in markdown: it has no effect and stays readable (docs/security.md#untrusted-text).

Not by a list of what to escape, which would be as long as the platforms that draw markdown are many, but by what is let
through: words and numbers that mean nothing anywhere stay as they are, everything else goes into ``code``, where no
HTML, mention, reference, link, emoji, footnote or formula takes effect. Everything passes ``Style.safe`` before, which
keeps it on one line and harmless to terminals and logs (:mod:`halo_iac.text`).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable
from typing import Final

from halo_iac.render.formats import PAGE_MARKERS, PageKind
from halo_iac.render.prompt_diff import NOTE, PromptLine
from halo_iac.render.style import Style
from halo_iac.render.values import shorten

_MARKER_START: Final = re.compile(r"<!--(?=\s*halo-(?:plan|drift))", re.IGNORECASE)


def comment_marker(file: str, project: str, host: str, kind: PageKind = "plan") -> str:
    """Return the hidden first line of a page, equal for each run of one kind, project file, project and host.

    The file is identified by its path in the repository. Project and host are those of the command line and the
    environment, empty if the file decides: a page about an unreadable file has the marker as well.
    """
    digest = hashlib.sha256(f"{file}\0{project}\0{host}".encode("utf-8", "replace")).hexdigest()
    return f"{PAGE_MARKERS[kind]}{digest[:16]} -->"


_MAX_TEXT_LENGTH: Final = 300
"""Characters of a name or a value that are shown in one place."""
_MAX_MESSAGE_LENGTH: Final = 1_000
"""Characters of a message that are shown."""

_LETTERS: Final = r"(?:[a-z]+(?:-[a-z]+)+|[^\W\d_]+(?:['’/_][^\W\d_]+)*)"
_NUMBER: Final = r"(?:[+-]?\d{1,4}(?:[.,:]\d{1,4})*|\d{1,2}(?:st|nd|rd|th)|\d{1,2}[dhms])"
_BEFORE, _AFTER = r"[\"'(]{0,3}", r"[\"')]{0,3}[.,;:?!…]{0,3}[\"')]{0,3}"
_ORDINARY: Final = re.compile(rf"{_BEFORE}(?:(?![0-9a-fA-F]{{7}})(?:{_LETTERS}|{_NUMBER}))?{_AFTER}|→|->")
"""A word that no dialect of markdown gives a meaning to; seven hexadecimal digits may be a commit."""
_WORD: Final = re.compile(r'("[^"\n]+")([,;.:)]*)(?= |\Z)|[^ ]+')
"""A word, or several between quotation marks, which stay together: a glob reads `"SLA *"`."""
_QUOTED: Final = re.compile(r"`([^`]+)`")
_SPANNABLE: Final = re.compile(r"[^`|\\<>&@#$ ]+(?: [^`|\\<>&@#$ ]+)*")
"""Text that is safe between backticks, also in a cell of a table."""
_SPECIAL: Final = re.compile(r"[!-',*:-@\[-`{-~]|(?<=www)\.")
_LINKING: Final = frozenset("@:.")
"""Characters of addresses, which GitHub turns into links even in ``<code>`` unless a ``<wbr>`` follows them."""
_TICKS: Final = re.compile("`+")


def code(text: str, style: Style) -> str:
    """Return untrusted text as code, for a paragraph, a list or a cell of a table."""
    return _code(_shorten(text, style))


def html_code(text: str, style: Style) -> str:
    """Return untrusted text as code in HTML, where markdown is not parsed, as in a ``<summary>``."""
    return _html_code(_shorten(text, style))


def prose(text: str, style: Style) -> str:
    """Return untrusted text as prose; words that might have an effect become code.

    No line may begin with them: of a number with a point markdown would make a list.
    """
    return _prose(_shorten(text, style), _code)


def html_prose(text: str, style: Style) -> str:
    """Return untrusted text as :func:`prose` does, but for HTML, in which markdown is not parsed."""
    return _prose(_shorten(text, style), _html_code)


def message(text: str, style: Style) -> str:
    """Return a message with its quotations, which stand between backticks, as code; it keeps its line breaks."""
    return "<br>".join(map(_message_line, style.safe_lines(shorten(style.format_hint(text), _MAX_MESSAGE_LENGTH))))


def fence(lines: Iterable[PromptLine]) -> str:
    """Return lines of a prompt as a fenced difference that none of them can close, and that forges no marker."""
    drawn = [_fenced(line) for line in lines]
    ticks = fence_ticks(drawn)
    return "\n".join([f"{ticks}diff", *drawn, ticks])


def fence_ticks(lines: Iterable[str]) -> str:
    """Return the backticks of a fence that none of the lines can close."""
    longest = max((len(run) for line in lines for run in _TICKS.findall(line)), default=0)
    return "`" * max(3, longest + 1)


def _shorten(text: str, style: Style) -> str:
    return shorten(style.safe(text), _MAX_TEXT_LENGTH)


def _code(text: str) -> str:
    return f"`{text}`" if _SPANNABLE.fullmatch(text) else _html_code(text)


def _html_code(text: str) -> str:
    escaped = _SPECIAL.sub(lambda found: f"&#{ord(found[0])};{'<wbr>' if found[0] in _LINKING else ''}", text)
    return f"<code>{escaped}</code>"


def _prose(text: str, as_code: Callable[[str], str]) -> str:
    if "  " in text or text != text.strip(" "):
        return as_code(text)  # prose loses spaces
    shown: list[str] = []
    waiting: list[str] = []
    for word in _WORD.finditer(text):
        is_ordinary = all(map(_ORDINARY.fullmatch, word[0].split(" ")))
        if waiting and (is_ordinary or word[1]):
            shown.append(as_code(" ".join(waiting)))
            waiting = []
        if is_ordinary:
            shown.append(word[0])
        elif word[1]:
            shown.append(as_code(word[1]) + word[2])
        else:
            waiting.append(word[0])
    return " ".join([*shown, as_code(" ".join(waiting))] if waiting else shown)


def _message_line(line: str) -> str:
    """Return a line of a message, in which every second part was quoted."""
    whole, *others = parts = _QUOTED.split(line)
    if not others:
        return _prose(whole, _code)
    return "".join(_code(part) if index % 2 else _prose_beside_code(part) for index, part in enumerate(parts))


def _prose_beside_code(text: str) -> str:
    """Return prose that may stand next to code; without backticks, since two adjacent spans are one."""
    inner = text.strip(" ")
    if not inner:
        return " " if text else ""
    return f"{' ' * text.startswith(' ')}{_prose(inner, _html_code)}{' ' * text.endswith(' ')}"


def _fenced(line: PromptLine) -> str:
    if line.sign == NOTE:
        return f"@@ … {line.words} @@" if line.words else "@@ … @@"
    return _MARKER_START.sub(r"<\\!--", f"{line.sign} {line.words}".rstrip())
