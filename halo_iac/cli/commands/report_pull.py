"""``halo report pull``: the reports of declared schedules, one file each, in a folder."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from halo_iac.api.runs import instant as as_sent
from halo_iac.cli.command import platform_command
from halo_iac.cli.connection import Connection
from halo_iac.cli.context import CommandContext
from halo_iac.cli.project_files.entries import get_entry, match_entry
from halo_iac.cli.reports.brief import MaxChars, brief_of
from halo_iac.cli.runs.request import agent_id_of, instant
from halo_iac.errors import FileError, HaloError, PlatformError, UsageError
from halo_iac.render.json import document
from halo_iac.runs.pull import PullRequest, pull
from halo_iac.storage.report_folder import ReportFolder
from halo_iac.text import counted

if TYPE_CHECKING:
    from halo_iac.cli.console import Console
    from halo_iac.model.plan import Match
    from halo_iac.model.project import Project
    from halo_iac.model.runs import Report
    from halo_iac.runs.pull import PulledReport

_RELATIVE_TIME: Final = re.compile(r"(\d{1,6})([hdw])")
_HOURS: Final = {"h": 1, "d": 24, "w": 168}


@platform_command
def pull_reports(
    context: CommandContext,
    directory: Annotated[
        str, typer.Option("--dir", "-d", metavar="DIR", help="The folder to write to; created if missing.")
    ] = "reports",
    since: Annotated[
        str | None,
        typer.Option("--since", metavar="WHEN", help="Only reports started since then: 24h, 7d, 2w or an ISO instant."),
    ] = None,
    schedule: Annotated[
        list[str] | None,
        typer.Option("--schedule", metavar="KEY", help="Only reports of this schedule; can be repeated."),
    ] = None,
    agent: Annotated[
        str | None,
        typer.Option("--agent", "--agent-uuid", metavar="AGENT", help="Only reports of this agent's schedules."),
    ] = None,
    flat: Annotated[
        bool, typer.Option("--flat", help="Write all files into DIR itself, without folders and indexes.")
    ] = False,
    for_agent: Annotated[
        bool, typer.Option("--for-agent", help="Also write a document for a coding agent next to each report.")
    ] = False,
    max_chars: MaxChars = None,
    concurrency: Annotated[
        int, typer.Option("--concurrency", metavar="N", min=1, max=64, help="Maximum number of concurrent requests.")
    ] = 8,
) -> int:
    """Write the reports of declared schedules into a folder.

    Each report becomes one markdown file, DIR/SCHEDULE/MONTH/NAME.md, with front matter about its source. Existing
    reports are never overwritten, even if they were edited or moved, so the command can be interrupted and run again;
    the index.md in each folder is regenerated. With --for-agent, NAME.agent.md next to each report is the output of
    report get --for-agent. Exit codes: 0 every report is in the folder, 1 some could not be read.

    \b
    Examples:
      halo report pull --dir reports
      halo report pull --dir reports --since 7d --schedule checkout-daily
      halo report pull --for-agent
    """
    console = context.console
    if max_chars is not None and not for_agent:
        raise UsageError("--max-chars requires --for-agent", hint="add --for-agent, or remove --max-chars")
    since_instant = None if since is None else _since(since, context.now)
    folder = ReportFolder(Path(directory), context.cwd, console.redacted, is_flat=flat)
    project = context.load()
    pairs_wanted = _named(project, schedule or ())
    folder.open()
    connection = context.connect_for_reading(project)
    wanted, unfit = _pull_requests(connection, project, pairs_wanted, agent)
    took = _PullSummary([*unfit])
    pulling = _Pulling(context, connection, folder, took, for_agent=for_agent, max_chars=max_chars)
    try:
        pulling.run(wanted, since_instant, concurrency)
        for path in folder.write_indexes():
            console.warn(f"{path} is not an index that halo has written; it was left as it is", "rename it")
    except FileError as error:
        raise FileError(error.message, hint=f"{took.summary()}; run the command again to continue") from None
    return _finish(console, took)


@dataclass
class _PullSummary:
    """The counts of a pull so far."""

    problems: list[str] = field(default_factory=list)
    written: list[dict[str, Any]] = field(default_factory=list)
    without: list[dict[str, Any]] = field(default_factory=list)
    briefs: list[str] = field(default_factory=list)
    present: int = 0

    def summary(self) -> str:
        """Return the counts in words."""
        return f"{counted(len(self.written), 'report')} written, {self.present:,} already present" + (
            f", {counted(len(self.without), 'run')} without a report" if self.without else ""
        )


def _since(text: str, now: datetime) -> str:
    ago = _RELATIVE_TIME.fullmatch(text.strip())
    if ago is None:
        try:
            return as_sent(instant(text, "--since"))
        except UsageError:
            hint = "use a duration such as 24h, 7d or 2w, or an instant such as 2026-11-01T09:00:00Z"
            raise UsageError(f"--since: {text!r} is neither a duration nor an ISO 8601 instant", hint=hint) from None
    try:
        return as_sent(now - timedelta(hours=int(ago[1]) * _HOURS[ago[2]]))
    except OverflowError:
        raise UsageError(f"--since {text} is before the year 1", hint="remove it to pull all reports") from None


def _named(project: Project, keys: Sequence[str]) -> frozenset[str]:
    return frozenset(get_entry(project, key).key for key in keys) or frozenset(entry.key for entry in project.entries)


def _pull_requests(
    connection: Connection, project: Project, keys: frozenset[str], agent: str | None
) -> tuple[list[PullRequest], list[str]]:
    """Return the schedules to pull from, and the problems of declared schedules that cannot be matched."""
    agent_id = None if agent is None else agent_id_of(connection, project, agent)
    pairing = match_entry(connection, project)
    unfit = [f"{blocked.key}: {blocked.reason}" for blocked in pairing.blocked if blocked.key in keys]
    return [
        PullRequest(pair.entry.key, pair.remote.id)
        for pair in pairing.pairs
        if pair.remote is not None and pair.entry.key in keys and _is_of(pair, agent_id)
    ], unfit


def _is_of(pair: Match, agent_id: str | None) -> bool:
    return agent_id is None or (pair.remote is not None and pair.remote.agent_id == agent_id)


@dataclass
class _Pulling:
    """Writes the reports that a pull finds."""

    context: CommandContext
    connection: Connection
    folder: ReportFolder
    took: _PullSummary
    for_agent: bool
    max_chars: int | None

    def run(self, wanted: Sequence[PullRequest], since: str | None, concurrency: int) -> None:
        """Write every report that is missing in the folder."""
        connection = self.connection
        reader, project = connection.run_reader, connection.project.id
        for pulled in pull(reader, project, wanted, self._has, since=since, at_once=concurrency):
            self._write(pulled)

    def _has(self, conversation_id: str) -> bool:
        if self.for_agent and not self.folder.has_brief(conversation_id):
            return False
        return self.folder.find(conversation_id) is not None

    def _write(self, pulled: PulledReport) -> None:
        key, took = pulled.wanted.key, self.took
        if pulled.read_error is not None:
            took.problems.append(f"{key}: {pulled.read_error.message}")
        elif pulled.absence is not None:
            took.without.append({"schedule": key, "reason": pulled.absence.message})
        elif pulled.report is None:
            took.present += 1
        else:
            path = self._write_report(pulled.report, key)
            if self.for_agent:
                self._write_brief(path, pulled.report, key)

    def _write_report(self, report: Report, key: str) -> Path:
        there = self.folder.find(report.conversation.id)
        path, is_new = (there, False) if there is not None else self.folder.write(report, key)
        if is_new:
            self.took.written.append({"path": str(path), "schedule": key, **report.facts()})
            self._log_written(path)
        else:
            self.took.present += 1
        return path

    def _write_brief(self, path: Path, report: Report, key: str) -> None:
        id_ = report.conversation.id
        try:
            text = brief_of(self.context, self.connection, report, id_, key, self.max_chars)
        except PlatformError as error:
            if error.ends_the_run:
                raise
            self.took.problems.append(f"{key}: the traces of {id_} could not be read: {error.message}")
            return
        brief, is_new = self.folder.write_brief(path, text)
        if is_new:
            self.took.briefs.append(str(brief))
            self._log_written(brief)

    def _log_written(self, path: Path) -> None:
        console = self.context.console
        if not console.wants_json:
            console.print(console.out_style.safe(str(path)))


def _finish(console: Console, took: _PullSummary) -> int:
    if console.wants_json:
        written = sorted(took.written, key=lambda each: str(each["path"]))
        without = sorted(took.without, key=lambda each: (each["schedule"], each["reason"]))
        result = {"written": written, "present": took.present, "withoutReport": without, "problems": took.problems}
        if took.briefs:
            result["forAgent"] = sorted(took.briefs)
        console.print(document(result))
    else:
        console.log(f"{took.summary()}.")
    if not took.problems:
        return 0
    if console.wants_json:
        return 1
    raise HaloError(
        "\n".join(took.problems), hint="the reports that could be read were written; run the command again for the rest"
    )
