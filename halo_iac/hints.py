"""Commands in hints and messages, kept as data until they are printed.

What finds a problem knows which command helps, but not which project file and platform this run was told to use: pasted
without those, `halo rename` could write into another file, and `halo apply` change another platform. So a hint holds
its commands as data, and what formats output spells them out (docs/cli.md#printed-commands).
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Sequence
from typing import Final, Self


class Command:
    """A command of halo that can be pasted: its words without ``halo``, not quoted yet."""

    __slots__ = ("words",)

    def __init__(self, *words: str) -> None:
        self.words = words

    def __str__(self) -> str:
        """Return the command without options for the project file and the platform."""
        return shlex.join(("halo", *self.words))


LIST_AGENTS: Final = Command("agent", "list", "--time-range", "90d")
"""Shows every agent that any list can show."""


class Hint(str):
    """A text made of a template, whose ``{}`` are commands or texts; as a string, its commands have no target options.

    ``Hint("run `{}` to see it", Command("schedule", "get", id))``
    """

    __slots__ = ("parts", "template")
    template: str
    parts: tuple[str | Command, ...]

    def __new__(cls, template: str, *parts: str | Command) -> Self:
        """Return a hint; text that is not halo's own has to be one of ``parts``, because its braces mean nothing."""
        hint = super().__new__(cls, template.format(*parts))
        hint.template, hint.parts = template, parts
        return hint

    def __deepcopy__(self, _memo: object) -> Self:
        """Return the hint itself, which never changes; ``str`` would make a template of its text."""
        return self

    def formatted(self, format_command: Callable[[Command], str]) -> str:
        """Return the text with every command as ``format_command`` returns it."""
        return self.template.format(
            *(
                format_command(part) if isinstance(part, Command) else format_hint(part, format_command)
                for part in self.parts
            )
        )


def format_hint(text: str, format_command: Callable[[Command], str]) -> str:
    """Return a text in which each command, if there is any, is as ``format_command`` returns it."""
    return text.formatted(format_command) if isinstance(text, Hint) else text


def join_hints(separator: str, texts: Iterable[str | Command | None]) -> Hint:
    """Return the texts that are not empty, joined, as one hint that keeps the commands of each."""
    parts = [text for text in texts if text]
    return Hint(separator.join(["{}"] * len(parts)), *parts)


MAX_NAMES: Final = 20
"""How many schedules one command in a hint names."""


def merge_hints(hints: Iterable[str]) -> str | None:
    """Return one hint for all, such as "run `halo resume a b`"; ``None`` if the hints differ.

    Hints that differ only in the schedule that `resume` names become one that names the first :data:`MAX_NAMES`.
    """
    found = [*dict.fromkeys(hints)]
    if len(found) <= 1:
        return found[0] if found else None
    if len({each.template if isinstance(each, Hint) else None for each in found}) > 1:
        return None
    columns = [*zip(*(_parts(each) for each in found), strict=True)]
    parts = [part for part in map(_merge_parts, columns) if part is not None]
    first = found[0]
    return Hint(first.template, *parts) if isinstance(first, Hint) and len(parts) == len(columns) else None


def _parts(hint: str) -> Sequence[str | Command]:
    return hint.parts if isinstance(hint, Hint) else ()


def _merge_parts(parts: Sequence[str | Command]) -> str | Command | None:
    texts = [part for part in parts if isinstance(part, str)]
    if texts:
        return merge_hints(texts) if len(texts) == len(parts) else None
    words = [part.words for part in parts if isinstance(part, Command)]
    if any(len(each) != 2 or each[0] != "resume" for each in words):
        return None
    return Command("resume", *(name for _, name in words[:MAX_NAMES]))
