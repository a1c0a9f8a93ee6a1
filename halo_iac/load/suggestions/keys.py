"""Guesses what was meant: other tools' words, the platform's own spellings, and typos (docs/semantics.md#problems)."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from itertools import islice
from typing import Final

from halo_iac.load.fields import (
    ENTRY_FIELDS,
    OVERRIDABLE_FIELDS,
    OVERRIDES_FIELDS,
    PROJECT_FIELDS,
    SCHEDULE_FIELDS,
    SCOPE_FIELDS,
)
from halo_iac.load.rule_settings import RULES as DESCRIBED_RULES
from halo_iac.load.rule_settings import WORDS
from halo_iac.text import MAX_COMPARED_LENGTH, closest_match, did_you_mean, normalize

DEFAULTS_KEYS: Final = frozenset(SCHEDULE_FIELDS)
OVERRIDES_KEYS: Final = frozenset(OVERRIDES_FIELDS)
OVERRIDABLE_KEYS: Final = frozenset(OVERRIDABLE_FIELDS)
ENTRY_KEYS: Final = frozenset(ENTRY_FIELDS)
OVERRIDES_STATE: Final = "overrides.state"
"""The state of all schedules in `overrides`, which does not take ``retired``."""
PROJECT_KEYS: Final = frozenset(PROJECT_FIELDS)
SCOPE_KEYS: Final = frozenset(SCOPE_FIELDS)
RULES: Final = frozenset(DESCRIBED_RULES)

_SYNONYMS: Final = {
    word: field
    for field, words in {
        "title": "name displayname",
        "agent": "agentuuid agentid agentname",
        "model_id": "model analysismodel",
        "summarization_model_id": "summarymodel summarymodelid summarizationmodel",
        "timezone": "tz zone timezonename executiontimezone crontimezone tzinfo",
        "days_of_week": "weekdays weekday days dayofweek dow day",
        "days_of_month": "monthdays dayofmonth dom",
        "hours": "hour",
        "minutes": "minute",
        "at": "time times starttime runat timeofday fireat when",
        "state": "status",
        "title_prefix": "prefix titleprefix",
        "cron": "cronschedule crontab cronexpression",
        "prompt_file": "promptpath",
        "prompt": "instructions",
        "lookback": "window lookbackwindow lookbackdays lookbackweeks windowdays windowhours",
        "span_limit": "limit spans",
        "max_subagent_depth": "depth maxdepth subagentdepth",
        "max_turns": "turns",
        "id": "uuid scheduleid",
        "renamed_from": "oldtitle previoustitle formerly movedfrom",
        "project": "projectid",
        "agents": "aliases",
        "include": "includes",
        "protect": "protected",
        "defaults": "default",
        "overrides": "override",
        "schedules": "entries",
        "findings": "rules lint checks warnings",
        "max_runs_per_month": "maxruns runspermonth budget",
        "cost_per_run": "price cost runcost priceperrun",
    }.items()
    for word in words.split()
}
_CADENCE_KEYS: Final = frozenset(
    {"every", "interval", "schedule", "scheduleinterval", "cadence", "repeat", "repeats", "rate", "rrule", "freq"}
    | {"recurrence", "period", "runevery", "timetable"}
)
"""Other tools' keys whose value is an interval or a cadence."""

_SWITCHES: Final = {
    **dict.fromkeys(("active", "enable", "isenabled", "isactive"), False),
    **dict.fromkeys(("suspend", "suspended", "pause", "paused", "disable", "disabled"), True),
    **dict.fromkeys(("ispaused", "issuspended", "isdisabled"), True),
}
"""Other tools' on-off keys → whether they mean the opposite of ``enabled``."""

_RETIRE_KEYS: Final = frozenset({"archived", "archive", "deleted", "retired", "archivedat"})
_DATES: Final = frozenset(
    {"start", "starts", "startat", "startson", "startdate", "enddate", "end", "ends", "until", "from", "expires"}
)
"""Other tools' keys for the start and end of a schedule."""

