"""The documents are consistent: citations and links resolve, and tables match the code.

``HALO_UPDATE_GOLDEN=1`` writes the reference of the commands anew.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from golden_files import assert_written

from halo_iac.api.limits import DEFAULT
from halo_iac.findings.rules import RULES
from halo_iac.load import limits as bounds
from halo_iac.load.fields import ENTRY_FIELDS, POLICY_FIELDS, PROJECT_FIELDS, SCHEDULE_FIELDS
from halo_iac.render.json import MAX_PLAN_BYTES
from halo_iac.storage.receipt_file import MAX_RECEIPT_BYTES

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
WRITTEN = (".md", ".py", ".toml", ".yaml", ".yml", ".sh", ".json", "Makefile")
FOLDERS = ("halo_iac", "tests", "benchmarks", "docs", "examples", "schemas")
MIB = 1024 * 1024


@cache
def texts() -> dict[str, str]:
    """Return every file that people write, by its path; found without git, which an archive has not."""
    inside = (path for folder in FOLDERS for path in (ROOT / folder).rglob("*"))
    paths = [*(path for path in ROOT.iterdir()), *inside]
    return {
        path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted(paths)
        if path.is_file() and path.name.endswith(WRITTEN) and "golden" not in path.parts
    }


def headings(markdown: str) -> Iterator[str]:
    """Yield the headings outside of blocks of code."""
    for part in re.split(r"(?ms)^```.*?^```$", markdown):
        yield from re.findall(r"(?m)^#{1,6} +(.+?) *#*$", part)


@cache
def anchors(path: str) -> frozenset[str]:
    """Return the anchors that GitHub gives the headings of a page."""
    found: list[str] = []
    for heading in headings(texts()[path]):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        slug = re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-")
        again = sum(re.fullmatch(rf"{re.escape(slug)}(-\d+)?", each) is not None for each in found)
        found.append(f"{slug}-{again}" if again else slug)
    return frozenset(found)


# What leads to a page -----------------------------------------------------------------------------------------------


def citations() -> Iterator[tuple[str, str, str]]:
    """Yield where each document is cited, which one, and its heading's anchor."""
    for path, text in texts().items():
        for page, anchor in re.findall(r"\b(docs/[\w/-]+\.md)(?:#([\w-]+))?", text):
            yield path, page, anchor


def test_every_cited_document_exists() -> None:
    wrong = {
        (path, f"{page}#{anchor}")
        for path, page, anchor in citations()
        if page not in texts() or (anchor and anchor not in anchors(page))
    }
    assert wrong == set()


OUTSIDE = (
    r"design\s+(?:#\s+)?(?:[§]|[\\]u00a7)"
    r"|(?<![/\w-])(?:design|wire|wire-traces|house|decisions|peers|halo-docs|performance)[.]md"
)
"""How documents are cited that are not in the repository."""


def test_no_citation_leads_out_of_the_repository() -> None:
    found = {
        (path, cited)
        for path, text in texts().items()
        if not path.startswith("docs/")
        for cited in re.findall(OUTSIDE, text)
    }
    assert found == set()


def links(text: str) -> Iterator[str]:
    prose = re.sub(r"(?ms)^```.*?^```$|`[^`\n]*`", "", text)
    yield from re.findall(r"\]\(([^)\s]+)\)", prose)


PAGES = sorted(path for path in texts() if path.endswith(".md") and not path.startswith("tests/"))


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    wrong = []
    for link in links(texts()[page]):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = (ROOT / page).parent / name if name else ROOT / page
        inside = Path(os.path.normpath(target)).relative_to(ROOT).as_posix()
        if not target.exists() or (anchor and anchor not in anchors(inside)):
            wrong.append(link)
    assert wrong == []


