"""The index of a folder of reports, the newest first; equal folders give equal text.

It is made from file names alone, so an edited or renamed report changes only its own line.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from halo_iac.render.markdown.escape import code
from halo_iac.render.report_names import brief_name
from halo_iac.render.style import PLAIN
from halo_iac.text import counted

INDEX: Final = "index.md"
INDEX_MARKER: Final = "<!-- halo report pull: an index; every pull writes it anew -->\n"
"""How halo's indexes begin; other files are not overwritten."""
_NAME: Final = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d)(\d\d)Z--(.+)--[^-].*\.md")
_PLAIN: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-~/")
"""Characters that need no escape in a link."""


class Subfolder(NamedTuple):
    """A folder in a folder of reports: the number of its reports, and the path of the latest from the outer folder."""

    name: str
    reports: int
    latest: str


def index_text(heading: str, folders: Sequence[Subfolder], names: Sequence[str], briefs: Iterable[str]) -> str:
    """Return the index of a folder: the folders in it, then the reports in it, ``names`` of files.

    ``briefs`` are the files for coding agents that lie beside reports.
    """
    total = len(names) + sum(each.reports for each in folders)
    parts = [f"{INDEX_MARKER}# {code(heading, PLAIN)}\n\n{counted(total, 'report')}.\n"]
    if folders:
        rows = (
            f"| {_link(each.name, f'{each.name}/{INDEX}')} | {each.reports:,} | {_report(each.latest)} |"
            for each in folders
        )
        parts.append(_table("| folder | reports | latest |", "| --- | ---: | --- |", rows))
    if names:
        found = frozenset(briefs)
        links = {name: _link("brief", brief) for name in names if (brief := brief_name(name)) in found}
        rows = (f"| {_report(each)} | {links.get(each, '')} |" for each in sorted(names, reverse=True))
        parts.append(_table("| report | for a coding agent |", "| --- | --- |", rows))
    return "\n".join(parts)


def _table(head: str, rule: str, rows: Iterable[str]) -> str:
    return "\n".join([head, rule, *rows, ""])


def _report(path: str) -> str:
    name = path.rpartition("/")[2]
    found = _NAME.fullmatch(name)
    return _link(f"{found[4]}, {found[1]} {found[2]}:{found[3]} UTC" if found else name, path)


def _link(words: str, path: str) -> str:
    octets = path.encode("utf-8", "surrogateescape")
    return f"[{code(words, PLAIN)}]({''.join(chr(each) if each in _PLAIN else f'%{each:02X}' for each in octets)})"
