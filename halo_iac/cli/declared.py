"""What the project file declares, by key, and which schedule of the platform each is."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from halo_iac.cli.connection import Connection
from halo_iac.errors import HaloError, UsageError

if TYPE_CHECKING:
    from halo_iac.model.pairing import Pairing
    from halo_iac.model.project import Entry, Project
    from halo_iac.model.schedule import Spec


def entry_called(project: Project, key: str) -> Entry:
    """Return an entry by its key; one that is not there is an error with near matches."""
    found = next((entry for entry in project.entries if entry.key == key), None)
    if found is not None:
        return found
    near = get_close_matches(key, [entry.key for entry in project.entries], n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(map(repr, near))}?" if near else "its keys stand under `schedules:`"
    raise UsageError(f"{project.path} declares no schedule {key!r}", hint=hint)


def spec_of(entry: Entry) -> Spec:
    """Return what an entry declares; a retired one declares nothing that could be run."""
    if entry.spec is None:
        raise UsageError(f"schedule {entry.key!r} is archived in the project file", hint="remove `state: archived`")
    return entry.spec


def paired(connection: Connection, project: Project) -> Pairing:
    """Return which schedule of the platform each entry is."""
    from halo_iac.match import match
    from halo_iac.model.remote import Actual

    listing = connection.reader.schedules(connection.project.id)
    if listing.gap is not None:
        raise HaloError(f"the list of schedules is not whole: {listing.gap}", hint="run again; nothing was changed")
    return match(project, Actual(schedules=listing.schedules, agents=()))


def schedule_id_of(connection: Connection, project: Project, key: str) -> str:
    """Return the id of the schedule that an entry is; that there is none, or no single one, is an error."""
    entry_called(project, key)
    pairing = paired(connection, project)
    for blocked in pairing.blocked:
        if blocked.key == key:
            raise HaloError(f"schedule {key!r}: {blocked.reason}", hint=blocked.hint)
    found = next((pair.remote for pair in pairing.pairs if pair.entry.key == key), None)
    if found is None:
        raise HaloError(
            f"schedule {key!r} is declared, but the platform does not hold it yet", hint="`halo apply` does"
        )
    return found.id


def schedule_id_for(connection: Connection, project: Project | None, reference: str) -> str:
    """Return the id that a reference is, or that the schedule with this key has."""
    if project is not None and any(entry.key == reference for entry in project.entries):
        return schedule_id_of(connection, project, reference)
    return reference
