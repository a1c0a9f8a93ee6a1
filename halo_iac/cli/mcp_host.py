"""What ``halo mcp`` gives its tools: for each call, the files and the platform of the command line.

See docs/mcp.md and docs/security.md#mcp-server.
"""

from __future__ import annotations

import gc
import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final

from halo_iac.api.runs import RunWriter
from halo_iac.checkout import find_checkout, find_git_folder
from halo_iac.cli.agents import find_agent_id
from halo_iac.cli.connection import Connection
from halo_iac.cli.console import Console
from halo_iac.cli.context import CommandContext
from halo_iac.cli.main import to_halo_error
from halo_iac.cli.plan.request import make_plans
from halo_iac.cli.project_files.check import check_project
from halo_iac.cli.project_files.entries import match_keys, require_schedule_id
from halo_iac.cli.runs.request import RunOptions, build_request, find_lookback_hours, resolve_window
from halo_iac.cli.target import TargetOptions
from halo_iac.errors import FileError, HaloError, UsageError
from halo_iac.hints import Command, format_hint
from halo_iac.load.files import INCLUDE_SUFFIXES, CheckoutBound, FileUnreadable, invalid_path_reason
from halo_iac.mcp.session import Platform, RunOrder, Session
from halo_iac.model.instants import format_instant
from halo_iac.paths import resolve_path
from halo_iac.render.formats import ProjectCheck, RenderContext, ReviewFormat, open_view
from halo_iac.render.style import Style
from halo_iac.runs.polling import start

if TYPE_CHECKING:
    from datetime import datetime

    from halo_iac.model.plan import Plan
    from halo_iac.model.project import Project
    from halo_iac.model.remote import RemoteSchedule
    from halo_iac.model.runs import StartedRun

AS_TOOLS: Final[Mapping[tuple[str, ...], str]] = {
    ("agent", "list"): "list_agents",
    ("conversation", "get"): "get_halo_conversation",
    ("conversation", "list"): "list_halo_conversations",
    ("doctor",): "whoami",
    ("plan",): "plan_project",
    ("report", "get"): "get_halo_report",
    ("report", "list"): "list_halo_conversations",
    ("run", "events"): "list_halo_runs",
    ("run", "poll"): "list_halo_runs",
    ("schedule", "list"): "list_halo_schedules",
    ("schedule", "runs"): "list_halo_runs",
    ("span", "get"): "get_span",
    ("trace", "get"): "get_trace",
    ("trace", "list"): "list_traces",
    ("validate",): "validate_project",
}
"""First words of commands in hints → the tool that shows the same."""


class McpHost:
    """Serves one client: its context, its permissions, and the costly calls under way."""

    def __init__(self, console: Console, target: TargetOptions, *, allows_runs: bool) -> None:
        self.allows_runs = allows_runs
        self._console = console
        self._target = target
        self._idle = threading.Condition()
        self._starting = 0

    @contextmanager
    def open(self, project: str | None, stop: threading.Event) -> Iterator[Session]:
        """Return the session of one call; a project named in the call overrides the command line's."""
        target = self._target if project is None else self._target._replace(project=project)
        try:
            with CommandContext(self._console, target) as context:
                context.closing = stop
                yield McpSession(self, context, stop)
        except Exception as error:  # noqa: BLE001 - the boundary of a call: no traceback reaches a client
            ours = to_halo_error(error)
            if not isinstance(error, HaloError):
                self._console.log(f"{ours.message}; {ours.hint}")
            raise ours from None
        finally:
            gc.enable()  # making a plan turns garbage collection off, and this process may run for days

    def redacted(self, text: str) -> str:
        """Return a text or a document without keys."""
        return self._console.redacted(text)

    def with_tools(self, text: str) -> str:
        """Return a hint in which commands are replaced by the tools that do the same."""
        return format_hint(text, self._as_tool)

    def _as_tool(self, command: Command) -> str:
        for length in (2, 1):
            tool = AS_TOOLS.get(command.words[:length])
            if tool is not None:
                return tool
        return self._target.format_command(command)

    @contextmanager
    def starting(self) -> Iterator[None]:
        """Within the block, :meth:`finish` waits for the costly call, since only its response has the run's id."""
        with self._idle:
            self._starting += 1
        try:
            yield
        finally:
            with self._idle:
                self._starting -= 1
                self._idle.notify_all()

    def finish(self, seconds: float) -> None:
        """Wait for the responses of costly calls, for at most so many seconds."""
        with self._idle:
            self._idle.wait_for(lambda: self._starting == 0, seconds)


