"""Tables of runs and conversations: what was requested, from which their state is derived."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass, fields
from typing import Any, Final, NamedTuple


class ConversationRow(NamedTuple):
    """A conversation; ``schedule_id`` is ``None`` unless a schedule started it."""

    id: str
    project_id: str
    agent_id: str
    schedule_id: str | None
    title: str
    created_at: str


class OnFinish(NamedTuple):
    """How a run ends: one of :data:`halo_iac.sandbox.run_state.ENDINGS`, and its error message.

    ``after`` is the number of seconds from its start to its end; ``None`` for the usual time.
    """

    status: str = "completed"
    error: str | None = None
    after: float | None = None


class NextEnding(NamedTuple):
    """An ending set in advance, and how many more runs it applies to."""

    ending: OnFinish
    times: int


@dataclass(frozen=True, slots=True)
class RunRow:
    """A run: everything that its status, events and answer are derived from, once the clock is known."""

    id: str
    conversation_id: str
    schedule_id: str | None
    scheduled_for: str | None
    created_at: str
    asked: dict[str, Any]
    """The request, with the platform's field names."""
    dataset_id: str
    span_count: int
    left_out: int
    """Spans in the window that the span limit excluded from the dataset."""
    chosen: tuple[int, ...]
    """The dataset's traces, by row id."""
    seen: int
    """The last span when the dataset was chosen; spans loaded later are not part of the run."""
    pace: float = 1.0
    """Real seconds per second of the usual course (:mod:`halo_iac.sandbox.run_state`)."""
    ending: str = "completed"
    """The final status unless the run is cancelled."""
    left_out_traces: int = 0
    """Traces in the window that the span limit excluded as a whole."""
    error: str | None = None
    cancelled_at: str | None = None
    cancel_reason: str | None = None
    answer: str | None = None
    """The assistant's message, stored once it has been generated."""


_NAMES: Final = tuple(field.name for field in fields(RunRow))
_COLUMNS: Final = ", ".join(_NAMES)
_ADD: Final = f"INSERT INTO runs ({_COLUMNS}) VALUES ({', '.join('?' * len(_NAMES))})"
_CONVERSATION: Final = "SELECT id, project_id, agent_id, schedule_id, title, created_at"
_PAGE: Final = f"""
    {_CONVERSATION}, seq FROM conversations
    WHERE project_id = ? AND (created_at, seq) < (?, ?) AND (? IS NULL OR agent_id = ?)
    AND (? IS NULL OR schedule_id = ?) ORDER BY created_at DESC, seq DESC LIMIT ?
"""


