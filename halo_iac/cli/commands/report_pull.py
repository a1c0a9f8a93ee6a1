"""``halo report pull``: the reports of declared schedules, one file each, in a folder."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from halo_iac.cli import options
from halo_iac.cli.agents import find_agent_id
from halo_iac.cli.command import platform_command
from halo_iac.cli.connection import Connection
from halo_iac.cli.context import CommandContext
from halo_iac.cli.project_files.entries import get_entry, match_entry
from halo_iac.cli.reports.brief import MaxChars, make_brief
from halo_iac.cli.runs.request import parse_instant
from halo_iac.errors import FileError, HaloError, PlatformError, UsageError
from halo_iac.model.instants import format_instant
from halo_iac.render.json import document
from halo_iac.runs.pull import PulledSchedule, pull
from halo_iac.storage.report_folder import ReportFolder
from halo_iac.text import counted

if TYPE_CHECKING:
    from halo_iac.cli.console import Console
    from halo_iac.model.plan import MatchResult
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
    concurrency: options.RequestConcurrency = options.DEFAULT_CONCURRENCY,
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
    since_instant = None if since is None else _parse_since(since, context.now)
    folder = ReportFolder(Path(directory), context.cwd, console.redacted, is_flat=flat)
    project = context.load()
    keys = {get_entry(project, key).key for key in schedule or ()} or {entry.key for entry in project.entries}
    folder.open()
    connection = context.connect_for_reading(project)
    agent_id = None if agent is None else find_agent_id(connection, project, agent)
    wanted, problems = _find_requests(match_entry(connection, project), keys, agent_id)
    pulling = _Pull(context, connection, folder, for_agent, max_chars, problems)
    try:
        pulling.run(wanted, since_instant, concurrency)
        for path in folder.write_indexes():
            console.warn(f"{path} is not an index that halo has written; it was left as it is", "rename it")
    except FileError as error:
        raise FileError(error.message, hint=f"{pulling.summary()}; run the command again to continue") from None
    return _finish(console, pulling)


def _parse_since(text: str, now: datetime) -> str:
    ago = _RELATIVE_TIME.fullmatch(text.strip())
    if ago is None:
        try:
            return format_instant(parse_instant(text, "--since"))
        except UsageError:
            hint = "use a duration such as 24h, 7d or 2w, or an instant such as 2026-11-01T09:00:00Z"
            raise UsageError(f"--since: {text!r} is neither a duration nor an ISO 8601 instant", hint=hint) from None
    try:
        return format_instant(now - timedelta(hours=int(ago[1]) * _HOURS[ago[2]]))
    except OverflowError:
        raise UsageError(f"--since {text} is before the year 1", hint="remove it to pull all reports") from None


def _find_requests(
    matched: MatchResult, keys: Collection[str], agent_id: str | None
) -> tuple[list[PulledSchedule], list[str]]:
    """Return the schedules to pull from, and the problems of declared schedules that cannot be matched."""
    requests = [
        PulledSchedule(pair.entry.key, pair.remote.id)
        for pair in matched.pairs
        if pair.remote is not None and pair.entry.key in keys and agent_id in {None, pair.remote.agent_id}
    ]
    return requests, [f"{blocked.key}: {blocked.reason}" for blocked in matched.blocked if blocked.key in keys]


@dataclass
class _Pull:
    """Writes the reports that a pull finds, and counts them."""

    context: CommandContext
    connection: Connection
    folder: ReportFolder
    for_agent: bool
    max_chars: int | None
    problems: list[str]
    written: list[dict[str, Any]] = field(default_factory=list)
    without: list[dict[str, Any]] = field(default_factory=list)
    briefs: list[str] = field(default_factory=list)
    present: int = 0

    def summary(self) -> str:
        """Return the counts in words."""
        return f"{counted(len(self.written), 'report')} written, {self.present:,} already present" + (
            f", {counted(len(self.without), 'run')} without a report" if self.without else ""
        )

    def run(self, wanted: Sequence[PulledSchedule], since: str | None, concurrency: int) -> None:
        """Write every report that is missing in the folder."""
        reader, project = self.connection.run_reader, self.connection.project.id
        for pulled in pull(reader, project, wanted, self._has, since=since, at_once=concurrency):
            self._write(pulled)

    def _has(self, conversation_id: str) -> bool:
        if self.for_agent and not self.folder.has_brief(conversation_id):
            return False
        return self.folder.find(conversation_id) is not None

    def _write(self, pulled: PulledReport) -> None:
        key = pulled.schedule.key
        if pulled.read_error is not None:
            self.problems.append(f"{key}: {pulled.read_error.message}")
        elif pulled.absence is not None:
            self.without.append({"schedule": key, "reason": pulled.absence.message})
        elif pulled.report is None:
            self.present += 1
        else:
            path = self._write_report(pulled.report, key)
            if self.for_agent:
                self._write_brief(path, pulled.report, key)

    def _write_report(self, report: Report, key: str) -> Path:
        there = self.folder.find(report.conversation.id)
        path, is_new = (there, False) if there is not None else self.folder.write(report, key)
        if is_new:
            self.written.append({"path": str(path), "schedule": key, **report.facts()})
            self._log_written(path)
        else:
            self.present += 1
        return path

    def _write_brief(self, path: Path, report: Report, key: str) -> None:
        id_ = report.conversation.id
        try:
            text = make_brief(self.context, self.connection, report, id_, key, self.max_chars)
        except PlatformError as error:
            if error.ends_the_run:
                raise
            self.problems.append(f"{key}: the traces of {id_} could not be read: {error.message}")
            return
        brief, is_new = self.folder.write_brief(path, text)
        if is_new:
            self.briefs.append(str(brief))
            self._log_written(brief)

    def _log_written(self, path: Path) -> None:
        console = self.context.console
        if not console.wants_json:
            console.print(console.out_style.safe(str(path)))


def _finish(console: Console, pulled: _Pull) -> int:
    if console.wants_json:
        written = sorted(pulled.written, key=lambda each: str(each["path"]))
        without = sorted(pulled.without, key=lambda each: (each["schedule"], each["reason"]))
        result = {"written": written, "present": pulled.present, "withoutReport": without, "problems": pulled.problems}
        if pulled.briefs:
            result["forAgent"] = sorted(pulled.briefs)
        console.print(document(result))
        return 1 if pulled.problems else 0
    console.log(f"{pulled.summary()}.")
    if pulled.problems:
        hint = "the reports that could be read were written; run the command again for the rest"
        raise HaloError("\n".join(pulled.problems), hint=hint)
    return 0
