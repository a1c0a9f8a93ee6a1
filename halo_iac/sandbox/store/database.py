"""The sandbox's database file and the connections to it."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from functools import cache
from pathlib import Path
from typing import Final
from urllib.parse import quote

from halo_iac.sandbox.protocol import SandboxError, ServerFailure
from halo_iac.sandbox.store.new_file import create_file
from halo_iac.sandbox.store.schema import MIGRATIONS
from halo_iac.sandbox.store.span_bodies import add_functions
from halo_iac.sandbox.store.tables import Tables

# What is neither a number nor a text is asked whether it can be adapted, unless it is said how: to find out that a NULL
# cannot takes longer than to store five texts.
sqlite3.register_adapter(type(None), lambda null: null)
sqlite3.register_adapter(bool, int)
sqlite3.register_adapter(bytes, bytes)

_Objects = frozenset[tuple[str, str, str, str]]


def read_version(connection: sqlite3.Connection) -> int | None:
    """Return a sandbox's schema version, 0 for an empty database, ``None`` for a database of another program.

    Every object in the database, by name and definition, has to be a sandbox's own: a view in the place of a table
    could have endless rows, and a trigger could do anything. Of a later version only the names of the first tables are
    known. Call it in a transaction: another process may be creating the tables.
    """
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    found = _objects(connection)
    if version > len(MIGRATIONS):
        return version if _names(found) >= _names(_expected(1)) else None
    return version if version >= 0 and found == _expected(version) else None


@cache
def _expected(version: int) -> _Objects:
    """Return the objects of a sandbox's database of a version."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        if version == len(MIGRATIONS):  # of most files, and a new one is a copy of it anyway
            connection.deserialize(_empty_sandbox())
        else:
            _migrate(connection, MIGRATIONS[:version])
        return _objects(connection)


def _names(objects: _Objects) -> set[str]:
    return {name for _, name, _, _ in objects}


def _objects(connection: sqlite3.Connection) -> _Objects:
    """Return type, name, table and definition of every object except the statistics of ``ANALYZE``."""
    rows = connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_master").fetchall()
    return frozenset(
        (type_, name, table, " ".join((sql or "").split()))
        for type_, name, table, sql in rows
        if not (type_ == "table" and name.startswith("sqlite_stat"))
    )


_FAILURES: Final = {
    sqlite3.SQLITE_NOTADB: ServerFailure.CONTENT,
    sqlite3.SQLITE_CORRUPT: ServerFailure.CONTENT,
    sqlite3.SQLITE_FULL: ServerFailure.SPACE,
    sqlite3.SQLITE_IOERR: ServerFailure.SPACE,  # also raised if there is no room for the shared memory of connections
    sqlite3.SQLITE_CANTOPEN: ServerFailure.ACCESS,
    sqlite3.SQLITE_PERM: ServerFailure.ACCESS,
    sqlite3.SQLITE_READONLY: ServerFailure.ACCESS,
}
_PAGE_SIZE: Final = "PRAGMA page_size = 16384"
"""Of a new file: with 4 KiB, spans of a kilobyte would leave a fifth unused."""
_WRITE_AHEAD: Final = 2
"""The version of the format of a file with a write-ahead log."""
_LOCK_SECONDS: Final = 30.0
"""How long to wait for another connection's lock."""


class Store:
    """The database file and its connections: one per active thread, kept for reuse."""

    def __init__(self, path: Path | None) -> None:
        """Open a file, or with ``None`` an in-memory store."""
        self._path = path
        self._idle: list[sqlite3.Connection] = []
        self._guard = threading.Lock()
        # An in-memory database belongs to its one connection, so its callers take turns.
        self._turns = threading.BoundedSemaphore(1 if path is None else 64)
        self._is_closed = False
        if path is not None:
            create_file(path, _empty_file)
        try:
            with translate_sqlite_errors(path), self._connection_lease() as connection:
                _prepare(connection, path)
        except BaseException:
            self.close()  # the caller never gets it
            raise

    def reading(self) -> AbstractContextManager[Tables]:
        """Return a read transaction, which yields the tables."""
        return self._tables("DEFERRED")

    def writing(self) -> AbstractContextManager[Tables]:
        """Return a write transaction, which yields the tables; one at a time, rolled back if the block raises."""
        return self._tables("IMMEDIATE")

    @contextmanager
    def _tables(self, mode: str) -> Iterator[Tables]:
        with (
            translate_sqlite_errors(self._path),
            self._connection_lease() as connection,
            _transaction(connection, mode),
        ):
            yield Tables(connection)

    def close(self) -> None:
        """Close idle connections now, and active ones when they are released."""
        with self._guard:
            self._is_closed = True
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    @contextmanager
    def _connection_lease(self) -> Iterator[sqlite3.Connection]:
        with self._turns:
            with self._guard:
                if self._is_closed:
                    raise SandboxError("The sandbox is closed.")
                connection = self._idle.pop() if self._idle else None
            connection = connection or _connect(self._path)
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
        if connection.in_transaction:  # SQLite rolls back by itself if the disk is full
            connection.execute("ROLLBACK")
        raise


