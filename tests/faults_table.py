"""Faults × operations: what can fail in which command, and what the platform must hold afterwards.

See docs/architecture.md#faults.

A fault is a name and what the server does; an operation is a command line, the one procedure of it that suffers, and
what the platform holds once it is done. :func:`expected_ending` says how each pair must end, when the fault comes once
and when it never goes away.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from enum import Enum

from canned_replies import BAD_GATEWAY_HTML
from sandbox_server import ATTEMPTS, PlatformContent

from halo_iac.sandbox.faults import Cut, Effect, NoReply, Refuse, Reply, Truncate

LIST = "haloSchedule.listForProject"
READ = "haloSchedule.getById"
AGENTS = "agent.listForProject"
RUN = "haloRun.getById"
APPLY = ("apply", "--yes")

FOUR = dict.fromkeys(("Alpha", "Beta", "Delta", "Gamma"), 9)
"""The active schedules that everything starts from: title → hour. Besides, Omega is archived, and there was a run."""

KEPT = ("Alpha at 9", "Beta at 9", "Delta at 9", "Gamma at 9")
UNDONE: PlatformContent = ((*KEPT, "Omega archived"), 1)


# Operations ---------------------------------------------------------------------------------------------------------


class Kind(Enum):
    """What an operation may do when its answer is lost."""

    READ = "it is read again"
    WATCHED = "it is looked at again until the time is up"
    REPEATED = "the schedule is read, and changed again if need be"
    CREATED = "it is looked for, and never created again"
    PAID = "it costs money, and is never started again"


@dataclass(frozen=True)
class Operation:
    """A command and its one procedure that suffers.

    ``before`` is the call right before that, by its procedure and number, ``None`` if there is none. ``entries`` are
    what the project file declares: title → hour. ``done`` is what the platform then holds; all start from ``UNDONE``.
    """

    argv: tuple[str, ...]
    kind: Kind
    suffers: str
    before: tuple[str, int] | None
    done: PlatformContent
    entries: dict[str, int] = field(default_factory=lambda: FOUR)
    undeclared: str = "report"

    @property
    def is_run(self) -> bool:
        """Say whether it waits at one gate while it is throttled: a plan, or an apply."""
        return self.argv[0] in {"plan", "apply", "pause"}

    @property
    def lists(self) -> bool:
        return self.suffers == LIST or self.argv == APPLY

    @property
    def project_file(self) -> str:
        lines = (
            f"  {title.lower()}: {{title: {title}, agent: checkout, frequency: daily, hours: [{hour}], prompt: Look.}}"
            for title, hour in self.entries.items()
        )
        return "\n".join(["version: 1", f"undeclared: {self.undeclared}", "schedules:", *lines, ""])


OPERATIONS = {
    "list": Operation(("plan", "--detailed-exitcode"), Kind.READ, LIST, None, UNDONE),
    "create": Operation(
        *(APPLY, Kind.CREATED, "haloSchedule.create", (LIST, 2)),
        done=((*KEPT, "New at 9", "Omega archived"), 1),
        entries={**FOUR, "New": 9},
    ),
    "update": Operation(
        *(APPLY, Kind.REPEATED, "haloSchedule.update", (READ, 1)),
        done=(("Alpha at 10", *KEPT[1:], "Omega archived"), 1),
        entries={**FOUR, "Alpha": 10},
    ),
    "archive": Operation(
        *(APPLY, Kind.REPEATED, "haloSchedule.archive", (READ, 1)),
        done=((*KEPT[:2], "Delta archived", "Gamma at 9", "Omega archived"), 1),
        entries=dict.fromkeys(("Alpha", "Beta", "Gamma"), 9),
        undeclared="archive",
    ),
    "unarchive": Operation(
        *(APPLY, Kind.REPEATED, "haloSchedule.unarchive", (READ, 1)),
        done=((*KEPT, "Omega at 9"), 1),
        entries={**FOUR, "Omega": 9},
    ),
    "pause": Operation(
        ("pause", "alpha", "--yes"),
        Kind.REPEATED,
        "haloSchedule.update",
        (READ, 1),
        (("Alpha paused", *KEPT[1:], "Omega archived"), 1),
    ),
    "run create": Operation(
        ("run", "create", "--agent", "checkout"), Kind.PAID, "haloRun.create", (AGENTS, 1), done=(UNDONE[0], 2)
    ),
    "poll": Operation(("run", "poll", "RUN", "--interval", "0.1"), Kind.WATCHED, RUN, None, UNDONE),
    "fetch": Operation(("report", "get", "RUN"), Kind.READ, "haloConversation.getDetails", (RUN, 1), UNDONE),
}


# Faults -------------------------------------------------------------------------------------------------------------


class Harm(Enum):
    """What a fault means for the request that meets it."""

    NOT_DONE = "the platform has not done it, and that is known"
    LOST_BEFORE = "the platform has not done it, but nobody can know"
    LOST_AFTER = "the platform has done it, but nobody can know"


@dataclass(frozen=True)
class Trouble:
    """What the server does to a request, what that means, and what a message has to say.

    ``effect`` is ``None`` for a server that has stopped. ``waits`` says whether a wait of so many seconds honours it.
    """

    effect: Callable[[], Effect] | None
    harm: Harm
    words: str
    waits: Callable[[float], bool] = lambda seconds: seconds <= 20
    throttled: int | None = None
    """How often a run asks that is throttled in this way for ever, until its time at the gate is up."""


def _in_a_minute() -> str:
    return format_datetime(datetime.now(UTC) + timedelta(minutes=1), usegmt=True)


TROUBLES = {
    "connection refused": Trouble(None, Harm.NOT_DONE, "no connection to 127.0.0.1"),
    "reset before the request": Trouble(Cut, Harm.LOST_BEFORE, "the connection was closed before an answer arrived"),
    "reset after the request": Trouble(Cut, Harm.LOST_AFTER, "the connection was closed before an answer arrived"),
    "answer lost": Trouble(lambda: Cut(sent=20), Harm.LOST_AFTER, "the connection broke in the middle of the answer"),
    "silence": Trouble(NoReply, Harm.LOST_BEFORE, "timed out waiting for an answer"),
    "408": Trouble(lambda: Refuse("TIMEOUT"), Harm.LOST_BEFORE, "(HTTP 408)"),
    "425": Trouble(lambda: Refuse(status=425), Harm.NOT_DONE, "(HTTP 425)"),
    "429": Trouble(lambda: Refuse("TOO_MANY_REQUESTS"), Harm.NOT_DONE, "(HTTP 429)", throttled=10),
    "429 for no time": Trouble(
        lambda: Refuse("TOO_MANY_REQUESTS", retry_after="0"), Harm.NOT_DONE, "(HTTP 429)", throttled=10
    ),
    "429 for 7 seconds": Trouble(
        lambda: Refuse("TOO_MANY_REQUESTS", retry_after="7"),
        Harm.NOT_DONE,
        "(HTTP 429)",
        lambda seconds: seconds == 7,
        16,
    ),
    "429 until a date": Trouble(
        lambda: Refuse("TOO_MANY_REQUESTS", retry_after=_in_a_minute()),
        *(Harm.NOT_DONE, "(HTTP 429)", lambda seconds: 20 < seconds <= 60, 2),
    ),
    "500": Trouble(Refuse, Harm.LOST_BEFORE, "(HTTP 500)"),
    "502 with HTML": Trouble(lambda: BAD_GATEWAY_HTML, Harm.LOST_BEFORE, "(HTTP 502): Bad Gateway, from a gateway"),
    "503": Trouble(lambda: Refuse("SERVICE_UNAVAILABLE"), Harm.LOST_BEFORE, "(HTTP 503)", throttled=10),
    "504 after success": Trouble(lambda: Refuse("GATEWAY_TIMEOUT"), Harm.LOST_AFTER, "(HTTP 504)"),
    "truncated JSON": Trouble(Truncate, Harm.LOST_AFTER, "answered with JSON that is cut off or broken"),
    "another content type": Trouble(
        lambda: Reply(200, b"<html>Sign in</html>", "text/html"), Harm.LOST_BEFORE, "answered with an HTML page"
    ),
}


SAMPLE = ("connection refused", "answer lost", "429", "500")
"""Troubles that stand for the others where an operation is carried out by what another row tests with all of them."""

MEETINGS = {
    f"{operation}-{trouble}": (OPERATIONS[operation], TROUBLES[trouble])
    for operation in OPERATIONS
    for trouble in (SAMPLE if operation == "pause" else TROUBLES)
}
"""Every operation with every trouble that it is to meet."""


# Endings ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Ending:
    """How a command must end: its exit code, whether the platform has done it, and how often it was asked for.

    ``asked`` is ``None`` where only the time that a command was given ends it.
    """

    code: int
    outcome: str
    asked: int | None


DONE, LEFT = "done", "left as it was"

_ENDINGS = {
    # kind, harm: when it comes once, when it never goes away
    (Kind.READ, Harm.NOT_DONE): (Ending(0, DONE, 2), Ending(1, LEFT, ATTEMPTS)),
    (Kind.READ, Harm.LOST_BEFORE): (Ending(0, DONE, 2), Ending(1, LEFT, ATTEMPTS)),
    (Kind.READ, Harm.LOST_AFTER): (Ending(0, DONE, 2), Ending(1, LEFT, ATTEMPTS)),
    (Kind.WATCHED, Harm.NOT_DONE): (Ending(0, DONE, 2), Ending(1, LEFT, None)),
    (Kind.WATCHED, Harm.LOST_BEFORE): (Ending(0, DONE, 2), Ending(1, LEFT, None)),
    (Kind.WATCHED, Harm.LOST_AFTER): (Ending(0, DONE, 2), Ending(1, LEFT, None)),
    (Kind.REPEATED, Harm.NOT_DONE): (Ending(0, DONE, 2), Ending(1, LEFT, ATTEMPTS)),
    (Kind.REPEATED, Harm.LOST_BEFORE): (Ending(0, DONE, 2), Ending(5, LEFT, ATTEMPTS)),
    (Kind.REPEATED, Harm.LOST_AFTER): (Ending(0, DONE, 1), Ending(0, DONE, 1)),
    (Kind.CREATED, Harm.NOT_DONE): (Ending(0, DONE, 2), Ending(1, LEFT, ATTEMPTS)),
    (Kind.CREATED, Harm.LOST_BEFORE): (Ending(5, LEFT, 1), Ending(5, LEFT, 1)),
    (Kind.CREATED, Harm.LOST_AFTER): (Ending(0, DONE, 1), Ending(0, DONE, 1)),
    (Kind.PAID, Harm.NOT_DONE): (Ending(0, DONE, 2), Ending(1, LEFT, ATTEMPTS)),
    (Kind.PAID, Harm.LOST_BEFORE): (Ending(5, LEFT, 1), Ending(5, LEFT, 1)),
    (Kind.PAID, Harm.LOST_AFTER): (Ending(5, DONE, 1), Ending(5, DONE, 1)),
}


def expected_ending(operation: Operation, trouble: Trouble, *, is_lasting: bool) -> Ending:
    """Return how an operation must end that meets a trouble once, or always where it is lasting."""
    found = _ENDINGS[operation.kind, trouble.harm][is_lasting]
    if is_lasting and operation.is_run and trouble.throttled and found.asked == ATTEMPTS:
        return replace(found, asked=trouble.throttled)
    return found
