"""Plans of several project files: conflicting claims, and `--allow-archive` for all of them together.

See docs/semantics.md#several-project-files.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
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


class _ClaimedPlan(NamedTuple):
    """A plan, and what its project file claims: every claim with the entry's key, or the id of what none declares."""

    plan: Plan
    claims: Mapping[Claim, str]


def _claims(planned: Plan, pairing: MatchResult) -> Mapping[Claim, str]:
    """Return what the entries are matched with, what blocks them, what would be created, and what would be archived."""
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
    if len(paired) < 2:
        return tuple(each.plan for each in paired)
    claimed = [_ClaimedPlan(each.plan, _claims(*each)) for each in paired]
    holders: defaultdict[tuple[str, str, Claim], list[int]] = defaultdict(list)
    for number, each in enumerate(claimed):
        for claim in each.claims:
            holders[each.plan.host.base_url, each.plan.host.project_id, claim].append(number)
    shared: defaultdict[tuple[int, int], list[Claim]] = defaultdict(list)
    for (_, _, claim), numbers in holders.items():
        for number in numbers:
            for other in numbers:
                if other != number:
                    shared[number, other].append(claim)
    return tuple(_refused(number, claimed, shared) for number in range(len(claimed)))


def _refused(number: int, claimed: Sequence[_ClaimedPlan], shared: Mapping[tuple[int, int], Sequence[Claim]]) -> Plan:
    def refusals() -> Iterator[GuardViolation]:
        for other, each in enumerate(claimed):
            claims = shared.get((number, other), ())
            if claims:
                yield _overlap(own, each.plan.file, claims)

    own = claimed[number]
    found = tuple(refusals())
    return replace(own.plan, refusals=(*own.plan.refusals, *found)) if found else own.plan


def _overlap(own: _ClaimedPlan, other: str, claims: Sequence[Claim]) -> GuardViolation:
    named = sorted(claims, key=lambda claim: own.claims[claim])
    first = named[0]
    what = f"schedule {first.id}" if first.id else f"the title {first.title!r}"
    more = f", and {len(named) - 1:,} more" if len(named) > 1 else ""
    message = f"{what} ({own.claims[first]}) belongs to {own.plan.file} and to {other}, of the same project{more}"
    return GuardViolation("overlap", message, _OVERRIDE, tuple(own.claims[claim] for claim in named))


def permit_together(plans: Sequence[Plan], allowed: int) -> tuple[Plan, ...]:
    """Return plans that were made without ``--allow-archive N`` as they are with it: N is the total of all of them."""
    needed = sum(max((len(refusal.names) for refusal in _permittable(plan)), default=0) for plan in plans)
    if not needed:
        return tuple(plans)
    return tuple(_permitted(plan, needed, is_enough=needed <= allowed) for plan in plans)


def _permittable(plan: Plan) -> Iterator[GuardViolation]:
    return (refusal for refusal in plan.refusals if refusal.guard in ALLOW_ARCHIVE)


def _permitted(plan: Plan, needed: int, *, is_enough: bool) -> Plan:
    refusals = tuple(
        replace(refusal, override=f"--allow-archive {needed}") if refusal.guard in ALLOW_ARCHIVE else refusal
        for refusal in plan.refusals
        if refusal.guard not in ALLOW_ARCHIVE or not is_enough
    )
    return replace(plan, refusals=refusals)
