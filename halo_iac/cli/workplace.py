"""Opens what a command works with: the project file, the platform or the sandbox, and the clock (design §2, §8, §9)."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from halo_iac import __version__
from halo_iac.cli.console import Console
from halo_iac.errors import FileError, PlatformError, ProjectNotFound, SettingsError, UsageError

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    import httpx

    from halo_iac.api.access import ChosenProject
    from halo_iac.api.credentials import Setting, Settings
    from halo_iac.api.reader import Reader
    from halo_iac.api.retry import Retry
    from halo_iac.api.transport import Transport
    from halo_iac.api.writer import Writer
    from halo_iac.model.project import Project
    from halo_iac.model.remote import Actual, Host
    from halo_iac.observe import Observation
    from halo_iac.sandbox.platform import Sandbox

SANDBOX_FILE = Path(".halo") / "sandbox.db"


@dataclass(frozen=True, slots=True)
class Choice:
    """What the command line says about where to work."""

    file: str | None = None
    project: str | None = None
    team: str | None = None
    sandbox: bool = False
    sandbox_file: str | None = None


@dataclass
class Workplace:
    """One command's surroundings; everything is opened when first asked for, and closed with the workplace."""

    console: Console
    choice: Choice
    cwd: Path = field(default_factory=Path.cwd)
    _early: Observation | None = None
    _opened: ExitStack = field(default_factory=ExitStack)
    closing: threading.Event = field(default_factory=threading.Event)
    """Ends the repetitions of reads that are still under way when the command is over."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.closing.set()
        self._opened.close()

    def moved_to(self, path: Path) -> Workplace:
        """Return another workplace on the same platform, whose project file is ``path``."""
        there = Workplace(self.console, replace(self.choice, file=str(path)), self.cwd)
        there.sandbox_path = self.sandbox_path
        return there

    # Files ----------------------------------------------------------------------------------------------------------

    @cached_property
    def project_path(self) -> Path:
        """Return the project file: ``--file``, ``HALO_FILE``, or the one found from here upwards."""
        from halo_iac.load.find import find_project

        return find_project(self.cwd, self.named_file)

    @property
    def named_file(self) -> str | None:
        """Return the project file's name where one was given."""
        if self.choice.file is not None and not self.choice.file.strip():
            raise UsageError("--file is empty", hint="give it a path, or leave it out")
        return self.choice.file or self.console.env.get("HALO_FILE") or None

    def load(self) -> Project:
        """Read the project and its includes; every problem of every file is in the one error."""
        from halo_iac.load import load

        return load(self.project_path, variables=self.console.env, cwd=self.cwd)

    # Platform -------------------------------------------------------------------------------------------------------

    def connect(
        self, project: Project | None = None, *, before_request: Callable[[], None] | None = None
    ) -> Connection:
        """Return a connection to the sandbox or the platform; no request is made yet."""
        settings = self.settings(project)
        sandbox_path = self.sandbox_path
        if sandbox_path is not None:
            sandbox = self._opened.enter_context(open_sandbox(sandbox_path))
            transport = self._opened.enter_context(_sandbox_transport(_embedded(sandbox), before_request))
            return Connection(self, settings, transport, f"sandbox:{sandbox_path}", is_sandbox=True)
        key = settings.required_key()
        self.console.hide(key.value.hide_in)
        from halo_iac.api.transport import Transport

        transport = Transport(
            settings.base_url.value,
            key.value,
            settings.team.value if settings.team else None,
            user_agent=f"halo-iac/{__version__}",
            key_origin=key.origin,
            url_origin=settings.base_url.origin,
            before_request=before_request,
        )
        self._opened.enter_context(transport)
        return Connection(self, settings, transport, settings.base_url.value, is_sandbox=_serves_sandbox(settings))

    def connect_for_reading(self, project: Project | None = None) -> Connection:
        """Return a connection for a command that needs no schedules of ours: a project file only says which project.

        ``project`` is for a command that has read it anyway.
        """
        connection = self.connect(project or self._project_if_any())
        if connection.is_sandbox:
            self.console.say(f"SANDBOX {connection.base_url}")
        return connection

    def _project_if_any(self) -> Project | None:
        if self.choice.project is not None:
            return None
        try:
            return self.load()
        except ProjectNotFound:
            if self.named_file is not None:
                raise
            return None

    def settings(self, project: Project | None = None) -> Settings:
        """Resolve key, base URL, team and project; the inf config file means nothing to a sandbox."""
        from halo_iac.api.credentials import Setting, resolve_settings

        declared: Setting[str] | None = None
        if project is not None and project.project_id is not None:
            declared = Setting(project.project_id, str(project.origin("project")))
        env = self.console.env
        if self.sandbox_path is not None:
            env = {"INF_PROJECT_ID": env.get("INF_PROJECT_ID", ""), "INF_CONFIG_DIR": os.devnull}
        return resolve_settings(
            env,
            home=_home(),
            project_flag=self.choice.project,
            team_flag=self.choice.team,
            declared=declared,
        )

    @cached_property
    def sandbox_path(self) -> Path | None:
        """Return the sandbox's file, or ``None`` for the platform; a sandbox by environment and a key are an error."""
        if self.choice.sandbox_file is not None:
            if not self.choice.sandbox_file.strip():
                raise UsageError("--sandbox-file is empty", hint="give it a path, or use --sandbox")
            return self.cwd / self.choice.sandbox_file
        named = self.console.env.get("HALO_SANDBOX")
        if named and not self.choice.sandbox:
            if self.console.env.get("INF_API_KEY"):
                raise SettingsError(
                    "HALO_SANDBOX and INF_API_KEY are both set, so it is not clear which platform is meant",
                    hint="unset one of them",
                )
            return self.cwd / named
        return self._project_folder / SANDBOX_FILE if self.choice.sandbox else None

    @property
    def sandbox_origin(self) -> str:
        """Return what says that the sandbox is meant."""
        if self.choice.sandbox_file is not None:
            return "--sandbox-file"
        return "--sandbox" if self.choice.sandbox else "HALO_SANDBOX"

    @property
    def _project_folder(self) -> Path:
        try:
            return self.project_path.parent
        except ProjectNotFound:
            return self.cwd

    def observe_early(self) -> None:
        """Ask the platform before the files are parsed, where ``--project`` already says which project is meant.

        Not the sandbox: it has nothing to wait for, and bad files should leave no trace of one.
        """
        if self.choice.project and self.sandbox_path is None:
            self._early = self.connect().start_observing()

    def observe(self, project: Project) -> tuple[Host, Actual]:
        """Return the platform as it is, and which one it is; the form :mod:`halo_iac.pipeline` wants."""
        connection = self.connect(project)
        observation = self._early or connection.start_observing()
        return connection.host, observation.result()


