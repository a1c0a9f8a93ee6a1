"""Reads and writes files outside the project: atomically, with clear errors.

See docs/security.md#files-written.
"""

from __future__ import annotations

import errno
import os
import stat
import tempfile
from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from halo_iac.errors import FileError
from halo_iac.paths import resolve_path

_FULL: Final = {errno.ENOSPC, errno.EDQUOT}


def read_bytes(path: Path, limit: int, *, takes_pipe: bool = False) -> bytes:
    """Return a file's content; raises a clear error if it cannot be read or is over ``limit`` bytes."""
    content = read_start(path, limit + 1, takes_pipe=takes_pipe)
    if len(content) > limit:
        raise FileError(f"{path}: larger than {limit // 1024 // 1024} MiB", hint="check that it is the right file")
    return content


def read_start(path: Path, length: int, *, takes_pipe: bool = False) -> bytes:
    """Return the first bytes of a file; ``takes_pipe`` allows a pipe or device, which may be endless."""
    try:
        mode = path.stat().st_mode
        if not (stat.S_ISREG(mode) or (takes_pipe and not stat.S_ISDIR(mode))):
            raise not_a_file_error(path)
        with path.open("rb") as file:
            return file.read(length)
    except FileNotFoundError:
        raise FileError(f"{path}: no such file", hint="check the path") from None
    except OSError as error:
        raise FileError(f"{path}: {error.strerror}", hint="check the path and its permissions") from None


def not_a_file_error(path: Path) -> FileError:
    """Return the error for a path that is not a regular file."""
    return FileError(
        f"{path}: {'a directory' if path.is_dir() else 'not a regular file'}", hint="use the path of a file"
    )


def write_atomically(path: Path, text: str | Iterable[str], *, mode: int = 0o666, is_exact_mode: bool = False) -> None:
    """Write a whole file or nothing: a temporary file next to it is renamed over it; links are followed.

    A long text may come in parts. Unless ``is_exact_mode``, the process's umask applies to the mode, as for any new
    file.
    """
    path, named = resolve_path(path), path
    if path.exists() and not path.is_file():
        raise not_a_file_error(named)
    with _as_file_errors(named), _temp_sibling(path, text, mode) as temporary:
        if is_exact_mode:
            temporary.chmod(mode)
        temporary.replace(path)


def write_new(path: Path, text: str) -> bool:
    """Write a whole new file and return whether it did; an existing file is left unchanged."""
    with _as_file_errors(path), _temp_sibling(path, text, 0o666) as temporary:
        try:
            os.link(temporary, path)
        except FileExistsError:
            return False
        except OSError:  # a file system without hard links
            if path.exists() or path.is_symlink():
                return False
            temporary.replace(path)
    return True


def check_replaceable(path: Path) -> None:
    """Raise for a read-only file: replacing it by a rename would only need write access to its folder."""
    if not (os.access(path, os.W_OK) and path.stat().st_mode & 0o222):
        raise FileError(f"{path}: read-only", hint="make the file writable")


def replace_unchanged(path: Path, before: bytes, text: str) -> None:
    """Replace a file's text, which was ``before`` when it was read; raises an error if it has changed since.

    A byte order mark is kept.

    :func:`~halo_iac.storage.file_lock.folder_lock` keeps other commands from writing between the check and the rename.
    """
    if read_start(path, len(before) + 1) != before:
        raise FileError(f"{path} changed in the meantime; it was not overwritten", hint="run the command again")
    check_replaceable(path)
    mark = "\ufeff" if before.startswith(BOM_UTF8) else ""
    write_atomically(path, mark + text, mode=path.stat().st_mode & 0o7777, is_exact_mode=True)


@contextmanager
def new_files(texts: Mapping[Path, str]) -> Iterator[None]:
    """Write new files; if the block raises, they and the folders made for them are removed."""
    with ExitStack() as cleanup:
        for path, text in texts.items():
            if not path.parent.exists():
                with _as_file_errors(path):
                    path.parent.mkdir()
                cleanup.callback(path.parent.rmdir)
            if not write_new(path, text):
                raise FileError(
                    f"{path} was created in the meantime; it was not overwritten", hint="run the command again"
                )
            cleanup.callback(path.unlink)
        yield
        cleanup.pop_all()


def check_writable(folder: Path) -> None:
    """Create a folder if needed, and raise unless files can be written into it: called before any work is done."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        hint = _choose_hint(error, "use another folder, or check its permissions")
        reason = f"{folder}: the folder cannot be written to: {error.strerror}"
        raise FileError(reason, hint=f"{hint}; nothing was started") from None


@contextmanager
def _as_file_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        hint = _choose_hint(error, "check the folder and its permissions")
        raise FileError(f"{path}: {error.strerror}", hint=hint) from None


def _choose_hint(error: OSError, otherwise: str) -> str:
    return "free space on its disk, or write to another one" if error.errno in _FULL else otherwise


@contextmanager
def _temp_sibling(path: Path, text: str | Iterable[str], mode: int) -> Iterator[Path]:
    """Yield a temporary file with the text, next to its destination; it is removed on exit if still there."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:64]}.")
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
            file.writelines([text] if isinstance(text, str) else text)
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(mode & ~umask)
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)
