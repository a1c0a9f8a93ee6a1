"""A connection to a platform and a project on it: readers, writer and retries."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from time import monotonic
from typing import TYPE_CHECKING

from halo_iac import __version__
from halo_iac.api.retry import Retry
from halo_iac.api.secret import SANDBOX_KEY_PREFIX
from halo_iac.api.throttling import ThrottleGate
from halo_iac.cli.local_timezone import local_zone
from halo_iac.errors import PlatformError
from halo_iac.model.remote import PlatformTarget

if TYPE_CHECKING:
    from halo_iac.api.auth import SelectedProject, Setting, Settings
    from halo_iac.api.limits import RetryPolicy
    from halo_iac.api.runs import RunReader
    from halo_iac.api.schedules import Reader, Writer
    from halo_iac.api.secret import Secret
    from halo_iac.api.traces import TraceReader
    from halo_iac.api.transport import Transport
    from halo_iac.cli.console import Console
    from halo_iac.observe import Observation


@dataclass
class Connection:
    """A platform and a project on it.

    Key, address and project are resolved once, so that an apply writes to the platform that its plan showed.
    ``open_transport`` returns a new transport to the same address. Calls are retried according to ``retry_policy``
    until ``closing`` is set, and ``log_wait`` gets a line for each wait.
    """

    settings: Settings
    base_url: str
    url_origin: str
    is_sandbox: bool
    open_transport: Callable[[Callable[[], bool] | None], Transport]
    retry_policy: RetryPolicy
    closing: threading.Event
    log_wait: Callable[[str], None]
    before_request: Callable[[], bool] | None = None

    def rate_limited(self, before_request: Callable[[], bool]) -> Connection:
        """Return the same connection, in which every request first calls ``before_request``."""
        return replace(self, before_request=before_request)

    @cached_property
    def transport(self) -> Transport:
        """Return the transport, opened when first used."""
        return self.open_transport(self.before_request)

    @property
    def is_embedded(self) -> bool:
        """Return whether the platform is the sandbox of this very process."""
        return self.base_url.startswith("sandbox:")

    @cached_property
    def reader(self) -> Reader:
        """Return the client that reads schedules and agents; it cannot change anything."""
        from halo_iac.api.schedules import Reader

        return Reader(self.transport, self.retry())

    @property
    def run_reader(self) -> RunReader:
        """Return the client that reads runs and conversations."""
        from halo_iac.api.runs import RunReader

        return RunReader(self.transport, self.retry())

    @cached_property
    def trace_reader(self) -> TraceReader:
        """Return the client that reads traces; if no setting names the team, it is requested once."""
        from halo_iac.api.traces import TraceReader, TraceScope, team_of_project

        retry, project, team = self.retry(), self.project.id, self.settings.team
        found = team.value if team is not None else team_of_project(self.transport, retry, project)
        return TraceReader(self.transport, TraceScope(found, project), retry)

    def retry(self, stop: threading.Event | None = None, *, is_run: bool = False) -> Retry:
        """Return the retries of calls, which log each wait; they end when ``stop`` is set, else with the command.

        ``is_run`` is for a plan or an apply: while the platform throttles, all its calls wait at one gate, for longer.
        """
        policy = self.retry_policy
        return Retry(
            seconds=policy.bounds.total_seconds,
            attempts=policy.attempts,
            stop=stop or self.closing,
            on_retry=self._log_wait,
            clock=policy.clock,
            sleep=policy.sleep,
            gate=ThrottleGate(policy.throttled_seconds, clock=policy.clock, sleep=policy.sleep) if is_run else None,
        )

    def _log_wait(self, error: PlatformError, seconds: float, _attempt: int) -> None:
        self.log_wait(f"{error.message}; trying again in {seconds:.1f} s")

    def single_attempt_reader(self) -> Reader:
        """Return a reader without retries: apply repeats a read together with the write it belongs to."""
        from halo_iac.api.schedules import Reader

        return Reader(self.transport, Retry(attempts=1))

    def writer(self) -> Writer:
        """Return the client that changes schedules; only apply asks for it."""
        from halo_iac.api.schedules import Writer

        return Writer(self.transport)

    @cached_property
    def project(self) -> SelectedProject:
        """Return the project; the platform is asked only if no setting names one."""
        from halo_iac.api.auth import SelectedProject, select_project

        if self.settings.project is None and self.is_embedded:
            from halo_iac.sandbox.demo import DEMO_PROJECT_ID

            return SelectedProject(DEMO_PROJECT_ID, "the sandbox")
        return select_project(self.settings.project, self.reader.auth_context)

    @property
    def host(self) -> PlatformTarget:
        """Return platform and project, and where both came from, as plans show them."""
        return PlatformTarget(
            base_url=self.base_url,
            project_id=self.project.id,
            project_name=self.project.name,
            url_origin=self.url_origin,
            project_origin=self.project.origin,
            is_sandbox=self.is_sandbox,
        )

    def start_observing(self) -> Observation:
        """Begin reading schedules and agents in the background."""
        from halo_iac.api.schedules import Reader
        from halo_iac.observe import Observation

        return Observation(Reader(self.transport, self.retry(is_run=True)), self.project.id)


def serves_sandbox(settings: Settings) -> bool:
    """Return whether the key is one that only a served sandbox makes."""
    return settings.key is not None and settings.key.value.reveal().startswith(SANDBOX_KEY_PREFIX)


def platform_transport(
    settings: Settings,
    key: Setting[Secret],
    console: Console,
    log_wait: Callable[[str], None],
    before_request: Callable[[], bool] | None,
) -> Transport:
    """Return the transport to the platform of the settings; ``before_request`` may delay or end a request.

    ``log_wait`` gets a line for slow requests, but not while an apply redraws lines.
    """
    from halo_iac.api.transport import Transport

    bounds = console.retry_policy.bounds
    is_redrawn = before_request is not None and console.shows_progress
    return Transport(
        settings.base_url.value,
        key.value,
        settings.team.value if settings.team else None,
        user_agent=f"halo-iac/{__version__}",
        timezone=local_zone(console.env.get("TZ")),
        key_origin=key.origin,
        url_origin=settings.base_url.origin,
        before_request=before_request,
        bounds=bounds,
        log_wait=None if is_redrawn else _at_most_every(bounds.slow_seconds, log_wait),
    )


def _at_most_every(seconds: float, log: Callable[[str], None]) -> Callable[[str], None]:
    """Return ``log`` limited to one line in so many seconds, since concurrent requests wait at the same time."""
    quiet_until = 0.0

    def log_first(line: str) -> None:
        nonlocal quiet_until
        now = monotonic()
        if now >= quiet_until:
            quiet_until = now + seconds
            log(line)

    return log_first
