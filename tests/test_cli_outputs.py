"""Where commands write their output: only over files of halo, and never through a committed link."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from command_line import CommandLine, schedules, tree
from forked import HaloProcess

pytestmark = pytest.mark.skipif(os.name == "nt", reason="links and pipes of POSIX")

DAILY = """\
version: 1
schedules:
  daily: {title: Daily review, agent: checkout, frequency: daily, hours: [9], prompt: Look.}
"""
OUTPUTS = {
    "out": ["--out", "{}"],
    "text": ["--also", "text={}"],
    "json": ["--also", "json={}"],
    "markdown": ["--also", "markdown={}"],
    "github": ["--also", "github={}"],
}


@pytest.fixture
def project(folder: Path) -> Path:
    (folder / "halo.yaml").write_text(DAILY)
    (folder.parent / "outside").mkdir()
    return folder


@pytest.fixture
def in_checkout(project: Path) -> Path:
    """Return the same in a checkout that ends at the working directory."""
    (project / ".git").mkdir()
    return project


def option(output: str, path: str) -> list[str]:
    return [word.format(path) for word in OUTPUTS[output]]


LINKS: dict[str, Callable[[Path], str]] = {
    "a link that leads nowhere, outside": lambda outside: link("place", outside / "new"),
    "a link that leads nowhere, inside": lambda _: link("place", "gone"),
    "a link to an empty file": lambda outside: link("place", touched(outside / "empty")),
    "a link to a folder on the way": lambda outside: link("d", outside) + "/new",
    "a link on the way, in two steps": lambda outside: link("d", link("e", outside)) + "/new",
    "a link to a folder above": lambda _: link("d", "..") + "/new",
    "a link into .git": lambda _: link("d", ".git") + "/new",
    "the folder .git": lambda _: ".git/new",
}


def link(name: str, target: Path | str) -> str:
    Path(name).symlink_to(target)
    return name


def touched(path: Path) -> Path:
    path.touch()
    return path


@pytest.mark.parametrize("output", OUTPUTS)
@pytest.mark.parametrize("kind", LINKS)
def test_no_copy_or_plan_is_written_through_a_link_out_of_the_checkout(
    halo: CommandLine, in_checkout: Path, output: str, kind: str
) -> None:
    path = LINKS[kind](in_checkout.parent / "outside")
    before = tree(in_checkout.parent)
    ended = halo("plan", "--sandbox", *option(output, path))
    assert (ended.code, ended.out) == (1, ""), ended.text
    assert ended.err.startswith(f"error: {path}: ")
    assert tree(in_checkout.parent) == before


@pytest.mark.parametrize("kind", LINKS)
@pytest.mark.parametrize(
    "argv",
    [
        ["apply", "--sandbox", "--yes", "--receipt"],
        ["report", "get", "daily", "--sandbox", "--output"],
        ["report", "pull", "--sandbox", "--dir"],
    ],
)
def test_no_receipt_or_report_is_written_through_a_link_out_of_the_checkout(
    halo: CommandLine, in_checkout: Path, argv: list[str], kind: str
) -> None:
    path = LINKS[kind](in_checkout.parent / "outside")
    before = tree(in_checkout.parent / "outside")
    ended = halo(*argv, path)
    assert ended.code == 1
    assert f"error: {path}: " in ended.err or f"error: {path} already exists" in ended.err
    assert tree(in_checkout.parent / "outside") == before
    assert schedules(halo) == []


@pytest.mark.parametrize("way", ["a link to the folder", "a link to the file"])
@pytest.mark.parametrize("is_there", [True, False])
@pytest.mark.parametrize(
    "argv",
    [
        ["init"],
        ["import", "--sandbox"],
        ["rename", "daily", "Another title"],
        ["plan", "--sandbox"],
        ["apply", "--sandbox", "--yes"],
        ["sandbox", "reset", "--yes"],
    ],
)
def test_no_project_file_or_halo_folder_is_written_through_a_link_out_of_the_checkout(
    halo: CommandLine, in_checkout: Path, argv: list[str], is_there: bool, way: str
) -> None:
    outside = in_checkout.parent / "outside"
    (outside / ".halo").mkdir()
    if is_there:
        (outside / "halo.yaml").write_text(DAILY)
    if way == "a link to the file":
        path = link("other.yaml", outside / "halo.yaml")
    else:
        path = link("d", outside) + "/halo.yaml"
    before = tree(outside)
    for named in ([*argv, "--file", path], argv):
        ended = halo(*named, HALO_FILE=path)
        is_written_beside = argv[0] in {"plan", "apply", "sandbox"} and way == "a link to the file"
        assert is_written_beside or (ended.code, ended.out) == (1, ""), ended.text
        assert is_written_beside or path in ended.err or "/d: a link leads out of" in ended.err
        assert tree(outside) == before


@pytest.mark.parametrize("kind", LINKS)
@pytest.mark.parametrize(
    "argv",
    [["plan"], ["schedule", "list"], ["sandbox", "reset", "--yes"]],
)
def test_no_sandbox_is_made_through_a_link_out_of_the_checkout(
    halo: CommandLine, in_checkout: Path, argv: list[str], kind: str
) -> None:
    path = LINKS[kind](in_checkout.parent / "outside")
    before = tree(in_checkout.parent)
    for ended in (halo(*argv, "--sandbox-file", path), halo(*argv, HALO_SANDBOX=path)):
        assert (ended.code, ended.out) == (1, ""), ended.text
        assert f"error: {path}: " in ended.err
        assert tree(in_checkout.parent) == before


def test_a_link_that_stays_in_the_checkout_is_followed(halo: CommandLine, in_checkout: Path) -> None:
    (in_checkout / "real").mkdir()
    link("d", "real")
    assert halo("plan", "--sandbox", *option("out", "d/plan.json"), *option("text", "d/plan.txt")).code == 0
    assert {path.name for path in (in_checkout / "real").iterdir()} == {"plan.json", "plan.txt"}
    assert halo("init", "--file", "d/halo.yaml").code == 0
    assert halo("apply", "--yes", "--sandbox", "--file", "d/halo.yaml").code == 0
    assert halo("plan", "--sandbox-file", "d/other.db").code == 0
    schemas = {"halo.schema.json", "halo.include.schema.json"}
    names = {"plan.json", "plan.txt", "halo.yaml", *schemas, ".halo", "other.db"}
    assert {path.name for path in (in_checkout / "real").iterdir()} == names


def test_a_path_outside_the_checkout_can_be_named(halo: CommandLine, in_checkout: Path) -> None:
    outside = in_checkout.parent / "outside"
    outside.with_name("way").symlink_to(outside)
    assert halo("plan", "--sandbox", *option("out", "../way/plan.json")).code == 0
    assert halo("plan", "--sandbox", *option("markdown", str(outside / "plan.md"))).code == 0
    assert {path.name for path in outside.iterdir()} == {"plan.json", "plan.md"}


@pytest.mark.parametrize("output", OUTPUTS)
def test_an_empty_file_is_replaced(halo: CommandLine, project: Path, output: str) -> None:
    touched(project / "copy")
    assert halo("plan", "--sandbox", *option(output, "copy")).code == 0
    assert (project / "copy").stat().st_size > 0


NOT_OURS = {
    "a note": "Buy milk.\n",
    "a receipt": '{"kind":"header","version":1}\n',
    "a log": "error: something\n",
    "another program's JSON": '{\n  "host": "db.example.com",\n  "error": 1\n}\n',
    "another program's error": '{\n  "error": "no such thing"\n}\n',
    "annotations": "::notice title=mine::Words.\n",
    "a blank line": "\n",
}


@pytest.mark.parametrize("output", OUTPUTS)
@pytest.mark.parametrize("kind", NOT_OURS)
def test_a_file_that_halo_did_not_write_is_kept(halo: CommandLine, project: Path, output: str, kind: str) -> None:
    (project / "mine").write_text(NOT_OURS[kind])
    os.link(project / "mine", project / "also-mine")
    before = tree(project)
    for command in ("plan", "apply") if output != "out" else ("plan",):
        ended = halo(command, "--sandbox", *(["--yes"] if command == "apply" else []), *option(output, "also-mine"))
        assert (ended.code, ended.out) == (1, "")
        assert ended.err.startswith("error: also-mine ")
        assert "; it was not overwritten\n" in ended.err
    assert tree(project) == before


@pytest.mark.parametrize("output", OUTPUTS)
def test_only_a_file_of_the_same_format_is_replaced(halo: CommandLine, project: Path, output: str) -> None:
    assert halo("plan", "--sandbox", *option(output, "copy")).code == 0
    before = (project / "copy").read_bytes()
    codes = {other: halo("plan", "--sandbox", *option(other, "copy")).code for other in OUTPUTS if other != output}
    replaced = halo("plan", "--sandbox", *option(output, "copy")).code
    same = {"out", "json"}
    assert codes == {other: 0 if {other, output} == same else 1 for other in codes}
    assert replaced == (1 if output in {"text", "github"} else 0)
    assert (project / "copy").read_bytes() == before


@pytest.mark.parametrize("output", OUTPUTS)
@pytest.mark.parametrize("kind", ["a pipe", "a folder", "/dev/full", "/dev/null", "/dev/stdout"])
def test_an_output_that_is_no_regular_file_is_refused_first(project: Path, output: str, kind: str) -> None:
    path = kind if kind.startswith("/") else "place"
    if kind == "a pipe":
        os.mkfifo(project / path)
    elif kind == "a folder":
        (project / path).mkdir()
    command = "plan" if output == "out" else "apply"
    argv = [command, "--sandbox", *option(output, path), *(["--yes"] if command == "apply" else [])]
    out = project / "redirected"
    with out.open("w") as redirected:
        process = HaloProcess(*argv, cwd=project, env=os.environ, stdout=redirected)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, out.read_text()) == (1, ""), err
    assert err.startswith(f"error: {path}"), err
    assert not (project / ".halo").exists()


# Names --------------------------------------------------------------------------------------------------------------

HOSTILE: str = "evil\x1bc\a\n::error::x"
"""The name of a folder that resets a terminal, and is on a line of its own a command to a CI runner."""
NAMING = (
    "init --ci github --file {}/new.yaml",
    "init --ci github --file {}/new.yaml",
    "sandbox reset --yes",
    "validate -f {}/nope.yaml",
    "plan --sandbox --out {}/plan.json --also markdown={}/plan.md",
    "apply {}/plan.json --sandbox --yes --receipt {}/receipt.jsonl",
    "undo {}/receipt.jsonl --sandbox --yes --allow-archive 1",
    "schedule list --sandbox",
    "doctor --sandbox",
    "page --offline --out {}/page.html",
    "rename daily New",
    "report pull --sandbox --dir {}/reports",
    "import --sandbox --into {}/more.yaml",
    "ci validate",
    "sandbox reset --yes",
)


def test_control_characters_of_a_path_are_not_printed(
    halo: CommandLine, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner = project / HOSTILE
    inner.mkdir()
    (inner / "halo.yaml").write_text(DAILY)
    monkeypatch.chdir(inner)
    for line in NAMING:
        ended = halo(*(word.replace("{}", str(inner)) for word in line.split()), GITHUB_ACTIONS="true")
        assert ended.code in {0, 1}, (line, ended.text)
        bad = [each for each in ended.text.split("\n") if {"\x1b", "\a"} & {*each} or each.startswith("::error::x")]
        assert not bad, line
