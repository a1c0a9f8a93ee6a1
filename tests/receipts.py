"""Receipts kept in memory, and receipts made by hand as an attacker would make them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from sandbox_calls import PROJECT

from halo_iac.model.receipt import Header, Line, Receipt, RunEnd, WriteIntent, WriteOutcome
from halo_iac.storage.receipt_file import receipt_lines
from halo_iac.storage.receipt_reader import read_receipt

NAME = "receipt.jsonl"
HEADER = Header(
    version=1, halo="0.1.0", at="2026-11-02T12:00:00.000Z", base_url="https://relay.inference.net", project_id=PROJECT
)


class RecordedWrites:
    """A recorder without a disk; ``before`` happens each time before something is kept."""

    def __init__(self, before: Callable[[Sequence[WriteIntent]], None] = lambda _: None) -> None:
        self.lines: list[Line] = []
        self._before = before
        self._lock = threading.Lock()

    def record_intent(self, intents: Sequence[WriteIntent]) -> None:
        self._before(intents)
        with self._lock:
            self.lines += intents

    def record_outcome(self, outcome: WriteOutcome) -> None:
        with self._lock:
            self.lines.append(outcome)

    @property
    def intents(self) -> list[WriteIntent]:
        return [line for line in self.lines if isinstance(line, WriteIntent)]

    @property
    def line_summaries(self) -> list[str]:
        """Return what was kept, line by line, as ``number what``."""
        return [
            f"{line.number} {line.action if isinstance(line, WriteIntent) else line.result}"
            for line in self.lines
            if isinstance(line, WriteIntent | WriteOutcome)
        ]

    def receipt(self, header: Header = HEADER) -> Receipt:
        """Return what is read from the file that these lines make."""
        return read_receipt(receipt_bytes(header, *self.lines, RunEnd(writes=len(self.intents))), NAME)


def receipt_bytes(*lines: Line, redact: Callable[[str], str] = str) -> bytes:
    """Return a receipt of any lines, with digests that hold."""
    return receipt_lines(lines, "", redact)[0]
