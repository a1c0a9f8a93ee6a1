"""The files of a base: whatever the loader reads here, ``plan --base`` reads there, from the commit's own tree."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from command_line import CommandLine
from project_files import write_files
from repositories import Git, repository
from test_cli_base import entry

LEFT_OUT = "the sparse checkout excludes b/s/y.yaml, so the schedules declared there are unknown"


def project(*include: str, **prompts: str) -> str:
    listed = ", ".join(f"'{glob}'" for glob in include)
    entries = "".join(
        entry(key).replace("prompt: What went wrong?", f"prompt_file: '{to}'") for key, to in prompts.items()
    )
    return f"version: 1\nprotect: [The *]\ninclude: [{listed}]\nschedules:{(entries and chr(10) + entries) or ' {}'}\n"


def include_text(**prompts: str) -> str:
    return "schedules:\n" + "".join(
        entry(key).replace("prompt: What went wrong?", f"prompt_file: '{to}'") for key, to in prompts.items()
    )


def attribution_by_key(halo: CommandLine, *words: str, base: str = "main") -> dict[str, str]:
    ended = halo("plan", "--sandbox", "--base", base, "--json", *words)
    assert (ended.code, ended.err) == (0, ""), ended.text
    assert ended.json["warnings"] == []
    return {change["key"]: change["share"] for change in ended.json["changes"]}


def link(git: Git, name: str, target: str) -> None:
    (git.folder / name).parent.mkdir(parents=True, exist_ok=True)
    (git.folder / name).symlink_to(target)


# Where files may lie ------------------------------------------------------------------------------------------------

LAYOUTS = {
    "a hidden folder": (".github/halo/halo.yaml", ".github/halo/s/a.yaml", "s/*.yaml"),
    "a colon": ("a:b/halo.yaml", "a:b/cc:d/a.yaml", "cc:d/*.yaml"),
    "a drive's": ("c:/halo.yaml", "c:/s/a.yaml", "s/*.yaml"),
    "a backslash": ("a\\b/halo.yaml", "a\\b/s/a.yaml", "s/*.yaml"),
    "spaces and quotes": ("a 'b\"/halo.yaml", "a 'b\"/s/a b.yaml", "s/*.yaml"),
    "letters": ("prüfung/halo.yaml", "prüfung/日本/a.yaml", "日本/*.yaml"),
    "side by side": ("envs/prod/halo.yaml", "schedules/a.yaml", "../../schedules/*.yaml"),
    "below": ("x/halo.yaml", "x/a/b/c/a.yaml", "**/a.yaml"),
}


@pytest.mark.parametrize(("path", "include", "glob"), LAYOUTS.values(), ids=LAYOUTS)
def test_a_base_is_read_wherever_its_files_lie(halo: CommandLine, git: Git, path: str, include: str, glob: str) -> None:
    write_files(git.folder, {path: project(glob, one="p.md"), include: include_text(two="q.md")})
    write_files(git.folder, {f"{Path(path).parent}/p.md": "Look.", f"{Path(include).parent}/q.md": "Look there."})
    git.commit()
    assert attribution_by_key(halo, "--file", path) == {"one": "before", "two": "before"}
    write_files(git.folder, {f"{Path(include).parent}/q.md": "Look elsewhere."})
    assert attribution_by_key(halo, "--file", path) == {"one": "before", "two": "both"}
    write_files(git.folder, {path: project(glob, one="p.md").replace("protect: [The *]\n", "")})
    assert halo("plan", "--sandbox", "--base", "main", "--file", path).code == 3


LINKS = {
    "a folder": ("s", "real/s"),
    "another suffix": ("s/a.yaml", "../real/a.yaml.in"),
    "no suffix": ("s/a.yaml", "../real/plain"),
    "dots": ("s/a.yaml", "../s/../real/../real/./plain"),
    "a link to a link": ("s/a.yaml", "../again"),
    "a link above": ("s", "up/real/s"),
}


@pytest.mark.parametrize(("name", "target"), LINKS.values(), ids=LINKS)
def test_links_of_a_base_are_followed(halo: CommandLine, git: Git, name: str, target: str) -> None:
    files = dict.fromkeys(("real/s/a.yaml", "real/a.yaml.in", "real/plain"), include_text(two="p.md"))
    write_files(git.folder, {"halo.yaml": project("s/*.yaml"), **files, "real/s/p.md": "P", "s.d/p.md": "P"})
    link(git, "again", "real/plain")
    link(git, "up", "real/..")
    link(git, name, target)
    if name != "s":
        write_files(git.folder, {"s/p.md": "P"})
    git.commit()
    expected = attribution_by_key(halo)
    assert expected == {"two": "before"}
    write_files(git.folder, dict.fromkeys(files, include_text(two="p.md").replace("09:00", "10:00")))
    assert attribution_by_key(halo) == {"two": "both"}


def test_a_project_file_behind_a_link_is_read_where_the_link_led_at_the_base(halo: CommandLine, git: Git) -> None:
    write_files(git.folder, {"old/halo.yaml": project(one="p.md"), "old/p.md": "P", "new/p.md": "P"})
    link(git, "live", "old")
    git.commit()
    (git.folder / "live").unlink()
    link(git, "live", "new")
    write_files(git.folder, {"new/halo.yaml": project(one="p.md").replace("protect: [The *]\n", "")})
    ended = halo("plan", "--sandbox", "--base", "main", "--json", "--file", "live/halo.yaml")
    assert [each["message"] for each in ended.json["refusals"]] == ["`protect` drops 'The *', which main has"]


@pytest.mark.parametrize("target", ["../../outside.md", "/etc/passwd", "../.git/config", "gone.md", "circle.md"])
def test_broken_links_of_a_base_are_problems(halo: CommandLine, git: Git, target: str) -> None:
    (git.folder.parent / "outside.md").write_text("Look.")
    write_files(git.folder, {"halo.yaml": project(one="s/p.md")})
    link(git, "s/p.md", target)
    link(git, "s/circle.md", "circle.md")
    git.commit()
    write_files(git.folder, {"halo.yaml": project(one="q.md"), "q.md": "Q"})
    ended = halo("plan", "--sandbox", "--base", "main", "--json")
    assert (ended.code, ended.json["refusals"]) == (0, [])
    assert "main's project file has problems: halo.yaml:10:18: `s/p.md`: " in ended.json["warnings"][0]["message"]


@pytest.mark.parametrize("target", ["../outside.yaml", "/etc/passwd", "s/../../outside.yaml"])
def test_a_project_file_that_links_out_at_the_base_is_not_read(halo: CommandLine, git: Git, target: str) -> None:
    (git.folder.parent / "outside.yaml").write_text(project(one="p.md"))
    write_files(git.folder, {"p.md": "P", "s/x": ""})
    link(git, "halo.yaml", target)
    git.commit()
    (git.folder / "halo.yaml").unlink()
    write_files(git.folder, {"halo.yaml": project(one="p.md")})
    ended = halo("plan", "--sandbox", "--base", "main", "--json")
    assert ended.code == 3
    assert "halo.yaml:1:1: a link leads outside the checkout" in ended.json["refusals"][0]["message"]


def test_an_absolute_link_may_stay_in_the_checkout(halo: CommandLine, git: Git) -> None:
    write_files(git.folder, {"halo.yaml": project(one="p.md"), "q.md": "Q"})
    link(git, "p.md", str(git.folder / "q.md"))
    git.commit()
    assert attribution_by_key(halo) == {"one": "before"}


# Submodules ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def module(git: Git, tmp_path: Path) -> Git:
    """Return a submodule ``sub`` of the repository, whose schedules the project includes."""
    (tmp_path / "module").mkdir()
    source = repository(tmp_path / "module")
    write_files(source.folder, {"a.yaml": include_text(two="p.md"), "p.md": "P"})
    source.commit()
    git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", source.folder.as_uri(), "sub")
    write_files(git.folder, {"halo.yaml": project("sub/*.yaml", one="q.md"), "q.md": "Q"})
    git.commit()
    return Git(git.folder / "sub")


def test_files_of_a_submodule_are_read_from_its_commit_at_the_base(halo: CommandLine, git: Git, module: Git) -> None:
    assert attribution_by_key(halo) == {"one": "before", "two": "before"}
    write_files(module.folder, {"p.md": "Another"})
    assert attribution_by_key(halo) == {"one": "before", "two": "both"}
    module.commit()
    git("add", "sub")
    git("commit", "--quiet", "--message", "newer")
    assert attribution_by_key(halo, base="main^") == {"one": "before", "two": "both"}
    assert attribution_by_key(halo) == {"one": "before", "two": "before"}


def test_a_missing_submodule_is_named(halo: CommandLine, git: Git, module: Git) -> None:
    git("switch", "--quiet", "--create", "feature")
    git("rm", "--quiet", "-f", "sub")
    write_files(git.folder, {"halo.yaml": project(one="q.md")})
    assert not module.folder.exists()
    ended = halo("plan", "--sandbox", "--base", "main", "--json")
    assert (ended.code, ended.json["refusals"]) == (0, [])
    (warning,) = ended.json["warnings"]
    assert "the submodule sub is not checked out" in warning["message"]


def test_a_submodule_that_is_left_empty_is_empty_at_the_base_as_well(halo: CommandLine, git: Git, module: Git) -> None:
    git("submodule", "--quiet", "deinit", "-f", "sub")
    write_files(
        git.folder,
        {"halo.yaml": project("**/a.yaml", one="q.md"), "s/a.yaml": include_text(three="../q.md")},
    )
    git.commit()
    assert list(module.folder.iterdir()) == []
    assert attribution_by_key(halo) == {"one": "before", "three": "before"}


# Clones without all objects -----------------------------------------------------------------------------------------


def test_a_blobless_clone_fetches_the_files_that_the_project_names(halo: CommandLine, git: Git, tmp_path: Path) -> None:
    write_files(
        git.folder,
        {
            "halo.yaml": project("s/*.yaml", one="p.md"),
            "s/a.yaml": include_text(two="../p.md"),
            "p.md": "P",
        },
    )
    write_files(git.folder, {f"other/{number}.yaml": f"a: {number}" for number in range(20)})
    git.commit()
    git("switch", "--quiet", "--create", "feature")
    write_files(git.folder, {"p.md": "Another", "halo.yaml": project("s/*.yaml", one="p.md") + "\n"})
    write_files(git.folder, {f"other/{number}.yaml": f"a: -{number}" for number in range(20)})
    git.commit()
    git("config", "uploadpack.allowFilter", "true")
    clone = git.clone(tmp_path / "clone", "--filter=blob:none")
    before = missing_blobs(clone)
    os.chdir(clone.folder)
    assert attribution_by_key(halo, base="origin/main") == {"one": "both", "two": "both"}
    assert before - missing_blobs(clone) == 2
    shutil.rmtree(git.folder)
    assert attribution_by_key(halo, base="origin/main") == {"one": "both", "two": "both"}


def missing_blobs(clone: Git) -> int:
    """Return how many objects of the clone's history it lacks."""
    return clone("rev-list", "--objects", "--all", "--missing=print").count("\n?")


