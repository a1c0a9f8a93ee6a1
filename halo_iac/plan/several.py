"""Plans of several project files: conflicting claims, and `--allow-archive` for all of them together.

See docs/semantics.md#several-project-files.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from operator import itemgetter
from typing import NamedTuple

from halo_iac.model.plan import GuardViolation, MatchResult, Plan
from halo_iac.plan.guards import ALLOW_ARCHIVE

_OVERRIDE = "declare it in one of the files, or narrow the `scope:` of the other"


class Claim(NamedTuple):
    """A schedule that a project file answers for: one of the platform by its ``id``, one to be created by its title."""

    id: str | None
    title: str


class PairedPlan(NamedTuple):
    """A plan, and which schedule is which entry's."""

    plan: Plan
    pairing: MatchResult


def _claims(planned: Plan, pairing: MatchResult) -> Mapping[Claim, str]:
    """Return the schedules that a project file claims, each with the entry's key, or its own id if none declares it.

    They are those that entries are matched with, that block them, that would be created, and that would be archived.
    """
    claims = {
        Claim(pair.remote.id if pair.remote else None, "" if pair.remote else pair.entry.title or ""): pair.entry.key
        for pair in pairing.pairs
        if pair.remote is not None or pair.spec is not None
    }
    claims |= {Claim(id_, ""): entry.key for entry in planned.blocked for id_ in entry.ids}
    claims |= {Claim(change.id, ""): change.name for change in planned.changes if change.id is not None}
    return claims


def refuse_overlaps(paired: Sequence[PairedPlan]) -> tuple[Plan, ...]:
    """Return the plans, each with a violation for every other file of its project that claims one of its schedules."""
    plans = tuple(each.plan for each in paired)
    if len(plans) < 2:
        return plans
    claims = [_claims(*each) for each in paired]
    holders: defaultdict[tuple[str, str, Claim], list[int]] = defaultdict(list)
    for number, plan in enumerate(plans):
        for claim in claims[number]:
            holders[plan.host.base_url, plan.host.project_id, claim].append(number)
    shared: defaultdict[tuple[int, int], list[Claim]] = defaultdict(list)
    for (_, _, claim), numbers in holders.items():
        for number in numbers:
            for other in numbers:
                if other != number:
                    shared[number, other].append(claim)
    refusals: list[list[GuardViolation]] = [[] for _ in plans]
    for (number, other), common in sorted(shared.items(), key=itemgetter(0)):
        names = {claim: claims[number][claim] for claim in common}
        refusals[number].append(_overlap(plans[number].file, plans[other].file, names))
    return tuple(
        replace(plan, refusals=(*plan.refusals, *own)) if own else plan
        for plan, own in zip(plans, refusals, strict=True)
    )


def _overlap(file: str, other: str, names: Mapping[Claim, str]) -> GuardViolation:
    """Return the violation for claims, which are given with their names in ``file``."""
    first, *others = sorted(names, key=names.__getitem__)
    what = f"schedule {first.id}" if first.id else f"the title {first.title!r}"
    more = f", and {len(others):,} more" if others else ""
    message = f"{what} ({names[first]}) belongs to {file} and to {other}, of the same project{more}"
    return GuardViolation("overlap", message, _OVERRIDE, tuple(names[claim] for claim in (first, *others)))


def permit_together(plans: Sequence[Plan], allowed: int) -> tuple[Plan, ...]:
    """Return plans that were made without ``--allow-archive N`` as they are with it; N counts the removals of all."""
    needed = sum(
        max((len(refusal.names) for refusal in plan.refusals if refusal.guard in ALLOW_ARCHIVE), default=0)
        for plan in plans
    )
    if not needed:
        return tuple(plans)
    return tuple(_permit(plan, needed, is_enough=needed <= allowed) for plan in plans)


def _permit(plan: Plan, needed: int, *, is_enough: bool) -> Plan:
    refusals = tuple(
        replace(refusal, override=f"--allow-archive {needed}") if refusal.guard in ALLOW_ARCHIVE else refusal
        for refusal in plan.refusals
        if refusal.guard not in ALLOW_ARCHIVE or not is_enough
    )
    return replace(plan, refusals=refusals)
