"""YAML written from entries and other plain values (docs/semantics.md#import): what ``halo import`` puts on disk."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedSeq
from ruamel.yaml.scalarstring import DoubleQuotedScalarString, LiteralScalarString

from halo_iac.text import escape_control

_HEAD = """\
# yaml-language-server: $schema=./halo.schema.json
# Written by `halo import`; fields equal to the documented defaults are left out.
version: 1
{project}undeclared: report

"""

_PLAIN: Final = re.compile(
    r"(?!(?:true|false|null|yes|no|on|off|y|n)\Z)[a-z][a-z0-9_-]*(?: [a-z0-9_-]+)*"
    r"|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    re.ASCII | re.IGNORECASE,
)
"""Words and UUIDs: texts that every YAML parser reads as strings without quotes."""
_INSTANT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z", re.ASCII)
"""Instants as the platform writes them: without quotes they would be times, not texts."""
_LITERAL: Final = frozenset({"prompt", "prompt_file"})
"""Fields in which no variables are expanded."""


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
    entries: Mapping[str, Mapping[str, Any]],
    *,
    defaults: Mapping[str, Any] | None = None,
    project_id: str | None = None,
    notes: Iterable[str] = (),
) -> ProjectText:
    """Return a project file with these entries; ``notes`` become comments at its end."""
    project = f"project: {_dump(project_id)}" if project_id is not None else ""
    parts = [_HEAD.format(project=project)]
    if defaults:
        parts.append(f"{_fields_text('defaults', defaults)}\n")
    parts.append("schedules:\n" if entries else "schedules: {}\n")
    lines: dict[str, int] = {}
    line = sum(part.count("\n") for part in parts) + 1
    for key, entry in entries.items():
        block = block_text({key: entry}) + "\n"
        lines[key] = line
        line += block.count("\n")
        parts.append(block)
    parts.extend(f"# {escape_control(note)}\n" for note in notes)
    return ProjectText("".join(parts).rstrip("\n") + "\n", lines)


def block_text(
    entries: Mapping[str, Mapping[str, Any]], *, column: int = 2, step: int = 2, is_spaced: bool = True
) -> str:
    """Return entries as lines of a mapping whose keys stand ``column`` characters in, their fields ``step`` further."""
    blocks = (_fields_text(key, entry, step=step) for key, entry in entries.items())
    lines = ("\n" if is_spaced else "").join(blocks).split("\n")
    return "\n".join(f"{' ' * column}{line}" if line else line for line in lines)


def flow_pairs(entries: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return each entry as it stands between braces, with everything in quotes, as in JSON."""
    pairs = ({key: {name: _escape(name, value) for name, value in entry.items()}} for key, entry in entries.items())
    return [_dump(_quote(pair), is_flow=True).strip()[1:-1] for pair in pairs]


def scalar_text(text: str, *, quote: str = "", is_flow: bool = False) -> str:
    """Return a text as a scalar on one line, in the wanted quotes if they can hold it."""
    if quote == "'" and text.isprintable():
        return "'" + text.replace("'", "''") + "'"
    value = DoubleQuotedScalarString(text) if quote == '"' else _scalar("title", text)
    dumped = _dump([value], is_flow=True).strip()[1:-1] if is_flow else _dump({"x": value})[3:]
    return dumped.rstrip("\n")


def escape_variables(text: str) -> str:
    """Return a text with its ``${`` escaped, so that no variable is expanded in it (docs/semantics.md#variables)."""
    return text.replace("$", "$$") if "$$" in text or "${" in text else text


def mapping_text(values: Mapping[str, Any]) -> str:
    """Return plain values as YAML, one key a line.

    The emitter is used only where its result is not certain: it takes most of the time of pulling a report.
    """
    return "".join(_pair_text(name, value) for name, value in values.items()) or "{}\n"


def _pair_text(name: str, value: object) -> str:
    rest = _certain_value(value) if _PLAIN.fullmatch(name) else None
    return _dump({name: value}) if rest is None else f"{name}:{rest}\n"


def _certain_value(value: object) -> str | None:
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


def _fields_text(key: str, fields: Mapping[str, Any], *, step: int = 2) -> str:
    """Return a key and the fields below it; the emitter indents them, for only it knows what a prompt's lines are."""
    return _dump({key: {name: _scalar(name, _escape(name, value)) for name, value in fields.items()}}, step=step)


def _escape(name: str, value: object) -> object:
    return escape_variables(value) if isinstance(value, str) and name not in _LITERAL else value


def _quote(value: object) -> object:
    if isinstance(value, dict):
        return {DoubleQuotedScalarString(key): _quote(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_quote(each) for each in value]
    return DoubleQuotedScalarString(value) if isinstance(value, str) else value


def _scalar(name: str, value: object) -> object:
    """Quote times and texts that are not plain scalars; write other prompts as literal blocks, lists on one line."""
    if isinstance(value, list):
        flow = CommentedSeq(_scalar(name, each) for each in value)
        flow.fa.set_flow_style()
        return flow
    if not isinstance(value, str):
        return value
    lines = value.split("\n")
    if name == "at" or not all(map(str.isprintable, lines)) or value != value.strip():
        return DoubleQuotedScalarString(value)
    has_trailing_space = any(line != line.rstrip() for line in lines)
    return value if name != "prompt" or has_trailing_space else LiteralScalarString(value + "\n")


def _dump(value: object, *, is_flow: bool = False, step: int = 2) -> str:
    yaml = YAML()
    yaml.width = 2**16  # a title is one line, however long
    yaml.default_flow_style = is_flow
    yaml.indent(mapping=step)
    stream = io.StringIO()
    yaml.dump(value, stream)
    text = stream.getvalue()
    return text.removesuffix("\n...\n") + "\n" if text.endswith("\n...\n") else text  # the end of a lone scalar