def test_a_blob_that_cannot_be_fetched_is_reported(halo: CommandLine, git: Git, tmp_path: Path) -> None:
    write_files(git.folder, {"halo.yaml": project(one="p.md"), "p.md": "P"})
    git.commit()
    write_files(git.folder, {"p.md": "Another"})
    git.commit()
    git("config", "uploadpack.allowFilter", "true")
    clone = git.clone(tmp_path / "clone", "--filter=blob:none")
    shutil.rmtree(git.folder)
    os.chdir(clone.folder)
    ended = halo("plan", "--sandbox", "--base", "HEAD^")
    assert (ended.code, ended.out) == (1, "")
    assert "of the base is not in this clone" in ended.err
    assert "hint: " in ended.err


def test_only_what_is_named_is_read(halo: CommandLine, git: Git) -> None:
    write_files(
        git.folder,
        {
            "halo.yaml": project("s/*.yaml", one="p.md"),
            "s/a.yaml": include_text(two="../p.md"),
            "p.md": "P",
        },
    )
    write_files(git.folder, {"big.yaml": "x" * 6_000_000, "s/big.md": "y" * 6_000_000})
    git.commit()
    for name in ("big.yaml", "s/big.md"):  # as where they were never fetched
        id_ = git("rev-parse", f"HEAD:{name}")
        (git.folder / ".git" / "objects" / id_[:2] / id_[2:]).unlink()
    assert attribution_by_key(halo) == {"one": "before", "two": "before"}


