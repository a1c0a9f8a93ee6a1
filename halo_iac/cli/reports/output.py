"""Writes reports to a terminal, a log, a pipe, a file or a folder (docs/semantics.md#untrusted-reports)."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from halo_iac.cli.console import Console
from halo_iac.errors import FileError, UsageError
from halo_iac.render.report import neutralize_markdown, report_file
from halo_iac.render.report_names import file_name
from halo_iac.render.text.report import render_for_terminal
from halo_iac.render.text.table import table
from halo_iac.storage.atomic import check_writable, write_new
from halo_iac.storage.outputs import check_links

if TYPE_CHECKING:
    from halo_iac.model.runs import Report, Run
    from halo_iac.render.style import Style


_SUFFIXES: Final = frozenset({"", ".md", ".markdown", ".txt"})


class NamedReport(NamedTuple):
    """A report, and its name in headings and file names."""

    name: str
    report: Report


class ReportSink:
    """Writes reports to ``--output`` or standard output; created before any request.

    In a folder, each report is a file with front matter. A single file must be new and gets only the markdown: an
    existing file, which a user may have edited, is never overwritten.
    """

    def __init__(self, console: Console, output: str | None, *, is_raw: bool) -> None:
        self._console = console
        self._is_raw = is_raw
        self._path = None if output is None else Path(output)
        self._is_folder = False
        if output is None:
            return
        if not output.strip():
            raise UsageError("--output is empty", hint="give it a file or a folder, or remove it")
        path = Path(output)
        check_links(path, Path.cwd())
        self._is_folder = path.is_dir() or output.endswith(("/", os.sep))
        if not self._is_folder:
            _check_suffix(path)
        if not self._is_folder and (path.exists() or path.is_symlink()):
            raise FileError(f"{path} already exists", hint="name another file, or a folder; nothing was done")
        check_writable(next(each for each in (self._folder, *self._folder.parents) if each.exists()))

    @property
    def _folder(self) -> Path:
        assert self._path is not None  # noqa: S101 - standard output is in no folder
        return self._path if self._is_folder else self._path.parent

    def prepare_folder(self) -> None:
        """Create the folder if needed; called before anything that costs money."""
        if self._path is not None:
            check_writable(self._folder)

    def write(self, reports: Sequence[NamedReport], schedule: str | None = None) -> None:
        """Show or write the reports, one after the other."""
        if not reports:
            return
        self.prepare_folder()
        if self._path is None:
            show(self._console, join_reports(reports), is_raw=self._is_raw)
        elif self._is_folder:
            for each in reports:
                path = self._path / file_name(each.report, self._console.redacted(each.name))
                is_new = write_new(path, self._console.redacted(report_file(each.report, schedule)))
                self._log(f"Wrote {path}" if is_new else f"{path} already exists; it was not overwritten")
        elif not write_new(self._path, self._console.redacted(join_reports(reports))):
            raise FileError(
                f"{self._path} was created in the meantime; it was not overwritten",
                hint="run `halo report get` to read it again",
            )
        else:
            self._log(f"Wrote {self._path}")

    def _log(self, words: str) -> None:
        self._console.log(self._console.err_style.safe(words))


def _check_suffix(path: Path) -> None:
    """Raise an error for a file name extension of another format than markdown."""
    suffix = path.suffix.lower()
    if suffix in _SUFFIXES:
        return
    hint = "name a file that ends in .md, or a folder that ends in /"
    if suffix == ".json":
        hint += "; for JSON use --json and redirect standard output"
    raise UsageError(
        f"--output {path}: a report is written as markdown, not as {suffix}", hint=f"{hint}; nothing was done"
    )


def join_reports(reports: Sequence[NamedReport]) -> str:
    """Return a single report unchanged, several in sequence, each under a heading line."""
    if len(reports) == 1:
        return reports[0].report.markdown
    return "\n".join(section(each.name, each.report.markdown) for each in reports)


def section(heading: str, markdown: str) -> str:
    """Return markdown under a heading line."""
    return f"# {' '.join(heading.split())}\n\n{markdown}" + ("" if markdown.endswith("\n") else "\n")


def show(console: Console, markdown: str, *, is_raw: bool) -> None:
    """Write markdown to standard output: drawn on a terminal, escaped in a log, elsewhere unchanged."""
    markdown = console.redacted(markdown)  # before lines are wrapped
    if console.out_is_log:
        console.print(neutralize_markdown(markdown, console.out_style))
    elif not console.out_is_terminal:
        console.write_raw(markdown)
    elif is_raw:
        console.print(neutralize_markdown(markdown, console.out_style))
    else:
        console.print(render_for_terminal(markdown, console.out_style))


def report_fields(report: Report) -> dict[str, Any]:
    """Return a report for ``--json``, in the platform's own field names."""
    return {**report.facts(), "report": report.markdown}


def format_fields(wire: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return a mapping of the platform as names and values for display."""
    return [(name, _value(value)) for name, value in wire.items()]


def _value(value: Any) -> str:  # noqa: ANN401 - whatever the platform sent
    if value is None:
        return ""
    if isinstance(value, list):
        return ", ".join(map(_value, value))
    if isinstance(value, bool):
        return str(value).lower()
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else str(value)


def runs_table(runs: Sequence[Run], style: Style) -> str:
    """Return runs as a table, in their order."""
    cells = [
        (
            run.status,
            str(run.wire.get("scheduledForAt") or run.wire.get("createdAt") or ""),
            str(run.wire.get("completedAt") or ""),
            run.id,
            run.conversation_id or "",
        )
        for run in runs
    ]
    headers = ("STATUS", "DUE OR CREATED", "COMPLETED", "RUN", "CONVERSATION")
    return table(headers, cells, style, uncut={"RUN", "CONVERSATION"})
