"""Which folder is the checkout of a project file, and what a branch may hold."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from halo_iac import checkout
from halo_iac.checkout import find_checkout, may_be_committed


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


def test_an_embedded_bare_repository_is_not_a_checkout(repo: Path) -> None:
    for name in ("objects", "refs", "hooks"):
        (repo / "envs" / name).mkdir()
    (repo / "envs/HEAD").write_text("ref: refs/heads/main\n")
    assert find_checkout(repo / "envs/prod/halo.yaml") == repo


def test_a_file_outside_a_repository_has_no_checkout(tmp_path: Path) -> None:
    assert find_checkout(tmp_path / "halo.yaml") is None


@pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="only root may give a folder away")
def test_a_repository_of_another_owner_is_not_a_checkout(repo: Path) -> None:
    (repo / "envs/.git").mkdir()
    os.chown(repo / "envs", 12345, -1)
    assert find_checkout(repo / "envs/prod/halo.yaml") == repo
    os.chown(repo, 12345, -1)
    assert find_checkout(repo / "envs/prod/halo.yaml") is None
    assert find_checkout(repo / "envs/prod/halo.yaml", of_any_owner=True) == repo / "envs"


# What a branch may hold ---------------------------------------------------------------------------------------------


@pytest.fixture
def account(repo: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the account's own home by the user database: a folder beside the checkout."""
    home = repo.parent / "home"
    home.mkdir()
    monkeypatch.setattr(checkout, "_account_home", lambda: home)
    return home


def test_a_path_may_be_committed_only_if_it_resolves_into_the_checkout(
    repo: Path, account: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (account / "in").symlink_to(repo)
    (repo / "out").symlink_to(account)
    monkeypatch.chdir(repo / "envs")
    committed = ("file", "prod/file", "../file", repo / "file", account / "in/file", repo / "out/file")
    assert [path for path in committed if not may_be_committed(Path(path), repo)] == []
    outside = ("../../file", account / "file", repo / "../file", repo / "envs/../../home/file")
    assert [path for path in outside if may_be_committed(Path(path), repo)] == []


def test_a_path_in_the_home_folder_may_be_committed_only_if_home_is_a_repository(repo: Path, account: Path) -> None:
    for top in (account, account.parent):
        assert not may_be_committed(account / ".inf/config.json", top)
        assert may_be_committed(repo / ".inf/config.json", repo)
    (account / ".git").mkdir()
    assert may_be_committed(account / ".inf/config.json", account)


def test_the_home_folder_is_that_of_the_account_not_of_home(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(repo))
    (repo / ".git").rmdir()
    assert may_be_committed(repo / ".inf/config.json", repo)


def test_an_account_without_an_entry_has_no_home_of_its_own(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 4_000_000_000)
    assert may_be_committed(repo / ".inf/config.json", repo)