def test_a_base_s_file_that_is_too_large_is_one_of_its_problems(halo: CommandLine, git: Git) -> None:
    write_files(git.folder, {"halo.yaml": project(one="p.md", two="q.md"), "p.md": "x" * 300_000, "q.md": "Q"})
    git.commit()
    write_files(git.folder, {"p.md": "P"})
    ended = halo("plan", "--sandbox", "--base", "main", "--json")
    assert ended.code == 0
    assert "`p.md`: larger than 256 KiB" in ended.json["warnings"][0]["message"]


def test_a_treeless_clone_fetches_the_folders_that_are_read(halo: CommandLine, git: Git, tmp_path: Path) -> None:
    write_files(git.folder, {"halo.yaml": project("s/*.yaml"), "s/a.yaml": include_text(two="p.md"), "s/p.md": "P"})
    git.commit()
    git("switch", "--quiet", "--create", "feature")
    git("rm", "--quiet", "-r", "s", "halo.yaml")
    write_files(git.folder, {"new.yaml": project(one="p.md"), "p.md": "P"})
    git.commit()
    git("config", "uploadpack.allowFilter", "true")
    clone = git.clone(tmp_path / "clone", "--filter=tree:0")
    os.chdir(clone.folder)
    ended = halo("plan", "--sandbox", "--base", "origin/main", "--file", "new.yaml", "--json")
    assert ended.code == 3
    assert "its halo.yaml was deleted; it may have been moved" in ended.json["refusals"][0]["message"]


