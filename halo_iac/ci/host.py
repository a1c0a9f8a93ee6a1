"""What the host of a repository offers a job: what started the job, comments, issues and outputs."""

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

    def closed(self, since: str) -> Iterator[Post]:  # noqa: ARG002 - comments are never closed
        """Yield the issues that are closed and have changed since an instant."""
        return iter(())

    def add(self, text: str) -> None:
        """Write a new post."""

    def change(self, number: int, text: str) -> None:
        """Replace a post's text."""

    def close(self, number: int) -> None:  # noqa: ARG002 - comments are never closed
        """Close an issue."""
        return None  # noqa: RET501 - an empty body would make the method abstract


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


class Host:
    """One job on one host; this class is any host without comments, issues and outputs.

    ``format`` is how the log marks mistakes: ``github`` for annotations, ``text``. Jobs leave files for each other in
    ``folder``, and the host takes artifacts from it.
    """

    format = "text"

    def __init__(self, trigger: Trigger, folder: Path) -> None:
        self.trigger = trigger
        self.folder = folder

    def comments(self) -> Posts | None:
        """Return the comments of the request; ``None`` without a request or token."""
        return None

    def issues(self, title: str) -> Posts | None:  # noqa: ARG002 - for hosts that have issues
        """Return the open issues; new ones get this title. ``None`` without a token."""
        return None

    def summarize(self, page: str) -> None:
        """Show a page of markdown with the job's result, if this host can; the log has everything."""

    def output(self, name: str, value: str) -> None:
        """Set an output for later steps, if this host has outputs; elsewhere steps have the exit code."""

    def git_variables(self) -> Mapping[str, str]:
        """Return the variables that git needs to access the repository's remote, beyond what the checkout has."""
        return {}

    def fetch_receipts(self, run: str, folder: Path) -> None:
        """Write the receipts of an earlier run into a folder, if this host can; else the receipt has to be a file."""


def as_git_config(settings: Iterable[tuple[str, str]], env: Mapping[str, str]) -> dict[str, str]:
    """Return the variables by which git takes settings, after those that are there already."""
    count = int(found) if (found := env.get("GIT_CONFIG_COUNT", "")).isdecimal() else 0
    variables: dict[str, str] = {}
    for key, value in settings:
        variables |= {f"GIT_CONFIG_KEY_{count}": key, f"GIT_CONFIG_VALUE_{count}": value}
        count += 1
    return variables | {"GIT_CONFIG_COUNT": str(count)}
