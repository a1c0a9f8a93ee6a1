"""The layout of entries: shared values in ``defaults``, and long prompts in prompt files."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from halo_iac.importing.entries import Entries, Fields
from halo_iac.model.schedule import BUILT_IN, UNMANAGED_WHEN_LEFT_OUT
from halo_iac.text import format_lookback

_SHAREABLE: Final = ("agent", *(name for name, default in BUILT_IN.items() if default is not None))
_DEVICE: Final = re.compile("con|prn|aux|nul|(com|lpt)[0-9]|conin|conout", re.IGNORECASE)
"""Names of devices on Windows, with any ending: a repository with such a file cannot be checked out there."""
_HEADING: Final = 2
"""The lines that ``defaults:`` and the empty line below it take."""


def omit_defaults(entries: Mapping[str, Fields], base: Mapping[str, Any]) -> Entries:
    """Return the entries without the values that ``base`` already gives them.

    Some fields are unmanaged if omitted, and stay omitted: the platform returns the model it resolved, which does not
    tell a choice from a default. A pause, though, is always a choice.
    """
    return {
        key: {name: value for name, value in entry.items() if _differs_from_default(name, value, base)}
        for key, entry in entries.items()
    }


def _differs_from_default(name: str, value: object, base: Mapping[str, Any]) -> bool:
    given = base.get(name)
    if given is None and name in UNMANAGED_WHEN_LEFT_OUT:
        return value is False
    return value != given


_MAX_TIMES: Final = 6
"""The most times of day that are written as ``at``; more are easier to read as hours and minutes."""
_MAX_LOOKBACK_HOURS: Final = 999_999


def in_one_spelling(fields: Fields) -> Fields:
    """Return fields in the short form: times of day as ``at``, and the look-back with its unit."""
    times = [f"{hour:02}:{minute:02}" for hour in fields.get("hours", ()) for minute in fields.get("minutes", ())]
    written: Fields = {}
    for name, value in fields.items():
        if name == "lookback_hours" and value <= _MAX_LOOKBACK_HOURS:
            written["lookback"] = format_lookback(value)
        elif name in {"hours", "minutes"} and 0 < len(times) <= _MAX_TIMES:
            written["at"] = times if len(times) > 1 else times[0]
        else:
            written[name] = value
    return written


def shared_fields(entries: Iterable[Fields]) -> Fields:
    """Return the ``defaults`` that most entries agree on and that make their file shorter, counted in lines.

    New entries get them too, so an agent is shared only if nine in ten entries have it.
    """
    active = [entry for entry in entries if "state" not in entry]
    found = {name: share for name in _SHAREABLE if (share := _find_shared_value(name, active)) is not None}
    if sum(saved for _, saved in found.values()) <= _HEADING:
        return {}
    return {name: value for name, (value, _) in found.items()}


def _find_shared_value(name: str, entries: list[Fields]) -> tuple[Any, int] | None:
    """Return the value of a field to share, and the lines that it saves; ``None`` if it saves none."""
    counts = Counter(entry[name] for entry in entries)
    if not counts:
        return None
    value, count = counts.most_common(1)[0]
    built_in = BUILT_IN.get(name)
    is_common = count * 10 >= len(entries) * 9 if name == "agent" else count * 2 > len(entries)
    saved = (count - 1) * _count_lines(value) - counts[built_in] * _count_lines(built_in)
    return (value, saved) if value != built_in and is_common and saved > 0 else None


def _count_lines(value: object) -> int:
    lines = value.count("\n") + 1 if isinstance(value, str) else 1
    return lines + 1 if lines > 1 else 1


def put_prompts_in_files(
    mappings: Sequence[tuple[str, Fields]], may_hold: Callable[[str, str], bool]
) -> tuple[list[Fields], dict[str, str]]:
    """Return the mappings with each multi-line prompt replaced by a ``prompt_file``, and the contents of the files.

    A file is named after the first mapping with its prompt; ``may_hold`` returns whether a path may get a text, because
    it does not exist or has the same one.
    """
    names: dict[str, str] = {}
    for key, fields in mappings:
        prompt = fields.get("prompt", "")
        if "\n" not in prompt or prompt in names or prompt.startswith("\ufeff"):  # which a file would lose
            continue
        taken = set(names.values())
        free = (name for name in _prompt_paths(key) if name not in taken and may_hold(name, f"{prompt}\n"))
        names[prompt] = next(free)
    replaced = [dict(_refer_to_file(fields, names)) for _, fields in mappings]
    return replaced, {name: f"{prompt}\n" for prompt, name in names.items()}


def _prompt_paths(key: str) -> Iterator[str]:
    if _DEVICE.fullmatch(key):
        key = f"{key}-prompt"
    yield f"prompts/{key}.md"
    number = 1
    while True:
        number += 1
        yield f"prompts/{key}-{number}.md"


def _refer_to_file(fields: Fields, names: Mapping[str, str]) -> Iterator[tuple[str, Any]]:
    for name, value in fields.items():
        has_file = name == "prompt" and value in names
        yield ("prompt_file", names[value]) if has_file else (name, value)
