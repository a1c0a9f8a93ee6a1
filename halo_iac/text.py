"""Text that people and terminals read: quoting, plurals, likeness, invisible characters and title globs."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Sequence
from difflib import get_close_matches
from fnmatch import translate
from functools import lru_cache
from itertools import islice
from typing import Final

_CODE_POINTS: Final = """
0-1F 7F-9F AD 34F 600-605 61C 6DD 70F 890-891 8E2 115F-1160 17B4-17B5 180B-180F 200B-200F 2028-202E 2060-2064
2066-206F 3164 D800-DFFF FEFF FFA0 FFF9-FFFB 110BD 110CD 13430-1343F 1BCA0-1BCA3 1D173-1D17A E0001 E0020-E007F
"""

INVISIBLE_RANGES: Final = tuple(
    (int(first, 16), int(last or first, 16))
    for first, _, last in (each.partition("-") for each in _CODE_POINTS.split())
)
"""First and last code point of each range: control, format and line-break characters, halves of surrogate pairs, and
letters and marks of no width. Variation selectors are not among them: they are part of many an emoji."""

SURROGATES: Final = (0xD800, 0xDFFF)
_ESCAPE: Final = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|.)", re.DOTALL
)
_HALF: Final = re.compile(rb"\\u[dD][89a-fA-F][0-9a-fA-F]{2}")

_INVISIBLE: Final = frozenset(chr(code) for first, last in INVISIBLE_RANGES for code in range(first, last + 1))


def is_invisible(character: str) -> bool:
    """Return whether a character is a control, format, line-break or zero-width one."""
    return character in _INVISIBLE


def has_invisible(text: str) -> bool:
    """Return whether a text contains an invisible character."""
    return not _INVISIBLE.isdisjoint(text)


def replace_lone_surrogates(document: bytes | bytearray) -> bytes:
    """Return a JSON document with U+FFFD for each lone surrogate.

    JavaScript leaves one where it cut a text within an emoji; a strict parser rejects the whole document.
    """
    return _ESCAPE.sub(lambda found: rb"\ufffd" if _HALF.fullmatch(found[0]) else found[0], document)


_ONCE_SPECIAL: Final = frozenset("?[")
"""Characters that were wildcards in earlier versions: a title that ``protect:`` covered then stays covered."""


def is_covered(title: str, glob: str) -> bool:
    """Return whether a glob matches a title, in time proportional to both."""
    first, *others = glob.split("*")
    if not others:
        return title == glob
    if len(title) < len(glob) - len(others) or not (title.startswith(first) and title.endswith(others[-1])):
        return False
    place, end = len(first), len(title) - len(others[-1])
    for part in others[:-1]:
        place = title.find(part, place, end)
        if place < 0:
            return False
        place += len(part)
    return place <= end


class Protection:
    """The globs of ``protect:`` and ``--protect``, ready to be asked about many titles."""

    def __init__(self, globs: Iterable[str]) -> None:
        self._globs = globs = tuple(dict.fromkeys(globs))
        self._literal = frozenset(glob for glob in globs if "*" not in glob)
        self._open = tuple(glob for glob in globs if "*" in glob)
        self._former = {glob: re.compile(translate(glob)).match for glob in globs if not _ONCE_SPECIAL.isdisjoint(glob)}

    def covering(self, title: str) -> Iterator[str]:
        """Yield the globs that cover a title."""
        if title in self._literal:
            yield title
        yield from (glob for glob in self._open if is_covered(title, glob))
        yield from (glob for glob, match in self._former.items() if match(title) and not is_covered(title, glob))

    def unused(self, titles: Iterable[str]) -> list[str]:
        """Return the globs that cover none of some titles, in their order."""
        left = set(self._globs)
        for title in titles:
            if not left:
                break
            for glob in self.covering(title):
                left.discard(glob)
        return [glob for glob in self._globs if glob in left]


def quote(text: str, *, longest: int = 60) -> str:
    """Return a key or value in backticks, cut short, with what cannot be printed written as an escape."""
    cut = text if len(text) <= longest else text[: longest - 1] + "…"
    if not cut.isprintable() or has_invisible(cut):
        cut = "".join(map(_visible, cut))
    return f"`{cut}`"


def _visible(character: str) -> str:
    if character.isprintable() and not is_invisible(character):
        return character
    return character.encode("unicode_escape").decode()


def show_invisible(text: str) -> str:
    """Return a text, of any number of lines, with its invisible characters as escapes; tabs stay."""
    text = text.replace("\r\n", "\n")
    if not has_invisible(text):
        return text
    return "".join(each if each in "\n\t" or not is_invisible(each) else _visible(each) for each in text)


MAX_COMPARED_LENGTH: Final = 100
"""The longest word, in characters, that is compared with others, which takes quadratic time."""


def normalize(text: str) -> str:
    """Return a word without case, spaces, dashes and underscores: what ``daysOfWeek`` and ``days-of-week`` share."""
    return re.sub(r"[^a-z0-9]", "", text.lower())


def closest_match(word: str, known: Collection[str], *, cutoff: float = 0.7) -> str | None:
    """Return the nearest of the known words; ``None`` if less than ``cutoff`` of it and the word are the same."""
    if len(word) > MAX_COMPARED_LENGTH:
        return None
    found = get_close_matches(word, sorted(known), n=1, cutoff=cutoff)
    return found[0] if found else None


def did_you_mean(word: str, known: Collection[str], *, cutoff: float = 0.7) -> str | None:
    """Return the question whether the nearest of the known words was meant; ``None`` if none is near."""
    found = closest_match(word, known, cutoff=cutoff)
    return f"did you mean `{found}`?" if found else None


REASON_LIMIT: Final = 300
"""How many characters of the platform's own words a message repeats."""

