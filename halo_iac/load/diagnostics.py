"""Converts pydantic's errors to problems in halo's words, each with its position in the file."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any, Final

from pydantic_core import ValidationError

from halo_iac.load import limits
from halo_iac.load.suggestions import keys as hints
from halo_iac.load.suggestions.keys import DEFAULTS_KEYS, ENTRY_KEYS, RULES
from halo_iac.load.text_pitfalls import is_comment_instead
from halo_iac.load.yaml_builder import resolve
from halo_iac.load.yaml_document import Document, Location, Node, Values
from halo_iac.model.schedule import CADENCE_PARTS, MANAGED, NUMBERS
from halo_iac.text import closest_match, quote

_ONLY_ENTRIES: Final = ENTRY_KEYS - DEFAULTS_KEYS


def suggest_for_list(schedules: list[Node]) -> str:
    """Return the hint for schedules that are written as a list."""
    first = schedules[0]
    title = first.get("title") if isinstance(first, dict) else None
    words = re.findall("[a-z0-9]+", title.lower()) if isinstance(title, str) else []
    key = "-".join(words)[:40].strip("-")
    if not isinstance(resolve(key), str) or not key:  # YAML reads `2026:` as a number
        key = "my-key"
    return f"each schedule needs a key: write {quote(key + ':')} on a line of its own instead of `-`"


def _misplaced_keys(schedules: Values) -> dict[str, str | None]:
    """Return the entry fields that are written among the schedules' keys, each with a hint.

    Consecutive keys share one hint, so the later ones have ``None``. Those under a null key have ``None`` too, because
    that key is already reported as having no fields.
    """
    found: dict[str, str | None] = {}
    if schedules.keys().isdisjoint(ENTRY_KEYS):
        return found
    hint: str | None = "each schedule needs a key: write `my-key:` above its fields, and indent them"
    for key, value in schedules.items():
        is_mapping = isinstance(value, dict) and RULES.isdisjoint(value)  # otherwise it may be `findings`
        if key not in ENTRY_KEYS or is_mapping:
            hint = None if value is None else f"indent the fields below {quote(key)}"
        else:
            found[key], hint = hint, None
    return found


def report_misplaced_keys(
    document: Document, location: Location, schedules: Values, expected: str, hint: str | None = None
) -> Collection[str]:
    """Report the entry fields among the keys of a mapping of schedules, and return them.

    ``expected`` is what the keys have to be; ``hint`` replaces the hint of each.
    """
    found = _misplaced_keys(schedules)
    for key, own in found.items():
        if own is not None:
            message = f"{quote(key)} is a field of a schedule, but {expected} is expected"
            document.add_problem((*location, key), message, hint or own, at_key=True)
    return found


_FORMS: Final = {
    "at": 'expected a time of day such as "09:30"',
    "cron": 'expected five cron fields, such as "0 9 * * 1-5"',
    "lookback": "expected hours, days or weeks, such as 36h, 7d or 2w",
    "timezone": "expected an IANA time zone, such as America/Los_Angeles",
    "prompt": "the prompt is empty",
    "id": "expected up to 200 printable characters without spaces",
    "project": "expected up to 200 printable characters without spaces",
}
_TEXT_FORMATS: Final = frozenset({"cron", "lookback", "timezone", "prompt_file", "include"})
"""Texts in a form that no number or flag can have, even in quotes."""

_RANGES: Final = {
    **{
        name: f"{MANAGED[name].least} to {MANAGED[name].most or limits.MAX_NUMBER}"
        for name in (*CADENCE_PARTS, *NUMBERS)
    },
    "days_of_week": "0 to 6, or sun to sat",
    "max_runs_per_month": f"1 to {limits.MAX_NUMBER}",
    "cost_per_run": f"0 to {limits.MAX_COST}",
}
_LISTS: Final = {
    "days_of_week": "days, such as [mon, thu]",
    "days_of_month": "numbers from 1 to 31",
    "hours": "numbers from 0 to 23",
    "minutes": "numbers from 0 to 59",
    "at": 'times, such as ["09:30"]',
    "renamed_from": "titles",
    "protect": "titles, where * matches anything",
    "include": "paths, such as [schedules/*.yaml]",
    "agents": "agents",
}
_WORDS: Final = {
    "frequency": "hourly, daily, weekly or monthly",
    "undeclared": "report, archive or error",
    "state": "active or archived",
    hints.OVERRIDES_STATE: "archived",
    "version": "1, the only version so far",
}
_ALLOWED: Final[dict[str, Collection[str]]] = {"scope": hints.SCOPE_KEYS, "findings": hints.RULES}
"""Nested mappings of the checked mapping → their allowed keys."""

_FLAGS: Final = {
    **dict.fromkeys(("yes", "on", "y", "1", "enabled", "enable"), "true"),
    **dict.fromkeys(("no", "off", "n", "0", "disabled", "disable", "paused", "suspended"), "false"),
}
"""YAML 1.1's flags, and other tools' words for them."""

_OVERRIDDEN: Final = "write the value, under `overrides` where environments differ"
_MAX_QUOTED_LENGTH: Final = 60
"""The longest text, in characters, that a hint repeats."""

_AMOUNT: Final = re.compile(r"\s*[^\d\s.,-]{0,3}\s*(\d+(?:[.,]\d+)?)\s*[^\d\s]{0,3}\s*")
"""An amount of money."""

_NO_TEXT: Final = frozenset({"int_type", "float_type", "bool_type"})
"""Pydantic's error types for a value of a number or flag field that no variable can supply."""

