"""The latest runs of many schedules, read at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from typing import Final, NamedTuple

from halo_iac.api.runs import RunReader
from halo_iac.errors import PlatformError
from halo_iac.model.runs import Run
from halo_iac.workers import Task, run_concurrently

_MAX_CONCURRENT_REQUESTS: Final = 8


class RunHistory(NamedTuple):
    """The latest runs of a schedule, or why they could not be read."""

    schedule_id: str
    runs: tuple[Run, ...] = ()
    read_error: PlatformError | None = None


def recent_runs(reader: RunReader, schedule_ids: Iterable[str], count: int) -> dict[str, RunHistory]:
    """Return the latest runs of schedules by id; an error after which nothing can succeed is raised."""
    tasks = [Task(partial(_read, reader, schedule_id, count)) for schedule_id in schedule_ids]
    return {found.schedule_id: found for found in run_concurrently(tasks, _MAX_CONCURRENT_REQUESTS)}


def _read(reader: RunReader, schedule_id: str, count: int) -> Iterator[RunHistory]:
    try:
        yield RunHistory(schedule_id, reader.schedule_runs(schedule_id, count))
    except PlatformError as error:
        if error.ends_the_run:
            raise
        yield RunHistory(schedule_id, read_error=error)
