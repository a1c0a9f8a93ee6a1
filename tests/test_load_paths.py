"""Which files a project may read: those of its checkout, wherever in it, but for hidden ones and what git keeps."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from command_line import CommandLine
from project_files import write_files

from halo_iac.errors import ProjectError
from halo_iac.load import load

ENTRY = "{title: %s, agent: x, cron: '@daily'%s}"
SECRET = "AUTHORIZATION: basic c2VjcmV0"


def project_file(*include: str, prompt: str = "", entry: str = "own") -> str:
    listed = ", ".join(f"'{glob}'" for glob in include)
    prompt = f", prompt_file: '{prompt}'" if prompt else ""
    return f"version: 1\ninclude: [{listed}]\nschedules: {{{entry}: {ENTRY % (entry, prompt)}}}\n"


def include_text(key: str, prompt: str = "") -> str:
    prompt = f", prompt_file: '{prompt}'" if prompt else ""
    return f"schedules: {{{key}: {ENTRY % (key, prompt)}}}\n"


def keys_and_prompts(path: Path, cwd: Path, checkout: Path | None = None) -> dict[str, str]:
    project = load(path, variables={}, cwd=cwd, checkout=checkout)
    return {entry.key: entry.spec.prompt.strip()[:20] for entry in project.entries if entry.spec is not None}


def problem(path: Path, cwd: Path, checkout: Path | None = None) -> str:
    with pytest.raises(ProjectError) as raised:
        load(path, variables={}, cwd=cwd, checkout=checkout)
    return raised.value.message


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """Return a checkout beside files that are none of it."""
    (tmp_path / "top" / ".git").mkdir(parents=True)
    (tmp_path / "top" / ".git" / "config").write_text(SECRET)
    write_files(tmp_path, {"outside/x.yaml": SECRET, "outside/x.md": SECRET, ".ssh/x.md": SECRET})
    return tmp_path / "top"


# What may be read ---------------------------------------------------------------------------------------------------

SIDE_BY_SIDE = {
    "schedules/a.yaml": include_text("a", "../prompts/a.md"),
    "schedules/deep/b.yaml": include_text("b", "./../../prompts/a.md"),
    "prompts/a.md": "Look at a.",
    "envs/prod/halo.yaml": project_file("../../schedules/*.yaml", "./../../schedules/**/b.yaml", prompt="./p.md"),
    "envs/prod/p.md": "Look at production.",
}


@pytest.mark.parametrize("cwd", [".", "envs", "envs/prod", "schedules"])
def test_folders_may_stand_side_by_side(repo: Path, cwd: str) -> None:
    write_files(repo, SIDE_BY_SIDE)
    assert keys_and_prompts(repo / "envs/prod/halo.yaml", repo / cwd) == {
        "own": "Look at production.",
        "a": "Look at a.",
        "b": "Look at a.",
    }


def test_a_file_reached_by_dots_is_shown_where_it_is(repo: Path) -> None:
    write_files(repo, {**SIDE_BY_SIDE, "schedules/a.yaml": "schedules: {a: {}}"})
    assert problem(Path("halo.yaml"), repo / "envs/prod").startswith("../../schedules/a.yaml:1:13: ")
    (repo / "live").symlink_to("envs/prod")
    assert problem(Path("live/halo.yaml"), repo).startswith("schedules/a.yaml:1:13: ")


def test_the_place_of_a_prompt_file_has_no_dots_that_lead_back(repo: Path) -> None:
    write_files(repo, SIDE_BY_SIDE)
    entries = load(repo / "envs/prod/halo.yaml", variables={}, cwd=repo).entries
    assert {entry.key: str(entry.origins.of("prompt")) for entry in entries} == {
        "own": "envs/prod/p.md:1",
        "a": "prompts/a.md:1",
        "b": "prompts/a.md:1",
    }


def test_dots_lead_above_where_a_link_leads(repo: Path) -> None:
    write_files(
        repo, {"real/deep/x.md": "", "real/p.md": "Of real.", "p.md": "Of the top.", "real/s/a.yaml": include_text("a")}
    )
    (repo / "link").symlink_to("real/deep")
    write_files(repo, {"halo.yaml": project_file("link/../s/*.yaml", prompt="link/../p.md")})
    assert keys_and_prompts(Path("halo.yaml"), repo)["own"] == "Of real."


@pytest.mark.parametrize("at", [".github/halo", ".config", "a/.b/c"])
def test_the_project_file_may_stand_in_hidden_folders(repo: Path, at: str) -> None:
    up = "/".join(".." for _ in Path(at).parts)
    write_files(
        repo,
        {
            f"{at}/halo.yaml": project_file("s/*.yaml", f"{up}/{at}/t/*.yaml", prompt=f"{up}/p.md"),
            f"{at}/s/a.yaml": include_text("a", f"../../{Path(at).name}/q.md"),
            f"{at}/t/b.yaml": include_text("b"),
            f"{at}/q.md": "Beside it.",
            "p.md": "At the top.",
        },
    )
    found = keys_and_prompts(Path(at) / "halo.yaml", repo)
    assert (found["own"], found["a"], set(found)) == ("At the top.", "Beside it.", {"own", "a", "b"})


@pytest.mark.parametrize("target", ["p.md", "p.prompt", "p", "../top/deep/p", "deep/../deep/p"])
def test_a_link_may_lead_to_any_name_in_the_checkout(repo: Path, target: str) -> None:
    write_files(
        repo, {"halo.yaml": project_file(prompt="link.md"), **dict.fromkeys(("p.md", "p.prompt", "p", "deep/p"), "P")}
    )
    (repo / "link.md").symlink_to(target)
    assert keys_and_prompts(Path("halo.yaml"), repo) == {"own": "P"}


@pytest.mark.parametrize("name", ["a:b", "c:", "a b", "a\\b", "-x", "~", "$HOME"])
def test_any_name_of_a_folder_will_do(repo: Path, name: str) -> None:
    write_files(repo, {f"{name}/halo.yaml": project_file("s/*.yaml", prompt="p.md"), f"{name}/p.md": "P"})
    write_files(repo, {f"{name}/s/a.yaml": include_text("a", "../p.md")})
    assert keys_and_prompts(Path(name) / "halo.yaml", repo) == {"own": "P", "a": "P"}


# What may not -------------------------------------------------------------------------------------------------------

OUTSIDE = "leads outside the checkout"
HIDDEN = "hidden files and folders are not read"
OF_GIT = "files of .git are not read"

LINKS = {
    "../.git/config": OF_GIT,
    "../.git": OF_GIT,
    "../.git/../.git/config": OF_GIT,
    "../sub/.git/config": OF_GIT,
    "../.GIT/config": OF_GIT,
    "../../top/.git/config": OF_GIT,
    "../.env": HIDDEN,
    "../.hidden/p.md": HIDDEN,
    "../sub/.hidden/p.md": HIDDEN,
    "../../outside/x.md": OUTSIDE,
    "../../.ssh/x.md": OUTSIDE,
    "/etc/passwd": OUTSIDE,
    "/proc/self/environ": OUTSIDE,
    "../again.md": OF_GIT,
    "../again/config": OF_GIT,
}


@pytest.mark.parametrize("target", LINKS)
def test_no_link_leads_to_a_forbidden_prompt(repo: Path, target: str) -> None:
    names = (".env", ".hidden/p.md", "sub/.hidden/p.md", "sub/.git/config", ".GIT/config")
    write_files(repo, {"halo.yaml": project_file(prompt="prompts/a.md"), **dict.fromkeys(names, SECRET)})
    (repo / "again.md").symlink_to(".git/config")
    (repo / "again").symlink_to(".git")
    (repo / "prompts").mkdir()
    (repo / "prompts" / "a.md").symlink_to(target)
    said = problem(Path("halo.yaml"), repo)
    assert said.startswith("halo.yaml:3:70: `prompts/a.md`: ")
    assert LINKS[target] in said
    assert SECRET not in said


@pytest.mark.parametrize(
    ("target", "expected"), [(".git", OF_GIT), (".hidden", HIDDEN), ("../outside", OUTSIDE), ("/etc", OUTSIDE)]
)
@pytest.mark.parametrize("glob", ["link/x.yaml", "link/*.yaml", "l*/*.yaml", "link/**/*.yaml", "*/x.yaml"])
def test_no_glob_follows_a_forbidden_link(repo: Path, glob: str, target: str, expected: str) -> None:
    (repo / ".git" / "x.yaml").write_text(SECRET)
    write_files(repo, {"halo.yaml": project_file(glob), ".hidden/x.yaml": SECRET})
    (repo / "link").symlink_to(target)
    said = problem(Path("halo.yaml"), repo)
    assert expected in said or (target == "/etc" and "no file matches" in said)
    assert SECRET not in said


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("../outside/x", OUTSIDE),
        ("../../x", OUTSIDE),
        ("./../outside/x", OUTSIDE),
        ("a/../../outside/x", OUTSIDE),
        ("../top/.git/x", OF_GIT),
        (".git/x", OF_GIT),
        (".env/x", HIDDEN),
        ("a/.b/x", HIDDEN),
        (".x", HIDDEN),
        ("a/../.b/x", HIDDEN),
        ("../.ssh/x", OUTSIDE),
    ],
)
def test_a_path_is_refused_as_it_is_written(repo: Path, text: str, expected: str) -> None:
    write_files(repo, {"halo.yaml": project_file(f"{text}.yaml", prompt=f"{text}.md")})
    include, prompt = problem(Path("halo.yaml"), repo).splitlines()
    assert include.startswith(f"halo.yaml:2:11: `{text}.yaml`: ")
    assert prompt.startswith(f"halo.yaml:3:70: `{text}.md`: ")
    assert expected in include
    assert expected in prompt


def test_the_project_file_is_no_link_out_of_the_checkout(repo: Path) -> None:
    for target, expected in (("../outside/x.yaml", OUTSIDE), (".git/config", OF_GIT), (".hidden.yaml", HIDDEN)):
        write_files(repo, {".hidden.yaml": SECRET})
        (repo / "halo.yaml").symlink_to(target)
        said = problem(Path("halo.yaml"), repo)
        assert expected in said
        assert SECRET not in said
        (repo / "halo.yaml").unlink()


def test_other_git_folders_in_the_checkout_are_not_read(repo: Path) -> None:
    (repo / ".git" / "config").unlink()
    (repo / ".git").rmdir()
    (repo / ".git").write_text("gitdir: store\n")
    write_files(repo, {"store/config": SECRET, "store/x.md": SECRET, "halo.yaml": project_file(prompt="p.md")})
    for target in ("store/config", "store/x.md"):
        (repo / "p.md").unlink(missing_ok=True)
        (repo / "p.md").symlink_to(target)
        assert OF_GIT in problem(Path("halo.yaml"), repo)


@pytest.mark.parametrize("links", [("a.md", "a.md"), ("a.md", "b.md"), ("d/../a.md", "a.md")])
def test_links_in_a_circle_end(repo: Path, links: tuple[str, str]) -> None:
    write_files(repo, {"halo.yaml": project_file(prompt="a.md"), "d/x": ""})
    (repo / "a.md").symlink_to(links[0] if links[0] != "a.md" else links[1])
    if links[1] == "b.md":
        (repo / "b.md").symlink_to("a.md")
    assert "its symbolic links form a loop" in problem(Path("halo.yaml"), repo)


def test_the_next_repository_above_is_the_bound(repo: Path) -> None:
    (repo / "sub" / ".git").mkdir(parents=True)
    write_files(repo, {"p.md": SECRET, "sub/halo.yaml": project_file(prompt="../p.md")})
    assert OUTSIDE in problem(Path("sub/halo.yaml"), repo)


# Without a repository -----------------------------------------------------------------------------------------------


def test_without_a_repository_the_file_s_own_folder_is_the_bound(tmp_path: Path) -> None:
    write_files(tmp_path, SIDE_BY_SIDE)
    said = problem(Path("envs/prod/halo.yaml"), tmp_path).splitlines()[0]
    path = "envs/prod/halo.yaml:2:11: `../../schedules/*.yaml`: the path leads outside the checkout"
    assert said == f"{path} (the file is in no git repository; pass --checkout DIR to read other folders)"
    assert set(keys_and_prompts(Path("envs/prod/halo.yaml"), tmp_path, tmp_path)) == {"own", "a", "b"}


def test_the_command_line_says_what_the_checkout_is(halo: CommandLine, folder: Path) -> None:
    (folder.parent / ".git").rmdir()
    write_files(folder, SIDE_BY_SIDE)
    words = ("--file", "envs/prod/halo.yaml")
    for command in (("validate",), ("preview",), ("plan", "--sandbox")):
        assert halo(*command, *words).code == 1
        assert halo(*command, *words, "--checkout", ".").code == (1 if command[0] == "plan" else 0)
        assert halo(*command, *words, "--checkout", "envs").code == 1
    named = halo("validate", *words, "--checkout", "schedules")
    assert (named.code, named.err.splitlines()[0]) == (
        64,
        f"error: --checkout schedules does not contain {folder}/envs/prod/halo.yaml",
    )


def test_a_repository_is_not_widened(halo: CommandLine, folder: Path) -> None:
    write_files(folder, SIDE_BY_SIDE)
    words = ("validate", "--file", "envs/prod/halo.yaml", "--checkout")
    assert halo(*words, "..").code == 0  # the repository itself
    for named in (".", "../..", "envs/prod"):
        ended = halo(*words, named)
        assert (ended.code, ended.err) == (
            64,
            f"error: --checkout {named} is not the repository {folder.parent}\nhint: remove --checkout\n",
        )


def test_a_token_that_git_was_given_stays_out_of_a_plan(halo: CommandLine, folder: Path) -> None:
    subprocess.run(["git", "init", "--quiet", folder], check=True)
    subprocess.run(["git", "-C", folder, "config", "http.https://github.com/.extraheader", SECRET], check=True)
    write_files(folder, {"halo.yaml": project_file(prompt="prompts/a.md")})
    (folder / "prompts").mkdir()
    (folder / "prompts" / "a.md").symlink_to("../.git/config")
    for words in (("validate",), ("plan", "--sandbox"), ("plan", "--sandbox", "--json"), ("preview",)):
        ended = halo(*words)
        assert ended.code == 1
        assert SECRET not in ended.text