def test_git_is_started_as_often_for_many_files_as_for_few(halo: CommandLine, git: Git, tmp_path: Path) -> None:
    log, seen = tmp_path / "log", tmp_path / "bin" / "git"
    seen.parent.mkdir()
    seen.write_text(f'#!/bin/sh\necho "$@" >> {log}\nexec {shutil.which("git")} "$@"\n')
    seen.chmod(0o755)
    path = f"{seen.parent}:/usr/bin:/bin"
    counts = []
    for number in (3, 60):
        for each in range(number):
            write_files(
                git.folder, {f"s/{each}.yaml": include_text(**{f"k{each}": f"{each}.md"}), f"s/{each}.md": f"P{each}"}
            )
        write_files(git.folder, {"halo.yaml": project("s/*.yaml")})
        git.commit()
        log.write_text("")
        assert halo("plan", "--sandbox", PATH=path).code == 0
        assert log.read_text() == ""
        assert halo("plan", "--sandbox", "--base", "main", PATH=path).code == 0
        counts.append(log.read_text().count("\n"))
    assert counts[0] == counts[1]


def test_a_pipe_in_place_of_a_file_of_the_base_is_not_waited_for(halo: CommandLine, git: Git) -> None:
    write_files(git.folder, {"halo.yaml": project(one="p.md"), "p.md": "P", "q.md": "P"})
    git.commit()
    (git.folder / "p.md").unlink()
    os.mkfifo(git.folder / "p.md")
    write_files(git.folder, {"halo.yaml": project(one="q.md")})
    assert attribution_by_key(halo) == {"one": "before"}


# What git converts --------------------------------------------------------------------------------------------------

FILTERS = {
    "a filter": ("* filter=shout\n", {"filter.shout.smudge": "tr a-z A-Z", "filter.shout.clean": "tr A-Z a-z"}),
    "ident": ("*.md ident\n", {}),
    "line ends": ("*.md text eol=crlf\n", {}),
}


