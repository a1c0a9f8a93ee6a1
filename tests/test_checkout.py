"""Which folder is the checkout of a project file."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from halo_iac.checkout import find_checkout


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """Return a folder that holds ``.git``, with a project file two folders further down."""
    for folder in ("repo/.git", "repo/envs/prod", "elsewhere"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "repo/envs/prod/halo.yaml").touch()
    return tmp_path / "repo"


def test_the_nearest_folder_with_a_repository_is_the_checkout(repo: Path) -> None:
    assert find_checkout(repo / "envs/prod/halo.yaml") == repo
    assert find_checkout(repo / "envs/missing/below/halo.yaml") == repo
    (repo / "envs/.git").write_text("gitdir: ../.git/modules/envs\n")
    assert find_checkout(repo / "envs/prod/halo.yaml") == repo / "envs"
    assert find_checkout(repo / "halo.yaml") == repo


def test_folders_are_followed_and_the_file_itself_is_not(repo: Path) -> None:
    (repo.parent / "elsewhere/link").symlink_to(repo / "envs")
    assert find_checkout(repo.parent / "elsewhere/link/prod/halo.yaml") == repo
    (repo / "halo.yaml").symlink_to(repo.parent / "elsewhere/halo.yaml")
    (repo.parent / "elsewhere/.git").mkdir()
    assert find_checkout(repo / "halo.yaml") == repo


def test_an_embedded_bare_repository_is_none(repo: Path) -> None:
    for name in ("objects", "refs", "hooks"):
        (repo / "envs" / name).mkdir()
    (repo / "envs/HEAD").write_text("ref: refs/heads/main\n")
    assert find_checkout(repo / "envs/prod/halo.yaml") == repo


def test_there_may_be_none(tmp_path: Path) -> None:
    assert find_checkout(tmp_path / "halo.yaml") is None


@pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="only root may give a folder away")
def test_a_repository_of_another_owner_is_none(repo: Path) -> None:
    (repo / "envs/.git").mkdir()
    os.chown(repo / "envs", 12345, -1)
    assert find_checkout(repo / "envs/prod/halo.yaml") == repo
    os.chown(repo, 12345, -1)
    assert find_checkout(repo / "envs/prod/halo.yaml") is None
