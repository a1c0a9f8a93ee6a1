"""Converts keys from snake_case to a format's camelCase, for protobuf's own JSON and Langfuse's files."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

_HUMP: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


class CamelCase:
    """Converts objects that have one of the keys in snake_case; others are returned unchanged."""

    def __init__(self, keys: Iterable[str]) -> None:
        snake = {_HUMP.sub("_", key).lower(): key for key in keys}
        self._camel: Mapping[str, str] = {key: camel for key, camel in snake.items() if key != camel}
        self._snake = frozenset(self._camel)

    def __call__(self, found: dict[str, Any]) -> dict[str, Any]:
        """Return an object with the keys in camelCase."""
        if self._snake.isdisjoint(found):
            return found
        return dict(zip(self.convert_keys(found), found.values(), strict=True))

    def convert_keys(self, keys: Iterable[str]) -> tuple[str, ...]:
        """Return keys in camelCase."""
        return tuple(self._camel.get(key, key) for key in keys)
