"""The user's home folder, and `~` in paths that no shell expands: in a variable, or after ``--out=``."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from halo_iac.errors import UsageError

_PATHS: Final = ("HALO_FILE", "HALO_SANDBOX", "INF_CONFIG_DIR")
"""Environment variables with a path; a shell does not expand ``~`` in an env file."""


def home_folder() -> Path:
    """Return the user's home folder; an empty place if the user has none."""
    try:
        return Path.home()
    except RuntimeError:
        return Path(os.devnull)


def expand_home(path: str, name: str) -> str:
    """Return a path with ``~`` at its beginning replaced by the home folder, as a shell does.

    Raises :class:`~halo_iac.errors.UsageError`, which names ``name``, if that home does not exist: a folder named
    ``~`` is not meant, nor is ``/`` if ``HOME`` is empty.
    """
    if not path.startswith("~"):
        return path
    expanded = os.path.expanduser(path)  # noqa: PTH111 - Path's raises where there is no home
    user = path.partition("/")[0]
    if user == "~" and os.environ.get("HOME") == "":
        raise UsageError(
            f"{name} {path}: HOME is empty, so `~` cannot be expanded", hint="set HOME, or name the folder"
        )
    if expanded.startswith("~"):
        hint = f"name the folder, or write ./{path} if its name begins so"
        raise UsageError(f"{name} {path}: no user has the home folder `{user}`", hint=hint)
    return expanded


def with_home_expanded(env: Mapping[str, str]) -> Mapping[str, str]:
    """Return an environment with ``~`` expanded where possible; :func:`check_paths` raises where it is not."""
    if not any("~" in env.get(name, "") for name in _PATHS):
        return env
    expanded = dict(env)
    for name in _PATHS:
        with suppress(UsageError):
            expanded[name] = expand_home(env.get(name, "").strip(), name)
    return expanded


def check_paths(env: Mapping[str, str]) -> None:
    """Raise :class:`~halo_iac.errors.UsageError` if a variable names a path in a home that does not exist."""
    for name in _PATHS:
        expand_home(env.get(name, "").strip(), name)
