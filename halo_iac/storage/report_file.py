"""Reads a report from a file: one written by ``halo report``, or any markdown."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from halo_iac.errors import FileError
from halo_iac.load.encoding import NotText, decode_text
from halo_iac.load.yaml_parser import parse_text
from halo_iac.storage.atomic import read_bytes

MAX_REPORT_BYTES: Final = 16 * 1024 * 1024
"""The largest report that is read from a file."""
_FRONT: Final = re.compile(r"---\r?\n(.{0,20000}?\r?\n)---\r?\n\s*", re.DOTALL)
_NAMES: Final = {
    "run": "runId",
    "conversation": "conversationId",
    "title": "title",
    "schedule_id": "scheduleId",
    "agent": "agentUuid",
    "model": "modelId",
    "status": "status",
}


def split_front_matter(text: str) -> tuple[str, str]:
    """Return the YAML of a report's front matter (empty if it has none) and its markdown."""
    found = _FRONT.match(text)
    return (found[1], text[found.end() :]) if found else ("", text)


def read_report_file(path: Path) -> tuple[Mapping[str, Any], str]:
    """Return the front matter of a report, with the platform's field names, and its markdown."""
    try:
        text = decode_text(read_bytes(path, MAX_REPORT_BYTES))
    except NotText as error:
        hint = f"{error.hint}, or name a markdown file"
        raise FileError(f"{path}:{error.position}: {error.reason}", hint=hint) from None
    written, markdown = split_front_matter(text)
    front = parse_text(written, str(path)).root if written else None
    if not isinstance(front, Mapping):
        return {}, text
    window = front.get("window")
    ends = window if isinstance(window, Mapping) else {}
    facts = {known: front.get(name) for name, known in _NAMES.items()}
    facts |= {"windowStartAt": ends.get("start"), "windowEndAt": ends.get("end")}
    return {name: value for name, value in facts.items() if isinstance(value, str)}, markdown
