"""The command line in this process: arguments, a folder and an environment in; exit code and both streams out.

Commands run in this process, against the sandbox or a served one; ``main`` is called as the process would call it, and
must neither raise nor exit.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

from typer.core import TyperGroup

from halo_iac.api.limits import RetryPolicy
from halo_iac.cli.app import built_command
from halo_iac.cli.console import Console
from halo_iac.cli.main import main

NOW = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)


@dataclass(frozen=True)
class CommandResult:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:  # noqa: ANN401 - whatever was written
        """The one document of standard output."""
        assert self.out, self.err
        return json.loads(self.out)

    @property
    def error(self) -> dict[str, Any]:
        """The one document of standard error."""
        error: dict[str, Any] = json.loads(self.err)["error"]
        return error

    @property
    def text(self) -> str:
        return self.out + self.err


class Stream(io.TextIOWrapper):
    """A stream in memory, in any encoding, that may pass for a terminal."""

    def __init__(self, text: str = "", *, encoding: str = "utf-8", is_terminal: bool = False) -> None:
        super().__init__(io.BytesIO(text.encode(encoding)), encoding=encoding, newline="")
        self._is_terminal = is_terminal

    def isatty(self) -> bool:
        return self._is_terminal

    @property
    def written(self) -> str:
        self.flush()
        buffer = self.buffer
        assert isinstance(buffer, io.BytesIO)
        return buffer.getvalue().decode(self.encoding)


class ReactingStream(Stream):
    """A stream that calls a reaction, once each, when its words are written, before the writer continues."""

    def __init__(self, reactions: Mapping[str, Callable[[], object]], *, is_terminal: bool = False) -> None:
        super().__init__(is_terminal=is_terminal)
        self._reactions = dict(reactions)

    def write(self, text: str) -> int:
        length = super().write(text)
        for words in [words for words in self._reactions if words in text]:
            self._reactions.pop(words)()
        return length


@dataclass
class CommandLine:
    """Runs ``halo`` in the current folder; ``env`` is the whole environment it sees."""

    env: dict[str, str] = field(default_factory=dict)
    patience: RetryPolicy | None = None

    def __call__(
        self,
        *argv: str,
        answer: str | None = None,
        stdin: bytes = b"",
        encoding: str = "utf-8",
        is_terminal: bool = False,
        reactions: Mapping[str, Callable[[], object]] | None = None,
        **env: str,
    ) -> CommandResult:
        """Run a command; ``answer`` is typed at the terminal, and makes all streams terminals; ``stdin`` is piped.

        ``reactions`` maps words to functions that are called once the words are on standard error.
        """
        is_terminal = is_terminal or answer is not None
        read = (
            Stream(stdin.decode("latin-1"), encoding="latin-1")
            if stdin
            else Stream(answer or "", is_terminal=answer is not None)
        )
        out = Stream(encoding=encoding, is_terminal=is_terminal)
        err = (
            ReactingStream(reactions, is_terminal=is_terminal)
            if reactions
            else Stream(encoding=encoding, is_terminal=is_terminal)
        )
        return CommandResult(self.run(argv, read, out, err, env), out.written, err.written)

    def run(self, argv: tuple[str, ...], stdin: TextIO, out: TextIO, err: TextIO, env: dict[str, str]) -> int:
        console = Console(stdin, out, err, {**self.env, **env}, clock=lambda: NOW, retry_policy=self.patience)
        with redirect_stdout(out), redirect_stderr(err):  # --help goes past the console
            return main(argv, console)


def tree(folder: Path) -> dict[str, bytes]:
    """Return every file below a folder, with its content."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def with_fixed_folder(text: str, folder: Path) -> str:
    """Return an output as if its folder were another, however long the name of the real one is."""
    text = text.replace(str(folder), "/home/you/project")
    return re.sub(r"^Host +(?:\n +)?(sandbox:\S+)\s+(?=\S*\(--sandbox\))", r"Host     \1  ", text, flags=re.MULTILINE)


def commands() -> Iterator[tuple[str, ...]]:
    """Yield the words of every command and group, hidden aliases left out."""
    yield ()
    root = built_command()
    for name, command in root.commands.items():
        if command.hidden:
            continue
        yield (name,)
        if isinstance(command, TyperGroup):
            yield from ((name, inner) for inner, each in command.commands.items() if not each.hidden)


def schedules(halo: CommandLine, *words: str) -> list[dict[str, Any]]:
    """Return the sandbox's active schedules, or those that the words list, in the order of their titles."""
    listed = halo("schedule", "list", *(words or ("--sandbox",)), "--json").json["schedules"]
    return sorted(listed, key=lambda each: str(each["title"]))


def titles(halo: CommandLine, *words: str) -> list[str]:
    """Return the titles of the same schedules."""
    return [each["title"] for each in schedules(halo, *words)]
