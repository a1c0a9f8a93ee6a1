"""Values from elsewhere, held to what a project file may declare (docs/semantics.md#entry-fields)."""

from __future__ import annotations

from collections.abc import Collection

from pydantic import ValidationError

from halo_iac.load import titles
from halo_iac.load.file import check_entry
from halo_iac.load.prompts import TOO_LONG, is_too_long
from halo_iac.load.zones import zone_names
from halo_iac.model.schedule import CADENCE_PARTS, RELEVANT_PARTS, Spec, number_set


def undeclarable(spec: Spec, names: Collection[str]) -> str | None:
    """Say why the named fields of a spec could not be declared; ``None`` where they could. Quotes no value."""
    given = {name: getattr(spec, name) for name in names if getattr(spec, name) not in {None, ()}}
    try:
        check_entry({name: list(value) if isinstance(value, tuple) else value for name, value in given.items()})
    except ValidationError as error:
        return f"{error.errors()[0]['loc'][0]} is out of bounds"
    if "title" in given and (oddity := titles.oddity(spec.title)) is not None:
        return oddity
    if "timezone" in given and spec.timezone not in zone_names():
        return "there is no such timezone"
    if "prompt" in given and ("\0" in spec.prompt or is_too_long(spec.prompt)):
        return "a NUL byte in the prompt" if "\0" in spec.prompt else TOO_LONG
    return _odd_cadence(spec) if {"frequency", *CADENCE_PARTS}.intersection(names) else None


def _odd_cadence(spec: Spec) -> str | None:
    for part in CADENCE_PARTS:
        numbers = getattr(spec, part)
        if numbers != number_set(numbers) or bool(numbers) != (part in RELEVANT_PARTS[spec.frequency]):
            return f"its cadence is not whole: {part}"
    return None