_LOOKBACKS: Final = {"lookbackdays": "d", "lookbackweeks": "w", "windowdays": "d", "windowhours": "h", "window": "h"}
_SETTINGS: Final = frozenset({"apikey", "key", "token", "baseurl", "apiurl", "url", "host", "team", "sandbox"})
_PRUNE_KEYS: Final = frozenset({"prune", "purge", "deleteundeclared", "archiveundeclared"})
_LINES: Final = ((_RETIRE_KEYS, "state", "archived", "active"), (_PRUNE_KEYS, "undeclared", "archive", "report"))
"""Other tools' on-off keys → the equivalent field, and its values for on and off."""

_FLAGS: Final = {
    **dict.fromkeys(("true", "yes", "on", "y", "1"), True),
    **dict.fromkeys(("false", "no", "off", "n", "0", "none", ""), False),
}
"""Spellings of true and false."""


_KEYED: Final = re.compile("[a-z_]+: ")
_TYPOGRAPHIC: Final = frozenset("\u201c\u201d\u201e\u201f\u2018\u2019\u201a\u201b\u00ab\u00bb")
_VALUES: Final = {
    "frequency": ("hourly", "daily", "weekly", "monthly"),
    "undeclared": ("report", "archive", "error"),
    "state": ("active", "archived"),
    OVERRIDES_STATE: ("archived",),
}
_VALUE_SYNONYMS: Final = {
    **dict.fromkeys((("undeclared", word) for word in ("delete", "prune")), "`archive`"),
    **dict.fromkeys((("undeclared", word) for word in ("ignore", "keep", "warn")), "`report`"),
    **dict.fromkeys((("undeclared", word) for word in ("fail", "deny", "forbid", "refuse", "strict")), "`error`"),
    **dict.fromkeys((("state", word) for word in ("retired", "deleted", "absent", "archive")), "`archived`"),
    **dict.fromkeys((("state", word) for word in ("paused", "disabled", "suspended")), "`enabled: false`"),
    ("state", "enabled"): "`enabled: true`",
    ("state", "present"): "`active`",
    (OVERRIDES_STATE, "active"): "`state: active` below `schedules` and the keys of those that run",
    (OVERRIDES_STATE, "retired"): "`archived`",
}
_SEVERITY_SYNONYMS: Final = {
    **dict.fromkeys(("true", "on", "yes", "enabled", "warn", "info", "notice"), "warning"),
    **dict.fromkeys(("false", "no", "none", "never", "disabled", "disable", "ignore", "skip", "allow"), "off"),
    **dict.fromkeys(("fail", "fatal", "critical", "deny", "refuse", "failure"), "error"),
}


def suggest_key(key: str, value: object, allowed: Collection[str]) -> str | None:
    """Guess which of the allowed keys of its mapping an unknown key was meant to be."""
    word = normalize(key)
    if word in _CADENCE_KEYS and "frequency" in allowed:
        from halo_iac.load.suggestions.cadence import suggest_cadence

        if isinstance(value, dict) and len(value) > 1 and not ENTRY_KEYS.isdisjoint(value):
            return "set its keys in the entry itself"
        is_clock = word != "schedule" and isinstance(value, str) and re.fullmatch("[0-9:]+", value.strip()) is not None
        return (None if is_clock else suggest_cadence(value)) or "did you mean `frequency` or `cron`?"
    hint = _suggest_for_word(word, value, allowed)
    if hint is not None:
        return hint
    for known in sorted(allowed):
        if normalize(known) == word:
            return _suggest_renamed(known, value)
    return _misplaced_key(key, allowed) or did_you_mean(key, allowed)


_MAX_SUGGESTED: Final = 50
"""For how many unknown keys of one mapping the closest key is searched, which takes a millisecond each."""


def guess_fields(keys: Iterable[str], allowed: Collection[str]) -> set[str]:
    """Return the fields that the unknown keys most likely stand for."""
    unknown = islice((key for key in keys if key not in allowed), _MAX_SUGGESTED)
    return {meant for key in unknown if (meant := _likely_field(key, allowed)) is not None}


