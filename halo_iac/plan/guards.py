"""Guards: the reasons to refuse a plan, one small function each (docs/semantics.md#guards).

Each looks at the :class:`GuardInput` and returns its refusal or nothing. A refusal names what permits it, which comes
from the command line or from a reviewed edit, never from the environment of a pipeline.
"""

import json
import sys
import unicodedata
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from halo_iac.hints import Command, Hint, join_hints
from halo_iac.model.plan import Action, Blocked, Cause, Change, GuardViolation
from halo_iac.model.remote import RemoteSchedule, UnreadableSchedule
from halo_iac.model.schedule import Spec
from halo_iac.text import Protection, counted, has_invisible, is_invisible

REMOVAL_PERCENT: Final = 30
REMOVAL_LIMIT: Final = 25
"""How many schedules may be archived or stop firing without `--allow-archive`."""
REMOVAL_ALWAYS: Final = 1
"""How many schedules may always stop firing without `--allow-archive`."""

ALLOW_ARCHIVE: Final = frozenset({"removals", "nothing-declared"})
"""The guards whose refusals name what `--allow-archive N` has to count."""

_NONE: Final = sys.maxsize
"""A number that no schedule has."""
_SAME_TITLE: Final = "has the same title except for case, spacing, Unicode form or invisible characters"


class Overrides(NamedTuple):
    """What the command line permits: removals up to a number, creates and takeovers of these keys."""

    allow_archive: int = 0
    allow_create: frozenset[str] = frozenset()
    allow_takeover: frozenset[str] = frozenset()


class GuardInput(NamedTuple):
    """Everything a guard may look at; ``undeclared`` are the active schedules in scope that no file declares.

    ``firing`` are the ids of the schedules in scope that fire, ``traced`` those of the agents that traces name.
    ``withheld`` are the archives that were left out of ``changes`` because an entry is blocked. Only the guard that
    says so looks at them: another refusal would stop the rest of the plan for changes that are not made.
    """

    changes: tuple[Change, ...]
    blocked: Sequence[Blocked] = ()
    withheld: Sequence[Change] = ()
    undeclared: Sequence[RemoteSchedule] = ()
    firing: Collection[str] = ()
    traced: Collection[str] = ()
    declared: int = 0
    targets: tuple[str, ...] = ()
    protect: Sequence[str] = ()
    gap: str | None = None
    overrides: Overrides = Overrides()

    @property
    def removals(self) -> tuple[Change, ...]:
        """Return the archives, the pauses, and the changes that give a firing schedule an agent without traces."""
        return tuple(change for change in self.changes if change.is_removal or self.loses_agent(change))

    @property
    def stopped(self) -> tuple[Change, ...]:
        """Return the removals of schedules that fire."""
        return tuple(change for change in self.removals if change.id in self.firing)

    def loses_agent(self, change: Change) -> bool:
        """Return whether an active schedule gets an agent without traces, so that its runs have no data."""
        agents = (str(field.after) for field in change.fields if field.field == "agent")
        return change.id in self.firing and any(agent.lower() not in self.traced for agent in agents)

    @property
    def undeclared_archives(self) -> tuple[Change, ...]:
        """Return the archives of schedules that no file declares."""
        return tuple(change for change in self.changes if change.cause is Cause.UNDECLARED)


def guard(situation: GuardInput) -> tuple[GuardViolation, ...]:
    """Return every refusal, in the order of the guards."""
    return tuple(refusal for check in GUARDS for refusal in check(situation))


