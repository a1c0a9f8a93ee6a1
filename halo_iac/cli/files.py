"""Files that commands read and write besides the project: whole or not at all, with clear errors (design §10)."""

from __future__ import annotations

import os
from pathlib import Path

from halo_iac.errors import FileError


def read_bytes(path: Path, limit: int) -> bytes:
    """Return a file's content; a clear error instead of the operating system's, or of a file over ``limit`` bytes."""
    content = read_start(path, limit + 1)
    if len(content) > limit:
        raise FileError(f"{path}: larger than {limit // 1024 // 1024} MiB", hint="is it the right file?")
    return content


def read_start(path: Path, length: int) -> bytes:
    """Return the first bytes of a file."""
    try:
        with path.open("rb") as file:
            return file.read(length)
    except FileNotFoundError:
        raise FileError(f"{path}: no such file", hint="check the path") from None
    except OSError as error:
        raise FileError(f"{path}: {error.strerror}", hint="check the path and its permissions") from None


def write_atomically(path: Path, text: str, *, mode: int = 0o666) -> None:
    """Write a whole file or nothing: a temporary file beside it takes its place, at the end of a link as well."""
    import tempfile

    path, named = path.resolve(), path
    if path.exists() and not path.is_file():
        kind = "a directory" if path.is_dir() else "not a regular file"
        raise FileError(f"{named}: {kind}", hint="name a file")
    try:
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        temporary = Path(name)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
                file.write(text)
            umask = os.umask(0)
            os.umask(umask)
            temporary.chmod(mode & ~umask)
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise FileError(f"{named}: {error.strerror}", hint="check the folder and its permissions") from None
