"""Shell completion, as the functions that ``halo --install-completion`` writes for shells ask for it."""

from __future__ import annotations

import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
from golden_files import assert_written

from halo_iac.cli.completion import answer
from halo_iac.cli.completion_names import ProjectNames
from halo_iac.load import load

ROOT = Path(__file__).parent.parent
PROJECT = """\
version: 1
include: ["more/*.yaml"]
agents: {co: checkout, "sup": 'support bot', 'bad $(touch pwned)': x, 'b`id`': y}
defaults:
  agent: fallback  # of all
schedules:
  # not-a-key: no
  alpha: {title: "A: b, c", agent: inline, frequency: daily}
  alpine:
    agent: 'two words'
    prompt: |
      agent: no agent
      beta:
    title: B
  "quoted-1": &anchor
    title: C
"""
INCLUDED = "schedules: {inner-1: {title: T, hours: [1, 2]}, inner-2:\n  {title: U}}\n"
KEYS = ["alpha", "alpine", "quoted-1", "inner-1", "inner-2"]
AGENTS = ["co", "sup", "fallback", "inline", "two words"]


@pytest.fixture
def completed_project(folder: Path) -> Path:
    (folder / "halo.yaml").write_text(PROJECT)
    (folder / "more").mkdir()
    (folder / "more" / "x.yaml").write_text(INCLUDED)
    (folder / "other.yaml").write_text("schedules:\n  other: {}\n")
    (folder / ".halo" / "receipts").mkdir(parents=True)
    (folder / ".halo" / "receipts" / "1.jsonl").touch()
    return folder


def completion_variables(shell: str, line: str, **env: str) -> dict[str, str]:
    if shell == "bash":
        words = line.split(" ")
        return {"_HALO_COMPLETE": "complete_bash", "COMP_WORDS": "\n".join(words), "COMP_CWORD": str(len(words) - 1)}
    action = {"_TYPER_COMPLETE_FISH_ACTION": "get-args"} if shell == "fish" else {}
    return {"_HALO_COMPLETE": f"complete_{shell}", "_TYPER_COMPLETE_ARGS": line, **action, **env}


def test_the_completion_table_is_up_to_date() -> None:
    table = runpy.run_path(str(ROOT / "docs" / "completion.py"))["table"]()
    assert_written(ROOT / "halo_iac" / "cli" / "completion.json", table, "`make generate` writes it")


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("halo pl", ["plan"]),
        ("halo plan --det", ["--detailed-exitcode"]),
        ("halo schedule li", ["list"]),
        ("halo nonsense --det", []),
        ("halo nonsense ", []),
        ("halo plan --format m", ["markdown"]),
        ("halo plan --undeclared ", ["report", "error"]),
        ("halo schema ", ["project", "include", "plan", "receipt"]),
        ("halo plan --target ", KEYS),
        ("halo plan --sandbox -t al", ["alpha", "alpine"]),
        ("halo plan --target = al", ["alpha", "alpine"]),
        ("halo plan --target =", KEYS),
        ("halo plan -f other.yaml --target ", ["other"]),
        ("halo plan --file = other.yaml -t ", ["other"]),
        ("halo plan -f 'o*.yaml' -t ", ["other"]),
        ('halo plan -f "o*.yaml -t ', ["other"]),
        ("halo apply --allow-create in", ["inner-1", "inner-2"]),
        ("halo pause alpha ", KEYS),
        ("halo resume -- q", ["quoted-1"]),
        ("halo rename alpi", ["alpine"]),
        ("halo rename alpine ", []),
        ("halo preview quo", ["quoted-1"]),
        ("halo schedule get q", ["quoted-1"]),
        ("halo report get q", ["quoted-1"]),
        ("halo report ask q", ["quoted-1"]),
        ("halo report run ", ["co", "sup", "fallback", "inline", "two\\ words"]),
        ("halo report run co t", ["two\\ words"]),
        ("halo pause --agent in", ["inline"]),
        ("halo conversation list --agent-uuid s", ["sup"]),
        ("halo undo ", [".halo/receipts/1.jsonl"]),
        ("halo plan --file ", []),  # the shell completes files
        ("halo plan --base ", []),
    ],
)
@pytest.mark.usefixtures("completed_project")
def test_completion_offers_the_matching_words(capfd: pytest.CaptureFixture[str], line: str, offered: list[str]) -> None:
    assert answer(completion_variables("bash", line)) == 0
    assert capfd.readouterr() == ("\n".join(offered), "")


