"""The platform → :class:`~halo_iac.model.remote.PlatformState`: every schedule, every agent, and models.

An observation can be started before the project files are parsed, so that waiting and parsing overlap
(docs/performance.md#observing).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from time import monotonic
from typing import Any, Final, TypeVar

from halo_iac.api.decode import parse_models
from halo_iac.api.schedules import Reader
from halo_iac.errors import PlatformError
from halo_iac.model.remote import ModelCatalog, PlatformState
from halo_iac.workers import Future

T = TypeVar("T")

_MODELS: Final = {"model_id": Reader.eligible_models, "summarization_model_id": Reader.eligible_summarization_models}
"""A field that names a model → the method that lists its models."""


def observe(reader: Reader, project_id: str) -> PlatformState:
    """Return the project as the platform holds it, archived schedules included; raises the errors of its reads."""
    return Observation(reader, project_id).result()


class Observation:
    """The reads of one project, in the background: they begin at once, and are dropped if nothing needs them."""

    def __init__(self, reader: Reader, project_id: str) -> None:
        self.project_id = project_id
        self._reader = reader
        self._schedules = Future(lambda: self._read(lambda: reader.schedules(project_id)))
        self._agents = Future(lambda: self._read(lambda: reader.agents(project_id)))
        self._catalogs: dict[str, Future[ModelCatalog]] = {}

    def read_models(self, fields: Iterable[str]) -> None:
        """Begin to read the models that each field may name, unless that has begun."""
        for field in fields:
            if field not in self._catalogs:
                self._catalogs[field] = Future(partial(self._catalog, _MODELS[field]))

    def result(self, model_fields: Iterable[str] = ()) -> PlatformState:
        """Wait for all reads, then return the platform's state or raise the error of one.

        ``model_fields`` are the fields in which the project names models; each takes one more request.

        All reads end first, so that no request outlives the result, and so that the same error is raised every time: an
        error that ends the run before any other, because the other read may have failed only for want of a retry.
        """
        self.read_models(model_fields)
        self._schedules.wait()
        self._agents.wait()
        for catalog in self._catalogs.values():
            catalog.wait()
        errors = [error for error in (self._schedules.error, self._agents.error) if error is not None]
        if errors:
            ending = (error for error in errors if isinstance(error, PlatformError) and error.ends_the_run)
            raise next(ending, errors[0])
        listing = self._schedules.result()
        models = {field: catalog.result() for field, catalog in self._catalogs.items()}
        return PlatformState(listing.schedules, self._agents.result(), listing.gap, models)

    def drop(self, latest: float) -> None:
        """Wait until an instant of :func:`time.monotonic` for the reads to end; their results are ignored."""
        reads: tuple[Future[Any], ...] = (self._schedules, self._agents, *self._catalogs.values())
        for read in reads:
            read.wait(max(latest - monotonic(), 0.0))

    def _catalog(self, ask: Callable[[Reader], list[Any]]) -> ModelCatalog:
        """Return the models, or why they are unknown: a plan can be made without them."""
        try:
            return parse_models(ask(self._reader))
        except PlatformError as error:
            return ModelCatalog({}, error.message)

    def _read(self, work: Callable[[], T]) -> T:
        """Return the result of a read, or cancel the other one if it fails with an error that ends the run."""
        try:
            return work()
        except PlatformError as error:
            if error.ends_the_run:
                self._reader.cancel()
            raise
