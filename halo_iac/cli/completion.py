"""Shell completion: the words of a command line → the possible next words, in the form that the shell expects.

It answers the scripts that ``halo --install-completion`` writes, between two keystrokes, so it imports no command:
``completion.json`` has their words, and keys and agents are read from the project files without parsing them. Errors
are not reported.
"""

from __future__ import annotations

import json
import os
import shlex
import sys

from halo_iac.cli.completion_names import ProjectNames

TYPE_CHECKING = False  # importing typing takes longer than completing
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    Completion = tuple[str, str]

_ASKING = "_HALO_COMPLETE"
"""The environment variable of a request: ``complete_bash``, and likewise for other shells."""

_FILES = {"FILE", "PATH", "DIR", "FILE|DIR", "PLAN", "RECEIPT"}
_NAMES: Mapping[str, Callable[[ProjectNames], Sequence[str]]] = {
    "KEY": ProjectNames.keys,
    "ID|KEY": ProjectNames.keys,
    "KEY|ID": ProjectNames.keys,
    "CONVERSATION": ProjectNames.keys,
    "AGENT": ProjectNames.agents,
    "RECEIPT": ProjectNames.receipts,
}
"""What help calls a value → what completes it; what is also a file may be any other one."""


def answer(env: Mapping[str, str]) -> int:
    """Print the completions at the cursor; return the exit code that the shell's script expects."""
    shell = env[_ASKING].removeprefix("complete_")
    try:
        args, incomplete = _read_words(shell, env)
        found = _find_completions(args, incomplete, env)
        text = _format_completions(shell, found, incomplete)
    except Exception:  # noqa: BLE001 - a message would land in the line that is being typed
        return 1
    is_question = env.get("_TYPER_COMPLETE_FISH_ACTION") == "is-args"
    if shell == "fish" and is_question:
        return 0 if found is not None else 1
    sys.stdout.buffer.write(text.encode(errors="replace"))
    return 0


def _read_words(shell: str, env: Mapping[str, str]) -> tuple[list[str], str]:
    """Return the complete words before the cursor, without the program, and the word being typed."""
    if shell == "bash":
        line = env["COMP_WORDS"]
        words = line.split("\n" if "\n" in line else " ")
        place = int(env["COMP_CWORD"])
        before, incomplete = words[1:place], "".join(words[place : place + 1])
        # Words come as they were typed: a glob of project files has its quotes.
        return [" ".join(_split(word)) for word in before if word != "="], "" if incomplete == "=" else incomplete
    line = env.get("_TYPER_COMPLETE_ARGS", "")
    words = _split(line)[1:]
    if shell in {"powershell", "pwsh"}:
        incomplete = env.get("_TYPER_COMPLETE_WORD_TO_COMPLETE", "")
        return words[:-1] if incomplete else words, incomplete
    if not words or line.endswith(" "):
        return words, ""
    return words[:-1], words[-1]


def _split(line: str) -> list[str]:
    """Split a line as shells do; quotes may be open at its end."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=False)
    lexer.whitespace_split, lexer.commenters = True, ""
    words: list[str] = []
    try:
        while (word := lexer.get_token()) is not None:
            words.append(word)
    except ValueError:
        words.append(lexer.token)
    return words


def _find_completions(args: Sequence[str], incomplete: str, env: Mapping[str, str]) -> list[Completion] | None:
    """Return the completions, each with a line of help; ``None`` for file names."""
    with open(os.path.join(os.path.dirname(__file__), "completion.json"), encoding="utf-8") as file:
        line = _Line(json.load(file))
    for word in args:
        line.read(word)
    names = ProjectNames(line.files, env)
    if line.pending is not None:
        return _complete_value(line.pending[1], names)
    if incomplete.startswith("-") and not line.has_ended:
        return _complete_option(line, incomplete, names)
    if line.commands:
        return [(name, each["help"]) for name, each in line.commands.items()]
    return _complete_value(line.argument, names)


class _Line:
    """The state of a command line before the cursor: command, option without a value yet, project files."""

    def __init__(self, root: dict[str, Any]) -> None:
        self._enter(root)
        self._count = 0
        self.files: list[str] = []
        self.pending: Sequence[str] | None = None
        self.has_ended = False
        """``--`` was given: options have ended."""

    def _enter(self, command: Mapping[str, Any]) -> None:
        """Set the command that the next words belong to."""
        self.commands: Mapping[str, Any] = command.get("commands", {})
        """The commands of a group by their names."""
        self.options: Sequence[Sequence[str]] = command.get("options", ())
        """Each option: its names, the name of its value in help, a line of help."""
        self._arguments: Sequence[str] = command.get("arguments", ())

    @property
    def argument(self) -> str:
        """Return the name of the next argument as in the help; empty if there is none."""
        if self._count < len(self._arguments):
            return self._arguments[self._count].removesuffix("...")
        last = self._arguments[-1] if self._arguments else ""
        return last.removesuffix("...") if last.endswith("...") else ""

    def option(self, name: str) -> Sequence[str] | None:
        return next((option for option in self.options if name in option[0].split()), None)

    def read(self, word: str) -> None:
        """Process the next word."""
        if self.pending is not None:
            self._add_value(self.pending, word)
            self.pending = None
        elif word.startswith("-") and not self.has_ended:
            name, sign, value = word.partition("=")
            option = self.option(name)
            self.has_ended = word == "--"
            if option and sign:
                self._add_value(option, value)
            elif option and option[1]:
                self.pending = option
        elif self.commands:
            self._enter(self.commands.get(word, {}))
        else:
            self._count += 1

    def _add_value(self, option: Sequence[str], value: str) -> None:
        if "--file" in option[0].split():
            self.files.append(value)


def _complete_option(line: _Line, incomplete: str, names: ProjectNames) -> list[Completion] | None:
    name, sign, _ = incomplete.partition("=")
    if not sign:
        return [(name, help_) for each, _, help_ in line.options for name in each.split()]
    option = line.option(name)
    found = _complete_value(option[1], names) if option else []
    return None if found is None else [(f"{name}={value}", help_) for value, help_ in found]


def _complete_value(kind: str, names: ProjectNames) -> list[Completion] | None:
    """Return the values of an option or an argument, given their name in help."""
    choices = kind.split("|") if kind.islower() else []  # choices, such as text|json
    found = _NAMES[kind](names) if kind in _NAMES else choices
    return None if kind in _FILES and not found else [(value, "") for value in found]


def _format_completions(shell: str, found: Sequence[Completion] | None, incomplete: str) -> str:
    """Return the completions in the format of a shell's script."""
    if shell == "bash":
        escaped = [value.replace(" ", "\\ ") for value, _ in found or ()]
        return "\n".join(value for value in escaped if value.startswith(incomplete))
    offers = [(value, line) for value, line in found or () if value.startswith(incomplete)]
    if shell == "zsh":
        words = "\n".join(f'"{value}":"{line}"' if line else f'"{value}"' for value, line in offers)
        return f"_arguments '*: :(({words}))'" if words else "_files" if found is None else ""
    if shell == "fish":
        return "\n".join(f"{value}\t{line}" if line else value for value, line in offers)
    return "\n".join(f"{value}:::{line or ' '}" for value, line in offers)
