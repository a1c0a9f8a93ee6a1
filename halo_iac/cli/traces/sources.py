"""The files of traces that arguments name: paths, folders, globs, and ``-`` for standard input."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from glob import glob
from pathlib import Path
from typing import Final

from halo_iac.cli.project_files.options import is_glob
from halo_iac.errors import FileError, UsageError

STDIN: Final = "-"
_ENDINGS: Final = (".json", ".jsonl", ".ndjson")


def find_traces(words: Sequence[str]) -> list[str]:
    """Return the files that the words name, each once, in the order of the words; those of a folder or glob by name.

    Raises :class:`~halo_iac.errors.FileError` for a folder or a glob without files. A named file may be unreadable.
    """
    found: dict[object, str] = {}
    for word in words:
        if not word.strip():
            raise UsageError("FILE is empty", hint="name a file, a folder or a glob, or - for standard input")
        named = list(_files_of(word))
        if not named:
            hint = f"name the files, or let their names end in {', '.join(_ENDINGS)}, or one of these and .gz"
            raise FileError(f"{word}: no trace files {'match' if is_glob(word) else 'in this folder'}", hint=hint)
        for name in named:
            found.setdefault(_identity(name), name)
    return list(found.values())


def _files_of(word: str) -> Iterator[str]:
    if word == STDIN:
        yield word
    elif Path(word).is_dir():
        yield from _files_below(word)
    elif is_glob(word) and not Path(word).exists():
        for match in sorted(glob(word, recursive=True)):  # noqa: PTH207 - the words of the shell, which may be absolute
            yield from _files_below(match) if Path(match).is_dir() else [match]
    else:
        yield word


def _files_below(folder: str) -> Iterator[str]:
    """Yield the trace files in a folder and its subfolders, by file name extension; hidden ones are left out."""
    for path, folders, names in os.walk(folder):
        folders[:] = sorted(each for each in folders if not each.startswith("."))
        for name in sorted(names):
            if name.lower().removesuffix(".gz").endswith(_ENDINGS) and not name.startswith("."):
                yield str(Path(path) / name)


def _identity(name: str) -> object:
    try:
        held = Path(name).stat()
    except OSError:
        return name
    return held.st_dev, held.st_ino
