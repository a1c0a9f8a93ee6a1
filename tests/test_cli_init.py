"""``halo init``: a first project file, which validates and plans."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from command_line import CommandLine, tree
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

from halo_iac.cli.init import pipeline as init_pipeline
from halo_iac.errors import FileError
from halo_iac.load import load


def test_a_new_project_validates_and_plans(halo: CommandLine, folder: Path) -> None:
    ended = halo("init")
    assert (ended.code, ended.out, ended.err) == (
        0,
        "Wrote halo.yaml, and halo.schema.json and halo.include.schema.json beside it.\n",
        "Next: run `halo agent list` to see the agents, then `halo plan` to see what would change.\n",
    )
    assert sorted(tree(folder)) == ["halo.include.schema.json", "halo.schema.json", "halo.yaml"]
    assert (folder / "halo.schema.json").read_text() == halo("schema").out
    assert (folder / "halo.include.schema.json").read_text() == halo("schema", "include").out
    assert halo("validate").out == "halo.yaml: 0 schedules, no problems\n"
    assert halo("plan", "--sandbox", "--detailed-exitcode").code == 0


@pytest.mark.parametrize("agent", ["checkout", "5a4db0c5-a000-4000-8000-000000000001"])
def test_with_an_agent_there_is_one_schedule_to_create(halo: CommandLine, folder: Path, agent: str) -> None:
    ended = halo("init", "--sandbox", "--agent", agent)
    assert ended.err == (
        "Next: run `halo agent list --sandbox` to see the agents, "
        "then `halo plan --sandbox` to see what would change.\n"
    )
    assert f'agent: "{agent}"' in (folder / "halo.yaml").read_text()
    planned = halo("plan", "--sandbox", "--detailed-exitcode")
    assert planned.code == 2
    assert "Plan: 1 to create," in planned.out
    assert halo("apply", "--sandbox", "--yes").code == 0


@pytest.mark.parametrize(
    "agent", ['quo"te', "colon: # and", "日本語", "back\\slash", "a | b", "${HOME} $$", "x\x7fy\u2028z\x85."]
)
def test_any_agent_name_is_written_so_that_it_reads_back(halo: CommandLine, folder: Path, agent: str) -> None:
    halo("init", "--agent", agent)
    assert halo("validate").code == 0
    assert halo("plan", "--sandbox").code == 1  # there is no such agent
    (entry,) = load(folder / "halo.yaml", variables={}, cwd=folder, checkout=None).entries
    assert entry.spec is not None
    assert entry.spec.agent == agent
    assert (folder / "halo.yaml").read_text(encoding="utf-8").count("agent: ") == 1


def test_the_commented_entry_is_valid_without_braces_and_comments(halo: CommandLine, folder: Path) -> None:
    halo("init")
    path = folder / "halo.yaml"
    head, _, rest = path.read_text().partition("schedules: {}")
    lines = ["schedules:", *(line.replace("#", " ", 1) for line in rest.splitlines()[1:])]
    path.write_text(head + "\n".join(lines) + "\n")
    assert halo("validate").out == "halo.yaml: 1 schedule, no problems\n"


def test_nothing_is_ever_overwritten(halo: CommandLine, folder: Path) -> None:
    (folder / "halo.schema.json").write_text("mine")
    assert halo("init").out == "Wrote halo.yaml, and halo.include.schema.json beside it.\n"
    before = tree(folder)
    ended = halo("init", "--agent", "checkout")
    assert (ended.code, ended.out) == (1, "")
    assert (
        ended.err == "error: halo.yaml already exists; it was not overwritten\nhint: choose another file with --file\n"
    )
    assert tree(folder) == before
    assert before["halo.schema.json"] == b"mine"


def test_another_file_name_and_folder_can_be_given(halo: CommandLine, folder: Path) -> None:
    (folder / "sub").mkdir()
    assert halo("init", "--file", "sub/staging.yaml").code == 0
    assert halo("init", HALO_FILE="env.yaml").code == 0
    schemas = ["halo.include.schema.json", "halo.schema.json"]
    assert sorted(tree(folder)) == ["env.yaml", *schemas, *(f"sub/{name}" for name in schemas), "sub/staging.yaml"]
    assert halo("init", "--file", "no/halo.yaml").err == (
        "error: no/halo.yaml: No such file or directory\nhint: check the folder and its permissions\n"
    )


def test_an_empty_agent_or_file_is_wrong_usage(halo: CommandLine, folder: Path) -> None:
    assert halo("init", "--agent", " ").code == 64
    assert halo("init", "--file", "").code == 64
    assert tree(folder) == {}


@pytest.mark.parametrize("name", ["project", "include", "plan"])
def test_every_printed_schema_is_a_valid_json_schema(halo: CommandLine, name: str) -> None:
    schema = json.loads(halo("schema", name, "--sandbox").out)
    Draft202012Validator.check_schema(schema)


def test_the_file_written_matches_the_schema_written(halo: CommandLine, folder: Path) -> None:
    halo("init", "--agent", "checkout")
    schema = json.loads((folder / "halo.schema.json").read_text())
    written = YAML(typ="safe").load(folder / "halo.yaml")
    assert list(Draft202012Validator(schema).iter_errors(written)) == []


# Asking -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answers", "declared"),
    [
        ("checkout\ndaily\n08:30\nAmerica/New_York\n", {"agent": "checkout", "at": "08:30", "frequency": "daily"}),
        ("2\nweekly\n\n\n", {"agent": "support-bot", "at": "09:00", "frequency": "weekly", "days_of_week": "mon"}),
        (
            "che\nresearch\nnever\nMonthly\n25:00\n7:05\nmars\neurope/berlin\n",
            {"agent": "research", "days_of_month": 1},
        ),
        ("1\nhourly\n", {"agent": "checkout", "frequency": "hourly"}),
        ("1\n", {"agent": "checkout", "frequency": "daily", "at": "09:00"}),
    ],
)
def test_on_a_terminal_it_asks_and_writes_what_has_no_finding(
    halo: CommandLine, folder: Path, answers: str, declared: dict[str, object]
) -> None:
    ended = halo("init", "--sandbox", answer=answers)
    assert ended.code == 0
    assert ended.err.endswith("Next: run `halo plan --sandbox` to see what would change.\n")
    (entry,) = YAML(typ="safe").load(folder / "halo.yaml")["schedules"].values()
    assert {key: entry[key] for key in declared} == declared
    assert halo("validate").text == "halo.yaml: 1 schedule, no problems\n"
    assert "Plan: 1 to create" in halo("plan", "--sandbox").out


def test_an_invalid_answer_is_asked_for_again(halo: CommandLine) -> None:
    ended = halo("init", "--sandbox", answer="1\nnever\ndaily\n9\n09:00\nmars\nUTC\n")
    for words in (
        "'never' is not hourly, daily, weekly or monthly.",
        "'9' is not a time such as 09:00.",
        "'mars' is not an IANA time zone such as Europe/Berlin.",
    ):
        assert words in ended.err


def test_without_a_key_the_agent_is_typed(halo: CommandLine, folder: Path) -> None:
    ended = halo("init", answer="my agent\ndaily\n")
    assert "Agents cannot be listed: no API key: " in ended.err
    assert 'agent: "my agent"' in (folder / "halo.yaml").read_text()


@pytest.mark.parametrize("answer", ["", "\n"])
def test_without_an_agent_the_entry_stays_an_example(halo: CommandLine, folder: Path, answer: str) -> None:
    asked = halo("init", answer=answer)
    assert (asked.code, halo("validate").out) == (0, "halo.yaml: 0 schedules, no problems\n")
    halo("init", "--file", "other.yaml")
    assert (folder / "other.yaml").read_text() == (folder / "halo.yaml").read_text()


# Pipelines ----------------------------------------------------------------------------------------------------------

COMMIT = "a1" * 20


@pytest.fixture
def pinned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(init_pipeline, "commit", lambda: COMMIT)
    monkeypatch.setattr(init_pipeline, "repository", lambda: "acme/halo")


@pytest.mark.usefixtures("pinned")
@pytest.mark.parametrize(("host", "example"), [("github", "github-actions"), ("gitlab", "gitlab-ci")])
def test_ci_writes_what_the_example_holds_pinned(halo: CommandLine, folder: Path, host: str, example: str) -> None:
    (folder.parent / ".git").rename(folder / ".git")
    ended = halo("init", "--agent", "checkout", "--ci", host)
    assert ended.code == 0
    source = Path(__file__).parent.parent / "examples" / example
    named = [path for path in source.rglob("*.yml") if path.name == ".gitlab-ci.yml" or "workflows" in path.parts]
    assert named
    for path in named:
        text = path.read_text(encoding="utf-8").replace("0" * 40, COMMIT).replace("OWNER/halo", "acme/halo")
        assert (folder / path.relative_to(source)).read_text(encoding="utf-8") == text
    assert "replace" not in ended.err
    again = halo("init", "--ci", host)
    assert (again.code, again.out) == (0, "")
    assert again.err.count("already exists; it was not overwritten.") == len(named)


@pytest.mark.parametrize("host", init_pipeline.CiHost)
def test_ci_names_all_that_the_host_has_to_hold(halo: CommandLine, folder: Path, host: init_pipeline.CiHost) -> None:
    (folder.parent / ".git").rename(folder / ".git")
    shown = halo("init", "--agent", "checkout", "--ci", host).err
    root = Path(__file__).parent.parent
    texts = [path.read_text() for path in (root / "examples" / init_pipeline.EXAMPLES[host]).rglob("*.yml")]
    texts += [(root / "templates" / "halo.yml").read_text()] * (host == init_pipeline.CiHost.GITLAB)
    held = re.findall(
        r"(?<=secrets\.)\w+|(?<=vars\.)\w+|(?<=\$)HALO_(?!CI_)\w+|\bhalo-(?:approval|production)", "".join(texts)
    )
    assert {"HALO_WRITE_KEY", "halo-production"} <= {*held}
    assert [each for each in held if each not in shown] == []


@pytest.mark.usefixtures("pinned")
def test_a_pipeline_on_gitlab_stays_and_what_to_add_to_it_is_shown(halo: CommandLine, folder: Path) -> None:
    path = folder.parent / ".gitlab-ci.yml"
    path.write_text("stages: [ship]\n")
    ended = halo("init", "--ci", "gitlab")
    assert (ended.code, path.read_text()) == (0, "stages: [ship]\n")
    included = f"""\
