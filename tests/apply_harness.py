"""A sandbox in memory with halo's own client, plans made by hand, and an apply that only records its waits."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from sandbox_calls import DAILY, PROJECT, Caller, Clock

from halo_iac.api.retry import Retry
from halo_iac.api.sandbox_transport import EmbeddedTransport
from halo_iac.api.schedules import Reader, Writer
from halo_iac.api.secret import Secret
from halo_iac.api.throttling import ThrottleGate
from halo_iac.api.transport import Transport
from halo_iac.apply import apply
from halo_iac.apply import worker_pool as pool
from halo_iac.apply.context import Recorder
from halo_iac.model.apply_result import Event, Summary, summarize
from halo_iac.model.plan import Action, Cause, Change, FieldChange, Plan, Policy, RunRate
from halo_iac.model.remote import PlatformTarget, read_spec
from halo_iac.model.schedule import FIELDS, Spec, Value
from halo_iac.sandbox import demo
from halo_iac.sandbox.faults import Cut, Effect, Fault, Refuse, Reply, Truncate
from halo_iac.sandbox.platform import Sandbox
from halo_iac.sandbox.protocol import Request
from halo_iac.sandbox.server import serve
from halo_iac.workers import StopSignal, Thread, start_thread

READ = "haloSchedule.getById"
LIST = "haloSchedule.listForProject"
CREATE = "haloSchedule.create"
UPDATE = "haloSchedule.update"
ARCHIVE = "haloSchedule.archive"
UNARCHIVE = "haloSchedule.unarchive"

TRANSIENT: dict[str, Effect] = {
    "408": Refuse("TIMEOUT"),
    "500": Refuse(),
    "503": Refuse("SERVICE_UNAVAILABLE"),
    "502 in HTML": Reply(502, b"<html>Bad Gateway</html>", "text/html"),
    "502 and nothing": Reply(502),
    "200 in HTML": Reply(200, b"<html>Sign in</html>", "text/html"),
    "200 and nothing": Reply(200),
    "truncated": Truncate(20),
    "reset": Cut(),
}
"""Failures that may come before or after the platform has done what it was asked to do."""

NOT_NOW: dict[str, Effect] = {"425": Refuse(status=425), "429": Refuse("TOO_MANY_REQUESTS")}
"""Failures that say that nothing was done, and to come back."""

WRONG: dict[str, Effect] = {
    "400": Refuse("BAD_REQUEST"),
    "404": Refuse("NOT_FOUND"),
    "412": Refuse("PRECONDITION_FAILED"),
    "422": Refuse("UNPROCESSABLE_CONTENT"),
}
"""Failures that say that nothing was done, and never will be."""

ENDING: dict[str, Effect] = {
    "401": Refuse("UNAUTHORIZED"),
    "402": Refuse("PAYMENT_REQUIRED"),
    "403": Refuse("FORBIDDEN"),
}
"""Failures after which nothing else can succeed either."""


_threads: list[Thread] = []
"""Those of every pool, for a socket that is to be closed before the next test."""


def _starting(work: Callable[[], object]) -> Thread | None:
    thread = start_thread(work)
    if thread is not None:
        _threads.append(thread)
    return thread


pool.start_thread = _starting  # type: ignore[attr-defined]


@dataclass
class Harness:
    """One sandbox and one client on it; every wait of a run is in ``waits`` instead of taking any time."""

    sandbox: Sandbox
    transport: Transport
    clock: Clock
    stop_signal: StopSignal = field(default_factory=StopSignal)
    waits: list[float] = field(default_factory=list)
    gate: ThrottleGate | None = None

    @property
    def caller(self) -> Caller:
        """Return another client of the same platform."""
        return Caller(self.sandbox)

    def add(self, title: str, *, archived: bool = False, **fields: object) -> dict[str, Any]:
        """Let a schedule be there from the start; the requests that made it are not counted."""
        made = self.caller.create(title=title, **fields)
        if archived:
            made = self.caller.mutate(ARCHIVE, {"id": made["id"]})
        return made

    def fault(self, match: str, effect: Effect, **how: Any) -> None:  # noqa: ANN401 - a fault's own fields
        self.sandbox.faults.add(Fault(match, effect, **how))

    def events(
        self,
        *changes: Change,
        concurrency: int = 1,
        grace: float = 5.0,
        attempts: int = 3,
        recorder: Recorder | None = None,
    ) -> Iterator[Event]:
        """Carry out the changes, event by event."""
        return apply(
            plan_of(*changes),
            Reader(self.transport, Retry(attempts=1)),
            Writer(self.transport),
            stop_signal=self.stop_signal,
            retry=Retry(
                stop=self.stop_signal.interrupted,
                attempts=attempts,
                sleep=self.waits.append,
                chance=lambda: 0.0,
                gate=self.gate,
            ),
            concurrency=concurrency,
            recorder=recorder,
            check_after=(0.0, 0.0, 0.0),
            grace=grace,
        )

    def run(
        self,
        *changes: Change,
        during: Callable[[Event], None] | None = None,
        **how: Any,  # noqa: ANN401 - what events takes
    ) -> Run:
        """Apply the changes and return the result; ``during`` is called with each event, before the run continues."""
        before = len(self.sandbox.requests)
        events = []
        for event in self.events(*changes, **how):
            events.append(event)
            if during is not None:
                during(event)
        summary = summarize(changes, events, is_interrupted=self.stop_signal.interrupted.is_set())
        return Run(summary, tuple(events), [seen.procedure for seen in self.sandbox.requests[before:]])

    def shown(self) -> dict[str, tuple[str, bool, list[int]]]:
        """Return what the platform holds, by id: title, whether it is active, hours."""
        return {
            wire["id"]: (wire["title"], wire["archivedAt"] is None, wire["hours"]) for wire in self.sandbox.schedules()
        }


@dataclass(frozen=True)
class Run:
    """What came of a run: its fold, its events, and the procedures it called."""

    summary: Summary
    events: tuple[Event, ...]
    requests: list[str]

    @property
    def exit_code(self) -> int:
        return self.summary.exit_code

    @property
    def statuses(self) -> list[str]:
        """Return how every change ended, in the order of the plan."""
        return [str(event.status) for event in self.summary.events]

    @property
    def event_lines(self) -> list[str]:
        """Return every event as ``key status``."""
        return [f"{event.change.key} {event.status}" for event in self.events]

    @property
    def writes(self) -> list[str]:
        return [name for name in self.requests if name not in {READ, LIST}]

    @property
    def message(self) -> str:
        """Return the message of the first change's last event."""
        return self.summary.events[0].message


