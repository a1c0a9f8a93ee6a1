"""Schedules that are paused although the files let them fire (docs/semantics.md#paused-schedules)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from halo_iac.hints import Command, Hint
from halo_iac.model.plan import Match, PausedSchedule

_RESUME: Final = "add `enabled: true` to the entry or to `defaults:`, or run `{}`"
_GONE: Final = "give the entry another `agent:`, or run `{}` once its agent sends traces again"


def paused_schedules(pairs: Iterable[Match]) -> tuple[PausedSchedule, ...]:
    """Return the active schedules that are paused although no layer of the file says ``enabled: false``, by key."""
    return tuple(sorted(_paused(pairs), key=lambda schedule: schedule.key))


def _paused(pairs: Iterable[Match]) -> Iterator[PausedSchedule]:
    for pair in pairs:
        remote, spec = pair.remote, pair.spec
        if remote is None or spec is None or spec.enabled is False or not remote.is_active:
            continue
        is_agent_gone = remote.is_paused_by_platform and spec.agent == remote.agent_id
        # Where `enabled: true` is declared and compared, the plan resumes it.
        is_left = spec.enabled is None and (remote.wire.get("enabled") is False or remote.is_paused_by_platform)
        if is_agent_gone or is_left:
            yield PausedSchedule(
                key=pair.entry.key,
                id=remote.id,
                title=remote.title,
                reason=remote.pause_reason if remote.is_paused_by_platform else None,
                hint=Hint(_GONE if is_agent_gone else _RESUME, Command("resume", pair.entry.key)),
                origin=str(pair.entry.origins.entry),
            )
