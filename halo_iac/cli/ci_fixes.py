"""``halo ci fixes``: an issue a schedule that shows its latest report (docs/ci.md#reports-as-issues)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from halo_iac.ci.posts import about, marker, offer
from halo_iac.cli.ci_job import CiJob
from halo_iac.cli.context import CommandContext
from halo_iac.cli.entry_lookup import get_entry, match_entry
from halo_iac.cli.report_brief import brief_of
from halo_iac.cli.target import TargetOptions
from halo_iac.errors import HostError, NoReport, PlatformError, UsageError
from halo_iac.render.markdown.escape import code
from halo_iac.render.report import slug
from halo_iac.render.style import PLAIN
from halo_iac.runs.reports import fetch_of_schedule
from halo_iac.storage.atomic import write_atomically

if TYPE_CHECKING:
    from halo_iac.cli.connection import Connection

_SINCE_EVER: Final = "1970-01-01T00:00:00Z"
_ABOUT: Final = """\
A coding agent or a person can take this issue: below is what to do, what has changed since the report before, the
report, and the traces that it cites. A newer report replaces this text; comments stay. Close the issue when the report
is dealt with: halo never closes it, and opens another one only for a newer report.
"""


@dataclass(frozen=True, slots=True)
class _Page:
    """The issue of one schedule; ``text`` is empty where it has no report, ``said`` says why."""

    key: str
    files: tuple[str, ...]
    conversation: str = ""
    begun: str = ""
    text: str = ""
    said: str = ""
    is_failed: bool = False


def fixes(job: CiJob) -> int:
    """Show the latest report of each schedule in an issue of its own."""
    keys = _schedules(job.args)
    job.prepare_folder()
    pages = [page for files in job.each_file() for page in _pages(job, tuple(files[1:]), keys)]
    folder = job.folder / "fixes"
    folder.mkdir(mode=0o700)
    for number, page in enumerate(pages, 1):
        if page.text:
            write_atomically(folder / f"{number}-{slug(page.key)}.md", job.console.redacted(page.text), mode=0o600)
    lines = [f"- {code(page.key, PLAIN)}: {_shown(job, page)}" for page in pages]
    job.page.write_text("\n".join(["### halo · reports as issues", "", *lines, ""]), encoding="utf-8")
    code_ = int(any(page.is_failed for page in pages))
    job.report(code_, **({"reports": folder} if any(page.text for page in pages) else {}))
    return code_


def _schedules(args: Sequence[str]) -> tuple[str, ...]:
    """Return the keys that ``--schedule`` names; no other option is known here."""
    names, values = args[::2], args[1::2]
    if any(name != "--schedule" for name in names) or len(names) != len(values):
        raise UsageError("`halo ci fixes` takes no option but --schedule KEY", hint="remove the others")
    return tuple(values)


# What is shown ------------------------------------------------------------------------------------------------------


def _pages(job: CiJob, files: tuple[str, ...], keys: Sequence[str]) -> Iterator[_Page]:
    """Yield a page for each schedule of a project file that is declared, or for those that are named."""
    target = TargetOptions(file=files[0] if files else None)
    job.console.prepare(json=False, spell=target.spell)
    with CommandContext(job.console, target, job.cwd) as context:
        project = context.load()
        wanted = {get_entry(project, key).key for key in keys}
        connection = context.connect_for_reading(project)
        pairing = match_entry(connection, project)
        for blocked in pairing.blocked:
            yield _Page(blocked.key, files, said=blocked.reason, is_failed=True)
        for pair in pairing.pairs:
            if pair.remote is not None and pair.entry.spec is not None and (not wanted or pair.entry.key in wanted):
                yield _page(context, connection, pair.entry.key, pair.remote.id, files)


def _page(context: CommandContext, connection: Connection, key: str, schedule: str, files: tuple[str, ...]) -> _Page:
    try:
        report = fetch_of_schedule(connection.run_reader, schedule)
        brief = brief_of(context, connection, report, key, key, None)
    except NoReport as absence:
        return _Page(key, files, said=absence.message)
    except PlatformError as error:
        if error.ends_the_run:
            raise
        return _Page(key, files, said=error.message, is_failed=True)
    begun = report.conversation.created_at or _SINCE_EVER
    head = f"The latest HALO report of the schedule {code(key, PLAIN)}, of {code(begun, PLAIN)}."
    return _Page(key, files, report.conversation.id, begun, f"{head}\n\n{_ABOUT}\n{brief}")


# What the host is told ----------------------------------------------------------------------------------------------


def _shown(job: CiJob, page: _Page) -> str:
    """Show a page in its issue and return what came of it, for the job's summary."""
    if not page.text:
        return code(page.said, PLAIN)
    name = f" ({job.inputs.name})" if job.inputs.name else ""
    posts = job.host.issues(f"HALO report: {page.key}{name}")
    if posts is None or not job.inputs.comments:
        return "no issue, since there is no token for one"
    mark = marker("report", f"{job.inputs.name}\0{page.key}", page.files)
    try:
        is_new = offer(posts, mark, about(page.conversation), job.console.redacted(page.text), page.begun)
    except HostError as error:
        job.console.warn(error.message, error.hint or "run the job again")
        return "no issue, since the host refused it"
    return "a new report is in its issue" if is_new else "nothing new"
