"""README and docs are correct: their plan and comment are real, commands parse, files are valid, exit codes match.

``HALO_UPDATE_GOLDEN=1`` writes the plan anew.
"""

from __future__ import annotations

import json
import re
import shlex
import shutil
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from command_line import NOW, CommandLine
from golden_files import assert_written
from jsonschema import Draft202012Validator
from sandbox_calls import Caller
from typer.core import TyperCommand, TyperGroup

from halo_iac import errors
from halo_iac.cli.app import built_command
from halo_iac.model.plan import Plan
from halo_iac.model.remote import to_wire
from halo_iac.render.formats import PageIdentity, RenderContext
from halo_iac.render.json import plan_json, read_plan
from halo_iac.render.markdown.view import MarkdownView
from halo_iac.render.style import Style
from halo_iac.render.text.plan import plan_text
from halo_iac.sandbox.demo import SUPPORT_BOT_ID
from halo_iac.sandbox.platform import Sandbox

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
DOCS = ROOT / "docs"
COMMENT_PAGE = DOCS / "comment.md"
PAGES = (README, *(page for page in sorted(DOCS.glob("*.md")) if page.name != "commands.md"))
"""What people have written; the reference of the commands is generated, and its examples are those of ``--help``."""
PROJECT = "2f6c1c5e-7d1f-4a55-9a86-3c6f7f2f9d10"
THERE = {
    "checkout-daily": "252ec52c-9c54-495d-9dbf-4e10f6fa5278",
    "research-nightly": "8d0f7a3b-52c4-4c1e-9f5e-6c1d0b7f4a21",
}
"""The entries that have been applied already, and the ids of their schedules."""
TRIAL = "51b0a6f7-9f0c-4a55-8f4e-7a6a2b6f2f0e"


