"""How halo runs git: nothing in a branch changes it, and every layout of a checkout works."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from command_line import CommandLine
from project_files import write_files, write_project
from repositories import Git, repository
from test_cli_base import entry

LOOSE = {"undeclared": "archive"}
REFUSED = ["`protect` drops 'The *', which HEAD^1 has", "`undeclared` is archive; at HEAD^1 it is report"]


@pytest.fixture
def ran(tmp_path: Path) -> Path:
    """Return the file that appears if anything of a branch is run."""
    return tmp_path / "ran"


@pytest.fixture
def upstream(tmp_path: Path) -> Git:
    """Return what the checkout is cloned from: a policy, and then a commit that loosens it."""
    upstream = repository(tmp_path / "upstream")
    write_project(upstream.folder, entry("one"), name="p/halo.yaml", protect="[The *]")
    write_project(upstream.folder, entry("one"), protect="[The *]")
    upstream.commit()
    return upstream


def loosen(git: Git) -> None:
    """Commit a project that protects nothing any more and archives what it does not declare."""
    for name in ("p/halo.yaml", "halo.yaml"):
        write_project(git.folder, entry("one"), name=name, **LOOSE)
    git.commit("loosen")


def embed(git: Git, place: str, ran: Path) -> None:
    """Commit a repository of the branch's own into a folder: its remote is a program, its history loose throughout."""
    other = repository(git.folder.parent / "other")
    for _ in range(2):
        loosen(other)
    folder = git.folder / place
    folder.mkdir(exist_ok=True)
    for name in ("HEAD", "objects", "refs"):
        source = other.folder / ".git" / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, folder / name)
    for each in ("objects/pack", "refs/tags"):  # git commits no empty folders
        (folder / each / "keep").touch()
    (folder / "objects/info/alternates").write_text(f"{other.folder}/.git/objects\n")
    (folder / "hooks").mkdir()
    for name in ("hooks/reference-transaction", "hooks/post-index-change", "hooks/fsmonitor-watchman"):
        write_program(folder / name, f"touch {ran}")
    evil = f"ext::touch {ran}"
    (folder / "config").write_text(
        "[core]\n\trepositoryformatversion = 1\n\tbare = false\n\tworktree = ..\n"
        f"\tfsmonitor = touch {ran}\n\tsshCommand = touch {ran}\n\tgitProxy = touch {ran}\n\taskPass = touch {ran}\n"
        f'[protocol]\n\tallow = always\n[protocol "ext"]\n\tallow = always\n[credential]\n\thelper = !touch {ran}\n'
        f'[remote "origin"]\n\turl = {evil}\n\tuploadpack = touch {ran}\n\tpromisor = true\n'
        f'[extensions]\n\tpartialClone = origin\n[url "{evil}"]\n\tinsteadOf = https:\n'
    )
    git.commit("embed")


