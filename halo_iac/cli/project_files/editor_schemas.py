"""Notes on JSON Schemas beside a project file that another version of halo wrote."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from pathlib import Path

from halo_iac.paths import display_path
from halo_iac.storage.schema_files import INCLUDE_SCHEMA, outdated_schemas


def schema_notes(project_paths: Iterable[Path], cwd: Path) -> list[str]:
    """Return a sentence on each schema in the folders of project files that is not this version's."""
    folders = sorted({path.parent for path in project_paths})
    return [_note(display_path(folder / name, cwd), name) for folder in folders for name in outdated_schemas(folder)]


def _note(shown: str, name: str) -> str:
    which = "schema include" if name == INCLUDE_SCHEMA else "schema"
    return f"{shown} is not this version's: run `halo {which} > {shlex.quote(shown)}`"
