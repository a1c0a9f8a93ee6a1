"""Desk: what every change of a run is carried out with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from halo_iac.api.reader import Reader
from halo_iac.api.retry import Retry
from halo_iac.api.writer import Writer
from halo_iac.apply.crew import Report
from halo_iac.errors import PlatformError
from halo_iac.model.change import Change
from halo_iac.model.outcome import Event, Status


@dataclass(frozen=True, slots=True)
class Desk:
    """What every step works with; the reader makes single attempts, since ``retry`` repeats it with its write."""

    reader: Reader
    writer: Writer
    retry: Retry
    halt: Callable[[], None]

    def retrying(self, change: Change, report: Report) -> Retry:
        """Return the retry policy, telling of each wait as an event of this change."""

        def narrate(error: PlatformError, wait: float, _attempt: int) -> None:
            report(Event(change, Status.RETRYING, change.id, f"{error.message}; again in {wait:.1f} s"))

        return replace(self.retry, on_retry=narrate)