def write_program(path: Path, line: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{line}\n")
    path.chmod(0o755)


def old_git(folder: Path) -> str:
    """Return a PATH whose git knows no ``safe.bareRepository``, as before 2.38."""
    forget = 'for word do shift; case $word in safe.bareRepository=*) word=no.such=1;; esac; set -- "$@" "$word"; done'
    write_program(folder / "git", f'{forget}\nexec {shutil.which("git")} "$@"')
    return f"{folder}{os.pathsep}{os.environ['PATH']}"


def refusals(halo: CommandLine, *words: str, **env: str) -> list[str]:
    ended = halo("plan", "--sandbox", "--base", "HEAD^1", "--json", *words, **env)
    assert ended.code == 3, ended.text
    return [each["message"] for each in ended.json["refusals"]]


# A repository in a repository ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_old", [False, True], ids=["git", "old git"])
@pytest.mark.parametrize(
    ("place", "file"), [("p", "p/halo.yaml"), (".", "halo.yaml"), (".", "p/halo.yaml"), ("p", "link.yaml")]
)
def test_an_embedded_repository_is_not_a_checkout(
    halo: CommandLine, upstream: Git, tmp_path: Path, ran: Path, place: str, file: str, is_old: bool
) -> None:
    env = {"PATH": old_git(tmp_path / "bin")} if is_old else {}
    embed(upstream, place, ran)
    (upstream.folder / "link.yaml").symlink_to("p/halo.yaml")
    write_project(upstream.folder, entry("one"), name="p/halo.yaml", protect="[The *]")
    upstream.commit()
    clone = upstream.clone(tmp_path / "clone")
    os.chdir(clone.folder)
    assert halo("apply", "--sandbox", "--yes", "--require-head", "main", "--file", file, **env).code == 0
    loosen(clone)
    assert refusals(halo, "--file", file, **env) == REFUSED
    assert halo("apply", "--sandbox", "--yes", "--require-head", "main", "--file", file, **env).code == 3
    assert not ran.exists()


@pytest.mark.parametrize("is_old", [False, True], ids=["git", "old git"])
@pytest.mark.parametrize("damage", ["empty", "pointing nowhere"])
def test_an_embedded_repository_does_not_replace_a_damaged_git_folder(
    halo: CommandLine, upstream: Git, tmp_path: Path, ran: Path, damage: str, is_old: bool
) -> None:
    env = {"PATH": old_git(tmp_path / "bin")} if is_old else {}
    embed(upstream, ".", ran)
    clone = upstream.clone(tmp_path / "clone")
    shutil.rmtree(clone.folder / ".git")
    if damage == "empty":
        (clone.folder / ".git").mkdir()
    else:
        (clone.folder / ".git").write_text("gitdir: /nowhere\n")
    os.chdir(clone.folder)
    for words in (("plan", "--base", "HEAD^1"), ("apply", "--yes", "--require-head", "main")):
        ended = halo(*words, "--sandbox", **env)
        assert (ended.code, ended.out) == (1, "")
        assert ended.err.startswith(f"error: git cannot use {clone.folder / '.git'}: not a git")
    assert not ran.exists()


def test_embedded_repositories_are_ignored_without_git(
    halo: CommandLine, upstream: Git, folder: Path, ran: Path
) -> None:
    embed(upstream, ".", ran)
    shutil.rmtree(folder.parent / ".git")
    shutil.rmtree(upstream.folder / ".git")
    os.chdir(upstream.folder)
    ended = halo("apply", "--sandbox", "--yes", "--require-head", "main")
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.startswith(f"error: {upstream.folder} is not in a git repository")
    assert not ran.exists()


# The environment of git -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", subprocess.check_output(["git", "rev-parse", "--local-env-vars"], text=True).split())
def test_variables_of_another_repository_are_ignored(
    halo: CommandLine, upstream: Git, tmp_path: Path, ran: Path, name: str
) -> None:
    clone = upstream.clone(tmp_path / "clone")
    os.chdir(clone.folder)
    other = repository(tmp_path / "elsewhere")
    loosen(other)
    value = {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_PARAMETERS": f"'core.fsmonitor=touch {ran}'",
        "GIT_CONFIG": str(tmp_path / "nowhere"),
    }.get(name, str(other.folder / ".git"))
    env = {name: value, "GIT_CONFIG_KEY_0": "core.fsmonitor", "GIT_CONFIG_VALUE_0": f"touch {ran}"}
    assert halo("apply", "--sandbox", "--yes", "--require-head", "main", **env).code == 0
    loosen(clone)
    assert refusals(halo, **env) == REFUSED
    assert not ran.exists()


SSH = "[core]\n\tsshCommand = touch {ran}; false\n"


@pytest.mark.parametrize(
    ("home", "name", "content"),
    [
        ("the checkout", ".gitconfig", SSH),
        ("the checkout", ".gitconfig", "[trace2]\n\tnormalTarget = {ran}\n"),
        ("the checkout", ".gitconfig", '[url "ext::touch {ran} "]\n\tinsteadOf = ssh:\n[protocol]\n\tallow = always\n'),
        (".", ".gitconfig", SSH),
        (".", ".config/git/config", SSH),
        ("a link to it", ".config/git/config", SSH),
        ("XDG_CONFIG_HOME", ".config/git/config", SSH),
        ("GIT_CONFIG_GLOBAL", ".gitconfig", SSH),
        ("GIT_CONFIG_SYSTEM", "etc/gitconfig", "[trace2]\n\tnormalTarget = {ran}\n"),
        ("include", ".gitconfig", SSH),
    ],
)
def test_git_ignores_configuration_in_a_branch(
    halo: CommandLine, upstream: Git, tmp_path: Path, ran: Path, home: str, name: str, content: str
) -> None:
    write_files(upstream.folder, {name: content.format(ran=ran)})
    upstream.commit()
    clone = upstream.clone(tmp_path / "clone")
    clone("remote", "set-url", "origin", "ssh://localhost/nowhere")
    (tmp_path / "link").symlink_to(clone.folder)
    if home == "include":
        clone("config", "include.path", f"../{name}")
    os.chdir(clone.folder)
    place = str(clone.folder / name)
    env = {
        ".": {"HOME": "."},
        "the checkout": {"HOME": str(clone.folder)},
        "a link to it": {"HOME": str(tmp_path / "link")},
        "XDG_CONFIG_HOME": {"XDG_CONFIG_HOME": str(clone.folder / ".config")},
        "include": {},
    }.get(home, {home: place})
    for words in (("plan", "--base", "HEAD"), ("apply", "--yes", "--require-head", "main")):
        ended = halo(*words, "--sandbox", **env)
        assert (ended.code, ended.out) == (1, "")
        assert ended.err.startswith("error: git's configuration in ")
        assert name in ended.err.partition(" is not used: it lies in the checkout ")[0]
        assert "hint: " in ended.err
    assert not ran.exists()


def test_git_runs_no_program_of_a_checkout(halo: CommandLine, upstream: Git, tmp_path: Path, ran: Path) -> None:
    for name in ("ssh", "bin/ssh", "git-remote-https"):
        write_program(upstream.folder / name, f": > {ran}")
    upstream.commit()
    clone = upstream.clone(tmp_path / "clone")
    clone("remote", "set-url", "origin", "ssh://localhost/nowhere")
    os.chdir(clone.folder)
    only_git = tmp_path / "only-git"
    only_git.mkdir()
    (only_git / "git").symlink_to(str(shutil.which("git")))
    ended = halo("apply", "--sandbox", "--yes", "--require-head", "main", PATH=f"{only_git}::.:bin")
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.startswith("error: the remote 'origin' did not answer: ")
    assert not ran.exists()


@pytest.mark.parametrize("url", ["ext::touch {ran}", "git://localhost/x", "fd::17", "evil::x"])
def test_only_four_protocols_reach_a_remote(
    halo: CommandLine, upstream: Git, tmp_path: Path, ran: Path, url: str
) -> None:
    clone = upstream.clone(tmp_path / "clone")
    clone("config", "protocol.ext.allow", "always")
    clone("config", "protocol.allow", "always")
    clone("remote", "set-url", "origin", url.format(ran=ran))
    os.chdir(clone.folder)
    ended = halo("apply", "--sandbox", "--yes", "--require-head", "main", GIT_ALLOW_PROTOCOL="ext:git:fd:evil")
    assert (ended.code, ended.out) == (1, "")
    assert f"transport '{url.partition(':')[0]}' not allowed" in ended.err
    assert not ran.exists()


def test_a_folder_of_the_checkout_is_no_remote(halo: CommandLine, upstream: Git, tmp_path: Path, ran: Path) -> None:
    embed(upstream, "origin", ran)
    clone = upstream.clone(tmp_path / "clone")
    clone("config", "--unset-all", "remote.origin.url")
    os.chdir(clone.folder)
    ended = halo("apply", "--sandbox", "--yes", "--require-head", "main")
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.startswith("error: this repository has no remote\n")


# --require-head means one ref ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "other",
    ["refs/heads/a/refs/heads/main", "refs/backup/refs/heads/main", "refs/heads/refs/heads/main", "refs/tags/main"],
)
def test_a_ref_with_the_same_ending_is_ignored(halo: CommandLine, upstream: Git, tmp_path: Path, other: str) -> None:
    clone = upstream.clone(tmp_path / "clone")
    old = upstream("rev-parse", "HEAD")
    upstream.commit("newer")
    upstream("update-ref", other, old)
    os.chdir(clone.folder)
    assert halo("apply", "--sandbox", "--yes", "--require-head", "main").code == 3
    clone("pull", "--quiet")
    assert halo("apply", "--sandbox", "--yes", "--require-head", "main").code == 0
    upstream("switch", "--quiet", "--detach")
    upstream("branch", "--delete", "--force", "main")
    ended = halo("apply", "--sandbox", "--yes", "--require-head", "main")
    assert (ended.code, ended.err.partition("\n")[0]) == (1, "error: the remote 'origin' has no branch 'main'")