_NOT_QUOTING: Final = frozenset({"string_too_long", "string_unicode"})
"""Pydantic's error types for a text whose beginning is not the problem."""

_LAYERS: Final = ("did you mean `defaults`?", "did you mean `overrides`?")
"""Hints for the mappings that hold the fields of schedules."""

INCLUDE_KEYS: Final = frozenset({"schedules"})

Found = Any
"""One item of :meth:`pydantic_core.ValidationError.errors`."""

Wording = tuple[str, str | None]
"""Message and hint."""

Written = tuple[object, object]
"""A value as written in the file, and the whole value of its field."""


def to_problems(
    error: ValidationError, values: Mapping[str, Any], document: Document, below: Location, allowed: Collection[str]
) -> set[str]:
    """Add a problem for each error in the mapping at ``below``, whose ``allowed`` keys are given.

    Returns the affected keys of the mapping; none if keys are only missing. If there are too many problems to word, one
    stands for all of them, and every key counts as affected.
    """
    if len(document.problems) + error.error_count() > limits.MAX_COLLECTED:
        document.add_problem(below, "too many problems to list one by one", at_key=True)
        return set(values)
    broken = set()
    for found in error.errors(include_url=False, include_context=False):
        path = found["loc"]
        if found["type"] == "missing" and path[-1] in hints.guess_fields(values, allowed):
            continue
        if path and found["type"] != "missing":
            broken.add(str(path[0]))
        is_key = path[-1:] == ("[key]",)
        location = (*below, *(path[:-1] if is_key else path))
        whole = values.get(str(path[0])) if path else None
        is_counted_only = len(document.problems) > limits.MAX_PROBLEMS  # finding the closest key takes a millisecond
        written = None if is_counted_only else (_source_text(found["input"], document, location), whole)
        message, hint = _wording(found, below, allowed, written)
        declared = document.value(location)
        if isinstance(declared, str) and "${" in declared:
            hint = _variable_hint(found, path[0] if path else None) or hint
        elif declared is None and is_comment_instead(document, location):
            hint = "` #` begins a comment: put the value in quotes"
        elif declared == "" and document.rest_of_line(location).startswith(("|", ">")):  # a block that is not indented
            hint = "indent the text below the key"
        document.add_problem(location, message, hint, at_key=is_key or found["type"] in {"missing", "extra_forbidden"})
    return broken


def word_unknown_key(key: str, value: object, allowed: Collection[str]) -> Wording:
    """Return the problem of a key that is not among the ``allowed`` ones of its mapping."""
    if allowed == hints.RULES:
        return f"unknown rule {quote(key)}", hints.suggest_rule(key)
    if allowed == INCLUDE_KEYS and key in hints.PROJECT_KEYS:
        return f"an included file holds only `schedules`, not {quote(key)}", "move it to the project file"
    is_mapping = isinstance(value, dict)
    if allowed == hints.OVERRIDES_KEYS and is_mapping and closest_match(key, ("schedules",)) is None:
        return f"unknown key {quote(key)}", "if this is the key of an entry, indent it under `schedules`"
    hint = hints.suggest_key(key, value, allowed)
    if allowed in (hints.PROJECT_KEYS, INCLUDE_KEYS) and hint not in _LAYERS:
        anchors = re.fullmatch(r"(?:x?_|\.)([A-Za-z0-9_-]{1,40})", key)  # `_base`, `.base` or `x_base`
        if isinstance(value, dict) and not _ONLY_ENTRIES.isdisjoint(value):
            hint = "if this is a schedule, indent it under `schedules`"
        elif hint is None and anchors is not None:
            hint = f"write {quote('x-' + anchors[1])}: keys that begin with `x-` are ignored"
    return f"unknown key {quote(key)}", hint


