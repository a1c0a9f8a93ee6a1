"""The options that name the project file and the platform, and how printed commands repeat them.

See docs/cli.md#printed-commands.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from halo_iac.cli.project_files.options import split_files
from halo_iac.hints import Command
from halo_iac.text import escape_control

_FILE_ONLY: Final = frozenset({"init", "preview", "rename", "validate"})
"""Commands that work on files alone."""
_SEVERAL: Final = frozenset({"apply", "drift", "page", "plan", "preview", "validate"})
"""Commands that take several project files."""
_ELSEWHERE: Final = frozenset({"sandbox", "schema"})
"""Commands that name their target in another way, or have none."""


class TargetOptions(NamedTuple):
    """The options that name the project file and the platform.

    ``files`` are the arguments of ``-f`` of a command that takes several project files
    (:mod:`halo_iac.cli.project_files.several`); ``file`` is the file of any other command, or the one being
    processed.
    """

    file: str | None = None
    project: str | None = None
    team: str | None = None
    sandbox: bool = False
    sandbox_file: str | None = None
    checkout: str | None = None
    files: tuple[str, ...] = ()

    def with_files(self, words: Sequence[str] | None) -> TargetOptions:
        """Return these options with the arguments of ``-f``: one, or several of a command that takes several files."""
        file, files = (words, ()) if isinstance(words, str) else split_files(words)
        return self._replace(file=file, files=files)

    def format_command(self, command: Command) -> str:
        """Return a command on one line, which works on the same files and platform unless it names others."""
        return escape_control(shlex.join(("halo", *command.words, *self._flags(command))))

    def _flags(self, command: Command) -> list[str]:
        name, given = command.words[0], command.words
        if name in _ELSEWHERE:
            return []
        is_list = bool(self.files) and name in _SEVERAL
        files = self.files if is_list else (self.file,)
        wanted = {"--checkout": None if name == "init" else self.checkout}
        if name not in _FILE_ONLY:
            project = None if is_list else self.project  # each file of a list has its own `project:`
            wanted |= {"--project": project, "--team": self.team, "--sandbox-file": self.sandbox_file}
        flags = [word for file in files if file and "--file" not in given for word in ("--file", file)]
        flags += [word for flag, value in wanted.items() if value and flag not in given for word in (flag, value)]
        is_sandbox = self.sandbox and name not in _FILE_ONLY and "--sandbox" not in given
        return [*flags, "--sandbox"] if is_sandbox else flags


def policy_flags(protect: Iterable[str] | None, undeclared: str | None) -> list[str]:
    """Return the options that tighten the policy, for printed commands, which could otherwise do more."""
    globs = [word for glob in protect or () for word in ("--protect", glob)]
    return [*globs, *(["--undeclared", undeclared] if undeclared else ())]
