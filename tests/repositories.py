"""Git repositories to plan in: real ones, made by the git that is installed, whatever its user has configured."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

_WHO = {
    f"GIT_{role}_{what}": value
    for role in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "A"), ("EMAIL", "a@example.org"), ("DATE", "2026-11-02T12:00:00Z"))
}
# Each commit would start another git to look whether the repository should be tidied up.
_UNTIDIED = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "maintenance.auto", "GIT_CONFIG_VALUE_0": "false"}


@dataclass(frozen=True)
class Git:
    """A repository's working tree; calling it runs git there."""

    folder: Path

    def __call__(self, *words: str) -> str:
        env = {**os.environ, **_WHO, **_UNTIDIED, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
        ended = subprocess.run(
            ["git", *words], cwd=self.folder, env=env, capture_output=True, encoding="utf-8", check=False
        )
        assert ended.returncode == 0, ended.stderr
        return ended.stdout.strip()

    def commit(self, subject: str = "a commit") -> str:
        """Commit all there is and return the commit."""
        self("add", "--all")
        self("commit", "--quiet", "--allow-empty", "--message", subject)
        return self("rev-parse", "HEAD")

    def clone(self, folder: Path, *words: str) -> Git:
        """Return a clone of this repository."""
        self("clone", "--quiet", *words, self.folder.as_uri(), str(folder))
        return Git(folder)


def repository(folder: Path) -> Git:
    """Make a repository on a branch called main, and its folder if need be."""
    folder.mkdir(exist_ok=True)
    git = Git(folder)
    git("init", "--quiet", "--initial-branch=main")
    return git
