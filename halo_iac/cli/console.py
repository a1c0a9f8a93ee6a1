"""Standard streams: their style, prompts, and what is written to them (docs/cli.md#output)."""

from __future__ import annotations

import io
import os
import shutil
import stat
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, TextIO

from halo_iac.cli.home_folder import with_home_expanded
from halo_iac.cli.redaction import Redactor
from halo_iac.cli.signals import NOTHING_CHANGED
from halo_iac.errors import FileError, InterruptedRun
from halo_iac.hints import Command, format_hint, join_hints
from halo_iac.text import Document, neutralize_log_commands

if TYPE_CHECKING:
    from halo_iac.api.limits import RetryPolicy
    from halo_iac.errors import HaloError
    from halo_iac.render.style import Style

_FORCING: Final = ("FORCE_COLOR", "CLICOLOR_FORCE")
"""Environment variables that force colour without a terminal, as in a CI log; NO_COLOR takes precedence."""
_PLAIN_TERMINALS: Final = frozenset({"dumb", ""})
_RUNNERS: Final = (
    "CI",
    "GITHUB_ACTIONS",
    "GITEA_ACTIONS",
    "TF_BUILD",
    "TEAMCITY_VERSION",
    "BUILDKITE",
    "GITLAB_CI",
    "TRAVIS",
    "JENKINS_URL",
)
"""Environment variables that identify CI runners; not all of them set ``CI``."""


def utc_now() -> datetime:
    """Return the current instant; the only clock commands have."""
    return datetime.now(UTC)


