"""Foreign words made harmless: what others wrote must neither move a cursor nor command a CI runner.

See docs/security.md#untrusted-text.

Titles, prompts, platform messages and file names pass through :func:`safe` before they reach any line of output.
Control, format and invisible characters become visible; words that a runner would obey are broken by a backslash:

- GitHub's runner obeys ``::name::`` at the start of a line, after trimming white space, and ``##[name]`` *anywhere* in
  one; Azure's obeys ``##vso[name]`` anywhere, TeamCity's ``##teamcity[name]``. ``travis_fold:`` and ``section_start:``
  fold a log at Travis and GitLab, and ``--- `` and the like at the start of a line do at Buildkite. So the guarantee is
  given for the words themselves, and no layout that a renderer may choose can undo it.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from halo_iac.model.characters import is_invisible

_SPACES: Final = frozenset(" \u3000")
"""Of the space separators, those that a reader can tell apart; a no-break space in a diff would look like none."""

_ASCII_NAMES: Final = {"\t": "\\t", "\n": "\\n", "\r": "\\r"}
_SUSPECT: Final = re.compile(r"[^ -~]")
_ANYWHERE: Final = re.compile(r"##[^\s\[\\]{0,40}(?=\[)|(?:travis_(?:fold|time)|section_(?:start|end))(?=:)")
_GROUPS: Final = ("--- ", "+++ ", "~~~ ", "^^^ ")


def safe(text: str, *, is_unicode: bool = True) -> str:
    """Return the text on one line, with nothing in it that a terminal or a CI runner would obey.

    Line ends become symbols as well; :func:`safe_lines` keeps them. Without ``is_unicode`` the result is ASCII.
    """
    if not (text.isascii() and text.isprintable()):
        text = _SUSPECT.sub(lambda match: _shown(match[0], is_unicode=is_unicode), text)
    text = disarmed(text)
    is_obeyed = text.startswith(_GROUPS) or ("::" in text and text.lstrip().startswith("::"))
    return f"\\{text}" if is_obeyed else text


def disarmed(text: str) -> str:
    """Return the text, of any number of lines, with a backslash in each word that a runner obeys anywhere in a line."""
    may_hold = "##" in text or "travis_" in text or "section_" in text
    return _ANYWHERE.sub(r"\g<0>\\", text) if may_hold else text


def safe_lines(text: str, *, is_unicode: bool = True) -> list[str]:
    """Return the lines of a text, each as :func:`safe` returns it; at least one."""
    return [safe(line, is_unicode=is_unicode) for line in text.replace("\r\n", "\n").split("\n")]


def _shown(character: str, *, is_unicode: bool) -> str:
    if is_unicode and not _is_hidden(character):
        return character
    if is_unicode and character < " ":
        return chr(0x2400 + ord(character))
    if is_unicode and character == "\x7f":
        return "\u2421"
    if character < "\x80":
        return _ASCII_NAMES.get(character) or f"\\x{ord(character):02x}"
    return character.encode("ascii", "backslashreplace").decode("ascii")


def _is_hidden(character: str) -> bool:
    return is_invisible(character) or (unicodedata.category(character) == "Zs" and character not in _SPACES)