def _likely_field(key: str, allowed: Collection[str]) -> str | None:
    """Return the field that an unknown key most likely stands for; words for cadences stand for ``frequency``."""
    word = normalize(key)
    if word in _CADENCE_KEYS and "frequency" in allowed:
        return "frequency"
    meant = "state" if word in _RETIRE_KEYS else _SYNONYMS.get(word)
    if meant in allowed:
        return meant
    return next((known for known in allowed if normalize(known) == word), None) or closest_match(key, allowed)


def _suggest_for_word(word: str, value: object, allowed: Collection[str]) -> str | None:
    if word in _SWITCHES and "enabled" in allowed:
        return _suggest_enabled(_read_flag(value), is_opposite=_SWITCHES[word])
    for words, field, on, off in _LINES:
        if word in words and field in allowed:
            return f"write `{field}: {off if _read_flag(value) is False else on}`"
    if word in _SETTINGS:
        return "API keys, URLs, teams and the sandbox cannot be set in YAML"
    if word in _DATES and "at" in allowed:
        return _suggest_for_date(value)
    hint = _suggest_for_days(value) if word in {"day", "days"} and "days_of_month" in allowed else None
    if hint is not None:
        return hint
    meant = _SYNONYMS.get(word)
    return _suggest_renamed(meant, value, _LOOKBACKS.get(word)) if meant is not None and meant in allowed else None


def _suggest_enabled(flag: bool | None, *, is_opposite: bool) -> str:
    if flag is not None:
        return f"write `enabled: {str(flag is not is_opposite).lower()}`"
    return "did you mean `enabled`, which says the opposite?" if is_opposite else "did you mean `enabled`?"


def _read_flag(value: object) -> bool | None:
    """Return the value of another tool's on-off key; ``None`` if it is neither on nor off."""
    return _FLAGS.get("" if value is None else str(value).strip().lower())


def _suggest_for_days(value: object) -> str | None:
    """Return which days numbers may mean; above 7 they can only be days of the month. ``None`` for other values."""
    values = value if isinstance(value, list) else [value]
    if not values or any(type(each) is not int for each in values):
        return None
    either = "did you mean `days_of_week` or `days_of_month`?"
    return "did you mean `days_of_month`?" if max(values) > 7 else either


def _suggest_for_date(value: object) -> str:
    """Return that a schedule has no start or end, unless the value is a time of day."""
    is_dated = isinstance(value, str) and re.match("[0-9]{4}-", value.strip()) is not None
    found = None if is_dated else _suggest_line("at", value)
    return found or "a schedule has no dates: it fires from its first apply on; `state: archived` ends it"


def _suggest_renamed(meant: str, value: object, unit: str | None = None) -> str:
    """Return the hint that names the right key, with the value if that is written differently too.

    ``unit`` is the unit of a number, if its key names one.
    """
    if unit is not None and re.fullmatch("0*[1-9][0-9]{0,5}", str(value)):
        return f"write `{meant}: {int(str(value))}{unit}`"
    return _suggest_line(meant, value) or f"did you mean `{meant}`?"


def _suggest_line(field: str, value: object) -> str | None:
    """Guess the whole line for a field; its value may be a list."""
    from halo_iac.load.suggestions.cadence import FIELDS, suggest_part
    from halo_iac.load.suggestions.timezone import zone_for_name

    if field == "timezone":
        zone = zone_for_name(value) if isinstance(value, str) and len(value) <= MAX_COMPARED_LENGTH else None
        return f"write `timezone: {zone}`" if zone is not None and zone != value else None
    if field in _VALUES and field not in FIELDS:
        is_choice = value in _VALUES[field]
        return f"write `{field}: {value}`" if is_choice else _with_key(field, suggest_value(field, value) or "")
    if field not in FIELDS:
        return None
    if not isinstance(value, list):
        return _with_key(field, suggest_part(field, value, ()) or "")
    found = [re.fullmatch("write `([^`:]*)`", suggest_part(field, each, value) or "") for each in value]
    return f"write `{field}: [{', '.join(code[1] for code in found if code)}]`" if found and all(found) else None