@pytest.mark.parametrize("kind", ["tags", "heads"])
def test_an_ambiguous_ref_is_refused_as_a_base(halo: CommandLine, upstream: Git, tmp_path: Path, kind: str) -> None:
    clone = upstream.clone(tmp_path / "clone")
    loosen(clone)
    clone("update-ref", f"refs/{kind}/origin/main", "HEAD")
    os.chdir(clone.folder)
    for ref in ("origin/main", "origin/main~0"):
        ended = halo("plan", "--sandbox", "--base", ref)
        assert (ended.code, ended.out) == (1, "")
        assert ended.err == (
            f"error: 'origin/main' is ambiguous: it matches refs/{kind}/origin/main, refs/remotes/origin/main\n"
            "hint: use the full name of one of them\n"
        )
    assert halo("plan", "--sandbox", "--base", "refs/remotes/origin/main").code == 3
    assert halo("plan", "--sandbox", "--base", "remotes/origin/main").code == 3


# Honest checkouts ---------------------------------------------------------------------------------------------------


def assert_base_is_read(halo: CommandLine, git: Git, **env: str) -> None:
    """Hold a checkout whose only remote is at its HEAD: both commands that ask git do as they should."""
    os.chdir(git.folder)
    ended = halo("apply", "--sandbox", "--yes", "--require-head", "main", **env)
    assert ended.code == 0, ended.text
    loosen(git)
    assert refusals(halo, **env) == REFUSED