_UNASSIGNED: Final = frozenset({"Cn", "Co"})
"""Unicode categories of code points without a meaning, or with a private one."""


def single_line(text: str, *, limit: int = REASON_LIMIT) -> str:
    """Return the text with white space folded, invisible characters as symbols, cut to ``limit``."""
    window = " ".join(text[: limit * 8].split())
    shown = "".join(map(_symbol, window[:limit]))
    return shown if len(window) <= limit else f"{shown}…"


def _symbol(character: str) -> str:
    if character < " ":
        return chr(0x2400 + ord(character))
    if character == "\x7f":
        return "\u2421"
    is_unshowable = is_invisible(character) or unicodedata.category(character) in _UNASSIGNED
    return "\ufffd" if is_unshowable else character


def counted(count: int, noun: str, plural: str | None = None) -> str:
    """Return ``1 line`` or ``2,000 lines``; ``plural`` is needed if it is not the noun with an s."""
    return f"{count:,} {noun if count == 1 else plural or f'{noun}s'}"


MAX_NAMED: Final = 5
"""How many names a sentence lists."""

_DAY: Final = 24 * 60


def format_duration(minutes: int) -> str:
    """Return a length of time as people say it: ``4 days``, ``25 hours``, ``1 hour 30 minutes``."""
    if minutes % _DAY == 0 and minutes > _DAY:
        return counted(minutes // _DAY, "day")
    hours, rest = divmod(minutes, 60)
    parts = [*([counted(hours, "hour")] if hours else ()), *([counted(rest, "minute")] if rest else ())]
    return " ".join(parts)


def whole_hours(minutes: int) -> int:
    """Return how many whole hours it takes to cover some minutes."""
    return -(-minutes // 60)


def format_lookback(hours: int) -> str:
    """Return a look-back as it is written: in days where it is whole days, else in hours."""
    return f"{hours}h" if hours % 24 else f"{hours // 24}d"


def list_keys(keys: Iterable[str]) -> str:
    """Return keys of entries as a sentence lists them, sorted, those beyond the first few counted."""
    names = [f"`{key}`" for key in sorted(keys)]
    rest = len(names) - MAX_NAMED
    return join_and([*names[:MAX_NAMED], *([f"{rest:,} more"] if rest > 0 else ())])


def join_and(words: Sequence[str]) -> str:
    """Return words as a sentence lists them: ``a, b and c``."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def list_first(names: Iterable[str], count: int, most: int) -> str:
    """Return the first of ``count`` names, separated by commas, and how many more there are."""
    shown = ", ".join(islice(names, most))
    return shown if count <= most else f"{shown} and {count - most:,} more"


def keys_hint(keys: Collection[str]) -> str:
    """Return the hint for a key that is like none of ``keys``: it lists the first of them."""
    if not keys:
        return "add it under `schedules:`"
    return f"the {'only key is' if len(keys) == 1 else 'keys are'} {list_first(keys, len(keys), MAX_NAMED)}"


def format_count(count: int) -> str:
    """Return a count of two or more as an adverb: ``twice``, ``3 times``."""
    return "twice" if count == 2 else f"{count:,} times"


_SPACES: Final = frozenset(" \u3000")
"""The space separators that a reader can tell apart; a no-break space looks like a common one."""

_ASCII_NAMES: Final = {"\t": "\\t", "\n": "\\n", "\r": "\\r"}
_SUSPECT: Final = re.compile(r"[^ -~]")
_ANYWHERE: Final = re.compile(r"##[^\s\[\\]{0,40}(?=\[)|(?:travis_(?:fold|time)|section_(?:start|end))(?=:)")
_GROUPS: Final = ("--- ", "+++ ", "~~~ ", "^^^ ")


class Document(str):
    """A text in JSON, which has to stay JSON: :mod:`halo_iac.render.document` makes and changes it."""

    __slots__ = ()


def escape_control(text: str, *, is_unicode: bool = True) -> str:
    """Return the text on one line, with nothing in it that a terminal or a CI runner would obey.

    Line ends become symbols too; :func:`escape_control_lines` keeps them. Without ``is_unicode`` the result is ASCII.
    """
    text = neutralize_log_commands(show_hidden(text, is_unicode=is_unicode))
    is_obeyed = text.startswith(_GROUPS) or ("::" in text and text.lstrip().startswith("::"))
    return f"\\{text}" if is_obeyed else text


def show_hidden(text: str, *, is_unicode: bool = True) -> str:
    """Return the text on one line, with a sign for each character that cannot be seen."""
    if text.isprintable() and (text.isascii() or (is_unicode and not has_invisible(text))):
        return text
    return _SUSPECT.sub(lambda match: _shown(match[0], is_unicode), text)


def neutralize_log_commands(text: str) -> str:
    """Return the text, of any number of lines, with a backslash in each word that a runner obeys anywhere in a line."""
    may_hold = "##" in text or "travis_" in text or "section_" in text
    return _ANYWHERE.sub(r"\g<0>\\", text) if may_hold else text


def escape_control_lines(text: str, *, is_unicode: bool = True) -> list[str]:
    """Return the lines of a text, each as :func:`escape_control` returns it; at least one."""
    return [escape_control(line, is_unicode=is_unicode) for line in text.replace("\r\n", "\n").split("\n")]


@lru_cache(4096)
def _shown(character: str, is_unicode: bool) -> str:
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