class McpSession:
    """The session of one call, with a command context that is closed after it."""

    def __init__(self, host: McpHost, context: CommandContext, stop: threading.Event) -> None:
        self._host = host
        self._context = context
        self.stop = stop

    @property
    def now(self) -> datetime:
        """Return the current instant, or the sandbox's."""
        return self._context.now

    @property
    def allows_runs(self) -> bool:
        """Return whether tools that cost money are offered."""
        return self._host.allows_runs

    @cached_property
    def _connection(self) -> Connection:
        project = self._project if self._context.target.project is None else None
        return self._context.connect(project).rate_limited(lambda: not self.stop.is_set())

    @property
    def platform(self) -> Platform:
        """Return the platform, connected on first use; a cancelled call sends no more requests."""
        return self._connection

    @cached_property
    def _project(self) -> Project | None:
        return self._context.project_if_any()

    def schedule_id(self, reference: str) -> str:
        """Return the id of a schedule."""
        return require_schedule_id(self._connection, self._project, reference)

    def agent_id(self, reference: str) -> str:
        """Return the UUID of an agent."""
        return find_agent_id(self._connection, self._project, reference)

    def agent_name(self, reference: str) -> str:
        """Return the name of an agent in traces."""
        id_ = self.agent_id(reference)
        agents = self._connection.reader.agents(self._connection.project.id)
        return next((agent.identity for agent in agents if agent.id == id_ and agent.identity), reference)

    def keys_of(self, schedules: Sequence[RemoteSchedule]) -> Mapping[str, str]:
        """Return the keys of declared schedules by their ids; empty if the project file cannot be read."""
        try:
            project = self._project
        except HaloError:
            return {}
        return match_keys(project, schedules)

    def check(self, file: str | None) -> ProjectCheck:
        """Return the problems and findings of a project file, offline."""
        with self._open_file(file) as context:
            check = check_project(context)
            return check if check.file else check._replace(file=str(file or context.named_file or "halo.yaml"))

    def plan(self, file: str | None, targets: Sequence[str]) -> tuple[Plan, str]:
        """Return the plan of an apply, and its text."""
        with self._open_file(file) as context:
            (run,) = make_plans(context, targets)
            shown = run.redact_plan()
            style = Style(format_command=context.format_command)
            view = open_view(ReviewFormat.TEXT, RenderContext(style, self._context.console.clock()))
            return shown, view.plan(run.planned, shown)

    def start(self, order: RunOrder) -> StartedRun:
        """Start a run."""
        now, connection = self._context.now, self._connection
        if order.schedule is not None:
            schedule = self.schedule_id(order.schedule)
            hours = order.lookback_hours or find_lookback_hours(connection.reader.schedule(schedule))
            asked = resolve_window(None, None, hours, now)
            begin, end = format_instant(asked.start), format_instant(asked.end)
            check = Command("schedule", "runs", schedule)
            return self._start(lambda writer: writer.fire(schedule, begin, end), "a run of the schedule", check)
        given = RunOptions(prompt=order.prompt, lookback_hours=order.lookback_hours)
        request = replace(build_request(given, now), agent=self.agent_id(str(order.agent)))
        project = connection.project.id
        return self._start(lambda writer: writer.create(project, request), "a run", Command("report", "list"))

    def ask(self, conversation_id: str, question: str) -> StartedRun:
        """Ask a question about a report."""
        check = Command("conversation", "get", conversation_id)
        return self._start(lambda writer: writer.follow_up(conversation_id, question), "the follow-up", check)

    def _start(self, attempt: Callable[[RunWriter], StartedRun], what: str, check: Command) -> StartedRun:
        connection = self._connection
        with self._host.starting():
            writer = RunWriter(connection.transport)
            started = start(lambda: attempt(writer), connection.retry(self.stop), what=what, check=check)
            # The client may have ended or cancelled the call, and does not learn the id then.
            self._context.console.log(self._context.console.err_style.safe(f"Started run {started.run_id}"))
        return started

    @contextmanager
    def _open_file(self, name: str | None) -> Iterator[CommandContext]:
        """Yield the context of the project file that a call names, which must be in the server's checkout."""
        if name is None:
            yield self._context
            return
        name = _path_in_checkout(self._context.cwd, name)
        with CommandContext(self._context.console, self._context.target._replace(file=name), self._context.cwd) as one:
            one.closing = self.stop
            yield one


def _path_in_checkout(cwd: Path, name: str) -> str:
    """Return the path of a project file from the server's folder, which assistants often know as an absolute one.

    Raises for a path outside of the checkout, or of another kind of file, since an assistant chose it.
    """
    if name.startswith("/") and "\0" not in name:
        name = Path(os.path.relpath(name, cwd)).as_posix()
    reason = invalid_path_reason(name, INCLUDE_SUFFIXES)
    if reason is not None:
        raise UsageError(f"`file`: {reason}", hint="name a project file by its path from the server's folder")
    folder = resolve_path(cwd)
    checkout = find_checkout(folder / "any")
    bound = CheckoutBound(folder / "any", checkout, None if checkout is None else find_git_folder(checkout))
    try:
        bound.check_text(str(folder), name)
        bound.check(os.path.realpath(folder / name))
    except FileUnreadable as error:
        raise FileError(f"`file`: {error.reason}", hint="name a project file in the checkout") from None
    return name
