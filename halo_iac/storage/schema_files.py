"""The JSON Schemas beside a project file, for editors: written once, then compared with this version's."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final

from halo_iac.storage.atomic import read_start, write_new

PROJECT_SCHEMA: Final = "halo.schema.json"
INCLUDE_SCHEMA: Final = "halo.include.schema.json"

_DIGESTS: Final = Path(__file__).parent / "schemas.sha256"
"""The SHA-256 of this version's schemas, from `make generate`: building a schema takes a tenth of a second."""
_MAX_BYTES: Final = 1 << 20


def write_schemas(folder: Path) -> list[str]:
    """Write the schemas of a project file and of an included file, and return the written ones; existing files stay."""
    missing = [name for name in (PROJECT_SCHEMA, INCLUDE_SCHEMA) if not (folder / name).is_file()]
    if not missing:
        return []
    from halo_iac.load.json_schema import schema_text

    return [name for name in missing if write_new(folder / name, schema_text(name))]


def outdated_schemas(folder: Path) -> list[str]:
    """Return the names of a folder's schemas that differ from this version's."""
    found = [name for name in (PROJECT_SCHEMA, INCLUDE_SCHEMA) if (folder / name).is_file()]
    if not found:
        return []
    lines = (line.split() for line in _DIGESTS.read_text(encoding="ascii").splitlines())
    expected = {name: digest for digest, name in lines}
    return [name for name in found if _digest(folder / name) != expected[name]]


def _digest(path: Path) -> str:
    """Return a file's digest, independent of the line ends that a checkout has given it."""
    return hashlib.sha256(read_start(path, _MAX_BYTES).replace(b"\r\n", b"\n")).hexdigest()
