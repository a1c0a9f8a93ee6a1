"""How a run ended, and the next commands; each of them works as it is printed."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING

from halo_iac.hints import Command
from halo_iac.model.apply_result import ApplyOutcome, NextCommands, Status, Summary
from halo_iac.model.plan import Action, Change
from halo_iac.plan.guards import REMOVAL_ALWAYS
from halo_iac.text import Protection

if TYPE_CHECKING:
    from halo_iac.cli.context import CommandContext
    from halo_iac.errors import HaloError
    from halo_iac.model.plan import Plan
    from halo_iac.storage.receipt_file import ReceiptFile


def apply_outcome(
    context: CommandContext,
    planned: Plan,
    summary: Summary,
    receipt: ReceiptFile,
    commands: NextCommands,
    failure: HaloError | None,
) -> ApplyOutcome:
    """Return how a run ended, with the command that undoes it."""
    if not receipt.has_writes:
        return ApplyOutcome(summary, commands, failure=failure)
    name = str(receipt.path.relative_to(context.cwd) if receipt.path.is_relative_to(context.cwd) else receipt.path)
    if receipt.is_too_large:
        context.console.log(
            "The receipt is too large for `halo undo`; apply in smaller parts with --target to be able to undo them."
        )
    is_undoable = (summary.has_written or summary.with_status(Status.UNKNOWN)) and not receipt.is_too_large
    written = [*_written_changes(summary)]
    removals = sum(_is_stopped_by_undo(change, {agent.id for agent in planned.agents}) for change in written)
    permits = [
        *(("--allow-archive", str(removals)) if removals > REMOVAL_ALWAYS else ()),
        *(() if receipt.is_complete else ("--allow-incomplete",)),
    ]
    undo = Command("undo", name, *permits) if is_undoable else None
    return ApplyOutcome(summary, commands, name, undo, failure, _find_protected_title(written, planned))


def _written_changes(summary: Summary) -> Iterator[Change]:
    """Yield the changes that were, or may have been, written; the receipt has them."""
    for event in summary.events:
        if event.is_partial or event.status in {Status.DONE, Status.UNKNOWN}:
            yield event.change


def _is_stopped_by_undo(change: Change, agents: Collection[str]) -> bool:
    """Return whether undoing a change stops a schedule from firing, which a guard must permit.

    ``agents`` are those known from traces: giving a schedule an unknown agent back stops it as well.
    """
    if change.action in {Action.CREATE, Action.UNARCHIVE} or change.is_resumption:
        return True
    return any(field.field == "agent" and field.before not in agents for field in change.fields)


def _find_protected_title(written: Sequence[Change], planned: Plan) -> str | None:
    """Return a protected title that the undo would touch, if any."""
    protection, agents = Protection(planned.policy.protect), {agent.id for agent in planned.agents}
    for change in written:
        is_stopped = _is_stopped_by_undo(change, agents)
        if is_stopped or change.is_rename:
            former = change.before.title if change.before is not None and not is_stopped else None
            kept = frozenset() if former is None else frozenset(protection.covering(former))
            if any(glob not in kept for glob in protection.covering(change.title)):
                return change.title
    return None
