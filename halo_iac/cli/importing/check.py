"""Which entries of an import could not be loaded from a file, and why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from halo_iac.cli.context import CommandContext
from halo_iac.errors import HaloError, ProjectError
from halo_iac.importing.layout import omit_defaults
from halo_iac.load import load
from halo_iac.load.field_reader import TOO_LONG, is_too_long
from halo_iac.load.limits import MAX_PROBLEMS
from halo_iac.model.schedule import BUILT_IN
from halo_iac.render.yaml import project_text

Entries = dict[str, dict[str, Any]]

_BATCH: Final = 50
"""The number of entries that are loaded as one file."""


def find_problems(context: CommandContext, path: Path, entries: Entries) -> dict[str, str]:
    """Return the keys of the entries that could not be loaded from a file at this path, and why.

    An entry that contains the platform's key is refused as well. Raises :class:`~halo_iac.errors.HaloError` if the file
    would be refused without entries.
    """
    hidden = context.console.redacted
    kept = omit_defaults(entries, BUILT_IN)
    refused = {
        key: "it contains the platform's API key" for key, entry in kept.items() if hidden(repr(entry)) != repr(entry)
    }
    refused |= {key: TOO_LONG for key, entry in kept.items() if is_too_long(entry.get("prompt", ""))}
    if whole := _problems_in(context, path, {}):
        raise HaloError(f"nothing was written: the file would be invalid: {whole[0][1]}")
    keys = [key for key in kept if key not in refused]  # formatting a prompt of megabytes takes many seconds
    batches = (keys[start : start + _BATCH] for start in range(0, len(keys), _BATCH))
    return {key: why for batch in batches for key, why in _problems_by_entry(context, path, kept, batch)} | refused


def _problems_by_entry(
    context: CommandContext, path: Path, entries: Entries, keys: Sequence[str]
) -> Iterator[tuple[str, str]]:
    """Yield the entries that have problems, each with its first.

    The loader limits the problems of a file, and a limit can refuse a whole file. If that happens, or if a problem is
    in no entry, each half is loaded by itself, down to a single entry, which is then the cause.
    """
    found = _problems_in(context, path, {key: entries[key] for key in keys})
    if len(keys) == 1 and found:
        yield keys[0], found[0][1]
    elif len(found) >= MAX_PROBLEMS or any(key is None for key, _ in found):
        middle = len(keys) // 2
        yield from _problems_by_entry(context, path, entries, keys[:middle])
        yield from _problems_by_entry(context, path, entries, keys[middle:])
    else:
        first: dict[str, str] = {}
        for key, why in found:
            first.setdefault(str(key), why)
        yield from first.items()


def _problems_in(context: CommandContext, path: Path, entries: Entries) -> list[tuple[str | None, str]]:
    """Load entries as one file; return each problem with the key of its entry, ``None`` if it is in no entry."""
    written = project_text(entries)
    try:
        load(path, variables={}, cwd=context.cwd, drafts={path: written.text.encode()})
    except ProjectError as error:
        return [(written.entry_at(problem.line), problem.message) for problem in error.problems]
    return []
