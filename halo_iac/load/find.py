"""Where the project file is (docs/semantics.md#finding-the-file)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from halo_iac.checkout import owner
from halo_iac.errors import Problem, ProjectNotFound

FILE_NAME: Final = "halo.yaml"
HOW_TO_START: Final = "run `halo init` or `halo import`"


def find_project(start: Path, named: str | None, *, home: Path | None = None) -> Path:
    """Return the path of the project file: the named one, or ``halo.yaml`` in ``start`` or above.

    ``home`` is where the search stops at the latest; the user's own by default.
    """
    if named is not None:
        path = start / named
        if not path.exists():
            raise ProjectNotFound([Problem(named, 0, 0, "no such file")], hint=HOW_TO_START)
        return path
    for folder in _searched(start.absolute(), home if home is not None else _home()):
        path = folder / FILE_NAME
        if path.exists():
            return path
    message = "no such file here, nor in a folder above"
    raise ProjectNotFound([Problem(FILE_NAME, 0, 0, message)], hint=HOW_TO_START)


def _searched(start: Path, home: Path | None) -> Iterator[Path]:
    """Yield the folders to look into, nearest first: up to the repository's root or home, never another owner's."""
    owned_by = owner(start)
    for folder in (start, *start.parents):
        if owner(folder) != owned_by:
            return
        yield folder
        if folder == home or (folder / ".git").exists():
            return


def _home() -> Path | None:
    try:
        return Path.home()
    except RuntimeError:  # a user without one, as containers have them
        return None