@pytest.mark.parametrize(("attributes", "settings"), FILTERS.values(), ids=FILTERS)
def test_content_changed_by_a_git_filter_is_not_an_edit(
    halo: CommandLine, git: Git, attributes: str, settings: dict[str, str]
) -> None:
    for name, value in settings.items():
        git("config", name, value)
    prompts = {name: f"look at $Id$ {name}\nand on\n" for name in ("p.md", "q.md")}
    write_files(git.folder, {"halo.yaml": project(one="p.md", two="q.md"), **prompts})
    write_files(
        git.folder, {".gitattributes": attributes.replace("*", "*.md", 1) if "filter" in attributes else attributes}
    )
    git.commit()
    for name in prompts:
        (git.folder / name).unlink()
    git("checkout", "--quiet", "--", ".")
    assert attribution_by_key(halo) == {"one": "before", "two": "before"}
    write_files(git.folder, {"q.md": "look elsewhere\n"})
    assert attribution_by_key(halo) == {"one": "before", "two": "both"}
    git.commit()
    assert attribution_by_key(halo, base="main^") == {"one": "before", "two": "both"}


def test_attributes_of_a_branch_do_not_convert_files_of_the_base(halo: CommandLine, git: Git) -> None:
    git("config", "filter.loose.smudge", "sed s/The/Other/")
    git("config", "filter.loose.clean", "sed s/Other/The/")
    write_files(git.folder, {"halo.yaml": project(one="p.md"), "p.md": "P"})
    git.commit()
    git("switch", "--quiet", "--create", "feature")
    write_files(git.folder, {".gitattributes": "halo.yaml filter=loose\n"})
    git.commit()
    (git.folder / "halo.yaml").unlink()
    git("checkout", "--quiet", "--", ".")
    assert "protect: [Other *]" in (git.folder / "halo.yaml").read_text()
    ended = halo("plan", "--sandbox", "--base", "main", "--json")
    assert [each["message"] for each in ended.json["refusals"]] == ["`protect` drops 'The *', which main has"]


# Sparse checkouts ---------------------------------------------------------------------------------------------------


@pytest.fixture
def sparse(git: Git) -> Git:
    """Return a repository of two teams, of which only one is checked out."""
    write_files(
        git.folder,
        {"a/halo.yaml": project("../*/s/*.yaml", one="p.md"), "a/p.md": "P", "a/s/x.yaml": include_text()},
    )
    write_files(
        git.folder, {"a/s/x.yaml": include_text(two="../p.md"), "b/s/y.yaml": include_text(three="../../a/p.md")}
    )
    write_files(git.folder, {"b/halo.yaml": project(four="../a/p.md")})
    git.commit()
    return git


@pytest.mark.parametrize("mode", ["--cone", "--no-cone", "--sparse-index"])
def test_schedules_outside_a_sparse_checkout_are_not_undeclared(halo: CommandLine, sparse: Git, mode: str) -> None:
    path = sparse.folder / "a" / "halo.yaml"
    path.write_text(path.read_text().replace("protect: [The *]", "undeclared: archive"))
    sparse.commit()
    assert halo("apply", "--sandbox", "--yes", "--file", "a/halo.yaml").code == 0
    sparse("sparse-checkout", "set", *(["--cone", mode] if mode == "--sparse-index" else [mode]), "a")
    assert not (sparse.folder / "b").exists()
    for words, env in (((), {}), (("--base", "main"), {}), ((), {"GIT_LITERAL_PATHSPECS": "1"})):
        ended = halo("plan", "--sandbox", "--file", "a/halo.yaml", "--json", *words, **env)
        assert (ended.code, ended.json["changes"]) == (0, [])
        assert [each["message"] for each in ended.json["warnings"]] == [
            f"{LEFT_OUT}; undeclared schedules are not archived"
        ]
    ended = halo("import", "--sandbox", "--file", "a/halo.yaml")
    assert (ended.code, ended.err.splitlines()[0]) == (
        1,
        "error: nothing was written: the sparse checkout leaves out the included file b/s/y.yaml",
    )
    sparse("sparse-checkout", "disable")
    ended = halo("plan", "--sandbox", "--file", "a/halo.yaml", "--json")
    assert (ended.json["changes"], ended.json["warnings"]) == ([], [])


