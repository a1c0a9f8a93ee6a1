"""The two reports that ``halo report diff`` compares: from the platform, from files, or one of each."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from halo_iac.cli.console import Console
from halo_iac.cli.context import CommandContext
from halo_iac.cli.reports.lookup import find_report
from halo_iac.errors import UsageError
from halo_iac.model.report_diff import ComparedReport, ReportComparison
from halo_iac.report_diff import report_diff
from halo_iac.runs.reports import fetch_before

if TYPE_CHECKING:
    from halo_iac.cli.connection import Connection
    from halo_iac.model.project import Project
    from halo_iac.model.runs import Report

_SUFFIXES: Final = (".md", ".markdown", ".txt")


class _Text(NamedTuple):
    """A report to compare, and its markdown."""

    source: ComparedReport
    markdown: str


def compare_references(context: CommandContext, before: str, after: str | None) -> ReportComparison:
    """Return how two reports differ, given as files, ids or keys; only ids and keys require requests.

    A single report is compared with the previous one of its schedule.
    """
    references = [before] if after is None else [before, after]
    if after is None and _is_file(before):
        hint = "name the report to compare it with as well: a file, an id or a key"
        raise UsageError(f"{before} is a file, and a file has no earlier report", hint=hint)
    files = {name: _read_file(name) for name in references if _is_file(name)}
    if len(files) == len(set(references)):
        return _compare(context.console, *(files[name] for name in references))
    project = context.project_if_any()
    connection = context.connect_for_reading(project)
    if after is None:
        report, key = find_report(connection, project, before)
        earlier = fetch_before(connection.run_reader, report)
        return compare_reports(context.console, key or before, earlier, report)
    return _compare(
        context.console, *(files.get(name) or _read_platform(connection, project, name) for name in references)
    )


def compare_reports(console: Console, name: str, before: Report, after: Report) -> ReportComparison:
    """Return how two reports of the same name differ."""
    return _compare(console, _report_text(name, before), _report_text(name, after))


def _compare(console: Console, before: _Text, after: _Text) -> ReportComparison:
    # Keys are redacted first, because marks could split one.
    texts = (console.redacted(each.markdown) for each in (before, after))
    return ReportComparison(before.source, after.source, report_diff(*texts))


def _is_file(reference: str) -> bool:
    """Return whether a reference is a file path: ids and keys have neither a slash nor such an ending."""
    return reference.endswith(_SUFFIXES) or "/" in reference or os.sep in reference


def _read_file(name: str) -> _Text:
    from halo_iac.storage.report_file import read_report_file

    facts, markdown = read_report_file(Path(name).expanduser())
    return _Text(ComparedReport(name, facts), markdown)


def _read_platform(connection: Connection, project: Project | None, reference: str) -> _Text:
    report, key = find_report(connection, project, reference)
    return _report_text(key or reference, report)


def _report_text(name: str, report: Report) -> _Text:
    return _Text(ComparedReport(name, report.facts()), report.markdown)