def _with_key(field: str, hint: str) -> str | None:
    """Return a hint for a value as a hint for the whole line; a code in it that has a key already stays."""
    return re.sub("`([^`]+)`", lambda code: code[0] if _KEYED.match(code[1]) else f"`{field}: {code[1]}`", hint) or None


_MISPLACED: Final = (
    (OVERRIDABLE_KEYS, OVERRIDES_KEYS, "set it in each entry, or for single ones below `schedules` and their keys"),
    (ENTRY_KEYS, OVERRIDES_KEYS, "set it in each entry"),
    (ENTRY_KEYS, DEFAULTS_KEYS, "set it in each entry"),
    (ENTRY_KEYS, OVERRIDABLE_KEYS, "set it in the entry: it is the same in every environment"),
    (DEFAULTS_KEYS, PROJECT_KEYS, "move it under `defaults`, `overrides` or an entry"),
    (ENTRY_KEYS, PROJECT_KEYS, "move it to an entry under `schedules`"),
)
"""Keys, a mapping that must not have them, and where they belong."""


def _misplaced_key(key: str, allowed: Collection[str]) -> str | None:
    for keys, there, hint in _MISPLACED:
        if key in keys and allowed == there:
            return hint
    is_of_project = key in PROJECT_KEYS and allowed != PROJECT_KEYS
    return "move it to the top level of the project file" if is_of_project else None


def suggest_value(field: str, value: object) -> str | None:
    """Guess which word of a field's choices was meant."""
    if not isinstance(value, str) or field not in _VALUES:
        return None
    word = normalize(value.rstrip(" ,;"))
    meant = _VALUE_SYNONYMS.get((field, word))
    if meant is not None:
        return f"write {meant}"
    if word.endswith(_VALUES[field]) and word not in _VALUES[field]:
        return None  # `semiweekly` is not a typo of `weekly`, nor `inactive` of `active`
    if not value.strip(" ,;").isalpha() or word.startswith(("bi", "semi")):
        return None  # `daily 9am` is not `daily`, which would drop the time
    return did_you_mean(word, _VALUES[field])


def suggest_rule(name: str) -> str:
    """Guess which rule was meant, or list them all."""
    same = next((rule for rule in sorted(RULES) if normalize(rule) == normalize(name)), None)
    guess = f"did you mean `{same}`?" if same else did_you_mean(name, RULES)
    return guess or f"the rules are {', '.join(sorted(RULES))}"


def suggest_severity(value: object) -> str | None:
    """Guess which severity of a rule was meant."""
    word = normalize(str(value))
    meant = _SEVERITY_SYNONYMS.get(word, word)
    return f"write `{meant}`" if meant in WORDS else did_you_mean(word, WORDS)


def suggest_quotes(value: object) -> str | None:
    """Return the hint that YAML does not treat a refused value's quotes as quotes, if it has such."""
    ends = (value[:1], value[-1:]) if isinstance(value, str) else ()
    has_them = any(end in _TYPOGRAPHIC for end in ends)
    return "use plain quotes, or none: YAML does not read typographic ones" if has_them else None


def suggest_expression(cron: str) -> str | None:
    """Return how a refused cron expression is written, or why it cannot be expressed."""
    from halo_iac.load.suggestions.cadence import suggest_cadence

    return suggest_quotes(cron) or suggest_cadence(cron)


def suggest_for_pair(value: object) -> str | None:
    """Return the hint for a refused list item such as ``"a":b``, which is a key and its value."""
    pairs = [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
    is_pair = any(len(each) == 1 and not isinstance([*each.values()][0], dict | list) for each in pairs)  # noqa: RUF015
    return "put a value with a colon in it in quotes" if is_pair else None


def suggest_schedule_key(key: str) -> str | None:
    """Return the nearest allowed key."""
    slug = re.sub(r"[^A-Za-z0-9_-]+", "-", key).strip("-_")[:64]
    return f"write `{slug}`" if slug else None
