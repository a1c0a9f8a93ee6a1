"""Diff: a matched pair → its field changes (docs/semantics.md#diff).

Equality decides first, on the raw answer, because of ten thousand pairs nearly all are equal. Only an unequal pair is
projected and gone through field by field, and only unequal lists, which are sets to the platform, are DeepDiff's.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple

from halo_iac.model import schedule as defaults
from halo_iac.model.plan import FieldChange, Match
from halo_iac.model.project import Origins
from halo_iac.model.remote import UnreadableSchedule
from halo_iac.model.schedule import FIELDS, Spec, Value


class Difference(NamedTuple):
    """A pair and its differences, in the order of the file; empty if there are none.

    ``after`` is the spec that the schedule should have: the pair's, with values decided only here. It is ``None`` for a
    retired entry. ``opaque`` is why the schedule cannot be compared, if it cannot.
    """

    pair: Match
    after: Spec | None
    fields: tuple[FieldChange, ...] = ()
    opaque: UnreadableSchedule | None = None


def diff(pairs: Iterable[Match]) -> tuple[Difference, ...]:
    """Return one difference per pair, in their order."""
    return tuple(map(_difference, pairs))


def _difference(pair: Match) -> Difference:
    spec, remote, origins = pair.spec, pair.remote, pair.entry.origins
    if spec is None:
        return Difference(pair, None)
    if remote is None:
        return _creation(pair, spec)
    if remote.matches(spec):
        return Difference(pair, spec)
    actual = remote.spec()
    if isinstance(actual, UnreadableSchedule):
        return Difference(pair, spec, opaque=actual)
    # While the platform has paused a schedule because its agent is gone, `enabled` is left to it. Where the entry names
    # another agent, that reason is gone with the same update, so what is declared counts.
    is_left = remote.is_paused_by_platform and spec.agent == actual.agent
    after = replace(spec, enabled=None) if is_left else spec
    return Difference(pair, after, _changed_fields(after, actual, origins))


def _creation(pair: Match, spec: Spec) -> Difference:
    """Return the difference to no schedule: every managed field is new, and ``enabled`` is set.

    See docs/semantics.md#left-out.
    """
    after = replace(spec, enabled=defaults.ENABLED_ON_CREATE) if spec.enabled is None else spec
    fields = (
        FieldChange(name, None, value, str(pair.entry.origins.of(name)))
        for name in FIELDS
        if (value := getattr(after, name)) not in {None, ()}
    )
    return Difference(pair, after, tuple(fields))


def _changed_fields(spec: Spec, actual: Spec, origins: Origins) -> tuple[FieldChange, ...]:
    """Return the managed fields in which two specs differ, with the origin of each declared value."""
    desired = spec.filled_from(actual)
    return tuple(
        FieldChange(name, before, after, str(origins.of(name)))
        for name, before, after in ((name, getattr(actual, name), getattr(desired, name)) for name in FIELDS)
        if before != after and _is_changed(before, after)
    )


def _is_changed(before: Value, after: Value) -> bool:
    """Return whether two unequal values differ in more than the order of a list, which DeepDiff compares.

    Importing DeepDiff takes 45 ms, a fifth of a small plan, and most changes are of plain values.
    """
    if not (isinstance(before, tuple) and isinstance(after, tuple)):
        return True
    from deepdiff import DeepDiff

    return bool(DeepDiff(before, after, ignore_order=True))
