"""Validates inputs as strictly as the platform documents them (docs/protocol.md#values).

Undocumented, and chosen here: keys that a procedure does not know are ignored, as tRPC's usual validator
(zod objects) does; every fault of an input is named in one message; a title has at most 200 characters; text holds no
NUL and no lone surrogate, which the platform's database could not store; integers fit the 32 bits of a column; lists
keep their order and doubles.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib import resources
from typing import Any, Final

from halo_iac.sandbox.protocol import RequestRefused

Check = Callable[[Any], Any]

_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_INSTANT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d([.]\d{1,9})?)?(Z|[+-]\d\d:\d\d)", re.ASCII)
_UNSTORABLE: Final = re.compile("[\0\ud800-\udfff]")
_MAX_TITLE_LENGTH: Final = 200
_MAX_INTEGER: Final = 2**31 - 1
FREQUENCIES: Final = ("hourly", "daily", "weekly", "monthly")


class InvalidInput(Exception):  # noqa: N818 (it is the value that is in error)
    """A value is not valid for its field; the message continues a sentence that begins with the field's name."""


@dataclass(frozen=True, slots=True)
class Rule:
    """The check of a field, whether it is required, and whether it may be null."""

    check: Check
    is_required: bool
    takes_null: bool = False


Shape = Mapping[str, Rule]


def required(check: Check) -> Rule:
    """Return the rule of a required field."""
    return Rule(check, is_required=True)


def optional(check: Check) -> Rule:
    """Return the rule of a field that may be missing, but not null."""
    return Rule(check, is_required=False)


def nullable(check: Check) -> Rule:
    """Return the rule of a field that may be missing or null."""
    return Rule(check, is_required=False, takes_null=True)


def check_fields(given: object, shape: Shape) -> dict[str, Any]:
    """Return the fields of the shape; raises :class:`RequestRefused` that names everything wrong with them."""
    if not isinstance(given, dict):
        raise RequestRefused("BAD_REQUEST", "The input must be a JSON object.")
    values: dict[str, Any] = {}
    wrongs = []
    for name, rule in shape.items():
        try:
            if name in given:
                value = given[name]
                values[name] = None if value is None and rule.takes_null else rule.check(value)
            elif rule.is_required:
                raise InvalidInput("is required")  # noqa: TRY301 (collected like those of the checks)
        except InvalidInput as wrong:
            wrongs.append(f"{name} {wrong}")
    if wrongs:
        raise RequestRefused("BAD_REQUEST", "; ".join(wrongs) + ".")
    return values


def text(value: object) -> str:
    """Accept a string that the platform can store."""
    if not isinstance(value, str):
        raise InvalidInput("must be a string")
    if _UNSTORABLE.search(value):
        raise InvalidInput("must not contain NUL characters or lone surrogates")
    return value


def non_empty(value: object) -> str:
    """Accept a string that is not blank."""
    if not text(value).strip():
        raise InvalidInput("must not be blank")
    return text(value)


def title(value: object) -> str:
    """Accept a title; it is not trimmed."""
    if len(non_empty(value)) > _MAX_TITLE_LENGTH:
        raise InvalidInput(f"must have at most {_MAX_TITLE_LENGTH} characters")
    return non_empty(value)


def identifier(value: object) -> str:
    """Accept an id of any form: recorded requests have a project id that is not a UUID."""
    if len(non_empty(value)) > _MAX_TITLE_LENGTH:
        raise InvalidInput("is too long for an id")
    return non_empty(value)


def uuid(value: object) -> str:
    """Accept a UUID in any case, and return it in lower case."""
    if not _UUID.fullmatch(text(value)):
        raise InvalidInput("must be a UUID")
    return text(value).lower()


def boolean(value: object) -> bool:
    """Accept true or false."""
    if not isinstance(value, bool):
        raise InvalidInput("must be true or false")
    return value


def one_of(values: Collection[str]) -> Check:
    """Accept one of these strings."""

    def check(value: object) -> str:
        if not isinstance(value, str) or value not in values:
            raise InvalidInput(f"must be one of {', '.join(values)}")
        return value

    return check


def integer(least: int, most: int = _MAX_INTEGER) -> Check:
    """Accept a whole number in a range; 9.0 is one, as in JavaScript."""

    def check(value: object) -> int:
        number = int(value) if isinstance(value, float) and value.is_integer() else value
        if not isinstance(number, int) or isinstance(number, bool):
            raise InvalidInput("must be an integer")
        if not least <= number <= most:
            raise InvalidInput(f"must be {f'at least {least}' if most == _MAX_INTEGER else f'from {least} to {most}'}")
        return number

    return check


def integers(least: int, most: int, *, fewest: int = 0) -> Check:
    """Accept a list of whole numbers, each in a range."""
    one = integer(least, most)

    def check(value: object) -> list[int]:
        if not isinstance(value, list):
            raise InvalidInput("must be a list")
        if len(value) < fewest:
            raise InvalidInput("must not be empty")
        return [one(each) for each in value]

    return check


def instant(value: object) -> datetime:
    """Accept an ISO 8601 instant with a zone, as zod's ``datetime`` does."""
    if not _INSTANT.fullmatch(text(value)):
        raise InvalidInput("must be an ISO 8601 instant with a zone, such as 2026-11-01T00:00:00.000Z")
    try:
        return datetime.fromisoformat(text(value)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise InvalidInput("must be an instant that exists") from None


def zone(value: object) -> str:
    """Accept the exact name of an IANA time zone."""
    if text(value) not in _zones():
        raise InvalidInput("must be the name of an IANA time zone")
    return text(value)


@cache
def _zones() -> frozenset[str]:
    """Read the names from the zone package, a hundred times faster than ``zoneinfo.available_timezones``."""
    return frozenset(resources.files("tzdata").joinpath("zones").read_text(encoding="ascii").split())


BY_ID: Final[Shape] = {"id": required(identifier)}
"""The input of procedures that take nothing but an id."""


def check_cadence(wire: Mapping[str, Any]) -> None:
    """Raise BAD_REQUEST if fields that the frequency needs are missing; superfluous ones are kept and ignored."""
    frequency = wire.get("frequency")
    if frequency not in FREQUENCIES:  # only a row that was seeded odd
        return
    needed = {
        "hours": frequency != "hourly",
        "daysOfWeek": frequency == "weekly",
        "daysOfMonth": frequency == "monthly",
    }
    missing = [name for name, is_needed in needed.items() if is_needed and not wire.get(name)]
    if missing:
        raise RequestRefused("BAD_REQUEST", f"A {frequency} schedule needs {' and '.join(missing)}.")
