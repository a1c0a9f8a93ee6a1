"""The results of one-off runs: reports, reasons for missing ones, and the exit code.

See docs/semantics.md#one-off-runs and docs/cli.md#exit-codes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from halo_iac import exit_codes
from halo_iac.cli.console import Console
from halo_iac.cli.context import CommandContext
from halo_iac.cli.reports.output import report_fields
from halo_iac.errors import HaloError
from halo_iac.hints import format_hint
from halo_iac.model.runs import RunRequest
from halo_iac.render.json import document
from halo_iac.render.report_diff import report_diff_fields
from halo_iac.render.text.problems import error_text
from halo_iac.render.text.table import table

if TYPE_CHECKING:
    from halo_iac.model.report_diff import ReportComparison
    from halo_iac.model.runs import Report, StartedRun
    from halo_iac.runs.polling import RunSnapshot


@dataclass(frozen=True, slots=True)
class RunResult:
    """The result of one request; ``error`` is why it was not started or has no complete report."""

    request: RunRequest
    started: StartedRun | None = None
    snapshot: RunSnapshot | None = None
    report: Report | None = None
    error: HaloError | None = None


class Comparison(NamedTuple):
    """The last scheduled report, if there is one, and the differences of the new one."""

    earlier: Report
    found: ReportComparison | None = None


def write_results(
    context: CommandContext, outcomes: Sequence[RunResult], compared: Comparison | None, *, is_waiting: bool
) -> int:
    """Write what is not a report, and return the most serious exit code (docs/cli.md#exit-codes)."""
    console = context.console
    errors = list({id(each.error): each.error for each in outcomes if each.error is not None}.values())
    if console.wants_json:
        console.print(document(_document(outcomes, compared, console, is_waiting=is_waiting)))
    else:
        started = [(each.request.name, each.started) for each in outcomes if each.started is not None]
        if started and not is_waiting:
            rows = [(name, run.run_id, run.conversation_id or "") for name, run in started]
            headers = ("AGENT", "RUN", "CONVERSATION")
            console.print(table(headers, rows, console.out_style, uncut={"RUN", "CONVERSATION"}))
        for error in errors:
            console.print_error_text(error_text(error, console.err_style))
    return exit_codes.most_serious(error.exit_code for error in errors)


def _document(
    outcomes: Sequence[RunResult], compared: Comparison | None, console: Console, *, is_waiting: bool
) -> dict[str, Any]:
    result: dict[str, Any] = {"runs" if not is_waiting else "reports": [_fields(each, console) for each in outcomes]}
    if compared is not None:
        result["comparedWith"] = report_fields(compared.earlier)
        result["diff"] = None if compared.found is None else report_diff_fields(compared.found)
    return result


def _fields(outcome: RunResult, console: Console) -> dict[str, Any]:
    fields: dict[str, Any] = {"agent": outcome.request.name, "agentUuid": outcome.request.agent}
    if outcome.started is not None:
        fields |= outcome.started.wire
    if outcome.snapshot is not None:
        fields["status"] = outcome.snapshot.status
    if outcome.report is not None:
        fields |= report_fields(outcome.report)
    if outcome.error is not None:
        hint = outcome.error.hint and format_hint(outcome.error.hint, console.format_command)
        fields["error"] = {"code": outcome.error.code, "message": outcome.error.message, "hint": hint}
    return fields
