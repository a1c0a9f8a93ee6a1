"""Values shared by many rows, each stored once and referenced by its number."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any


class Interned(dict[tuple[Any, ...], int]):
    """The numbers of a table's distinct rows, by their values; a row is added when its number is first requested."""

    def __init__(self, connection: sqlite3.Connection, table: str, columns: Sequence[str]) -> None:
        super().__init__()
        names, marks = ", ".join(columns), ", ".join("?" * len(columns))
        same = " AND ".join(f"{name} = ?" for name in columns)
        self._connection = connection
        self._find = f"SELECT id FROM {table} WHERE {same}"
        self._add = f"INSERT INTO {table} ({names}) VALUES ({marks}) RETURNING id"
        self._read = f"SELECT {names} FROM {table} WHERE id = ?"

    def __missing__(self, values: tuple[Any, ...]) -> int:
        row = self._connection.execute(self._find, values).fetchone()
        row = row or self._connection.execute(self._add, values).fetchone()
        found = self[values] = int(row[0])
        return found

    def row(self, number: int) -> tuple[Any, ...]:
        """Return the values of a row."""
        found: tuple[Any, ...] = self._connection.execute(self._read, (number,)).fetchone()
        return found
