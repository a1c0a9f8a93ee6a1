"""The platform behind one function: a request in, a response out (docs/protocol.md)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self
from uuid import uuid4

from halo_iac.sandbox import demo
from halo_iac.sandbox import validation as rules
from halo_iac.sandbox.call import Call, Kind, Settings
from halo_iac.sandbox.demo import history as demo_history
from halo_iac.sandbox.faults import ChangeBetween, Fault, Faults, Latency, apply_fault
from halo_iac.sandbox.handlers.schedules import next_fire
from halo_iac.sandbox.instants import format_instant
from halo_iac.sandbox.procedures import find_procedure
from halo_iac.sandbox.protocol import (
    Answer,
    Request,
    RequestRefused,
    SandboxError,
    fail,
    parse_input,
    succeed,
)
from halo_iac.sandbox.recent_requests import RecentRequests, RecordedRequest
from halo_iac.sandbox.store import Key, ScheduleRow, Store, Tables

if TYPE_CHECKING:
    from halo_iac.sandbox.firing import Fire, Firing
    from halo_iac.sandbox.ingest import Loaded
    from halo_iac.sandbox.span_record import SpanRecord
    from halo_iac.sandbox.store.runs import NextEnding, OnFinish
    from halo_iac.sandbox.trace_files import BadLine


def authenticate(request: Request, tables: Tables) -> Key:
    """Return the key of a request; raises UNAUTHORIZED without a valid one."""
    scheme, _, text = request.headers.get("authorization", "").partition(" ")
    key = tables.key(text.strip()) if scheme.lower() == "bearer" else None
    if key is None:
        raise RequestRefused("UNAUTHORIZED", "The key is missing or not valid.")
    return key


def check_permission(key: Key, kind: Kind) -> None:
    """Raise FORBIDDEN if a key may not call procedures of this kind."""
    if not (key.can_read if kind is Kind.QUERY else key.can_write):
        missing = "read" if kind is Kind.QUERY else "write"
        raise RequestRefused("FORBIDDEN", f"This key has no permission to {missing}.")


PAGE_SIZE: Final = 10_000
"""Schedules in a page without a limit; the recorded platform has returned as many in one."""

_MAX_ADVANCE: Final = timedelta(days=366)
_TELEMETRY: Final = "telemetry.recordCliCommand"


class Sandbox:
    """A platform in a file or in memory, see :meth:`open`. :meth:`answer` may be called from any number of threads."""

    def __init__(
        self, store: Store, settings: Settings, clock: Callable[[], datetime], ids: Callable[[], str], faults: Faults
    ) -> None:
        self.faults = faults
        self.closing = threading.Event()
        """Set when the sandbox is closed; delayed responses wait for it."""
        self._store = store
        self._settings = settings
        self._clock = clock
        self._ids = ids
        self.key = ""
        """The sandbox's own key, which may do everything in every project."""
        self._recent = RecentRequests()
        self._known: set[str] = set()

    @classmethod
    def open(  # noqa: PLR0913 (choices by keyword, each with its default)
        cls,
        path: Path | None,
        *,
        project: str = demo.DEMO_PROJECT_ID,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        ids: Callable[[], str] = lambda: str(uuid4()),
        page_size: int | None = None,
        faults: Faults | Iterable[Fault] = (),
        any_project: bool = True,
        updates_archived: bool = True,
        pace: float = 1.0,
    ) -> Self:
        """Open a file, which is created if missing, or with ``None`` a sandbox in memory.

        ``project`` exists from the start, with the demo agents; with ``any_project`` every other one is created when it
        is first named. ``page_size`` is the number of schedules in a page without a limit. ``pace`` multiplies the
        three seconds that a run takes; with 0 it is over at once. Raises :class:`SandboxError` for a file that is not a
        sandbox.
        """
        settings = Settings(page_size or PAGE_SIZE, updates_archived, any_project, pace)
        listed = faults if isinstance(faults, Faults) else Faults(faults)
        sandbox = cls(Store(path), settings, clock, ids, listed)
        try:
            sandbox.key = sandbox._own_key(is_in_memory=path is None)
            sandbox._settle_traces()
            sandbox.ensure_project(project)
        except BaseException:
            sandbox.close()  # the caller never gets it
            raise
        return sandbox

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End every delay, and close the file once no request uses it."""
        self.closing.set()
        self._store.close()

    @property
    def requests(self) -> list[RecordedRequest]:
        """The latest requests, oldest first: at most 10,000, and 16 MiB of their content."""
        return self._recent.requests()

    def answer(self, request: Request) -> Answer:
        """Answer one request; raises :class:`~halo_iac.sandbox.protocol.NoAnswer` for a fault without an answer."""
        name = request.path.removeprefix("/")
        given, flaw = _input(request)
        self._recent.add(name, request)
        taken = self.faults.take_matching(name, given)
        answer = self._with_fault(None, [fault for fault in taken if not fault.is_late], name)
        if answer is not None:
            return answer
        answer = self._run_procedure(request, name, given, flaw)
        return self._with_fault(answer, [fault for fault in taken if fault.is_late], name) or answer

    def _own_key(self, *, is_in_memory: bool) -> str:
        with self._store.reading() as tables:  # opening a sandbox to read it takes no write lock
            tables.clock()  # a file that no sandbox has written is refused at once
            known = tables.own_key()
        if known is None:
            with self._store.writing() as tables:
                demo.add_keys(tables, is_in_memory=is_in_memory)
                known = tables.own_key()
        return known or ""

    def _settle_traces(self) -> None:
        """Settle the traces that a load that was cut off, or an older version, has left unsettled."""
        with self._store.reading() as tables:
            unsettled = tables.spans.unsettled(1)
        if unsettled:
            from halo_iac.sandbox.ingest import settle_traces

            settle_traces(self._store)

    def ensure_project(self, project_id: str) -> None:
        """Create a project with the demo agents, unless it exists."""
        if project_id in self._known:
            return
        with self._store.reading() as tables:
            exists = tables.has_project(project_id)
        if not exists:  # opening a sandbox to read it takes no write lock
            with self._store.writing() as tables:
                demo.add_project(tables, project_id, format_instant(self._now(tables)))
        self._known.add(project_id)

    def add_key(self, key: Key, projects: Sequence[str] = ()) -> None:
        """Add a key for some projects, which must exist."""
        with self._store.writing() as tables:
            tables.add_key(key, projects)

    def add_agent(self, project_id: str, wire: Mapping[str, Any], last_seen_at: str | None = None) -> None:
        """Add an agent, or change the one with this id; without ``last_seen_at`` it counts as always active."""
        with self._store.writing() as tables:
            tables.put_agent(project_id, wire, last_seen_at)

    def forget_agent(self, project_id: str, agent_id: str) -> None:
        """Forget an agent; its schedules are not changed."""
        with self._store.writing() as tables:
            tables.forget_agent(project_id, agent_id)

    def end_next_runs(self, *endings: OnFinish, times: int = 1) -> None:
        """Set the endings of the next runs of any process, in this order; each applies ``times`` times."""
        with self._store.writing() as tables:
            for ending in endings:
                tables.runs.add_next_ending(ending, times)

    def clear_next_endings(self) -> None:
        """Delete the endings set for the next runs."""
        with self._store.writing() as tables:
            tables.runs.clear_next_endings()

    @property
    def next_endings(self) -> list[NextEnding]:
        """The endings set for the next runs, in order; later runs complete."""
        with self._store.reading() as tables:
            return tables.runs.next_endings()

    def seed(self, project_id: str, rows: Iterable[Mapping[str, Any]]) -> None:
        """Add schedules as they are, unchecked: with fields missing, of unknown kinds, or an id that is taken."""
        self.ensure_project(project_id)
        with self._store.writing() as tables:
            for wire in rows:
                own = wire.get("id")
                is_free = isinstance(own, str) and tables.schedule(own) is None
                row_id = str(own) if is_free else self._ids()
                asked = wire.get("modelId")
                asked_model_id = asked if isinstance(asked, str) else None
                at = next_fire(wire, self._now(tables))
                next_at = None if at is None else format_instant(at)
                tables.put_schedule(ScheduleRow(row_id, project_id, asked_model_id, dict(wire), next_at))

    @property
    def now(self) -> str:
        """Return the time of the sandbox's clock."""
        with self._store.reading() as tables:
            return format_instant(self._now(tables))

    @property
    def clock_offset(self) -> timedelta:
        """Return how far the sandbox's clock is ahead of the real one, by :meth:`tick`."""
        with self._store.reading() as tables:
            return timedelta(seconds=tables.clock().ahead)

    def advance(self) -> list[Fire]:
        """Fire the schedules that are due, each for its latest instant, and return what fired."""
        with self._store.reading() as tables:
            now, next_at = self._now(tables), tables.clock().next_at
        is_due = next_at is not None and next_at <= format_instant(now)
        return self._firing.advance(now) if is_due else []

    def tick(self, until: datetime | None = None) -> list[Fire]:
        """Move the sandbox's clock forward to an instant, and return all that fired on the way.

        The clock stays ahead of the real one from then on. Raises :class:`ValueError` for an instant in its past, and
        for one more than a year ahead.
        """
        with self._store.reading() as tables:
            now = self._now(tables)
        if until is None:
            until = now
        elif until < now:
            raise ValueError(f"The sandbox's clock is already at {format_instant(now)}.")
        elif until > now + _MAX_ADVANCE:
            raise ValueError(
                f"The sandbox's clock is at {format_instant(now)}; it can be moved forward by at most a year."
            )
        return self._firing.advance_to(until, now)

    @cached_property
    def _firing(self) -> Firing:
        from halo_iac.sandbox.firing import Firing

        return Firing(self._store, self._settings, self._ids, self._clock, self.closing.wait)

    def load(
        self,
        project_id: str,
        found: Iterable[SpanRecord | BadLine],
        on_bad: Callable[[BadLine], bool],
        agent: str | None = None,
    ) -> Loaded:
        """Load traces into a project; see :func:`halo_iac.sandbox.ingest.load`."""
        from halo_iac.sandbox.ingest import load

        self.ensure_project(project_id)
        return load(self._store, project_id, found, on_bad, agent)

    def schedules(self) -> list[dict[str, Any]]:
        """Return every schedule of every project in the wire format, in the order of creation."""
        with self._store.reading() as tables:
            return tables.schedules()

    def _with_fault(self, answer: Answer | None, faults: Iterable[Fault], name: str) -> Answer | None:
        for fault in faults:
            match fault.effect:
                case Latency(seconds):
                    self.closing.wait(seconds)
                case ChangeBetween(happens):
                    happens()
                case effect:
                    return apply_fault(answer, effect, name)
        return None

    def _run_procedure(self, request: Request, name: str, given: Any, flaw: RequestRefused | None) -> Answer:  # noqa: ANN401 (JSON)
        try:
            if name == _TELEMETRY:
                return succeed(b"null")
            procedure = find_procedure(request, name)
            with self._store.reading() as tables:
                key = authenticate(request, tables)
            check_permission(key, procedure.kind)
            if flaw is not None:
                raise flaw
            if self._settings.any_project and key.every_project and isinstance(given, dict):
                with suppress(rules.InvalidInput):  # the procedure refuses it
                    self.ensure_project(rules.identifier(given.get("projectId")))
            self.advance()
            if procedure.shows_traces:
                self._ensure_demo_traces(given)
            is_reading = procedure.kind is Kind.QUERY and not procedure.is_recording
            with self._store.reading() if is_reading else self._store.writing() as tables:
                now = format_instant(self._now(tables))
                return succeed(procedure.run(Call(tables, key, given, now, self._ids, self._settings)))
        except RequestRefused as refusal:
            return fail(refusal, name)
        except SandboxError as error:
            return fail(RequestRefused("INTERNAL_SERVER_ERROR", str(error)), name)

    def _ensure_demo_traces(self, given: object) -> None:
        """Store the demo agents' traces of a query's time range; checking for them takes no write lock."""
        with self._store.reading() as tables:
            has_traces = demo_history.has_traces(tables, given, format_instant(self._now(tables)))
        if not has_traces:
            with self._store.writing() as tables:
                demo_history.ensure_all_traces(tables, given, format_instant(self._now(tables)))

    def _now(self, tables: Tables) -> datetime:
        """Return the sandbox's own time, which :meth:`tick` advances."""
        return self._clock() + timedelta(seconds=tables.clock().ahead)


def _input(request: Request) -> tuple[Any, RequestRefused | None]:
    """Return the input, or the error in it, which is reported after faults, key and permission."""
    try:
        return parse_input(request), None
    except RequestRefused as refusal:
        return None, refusal
