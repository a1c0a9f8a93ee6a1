"""Every example validates, and plans on a fresh sandbox as its golden file says.

``test_json_schema.py`` checks that they match the JSON Schemas. ``HALO_UPDATE_GOLDEN=1`` rewrites the golden files.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from command_line import GOLDEN, CommandLine, assert_golden

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples"
PROJECTS = sorted(
    path.relative_to(ROOT)
    for path in (ROOT / "halo.yaml", *EXAMPLES.glob("*/*.yaml"))
    if re.search(r"^version:", path.read_text(encoding="utf-8"), re.MULTILINE)
)


def golden_of(project: Path) -> str:
    return f"examples/{'-'.join(project.with_suffix('').parts).removeprefix('examples-')}.txt"


@pytest.fixture(params=PROJECTS, ids=str)
def project(request: pytest.FixtureRequest, folder: Path) -> Path:
    """Return a project file's place in the repository, its folder copied into the working directory."""
    path: Path = request.param
    if path.parent == Path():
        shutil.copy(ROOT / path, folder)
    else:
        shutil.copytree(ROOT / path.parent, folder, dirs_exist_ok=True)
    return path


def test_an_example_validates(halo: CommandLine, project: Path) -> None:
    ended = halo("validate", "--file", project.name)
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.endswith(", no problems\n")


def test_an_example_plans_and_applies(halo: CommandLine, folder: Path, project: Path) -> None:
    planned = halo("plan", "--sandbox", "--file", project.name)
    assert (planned.code, planned.err) == (0, "")
    assert_golden(golden_of(project), planned.out.replace(str(folder), "/home/you/project"))
    assert halo("apply", "--sandbox", "--yes", "--file", project.name).code == 0
    assert halo("plan", "--sandbox", "--detailed-exitcode", "--file", project.name).code == 0


def test_every_folder_is_an_example_and_in_the_readme() -> None:
    folders = {path.name for path in EXAMPLES.iterdir() if path.is_dir()}
    readme = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    assert {path.parent.name for path in PROJECTS if path.parent != Path()} == folders
    assert set(re.findall(r"\]\(([\w-]+)\)", readme)) == folders


def test_no_golden_plan_is_of_an_example_that_is_gone() -> None:
    assert {f"examples/{path.name}" for path in (GOLDEN / "examples").iterdir()} == set(map(golden_of, PROJECTS))


def test_teams_with_scopes_leave_each_other_alone(halo: CommandLine, folder: Path) -> None:
    shutil.copytree(EXAMPLES / "scopes", folder, dirs_exist_ok=True)
    for name in ("checkout.yaml", "support.yaml", "checkout.yaml"):
        assert halo("apply", "--sandbox", "--yes", "--file", name).code == 0
    titles = [each["title"] for each in halo("schedule", "list", "--sandbox", "--json").json["schedules"]]
    assert sorted(titles) == ["Checkout: daily review", "Support: weekly review"]


def test_staging_reads_its_model_from_the_environment(halo: CommandLine, folder: Path) -> None:
    shutil.copytree(EXAMPLES / "environments", folder, dirs_exist_ok=True)
    planned = halo("plan", "--sandbox", "--file", "halo.staging.yaml", "--json", HALO_VAR_REVIEW_MODEL="halo-small")
    after = {change["key"]: change["after"] for change in planned.json["changes"]}
    assert after["weekly"]["model_id"] == "halo-small"
    assert {(each["enabled"], each["span_limit"]) for each in after.values()} == {(False, 500)}
