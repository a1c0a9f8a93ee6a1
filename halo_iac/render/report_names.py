"""The names of pulled reports and their folders: sortable by time, and safe on every system."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from typing import Final

from halo_iac.model.runs import Report

_MAX_LABEL_LENGTH: Final = 64
_INSTANT: Final = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d):(\d\d)")
_ORDINARY_ID: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_]|-(?!-)){0,63}")
_OTHERS: Final = re.compile(r"[^A-Za-z0-9_]+")
_SEPARATOR: Final = "--"
_SUFFIX: Final = ".md"
UNDATED: Final = "undated"
"""The date in the file name of a report without a start."""
AGENT_SUFFIX: Final = ".agent.md"
"""The suffix of the file for a coding agent beside a report."""
_FOLDER: Final = re.compile(r"[a-z0-9_]+(?:-[a-z0-9_]+)*")
_RESERVED: Final = frozenset(
    ["con", "prn", "aux", "nul", *(f"{name}{number}" for name in ("com", "lpt") for number in range(10))]
)
"""Names that no file can have on Windows."""


def file_name(report: Report, label: str) -> str:
    """Return ``2026-11-23T0900Z--checkout-daily--<conversation id>.md``: by time, then by what ``label`` calls it.

    It has the whole id, by which a pulled report is recognized; no part of the name can lead out of its folder.
    """
    found = _INSTANT.match(report.conversation.created_at or "")
    when = f"{found[1]}T{found[2]}{found[3]}Z" if found else UNDATED
    return f"{when}{_SEPARATOR}{slug(label)}{_SEPARATOR}{_id_in_names(report.conversation.id)}{_SUFFIX}"


def folder_names(report: Report, label: str) -> tuple[str, str]:
    """Return ``("checkout-daily", "2026-11")``: a folder for what ``label`` names, and one in it for the month.

    Different labels never share a folder, even if a file system treats their names as equal.
    """
    name = slug(label).lower()
    if name != label or not _FOLDER.fullmatch(name) or name in _RESERVED:
        name = f"{name}-{hashlib.sha256(label.encode('utf-8', 'replace')).hexdigest()[:8]}"
    found = _INSTANT.match(report.conversation.created_at or "")
    return name, found[1][:7] if found else UNDATED


def is_report_name(name: str) -> bool:
    """Return whether a file may be a pulled report, even if a user has renamed it."""
    return _SEPARATOR in name and name.endswith(_SUFFIX) and not name.endswith(AGENT_SUFFIX)


def brief_name(name: str) -> str:
    """Return the name of the file for a coding agent that lies beside a report."""
    return f"{name.removesuffix(_SUFFIX)}{AGENT_SUFFIX}"


def name_ending(name: str) -> str:
    """Return the end of a file's name, which identifies its conversation: see :func:`conversation_ending`."""
    return name.rpartition(_SEPARATOR)[2]


def conversation_ending(conversation_id: str) -> str:
    """Return the end of the file name of a conversation's report."""
    return f"{_id_in_names(conversation_id)}{_SUFFIX}"


def slug(label: str) -> str:
    """Return a label as a part of a file's name: ASCII letters, digits, ``_`` and single ``-``; never empty."""
    ascii_only = unicodedata.normalize("NFKD", label).encode("ascii", "ignore").decode("ascii")
    return _OTHERS.sub("-", ascii_only).strip("-")[:_MAX_LABEL_LENGTH].rstrip("-") or "report"


def _id_in_names(id_: str) -> str:
    return id_ if _ORDINARY_ID.fullmatch(id_) else hashlib.sha256(id_.encode("utf-8", "replace")).hexdigest()[:32]
