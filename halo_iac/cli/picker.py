"""Choosing one of several things on the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, Generic, NamedTuple, TypeVar

from halo_iac.render.text.table import table
from halo_iac.text import counted

if TYPE_CHECKING:
    from halo_iac.cli.console import Console

T = TypeVar("T")

_OTHER_LINES: Final = 5
"""Lines of the screen besides the list: its header, the note below it and the question."""
_MIN_ROWS: Final = 5
"""The fewest choices listed, on any screen."""


class Choice(NamedTuple, Generic[T]):
    """A choice: its ``cells`` in the list, and the name and id by which it may be chosen."""

    value: T
    name: str
    id: str
    cells: Sequence[str]


Numbered = Sequence[tuple[int, Choice[T]]]
"""Choices with their numbers, which stay the same when the list is filtered."""


class Picker(NamedTuple):
    """A list and its question: ``noun`` names one choice, ``headers`` are the column headers."""

    noun: str
    headers: Sequence[str]
    whole: frozenset[str]
    question: str

    def ask(self, console: Console, choices: Sequence[Choice[T]]) -> T | None:
        """List the choices and ask for one until the answer names one; ``None`` at the end of input."""
        numbered = tuple(enumerate(choices, 1))
        self._print_list(console, numbered)
        while (answer := console.read_answer(self.question)) is not None:
            found = _find_matching(numbered, answer)
            if len(found) == 1 and _is_exact(found[0], answer):
                return found[0][1].value
            if found:
                self._print_list(console, found)
            else:
                words = f"No {self.noun} has the number or name {answer!r}."
                console.print_error_text(console.err_style.safe(words))
        console.print_error_text("\n")
        return None

    def _print_list(self, console: Console, choices: Numbered[T]) -> None:
        """List as many choices as the screen has lines for, and print how to find the others."""
        room = max(console.height - _OTHER_LINES, _MIN_ROWS)
        rows = [(str(number), *choice.cells) for number, choice in choices[:room]]
        console.print_error_text(table(("#", *self.headers), rows, console.err_style, uncut=self.whole))
        if len(choices) > room:
            more = counted(len(choices) - room, f"more {self.noun}")
            console.print_error_text(f"{more}; type a part of a name to filter.")


def _find_matching(choices: Numbered[T], answer: str) -> Numbered[T]:
    """Return the choice with this number, else those with this name or id, else those whose name contains it."""
    words = answer.casefold()
    if not words:
        return choices
    return (
        [each for each in choices if answer == str(each[0])]
        or [each for each in choices if answer in {each[1].name, each[1].id}]
        or [each for each in choices if words == each[1].name.casefold()]
        or [each for each in choices if words in each[1].name.casefold()]
    )


def _is_exact(found: tuple[int, Choice[T]], answer: str) -> bool:
    """Return whether an answer is exact: a run costs money, so part of a name is not enough."""
    number, choice = found
    return answer in {str(number), choice.id} or answer.casefold() == choice.name.casefold()
