"""Diff: a matched pair → its field changes (design §4).

Equality decides first, on the raw answer, because of ten thousand pairs nearly all are equal; only an unequal pair is
projected, and only then is DeepDiff imported and asked which fields differ.
"""

from __future__ import annotations

from dataclasses import asdict, replace

from halo_iac.model.change import FieldChange
from halo_iac.model.origin import Origins
from halo_iac.model.pairing import Pair
from halo_iac.model.remote import Opaque, RemoteSchedule, comparable_wire
from halo_iac.model.schedule import FIELDS, Spec


def diff(pair: Pair) -> tuple[FieldChange, ...] | Opaque:
    """Return what differs between an entry and its schedule, in the order of the file; empty when nothing does.

    For a pair without a schedule every managed field is a change from ``None``. A schedule that cannot be read comes as
    :class:`~halo_iac.model.remote.Opaque`. A retired entry has no fields to compare.
    """
    spec, remote, origins = pair.spec, pair.remote, pair.entry.origins
    if spec is None:
        return ()
    if remote is None:
        return tuple(
            FieldChange(name, None, value, str(origins.of(name)))
            for name in FIELDS
            if (value := getattr(spec, name)) not in {None, ()}
        )
    if remote.equals(comparable_wire(spec, remote.wire)):
        return ()
    actual = remote.spec()
    return actual if isinstance(actual, Opaque) else changed_fields(managed(spec, remote), actual, origins)


def managed(spec: Spec, remote: RemoteSchedule) -> Spec:
    """Leave ``enabled`` to the platform while it has paused the schedule because its agent is gone."""
    return replace(spec, enabled=None) if remote.is_paused_by_platform else spec


def changed_fields(spec: Spec, actual: Spec, origins: Origins) -> tuple[FieldChange, ...]:
    """Return the managed fields in which two specs differ, with the origin of each declared value."""
    desired = spec.over(actual)
    if desired == actual:
        return ()
    from deepdiff import DeepDiff  # noqa: PLC0415 - 20 ms that a plan without changes does not pay

    after, before = asdict(desired), asdict(actual)
    differing = DeepDiff(before, after).affected_root_keys
    return tuple(
        FieldChange(name, before[name], after[name], str(origins.of(name))) for name in FIELDS if name in differing
    )
