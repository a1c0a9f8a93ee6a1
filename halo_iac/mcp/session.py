"""The interface between tools and the command line, which implements it: platforms, names, plans."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import NamedTuple, Protocol

from halo_iac.api.auth import SelectedProject, Settings
from halo_iac.api.runs import RunReader
from halo_iac.api.schedules import Reader
from halo_iac.api.traces import TraceReader
from halo_iac.model.plan import Plan
from halo_iac.model.remote import RemoteSchedule
from halo_iac.model.runs import StartedRun
from halo_iac.render.formats import ProjectCheck


class Platform(Protocol):
    """A platform and a project on it, to be read."""

    @property
    def reader(self) -> Reader:
        """Return what reads schedules and agents."""

    @property
    def run_reader(self) -> RunReader:
        """Return what reads runs and conversations."""

    @property
    def trace_reader(self) -> TraceReader:
        """Return what reads traces and spans."""

    @property
    def project(self) -> SelectedProject:
        """Return the project."""

    @property
    def settings(self) -> Settings:
        """Return the settings, and where each came from."""

    @property
    def base_url(self) -> str:
        """Return the platform's address."""

    @property
    def is_sandbox(self) -> bool:
        """Return whether it is a sandbox on this machine."""


class RunOrder(NamedTuple):
    """A request for a run: of a schedule as the platform holds it, or of an agent."""

    schedule: str | None = None
    agent: str | None = None
    prompt: str | None = None
    lookback_hours: int | None = None


class Session(Protocol):
    """The files and the platform as one call sees them; every call reads both anew."""

    @property
    def stop(self) -> threading.Event:
        """Return the event that is set when the call is cancelled: no more requests are sent then."""

    @property
    def now(self) -> datetime:
        """Return the current instant, as the platform has it."""

    @property
    def allows_runs(self) -> bool:
        """Return whether tools that cost money are offered."""

    @property
    def platform(self) -> Platform:
        """Return the platform, connected when first asked for; a missing key is an error."""

    def schedule_id(self, reference: str) -> str:
        """Return the id of a schedule that is named by its key in the project file, or by its id."""

    def agent_id(self, reference: str) -> str:
        """Return the UUID of an agent that is named by its alias in the project file, its name or its UUID."""

    def agent_name(self, reference: str) -> str:
        """Return the name that traces have for an agent, which is named in the same ways."""

    def keys_of(self, schedules: Sequence[RemoteSchedule]) -> Mapping[str, str]:
        """Return the keys under which the project file declares schedules, by their ids."""

    def check(self, file: str | None) -> ProjectCheck:
        """Return the problems and findings of a project file."""

    def plan(self, file: str | None, targets: Sequence[str]) -> tuple[Plan, str]:
        """Return the plan of a project file without credentials, and its text."""

    def start(self, order: RunOrder) -> StartedRun:
        """Start a run, which costs money; exactly once."""

    def ask(self, conversation_id: str, question: str) -> StartedRun:
        """Ask a question about a report, which costs money; exactly once."""


class Host(Protocol):
    """The interface of the process to the server."""

    @property
    def allows_runs(self) -> bool:
        """Return whether tools that cost money are offered."""

    def open(self, project: str | None, stop: threading.Event) -> AbstractContextManager[Session]:
        """Return the session of one call; ``project`` is the platform's project if the call names one.

        Whatever goes wrong in it is raised as :class:`~halo_iac.errors.HaloError`.
        """

    def redacted(self, text: str) -> str:
        """Return a text or a document with all keys redacted."""

    def with_tools(self, text: str) -> str:
        """Return a hint in which commands are replaced by the tools that do the same."""