class Console:
    """What a command gets from its process: streams, environment, clock, and its retry policy.

    Standard output is for results, standard error for narration and errors. ``wants_json`` and ``no_color`` are set by
    the command as soon as its options are known; errors look at them too.
    """

    def __init__(
        self,
        stdin: TextIO,
        stdout: TextIO,
        stderr: TextIO,
        env: Mapping[str, str],
        *,
        clock: Callable[[], datetime] = utc_now,
        retry_policy: RetryPolicy | None = None,
    ) -> None:
        self._stdin = stdin
        self._stdout = stdout
        self._stderr = stderr
        self.env = with_home_expanded(env)
        self.clock = clock
        self._retry_policy = retry_policy
        self.wants_json = False
        self.no_color = False
        self.format_command: Callable[[Command], str] = str
        """Returns a command ready to paste, with the options that name this command's project file and platform."""
        self.redactor = Redactor(self.env)
        self.final_error: Callable[[HaloError | None], HaloError] = _final_error
        """Returns the final error of a command, given the error that ended it; ``None`` for an interrupt.

        A command that changes the platform replaces it beforehand, to report what was written.
        """
        for stream in (stdin, stdout, stderr):
            if isinstance(stream, io.TextIOWrapper):
                # A character that the terminal's encoding lacks is written as an escape, instead of raising an error.
                stream.reconfigure(errors="backslashreplace")

    @classmethod
    def of_process(cls) -> Console:
        """Return the console of this process; output to a stream that the parent has closed is discarded."""
        nowhere = Path(os.devnull)
        return cls(
            sys.stdin or nowhere.open(encoding="utf-8"),
            sys.stdout or nowhere.open("w", encoding="utf-8"),
            sys.stderr or nowhere.open("w", encoding="utf-8"),
            os.environ,
        )

    def with_variables(self, env: Mapping[str, str]) -> Console:
        """Return a console with the same streams and clock, and another environment, for a command run by this one."""
        other = Console(self._stdin, self._stdout, self._stderr, env, clock=self.clock, retry_policy=self._retry_policy)
        other.redactor.add_all_of(self.redactor)
        return other

    @property
    def retry_policy(self) -> RetryPolicy:
        """Return the limits and retries of requests."""
        from halo_iac.api.limits import DEFAULT  # help makes no request

        return self._retry_policy or DEFAULT

    def prepare(
        self,
        *,
        json: bool,
        format: str = "text",
        no_color: bool = False,
        format_command: Callable[[Command], str] = str,
    ) -> bool:
        """Set the output options of a command; return whether its output is JSON."""
        self.format_command = format_command
        self.wants_json = json or format == "json"
        self.no_color = no_color
        return self.wants_json

    def redacted(self, text: str) -> str:
        """Return a text for any output, files included: with its commands ready to paste, and without keys."""
        return self.redactor.redact(format_hint(text, self.format_command))

    def print(self, text: str, *, redact: bool = True) -> None:
        """Write a result; a missing final newline is added. Only the sandbox's own key is not redacted."""
        with _reporting_failed_output():
            self._write(self._stdout, self.redacted(text) if redact else text)

    def print_parts(self, parts: Iterable[str]) -> None:
        """Write a result in parts, each as soon as it is made, so that a long result is not held in memory."""
        with _reporting_failed_output():
            for part in parts:
                self._stdout.write(_without_log_commands(self.redacted(part)))
            self._stdout.flush()

    def write_raw(self, text: str) -> None:
        """Write a result to a file or pipe unchanged, in UTF-8 in any locale, without adding a newline."""
        buffer = getattr(self._stdout, "buffer", None)
        with _reporting_failed_output():
            self._stdout.flush()
            if buffer is None:
                self._stdout.write(self.redacted(text))
            else:
                buffer.write(self.redacted(text).encode("utf-8", "backslashreplace"))
            self._stdout.flush()

    def log(self, text: str) -> None:
        """Write a progress message; with ``--json`` only to a terminal, so that a pipe gets only errors."""
        if not self.wants_json or self._stderr.isatty():
            self.print_error_text(text)

    def warn(self, message: str, hint: str) -> None:
        """Write a warning about a result; as JSON with ``--json``."""
        if self.wants_json:
            from halo_iac.render.json import document

            warning = {"message": message, "hint": format_hint(hint, self.format_command)}
            self.print_error_text(document({"warning": warning}))
        else:
            lines = (f"warning: {message}", join_hints("", ("hint: ", hint)))
            self.print_error_text("\n".join(map(self.err_style.safe, lines)))

    def print_error_text(self, text: str) -> None:
        """Write an error; a missing final newline is added. If the stream is closed, only the exit code remains."""
        with suppress(OSError):
            self._write(self._stderr, self.redacted(text))

    def print_error(self, error: HaloError, *, exit_code: int | None = None) -> None:
        """Write an error, as JSON with ``--json``; ``exit_code`` is the process's if it differs from the error's."""
        from halo_iac.render.formats import RenderContext, ReviewFormat, open_view

        error.exit_code = error.exit_code if exit_code is None else exit_code
        format_ = ReviewFormat.JSON if self.wants_json else ReviewFormat.TEXT
        self.print_error_text(open_view(format_, RenderContext(self.err_style)).error(error))

    @contextmanager
    def after(self, done: str) -> Iterator[None]:
        """Within the block, begin the hint of an error of standard output with what was ``done`` before it."""
        try:
            yield
        except FileError as error:
            raise FileError(error.message, hint=join_hints(" before this error; ", (done, error.hint))) from None

    @property
    def log_stream(self) -> TextIO:
        """Return standard error for displays that redraw lines; what is written there is redacted as well."""
        return _RedactingStream(self._stderr, self.redacted)

    def confirms(self, question: str) -> bool:
        """Ask a question on the terminal and return whether the answer is ``yes``.

        The answer is typed on its own line, since a question with a path or address may be wider than the screen.
        """
        return (self.read_answer(f"{question}?\nOnly `yes` is accepted: ") or "").lower() == "yes"

    def read_answer(self, question: str) -> str | None:
        """Ask on the terminal and return the answer, trimmed; ``None`` at the end of input."""
        self._stderr.write(neutralize_log_commands(self.redacted(question)))
        self._stderr.flush()
        try:
            line = self._stdin.readline()
        except KeyboardInterrupt:
            self._stderr.write("\n")  # the next output begins on a new line
            raise
        return line.strip() if line else None

    def stdin_bytes(self) -> BinaryIO:
        """Return standard input as bytes."""
        return getattr(self._stdin, "buffer", None) or io.BytesIO(self._stdin.read().encode())

    @property
    def is_interactive(self) -> bool:
        """Return whether questions can be asked."""
        return self._stdin.isatty() and self._stderr.isatty()

    @property
    def height(self) -> int:
        """Return how many lines the terminal shows at once."""
        return shutil.get_terminal_size().lines

    @property
    def out_is_terminal(self) -> bool:
        """Return whether results go to a terminal."""
        return self._stdout.isatty()

    @property
    def out_is_log(self) -> bool:
        """Return whether results go to the log of a CI runner, which executes some lines as commands; not to a file."""
        if not any(map(self.env.get, _RUNNERS)):
            return False
        try:
            return not stat.S_ISREG(os.fstat(self._stdout.fileno()).st_mode)
        except OSError:
            return True  # a stream in memory

    @property
    def shows_progress(self) -> bool:
        """Return whether narration goes to a terminal, where lines may be redrawn."""
        return self._stderr.isatty() and self.env.get("TERM", "") not in _PLAIN_TERMINALS

    @property
    def out_style(self) -> Style:
        """Return the style that standard output can show."""
        return self._style(self._stdout)

    @property
    def err_style(self) -> Style:
        """Return the style that standard error can show."""
        return self._style(self._stderr)

    def _style(self, stream: TextIO) -> Style:
        from halo_iac.render.style import Style

        is_terminal = stream.isatty()
        is_forced = any(self.env.get(name, "").lower() not in {"", "0", "false"} for name in _FORCING)
        is_wanted = is_forced or (is_terminal and self.env.get("TERM", "") not in _PLAIN_TERMINALS)
        encoding = (getattr(stream, "encoding", None) or "ascii").lower().replace("-", "")
        return Style(
            colour=is_wanted and not self.no_color and not self.env.get("NO_COLOR"),
            unicode=encoding.startswith("utf"),
            width=shutil.get_terminal_size().columns if is_terminal else None,
            format_command=self.format_command,
        )

    @staticmethod
    def _write(stream: TextIO, text: str) -> None:
        if text:
            shown = _without_log_commands(text)
            stream.write(shown if shown.endswith("\n") else shown + "\n")
            stream.flush()


