"""Every error that a user can meet; no other exception is raised on purpose.

::

    HaloError                  exit code 1
    ├── UsageError             64   the command line does not make sense
    ├── ProjectError                project files have problems; carries them all
    │   └── ProjectNotFound         there is no project file
    ├── SettingsError               key, base URL, project or team: missing or contradictory
    ├── DocumentError               a saved plan or a receipt is damaged or of another version
    ├── FileError                   a file cannot be read or written
    ├── HostError                   GitHub or GitLab does not take or give what a pipeline asks
    ├── GitError                    git, a repository or a ref is missing or does not answer
    ├── FindingError                a rule that is an error for this project found something; nothing was written
    ├── BlockedError                entries are blocked, so that nothing was done for them
    ├── RefusedError           3    a guard or the user refused the plan; nothing was written
    ├── NoReport                    a conversation has no report; the message says why
    ├── UnknownOutcome         5    a call that costs money may or may not have happened
    ├── InterruptedRun         130  Ctrl-C, or another signal to end, outside of an apply
    └── PlatformError               a procedure did not give an answer we can use
        ├── Unsent                  the run ended while the request waited for its turn
        ├── Unreachable             the request never left: DNS, connect, TLS, proxy
        ├── Unanswered              it may have left, no answer came: time-out, reset
        ├── Rejected                the platform said no, in tRPC's own words
        └── Unreadable              something answered, but not tRPC: HTML, nothing, half a JSON

An error's message is complete without its class: what happened, where, and (``hint``) what to do. Exit codes:
docs/cli.md#exit-codes.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import ClassVar, NamedTuple

from halo_iac import exit_codes


class HaloError(Exception):
    """The root of the tree.

    ``message`` is what happened and where, ``hint`` what to do; both are plain text, maybe of several lines.
    """

    exit_code: int = exit_codes.FAILED
    code: ClassVar[str] = "error"

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(HaloError):
    """The command line does not make sense (exit 64, so that 2 can mean "changes pending")."""

    exit_code = exit_codes.USAGE
    code = "usage"


class Problem(NamedTuple):
    """A problem at one position of a project file; ``line`` and ``column`` count from 1, 0 means the whole file.

    The last problem of a file with too many represents the rest; ``represents`` is their number.
    """

    path: str
    line: int
    column: int
    message: str
    hint: str | None = None
    represents: int = 1

    @property
    def position(self) -> str:
        """Return ``path:line:column``, or the path alone for the whole file."""
        return f"{self.path}:{self.line}:{self.column}" if self.line else self.path

    def __str__(self) -> str:
        """Render ``path:line:column: message (hint)`` on one line, as compilers do."""
        return f"{self.position}: {self.message}" + (f" ({self.hint})" if self.hint else "")


class ProjectError(HaloError):
    """The project files have problems; ``problems`` holds every one, in the order of the files."""

    code = "project"

    def __init__(self, problems: Sequence[Problem], *, hint: str | None = None) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)), hint=hint)


class ProjectNotFound(ProjectError):  # noqa: N818 - reads as what happened
    """There is no project file where one was looked for."""

    code = "project_not_found"


class SettingsError(HaloError):
    """The key, base URL, project or team is missing, malformed or contradictory.

    See docs/cli.md#settings and docs/security.md#keys.
    """

    code = "settings"


class DocumentError(HaloError):
    """A saved plan or a receipt cannot be read, is damaged, or is of another version."""

    code = "document"


class FileError(HaloError):
    """A file cannot be read or written; the message names it and the operating system's reason."""

    code = "file"


class HostError(HaloError):
    """GitHub or GitLab does not take, or does not give, what a job of a pipeline asks for."""

    code = "host"


class GitError(HaloError):
    """There is no git, no repository, no such ref, or a remote that does not answer."""

    code = "git"


class FindingError(HaloError):
    """A rule whose findings are errors for this project found something, so nothing was written."""

    code = "finding"


class BlockedError(HaloError):
    """Some entries are blocked; the rest was applied, which the exit code reflects.

    See docs/semantics.md#blocked-entries.
    """

    code = "blocked"

    def __init__(self, message: str, *, exit_code: int, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.exit_code = exit_code


class RefusedError(HaloError):
    """A guard refused the plan or the user declined; nothing was written (exit 3)."""

    exit_code = exit_codes.REFUSED
    code = "refused"


class NoReport(HaloError):  # noqa: N818 - reads as what happened
    """A report does not exist: no traces, still running, failed, or never requested; the message says which."""

    code = "no_report"


class UnknownOutcome(HaloError):  # noqa: N818 - reads as what happened
    """A costly call's answer was lost; it is not repeated, and the hint holds the command that looks (exit 5)."""

    exit_code = exit_codes.UNKNOWN_OUTCOME
    code = "unknown_outcome"


class InterruptedRun(HaloError):  # noqa: N818 - reads as what happened
    """Ctrl-C, or another signal that asks to end (exit 130)."""

    exit_code = exit_codes.INTERRUPTED
    code = "interrupted"


class Delivery(StrEnum):
    """What a failed call may have done, which decides whether it may be repeated (docs/semantics.md#creates)."""

    NOT_SENT = "not_sent"
    """The request never reached the platform: repeating it is safe."""

    REFUSED = "refused"
    """The platform answered that it did nothing: a 4xx other than 408 and 409."""

    AMBIGUOUS = "ambiguous"
    """Unknown. A create is never repeated after this; it is looked for."""


class PlatformError(HaloError):
    """A procedure gave no usable answer.

    ``procedure`` as in docs/protocol.md#procedures, ``status`` the HTTP status if one arrived, ``delivery`` what may
    have happened, ``is_transient`` whether repeating a repeatable call may help, ``retry_after`` the platform's own
    delay in seconds.
    """

    code = "platform"

    def __init__(
        self,
        message: str,
        *,
        procedure: str,
        delivery: Delivery,
        status: int | None = None,
        is_transient: bool = False,
        retry_after: float | None = None,
        hint: str | None = None,
    ) -> None:
        where = f"{procedure} (HTTP {status})" if status is not None else procedure
        super().__init__(f"{where}: {message}", hint=hint)
        self.reason = message
        self.procedure = procedure
        self.status = status
        self.delivery = delivery
        self.is_transient = is_transient
        self.retry_after = retry_after

    @property
    def ends_the_run(self) -> bool:
        """Return whether all other requests would fail as well: no valid key, no credit, no permission.

        See docs/semantics.md#apply-order.
        """
        return self.status in {401, 402, 403}


class Unsent(PlatformError):  # noqa: N818 - reads as what happened
    """The run was stopped while the request waited for its turn, so it was not sent."""

    code = "unsent"


class Unreachable(PlatformError):  # noqa: N818 - reads as what happened
    """The request never left this machine: DNS, connect, TLS, proxy."""

    code = "unreachable"


class Unanswered(PlatformError):  # noqa: N818 - reads as what happened
    """The request may have arrived, but no whole answer came back: time-out, reset."""

    code = "unanswered"


class Rejected(PlatformError):  # noqa: N818 - reads as what happened
    """The platform answered with a tRPC error; ``name`` is its code, such as ``NOT_FOUND``."""

    code = "rejected"
    name: str = ""


class Unreadable(PlatformError):  # noqa: N818 - reads as what happened
    """Something answered, but not with tRPC: HTML, an empty body, truncated JSON, another service."""

    code = "unreadable"
