"""Which commit ``halo --version`` names: of a checkout, a worktree, an installation from git, or none."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from repositories import repository

from halo_iac import __version__
from halo_iac.version import commit, full_version
from halo_iac.version import repository as own_repository

HASH = "0123456789abcdef0123456789abcdef01234567"


def test_a_checkout_names_its_head_whatever_git_has_packed(tmp_path: Path) -> None:
    git = repository(tmp_path)
    (git.folder / "file").write_text("1")
    head = git.commit()
    package = str(git.folder / "halo_iac")
    assert commit(package) == head
    git("pack-refs", "--all")
    assert commit(package) == head
    git("checkout", "-q", "--detach")
    assert commit(package) == head
    git("worktree", "add", "-q", "-b", "other", str(tmp_path / "beside"))
    assert commit(str(tmp_path / "beside" / "halo_iac")) == head


def test_an_installation_from_git_names_what_the_installer_recorded(tmp_path: Path) -> None:
    record = tmp_path / f"halo_iac-{__version__}.dist-info" / "direct_url.json"
    record.parent.mkdir()
    record.write_text(json.dumps({"url": "https://x.example/halo", "vcs_info": {"vcs": "git", "commit_id": HASH}}))
    assert commit(str(tmp_path / "halo_iac")) == HASH
    record.write_text(json.dumps({"url": "file:///x", "dir_info": {}}))
    assert commit(str(tmp_path / "halo_iac")) is None


@pytest.mark.parametrize(
    "head", [None, "", "ref: refs/heads/unborn", "ref: ../../secret", "not a hash", "Z" * 40, b"\xff"]
)
def test_a_head_that_names_no_commit_is_ignored(tmp_path: Path, head: str | bytes | None) -> None:
    (tmp_path / "secret").write_text("not to be printed\n")
    if head is not None:
        (tmp_path / ".git").mkdir()
        (tmp_path / ".git" / "HEAD").write_bytes(head if isinstance(head, bytes) else head.encode())
    assert commit(str(tmp_path / "halo_iac")) is None


def test_the_version_names_the_commit_of_the_checkout() -> None:
    root = Path(__file__).parent.parent
    if (root / ".git").exists():
        head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=root, capture_output=True, text=True, check=True).stdout
        assert full_version() == f"{__version__} (commit {head[:12]})"
    else:  # unpacked from an sdist
        assert full_version() == __version__


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("https://github.com/acme/halo.git", "acme/halo"),
        ("https://user:token@github.com/acme/halo.py/", "acme/halo.py"),
        ("git@github.com:acme/halo_iac.git", "acme/halo_iac"),
        ("ssh://git@github.com/acme/halo", "acme/halo"),
        ("https://gitlab.com/acme/halo.git", None),
        ("https://github.com/acme/halo/more", None),
        ("https://github.com/acme/$(halo)", None),
        ("", None),
    ],
)
def test_the_repository_is_that_of_the_remote_or_the_installer(tmp_path: Path, url: str, found: str | None) -> None:
    git = repository(tmp_path)
    git("remote", "add", "upstream", "https://github.com/other/one")
    if url:
        git("remote", "add", "origin", url)
    assert own_repository(str(git.folder / "halo_iac")) == found
    record = tmp_path / f"halo_iac-{__version__}.dist-info" / "direct_url.json"
    record.parent.mkdir()
    record.write_text(json.dumps({"url": url, "vcs_info": {"vcs": "git", "commit_id": HASH}}))
    assert own_repository(str(tmp_path / "halo_iac")) == found
