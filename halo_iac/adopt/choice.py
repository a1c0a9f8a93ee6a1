"""Which schedules an import is about: all of the project file's scope, or those that were named."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from halo_iac.errors import UsageError
from halo_iac.model.glob import is_covered
from halo_iac.model.ids import canonical_id
from halo_iac.model.remote import RemoteSchedule


@dataclass(frozen=True, slots=True)
class Choice:
    """The schedules to write entries for, in the order of their titles; those that have one; those out of scope."""

    wanted: tuple[RemoteSchedule, ...]
    declared: tuple[RemoteSchedule, ...]
    outside: tuple[RemoteSchedule, ...]


def choose(
    schedules: Iterable[RemoteSchedule],
    named: Sequence[str] = (),
    *,
    is_declared: Callable[[RemoteSchedule], bool],
    is_in_scope: Callable[[RemoteSchedule], bool],
    with_archived: bool = False,
) -> Choice:
    """Return the schedules that ids and title globs name, or every one in scope; archived ones only if asked for.

    Raises :class:`~halo_iac.errors.UsageError` for a name that means no schedule.
    """
    ordered = sorted(schedules, key=lambda each: (each.title, each.id))
    eligible = [each for each in ordered if each.is_active or with_archived]
    if named:
        _check_names(named, eligible, ordered)
        eligible = [each for each in eligible if any(_is_meant(each, name) for name in named)]
    declared = tuple(each for each in eligible if is_declared(each))
    open_ = [each for each in eligible if not is_declared(each)]
    return Choice(
        wanted=tuple(each for each in open_ if is_in_scope(each)),
        declared=declared,
        outside=tuple(each for each in open_ if named and not is_in_scope(each)),
    )


def _is_meant(remote: RemoteSchedule, name: str) -> bool:
    return remote.id == canonical_id(name) or is_covered(remote.title, name)


def _check_names(named: Iterable[str], eligible: Sequence[RemoteSchedule], schedules: Sequence[RemoteSchedule]) -> None:
    in_vain = [name for name in named if not any(_is_meant(each, name) for each in eligible)]
    if not in_vain:
        return
    is_archived = any(_is_meant(each, name) for each in schedules for name in in_vain)
    raise UsageError(
        f"no{' active' if is_archived else ''} schedule has the id or title {', '.join(map(repr, in_vain))}",
        hint="add --include-archived for archived ones" if is_archived else "`halo schedule list` shows what there is",
    )
