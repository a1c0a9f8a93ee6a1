"""Style: what the reader's screen can show, and halo's signs and colours (docs/cli.md#output)."""

import re
import unicodedata
from collections.abc import Callable
from typing import Final, NamedTuple

from halo_iac.hints import Command, format_hint
from halo_iac.text import escape_control, escape_control_lines

SIGNS: Final[dict[str, str]] = {"create": "+", "update": "~", "unarchive": "^", "archive": "-"}
"""The sign of each action, the same in every format; by name, since most of what is drawn is no plan."""

LOG_WIDTH: Final = 120
"""The width at which lines that may be broken are broken if there is no screen."""

_COLOURS: Final[dict[str, str]] = {
    "create": "32",
    "update": "33",
    "unarchive": "36",
    "archive": "31",
    "pause": "33",
    "resume": "36",
    "blocked": "35",
    "warning": "33",
    "refused": "1;31",
    "bold": "1",
    "dim": "2",
    "added": "32",
    "removed": "31",
    "failed": "1;31",
    "error": "1;31",
    "bar": "36",
}
_NOT_ASCII: Final = re.compile(r"[^\x00-\x7f]")
_COLOUR_SEQUENCE: Final = re.compile(r"\x1b\[[\d;]*m")
_ASCII: Final = str.maketrans(
    {"→": "->", "←": "<-", "│": "|", "…": "...", "·": "-", "✗": "x", "▶": ">", "µ": "u"}
    | {"├": "|", "└": "`", "─": "-"}  # the guides of a tree
    | dict.fromkeys("█▉▊▋▌▐", "#")  # and its bars
    | dict.fromkeys("▍▎▏", ".")
)


class Style(NamedTuple):
    """What an output can show: ``colour`` as ANSI sequences, ``unicode`` or only ASCII.

    ``width`` is the number of columns, or ``None`` where there is no screen and lines may be of any length.
    ``format_command`` returns a command as its reader has to paste it.
    """

    colour: bool = False
    unicode: bool = True
    width: int | None = None
    format_command: Callable[[Command], str] = str

    def paint(self, text: str, role: str) -> str:
        """Return the text in the colour of an action or a role; unchanged without colour."""
        return f"\x1b[{_COLOURS[role]}m{text}\x1b[0m" if self.colour and text else text

    def without_colour(self) -> "Style":
        """Return the style without colour, for output that no terminal interprets."""
        return self._replace(colour=False)

    def format_hint(self, text: str) -> str:
        """Return a text with its commands as the reader pastes them."""
        return format_hint(text, self.format_command)

    def safe(self, text: str) -> str:
        """Return untrusted text on one line, escaped for the output."""
        return escape_control(self.format_hint(text), is_unicode=self.unicode)

    def safe_lines(self, text: str) -> list[str]:
        """Return the lines of an untrusted text, each escaped for the output."""
        return escape_control_lines(self.format_hint(text), is_unicode=self.unicode)

    def command(self, *words: str) -> str:
        """Return a command of halo's as the reader pastes it, escaped for the output."""
        return self.safe(self.format_command(Command(*words)))

    def quoted(self, title: str) -> str:
        """Return a title in quotation marks."""
        return f'"{self.safe(title)}"'

    def displayable(self, text: str) -> str:
        """Return halo's own text, with its signs in ASCII if Unicode cannot be shown."""
        return text if self.unicode else text.translate(_ASCII)

    def fits(self, text: str) -> bool:
        """Return whether an uncoloured line fits on the screen, or is short enough for a log."""
        return display_width(text) <= (self.width or LOG_WIDTH)


def file_heading(name: str, style: Style) -> str:
    """Return the heading of one of several project files, as `head` and `tail` write it."""
    return style.paint(f"==> {style.safe(name)} <==", "bold")


PLAIN: Final = Style()
"""For a pipe or a file: no colour, any length."""


def display_width(text: str) -> int:
    """Return the number of columns that a line without colour takes on a terminal."""
    if text.isascii():
        return len(text)
    return len(text) + sum(_character_width(character) - 1 for character in _NOT_ASCII.findall(text))


def _character_width(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in {"Mn", "Me"}:
        return 0
    return 2 if unicodedata.east_asian_width(character) in {"W", "F"} else 1


def strip_colour(text: str) -> str:
    """Return a line without its colours."""
    return _COLOUR_SEQUENCE.sub("", text)


def pad(text: str, width: int) -> str:
    """Return the text with spaces after it up to a number of columns."""
    return text + " " * (width - display_width(text))


def truncate(text: str, width: int, ellipsis_: str) -> str:
    """Return the part of a line without colour that fits, with an ellipsis at its end if it was cut."""
    if display_width(text) <= width:
        return text
    room, kept = width - len(ellipsis_), 0
    for index, character in enumerate(text):
        kept += _character_width(character)
        if kept > room:
            return (text[:index] + ellipsis_)[: max(width, 0)]
    return text
