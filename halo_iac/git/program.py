"""The ``git`` program, run so that the content of a branch cannot affect it (docs/security.md#git).

A branch may contain a repository, files named like git's configuration, and programs named like those that git calls.
So git runs in the folder with ``.git`` and uses that repository only, whatever the environment says, and a
configuration inside the checkout is refused. The content of ``.git`` itself was written when the clone was made, and is
trusted.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Final

from halo_iac.checkout import find_outermost_checkout, may_be_committed
from halo_iac.errors import GitError, SettingsError
from halo_iac.paths import resolve_path

TIMEOUT_SECONDS: Final = 120
"""The most seconds for one call; only calls of a remote take more than a moment."""

_OURS: Final = ("INF_", "HALO_")
_BY_CI: Final = ("GIT_CONFIG_COUNT", "GIT_CONFIG_PARAMETERS")
"""Variables of git that are kept, since CI sets ``safe.directory`` through them. Git sets the others for its
hooks, and they name the hook's repository."""
_ENVIRONMENT: Final = {
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_LITERAL_PATHSPECS": "0",
    "GIT_GLOB_PATHSPECS": "0",
    "GIT_NOGLOB_PATHSPECS": "0",
    "LC_ALL": "C",
}
_PROTOCOLS: Final = ("https", "http", "ssh", "file")
_SETTINGS: Final = ("safe.bareRepository=explicit", "core.fsmonitor=false", "core.hooksPath=/dev/null")
_OUTSIDE: Final = "set HOME, XDG_CONFIG_HOME, GIT_CONFIG_GLOBAL and `include.path` to paths outside the checkout"