def blocks(kind: str, page: Path = README) -> list[str]:
    """Return a page's fenced blocks of a kind, in their order."""
    return re.findall(rf"^```{kind}\n(.*?)^```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


# The plan -----------------------------------------------------------------------------------------------------------


def plan_of_project(halo: CommandLine) -> Plan:
    ended = halo("plan", "--sandbox", "--json", INF_PROJECT_ID=PROJECT)
    assert (ended.code, ended.err) == (0, "")
    return read_plan(ended.out.encode())


def plan_of_edited_project(halo: CommandLine, folder: Path) -> Plan:
    """Return the plan of our own ``halo.yaml`` after two of its entries were applied and one of them was changed."""
    path = folder / "halo.yaml"
    shutil.copy(ROOT / "halo.yaml", path)
    specs = {change.key: change.after for change in plan_of_project(halo).changes}
    ids = iter([*THERE.values(), TRIAL])
    with Sandbox.open(folder / ".halo" / "sandbox.db", ids=lambda: next(ids)) as sandbox:
        caller = Caller(sandbox)
        for key in THERE:
            spec = specs[key]
            assert spec is not None
            caller.create(**to_wire(spec), projectId=PROJECT)
        caller.create(title="Trial of last spring", agentUuid=SUPPORT_BOT_ID, projectId=PROJECT)
    path.write_text(path.read_text(encoding="utf-8").replace('at: "09:00"', 'at: "08:30"'), encoding="utf-8")
    return plan_of_project(halo)


def test_the_plan_in_the_readme_is_the_plan_of_its_project(halo: CommandLine, folder: Path) -> None:
    plan = plan_of_edited_project(halo, folder)
    host = replace(plan.host, base_url="https://relay.inference.net", url_origin="default", is_sandbox=False)
    text = plan_text(replace(plan, host=host), Style(), now=NOW)
    (shown,) = blocks("text")
    assert_written(README, README.read_text(encoding="utf-8").replace(shown, text))


COMMENT = re.compile(r"<!-- the comment -->\n(.*?)<!-- end of the comment -->\n", re.DOTALL)


def test_the_comment_in_the_docs_is_the_plan_of_the_readme_as_markdown(halo: CommandLine, folder: Path) -> None:
    plan = plan_of_edited_project(halo, folder)
    host = replace(plan.host, base_url="https://relay.inference.net", url_origin="default", is_sandbox=False)
    context = RenderContext(Style(), NOW, identity=lambda: PageIdentity("halo.yaml", PROJECT, ""))
    page = MarkdownView(context).applied(replace(plan, host=host), None)
    (shown,) = COMMENT.findall(text := COMMENT_PAGE.read_text(encoding="utf-8"))
    assert_written(COMMENT_PAGE, text.replace(shown, page))
    assert (DOCS / "comment.png").read_bytes().startswith(b"\x89PNG")


def test_the_plan_of_the_readme_as_json_matches_the_schema(halo: CommandLine, folder: Path) -> None:
    schema = json.loads((ROOT / "schemas" / "halo.plan.schema.json").read_text(encoding="utf-8"))
    document = json.loads(plan_json(plan_of_edited_project(halo, folder)))
    assert list(Draft202012Validator(schema).iter_errors(document)) == []


# Commands -----------------------------------------------------------------------------------------------------------


def command_lines() -> Iterator[str]:
    """Yield every command of ours that is shown to be run: README's, and those in a document's blocks."""
    for page in PAGES:
        for block in blocks("console", page):
            yield from re.findall(r"^\$ (halo .*)$", block, re.MULTILINE)
    yield from commands_mentioned(README)


def commands_mentioned(page: Path) -> list[str]:
    """Return the commands within a page's sentences."""
    prose = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    return re.findall(r"`(halo [^`]+)`", prose)


@cache
def root() -> TyperCommand | TyperGroup:
    return built_command()


@pytest.mark.parametrize("line", sorted(set(command_lines())))
def test_every_command_in_the_readme_parses(line: str) -> None:
    _, *words = shlex.split(line.partition(" > ")[0], comments=True)
    command = root()
    while isinstance(command, TyperGroup) and words:
        if words[0].startswith("-"):
            assert words[0] in {option for each in command.params for option in each.opts}
            return
        command = command.commands[words.pop(0)]
    if not isinstance(command, TyperGroup):
        with command.make_context("halo", words):
            pass  # options and arguments were parsed, and nothing was run


@pytest.mark.parametrize("line", sorted({line for page in PAGES[1:] for line in commands_mentioned(page)}))
def test_every_command_mentioned_in_the_docs_has_the_options_shown(line: str) -> None:
    _, *words = shlex.split(line.partition(" > ")[0], comments=True)
    command = root()
    while isinstance(command, TyperGroup) and words and not words[0].startswith("-"):
        command = command.commands[words.pop(0)]
    known = {"--help", "-h"} | {option for each in command.params for option in each.opts}
    assert {word.partition("=")[0] for word in words if word.startswith("-")} <= known


def test_the_tests_that_reliability_names_are_there() -> None:
    named = re.findall(r"`(test_\w+)(\*?)`", (DOCS / "reliability.md").read_text(encoding="utf-8"))
    assert len(named) > 10
    for name, star in named:
        assert list((ROOT / "tests").glob(f"{name}{star}.py")), name


# The project file ---------------------------------------------------------------------------------------------------


def test_the_project_file_of_the_readme_is_valid(halo: CommandLine, folder: Path) -> None:
    example, *others = blocks("yaml")
    assert others == []
    whole = re.sub(r"([0-9a-f]{8})-…", r"\1-0000-4000-8000-000000000000", example)
    (folder / "halo.yaml").write_text(whole, encoding="utf-8")
    (folder / "prompts").mkdir()
    (folder / "prompts" / "checkout.md").write_text("Look.\n", encoding="utf-8")
    (folder / "schedules").mkdir()
    entry = 'more: {title: "Checkout: more", agent: checkout, frequency: hourly, minutes: 0}'
    (folder / "schedules" / "more.yaml").write_text(f"schedules:\n  {entry}\n", encoding="utf-8")
    ended = halo("validate")
    assert (ended.code, ended.err) == (0, "")
    assert "no problems" in ended.out


@pytest.mark.parametrize("page", [page for page in PAGES[1:] if blocks("yaml", page)], ids=lambda page: page.name)
def test_the_project_files_of_a_document_are_valid(page: Path, halo: CommandLine, folder: Path) -> None:
    for example in blocks("yaml", page):
        (folder / "halo.yaml").write_text(example, encoding="utf-8")
        ended = halo("validate")
        assert (ended.code, ended.err) == (0, "")
        assert "no problems" in ended.out


# Exit codes ---------------------------------------------------------------------------------------------------------


def words_of(text: str) -> set[str]:
    return set(re.findall(r"\w+", text))


def test_the_exit_codes_are_those_of_help_and_of_every_error(halo: CommandLine) -> None:
    table = re.findall(r"^\| (\d+) \| (.+) \|$", (DOCS / "cli.md").read_text(encoding="utf-8"), re.MULTILINE)
    help_ = " ".join(halo("--help").out.partition("Exit codes: ")[2].split())
    listed = re.findall(r"(\d+) ([^,.]+)", help_)
    assert [code for code, _ in table] == ["0", "1", "2", "3", "4", "5", "64", "130"]
    assert [code for code, _ in listed] == [code for code, _ in table]
    for (code, meaning), (_, short) in zip(table, listed, strict=True):
        assert words_of(short) <= words_of(meaning), code
    ours = (each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, errors.HaloError))
    assert {str(each.exit_code) for each in ours} <= dict(table).keys()


def test_the_readme_has_at_most_two_hundred_lines() -> None:
    assert len(README.read_text(encoding="utf-8").splitlines()) <= 200