def test_the_first_page_leads_to_every_other() -> None:
    found = {link.partition("#")[0] for link in links(texts()["docs/README.md"])}
    pages = {path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md")} - {"README.md"}
    assert pages <= found


def test_the_reference_of_the_commands_is_fresh() -> None:
    command = [sys.executable, str(DOCS / "reference.py"), "--print"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"}
    page = subprocess.run(command, capture_output=True, check=True, env=environment, text=True, encoding="utf-8").stdout
    assert_written(DOCS / "commands.md", page, "`make generate` writes it")


# What a page says ---------------------------------------------------------------------------------------------------


def section(page: str, heading: str) -> str:
    """Return what stands under a heading, up to the next one."""
    found = re.search(rf"(?ms)^#+ {re.escape(heading)}$(.*?)(?=^#|\Z)", texts()[f"docs/{page}"])
    assert found is not None, heading
    return found[1]


def rows(page: str, heading: str) -> list[list[str]]:
    """Return the cells of a section's tables, without their heads."""
    lines = re.findall(r"(?m)^\| (.*) \|$", section(page, heading))
    cells = [line.split(" | ") for line in lines if not re.fullmatch(r"[-| ]+", line)]
    return cells[1:]


def names(cell: str) -> list[str]:
    return re.findall(r"`([\w.-]+)`", cell)


def test_the_keys_of_a_project_file_are_those_that_are_read() -> None:
    policy = {name for row in rows("semantics.md", "Policy keys") for name in names(row[0])}
    assert policy == PROJECT_FIELDS.keys() >= POLICY_FIELDS.keys()
    fields = {name for row in rows("semantics.md", "Entry fields") for name in names(row[0])}
    assert fields == ENTRY_FIELDS.keys() >= SCHEDULE_FIELDS.keys()


def test_the_findings_are_those_of_the_rules() -> None:
    documented = [(names(row[0])[0], row[1]) for row in rows("semantics.md", "Findings")]
    assert documented == [(rule.name, rule.severity or "off") for rule in RULES]


def test_the_guards_are_those_of_the_code() -> None:
    code = "".join(text for path, text in texts().items() if path.startswith("halo_iac/"))
    guards = set(re.findall(r"GuardViolation\(\s*\"([a-z-]+)\"", code))
    assert {names(row[0])[0] for row in rows("semantics.md", "Guards")} == guards


def size(number: int) -> str:
    return f"{number // MIB} MiB" if number >= MIB else f"{number // 1024} KiB"


def test_the_bounds_of_files_are_those_of_the_loader() -> None:
    documented = dict(row[:2] for row in rows("security.md", "Bounds of files"))
    assert documented == {
        "a project or included file": size(bounds.MAX_FILE),
        "a prompt": size(bounds.MAX_PROMPT),
        "files of a project": f"{bounds.MAX_FILES:,}",
        "all files together": size(bounds.MAX_TOTAL),
        "schedules": f"{bounds.MAX_SCHEDULES:,}",
        "names that globs look at": f"{bounds.MAX_NAMES:,}",
        "a path or a glob": f"{bounds.MAX_PATTERN:,} characters",
        "a list of the policy (`protect`, `include`, `scope.agents`)": f"{bounds.MAX_LIST:,} elements",
        "`renamed_from`": f"{bounds.MAX_OLD_TITLES} titles",
        "nesting": f"{bounds.MAX_DEPTH} levels",
        "aliases and merge keys": f"{ {10: 'ten'}[bounds.MAX_EXPANSION] } times the file's own size in nodes",
        "a number": f"{bounds.MAX_DIGITS} digits",
        "problems of a file": f"{bounds.MAX_PROBLEMS} listed, {bounds.MAX_COLLECTED:,} collected",
    }


def test_the_bounds_of_answers_are_those_of_the_client() -> None:
    documented = dict(row[:2] for row in rows("security.md", "Bounds of answers"))
    usual = DEFAULT.bounds
    assert documented["connecting"] == f"{usual.connect_seconds:.0f} s"
    assert documented["between two reads of a response"] == f"{usual.read_seconds:.0f} s"
    assert documented["an operation, all attempts together"] == f"{usual.total_seconds:.0f} s"
    assert documented["a response, or a list over all its pages"] == size(usual.answer_bytes)
    assert documented["the same once decoded, estimated"] == f"{usual.memory_bytes // MIB // 1024} GiB"
    assert documented["an error body"] == size(usual.error_bytes)
    assert documented["a saved plan"] == size(MAX_PLAN_BYTES)
    assert documented["a receipt"].startswith(size(MAX_RECEIPT_BYTES))
    retries = section("semantics.md", "Retries")
    assert f"up to {DEFAULT.attempts} attempts" in " ".join(retries.split())
    looks = ", ".join(f"{each:.0f}" for each in DEFAULT.check_after[:-1]) + f" and {DEFAULT.check_after[-1]:.0f} s"
    assert looks in " ".join(section("semantics.md", "Creates").split())


def test_every_environment_variable_is_documented() -> None:
    code = "".join(text for path, text in texts().items() if path.startswith("halo_iac/"))
    read = set(re.findall(r"\"((?:HALO|INF)_[A-Z_]*[A-Z])\"", code))
    runners = re.search(r"_RUNNERS: Final = \(([^)]*)\)", code)
    assert runners is not None
    read |= set(re.findall(r"\"(\w+)\"", runners[1]))
    documented = set(names(section("cli.md", "Environment variables")))
    assert read <= documented


def test_every_procedure_is_documented() -> None:
    code = "".join(text for path, text in texts().items() if path.startswith("halo_iac/"))
    called = set(re.findall(r"\"((?:halo[A-Z]\w+\.[a-z]\w+|(?:agent|project|user)\.[a-z]+[A-Z]\w+))\"", code))
    documented: set[str] = set()
    for row in rows("protocol.md", "Procedures"):
        first, *others = names(row[0])
        router = first.partition(".")[0]
        documented |= {first, *(other if other[0] != "." else router + other for other in others)}
    assert called <= documented
