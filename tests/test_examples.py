"""Every example validates, and plans on a fresh sandbox as its golden file says.

``test_json_schema.py`` checks that they match the JSON Schemas. ``HALO_UPDATE_GOLDEN=1`` rewrites the golden files.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from command_line import CommandLine, schedules
from golden_files import GOLDEN, assert_golden

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
    titles = [each["title"] for each in schedules(halo)]
    assert sorted(titles) == ["Checkout: daily review", "Support: weekly review"]


def test_a_schedule_is_handed_over_from_one_team_to_the_other(halo: CommandLine, folder: Path) -> None:
    shutil.copytree(EXAMPLES / "scopes", folder, dirs_exist_ok=True)
    for name in ("checkout.yaml", "support.yaml"):
        assert halo("apply", "--sandbox", "--yes", "--file", name).code == 0
    (before,) = [each for each in schedules(halo) if each["title"] == "Support: weekly review"]
    former, heir = folder / "support.yaml", folder / "checkout.yaml"
    head, entry = former.read_text().split("schedules:\n")
    former.write_text(f"{head}schedules: {{}}\n")
    taken = entry.replace('"Support: weekly', '"Checkout: weekly').replace("support-bot", "checkout")
    heir.write_text(f'{heir.read_text()}\n{taken}    renamed_from: "Support: weekly review"\n')
    refused = halo("plan", "--sandbox", "--file", "checkout.yaml")
    command = "halo plan --allow-takeover weekly --file checkout.yaml --sandbox"
    assert (refused.code, f"run `{command}` to take it over" in refused.out) == (1, True), refused.out
    assert halo("plan", "--sandbox", "--file", "checkout.yaml", "--allow-takeover", "wekly").code == 64
    planned = halo("plan", "--sandbox", "--file", "checkout.yaml", "--allow-takeover", "weekly", "--out", "p.json")
    assert (planned.code, "--allow-takeover weekly" in planned.err) == (0, True), planned.text
    assert planned.out.endswith("0 to archive; 1 unchanged. Runs a month: 30.4 → 34.8 (+4.3).\n"), planned.out
    applied = halo("apply", "p.json", "--sandbox", "--yes", "--file", "checkout.yaml", "--allow-takeover", "weekly")
    assert applied.code == 0, applied.text
    (after,) = [each for each in schedules(halo) if each["title"] == "Checkout: weekly review"]
    assert after["id"] == before["id"]
    for name in ("support.yaml", "checkout.yaml"):
        assert halo("plan", "--sandbox", "--file", name, "--detailed-exitcode").code == 0


def test_staging_reads_its_model_from_the_environment(halo: CommandLine, folder: Path) -> None:
    shutil.copytree(EXAMPLES / "environments", folder, dirs_exist_ok=True)
    planned = halo("plan", "--sandbox", "--file", "halo.staging.yaml", "--json", HALO_VAR_REVIEW_MODEL="halo-small")
    after = {change["key"]: change["after"] for change in planned.json["changes"]}
    assert after["research-weekly"]["model_id"] == "halo-small"
    assert sorted(after) == ["checkout-daily", "research-weekly", "support-daily"]
    assert {each["span_limit"] for each in after.values()} == {500}
