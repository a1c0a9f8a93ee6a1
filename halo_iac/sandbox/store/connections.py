"""The file, and the connections to it."""

from __future__ import annotations

import errno
import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from halo_iac.private import PRIVATE_FOLDER, close_to_others, make_private
from halo_iac.sandbox.protocol import SandboxError, Trouble
from halo_iac.sandbox.store.schema import STEPS, version_of
from halo_iac.sandbox.store.tables import Tables

_TROUBLES: Final = {
    sqlite3.SQLITE_NOTADB: Trouble.CONTENT,
    sqlite3.SQLITE_CORRUPT: Trouble.CONTENT,
    sqlite3.SQLITE_FULL: Trouble.SPACE,
    sqlite3.SQLITE_IOERR: Trouble.SPACE,  # said as well where there is no room for what connections share
    sqlite3.SQLITE_CANTOPEN: Trouble.ACCESS,
    sqlite3.SQLITE_PERM: Trouble.ACCESS,
    sqlite3.SQLITE_READONLY: Trouble.ACCESS,
}
_FULL: Final = {errno.ENOSPC, errno.EDQUOT}


class Store:
    """The file, and the connections to it: one a thread at work, kept for the next."""

    def __init__(self, path: Path | None) -> None:
        """Open a file, or with ``None`` a store that lives only in memory."""
        self._path = path
        self._idle: list[sqlite3.Connection] = []
        self._guard = threading.Lock()
        # A database in memory belongs to its one connection, so its callers take turns.
        self._turns = threading.BoundedSemaphore(1 if path is None else 64)
        self._is_closed = False
        if path is not None:
            _make_place(path)
        try:
            with said_plainly(path), self._borrowed() as connection:
                _prepare(connection, path)
        except BaseException:
            self.close()  # nobody else has it to close
            raise

    @contextmanager
    def reading(self) -> Iterator[Tables]:
        """Give the tables as they are at one moment."""
        with said_plainly(self._path), self._borrowed() as connection, _transaction(connection, "DEFERRED"):
            yield Tables(connection)

    @contextmanager
    def writing(self) -> Iterator[Tables]:
        """Give the tables to change; one at a time, and nothing of it remains if the block raises."""
        with said_plainly(self._path), self._borrowed() as connection, _transaction(connection, "IMMEDIATE"):
            yield Tables(connection)

    def close(self) -> None:
        """Close what is idle now, and what is still at work when it is done."""
        with self._guard:
            self._is_closed = True
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    @contextmanager
    def _borrowed(self) -> Iterator[sqlite3.Connection]:
        with self._turns:
            with self._guard:
                if self._is_closed:
                    raise SandboxError("The sandbox is closed.")
                connection = self._idle.pop() if self._idle else None
            connection = connection or _connected(self._path)
            try:
                yield connection
            finally:
                with self._guard:
                    keep = not self._is_closed
                    if keep:
                        self._idle.append(connection)
                if not keep:
                    connection.close()


@contextmanager
def _transaction(connection: sqlite3.Connection, mode: str) -> Iterator[None]:
    connection.execute(f"BEGIN {mode}")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # SQLite itself ends one that the disk has no room for
            connection.execute("ROLLBACK")
        raise


@contextmanager
def said_plainly(path: Path | None) -> Iterator[None]:
    """Let what SQLite has to say go up as an error of the sandbox."""
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # without what SQLite adds to it in the higher bits
        message = f"{path or 'The sandbox in memory'}: SQLite says: {error}"
        raise SandboxError(message, _TROUBLES.get(code)) from error


def _connected(path: Path | None) -> sqlite3.Connection:
    name = ":memory:" if path is None else path
    connection = sqlite3.connect(name, timeout=30, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA foreign_keys = ON")
        # Losing the last moment to a power cut is no harm to a sandbox; a crash of the process loses nothing.
        connection.execute("PRAGMA synchronous = NORMAL")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection, path: Path | None) -> None:
    with _transaction(connection, "DEFERRED"):
        _known_version(connection, path)  # before the journal mode, which is written into the file
    connection.execute("PRAGMA journal_mode = WAL")
    with _transaction(connection, "IMMEDIATE"):
        version = _known_version(connection, path)
        for step in STEPS[version:]:
            for statement in step.split(";"):
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {len(STEPS)}")


def _known_version(connection: sqlite3.Connection, path: Path | None) -> int:
    version = version_of(connection)
    if version is None:
        raise SandboxError(f"{path} is a database of something else than a sandbox", Trouble.CONTENT)
    if version > len(STEPS):
        raise SandboxError(f"{path} is a sandbox of a later version of halo", Trouble.CONTENT)
    return version


def _make_place(path: Path) -> None:
    """Make the file and its folder; a folder named ``.halo`` is private and hides itself from git.

    See docs/security.md#files-written.

    Nothing in there may be a link: a checkout could lead with one to what is none of the sandbox's.
    """
    folder = path.parent
    is_ours = folder.name == PRIVATE_FOLDER
    for place in (folder, path) if is_ours else ():
        if place.is_symlink():
            raise SandboxError(f"{place}: a link, which is not followed; remove it")
    try:
        if is_ours:
            make_private(folder)
        else:
            folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        trouble = Trouble.SPACE if error.errno in _FULL else Trouble.ACCESS
        raise SandboxError(f"{folder}: the sandbox's folder cannot be made: {error.strerror}", trouble) from error
    with suppress(OSError):  # the file is there; or it cannot be made, and SQLite says why
        # Made before SQLite makes it, with the mode that its journals take over: they hold prompts as well.
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    if is_ours and path.is_file():
        with suppress(OSError):  # its folder is closed already
            close_to_others(path, 0o600)