def test_a_project_file_outside_of_the_cone_is_not_gone(halo: CommandLine, sparse: Git) -> None:
    sparse("sparse-checkout", "set", "a")
    write_files(sparse.folder, {"a/halo.dev.yaml": project(one="p.md")})
    ended = halo("plan", "--sandbox", "--file", "a/halo.dev.yaml", "--base", "main", "--json")
    assert (ended.code, ended.json["refusals"]) == (0, [])
    (sparse.folder / "a" / "halo.yaml").unlink()  # that one is
    ended = halo("plan", "--sandbox", "--file", "a/halo.dev.yaml", "--base", "main", "--json")
    assert ended.code == 3
    assert "its a/halo.yaml was deleted; it may have been moved" in ended.json["refusals"][0]["message"]


def test_a_prompt_outside_the_sparse_checkout_is_reported(halo: CommandLine, sparse: Git) -> None:
    sparse("sparse-checkout", "set", "--no-cone", "b", "a/s")
    ended = halo("validate", "--file", "b/halo.yaml")
    assert ended.code == 1
    assert "`../a/p.md`: it is outside the sparse checkout (run `git sparse-checkout add` to check it out)" in ended.out


def test_a_glob_that_matches_only_what_is_left_out_is_no_problem(halo: CommandLine, sparse: Git) -> None:
    write_files(sparse.folder, {"a/halo.yaml": project("../b/s/*.yaml", "../b/s/y.yaml", one="p.md")})
    sparse.commit()
    sparse("sparse-checkout", "set", "a")
    assert halo("validate", "--file", "a/halo.yaml").code == 0


def test_git_is_run_only_where_a_checkout_may_be_sparse(halo: CommandLine, sparse: Git) -> None:
    assert halo("validate", "--file", "a/halo.yaml", PATH="/nowhere").code == 0
    sparse("sparse-checkout", "set", "a")
    subprocess.run(["git", "-C", sparse.folder, "status"], check=True, capture_output=True)
    assert halo("validate", "--file", "a/halo.yaml", PATH="/nowhere").code == 1


def test_a_skip_worktree_file_does_not_count_as_deleted(halo: CommandLine, sparse: Git) -> None:
    sparse("update-index", "--skip-worktree", "b/s/y.yaml", "b/halo.yaml")
    (sparse.folder / "b" / "halo.yaml").write_text("changed here")
    (sparse.folder / "b" / "s" / "y.yaml").unlink()
    (message,) = halo("plan", "--sandbox", "--file", "a/halo.yaml", "--json").json["warnings"]
    assert message["message"] == LEFT_OUT


def test_an_index_of_a_later_version_needs_no_git(halo: CommandLine, sparse: Git) -> None:
    sparse("update-index", "--index-version", "4")
    for path in ("/nowhere", os.environ["PATH"]):
        ended = halo("plan", "--sandbox", "--file", "a/halo.yaml", "--json", PATH=path)
        assert (ended.code, ended.json["warnings"]) == (0, [])


def test_a_worktree_can_be_sparse_on_its_own(halo: CommandLine, sparse: Git) -> None:
    sparse("worktree", "add", "--quiet", "--no-checkout", "../tree", "-b", "other")
    tree = Git(sparse.folder.parent / "tree")
    tree("sparse-checkout", "set", "a")
    tree("checkout", "--quiet", "other")
    os.chdir(tree.folder)
    (message,) = halo("plan", "--sandbox", "--file", "a/halo.yaml", "--json").json["warnings"]
    assert "b/s/y.yaml" in message["message"]
    os.chdir(sparse.folder)
    assert halo("plan", "--sandbox", "--file", "a/halo.yaml", "--json").json["warnings"] == []
