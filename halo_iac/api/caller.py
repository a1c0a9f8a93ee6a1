"""The seam between what is asked (reader, writer) and how it is carried (transport)."""

from __future__ import annotations

from typing import Any, Literal, Protocol, TypeAlias

Kind = Literal["query", "mutation"]

Json: TypeAlias = Any
"""What JSON can hold; checked where it is used."""


class Caller(Protocol):
    """Whoever carries a call to the platform once; the reader and the writer need no more than this."""

    def call(self, procedure: str, kind: Kind, value: Json = None, *, deadline: float | None = None) -> Json:
        """Return the procedure's result, or raise exactly one :class:`~halo_iac.errors.PlatformError`.

        ``deadline`` is an instant of :func:`time.monotonic` at which waiting ends.
        """