def _variable_hint(found: Found, field: object) -> str | None:
    """Return the hint for a value that fails because it reads a variable; ``None`` for any other."""
    if found["type"] in _NO_TEXT:
        way = "write the numbers, or use `cron`, which can" if field in CADENCE_PARTS else _OVERRIDDEN
        return f"it cannot read a variable; {way}"
    return "the variable that it reads is empty" if found["input"] == "" else None


def _wording(found: Found, below: Location, allowed: Collection[str], written: Written | None) -> Wording:
    """Return the message and hint of one error. Null is handled first: each check would word it differently."""
    names = [step for step in (*below, *found["loc"]) if isinstance(step, str) and step != "[key]"]
    subject = names[-1] if names else "file"
    if found["type"] == "extra_forbidden":
        keys = _ALLOWED.get(names[-2], allowed) if len(names) > 1 else allowed
        return word_unknown_key(subject, found["input"], keys)
    if found["type"] == "missing":
        return f"{quote(subject)} is missing", None
    if found["input"] is None:
        return f"{quote(subject)} has no value", _suggest_value(subject)
    is_alias = not below and found["loc"][0] == "agents" and len(found["loc"]) > 1
    is_state_of_all = (*below, *found["loc"]) == ("overrides", "state")
    field = "" if is_alias else hints.OVERRIDES_STATE if is_state_of_all else subject
    message, hint = _expectation(found, field)
    value = found["input"]
    elements = [value] if found["loc"] and isinstance(found["loc"][-1], int) else value
    pair = None if found["type"] == "dict_type" else hints.suggest_for_pair(elements)
    quotes = None if found["type"] in _NOT_QUOTING else hints.suggest_quotes(value) or pair
    meant = quotes or (_suggest_meaning(field, *written) if written else None)
    return f"{quote(subject)}: {message}", meant or hint


def _source_text(value: object, document: Document, location: Location) -> object:
    """Return a number with a dot as it is written, because it may be a time: YAML reads ``9.30`` as 9.3."""
    found = re.match(r"[0-9]+\.[0-9]+", document.rest_of_line(location)) if isinstance(value, float) else None
    return found[0] if found else value


def _expectation(found: Found, field: str) -> Wording:
    value = found["input"]
    if field in hints.RULES:
        return "expected error, warning or off", hints.suggest_severity(value)
    if field in _WORDS:
        return f"expected {_WORDS[field]}", hints.suggest_value(field, value)
    return _EXPECTATIONS.get(found["type"], _pattern_wording)(field, value)


def _suggest_meaning(field: str, value: object, whole: object) -> str | None:
    """Guess what was meant in a field that has many spellings; ``whole`` is the field's value, maybe a list."""
    if field in {*CADENCE_PARTS, "frequency", "at", "cron", "lookback", "lookback_hours"}:
        from halo_iac.load.suggestions.cadence import suggest_part

        return suggest_part(field, value, whole if isinstance(whole, list) else ())
    if field == "timezone":
        from halo_iac.load.suggestions.timezone import suggest_zone

        return suggest_zone(value)
    return None


def _list_wording(field: str, value: object) -> Wording:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    hint = 'write it in quotes, such as "09:00"' if field == "at" and is_number else None
    if isinstance(value, str) and field in {"protect", "include", "agents"}:
        is_plain = len(value) <= _MAX_QUOTED_LENGTH and value.isprintable() and not re.search(r'[\\"`]', value)
        hint = f'write `["{value}"]`' if is_plain else 'write it in brackets and quotes, such as `["…"]`'
    return f"expected a list of {_LISTS.get(field, 'names')}", hint


def _text_wording(field: str, value: object) -> Wording:
    if field == "lookback" and isinstance(value, int) and not isinstance(value, bool):
        return "expected text", _suggest_lookback(value)
    if isinstance(value, list):
        from halo_iac.load.suggestions.form import suggest_for_list

        return "expected text, not a list", suggest_for_list(field, value)
    is_scalar = isinstance(value, bool | int | float) and field not in _TEXT_FORMATS
    return "expected text", "put it in quotes" if is_scalar else None


