"""The confirmation before an apply of one or several project files, and the messages if there is nothing to apply."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from halo_iac.cli.console import Console
from halo_iac.cli.plan.request import exit_code
from halo_iac.errors import BlockedError, FindingError, RefusedError
from halo_iac.hints import Hint, join_hints
from halo_iac.model.finding import errors
from halo_iac.model.plan import Plan, combine_plans
from halo_iac.render.style import PLAIN
from halo_iac.render.values import join_names
from halo_iac.text import counted


def confirm(console: Console, plans: Sequence[Plan], question: str, *, yes: bool, is_document: bool) -> bool:
    """Return whether the plans may be carried out; if a finding, a guard or the user refuses, print the reason.

    A refusal of one plan stops all of them.
    """
    planned = combine_plans(plans)
    if errors(planned.findings):
        console.print_error(_findings_error(plans, is_above=not is_document))
        return False
    code = exit_code(planned, is_refused=True)
    if planned.blocking_violations:
        message = _refusal_message(plans, is_above=not is_document)
        console.print_error(RefusedError(message, hint="nothing was changed"), exit_code=code)
        return False
    if yes:
        return True
    if is_document or not console.is_interactive:
        reason = "the output format is for programs" if is_document else "stdin is not a terminal"
        message = f"cannot ask for confirmation: {reason}; nothing was changed"
        console.print_error(RefusedError(message, hint="pass --yes once the plan has been reviewed"), exit_code=code)
        return False
    count, several = len(planned.changes), f" of {counted(len(plans), 'project file')}" if len(plans) > 1 else ""
    asked = question.format(
        changes=counted(count, "change") + several,
        schedules=counted(count, "schedule"),
        platform=" and ".join(dict.fromkeys(plan.host.base_url for plan in plans if plan.changes)),
    )
    is_agreed = console.confirms(f"\n{console.err_style.safe(asked)}")
    if not is_agreed:
        console.log("Nothing was changed.")
    return is_agreed


def _findings_error(plans: Sequence[Plan], *, is_above: bool) -> FindingError:
    hint = "nothing was changed; fix each finding"
    failing = errors([finding for plan in plans for finding in plan.findings])
    if any(finding.rule != "undeclared" for finding in failing):  # it is a policy, not a rule with a severity
        hint += ", or set its rule to `warning` under `findings:`"
    if not is_above:
        return FindingError("\n".join(f"{finding.rule}: {finding.message}" for finding in failing), hint=hint)
    count = len(failing)
    message = "a finding above is an error" if count == 1 else f"{count} findings above are errors"
    return FindingError(f"{message}{_name_files(plans, [plan for plan in plans if errors(plan.findings)])}", hint=hint)


def _refusal_message(plans: Sequence[Plan], *, is_above: bool) -> str:
    refused = [(plan, refusal) for plan in plans for refusal in plan.blocking_violations]
    if is_above:
        reasons = "reason" if len(refused) == 1 else f"{len(refused)} reasons"
        return f"the plan is refused for the {reasons} above{_name_files(plans, [plan for plan, _ in refused])}"
    return join_hints(
        "\n",
        (
            Hint("{}{}; to permit it: {}", _file_prefix(plans, plan), each.message, each.override)
            for plan, each in refused
        ),
    )


def _name_files(plans: Sequence[Plan], concerned: Iterable[Plan]) -> str:
    """Return the names of the project files concerned, with a note that the others are stopped as well."""
    return f", in {join_names([*dict.fromkeys(plan.file for plan in concerned)], PLAIN)}" if len(plans) > 1 else ""


def _file_prefix(plans: Sequence[Plan], plan: Plan) -> str:
    return f"{plan.file}: " if len(plans) > 1 else ""


def blocked_error(plans: Sequence[Plan], code: int) -> BlockedError:
    """Return the error for blocked entries after an otherwise successful run, whose summary does not show them."""
    names = [f"{_file_prefix(plans, plan)}{entry.key}" for plan in plans for entry in plan.blocked]
    entries = counted(len(names), "entry is", "entries are")
    message = f"{entries} blocked; nothing was changed for {join_names(names, PLAIN)}"
    hint = "fix the reasons that the plan shows, then run the command again"
    return BlockedError(message, exit_code=code, hint=hint)
