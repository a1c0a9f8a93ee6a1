"""Where the project file is looked for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from halo_iac.errors import ProjectNotFound
from halo_iac.load import find_project


def tree(root: Path, *files: str) -> Path:
    for name in files:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    (root / "repo/a/b").mkdir(parents=True, exist_ok=True)
    return root / "repo/a/b"


def test_the_nearest_file_above_is_the_project_file(tmp_path: Path) -> None:
    start = tree(tmp_path, "halo.yaml", "repo/halo.yaml", "repo/.git")
    assert find_project(start, None) == tmp_path / "repo/halo.yaml"


def test_a_named_file_is_the_project_file(tmp_path: Path) -> None:
    start = tree(tmp_path, "repo/halo.yaml", "repo/halo.staging.yaml")
    assert find_project(start, "../../halo.staging.yaml") == start / "../../halo.staging.yaml"


def test_the_search_ends_at_the_root_of_the_repository(tmp_path: Path) -> None:
    start = tree(tmp_path, "halo.yaml", "repo/.git")
    with pytest.raises(ProjectNotFound) as raised:
        find_project(start, None)
    assert (raised.value.message, raised.value.hint) == (
        "halo.yaml: no such file in this folder or any folder above it",
        "run `halo init` or `halo import`",
    )


def test_the_search_ends_at_home(tmp_path: Path) -> None:
    start = tree(tmp_path, "halo.yaml", "repo/a/x")
    with pytest.raises(ProjectNotFound):
        find_project(start, None, home=tmp_path / "repo")


def test_a_project_file_in_the_home_folder_is_found(tmp_path: Path) -> None:
    start = tree(tmp_path, "repo/halo.yaml")
    assert find_project(start, None, home=tmp_path / "repo") == tmp_path / "repo/halo.yaml"


@pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="only root may give a folder away")
def test_the_search_ends_where_the_owner_changes(tmp_path: Path) -> None:
    start = tree(tmp_path, "repo/halo.yaml", "repo/a/x")
    os.chown(tmp_path / "repo", 12345, -1)
    with pytest.raises(ProjectNotFound):
        find_project(start, None)


def test_a_named_file_that_is_missing_says_how_to_start(tmp_path: Path) -> None:
    with pytest.raises(ProjectNotFound) as raised:
        find_project(tmp_path, "other.yaml")
    assert (raised.value.message, raised.value.hint) == (
        "other.yaml: no such file",
        "run `halo init` or `halo import`",
    )
