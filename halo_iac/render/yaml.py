"""A project file written from entries (design §3.10): what ``halo import`` puts on disk."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.scalarstring import DoubleQuotedScalarString, LiteralScalarString

from halo_iac.render.safe import safe

_HEAD = """\
# yaml-language-server: $schema=./halo.schema.json
# Written by `halo import`; left out is what equals the documented default.
version: 1
{project}undeclared: report

"""


@dataclass(frozen=True, slots=True)
class ProjectText:
    """A project file's text, and the line (from 1) on which each entry begins."""

    text: str
    lines: Mapping[str, int]

    def entry_at(self, line: int) -> str | None:
        """Return the key of the entry that a line belongs to."""
        begun = [key for key, start in self.lines.items() if start <= line]
        return begun[-1] if begun else None


def project_text(
    entries: Mapping[str, Mapping[str, Any]], *, project_id: str | None = None, notes: Iterable[str] = ()
) -> ProjectText:
    """Return a project file with these entries; ``notes`` become comments at its end."""
    project = f"project: {_dumped(project_id)}" if project_id is not None else ""
    parts = [_HEAD.format(project=project), "schedules:\n" if entries else "schedules: {}\n"]
    lines: dict[str, int] = {}
    line = sum(part.count("\n") for part in parts) + 1
    for key, entry in entries.items():
        block = _block(key, entry)
        lines[key] = line
        line += block.count("\n")
        parts.append(block)
    parts.extend(f"# {safe(note)}\n" for note in notes)
    return ProjectText("".join(parts).rstrip("\n") + "\n", lines)


def mapping_text(values: Mapping[str, Any]) -> str:
    """Return plain values as YAML, one key a line."""
    return _dumped(dict(values), is_flat=False)


def _block(key: str, entry: Mapping[str, Any]) -> str:
    body = _dumped({key: {name: _scalar(name, value) for name, value in entry.items()}})
    return "".join(f"  {line}" if line.strip() else line for line in body.splitlines(keepends=True)) + "\n"


def _scalar(name: str, value: object) -> object:
    """Write prompts as literal blocks, where YAML lets their characters stand in one."""
    if not isinstance(value, str) or name != "prompt":
        return value
    is_plain = all(character == "\n" or character.isprintable() for character in value)
    if not is_plain or value != value.strip():
        return DoubleQuotedScalarString(value)
    return LiteralScalarString(value + "\n")


def _dumped(value: object, *, is_flat: bool = True) -> str:
    yaml = YAML()
    yaml.width = 2**16  # a title is one line, however long
    yaml.default_flow_style = None if is_flat else False  # lists of numbers in one line
    yaml.indent(mapping=2)
    stream = io.StringIO()
    yaml.dump(value, stream)
    text = stream.getvalue()
    return text.removesuffix("...\n")
