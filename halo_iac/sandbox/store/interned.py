"""Values shared by many rows, each stored once and referenced by its number."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any


class Interned:
    """A table of distinct rows; a row is added when its number is first requested."""

    def __init__(self, connection: sqlite3.Connection, table: str, columns: Sequence[str]) -> None:
        names, marks = ", ".join(columns), ", ".join("?" * len(columns))
        same = " AND ".join(f"{name} = ?" for name in columns)
        self._connection = connection
        self._find = f"SELECT id FROM {table} WHERE {same}"
        self._add = f"INSERT INTO {table} ({names}) VALUES ({marks}) RETURNING id"
        self._read = f"SELECT {names} FROM {table} WHERE id = ?"
        self._known: dict[tuple[Any, ...], int] = {}

    def number(self, *values: str | int) -> int:
        """Return the number of a row, which is added if it is new."""
        found = self._known.get(values)
        if found is None:
            row = self._connection.execute(self._find, values).fetchone()
            row = row or self._connection.execute(self._add, values).fetchone()
            found = self._known[values] = int(row[0])
        return found

    def values(self, number: int) -> tuple[Any, ...]:
        """Return the values of a row."""
        found: tuple[Any, ...] = self._connection.execute(self._read, (number,)).fetchone()
        return found
