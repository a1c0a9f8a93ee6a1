"""Loading one file of traces into the sandbox, and the messages about it."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from halo_iac.cli.console import Console
from halo_iac.cli.traces.sources import STDIN
from halo_iac.errors import FileError
from halo_iac.text import counted

if TYPE_CHECKING:
    from halo_iac.sandbox.ingest import Loaded
    from halo_iac.sandbox.platform import Sandbox
    from halo_iac.sandbox.trace_files import BadLine

_MAX_CAUSES: Final = 20
"""The most causes that are listed; a file in another format has as many as lines."""
_BUFFER: Final = 128 * 1024
"""Bytes read at once: a line may take several of the usual 8 KiB, and is then put together from them."""


@dataclass(slots=True)
class SkipCauses:
    """Why values of a file were skipped: each cause with its first line and its number of values."""

    first: dict[str, tuple[int, int]] = field(default_factory=dict)
    others: int = 0
    end: BadLine | None = None
    """The line after which the file was not read."""

    def add(self, bad: BadLine) -> None:
        """Add a skipped value."""
        if bad.ends_file:
            self.end = bad
        elif bad.reason in self.first or len(self.first) < _MAX_CAUSES:
            line, count = self.first.get(bad.reason, (bad.number, 0))
            self.first[bad.reason] = (line, count + 1)
        else:
            self.others += 1


@dataclass(frozen=True, slots=True)
class FileLoad:
    """The result of loading one file."""

    name: str
    causes: SkipCauses
    loaded: Loaded | None = None
    failure: str = ""
    """Why the file could not be read, or not to its end; empty if it was read."""
    hint: str = ""

    def wire(self) -> dict[str, object]:
        """Return the result as in the output of ``--json``."""
        found = self.loaded
        agents = [] if found is None else sorted(found.agents.items())
        problems = self.causes.first.items()
        return {
            "file": self.name,
            "spans": found.spans if found else 0,
            "added": found.added if found else 0,
            "skipped": found.bad if found else 0,
            "agents": [{"id": id_, "identitySource": source, "identityValue": name} for (source, name), id_ in agents],
            "problems": [{"line": line, "count": count, "reason": reason} for reason, (line, count) in problems],
            **({"error": self.failure} if self.failure else {}),
        }


def load_file(
    console: Console, platform: Sandbox, project_id: str, name: str, *, is_strict: bool, agent: str | None
) -> FileLoad:
    """Load one file and report skipped values on standard error; ``agent`` gets the traces that name no agent."""
    from halo_iac.sandbox.ingest import read_spans

    causes = SkipCauses()

    def add_cause(bad: BadLine) -> bool:
        causes.add(bad)
        return not is_strict

    try:
        with nullcontext(console.stdin_bytes()) if name == STDIN else Path(name).open("rb", _BUFFER) as file:
            loaded = platform.load(project_id, read_spans(file), add_cause, agent)
    except OSError as error:
        return FileLoad(name, causes, None, f"{name}: {error.strerror or error}", "check the path and its permissions")
    if is_strict and causes.first:
        (reason, (line, _)), *_ = causes.first.items()
        hint = "the spans before it were loaded; remove --strict to skip it"
        return FileLoad(name, causes, loaded, _format_problem(console, name, line, reason), hint)
    return _result(console, name, causes, loaded)


def _result(console: Console, name: str, causes: SkipCauses, loaded: Loaded) -> FileLoad:
    if causes.end is not None:
        _print_causes(console, name, causes)
        failure = _format_problem(console, name, causes.end.number, causes.end.reason)
        return FileLoad(name, causes, loaded, failure, "the spans before it were loaded" if loaded.spans else "")
    if loaded.spans:
        _print_causes(console, name, causes)
        return FileLoad(name, causes, loaded)
    hint = "see `halo sandbox load --help` for the formats that are read"
    if len(causes.first) == 1:
        [(reason, (line, _))] = causes.first.items()
        return FileLoad(name, causes, loaded, _format_problem(console, name, line, reason), hint)
    _print_causes(console, name, causes)
    return FileLoad(name, causes, loaded, f"{'standard input' if name == STDIN else name} contains no spans", hint)


def _print_causes(console: Console, name: str, causes: SkipCauses) -> None:
    for reason, (line, count) in causes.first.items():
        more = f", and {count - 1:,} more for the same reason" if count > 1 else ""
        console.log(f"{_format_problem(console, name, line, reason)}; skipped{more}")
    if causes.others:
        console.log(f"{name}: {causes.others:,} more were skipped for other reasons")


def warn_without_agent(console: Console, found: FileLoad) -> None:
    """Warn about a file that names no agent, since its traces are then in no list."""
    if found.loaded and found.loaded.spans and not found.loaded.agents:
        name = console.err_style.safe(found.name)
        reason = "no span names an agent, so it cannot be analysed"
        console.log(f"{name}: {reason}; load it again with --agent NAME to name the agent")


def _format_problem(console: Console, name: str, line: int, reason: str) -> str:
    place = f"{name}:{line}" if line else name
    return console.err_style.safe(f"{place}: {reason}")


def summarize(console: Console, found: FileLoad) -> str:
    """Return a summary of a file by agent, since agents with only old traces are in no list of the platform."""
    loaded = found.loaded
    if loaded is None or not loaded.spans:
        return ""
    parts = [counted(loaded.spans, "span")]
    if loaded.added < loaded.spans:
        parts.append(f"{loaded.spans - loaded.added:,} of them already loaded")
    if skipped := loaded.bad - (found.causes.end is not None):
        parts.append(f"{skipped:,} skipped")
    lines = [f"{console.out_style.safe(found.name)}: {', '.join(parts)}"]
    if loaded.first is not None and loaded.last is not None:
        lines.append(f"  from {format_nanoseconds(loaded.first)} to {format_nanoseconds(loaded.last)}")
    lines += [f"  {agent_id}  {console.out_style.safe(name)}" for (_, name), agent_id in sorted(loaded.agents.items())]
    return "\n".join(lines)


def format_nanoseconds(instant: int) -> str:
    """Return an instant, given in nanoseconds, as text."""
    return f"{datetime.fromtimestamp(instant // 10**9, UTC):%Y-%m-%dT%H:%M:%SZ}"


def find_failure(found: list[FileLoad]) -> FileError | None:
    """Return the error of a load whose file could not be read to its end."""
    failed = [each for each in found if each.failure]
    if not failed:
        return None
    if len(found) == 1:
        return FileError(failed[0].failure, hint=failed[0].hint)
    if len(failed) == len(found):
        return FileError(
            f"none of {len(found)} files could be read to the end", hint="the lines above give the reasons"
        )
    which = counted(len(failed), "file")
    return FileError(f"{which} of {len(found):,} could not be read to the end", hint="the other files were loaded")
