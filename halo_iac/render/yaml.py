"""A project file written from entries (design §3.10): what ``halo import`` puts on disk."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.scalarstring import DoubleQuotedScalarString, LiteralScalarString

from halo_iac.render.safe import safe

_HEAD = """\
# yaml-language-server: $schema=./halo.schema.json
# Written by `halo import`; left out is what equals the documented default.
version: 1
{project}undeclared: report

"""

_PLAIN: Final = re.compile(
    r"(?!(?:true|false|null|yes|no|on|off|y|n)\Z)[a-z][a-z0-9_-]*(?: [a-z0-9_-]+)*"
    r"|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    re.ASCII | re.IGNORECASE,
)
"""Words, and UUIDs: texts that every YAML takes for what they are."""
_INSTANT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z", re.ASCII)
"""Instants as the platform writes them: without quotes they would be times, not texts."""


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
    """Return plain values as YAML, one key a line.

    The emitter is asked only about what is not certain: it takes most of the time that a pulled report costs.
    """
    return "".join(_pair_text(name, value) for name, value in values.items()) or "{}\n"


def _pair_text(name: str, value: object) -> str:
    rest = _known_rest(value) if _PLAIN.fullmatch(name) else None
    return _dumped({name: value}, is_flat=False) if rest is None else f"{name}:{rest}\n"


def _known_rest(value: object) -> str | None:
    """Return what YAML writes after a key's colon, where that is certain."""
    if isinstance(value, dict) and value:
        inner = mapping_text(value).removesuffix("\n").split("\n")
        is_certain = len(inner) == len(value)  # a pair of several lines has an indentation of its own
        return "".join(f"\n  {line}" for line in inner) if is_certain else None
    if not isinstance(value, str):
        return None
    if _PLAIN.fullmatch(value):
        return f" {value}"
    return f" '{value}'" if _INSTANT.fullmatch(value) else None


def _block(key: str, entry: Mapping[str, Any]) -> str:
    """Return an entry as it stands in the file; the emitter indents it, for only it knows what a prompt's lines are."""
    document = _dumped({"schedules": {key: {name: _scalar(name, value) for name, value in entry.items()}}})
    return document.removeprefix("schedules:\n") + "\n"


def _scalar(name: str, value: object) -> object:
    """Quote what YAML would not let stand as it is; write other prompts as literal blocks."""
    if not isinstance(value, str):
        return value
    lines = value.split("\n")
    if not all(map(str.isprintable, lines)) or value != value.strip():
        return DoubleQuotedScalarString(value)
    has_trailing_space = any(line != line.rstrip() for line in lines)
    return value if name != "prompt" or has_trailing_space else LiteralScalarString(value + "\n")


def _dumped(value: object, *, is_flat: bool = True) -> str:
    yaml = YAML()
    yaml.width = 2**16  # a title is one line, however long
    yaml.default_flow_style = None if is_flat else False  # lists of numbers in one line
    yaml.indent(mapping=2)
    stream = io.StringIO()
    yaml.dump(value, stream)
    text = stream.getvalue()
    return text.removesuffix("\n...\n") + "\n" if text.endswith("\n...\n") else text  # the end of a lone scalar
