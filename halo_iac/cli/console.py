"""The last step before anything is written: streams, their style, and the key that must not appear (design §8, §10)."""

from __future__ import annotations

import io
import os
import shutil
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final, TextIO

if TYPE_CHECKING:
    from halo_iac.render.style import Style

_PLAIN_TERMINALS: Final = frozenset({"dumb", ""})


class Console:
    """Standard output for results, standard error for narration.

    ``wants_json`` and ``no_color`` are set by the command as soon as its options are known; errors look at them too.
    """

    def __init__(self, stdin: TextIO, stdout: TextIO, stderr: TextIO, env: Mapping[str, str]) -> None:
        self._stdin = stdin
        self._stdout = stdout
        self._stderr = stderr
        self.env = env
        self.wants_json = False
        self.no_color = False
        self._veils: list[Callable[[str], str]] = []
        for stream in (stdout, stderr):
            if isinstance(stream, io.TextIOWrapper):
                # A terminal that cannot show a character gets its escape; no output is worth a crash.
                stream.reconfigure(errors="backslashreplace")

    @classmethod
    def of_process(cls) -> Console:
        """Return the console of this process."""
        return cls(sys.stdin, sys.stdout, sys.stderr, os.environ)

    def prepare(self, *, json: bool, format: str = "text", no_color: bool = False) -> bool:  # noqa: A002 - the option
        """Take note of how a command was asked to write; return whether that is JSON."""
        self.wants_json = json or format == "json"
        self.no_color = no_color
        return self.wants_json

    def hide(self, veil: Callable[[str], str]) -> None:
        """Pass everything written from now on through ``veil``, which replaces a key's text."""
        self._veils.append(veil)

    def out(self, text: str) -> None:
        """Write a result; a missing final newline is added."""
        self._write(self._stdout, text)

    def err(self, text: str) -> None:
        """Write narration or an error; a missing final newline is added."""
        self._write(self._stderr, text)

    @property
    def narration(self) -> TextIO:
        """Return standard error for whoever redraws lines; what is written there is veiled as well."""
        return _VeiledStream(self._stderr, self._veiled)

    def ask(self, question: str) -> str:
        """Ask on the terminal and return the answer, trimmed; empty at the end of input."""
        self._stderr.write(self._veiled(question))
        self._stderr.flush()
        return self._stdin.readline().strip()

    @property
    def is_interactive(self) -> bool:
        """Say whether somebody is there to be asked."""
        return self._stdin.isatty() and self._stderr.isatty()

    @property
    def shows_progress(self) -> bool:
        """Say whether narration goes to a terminal, where lines may be redrawn."""
        return self._stderr.isatty() and self.env.get("TERM", "") not in _PLAIN_TERMINALS

    @property
    def out_style(self) -> Style:
        """Return what standard output can show."""
        return self._style(self._stdout)

    @property
    def err_style(self) -> Style:
        """Return what standard error can show."""
        return self._style(self._stderr)

    def _style(self, stream: TextIO) -> Style:
        from halo_iac.render.style import Style

        is_terminal = stream.isatty()
        is_coloured = is_terminal and not self.no_color and not self.env.get("NO_COLOR")
        encoding = (getattr(stream, "encoding", None) or "ascii").lower().replace("-", "")
        return Style(
            colour=is_coloured and self.env.get("TERM", "") not in _PLAIN_TERMINALS,
            unicode=encoding.startswith("utf"),
            width=shutil.get_terminal_size().columns if is_terminal else None,
        )

    def _write(self, stream: TextIO, text: str) -> None:
        if text:
            stream.write(self._veiled(text if text.endswith("\n") else text + "\n"))
            stream.flush()

    def _veiled(self, text: str) -> str:
        for veil in self._veils:
            text = veil(text)
        return text


class _VeiledStream(io.TextIOBase, TextIO):
    """A stream whose every write passes through the veils."""

    def __init__(self, stream: TextIO, veil: Callable[[str], str]) -> None:
        self._stream = stream
        self._veil = veil

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self._stream.encoding

    def write(self, text: str) -> int:
        return self._stream.write(self._veil(text))

    def flush(self) -> None:
        self._stream.flush()

    def fileno(self) -> int:
        return self._stream.fileno()

    def isatty(self) -> bool:
        return self._stream.isatty()