@pytest.mark.parametrize(
    ("shell", "line", "written"),
    [
        ("zsh", "halo preview al", '_arguments \'*: :(("alpha"\n"alpine"))\''),
        ("zsh", "halo plan --target=alph", "_arguments '*: :((\"--target=alpha\"))'"),
        (
            "zsh",
            "halo report pu",
            '_arguments \'*: :(("pull":"Write the reports of declared schedules into a folder"))\'',
        ),
        ("zsh", "halo plan --file ", "_files"),
        ("zsh", "halo plan --base ", ""),
        ("fish", "halo preview al", "alpha\nalpine"),
        ("fish", "halo report run 'two w", "two words"),
        ("fish", "halo schedule li", "list\tList the schedules of the project, declared or not"),
        ("powershell", "halo preview ", "\n".join(f"{key}::: " for key in KEYS)),
        ("tcsh", "halo preview alph", "alpha::: "),
    ],
)
@pytest.mark.usefixtures("completed_project")
def test_the_setup_line_of_each_shell(capfd: pytest.CaptureFixture[str], shell: str, line: str, written: str) -> None:
    assert answer(completion_variables(shell, line)) == 0
    assert capfd.readouterr() == (written, "")


@pytest.mark.parametrize(("line", "code"), [("halo preview ", 0), ("halo plan --base ", 0), ("halo plan --file ", 1)])
@pytest.mark.usefixtures("completed_project")
def test_fish_completes_files_only_where_a_file_is_meant(line: str, code: int) -> None:
    assert answer({**completion_variables("fish", line), "_TYPER_COMPLETE_FISH_ACTION": "is-args"}) == code


@pytest.mark.parametrize(
    "text",
    [
        "",
        "schedules:",
        "schedules: {",
        "schedules: [a, b]",
        "include: [/dev/zero, '**']",
        "\t:",
        "a: &b\n *b",
        "\ufeff\0",
    ],
)
def test_completion_prints_no_error_for_any_file(folder: Path, capfd: pytest.CaptureFixture[str], text: str) -> None:
    (folder / "halo.yaml").write_text(text)
    assert answer(completion_variables("bash", "halo plan --target ")) == 0
    assert answer(completion_variables("bash", "halo report run ")) == 0
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("env", [{}, {"COMP_WORDS": "halo"}, {"COMP_WORDS": "halo", "COMP_CWORD": "x"}])
def test_a_shell_that_asks_wrongly_gets_no_message(capfd: pytest.CaptureFixture[str], env: dict[str, str]) -> None:
    assert answer({"_HALO_COMPLETE": "complete_bash", **env}) == 1
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("path", sorted((ROOT / "examples").rglob("halo*.yaml")), ids=str)
def test_keys_are_those_of_the_loader(path: Path) -> None:
    loaded = load(path, variables={}, cwd=path.parent, checkout=ROOT)
    assert sorted(ProjectNames([str(path)], {}).keys()) == sorted(entry.key for entry in loaded.entries)


ASKING = """
import os, sys
leave = os._exit
def tell(code):
    print("", *sorted(name for name in sys.modules if name.startswith("halo_iac")), sep="\\n")
    sys.stdout.flush()
    leave(code)
os._exit = tell
from halo_iac.cli.main import run
run()
"""


@pytest.mark.usefixtures("completed_project")
def test_a_completion_imports_no_command() -> None:
    env = {**os.environ, **completion_variables("bash", "halo plan --target alph"), "PYTHONPATH": str(ROOT)}
    ended = subprocess.run([sys.executable, "-c", ASKING], env=env, capture_output=True, text=True, check=True)
    loaded = ["", ".cli", ".cli.completion", ".cli.completion_names", ".cli.main", ".exit_codes", ".version"]
    assert ended.stdout.splitlines() == ["alpha", *(f"halo_iac{name}" for name in loaded)]
    assert ended.stderr == ""
