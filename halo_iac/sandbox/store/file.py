"""A sandbox's file as it is seen from outside, by whoever wants to remove it."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote

from halo_iac.sandbox.store.connections import said_plainly
from halo_iac.sandbox.store.schema import version_of


def is_sandbox(path: Path) -> bool:
    """Say whether a file holds a sandbox, or nothing at all; it is left as it is.

    Raises :class:`~halo_iac.sandbox.protocol.SandboxError` for a file that cannot be read as a database.
    """
    if not path.is_file():
        return False  # to open a pipe is to wait for whoever writes into it
    # Without a journal the file is all there is; to read one, SQLite makes what it needs to share it.
    how = "mode=ro" if path.with_name(f"{path.name}-wal").exists() else "mode=ro&immutable=1"
    with said_plainly(path), _opened(path, how) as connection:
        connection.execute("BEGIN")
        return version_of(connection) is not None


def is_in_use(path: Path) -> bool:
    """Say whether anybody has a sandbox's file open, in this process or another; if not, its journals are gone now.

    SQLite gives up the journal of a sandbox only to whoever is alone with the file, on every system.
    """
    try:
        with _opened(path, "mode=rw") as connection:
            connection.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.Error as error:
        return getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY
    return False


@contextmanager
def _opened(path: Path, how: str) -> Iterator[sqlite3.Connection]:
    name = quote(os.fsencode(path), safe="")
    with closing(sqlite3.connect(f"file:{name}?{how}", uri=True, isolation_level=None)) as connection:
        yield connection