@dataclass
class Connection:
    """A platform and a project on it."""

    workplace: Workplace
    settings: Settings
    transport: Transport
    base_url: str
    is_sandbox: bool

    @property
    def is_embedded(self) -> bool:
        """Say whether the platform is the sandbox of this very process."""
        return self.base_url.startswith("sandbox:")

    @cached_property
    def reader(self) -> Reader:
        """Return the client that cannot change anything."""
        from halo_iac.api.reader import Reader

        return Reader(self.transport, self.retry())

    def retry(self, stop: threading.Event | None = None) -> Retry:
        """Return how calls are repeated, which is said; until ``stop`` is set, or else until the command is over."""
        from halo_iac.api.retry import Retry

        return Retry(stop=stop or self.workplace.closing, on_retry=self._say_that_it_waits)

    def _say_that_it_waits(self, error: PlatformError, seconds: float, _attempt: int) -> None:
        console = self.workplace.console
        console.say(f"{console.err_style.safe(error.message)}; trying again in {seconds:.0f} s")

    def single_attempt_reader(self) -> Reader:
        """Return a reader that repeats nothing: apply repeats a read together with the write it is for."""
        from halo_iac.api.reader import Reader
        from halo_iac.api.retry import Retry

        return Reader(self.transport, Retry(attempts=1))

    def writer(self) -> Writer:
        """Return the client that changes schedules; only apply asks for it."""
        from halo_iac.api.writer import Writer

        return Writer(self.transport)

    @cached_property
    def project(self) -> ChosenProject:
        """Return the project that is meant; the platform is asked only where nothing names one."""
        from halo_iac.api.access import ChosenProject, choose_project

        if self.settings.project is None and self.is_embedded:
            from halo_iac.sandbox.demo import DEMO_PROJECT_ID

            return ChosenProject(DEMO_PROJECT_ID, "the sandbox")
        return choose_project(self.settings.project, self.reader.auth_context)

    @property
    def host(self) -> Host:
        """Return platform and project, and where both came from, as plans show them."""
        from halo_iac.model.remote import Host

        return Host(
            base_url=self.base_url,
            project_id=self.project.id,
            project_name=self.project.name,
            url_origin=self.workplace.sandbox_origin if self.is_embedded else self.settings.base_url.origin,
            project_origin=self.project.origin,
            is_sandbox=self.is_sandbox,
        )

    def start_observing(self) -> Observation:
        """Begin reading schedules and agents in the background."""
        from halo_iac.observe import start_observing

        return start_observing(self.reader, self.project.id)


def _home() -> Path:
    try:
        return Path.home()
    except RuntimeError:
        return Path(os.devnull)  # a user without a home has no config file either


def open_sandbox(path: Path) -> Sandbox:
    """Return the sandbox in a file, made if need be; a clear error for a file that is none."""
    from halo_iac.sandbox.platform import Sandbox
    from halo_iac.sandbox.protocol import SandboxError

    try:
        return Sandbox.open(path)
    except SandboxError as error:
        raise FileError(str(error), hint="name another file, or start anew with `halo sandbox reset`") from None


def _embedded(sandbox: Sandbox) -> httpx.BaseTransport:
    """Return the sandbox in this process as a transport; it meets the client nowhere else (house.md, Layout)."""
    from halo_iac.api.embedded import EmbeddedTransport
    from halo_iac.sandbox.protocol import NoAnswer, Request, Silent

    def answer(
        method: str, url_path: str, query: str, headers: dict[str, str], body: bytes
    ) -> tuple[int, dict[str, str], bytes]:
        try:
            answered = sandbox.answer(Request(method, url_path, query, headers, body))
        except Silent:
            raise TimeoutError from None
        except NoAnswer:
            raise ConnectionResetError from None
        return answered.status, dict(answered.headers), answered.body

    return EmbeddedTransport(answer)


def _sandbox_transport(http: httpx.BaseTransport, before_request: Callable[[], None] | None) -> Transport:
    from halo_iac.api.secret import Secret
    from halo_iac.api.transport import Transport
    from halo_iac.sandbox.demo import DEMO_KEY

    return Transport("http://localhost", Secret(DEMO_KEY), http=http, before_request=before_request)


def _serves_sandbox(settings: Settings) -> bool:
    """Say whether the key is one that only a served sandbox knows."""
    from halo_iac.api.hosts import is_loopback

    if settings.key is None or not is_loopback(settings.base_url.value):
        return False
    from halo_iac.sandbox.demo import DEMO_KEY, DEMO_READ_KEY

    return settings.key.value.reveal() in {DEMO_KEY, DEMO_READ_KEY}