def test_base_and_head_work_in_a_worktree(halo: CommandLine, upstream: Git, tmp_path: Path) -> None:
    clone = upstream.clone(tmp_path / "clone")
    clone("worktree", "add", "--quiet", "--detach", str(tmp_path / "tree"))
    assert_base_is_read(halo, Git(tmp_path / "tree"))


def test_base_and_head_work_in_a_worktree_of_a_bare_clone(halo: CommandLine, upstream: Git, tmp_path: Path) -> None:
    (tmp_path / "proj").mkdir()
    bare = upstream.clone(tmp_path / "proj/.bare", "--bare")
    (tmp_path / "proj/.git").write_text("gitdir: ./.bare\n")
    bare("worktree", "add", "--quiet", "--detach", str(tmp_path / "proj/tree"))
    assert_base_is_read(halo, Git(tmp_path / "proj/tree"))


def test_base_and_head_work_in_a_submodule(halo: CommandLine, upstream: Git, tmp_path: Path) -> None:
    outer = repository(tmp_path / "outer")
    outer("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", upstream.folder.as_uri(), "inner")
    outer.commit()
    assert_base_is_read(halo, Git(outer.folder / "inner"))


def swap_in(upstream: Git, tmp_path: Path, place: str) -> Git:
    """Return a checkout of a branch in which ``p`` leads into a repository of its own, loose throughout."""
    other = repository(tmp_path / "other")
    for _ in range(2):
        write_project(other.folder, entry("one"), **LOOSE)
        other.commit()
    clone = upstream.clone(tmp_path / "clone")
    clone("rm", "-r", "--quiet", "p")
    clone("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", other.folder.as_uri(), place)
    if place != "p":
        (clone.folder / "p").symlink_to(place)
    clone.commit()
    return clone


@pytest.mark.parametrize("place", ["p", "vendor/other"])
def test_a_branch_that_puts_a_submodule_in_its_place_does_not_choose_the_base(
    halo: CommandLine, upstream: Git, tmp_path: Path, place: str
) -> None:
    clone = swap_in(upstream, tmp_path, place)
    os.chdir(clone.folder)
    assert refusals(halo, "--file", "p/halo.yaml") == REFUSED
    ended = halo("apply", "--sandbox", "--yes", "--require-head", "main", "--file", "p/halo.yaml")
    assert (ended.code, "which is ahead of origin/main" in ended.err) == (3, True), ended.text


