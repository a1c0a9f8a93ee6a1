"""One operation has one deadline, however often it is tried (docs/semantics.md#retries)."""

from __future__ import annotations

from dataclasses import dataclass, field

from apply_harness import (
    ARCHIVE,
    CREATE,
    READ,
    UNARCHIVE,
    UPDATE,
    Harness,
    archive,
    create,
    plan_of,
    unarchive,
    update,
)

from halo_iac.api.retry import Retry
from halo_iac.api.schedules import Reader, Writer
from halo_iac.api.trpc import Json, Kind, RpcClient
from halo_iac.apply import apply
from halo_iac.model.apply_result import Status
from halo_iac.model.plan import Change
from halo_iac.sandbox.faults import Refuse


@dataclass
class Noting:
    """Passes calls on and notes when the waiting for each is to end."""

    caller: RpcClient
    noted: list[tuple[str, float | None]] = field(default_factory=list)

    def call(self, procedure: str, kind: Kind, value: Json = None, *, deadline: float | None = None) -> Json:
        self.noted.append((procedure, deadline))
        return self.caller.call(procedure, kind, value, deadline=deadline)

    @property
    def procedures(self) -> list[str]:
        return [procedure for procedure, _ in self.noted]

    def deadlines(self, *procedures: str) -> list[float]:
        """Return the different deadlines, in order; none may be missing."""
        found = [deadline for procedure, deadline in self.noted if procedure in procedures]
        assert None not in found
        return sorted({deadline for deadline in found if deadline is not None})


def apply_recording_deadlines(harness: Harness, change: Change) -> tuple[Noting, Status]:
    noting = Noting(harness.transport)
    reader, writer = Reader(noting, Retry(attempts=1)), Writer(noting)
    retry = Retry(attempts=3, sleep=lambda _: None)
    events = list(
        apply(
            plan_of(change), reader, writer, stop_signal=harness.stop_signal, concurrency=8, retry=retry, check_after=()
        )
    )
    return noting, events[-1].status


def test_every_read_and_write_of_an_update_ends_at_the_same_instant(harness: Harness) -> None:
    change = update(harness.add("Review"), hours=(12,))
    harness.fault(READ, Refuse())
    harness.fault(UPDATE, Refuse())
    noting, status = apply_recording_deadlines(harness, change)
    assert (noting.procedures, status) == ([READ, READ, UPDATE, READ, UPDATE], Status.DONE)
    assert len(noting.deadlines(READ, UPDATE)) == 1


def test_unarchive_and_archive_share_one_deadline(harness: Harness) -> None:
    back, gone = unarchive(harness.add("Back", archived=True), hours=(12,)), archive(harness.add("Gone"))
    harness.fault(UNARCHIVE, Refuse())
    harness.fault(ARCHIVE, Refuse())
    noting, status = apply_recording_deadlines(harness, back)
    assert (noting.procedures, status) == ([READ, UPDATE, UNARCHIVE, READ, UNARCHIVE], Status.DONE)
    assert len(noting.deadlines(READ, UPDATE, UNARCHIVE)) == 1
    noting, status = apply_recording_deadlines(harness, gone)
    assert (noting.procedures, status) == ([READ, ARCHIVE, READ, ARCHIVE], Status.DONE)
    assert len(noting.deadlines(READ, ARCHIVE)) == 1


def test_attempts_at_a_create_share_one_deadline(harness: Harness) -> None:
    harness.fault(CREATE, Refuse("TOO_MANY_REQUESTS"), times=2)
    noting, status = apply_recording_deadlines(harness, create("Review"))
    assert (noting.procedures.count(CREATE), status) == (3, Status.DONE)
    assert len(noting.deadlines(CREATE)) == 1


def test_archiving_again_after_a_failed_unarchive_has_its_own_deadline(harness: Harness) -> None:
    change = unarchive(harness.add("Review", archived=True), hours=(12,))
    harness.fault(UPDATE, Refuse("CONFLICT"))
    harness.fault(UPDATE, Refuse("BAD_REQUEST"))
    noting, status = apply_recording_deadlines(harness, change)
    assert (noting.procedures, status) == ([READ, UPDATE, UNARCHIVE, UPDATE, ARCHIVE], Status.FAILED)
    (first,), (second,) = noting.deadlines(READ, UPDATE, UNARCHIVE), noting.deadlines(ARCHIVE)
    assert first < second