@contextmanager
def open_harness(**settings: Any) -> Iterator[Harness]:  # noqa: ANN401 - the sandbox's own
    """Open a sandbox in this process, whose ids are s1, s2, …"""
    clock, numbers = Clock(), iter(range(1, 10_000))
    with (
        Sandbox.open(None, clock=clock, ids=lambda: f"s{next(numbers)}", **settings) as sandbox,
        embedded(sandbox) as transport,
    ):
        yield Harness(sandbox, transport, clock)


def embedded(sandbox: Sandbox, before_request: Callable[[], bool] | None = None) -> Transport:
    """Return a client's way to a sandbox in this process."""

    def answer(
        method: str, path: str, query: str, headers: dict[str, str], body: bytes
    ) -> tuple[int, dict[str, str], bytes]:
        answered = sandbox.answer(Request(method, path, query, headers, body))
        return answered.status, answered.headers, answered.body

    http = EmbeddedTransport(answer)
    return Transport("http://localhost", Secret(demo.DEMO_KEY), http=http, before_request=before_request)


@contextmanager
def open_served_harness(**settings: Any) -> Iterator[Harness]:  # noqa: ANN401 - likewise
    """The same over a socket, so that a hang-up is one."""
    with (
        open_harness(**settings) as harness,
        serve(harness.sandbox) as server,
        Transport(server.url, Secret(demo.DEMO_KEY)) as transport,
    ):
        try:
            yield replace(harness, transport=transport)
        finally:
            harness.sandbox.closing.set()  # ends every silence, so that who waits for an answer closes its socket
            for thread in _threads:
                thread.join(10)
            _threads.clear()


# Plans --------------------------------------------------------------------------------------------------------------


def plan_of(*changes: Change) -> Plan:
    return Plan(
        host=PlatformTarget("sandbox:memory", PROJECT, None, "--sandbox", "the sandbox", is_sandbox=True),
        policy=Policy("report"),
        targets=(),
        changes=changes,
        blocked=(),
        undeclared=(),
        warnings=(),
        refusals=(),
        unchanged=0,
        runs_per_month=RunRate(0, 0),
    )


def update(wire: dict[str, Any], *, wave: int = 0, unmanaged: Sequence[str] = (), **fields: Value) -> Change:
    """Plan that the fields get these values; ``unmanaged`` are left to the operator."""
    return _change(Action.UPDATE, wire, fields, unmanaged, wave)


def unarchive(wire: dict[str, Any], **fields: Value) -> Change:
    return _change(Action.UNARCHIVE, wire, fields)


def archive(wire: dict[str, Any]) -> Change:
    return Change(Action.ARCHIVE, Cause.UNDECLARED, None, wire["id"], wire["title"], before=_spec(wire))


def create(title: str, **fields: Value) -> Change:
    spec = replace(
        _spec({**DAILY, "maxSubagentDepth": 3, "maxTurns": 50, "enabled": True, "archivedAt": None}), title=title
    )
    after = replace(spec, **fields)  # type: ignore[arg-type]
    return Change(Action.CREATE, Cause.DECLARED, title, None, title, after=after)


def _change(
    action: Action, wire: dict[str, Any], fields: dict[str, Value], unmanaged: Sequence[str] = (), wave: int = 0
) -> Change:
    before = _spec(wire)
    wanted = replace(before, **fields)  # type: ignore[arg-type]
    left = {"model_id": None, "summarization_model_id": None, **dict.fromkeys(unmanaged)}
    return Change(
        action=action,
        cause=Cause.DECLARED,
        key=before.title,
        id=wire["id"],
        title=wanted.title,
        fields=tuple(FieldChange(name, getattr(before, name), fields[name], "") for name in FIELDS if name in fields),
        before=before,
        after=replace(wanted, **left),  # type: ignore[arg-type]
        wave=wave,
    )


def _spec(wire: dict[str, Any]) -> Spec:
    spec = read_spec(wire)
    assert isinstance(spec, Spec)
    return spec
