"""Git: the files of a branch's base, and the tip of a remote branch.

See docs/semantics.md#base-comparison and docs/security.md#git.

The ``git`` program is used, since only it knows every way in which a repository can be stored. Nothing of a checkout is
executed: objects are read raw, so that no filter, textconv or hook runs; a ref is never taken for an option; and git's
environment has none of halo's keys.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from halo_iac.errors import GitError
from halo_iac.git.index import Index
from halo_iac.git.objects import Objects
from halo_iac.git.program import Git

_KINDS: Final = ("refs/", "refs/tags/", "refs/heads/", "refs/remotes/")
"""The prefixes that git tries for a name, in its order."""
_EXPRESSION: Final = re.compile(r"[~^:]|@\{")
"""The end of a name in ``main~2``, ``main^`` or ``main@{1}``."""


class Repository:
    """The repository of a checkout; ``top`` is the top folder of its working tree.

    Every method raises :class:`~halo_iac.errors.GitError` if there is no git, no repository or no such ref.
    """

    def __init__(self, checkout: Path, env: Mapping[str, str]) -> None:
        self._git = Git(checkout, env)
        self.top = self._git.top

    def resolve_commit(self, ref: str) -> str:
        """Return the commit that a branch, a tag or an abbreviated id stands for."""
        check_ref(ref)
        self._refuse_ambiguous(ref)
        found = self._git.call("rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}")
        if found.returncode == 0:
            return found.stdout.decode().strip()
        hint = "run `git fetch` if it is on a remote; `git branch --all` lists the branches"
        if self._git.run("rev-parse", "--is-shallow-repository") == "true":
            hint = f"{_fetch(ref)}; this clone is shallow"
        raise GitError(f"no branch, tag or commit is named {ref!r}", hint=hint)

    def resolve_remote_commit(self, ref: str) -> tuple[str, str]:
        """Return ``remote/branch`` and its current commit, requested from the remote."""
        check_ref(ref)
        remote, branch = self._remote_branch(ref)
        listed = self._git.run(
            "ls-remote",
            "--quiet",
            "--end-of-options",
            remote,
            f"refs/heads/{branch}",
            failing=f"the remote {remote!r} did not answer",
        )
        lines = (line.partition("\t") for line in listed.split("\n"))
        commit = next((commit for commit, _, name in lines if name == f"refs/heads/{branch}"), None)
        if commit is None:  # the pattern has to match the end of a name only
            raise GitError(f"the remote {remote!r} has no branch {branch!r}", hint="use a branch such as origin/main")
        return f"{remote}/{branch}", commit

    def has_ancestor(self, commit: str, earlier: str) -> bool:
        """Return whether a commit descends from another; false if this clone lacks the other or the commits between."""
        return self._git.call("merge-base", "--is-ancestor", "--end-of-options", earlier, commit).returncode == 0

    def changed_files(self, before: str, after: str) -> frozenset[Path]:
        """Return the files in which two commits differ; only their trees are compared, and no file is read."""
        words = ("diff-tree", "-r", "-z", "--name-only", "--no-renames", "--end-of-options", before, after)
        names = self._git.run_bytes(*words).decode("utf-8", "surrogateescape").split("\0")
        return frozenset(self.top / name for name in names if name)

    def objects(self) -> Objects:
        """Return a reader of single objects, to be used as a context manager."""
        return Objects(self._git)

    def index(self) -> Index:
        """Return the index."""
        return Index(self._git)

    def _refuse_ambiguous(self, ref: str) -> None:
        """Refuse a name that several refs have: git would take the tag, which may hide a branch on purpose."""
        name = _EXPRESSION.split(ref, maxsplit=1)[0]
        candidates = [f"{kind}{name}" for kind in _KINDS]
        found = {*self._git.run("for-each-ref", "--format=%(refname)", *candidates).split("\n")}
        meant = [candidate for candidate in candidates if candidate in found]
        if len(meant) > 1:
            hint = "use the full name of one of them"
            raise GitError(f"{name!r} is ambiguous: it matches {', '.join(meant)}", hint=hint)

    def _remote_branch(self, ref: str) -> tuple[str, str]:
        """Split a ref into remote and branch; a ref without a remote means ``origin``, or the only remote."""
        keys = (key for key, _ in self._git.settings if key.startswith("remote.") and key.endswith(".url"))
        remotes = [*dict.fromkeys(key[len("remote.") : -len(".url")] for key in keys)]
        if not remotes:
            raise GitError("this repository has no remote", hint="add one with `git remote add origin URL`")
        for remote in sorted(remotes, key=len, reverse=True):
            for prefix in (f"refs/remotes/{remote}/", f"{remote}/"):
                if ref.startswith(prefix):
                    return remote, ref.removeprefix(prefix)
        if "origin" not in remotes and len(remotes) > 1:
            raise GitError(
                f"{ref!r} does not start with a remote ({', '.join(remotes)})",
                hint=f"use a name such as {remotes[0]}/{ref}",
            )
        return ("origin" if "origin" in remotes else remotes[0]), ref.removeprefix("refs/heads/")


def check_ref(ref: str) -> None:
    """Raise unless a text can be the name of a ref or a commit; git would take some others for an option."""
    is_odd = not ref or ref.startswith("-") or ".." in ref or any(c.isspace() or not c.isprintable() for c in ref)
    if is_odd:
        raise GitError(f"{ref!r} is not a valid name of a branch or commit", hint="use a name such as origin/main")


def _fetch(ref: str) -> str:
    """Return the hint to fetch a commit into a shallow clone, which usually tracks one branch."""
    if any(character in ref for character in "~^@:"):
        return "fetch its history with `git fetch --deepen=100`, or all of it with `git fetch --unshallow`"
    if re.fullmatch("[0-9a-f]{40,}", ref):
        return f"fetch it with `git fetch --depth=1 origin {ref}`"
    name = re.sub("^(refs/remotes/)?origin/|^refs/heads/", "", ref)
    return f"fetch it with `git fetch --depth=1 origin +{name}:refs/remotes/origin/{name}`, and use origin/{name}"
