"""What the host of a repository tells a job and takes from it; a host that is not known tells and takes nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple, Protocol

POLICY_LABEL: Final = "halo-policy-change"
"""The label by which a user agrees to a looser scope, protect, undeclared or project."""
_ARCHIVE_LABEL: Final = re.compile(r"halo-allow-archive-([0-9]{1,9})")


class Post(NamedTuple):
    """A comment or an issue: the number by which its host knows it, who wrote it, and its text."""

    number: int
    author: str
    text: str


class Posts(Protocol):
    """The comments of one pull request, or the open issues of a repository; every method asks the host.

    Each raises :class:`~halo_iac.errors.HostError`.
    """

    def authors(self) -> frozenset[str]:
        """Return the names under which this job writes."""

    def all(self) -> Iterator[Post]:
        """Yield every post, the oldest first."""

    def closed(self, since: str) -> Iterator[Post]:
        """Yield the issues that are closed and have changed since an instant; comments are never closed."""

    def add(self, text: str) -> None:
        """Write a new post."""

    def change(self, number: int, text: str) -> None:
        """Replace a post's text."""

    def close(self, number: int) -> None:
        """Close an issue; comments stay."""


class Trigger(NamedTuple):
    """What started a job.

    ``request`` is the number of a pull or merge request, empty elsewhere, ``base`` the commit it is compared with.
    ``branch`` is the branch that a job outside of a request runs on. ``keyless`` is why the job must do without a key:
    then only what is offline is done.
    """

    request: str = ""
    base: str = ""
    branch: str = ""
    labels: tuple[str, ...] = ()
    keyless: str = ""

    @property
    def is_proposal(self) -> bool:
        """Return whether what is checked out is not merged yet, so that nothing of it may be applied."""
        return bool(self.request or self.keyless)

    @property
    def accepts_policy_change(self) -> bool:
        """Return whether a label agrees to a looser policy."""
        return POLICY_LABEL in self.labels

    @property
    def allowed_removals(self) -> int:
        """Return how many schedules a label lets stop firing."""
        return max((int(found[1]) for each in self.labels if (found := _ARCHIVE_LABEL.fullmatch(each))), default=0)


class Host(Protocol):
    """One job on one host."""

    trigger: Trigger
    format: str
    """How the log marks mistakes: ``github`` for annotations, ``text``."""
    folder: Path
    """Where jobs leave files for each other and the host takes artifacts from."""

    def comments(self) -> Posts | None:
        """Return the comments of the request; ``None`` without a request or token."""

    def issues(self, title: str) -> Posts | None:
        """Return the open issues; new ones get this title. ``None`` without a token."""

    def summarize(self, page: str) -> None:
        """Show a page of markdown with the job's result."""

    def output(self, name: str, value: str) -> None:
        """Tell later steps a value."""

    def git_variables(self) -> Mapping[str, str]:
        """Return the variables by which git may ask the repository's remote."""

    def fetch_receipts(self, run: str, folder: Path) -> None:
        """Write the receipts of an earlier run into a folder, where this host can."""


class OtherHost:
    """Any other host: commands run in a checkout, without comments, issues or outputs."""

    trigger = Trigger()
    format = "text"

    def __init__(self, cwd: Path) -> None:
        self.folder = cwd / ".halo" / "ci"

    def comments(self) -> Posts | None:
        """Return nothing."""
        return None

    def issues(self, title: str) -> Posts | None:  # noqa: ARG002 - see Host
        """Return nothing."""
        return None

    def summarize(self, page: str) -> None:
        """Do nothing: the log has everything."""

    def output(self, name: str, value: str) -> None:
        """Tell nothing: the exit code has to do."""

    def git_variables(self) -> Mapping[str, str]:
        """Return nothing: git uses what the checkout was made with."""
        return {}

    def fetch_receipts(self, run: str, folder: Path) -> None:
        """Bring nothing: the receipt has to be a file."""


def as_git_config(settings: Iterable[tuple[str, str]], env: Mapping[str, str]) -> dict[str, str]:
    """Return the variables by which git takes settings, after those that are there already."""
    count = int(found) if (found := env.get("GIT_CONFIG_COUNT", "")).isdecimal() else 0
    variables: dict[str, str] = {}
    for key, value in settings:
        variables |= {f"GIT_CONFIG_KEY_{count}": key, f"GIT_CONFIG_VALUE_{count}": value}
        count += 1
    return variables | {"GIT_CONFIG_COUNT": str(count)}