class Git:
    """Git in one checkout, with its ``settings``: every key and value in git's order.

    Every method raises :class:`~halo_iac.errors.GitError` if there is no git, or no repository that it may use. A
    configuration of git inside the checkout is a :class:`~halo_iac.errors.SettingsError`.
    """

    def __init__(self, checkout: Path, env: Mapping[str, str]) -> None:
        self._untrusted = find_outermost_checkout(checkout)
        refuse_configuration_in(self._untrusted, env)
        self._program = find_program(env)
        self._checkout = checkout
        self._env = _build_environment({name: env[name] for name in env if not name.startswith("GIT_")})
        of_repository = self.run("rev-parse", "--local-env-vars").split()
        self._env = _build_environment({name: env[name] for name in env if name in _BY_CI or name not in of_repository})
        self.top, folders = self._find_repository()
        self.settings = self._read_settings(folders)

    def run(self, *words: str, failing: str | None = None) -> str:
        """Return the output of git without its last line break; ``failing`` begins the message of an error."""
        return self.run_bytes(*words, failing=failing).decode("utf-8", "surrogateescape").strip("\n")

    def run_bytes(self, *words: str, failing: str | None = None) -> bytes:
        """Return the output as bytes."""
        completed = self.call(*words)
        if completed.returncode != 0:
            raise git_error(failing or f"`git {words[0]}` failed", completed.stderr)
        return completed.stdout

    def call(self, *words: str) -> subprocess.CompletedProcess[bytes]:
        """Return the exit code and the output of git."""
        try:
            return subprocess.run(  # noqa: S603 - our own words, and refs behind --end-of-options
                self._command(words),
                cwd=self._checkout,
                env=self._env,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=TIMEOUT_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise GitError(f"`git {words[0]}` did not finish within {TIMEOUT_SECONDS} s", hint="try again") from None
        except OSError as error:
            raise _cannot_run_error(error) from None

    def start(self, *words: str, errors: IO[bytes]) -> subprocess.Popen[bytes]:
        """Return a running process of git with pipes to it; its standard error goes to the file ``errors``.

        Unlike a call, it may fetch an object that a partial clone lacks.
        """
        try:
            return subprocess.Popen(  # noqa: S603 - as above
                self._command(words),
                cwd=self._checkout,
                env={**self._env, "GIT_NO_LAZY_FETCH": "0"},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
            )
        except OSError as error:
            raise _cannot_run_error(error) from None

    def _command(self, words: Sequence[str]) -> list[str]:
        settings = [word for setting in _SETTINGS for word in ("-c", setting)]  # these come last, so they win
        return [self._program, "--no-pager", *settings, *words]

    def _find_repository(self) -> tuple[Path, tuple[Path, ...]]:
        """Return the top of the working tree and the folders of its repository; refuses any other repository.

        If ``.git`` is damaged, git would use the checkout as a bare repository, or a repository in a parent folder.
        """
        place = self._checkout / ".git"
        asked = ("--resolve-git-dir", str(place), "--absolute-git-dir", "--git-common-dir", "--show-toplevel")
        lines = self.run("rev-parse", *asked, failing=f"git cannot use {place}").split("\n")
        if len(lines) != len(asked) - 1:
            raise GitError(f"{self._checkout} has a line break in its path", hint="check it out in another folder")
        named, used, common, top = (resolve_path(self._checkout / line) for line in lines)
        if named != used:
            raise GitError(f"git uses the repository {used} instead of {place}", hint="clone the repository again")
        return top, (used, common)

    def _read_settings(self, folders: tuple[Path, ...]) -> tuple[tuple[str, str], ...]:
        """Return git's settings; refuses a file with settings that a branch may contain, since some name programs."""
        words = self.run("config", "--list", "--show-origin", "-z").split("\0")
        for origin in dict.fromkeys(words[:-1:2]):
            path = self._checkout / origin.removeprefix("file:")
            is_own = any(resolve_path(path).is_relative_to(folder) for folder in folders)
            if origin.startswith("file:") and not is_own:
                _refuse_if_committed(path, self._untrusted)
        pairs = (word.partition("\n") for word in words[1::2])
        return tuple((key, value) for key, _, value in pairs)


def _cannot_run_error(error: OSError) -> GitError:
    return GitError(f"git cannot be run: {error.strerror}", hint="check that git is installed")


def refuse_configuration_in(checkout: Path, env: Mapping[str, str]) -> None:
    """Raise :class:`~halo_iac.errors.SettingsError` where git's global or system configuration lies in the checkout.

    No git is run: it would act on some settings, such as where its trace goes, before it does anything else.
    """
    home = env.get("HOME")
    folder = env.get("XDG_CONFIG_HOME") or (f"{home}/.config" if home else None)
    files = [f"{home}/.gitconfig" if home else None, f"{folder}/git/config" if folder else None]
    if "GIT_CONFIG_GLOBAL" in env:  # git reads it instead of the others
        files = [env["GIT_CONFIG_GLOBAL"]]
    for path in (checkout / name for name in (*files, env.get("GIT_CONFIG_SYSTEM")) if name):
        if os.path.lexists(path):
            _refuse_if_committed(path, checkout)


def _refuse_if_committed(path: Path, checkout: Path) -> None:
    if may_be_committed(path, checkout):
        message = f"git's configuration in {path} is not used: it is inside the checkout {checkout}"
        raise SettingsError(message, hint=_OUTSIDE)


def git_error(what: str, errors: bytes, hint: str | None = None) -> GitError:
    """Return the error for a failed call, with git's own message."""
    lines = (line.strip().removeprefix("fatal: ") for line in errors.decode("utf-8", "replace").splitlines())
    first, *others = [*filter(None, lines)] or [""]
    return GitError(f"{what}: {first}" if first else what, hint="\n".join(others) or hint)


def find_program(env: Mapping[str, str]) -> str:
    """Return the path of git; a relative folder in PATH is refused, since it could be in the checkout."""
    found = shutil.which("git", path=env.get("PATH"))
    if found is None:
        raise GitError("git was not found on PATH", hint="install git, or omit the option that needs it")
    if not Path(found).is_absolute():
        raise GitError(f"git on PATH is {found}, a relative path", hint="use absolute folders in PATH")
    return found


def _build_environment(env: Mapping[str, str]) -> dict[str, str]:
    """Return the environment for git, without halo's keys and without programs inside a checkout."""
    kept = {name: value for name, value in env.items() if not name.startswith(_OURS)}
    if "PATH" in kept:  # git looks there for ssh and for helpers, from the top of the checkout
        folders = kept["PATH"].split(os.pathsep)
        kept["PATH"] = os.pathsep.join(folder for folder in folders if Path(folder).is_absolute())
    permitted = kept.get("GIT_ALLOW_PROTOCOL", ":".join(_PROTOCOLS)).split(":")
    protocols = ":".join(name for name in _PROTOCOLS if name in permitted)
    return kept | _ENVIRONMENT | {"GIT_ALLOW_PROTOCOL": protocols}
