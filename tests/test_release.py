"""What turns a tag into a release, and the container file, as far as they can be tried without GitHub and an image."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).parent.parent
WORKFLOWS = sorted((ROOT / ".github" / "workflows").iterdir())


def release_notes(folder: Path, tag: str, changelog: str) -> tuple[int, str, str]:
    """Run the script on a repository with version 1.2.3 and the changelog."""
    for name, text in {
        ".ci/release_notes.py": (ROOT / ".ci" / "release_notes.py").read_text(encoding="utf-8"),
        "halo_iac/__init__.py": '"""A package."""\n\n__version__ = "1.2.3"\n',
        "CHANGELOG.md": changelog,
    }.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    ended = subprocess.run(
        [sys.executable, ".ci/release_notes.py", tag], cwd=folder, capture_output=True, encoding="utf-8", check=False
    )
    return ended.returncode, ended.stdout, ended.stderr


CHANGELOG = (
    "# Changelog\n\n## [Unreleased]\n\n## [1.2.3] - 2026-12-01\n\n### Added\n\n- This.\n\n## [1.2.2]\n\n- That.\n"
)


def test_the_notes_of_a_release_are_its_section_of_the_changelog(tmp_path: Path) -> None:
    assert release_notes(tmp_path, "v1.2.3", CHANGELOG) == (0, "### Added\n\n- This.\n", "")


@pytest.mark.parametrize(
    ("tag", "changelog", "message"),
    [
        ("v1.2.4", CHANGELOG, "the tag is v1.2.4, but halo_iac/__init__.py says 1.2.3"),
        ("1.2.3", CHANGELOG, "the tag is 1.2.3, but halo_iac/__init__.py says 1.2.3"),
        ("v1.2.3", CHANGELOG.replace("[1.2.3]", "[1.2.30]"), "CHANGELOG.md has no section “## 1.2.3”"),
        ("v1.2.3", "## [1.2.3]\n\n## [1.2.2]\n\n- That.\n", "CHANGELOG.md has no section “## 1.2.3”, or nothing in it"),
    ],
)
def test_a_release_that_does_not_fit_is_refused(tmp_path: Path, tag: str, changelog: str, message: str) -> None:
    code, out, err = release_notes(tmp_path, tag, changelog)
    assert (code, out) == (1, "")
    assert err.startswith(f"error: {message}")


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_of_ours_has_no_more_permissions_than_it_needs_and_pins_what_it_uses(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    workflow = YAML(typ="safe").load(text)
    assert workflow["permissions"] == {}
    for name, job in workflow["jobs"].items():
        assert {"permissions", "timeout-minutes"} <= set(job), name
        assert not any("${{" in step.get("run", "") for step in job["steps"]), name
    for line in re.findall(r"uses: .*", text):
        assert re.fullmatch(r"uses: ([\w/-]+@[0-9a-f]{40}  # v\d+\.\d+\.\d+|\./ .*)", line), line


def test_every_python_that_is_promised_is_tried() -> None:
    promised = re.findall(r'"Programming Language :: Python :: (3\.\d+)"', (ROOT / "pyproject.toml").read_text())
    matrix = YAML(typ="safe").load(ROOT / ".github" / "workflows" / "ci.yml")["jobs"]["test"]["strategy"]["matrix"]
    assert matrix["python"] == promised


def test_the_container_runs_halo_not_as_root_and_takes_nothing_that_a_checkout_holds_beside_the_source() -> None:
    lines = (ROOT / "Containerfile").read_text(encoding="utf-8").replace("\\\n", " ").splitlines()
    steps = [line.split(maxsplit=1) for line in lines if line and not line.startswith("#")]
    assert [each for word, each in steps if word in {"USER", "ENTRYPOINT"}] == ["halo", '["halo"]']
    assert len({each.split()[0] for word, each in steps if word == "FROM"}) == 1
    read = {name: (ROOT / name).read_text(encoding="utf-8").splitlines() for name in (".gitignore", ".dockerignore")}
    no_source = {".git", ".env", *(each.strip("/") for each in read[".gitignore"])}
    assert no_source <= {each.removeprefix("**/") for each in read[".dockerignore"]}