def test_a_base_with_the_submodule_is_read_from_the_submodule(halo: CommandLine, upstream: Git, tmp_path: Path) -> None:
    outer = repository(tmp_path / "outer")
    outer("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", upstream.folder.as_uri(), "inner")
    outer.commit()
    loosen(Git(outer.folder / "inner"))
    outer.commit()
    os.chdir(outer.folder)
    assert refusals(halo, "--file", "inner/halo.yaml") == REFUSED


@pytest.mark.parametrize("name", [".gitconfig", ".config/git/config"])
@pytest.mark.parametrize("place", ["p", "vendor/other"])
@pytest.mark.parametrize("start", [".", "p"])
def test_git_ignores_configuration_around_a_submodule(
    halo: CommandLine, upstream: Git, tmp_path: Path, ran: Path, name: str, place: str, start: str
) -> None:
    clone = swap_in(upstream, tmp_path, place)
    write_files(clone.folder, {name: f"[core]\n\tsshCommand = touch {ran}\n"})
    Git(clone.folder / place)("remote", "set-url", "origin", "ssh://localhost/none")
    os.chdir(clone.folder / start)
    file = "p/halo.yaml" if start == "." else "halo.yaml"
    words = ("--sandbox", "--file", file)
    ended = halo("apply", "--yes", "--require-head", "main", *words, HOME=str(clone.folder))
    assert (ended.code, ran.exists()) == (1, False), ended.text
    assert f"git's configuration in {clone.folder / name} is not used" in ended.err


def test_base_and_head_work_with_a_separate_git_folder(halo: CommandLine, upstream: Git, tmp_path: Path) -> None:
    assert_base_is_read(halo, upstream.clone(tmp_path / "clone", f"--separate-git-dir={tmp_path / 'elsewhere.git'}"))


@pytest.mark.parametrize("way", ["count", "parameters"])
def test_a_checkout_called_safe_by_the_environment_works(
    halo: CommandLine, upstream: Git, tmp_path: Path, way: str
) -> None:
    clone = upstream.clone(tmp_path / "clone")
    clone("remote", "add", "unused", "https://localhost/x")
    env = {"GIT_TEST_ASSUME_DIFFERENT_OWNER": "1"}
    os.chdir(clone.folder)
    ended = halo("plan", "--sandbox", "--base", "HEAD", **env)
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.startswith(f"error: git cannot use {clone.folder / '.git'}: detected dubious ownership")
    if way == "count":
        env |= {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": str(clone.folder)}
    else:
        env |= {"GIT_CONFIG_PARAMETERS": f"'safe.directory={clone.folder}'"}
    loosen(clone)
    assert refusals(halo, **env) == REFUSED


@pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="only root may give a folder away")
def test_a_container_job_works_on_a_safe_checkout_of_the_runner(
    halo: CommandLine, upstream: Git, tmp_path: Path
) -> None:
    clone = upstream.clone(tmp_path / "clone")  # as in a container: the runner made the folder, git runs as root
    loosen(clone)
    os.chown(clone.folder, 12345, -1)
    os.chdir(clone.folder / "p")
    env = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": str(clone.folder)}
    assert "detected dubious ownership" in halo("plan", "--sandbox", "--base", "HEAD^1").err
    assert refusals(halo, **env) == REFUSED


@contextmanager
def serve_folder(folder: Path) -> Iterator[str]:
    """Serve a folder on loopback, as a plain web server does."""
    handler = type("Quiet", (SimpleHTTPRequestHandler,), {"log_message": lambda *_: None})
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_base_and_head_work_over_dumb_http(halo: CommandLine, upstream: Git, tmp_path: Path) -> None:
    clone = upstream.clone(tmp_path / "clone")
    upstream("update-server-info")
    with serve_folder(upstream.folder) as url:
        clone("remote", "set-url", "origin", f"{url}/.git")
        assert_base_is_read(halo, clone)
