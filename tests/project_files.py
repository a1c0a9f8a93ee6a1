"""Project files as tests write them, load them, and read what is wrong with them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from halo_iac.errors import Problem, ProjectError
from halo_iac.load import load
from halo_iac.model.project import Project

GOOD = {"title": "T", "agent": "x", "frequency": "daily", "hours": "9"}
"""The fields of an entry without problems."""


def write_files(folder: Path, files: Mapping[str, str | bytes]) -> Path:
    """Write files below a folder, by their paths, and return the folder."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def project_text(*entries: str, **policy: str) -> str:
    """Return a project file with these entries, each of whole lines; a later one of the same key is not merged."""
    top = "".join(f"{key}: {value}\n" for key, value in policy.items())
    return f"version: 1\n{top}schedules:" + ("\n" + "".join(entries) if entries else " {}\n")


def write_project(folder: Path, *entries: str, name: str = "halo.yaml", **policy: str) -> None:
    """Write a project file with these entries below a folder."""
    write_files(folder, {name: project_text(*entries, **policy)})


def replace_in(path: Path, before: str, after: str) -> None:
    """Replace a text that a file has."""
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after), encoding="utf-8")


def entry_fields(fields: Mapping[str, str | None]) -> dict[str, str]:
    """Return a good entry with these fields laid over it, without those that are None."""
    return {key: value for key, value in {**GOOD, **fields}.items() if value is not None}


def entry_text(fields: Mapping[str, str]) -> str:
    """Return a project file with one entry."""
    return project_text("  a:\n", *(f"    {key}: {value}\n" for key, value in fields.items()))


def one_entry(**fields: str | None) -> str:
    """Return a project file with one entry: a good one with these fields laid over it, without those that are None."""
    return entry_text(entry_fields(fields))


def load_text(text: str) -> Project:
    """Return the project of a file with this text, which names no other file."""
    path = Path(__file__).with_name("halo.yaml")  # only a name: the loader takes the draft
    return load(path, variables={}, drafts={path: text.encode()})


def load_document(document: Mapping[str, Any]) -> Project:
    """Return the project of a file with this content; JSON is YAML."""
    return load_text(json.dumps(document, ensure_ascii=False))


def problems_of_text(text: str) -> list[Problem]:
    """Return what is wrong with a project file that names no other file."""
    try:
        load_text(text)
    except ProjectError as error:
        return list(error.problems)
    return []


def problems_of_files(folder: Path, files: Mapping[str, str | bytes] | str, **variables: str) -> list[str]:
    """Load ``halo.yaml`` among the files, or with this text, and return what is wrong."""
    write_files(folder, {"halo.yaml": files} if isinstance(files, str) else files)
    try:
        load(Path("halo.yaml"), variables=variables, cwd=folder)
    except ProjectError as error:
        return [str(problem) for problem in error.problems]
    return []
