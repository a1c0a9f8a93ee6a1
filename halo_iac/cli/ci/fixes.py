"""``halo ci fixes``: one issue for each schedule, with its latest report (docs/ci.md#reports-as-issues)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from halo_iac.ci.posts import content_marker, marker, show_in_issue
from halo_iac.cli.ci.job import CiJob
from halo_iac.cli.connection import Connection
from halo_iac.cli.context import CommandContext
from halo_iac.cli.project_files.entries import get_entry, match_entry
from halo_iac.cli.reports.brief import make_brief
from halo_iac.cli.target import TargetOptions
from halo_iac.errors import HostError, NoReport, PlatformError, UsageError
from halo_iac.render.markdown.escape import code
from halo_iac.render.report_names import slug
from halo_iac.render.style import PLAIN
from halo_iac.runs.reports import fetch_of_schedule
from halo_iac.storage.atomic import write_atomically

if TYPE_CHECKING:
    from halo_iac.model.runs import Report

_EPOCH: Final = "1970-01-01T00:00:00Z"
_ABOUT: Final = """\
This issue can be assigned to a person or a coding agent. It contains the task, the changes since the previous report,
the report, and the traces that it cites. A newer report replaces this text; comments stay. Close the issue when the
findings are resolved: halo never closes it, and opens another one only for a newer report.
"""


def fixes(job: CiJob) -> int:
    """Show the latest report of each schedule in its own issue."""
    keys = _read_keys(job.args)
    job.prepare_folder()
    folder = job.folder / "fixes"
    folder.mkdir(mode=0o700)
    issues = _Issues(job, folder, keys)
    for files in job.list_file_options():
        issues.update(tuple(files[1:]))
    page = ["### halo · reports as issues", "", *issues.lines, ""]
    job.page.write_text(job.console.redacted("\n".join(page)), encoding="utf-8")
    failed = int(issues.has_failed)
    job.report(failed, **({"reports": folder} if any(folder.iterdir()) else {}))
    return failed


def _read_keys(args: Sequence[str]) -> tuple[str, ...]:
    """Return the keys given with ``--schedule``, the only option."""
    names, values = args[::2], args[1::2]
    if any(name != "--schedule" for name in names) or len(names) != len(values):
        raise UsageError("`halo ci fixes` takes no option but --schedule KEY", hint="remove the others")
    return tuple(values)


@dataclass
class _Issues:
    """Keeps the issues of schedules, all of them or those with ``keys``; ``lines`` has the result of each."""

    job: CiJob
    folder: Path
    keys: tuple[str, ...]
    lines: list[str] = field(default_factory=list)
    has_failed: bool = False

    def update(self, files: tuple[str, ...]) -> None:
        """Update the issues of the schedules that a project file declares."""
        target = TargetOptions(file=files[0] if files else None)
        self.job.console.prepare(json=False, format_command=target.format_command)
        with CommandContext(self.job.console, target, self.job.cwd) as context:
            project = context.load()
            keys = {get_entry(project, key).key for key in self.keys} or {entry.key for entry in project.entries}
            connection = context.connect_for_reading(project)
            pairing = match_entry(connection, project)
            for blocked in pairing.blocked:
                if blocked.key in keys:
                    self._add_line(blocked.key, code(blocked.reason, PLAIN), is_failed=True)
            for pair in pairing.pairs:
                if pair.remote is not None and pair.entry.spec is not None and pair.entry.key in keys:
                    self._show(_Schedule(context, connection, pair.entry.key, pair.remote.id, files))

    def _show(self, schedule: _Schedule) -> None:
        try:
            report = fetch_of_schedule(schedule.connection.run_reader, schedule.id)
            result = self._write_issue(schedule, report)
        except NoReport as absence:
            self._add_line(schedule.key, code(absence.message, PLAIN))
        except PlatformError as error:
            if error.ends_the_run:
                raise
            self._add_line(schedule.key, code(error.message, PLAIN), is_failed=True)
        except HostError as error:
            self.job.console.warn(error.message, error.hint or "run the job again")
            self._add_line(schedule.key, "no issue was written: the host refused it")
        else:
            self._add_line(schedule.key, result)

    def _add_line(self, key: str, result: str, *, is_failed: bool = False) -> None:
        self.lines.append(f"- {code(key, PLAIN)}: {result}")
        self.has_failed |= is_failed

    def _write_issue(self, schedule: _Schedule, report: Report) -> str:
        """Show a report in the issue of its schedule unless it is there already; return the result as text."""
        job = self.job
        name = f" ({job.inputs.name})" if job.inputs.name else ""
        posts = job.host.issues(f"HALO report: {schedule.key}{name}")
        if posts is None or not job.inputs.comments:
            self._write_text(schedule, report)
            return "no issue was written: there is no token for it"
        mark = marker("report", f"{job.inputs.name}\0{schedule.key}", schedule.files)
        since = report.conversation.created_at or _EPOCH
        is_new = show_in_issue(
            posts, mark, content_marker(report.conversation.id), lambda: self._write_text(schedule, report), since
        )
        return "the new report was written to its issue" if is_new else "nothing new"

    def _write_text(self, schedule: _Schedule, report: Report) -> str:
        """Write the text of an issue into the job's folder, and return it."""
        key, begun = schedule.key, report.conversation.created_at
        head = (
            f"The latest HALO report of the schedule {code(key, PLAIN)}{f', of {code(begun, PLAIN)}' if begun else ''}."
        )
        brief = make_brief(schedule.context, schedule.connection, report, key, key, None)
        text = self.job.console.redacted(f"{head}\n\n{_ABOUT}\n{brief}")
        number = sum(1 for _ in self.folder.iterdir()) + 1
        write_atomically(self.folder / f"{number}-{slug(key)}.md", text, mode=0o600)
        return text


class _Schedule(NamedTuple):
    """A declared schedule: its context and connection, key, id, and the arguments that name its project file."""

    context: CommandContext
    connection: Connection
    key: str
    id: str
    files: tuple[str, ...]
