"""Finding a report by the id of a run, a conversation or a schedule, or by the key of an entry."""

from __future__ import annotations

from typing import TYPE_CHECKING

from halo_iac.cli.connection import Connection
from halo_iac.cli.project_files.entries import find_schedule_id, looks_like_key
from halo_iac.runs.reports import fetch, fetch_of_schedule

if TYPE_CHECKING:
    from halo_iac.model.project import Project
    from halo_iac.model.runs import Report


def find_report(connection: Connection, project: Project | None, reference: str) -> tuple[Report, str | None]:
    """Return the report, and the key of its schedule if it was found by key."""
    reader = connection.run_reader
    if project is not None and looks_like_key(project, reference):
        return fetch_of_schedule(reader, find_schedule_id(connection, project, reference)), reference
    return fetch(reader, reference), None
