"""The context of a command: its project file, its platform or sandbox, and the clock.

See docs/cli.md#settings and docs/cli.md#sandbox.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from functools import cached_property, partial
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Final

from halo_iac.checkout import find_checkout, find_outermost_checkout, is_sparse
from halo_iac.cli.console import Console
from halo_iac.cli.home_folder import check_paths, home_folder
from halo_iac.cli.plan.tightening import Tightening
from halo_iac.cli.project_files.options import MAX_CONCURRENT_PROJECTS, check_single_file
from halo_iac.cli.target import TargetOptions
from halo_iac.errors import GitError, ProjectError, ProjectNotFound, SettingsError, UsageError
from halo_iac.paths import PRIVATE_FOLDER, SANDBOX_FILE, resolve_path
from halo_iac.storage.outputs import check_links

if TYPE_CHECKING:
    from datetime import datetime
    from typing import Self

    from halo_iac.api.auth import Setting, Settings
    from halo_iac.api.transport import Transport
    from halo_iac.cli.connection import Connection
    from halo_iac.hints import Command
    from halo_iac.model.project import Project
    from halo_iac.model.remote import PlatformState, PlatformTarget
    from halo_iac.observe import Observation
    from halo_iac.sandbox.platform import Sandbox

_DROP_TIMEOUT: Final = 0.5
"""Seconds for which reads of the platform that invalid files have made needless may still run."""


class CommandContext:
    """The context of one command; everything is opened when first used, and closed with the context.

    ``closing`` ends the retries of reads that are under way when the command ends.
    """

    def __init__(self, console: Console, target: TargetOptions, cwd: Path | None = None) -> None:
        check_paths(console.env)
        self.console = console
        self.target = target
        self.cwd = cwd or Path.cwd()
        if target.file is not None:
            check_single_file(target.file, self.cwd)
        self.closing = threading.Event()
        self._project: Project | None = None
        self._connection: Connection | None = None
        self._observation: Observation | None = None
        self._tightening = Tightening()
        self._opened = ExitStack()
        self._sandboxes: dict[Path, Sandbox] = {}
        self._is_in_list = False
        # Lines of waits for the platform, kept while the files are read; None: they are printed at once.
        self._pending_waits: list[str] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        latest = monotonic() + _DROP_TIMEOUT
        with self._opened:  # an interrupt while this waits leaves no connection open either
            for each in (self, *self.__dict__.get("projects", ())):
                each.drop_observation(latest)

    # Several project files ------------------------------------------------------------------------------------------

    @property
    def is_list(self) -> bool:
        """Return whether ``-f`` names a list of project files, even a list of one."""
        return bool(self.target.files) and not self._is_in_list

    @cached_property
    def projects(self) -> tuple[CommandContext, ...]:
        """Return a context for each project file: this one, unless ``-f`` names a list."""
        if not self.is_list:
            return (self,)
        from halo_iac.cli.project_files.globs import find_project_files

        return tuple(map(self._context_for, find_project_files(self.target.files, self.cwd)))

    def format_command(self, command: Command) -> str:
        """Return a command line, ready to paste, that works on this project file and platform."""
        target, project = self.target, self._project
        if self._is_in_list and project is not None and self.console.env.get("INF_PROJECT_ID"):
            target = target._replace(project=project.project_id)
        return target.format_command(command)

    def _context_for(self, path: str) -> CommandContext:
        """Return the context of one file of the list, which is closed with this one and opens no sandbox twice."""
        each = CommandContext(self.console, self.target._replace(file=path), self.cwd)
        each.closing, each._opened, each._sandboxes = self.closing, self._opened, self._sandboxes
        each._tightening, each._is_in_list = self._tightening, True
        return each

    # Files ----------------------------------------------------------------------------------------------------------

    @cached_property
    def project_path(self) -> Path:
        """Return the project file: ``--file``, ``HALO_FILE``, or the one found from here upwards."""
        from halo_iac.load.find import find_project

        return find_project(self.cwd, self.named_file)

    @property
    def named_file(self) -> str | None:
        """Return the name of the project file if one was given."""
        return self.target.file or self.console.env.get("HALO_FILE") or None

    def load(self) -> Project:
        """Read the project and its includes once; the problems of all files are one error."""
        if self._project is None:
            self._project = self._tightened(self.load_file(self.project_path))
        return self._project

    def replace_project(self, project: Project) -> None:
        """Replace the loaded project by one with the entries of the other files of its project."""
        self._project = project

    def load_file(self, path: Path, drafts: Mapping[Path, bytes] | None = None) -> Project:
        """Read a project from its files and ``drafts``, which replace files; its policy is not tightened."""
        from halo_iac.load import DiskFiles, load

        checkout = self.find_project_checkout(path)
        skipped = frozenset[Path]() if checkout is None else self.find_skipped(checkout)
        tree = DiskFiles(drafts, skipped)
        return load(path, variables=self.console.env, cwd=self.cwd, checkout=checkout, tree=tree)

    def find_skipped(self, checkout: Path) -> frozenset[Path]:
        """Return the files that a sparse checkout leaves out; git is run only if it may be sparse."""
        may_be_sparse = is_sparse(checkout)
        if may_be_sparse is False:
            return frozenset()
        from halo_iac.git import Repository

        try:
            return Repository(checkout, self.console.env).index().list_skipped()
        except GitError:
            if may_be_sparse:
                raise
            return frozenset()  # an index of a later version, as large repositories have, where there is no git

    def find_project_checkout(self, path: Path) -> Path | None:
        """Return the folder that no path of a project leads out of: its repository, else ``--checkout``."""
        found, named = find_checkout(path), self.target.checkout
        if named is None:
            return found
        folder = resolve_path(self.cwd / named)
        if found is not None and folder != found:
            raise UsageError(f"--checkout {named} is not the repository {found}", hint="remove --checkout")
        if not resolve_path(path.parent).is_relative_to(folder):
            raise UsageError(f"--checkout {named} does not contain {path}", hint="name a folder above the project file")
        return folder

    def tighten(self, protect: Sequence[str] | None, undeclared: str | None) -> None:
        """Add the command line's restrictions to the project's policy; they can only tighten it."""
        self._tightening = Tightening.from_options(protect, undeclared)

    def _tightened(self, project: Project) -> Project:
        return self._tightening.apply_to(project, self.console.env)

    def project_if_any(self) -> Project | None:
        """Return the project, or ``None`` without a project file; a named file must exist."""
        try:
            return self.load()
        except ProjectNotFound:
            if self.named_file is not None:
                raise
            return None

    def project_or_empty(self) -> Project:
        """Return the project, or one without declarations if there is no file; restrictions still apply."""
        from halo_iac.load.find import FILE_NAME
        from halo_iac.model.project import Project

        return self.project_if_any() or self._tightened(Project(FILE_NAME, ()))

    # Platform -------------------------------------------------------------------------------------------------------

    def connect(self, project: Project | None = None) -> Connection:
        """Return a connection to the sandbox or the platform; no request is made yet."""
        from halo_iac.cli.connection import Connection, platform_transport, serves_sandbox

        settings, sandbox = self.settings(project), self._sandbox
        open_transport: Callable[[Callable[[], bool] | None], Transport]
        if self.sandbox_path is not None and sandbox is not None:
            from halo_iac.cli.sandbox_link import sandbox_transport

            base_url = f"sandbox:{resolve_path(self.sandbox_path)}"  # the same name from every working directory
            url_origin = self.sandbox_origin
            open_transport = partial(sandbox_transport, sandbox)
        else:
            key = settings.required_key()
            self.console.redactor.add_key(key.value)
            base_url, url_origin = settings.base_url.value, settings.base_url.origin
            open_transport = partial(platform_transport, settings, key, self.console, self.log_wait)
        return Connection(
            settings,
            base_url,
            url_origin,
            is_sandbox=sandbox is not None or serves_sandbox(settings),
            open_transport=lambda before: self._opened.enter_context(open_transport(before)),
            retry_policy=self.console.retry_policy,
            closing=self.closing,
            log_wait=self.log_wait,
        )

    @cached_property
    def _sandbox(self) -> Sandbox | None:
        if self.sandbox_path is None:
            return None
        from halo_iac.cli.sandbox_link import open_sandbox

        path = resolve_path(self.sandbox_path)
        if path not in self._sandboxes:
            self._sandboxes[path] = self._opened.enter_context(open_sandbox(self.sandbox_path))
        return self._sandboxes[path]

    @property
    def now(self) -> datetime:
        """Return the current instant of the platform: `sandbox tick` moves the sandbox's clock ahead."""
        now = self.console.clock()
        return now if self._sandbox is None else now + self._sandbox.clock_offset

    def connect_for_reading(self, project: Project | None = None) -> Connection:
        """Return a connection for a command that needs no declared schedules: the project file only names the project.

        ``project`` is for a command that has already read it.
        """
        if project is None and self.target.project is None:
            try:
                project = self.project_if_any()
            except ProjectError as error:
                hint = "fix the file, or pass --project to continue without it"
                raise ProjectError(error.problems, hint=hint) from None
        connection = self.connect(project)
        if connection.is_sandbox:
            self.console.log(self.console.err_style.safe(f"SANDBOX {connection.base_url}"))
        return connection

    def settings(self, project: Project | None = None) -> Settings:
        """Resolve key, base URL, team and project; a sandbox ignores the inf config file."""
        from halo_iac.api.auth import Setting, resolve_settings

        declared: Setting[str] | None = None
        if project is not None and project.project_id is not None:
            declared = Setting(project.project_id, str(project.origin("project")))
        env = self.console.env
        if self.sandbox_path is not None:
            env = {"INF_PROJECT_ID": env.get("INF_PROJECT_ID", ""), "INF_CONFIG_DIR": os.devnull}
        if self._is_in_list:  # each file of a list has its own `project:`
            env = {**env, "INF_PROJECT_ID": ""}
        return resolve_settings(
            env,
            home=home_folder(),
            project_flag=self.target.project,
            team_flag=self.target.team,
            declared=declared,
            checkouts=lambda: self.untrusted_folders,
        )

    @cached_property
    def sandbox_path(self) -> Path | None:
        """Return the sandbox's file, or ``None`` for the platform; a sandbox by environment and a key are an error."""
        if self.target.sandbox_file is not None:
            if not self.target.sandbox_file.strip():
                raise UsageError("--sandbox-file is empty", hint="give it a path, or use --sandbox")
            check_links(Path(self.target.sandbox_file), self.cwd)
            return self.cwd / self.target.sandbox_file
        named = self.console.env.get("HALO_SANDBOX")
        if not named:
            return self._state_folder / SANDBOX_FILE if self.target.sandbox else None
        if not self.target.sandbox and self.console.env.get("INF_API_KEY"):
            raise SettingsError(
                "HALO_SANDBOX and INF_API_KEY are both set, so it is not clear which platform is meant",
                hint="unset one of them, or pass --sandbox",
            )
        check_links(Path(named), self.cwd)
        return self.cwd / named

    @property
    def sandbox_origin(self) -> str:
        """Return the option or variable that selects the sandbox."""
        if self.target.sandbox_file is not None:
            return "--sandbox-file"
        return "HALO_SANDBOX" if self.console.env.get("HALO_SANDBOX") else "--sandbox"

    @property
    def private_folder(self) -> Path:
        """Return the folder ``.halo`` beside the project file, or in the working directory without one."""
        return self._state_folder / PRIVATE_FOLDER

    @property
    def _state_folder(self) -> Path:
        """Return the project file's folder; a link in the checkout that leads out of it is an error."""
        folder = self.folder
        check_links(folder, self.cwd)
        return folder

    @cached_property
    def untrusted_folders(self) -> tuple[Path, ...]:
        """Return the folders whose files a branch may have written.

        That is the repository, for a submodule the outermost one, else ``--checkout`` or the project file's folder; and
        the repository of the working directory, if a link or a submodule leads from there into another one.
        """
        folder, named = self.folder, self.target.checkout
        held = find_checkout(folder / "any", of_any_owner=True)
        project_folder = resolve_path(folder if named is None else self.cwd / named)
        around = project_folder if held is None else find_outermost_checkout(held)
        here = find_checkout(self.cwd / "any", of_any_owner=True)
        written = Path(os.path.abspath(resolve_path(self.cwd) / folder))  # noqa: PTH100 - no link is followed
        if here is None or not written.is_relative_to(here):
            return (around,)
        return tuple(dict.fromkeys((around, find_outermost_checkout(here))))

    @property
    def folder(self) -> Path:
        """Return the folder of the project file, which may not exist."""
        try:
            return self.project_path.parent
        except ProjectNotFound:
            return self.cwd / Path(self.named_file or "").parent

    def observe_early(self) -> None:
        """Start reading the platform before the files are parsed, if the project is known.

        It is known from ``--project``, else from ``INF_PROJECT_ID`` (a file with another one is an error), else from
        the first lines of each file. Not in the sandbox, which invalid files should not create.
        """
        if self.is_list:
            for each in self.projects[:MAX_CONCURRENT_PROJECTS]:
                each.observe_early()
        elif self.sandbox_path is None:
            self._pending_waits = []
            with suppress(SettingsError, ProjectNotFound):  # problems of the files are reported first
                head = None
                if not self.target.project and (self._is_in_list or not self.console.env.get("INF_PROJECT_ID")):
                    from halo_iac.load import load_head

                    head = load_head(
                        self.project_path, cwd=self.cwd, checkout=self.find_project_checkout(self.project_path)
                    )
                if head is None or head.project_id is not None:
                    self._observation = self.connect(head).start_observing()

    def drop_observation(self, latest: float) -> None:
        """Wait for early reads until ``latest``, an instant of ``monotonic``, and ignore their results."""
        if self._observation is not None:
            self._observation.drop(latest)

    def begin_observing(self) -> None:
        """Start reading the platform for the loaded project, unless that has begun."""
        if self._observation is None:
            self.host(self.load())
            self._pending_waits = []
            self._observation = self.observed_connection.start_observing()
        self._observation.read_models(self.load().model_fields)

    def observe(self, project: Project) -> tuple[PlatformTarget, PlatformState]:
        """Return the platform and its state, as :mod:`halo_iac.pipeline` requires."""
        host, observation = self.host(project), self._observation
        if observation is None or observation.project_id != host.project_id:  # the file was changed meanwhile
            observation = self.observed_connection.start_observing()
        waits, self._pending_waits = self._pending_waits, None
        for wait in waits or ():
            self.log_wait(wait)
        return host, observation.result(project.model_fields)

    def log_wait(self, words: str) -> None:
        """Log a wait for the platform; only after the files are read, since their problems are reported first."""
        pending = self._pending_waits
        if pending is None:
            self.console.log(self.console.err_style.safe(words))
        else:
            pending.append(words)

    def host(self, project: Project) -> PlatformTarget:
        """Return the platform and project that :meth:`observe` reads."""
        if self._connection is None:
            self._connection = self.connect(project)
        return self._connection.host

    @property
    def observed_connection(self) -> Connection:
        """Return the connection that :meth:`observe` used, so that apply writes to the platform of the plan."""
        assert self._connection is not None  # noqa: S101 - there is no plan without an observation
        return self._connection
