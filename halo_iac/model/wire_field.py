"""The attributes of records that stay as the platform sent them, such as runs and spans."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Generic, Protocol, TypeVar

T = TypeVar("T")


class _Record(Protocol):
    @property
    def wire(self) -> Mapping[str, Any]: ...


class WireField(Generic[T]):
    """An attribute that reads one key of a record's ``wire``; ``read`` gets ``None`` where the key is missing."""

    def __init__(self, key: str, read: Callable[[object], T]) -> None:
        self._key = key
        self._read = read

    def __get__(self, record: _Record, owner: type | None = None) -> T:
        return self._read(record.wire.get(self._key))


def read_text(value: object) -> str | None:
    """Return a text; ``None`` for an empty one or a value of another type."""
    return value if isinstance(value, str) and value else None
