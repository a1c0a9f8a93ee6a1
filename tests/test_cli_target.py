"""Commands that halo suggests name the same project file and platform as the command that was run."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path

import pytest
from command_line import CommandLine

from halo_iac.cli.target import TargetOptions
from halo_iac.hints import Command, Hint, join_hints
from halo_iac.render.style import Style

ENTRY = "title: {title}, agent: checkout, frequency: daily, hours: 9"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("plan",), "halo plan --file 'my file.yaml' --project p --team t --sandbox"),
        (("run", "poll", "r"), "halo run poll r --file 'my file.yaml' --project p --team t --sandbox"),
        (("rename", "a", "--from", "B c"), "halo rename a --from 'B c' --file 'my file.yaml'"),
        (("init",), "halo init --file 'my file.yaml'"),
        (("plan", "--file", "other", "--sandbox"), "halo plan --file other --sandbox --project p --team t"),
        (("sandbox", "reset"), "halo sandbox reset"),
        (("schema",), "halo schema"),
        (("schema", "x\n::error::y"), "halo schema 'x␊::error::y'"),
    ],
)
def test_target_flags_are_added_to_commands_that_take_them(words: tuple[str, ...], expected: str) -> None:
    assert TargetOptions("my file.yaml", "p", "t", sandbox=True).format_command(Command(*words)) == expected


def test_only_the_commands_of_a_hint_are_spelt_out() -> None:
    hint = Hint("run `{}` or `{}`, not `plan` of {}", Command("init"), Command("plan", "--out", "a b"), "`halo {}`")
    assert hint == "run `halo init` or `halo plan --out 'a b'`, not `plan` of `halo {}`"
    target = TargetOptions("x.yaml", sandbox_file="s.db")
    assert Style(format_command=target.format_command).safe(join_hints("; ", (None, "so", hint))) == (
        "so; run `halo init --file x.yaml` or `halo plan --out 'a b' --file x.yaml --sandbox-file s.db`, "
        "not `plan` of `halo {}`"
    )
    assert deepcopy(hint) is hint


@pytest.fixture
def staging(halo: CommandLine, folder: Path) -> CommandLine:
    """A production file and a staging file with the same keys; the platform holds staging's under an older title."""
    (folder / "halo.yaml").write_text(f"version: 1\nschedules:\n  a: {{{ENTRY.format(title='Prod')}}}\n")
    path = folder / "halo.staging.yaml"
    path.write_text(f"version: 1\nschedules:\n  a: {{{ENTRY.format(title='Old')}}}\n")
    assert halo("apply", "--sandbox", "--yes", "--file", path.name).code == 0
    path.write_text(path.read_text().replace("Old", "New"))
    return halo


@pytest.mark.parametrize("format_", ["text", "markdown", "github"])
def test_the_rename_of_a_refusal_edits_the_file_that_was_planned(staging: CommandLine, format_: str) -> None:
    refused = staging("plan", "--sandbox", "--file", "halo.staging.yaml", "--format", format_)
    assert refused.code == 3
    assert "`halo rename a --from Old --file halo.staging.yaml`" in refused.out


def test_a_plan_s_document_has_nothing_of_the_command_line(staging: CommandLine) -> None:
    options = ("--sandbox", "--file", "halo.staging.yaml")
    assert "`halo rename a --from Old`" in staging("plan", *options, "--json").json["refusals"][0]["message"]


def test_the_hint_of_an_error_leads_to_the_same_platform(staging: CommandLine) -> None:
    ended = staging("report", "get", "a", "--sandbox", "--file", "halo.staging.yaml")
    assert ended.err.endswith("hint: run `halo apply --file halo.staging.yaml --sandbox` to create it\n")


def test_a_title_that_holds_a_command_stays_as_it_is(halo: CommandLine, folder: Path) -> None:
    path = folder / "halo.staging.yaml"
    titled = ENTRY.format(title="'Use `halo plan` daily'")
    path.write_text(f"version: 1\nschedules:\n  a: {{{titled}}}\n")
    assert halo("apply", "--sandbox", "--yes", "--file", path.name).code == 0
    path.write_text(path.read_text().replace("daily'", "weekly'"))
    refused = halo("plan", "--sandbox", "--file", path.name)
    assert refused.code == 3
    assert 'if they are the same schedule, add `renamed_from: "Use `halo plan` daily"` or' in refused.out


def test_an_error_is_copied_as_printed(staging: CommandLine, folder: Path) -> None:
    ended = staging("plan", "--sandbox", "--file", "none.yaml", "--also", "markdown=e.md")
    for text in (ended.err, (folder / "e.md").read_text()):
        assert "`halo import --file none.yaml --sandbox`" in text