- add to .gitlab-ci.yml, unless it is there:

  include:
    - remote: https://raw.githubusercontent.com/acme/halo/{COMMIT}/templates/halo.yml
      inputs:
        source: https://github.com/acme/halo.git
        ref: "{COMMIT}"
        files: "work/halo.yaml"
"""
    assert included in ended.err


def test_init_ci_names_unknown_values_to_replace(
    halo: CommandLine, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(init_pipeline, "commit", lambda: None)
    monkeypatch.setattr(init_pipeline, "repository", lambda: None)
    monkeypatch.setattr(init_pipeline, "_read_example", lambda _: {"ci.yml": f"uses: OWNER/halo@{'0' * 40}\n"})
    ended = halo("init", "--ci", "github")
    assert (folder.parent / "ci.yml").exists()  # beside .git
    assert "- replace OWNER/halo with the repository that you install halo from\n- replace 0000" in ended.err


@pytest.mark.parametrize("host", init_pipeline.CiHost)
def test_a_pipeline_names_another_project_file(halo: CommandLine, folder: Path, host: init_pipeline.CiHost) -> None:
    name = 'envs/a: "b" #c/halo.yaml'
    (folder / name).parent.mkdir(parents=True)
    assert halo("init", "--ci", host, "-f", name).code == 0
    texts = [path.read_text() for path in folder.parent.glob(init_pipeline.FILES[host])]
    uses = [use for text in texts for use in inputs(YAML(typ="safe").load(text))]
    assert [use.get("files") for use in uses] == [f"work/{name}"] * len(uses) != []


def inputs(document: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401
    """Yield what each use of halo in a workflow or an include is given."""
    if isinstance(document, dict):
        if "command" in document or "ref" in document:
            yield document
        for each in document.values():
            yield from inputs(each)
    elif isinstance(document, list):
        for each in document:
            yield from inputs(each)


def test_the_wheel_holds_what_ci_writes() -> None:
    root = Path(__file__).parent.parent
    text = (root / "pyproject.toml").read_text(encoding="utf-8")
    packed = tomllib.loads(text)["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    assert packed == {path: f"halo_iac/{path}" for path in packed}
    for host, folder in init_pipeline.EXAMPLES.items():
        files = [path.relative_to(root) for path in (root / "examples" / folder).glob(init_pipeline.FILES[host])]
        assert files
        assert all(any(path.is_relative_to(each) for each in packed) for path in files)


def test_no_project_file_is_left_without_its_schemas(
    halo: CommandLine, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: Path) -> list[str]:
        raise FileError("halo.schema.json: No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("halo_iac.cli.commands.init.write_schemas", full)
        assert halo("init", "--agent", "checkout").code == 1
    assert not (folder / "halo.yaml").exists()
    assert halo("init", "--agent", "checkout").code == 0