def _final_error(error: HaloError | None) -> HaloError:
    return error or InterruptedRun(NOTHING_CHANGED)


def _without_log_commands(text: str) -> str:
    """Return a text in which a CI runner finds no commands; a document has none, and has to stay valid."""
    return text if isinstance(text, Document) else neutralize_log_commands(text)


@contextmanager
def _reporting_failed_output() -> Iterator[None]:
    """Within the block, raise :class:`~halo_iac.errors.FileError` if standard output fails; not for a closed pipe."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise FileError(f"standard output: {error.strerror}", hint="the output is incomplete") from None


class _RedactingStream(io.TextIOBase, TextIO):
    """A stream that redacts every write."""

    def __init__(self, stream: TextIO, redact: Callable[[str], str]) -> None:
        self._stream = stream
        self._redact = redact

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self._stream.encoding

    def write(self, text: str) -> int:
        with suppress(OSError):  # the terminal was closed: the command continues, and its exit code tells the outcome
            self._stream.write(neutralize_log_commands(self._redact(text)))
        return len(text)

    def flush(self) -> None:
        if not self._stream.closed:  # as when this object is collected after the stream that it wraps
            with suppress(OSError):
                self._stream.flush()

    def fileno(self) -> int:
        return self._stream.fileno()

    def isatty(self) -> bool:
        return self._stream.isatty()
