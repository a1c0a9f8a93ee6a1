"""CI runners as far as a pipeline's steps can tell: their shell, their variables, and the programs that they find.

Steps run as the runner runs them, against a served sandbox. ``gh`` is a stand-in that keeps the comments of a pull
request in a file; ``pipx`` and ``pip`` install nothing, since what they would install is what is tested.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from repositories import Git

ROOT = Path(__file__).parents[1]

_GH = '''\
"""What a pipeline needs of gh: the comments of one pull request, kept in a file."""
import json, os, sys
store = {store!r}
comments = json.load(open(store))
words = sys.argv[1:]
assert os.environ["GH_TOKEN"] == "a token" and words.pop(0) == "api", words
path = next(word for word in words if word.startswith("repos/"))
if "--jq" in words:
    mine = \'.[] | select(.user.login == "github-actions[bot]" and (.body | startswith(env.MARKER))) | .id\'
    assert words == ["--paginate", "repos/us/ours/issues/7/comments", "--jq", mine], words
    for each in comments:
        if each["user"] == "github-actions[bot]" and each["body"].startswith(os.environ["MARKER"]):
            print(each["id"])
    sys.exit()
body = open(words[words.index("--field") + 1].removeprefix("body=@"), encoding="utf-8").read()
assert len(body) <= 65536
if words[words.index("--method") + 1] == "POST":
    assert path == "repos/us/ours/issues/7/comments", path
    comments.append({{"id": 100 + len(comments), "user": "github-actions[bot]", "body": body}})
else:
    next(each for each in comments if path == f"repos/us/ours/issues/comments/{{each['id']}}")["body"] = body
json.dump(comments, open(store, "w"))
'''


@dataclass(frozen=True)
class StepResult:
    """How a step ended: its exit code, what it printed, and what it told the runner."""

    code: int
    printed: str
    outputs: Mapping[str, str]
    summary: str


@dataclass
class Runner:
    """A machine with a checkout of a repository, and the variables that every step sees."""

    git: Git
    programs: Path
    env: dict[str, str] = field(default_factory=dict)

    @property
    def comments(self) -> list[dict[str, Any]]:
        comments: list[dict[str, Any]] = json.loads((self.programs / "comments.json").read_text())
        return comments

    def leave_comment(self, user: str, body: str) -> None:
        comments = [*self.comments, {"id": 100 + len(self.comments), "user": user, "body": body}]
        (self.programs / "comments.json").write_text(json.dumps(comments))

    def run(self, script: str, env: Mapping[str, str]) -> StepResult:
        """Run a step's script, as a runner does: in bash, and an error ends it."""
        temporary = self.programs / "temp"
        temporary.mkdir(exist_ok=True)
        told = {name: self.programs / name for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
        for path in told.values():
            path.write_text("")
        step = self.programs / "step.sh"
        step.write_text(script)
        ended = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(step)],
            cwd=self.git.folder,
            env={**self.env, "RUNNER_TEMP": str(temporary), **{name: str(path) for name, path in told.items()}, **env},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=120,
            check=False,
        )
        outputs = dict(line.split("=", 1) for line in told["GITHUB_OUTPUT"].read_text().splitlines())
        return StepResult(
            ended.returncode, ended.stdout + ended.stderr, outputs, told["GITHUB_STEP_SUMMARY"].read_text()
        )


def runner(git: Git, programs: Path, platform: str, **env: str) -> Runner:
    """Return a runner for a repository, whose halo talks to a platform on loopback."""
    programs.mkdir()
    _program(programs / "halo", f'exec "{sys.executable}" -P -m halo_iac "$@"')
    for name in ("pip", "pipx"):
        _program(programs / name, 'test "$1" = install && echo "${!#}" >> "$INSTALLED"')
    (programs / "comments.json").write_text("[]")
    (programs / "gh.py").write_text(_GH.format(store=str(programs / "comments.json")))
    _program(programs / "gh", f'exec "{sys.executable}" "{programs / "gh.py"}" "$@"')
    _program(programs / "python", f'exec "{sys.executable}" "$@"')
    kept = {name: os.environ[name] for name in ("LANG", "HOME") if name in os.environ}
    own = {
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "INSTALLED": str(programs / "installed.txt"),
        "INF_API_URL": platform,
        "CI": "true",
    }
    return Runner(git, programs, {**kept, **own, **env})


def _program(path: Path, script: str) -> None:
    path.write_text(f"#!/usr/bin/env bash\n{script}\n")
    path.chmod(0o755)
