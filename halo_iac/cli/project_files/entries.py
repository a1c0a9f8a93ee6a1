"""Entries of the project file by key, and the schedules that they match."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING

from halo_iac.cli.connection import Connection
from halo_iac.errors import HaloError, PlatformError, UsageError
from halo_iac.hints import Command, Hint
from halo_iac.match import match
from halo_iac.model.ids import canonical_id, is_uuid
from halo_iac.model.remote import PlatformState, RemoteSchedule
from halo_iac.text import keys_hint

if TYPE_CHECKING:
    from halo_iac.cli.context import CommandContext
    from halo_iac.model.plan import MatchResult
    from halo_iac.model.project import Entry, Project
    from halo_iac.model.schedule import Spec


def get_entry(project: Project, key: str) -> Entry:
    """Return an entry by its key; an unknown key is an error with near matches."""
    found = next((entry for entry in project.entries if entry.key == key), None)
    if found is None:
        raise _not_declared_error(project, key)
    return found


def _not_declared_error(project: Project | None, key: str) -> UsageError:
    if project is None:
        message = f"no project file was found that could declare schedule {key!r}"
        listing = Command("schedule", "list")
        return UsageError(
            message, hint=Hint("run `{}` to see the ids; to use a key, name its project file with --file", listing)
        )
    near = _near_keys(project, key)
    hint = (
        f"did you mean {' or '.join(map(repr, near))}?" if near else keys_hint([entry.key for entry in project.entries])
    )
    return UsageError(f"{project.path} declares no schedule {key!r}", hint=hint)


def _near_keys(project: Project, key: str) -> list[str]:
    """Return the keys that may be meant: of entries with this key or title regardless of case, else similar keys."""
    word = key.casefold()
    same = [each.key for each in project.entries if word in {each.key.casefold(), (each.title or "").casefold()}]
    return same[:3] or get_close_matches(key, [entry.key for entry in project.entries], n=3, cutoff=0.5)


def declared_spec(entry: Entry) -> Spec:
    """Return the spec of an entry; a retired entry, which has none, is an error."""
    if entry.spec is None:
        raise UsageError(f"schedule {entry.key!r} is archived in the project file", hint="remove `state: archived`")
    return entry.spec


def match_entry(connection: Connection, project: Project) -> MatchResult:
    """Return the schedule that each entry matches."""
    listing = connection.reader.schedules(connection.project.id)
    if listing.gap is not None:
        raise HaloError(f"the list of schedules is incomplete: {listing.gap}", hint="run again; nothing was changed")
    return match(project, PlatformState(schedules=listing.schedules, agents=()))


def read_schedule_names(
    context: CommandContext, connection: Connection, project: Project | None, ids: Iterable[str]
) -> Mapping[str, str]:
    """Return the names of these schedules by id: the key of a declared one, else its title.

    The platform is read once, or not at all without ids. If it cannot be read, that is logged and the result is empty.
    """
    if not any(ids):
        return {}
    try:
        schedules = connection.reader.schedules(connection.project.id).schedules
    except PlatformError as error:
        context.console.log(context.console.err_style.safe(f"Schedules are shown by id: {error.message}"))
        return {}
    keys = match_keys(project, schedules)
    return {remote.id: keys.get(remote.id, remote.title) for remote in schedules}


def match_keys(project: Project | None, schedules: Sequence[RemoteSchedule]) -> Mapping[str, str]:
    """Return the keys of declared schedules by their ids."""
    pairs = () if project is None else match(project, PlatformState(schedules=tuple(schedules), agents=())).pairs
    return {pair.remote.id: pair.entry.key for pair in pairs if pair.remote is not None}


def find_schedule_id(connection: Connection, project: Project, key: str) -> str:
    """Return the id of the schedule that an entry matches; no match, or an ambiguous one, is an error."""
    get_entry(project, key)
    pairing = match_entry(connection, project)
    for blocked in pairing.blocked:
        if blocked.key == key:
            raise HaloError(f"schedule {key!r}: {blocked.reason}", hint=blocked.hint)
    found = next((pair.remote for pair in pairing.pairs if pair.entry.key == key), None)
    if found is None:
        raise HaloError(
            f"schedule {key!r} is declared, but does not exist on the platform yet",
            hint=Hint("run `{}` to create it", Command("apply")),
        )
    return found.id


def require_schedule_id(connection: Connection, project: Project | None, reference: str) -> str:
    """Return the id of a schedule given by id or by key; an unknown key is an error."""
    if not looks_like_key(project, reference):
        return reference
    assert project is not None  # noqa: S101 - without one nothing is a key
    return find_schedule_id(connection, project, reference)


def looks_like_key(project: Project | None, reference: str) -> bool:
    """Return whether a reference is a declared key, not an id; other text is an error with similar keys.

    The platform would only report an unknown id, or return an empty list.
    """
    entries = project.entries if project is not None else ()
    if any(entry.key == reference for entry in entries):
        return True
    if is_uuid(reference) or any(entry.id == canonical_id(reference) for entry in entries):
        return False
    raise _not_declared_error(project, reference)


def connect_to_schedule(context: CommandContext, reference: str) -> tuple[Connection, str]:
    """Return a connection, and the id of a schedule given by id or key; for an id, problems of files do not matter."""
    project = None if is_uuid(reference) else context.project_if_any()
    connection = context.connect_for_reading(project)
    return connection, require_schedule_id(connection, project, reference)
