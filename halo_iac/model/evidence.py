"""The traces that a report cites, and what the platform has of them (docs/semantics.md#cited-traces)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from halo_iac.errors import PlatformError
from halo_iac.model.traces import Span, SpanDetail, Trace

ELLIPSIS: Final = "…"
TRACE_DIGITS: Final = 32
_HEX: Final = re.compile(r"[0-9a-f]+")


class Place(NamedTuple):
    """Where an id is cited: the line of the report, from 1, and the heading above it, empty before the first one."""

    line: int
    section: str


@dataclass(slots=True)
class Citation:
    """An id and every place that cites it, in order; ``id`` is as cited, in lower case if it is hexadecimal.

    With ``is_cut`` it is the beginning of an id, the end, or both around ``…``; with ``is_guess`` it may not be an id.
    """

    id: str
    places: list[Place] = field(default_factory=list)
    is_cut: bool = False
    is_guess: bool = False
    trace: str | None = None
    """Of a span: the trace that the same line cites."""

    @property
    def ends(self) -> tuple[str, str]:
        """Return the beginning and the end of the ids that this truncated one matches."""
        head, _, tail = self.id.partition(ELLIPSIS)
        return head, tail

    @property
    def can_begin_others(self) -> bool:
        """Return whether it may be the beginning of an id."""
        return self.is_cut or (len(self.id) < TRACE_DIGITS and _HEX.fullmatch(self.id) is not None)

    def means(self, id_: str) -> bool:
        """Return whether this citation may refer to an id."""
        head, tail = self.ends
        return len(id_) >= len(head) + len(tail) and id_.startswith(head) and id_.endswith(tail)


class Citations(NamedTuple):
    """What a report cites, each once, in the order of the report."""

    traces: tuple[Citation, ...]
    spans: tuple[Citation, ...]


@dataclass(frozen=True, slots=True)
class Evidence:
    """One cited trace: as the platform has it, or why it cannot be shown.

    Without ``trace``, ``alike`` and ``read_error`` the platform has no such trace, unless ``is_unread``: it was beyond
    the limit.
    """

    citation: Citation
    trace: Trace | None = None
    failed: tuple[Span, ...] = ()
    """Its spans that failed and have none below them that did."""
    alike: tuple[str, ...] = ()
    """The ids that one which is cut short may mean."""
    read_error: PlatformError | None = None
    """Why it could not be read; with ``trace``, why what failed in it could not."""
    is_unread: bool = False


@dataclass(frozen=True, slots=True)
class OpenedTrace:
    """A cited trace with its spans, as far as they were read, and all there is of the steps that failed."""

    trace: Trace
    places: tuple[Place, ...]
    spans: tuple[Span, ...] = ()
    steps: tuple[SpanDetail, ...] = ()