def too_many_removals(situation: GuardInput) -> Iterator[GuardViolation]:
    """Refuse to stop a large share of the schedules that fire in scope, or to remove many in any state."""
    stopped, removals, firing = situation.stopped, situation.removals, len(situation.firing)
    share = min(REMOVAL_LIMIT, max(REMOVAL_ALWAYS, firing * REMOVAL_PERCENT // 100))
    allowed = situation.overrides.allow_archive
    if len(removals) > max(REMOVAL_LIMIT, allowed):
        what = f"{len(removals)} schedules would be archived or stop firing"
        yield _too_many(what, REMOVAL_LIMIT, removals)
    elif len(stopped) > max(share, allowed):
        what = f"{len(stopped)} of {firing} firing schedules in scope would stop"
        yield _too_many(what, share, stopped)


def _too_many(what: str, permitted: int, changes: Sequence[Change]) -> GuardViolation:
    message = f"{what}; at most {permitted} {'is' if permitted == 1 else 'are'} allowed without --allow-archive N"
    return GuardViolation("removals", message, f"--allow-archive {len(changes)}", _names(changes))


def protected_titles(situation: GuardInput) -> Iterator[GuardViolation]:
    """Refuse to archive, pause or rename away a title that ``protect:`` covers, even when its entry is gone."""
    protection = Protection(situation.protect)
    for change in situation.changes:
        is_silenced = change.is_removal or situation.loses_agent(change)
        if not (is_silenced or change.is_rename):
            continue
        title = change.before.title if change.before else change.title
        kept = frozenset() if is_silenced else frozenset(protection.covering(change.title))
        glob = next((glob for glob in protection.covering(title) if glob not in kept), None)
        if glob is not None:
            yield GuardViolation(
                "protected",
                f"{title!r} is protected by {glob!r} and would be {_verb(change, is_silenced=is_silenced)}",
                "remove the glob from `protect:`, --protect or HALO_PROTECT",
                (change.name,),
            )


def archives_with_nothing_declared(situation: GuardInput) -> Iterator[GuardViolation]:
    """Refuse to archive schedules if the project declares none: its files may be empty by mistake."""
    archives = situation.undeclared_archives
    if archives and not situation.declared and len(archives) > situation.overrides.allow_archive:
        yield GuardViolation(
            "nothing-declared",
            f"the project declares no schedules, and {counted(len(archives), 'schedule')} would be archived",
            f"--allow-archive {len(archives)}",
            _names(archives),
        )


def archives_with_targets(situation: GuardInput) -> Iterator[GuardViolation]:
    """Refuse to archive undeclared schedules in a plan that is limited to some entries."""
    archives = situation.undeclared_archives
    if archives and situation.targets:
        yield GuardViolation(
            "targets",
            f"{counted(len(archives), 'undeclared schedule')} would be archived by a run limited to "
            f"{', '.join(situation.targets)}",
            "run without --target, or keep them with --undeclared report",
            _names(archives),
        )


def archives_with_blocked_entries(situation: GuardInput) -> Iterator[GuardViolation]:
    """Withhold the archives of undeclared schedules while an entry is blocked, which may be about one of them."""
    if situation.withheld:
        keys = ", ".join(entry.key for entry in situation.blocked)
        yield GuardViolation(
            "blocked",
            f"{counted(len(situation.withheld), 'undeclared schedule')} would be archived while {keys} "
            f"{'is' if len(situation.blocked) == 1 else 'are'} blocked",
            f"fix {keys} first",
            _names(situation.withheld),
            withholds=True,
        )


def near_duplicate_creates(situation: GuardInput) -> Iterator[GuardViolation]:
    """Refuse to create a schedule that is like an undeclared one: most likely a rename without `renamed_from`."""
    creates = [
        change
        for change in situation.changes
        if change.action is Action.CREATE and change.key not in situation.overrides.allow_create
    ]
    if not creates:
        return
    first: dict[object, int] = {}
    for number, remote in enumerate(situation.undeclared):
        for likeness in (_title_key(remote.title), _content_key(remote.spec())):
            first.setdefault(likeness, number)
    for change in creates:
        titled, working = first.get(_title_key(change.title), _NONE), first.get(_content_key(change.after), _NONE)
        if min(titled, working) == _NONE:
            continue
        remote = situation.undeclared[min(titled, working)]
        likeness = _SAME_TITLE if titled <= working else "has the same agent, prompt and cadence"
        what = f"{change.key} would be created, but the undeclared schedule {remote.id} ({remote.title!r}) {likeness}"
        record = f"add `renamed_from: {_quoted(remote.title)}` or `id: {remote.id}` to the entry"
        yield GuardViolation(
            "lookalike",
            join_hints(
                "", (f"{what}; if they are the same schedule, ", _rename(change.key or "", remote.title), record)
            ),
            f"--allow-create {change.key}",
            (change.name,),
        )


def incomplete_listing(situation: GuardInput) -> Iterator[GuardViolation]:
    """Refuse creates and archives where the platform's listing was not read to its end."""
    risky = [change for change in situation.changes if change.action in {Action.CREATE, Action.ARCHIVE}]
    if situation.gap and risky:
        yield GuardViolation(
            "incomplete-listing",
            f"the list of schedules is incomplete ({situation.gap}); nothing can be created or archived",
            "run the command again; if the problem persists, report it to the platform",
            _names(risky),
        )


GUARDS: Final[tuple[Callable[[GuardInput], Iterable[GuardViolation]], ...]] = (
    incomplete_listing,
    too_many_removals,
    protected_titles,
    archives_with_nothing_declared,
    archives_with_targets,
    archives_with_blocked_entries,
    near_duplicate_creates,
)


def _verb(change: Change, *, is_silenced: bool) -> str:
    if change.action is Action.ARCHIVE:
        return "archived"
    if not is_silenced:
        return f"renamed to {change.title!r}"
    return "paused" if change.is_pause else "moved to an agent without traces"


def _content_key(spec: Spec | UnreadableSchedule | None) -> tuple[object, ...]:
    """Return what a schedule does and when; for an unreadable one, a value that is equal to no other."""
    return (spec.agent, spec.prompt, spec.cadence) if isinstance(spec, Spec) else (object(),)


def _title_key(title: str) -> str:
    """Return a title without differences that are hard to see: form, case, spaces and invisible characters."""
    if not (title.isascii() and title.isprintable()):
        title = "".join(character for character in title if not is_invisible(character) or character.isspace())
        title = unicodedata.normalize("NFKC", title)
    return " ".join(title.casefold().split())


def _rename(key: str, title: str) -> str:
    """Return the `halo rename` command for the hint; none for a title with invisible characters or a backtick."""
    if has_invisible(title) or "`" in title:
        return ""
    return Hint("run `{}`, or ", Command("rename", key, "--from", title))


def _quoted(title: str) -> str:
    """Return a title as a double-quoted YAML scalar, as JSON writes strings; invisible characters are escaped."""
    return "".join(_escaped(c) if is_invisible(c) else c for c in json.dumps(title, ensure_ascii=False))


def _escaped(character: str) -> str:
    code = ord(character)
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def _names(changes: Iterable[Change]) -> tuple[str, ...]:
    return tuple(change.name for change in changes)