class RunTables:
    """Runs and conversations, within one transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def add_conversation(self, row: ConversationRow) -> None:
        """Add a conversation."""
        sql = """INSERT INTO conversations (id, project_id, agent_id, schedule_id, title, created_at)
                 VALUES (?, ?, ?, ?, ?, ?)"""
        self._connection.execute(sql, row)

    def conversation(self, conversation_id: str) -> ConversationRow | None:
        """Return one conversation."""
        sql = f"{_CONVERSATION} FROM conversations WHERE id = ?"
        row = self._connection.execute(sql, (conversation_id,)).fetchone()
        return None if row is None else ConversationRow(*row)

    def conversations(
        self, project_id: str, *, before: tuple[str, int], limit: int, agent_id: str | None, schedule_id: str | None
    ) -> list[tuple[int, ConversationRow]]:
        """Return row id and row of up to ``limit`` conversations before an instant and row id, newest first."""
        wanted = (project_id, *before, agent_id, agent_id, schedule_id, schedule_id, limit)
        rows = self._connection.execute(_PAGE, wanted).fetchall()
        return [(seq, ConversationRow(*row)) for *row, seq in rows]

    def add(self, row: RunRow) -> None:
        """Add a run; a second one of the same schedule and instant raises :class:`sqlite3.IntegrityError`."""
        written = {"asked": json.dumps(row.asked, ensure_ascii=False), "chosen": json.dumps(row.chosen)}
        values = [written.get(name, getattr(row, name)) for name in _NAMES]
        self._connection.execute(_ADD, values)

    def has_fired(self, schedule_id: str, scheduled_for: str) -> bool:
        """Return whether a schedule has a run for this instant."""
        sql = "SELECT 1 FROM runs WHERE schedule_id = ? AND scheduled_for = ?"
        return self._connection.execute(sql, (schedule_id, scheduled_for)).fetchone() is not None

    def run(self, run_id: str) -> RunRow | None:
        """Return one run."""
        return next(iter(self._runs("WHERE id = ?", run_id)), None)

    def of_conversation(self, conversation_id: str) -> list[RunRow]:
        """Return a conversation's runs, oldest first."""
        return self._runs("WHERE conversation_id = ? ORDER BY seq", conversation_id)

    def latest_of(self, conversation_id: str) -> RunRow | None:
        """Return a conversation's latest run."""
        return next(iter(self._runs("WHERE conversation_id = ? ORDER BY seq DESC LIMIT 1", conversation_id)), None)

    def of_schedule(self, schedule_id: str, limit: int) -> list[RunRow]:
        """Return a schedule's runs, newest first."""
        return self._runs("WHERE schedule_id = ? ORDER BY created_at DESC, seq DESC LIMIT ?", schedule_id, limit)

    def of_dataset(self, dataset_id: str) -> RunRow | None:
        """Return the run that a dataset was exported for."""
        return next(iter(self._runs("WHERE dataset_id = ? ORDER BY seq LIMIT 1", dataset_id)), None)

    def cancel(self, run_id: str, at: str, reason: str | None) -> None:
        """Record that a run was cancelled."""
        sql = "UPDATE runs SET cancelled_at = ?, cancel_reason = ? WHERE id = ?"
        self._connection.execute(sql, (at, reason, run_id))

    def keep_answer(self, run_id: str, answer: str) -> None:
        """Store a run's answer."""
        self._connection.execute("UPDATE runs SET answer = ? WHERE id = ?", (answer, run_id))

    def next_endings(self) -> list[NextEnding]:
        """Return the endings of the next runs, in order."""
        rows = self._connection.execute("SELECT status, error, after, times FROM next_endings ORDER BY seq")
        return [NextEnding(OnFinish(*ending), times) for *ending, times in rows.fetchall()]

    def add_next_ending(self, ending: OnFinish, times: int) -> None:
        """Set the ending of the next ``times`` runs, after those already set."""
        sql = "INSERT INTO next_endings (status, error, after, times) VALUES (?, ?, ?, ?)"
        self._connection.execute(sql, (*ending, times))

    def clear_next_endings(self) -> None:
        """Delete the endings set in advance."""
        self._connection.execute("DELETE FROM next_endings")

    def take_next_ending(self) -> OnFinish | None:
        """Return the next run's ending and decrement its count; ``None`` if none is set."""
        sql = "SELECT seq, status, error, after FROM next_endings ORDER BY seq LIMIT 1"
        row = self._connection.execute(sql).fetchone()
        if row is None:
            return None
        seq, *ending = row
        self._connection.execute("UPDATE next_endings SET times = times - 1 WHERE seq = ?", (seq,))
        self._connection.execute("DELETE FROM next_endings WHERE times <= 0")
        return OnFinish(*ending)

    def _runs(self, where: str, *values: object) -> list[RunRow]:
        rows = self._connection.execute(f"SELECT {_COLUMNS} FROM runs {where}", values)
        return [_run(row) for row in rows.fetchall()]


def _run(row: tuple[Any, ...]) -> RunRow:
    values = dict(zip(_NAMES, row, strict=True))
    return RunRow(**values | {"asked": json.loads(values["asked"]), "chosen": tuple(json.loads(values["chosen"]))})
