"""``examples/reports/pull.sh``, run as a pipeline runs it: real git, a served-from-file sandbox, no network."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[1] / "examples" / "reports"

pytestmark = pytest.mark.skipif(shutil.which("git") is None or os.name == "nt", reason="needs git and a shell")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Return a clone with the example committed and pushed, and `halo` on a PATH of its own."""
    (tmp_path / "bin").mkdir()
    script = tmp_path / "bin" / "halo"
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m halo_iac "$@"\n')
    script.chmod(0o755)
    clone = tmp_path / "clone"
    run(tmp_path, "git", "init", "--quiet", "--bare", "origin.git")
    run(tmp_path, "git", "clone", "--quiet", "origin.git", "clone")
    shutil.copytree(EXAMPLE, clone, dirs_exist_ok=True)
    run(clone, "git", "add", ".")
    run(clone, "git", "commit", "--quiet", "--message", "The project")
    run(clone, "git", "push", "--quiet", "origin", "HEAD")
    return clone


def run(folder: Path, *command: str) -> str:
    root = folder if (folder / "bin").exists() else folder.parent
    env = {name: value for name, value in os.environ.items() if not name.startswith(("INF_", "HALO_", "GIT_"))}
    env |= {
        "PATH": f"{root / 'bin'}{os.pathsep}{env['PATH']}",
        "PYTHONPATH": str(EXAMPLE.parents[1]),
        "HALO_SANDBOX": ".halo/sandbox.db",
        "GIT_CONFIG_GLOBAL": os.devnull,
        **{f"GIT_{who}_{what}": "ci@example.com" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
    }
    return subprocess.run(command, cwd=folder, env=env, check=True, capture_output=True, text=True).stdout


def reports(clone: Path) -> list[str]:
    listed = run(clone.parent / "origin.git", "git", "ls-tree", "-r", "--name-only", "reports").split()
    return [name.rsplit("--", 1)[0] for name in listed if not name.endswith("index.md")]


def test_reports_reach_a_branch_that_holds_nothing_else_and_only_new_ones_are_committed(checkout: Path) -> None:
    run(checkout, "halo", "apply", "--yes")
    two_nights = (datetime.now(UTC) + timedelta(days=2)).isoformat()
    run(checkout, "halo", "sandbox", "tick", "--until", two_nights)
    run(checkout, "sh", "pull.sh")
    first = reports(checkout)
    run(checkout, "sh", "pull.sh")
    assert [name.split("--")[1] for name in first if "weekly" not in name] == ["nightly", "nightly"]
    assert reports(checkout) == first
    assert run(checkout.parent / "origin.git", "git", "rev-list", "--count", "reports") == "1\n"
    assert run(checkout, "git", "status", "--porcelain") == ""