def _suggest_lookback(count: int) -> str | None:
    """Return the hint for a look-back without a unit: 86400 are seconds, a small number may be hours."""
    if count > 0 and count % 3600 == 0:
        return f"write `lookback: {count // 3600}h` for {count} seconds, or `lookback: {count}h` for as many hours"
    return f"write `lookback_hours: {count}`, or `lookback: {count}h`" if count > 0 else None


def _flag_wording(_: str, value: object) -> Wording:
    word = str(value).strip().lower() if isinstance(value, str | int) else None
    if word in _FLAGS:
        hint: str | None = f"write `{_FLAGS[word]}`"
    else:
        hint = "write it without quotes" if word in {"true", "false"} else _without_brackets(value)
    return "expected true or false", hint


def _mapping_wording(field: str, value: object) -> Wording:
    if isinstance(value, list) and value and all(isinstance(each, dict) and len(each) == 1 for each in value):
        return "expected keys and values", "remove the dashes: each key is on a line of its own"
    if field == "findings" or not isinstance(value, str):
        return "expected keys and values", "such as `findings: {coverage-gap: off}`" if field == "findings" else None
    from halo_iac.load.suggestions.yaml_syntax import suggest_colon

    return "expected keys and values", suggest_colon(value)


def _number_wording(field: str, value: object) -> Wording:
    text = value.strip().rstrip(",;") if isinstance(value, str) else ""
    found = re.fullmatch(r"([0-9]{1,3}(?:[,_' ]?[0-9]{3})*)(k?)", text)
    digits = "" if found is None else re.sub("[^0-9]", "", found[1]) + ("000" if found[2] else "")
    low, high = map(int, re.findall("[0-9]+", _RANGES[field])[:2])
    hint = "write it without quotes" if text.isdecimal() and text == value else f"write `{digits}`"
    is_one = digits and low <= int(digits) <= high
    return f"expected a whole number, {_RANGES[field]}", hint if is_one else _without_brackets(value)


def _without_brackets(value: object) -> str | None:
    from halo_iac.load.suggestions.form import suggest_for_list

    return suggest_for_list("", value) if isinstance(value, list) else None


def _range_wording(field: str, value: object) -> Wording:
    is_midnight = field == "hours" and value == 24
    return f"expected {_RANGES[field]}", "write `0`: 24:00 is the start of the next day" if is_midnight else None


def _empty_wording(field: str, _: object) -> Wording:
    return "must not be empty", _suggest_value(field)


def _suggest_value(field: str) -> str:
    from halo_iac.load.suggestions.form import suggest_value

    return suggest_value(field)


def _too_long_wording(field: str, _: object) -> Wording:
    most = f"{limits.MAX_PROMPT // 1024} KiB" if field == "prompt" else f"{limits.MAX_PATTERN:,} characters"
    return f"longer than {most}", None


def _amount_wording(field: str, value: object) -> Wording:
    found = _AMOUNT.fullmatch(value) if isinstance(value, str) else None
    hint = f"write `{found[1].replace(',', '.')}`" if found else "write a number such as 0.50, without a currency"
    return f"expected a number, {_RANGES[field]}", hint


def _too_many_wording(field: str, _: object) -> Wording:
    most = limits.MAX_OLD_TITLES if field == "renamed_from" else limits.MAX_LIST
    return f"the list has more than {most:,} elements", None


def _pattern_wording(field: str, value: object) -> Wording:
    if value == "":
        return _empty_wording(field, value)
    return _FORMS.get(field, "expected text without leading or trailing spaces"), None


_EXPECTATIONS: Final[dict[str, Callable[[str, object], Wording]]] = {
    "list_type": _list_wording,
    "string_type": _text_wording,
    "bool_type": _flag_wording,
    "dict_type": _mapping_wording,
    "int_type": _number_wording,
    "float_type": _amount_wording,
    "finite_number": _amount_wording,
    "greater_than_equal": _range_wording,
    "less_than_equal": _range_wording,
    "day": _range_wording,
    "too_short": _empty_wording,
    "too_long": _too_many_wording,
    "string_too_short": _empty_wording,
    "string_too_long": _too_long_wording,
    # A lone surrogate, which can only come from an environment variable that is not UTF-8.
    "string_unicode": lambda _, __: ("not valid Unicode", "check the variable that it reads"),
    "string_pattern_mismatch": _pattern_wording,
}