@contextmanager
def translate_sqlite_errors(path: Path | None) -> Iterator[None]:
    """Translate SQLite's errors into :class:`~halo_iac.sandbox.protocol.SandboxError`."""
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the primary code, without SQLite's extended bits
        message = f"{path or 'The sandbox in memory'}: SQLite says: {error}"
        raise SandboxError(message, _FAILURES.get(code)) from error


def _connect(path: Path | None) -> sqlite3.Connection:
    name = ":memory:" if path is None else path
    connection = sqlite3.connect(name, timeout=_LOCK_SECONDS, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA foreign_keys = ON")
        # A power cut may lose the last transactions, which a sandbox can afford; a crash of the process loses nothing.
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA cache_size = -8192")  # KiB, so that the pages changed by a load are written once
        add_functions(connection)
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection, path: Path | None) -> None:
    """Create the tables, or migrate those of an older version."""
    if path is None:
        _copy_empty_sandbox(connection)
        return
    with _transaction(connection, "DEFERRED"):
        version = _known_version(connection, path)  # before the journal mode, which is written into the file
    connection.execute(_PAGE_SIZE)
    _enable_write_ahead_log(connection)
    if version < len(MIGRATIONS):
        with _transaction(connection, "IMMEDIATE"):
            _migrate(connection, MIGRATIONS[_known_version(connection, path) :])


def _enable_write_ahead_log(connection: sqlite3.Connection) -> None:
    """Enable SQLite's write-ahead log, so that others can read while one connection writes.

    SQLite does not wait for a lock here, as it does elsewhere: it fails at once while another connection does the same,
    or opens or closes the file.
    """
    deadline = time.monotonic() + _LOCK_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            is_busy = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
            if not is_busy or time.monotonic() > deadline:
                raise
            time.sleep(0.005)
        else:
            return


def _copy_empty_sandbox(connection: sqlite3.Connection) -> None:
    connection.execute(_PAGE_SIZE)
    with closing(sqlite3.connect(":memory:")) as empty:
        empty.deserialize(_empty_sandbox())
        empty.backup(connection)


@cache
def _empty_sandbox() -> bytes:
    """Return the bytes of an empty sandbox: copying them takes a twentieth of the time of all migrations."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.execute(_PAGE_SIZE)
        _migrate(connection, MIGRATIONS)
        return connection.serialize()


@cache
def _empty_file() -> bytes:
    """Return an empty sandbox as a file that connections share: the format says by two bytes that it has a journal."""
    content = bytearray(_empty_sandbox())
    content[18:20] = _WRITE_AHEAD, _WRITE_AHEAD  # https://sqlite.org/fileformat.html#file_format_version_numbers
    return bytes(content)


def _migrate(connection: sqlite3.Connection, steps: Sequence[str]) -> None:
    """Take the steps in the transaction of the caller, which ``executescript`` would commit."""
    for step in steps:
        for statement in step.split(";"):
            connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")


def _known_version(connection: sqlite3.Connection, path: Path) -> int:
    version = read_version(connection)
    if version is None:
        raise SandboxError(f"{path} is a database, but not a sandbox", ServerFailure.CONTENT)
    if version > len(MIGRATIONS):
        raise SandboxError(f"{path} is a sandbox from a later version of halo", ServerFailure.CONTENT)
    return version


def is_sandbox(path: Path) -> bool:
    """Return whether a file is a sandbox or empty, without changing it.

    Raises :class:`~halo_iac.sandbox.protocol.SandboxError` for a file that cannot be read as a database.
    """
    if not path.is_file():
        return False  # opening a pipe waits for its writer
    # Without a journal the file is all there is; to read one, SQLite makes what it needs to share it.
    how = "mode=ro" if path.with_name(f"{path.name}-wal").exists() else "mode=ro&immutable=1"
    with translate_sqlite_errors(path), _open_existing(path, how) as connection:
        connection.execute("BEGIN")
        return read_version(connection) is not None


def is_in_use(path: Path) -> bool:
    """Return whether a process has a sandbox's file open, this one included; if not, its journals are removed.

    On every system, SQLite removes a journal only if no other process has the file open.
    """
    try:
        with _open_existing(path, "mode=rw") as connection:
            connection.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.Error as error:
        return getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY
    return False


@contextmanager
def _open_existing(path: Path, how: str) -> Iterator[sqlite3.Connection]:
    name = quote(os.fsencode(path), safe="")
    with closing(sqlite3.connect(f"file:{name}?{how}", uri=True, isolation_level=None)) as connection:
        yield connection
