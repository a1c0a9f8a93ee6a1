"""The way back as a whole: verdicts, titles that have to be free, guards (docs/semantics.md#undo)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from halo_iac.errors import RefusedError
from halo_iac.model.change import Action, Blocked, Change, Plan, PlanWarning, Refusal
from halo_iac.model.pairing import Pairing
from halo_iac.model.project import Project, UndeclaredPolicy
from halo_iac.model.receipt import Receipt
from halo_iac.model.remote import Actual, Host
from halo_iac.plan.actions import agent_names, place, policy_of, traced
from halo_iac.plan.guards import Overrides, Situation, guard
from halo_iac.plan.monthly import counted, firing, runs_per_month
from halo_iac.plan.titles import taken_titles
from halo_iac.renames import waves
from halo_iac.resolve import Catalog
from halo_iac.undo.history import histories
from halo_iac.undo.verdicts import BY_HAND, Judge, Verdict


def check_place(receipt: Receipt, host: Host) -> None:
    """Refuse a receipt of another platform or project, with :class:`~halo_iac.errors.RefusedError`."""
    header = receipt.header
    for what, then, now in (
        ("platform", header.base_url, host.base_url),
        ("project", header.project_id, host.project_id),
    ):
        if then != now:
            message = f"{receipt.name} is of another {what}: it is of {then}, and this is {now}; nothing was changed"
            raise RefusedError(message, hint="undo where it was applied: see --file, --project and --sandbox")


def undo(
    receipt: Receipt,
    project: Project,
    pairing: Pairing,
    actual: Actual,
    host: Host,
    overrides: Overrides,
    *,
    allows_gap: bool = False,
) -> Plan:
    """Return what takes the run back; what cannot be taken back is blocked, with what is in the way.

    ``pairing`` is that of the project, which may declare nothing. ``allows_gap`` accepts a receipt without its end.
    """
    policy = policy_of(project, pairing)
    found = histories(receipt)
    judge = Judge(policy, Catalog(project, actual), actual, _keys(pairing), {history.id for history in found})
    verdicts = [judge.verdict(history) for history in found]
    changes, blocked = _with_free_titles(verdicts, actual)
    active = [
        remote for remote in actual.schedules if remote.is_active and policy.covers(remote.agent_id, remote.title)
    ]
    readable = counted(active, ())
    situation = Situation(
        changes=tuple(sorted(changes, key=place)),
        blocked=blocked,
        withheld=(),
        undeclared=(),
        firing=firing(readable),
        traced=traced(actual),
        declared=len(project.entries),
        targets=(),
        protect=project.protect,
        gap=actual.gap,
        overrides=overrides,
    )
    return Plan(
        host=host,
        policy=policy,
        targets=(),
        changes=situation.changes,
        blocked=tuple(sorted(blocked, key=lambda each: each.key)),
        undeclared=(),
        warnings=tuple(_warnings(situation.changes, project, receipt, allows_gap=allows_gap)),
        refusals=(*(() if allows_gap else _gap(receipt)), *guard(situation)),
        unchanged=verdicts.count(None),
        runs_per_month=runs_per_month(readable, situation.changes),
        agents=agent_names(situation.changes, actual),
    )


def _gap(receipt: Receipt) -> Iterator[Refusal]:
    if receipt.gap is not None:
        yield Refusal(
            "incomplete-receipt",
            f"the end of the receipt is missing: {receipt.gap}; the run was killed or the file was cut off, "
            "so more may have been done than it says",
            "--allow-incomplete",
        )


# Titles -------------------------------------------------------------------------------------------------------------


def _with_free_titles(verdicts: Iterable[Verdict], actual: Actual) -> tuple[list[Change], list[Blocked]]:
    """Block what would take a title that is not free by then, and order the renames among the rest."""
    # Two creates of which no answer told an id may both be found in the one schedule that is there.
    changes = list(dict.fromkeys(verdict for verdict in verdicts if isinstance(verdict, Change)))
    blocked = [verdict for verdict in verdicts if isinstance(verdict, Blocked)]
    taking = [change for change in changes if change.takes_title]
    counts = Counter(change.title for change in taking)
    stuck = {change.id: "another schedule of this receipt" for change in taking if counts[change.title] > 1}
    free = [change for change in changes if change.id not in stuck]
    by_title = {change.title: change for change in free if change.takes_title}
    stuck |= {change.id: f"schedule {id_}" for change, id_ in taken_titles(free, by_title, actual.schedules)}
    archived = {f"schedule {change.id}" for change in changes if change.action is Action.ARCHIVE}
    blocked += [_held(change, stuck[change.id], archived) for change in changes if change.id in stuck]
    return _in_waves([change for change in changes if change.id not in stuck]), blocked


def _held(change: Change, holder: str, archived: Collection[str]) -> Blocked:
    hint = "undo once more: this undo archives that one, which comes last" if holder in archived else BY_HAND
    reason = f"its title was {change.title!r}, which is now that of {holder}"
    return Blocked(change.name, reason, hint, change.origin, (change.id,) if change.id else ())


def _in_waves(changes: Sequence[Change]) -> list[Change]:
    renames = {change.id or "": change for change in changes if change.action is Action.UPDATE and change.is_rename}
    held = {id_: change.before.title for id_, change in renames.items() if change.before}
    found = waves({id_: change.title for id_, change in renames.items()}, held, renames)
    return [replace(change, wave=found.get(change.id or "", 0)) for change in changes]


def _keys(pairing: Pairing) -> Mapping[str, str]:
    return {pair.remote.id: pair.entry.key for pair in pairing.pairs if pair.remote is not None}


def _warnings(
    changes: Sequence[Change], project: Project, receipt: Receipt, *, allows_gap: bool
) -> Iterator[PlanWarning]:
    """Say what the next apply takes back in turn, and that the receipt is not whole."""
    is_archiving = project.undeclared is UndeclaredPolicy.ARCHIVE
    count = sum(1 for each in changes if each.key or (is_archiving and each.action is Action.UNARCHIVE))
    if count:
        which = "these schedules" if count == len(changes) else f"{count} of these {len(changes)} schedules"
        yield PlanWarning(
            f"the next `halo apply` makes {which} as {project.path} says again, unless it is reverted as well"
        )
    if receipt.gap is not None and allows_gap:
        yield PlanWarning(f"the end of the receipt is missing: {receipt.gap}; more may have been done than it says")
