"""Keys, agents and receipts of the project that a command line is about, for completion.

Project files are not parsed: that takes too long for completion. Keys are recognised by their indentation; files
in another style have fewer completions.
"""

from __future__ import annotations

import os
import re
from glob import escape, glob

TYPE_CHECKING = False  # importing typing takes longer than completing
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

_FILE = "halo.yaml"
_RECEIPTS = os.path.join(".halo", "receipts")
_MAX_BYTES = 5 * 1024 * 1024
_MAX_FILES = 20_000
_MAX_RECEIPTS = 20

_SAFE = re.compile(r"[\w@+./][\w@+./ -]*")
"""Names without a meaning in any shell; other names are dropped, since a branch may have written the files."""
_SECTION = re.compile(r"""^["']?([a-z_]+)["']?[ \t]*:(?=\s)""", re.MULTILINE)
_FIRST = re.compile(r"^( *)[^\s#]", re.MULTILINE)
_FLOW = re.compile(r""""[^"]*"|'[^']*'|[{}\[\],:]|[^{}\[\],:\s"'][^{}\[\],:\n]*""")
_ITEM = re.compile(r"^ *- +(.+)$", re.MULTILINE)
_VALUE = re.compile(r"""[ \t]*("[^"]*"|'[^']*'|[^\s"'#&*!|>{}\[\]][^,#}\n]*)""")


class ProjectNames:
    """The names of a project, read on first use; ``files`` are the values of ``--file``."""

    def __init__(self, files: Sequence[str], env: Mapping[str, str]) -> None:
        self._named = [*files] or [name for name in (env.get("HALO_FILE", ""),) if name]

    def keys(self) -> list[str]:
        """Return the keys of the entries."""
        return _keep_safe(key for sections in self._sections() for key in _list_keys(sections.get("schedules", "")))

    def agents(self) -> list[str]:
        """Return the aliases, and the agents that entries name."""
        return _keep_safe(name for sections in self._sections() for name in _list_agents(sections))

    def receipts(self) -> list[str]:
        """Return the latest receipts, newest first."""
        folder = os.path.join(os.path.dirname(next(iter(self._files()), "")), _RECEIPTS)
        names = sorted(os.listdir(folder), reverse=True) if os.path.isdir(folder) else []
        return _keep_safe(os.path.join(folder, name) for name in names[:_MAX_RECEIPTS])

    def _files(self) -> list[str]:
        if self._named:
            return [path for name in self._named for path in sorted(glob(os.path.expanduser(name)))]
        return [*_find_nearest(os.getcwd())]

    def _sections(self) -> Iterator[Mapping[str, str]]:
        """Yield the top-level sections of each project file and of its included files: key → text."""
        for path in self._files():
            project = _sections(_read(path))
            yield project
            folder = escape(os.path.dirname(path))
            included = [
                found
                for pattern in _list_items(project.get("include", ""))
                for found in glob(os.path.join(folder, pattern), recursive=True)
            ]
            yield from (_sections(_read(each)) for each in sorted(included)[:_MAX_FILES])


def _find_nearest(folder: str) -> Iterator[str]:
    """Yield the project file in a folder or above (docs/semantics.md#finding-the-file)."""
    owner, start = os.stat(folder).st_uid, folder
    while os.stat(folder).st_uid == owner:
        path = os.path.join(folder, _FILE)
        if os.path.exists(path):
            yield os.path.relpath(path, start)
            return
        above = os.path.dirname(folder)
        is_last = folder in {above, os.path.expanduser("~")}
        if is_last or os.path.exists(os.path.join(folder, ".git")):
            return
        folder = above


def _read(path: str) -> str:
    if not os.path.isfile(path):
        return ""
    with open(path, encoding="utf-8-sig", errors="replace") as file:
        return file.read(_MAX_BYTES)


def _sections(text: str) -> dict[str, str]:
    """Return the text of each top-level key: key → text."""
    found = [*_SECTION.finditer(text)]
    ends = [each.start() for each in found[1:]] + [len(text)]
    return {each[1]: text[each.end() : end] for each, end in zip(found, ends, strict=False)}


def _list_keys(body: str) -> Iterator[str]:
    """Yield the keys of a mapping."""
    if body.lstrip().startswith("{"):
        yield from _list_flow_keys(body)
        return
    indent = _find_indent(body)
    for line in re.finditer(rf"^ {{{indent}}}([^\s#][^:\n]*?)[ \t]*:(?=\s|$)", body, re.MULTILINE) if indent else ():
        yield line[1]


def _find_indent(body: str) -> int:
    """Return the indentation of the keys of a mapping."""
    first = _FIRST.search(body, body.find("\n") + 1 or len(body))
    return len(first[1]) if first else 0


def _list_flow_keys(body: str) -> Iterator[str]:
    depth, before, opening = 0, "", ""
    for part in _FLOW.findall(body):
        if part == ":" and depth == 1 and opening in {"{", ","}:
            yield before
        depth += (part in "{[") - (part in "}]")
        if not depth:
            return
        opening, before = before, part


def _list_items(body: str) -> Iterator[str]:
    """Yield the items of a list of text."""
    text = body.strip()
    if text.startswith("["):
        yield from (part.strip("\"' ") for part in _FLOW.findall(text) if part not in "[],")
    else:
        yield from (_strip_quotes(item) for item in _ITEM.findall(body))


def _list_agents(sections: Mapping[str, str]) -> Iterator[str]:
    yield from _list_keys(sections.get("agents", ""))
    for name in ("defaults", "overrides", "schedules"):
        body = sections.get(name, "")
        indent = _find_indent(body)
        if name == "schedules" and indent:
            deeper = re.search(rf"^( {{{indent + 1},}})[^\s#]", body, re.MULTILINE)
            indent = len(deeper[1]) if deeper else 0
        for found in re.finditer(rf"(?:^ {{{indent}}}|[{{,][ \t]*)agent[ \t]*:(?=\s)", body, re.MULTILINE):
            value = _VALUE.match(body, found.end())
            if value:
                yield value[1].strip()


def _strip_quotes(text: str) -> str:
    return text.split(" #", maxsplit=1)[0].strip().strip("\"'")


def _keep_safe(names: Iterable[str]) -> list[str]:
    """Return distinct names without quotes, only those without a meaning in a shell."""
    return [name for name in dict.fromkeys(each.strip("\"' ") for each in names) if _SAFE.fullmatch(name)]
