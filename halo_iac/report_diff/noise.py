"""Differences without meaning: instants, ids of traces, and durations within a fifth."""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

_UUID: Final = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_HEX: Final = r"(?:[A-Za-z]{1,12}_)?(?=[a-f]*[0-9])(?=[0-9]*[a-f])[0-9a-f]{8,64}|[0-9]{16,64}"
_ID: Final = rf"(?:{_UUID}|{_HEX})(?![0-9A-Za-z])"
_BETWEEN_IDS: Final = r"(?:…|\.\.\.)?`?(?:,? and |, ?| )`?"
_MONTH: Final = (
    r"(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sep(?:t(?:ember)?)?|Oct(?:ober)?"
    r"|Nov(?:ember)?|Dec(?:ember)?)\b\.?"
)
_WEEKDAY: Final = r"(?:(?:Mon|Tues?|Wed(?:nes)?|Thu(?:rs)?|Fri|Sat(?:ur)?|Sun)(?:day)?,? )?"
_CLOCK: Final = r"\d{1,2}:\d\d(?::\d\d(?:[.,]\d{1,9})?)?(?: ?[AaPp][Mm]\b)?(?: ?(?:Z|UTC|GMT)\b| ?[+-]\d\d:?\d\d\b)?"
_DAY: Final = r"\d{1,2}(?:st|nd|rd|th)?"
_DATE: Final = rf"{_WEEKDAY}(?:\d{{4}}-\d\d-\d\d|{_DAY} {_MONTH}(?:,? \d{{4}}\b)?|{_MONTH} {_DAY}\b(?:,? \d{{4}}\b)?)"
_INSTANT: Final = rf"(?<![\w:.])(?:{_DATE}(?:(?:T|,? at |,? ){_CLOCK})?|{_CLOCK})"
_UNITS: Final = {
    "ns": 1e-9,
    "us": 1e-6,
    "µs": 1e-6,
    "μs": 1e-6,
    "ms": 1e-3,
    "s": 1.0,
    "m": 60.0,
    "h": 3600.0,
    "d": 86400.0,
}
_UNIT: Final = r"(?:ns|[uµμ]s|ms|s(?:ec(?:ond)?s?)?|m(?:in(?:ute)?s?)?|h(?:(?:ou)?rs?)?|d(?:ays?)?)\b"
_LENGTH: Final = rf"\d+(?:[.,]\d+)* ?{_UNIT}"
_DURATION: Final = rf"(?<![\w.,])(?:{_LENGTH})(?:,? (?:and )?{_LENGTH})*"
_NUMBER: Final = r"(?<![\w.,])\d+(?:[.,/]\d+)*"

_KINDS: Final = {
    "id": rf"{_ID}(?:{_BETWEEN_IDS}{_ID})*",
    "instant": _INSTANT,
    "duration": _DURATION,
    "number": _NUMBER,
}
_NOISE: Final = re.compile(
    rf"(?<![0-9A-Za-z])(?=[0-9A-Za-z])(?:{'|'.join(f'(?P<{kind}>{form})' for kind, form in _KINDS.items())})"
)
_TOKEN: Final = re.compile(rf"\s*(?:{_NOISE.pattern}|(?P<word>\w+(?:['’._/-]\w+)*|[^\w\s]|\Z))")
_PART: Final = re.compile(r"(\d+(?:[.,]\d+)*) ?([a-zµμ]+)")
_THOUSANDS: Final = re.compile(r",(?=\d{3}(?!\d))")
_ITEM: Final = re.compile(r"\s*(?:([-*+])|\d{1,9}[.)])(?=\s)")
_LABEL: Final = re.compile(
    r"[-*+>\s]*[*_]*(?:(?:analysis|report|run) (?:took|time|duration|runtime)|"
    r"(?:(?:time|analysis|report|run|look-?back|trace) )?(?:windows?|periods?|time range|dates?|"
    r"(?:generated|created|started|finished|completed)(?: at| on)?|(?:run|conversation|report)(?:[- ]?id)?))"
    r"[*_]*(?::|\Z)",
    re.IGNORECASE,
)
"""Begins a line, or is the name of a row, about the run itself."""
_MIN_RATIO: Final = 0.8


class Token(NamedTuple):
    """A word, a sign or a value of a line with the space before it; ``key`` is equal in lines that say the same.

    ``seconds`` is how long a duration is.
    """

    text: str
    key: str
    seconds: float = 0.0


def mask(text: str, *, numbers: bool = False) -> str:
    """Return a line with a sign for each instant, duration and id in it, and for each number as well if asked."""
    words = " ".join(text.split())
    item = _ITEM.match(words)
    if item:
        words = f"{'-' if item[1] else '1.'} {words[item.end() :].lstrip()}"
    return _NOISE.sub(lambda found: found[0] if found["number"] and not numbers else f"<{found.lastgroup}>", words)


def tokenize(text: str) -> Iterator[Token]:
    """Yield the words, signs and values of a line; the number of an item of a list is the same as any other."""
    item = _ITEM.match(text)
    if item:
        yield Token(item[0], "-" if item[1] else "1.")
    for found in _TOKEN.finditer(text, item.end() if item else 0):
        kind = found.lastgroup or "word"
        if not found[kind]:
            return
        key = found[kind] if kind in {"number", "word"} else f"<{kind}>"
        yield Token(found[0], key, _seconds(found[0]) if kind == "duration" else 0.0)


def is_same(before: str, after: str) -> bool:
    """Return whether two lines or cells are equal except for ids, instants, and durations within a fifth.

    Statements about the run itself, such as its window, count as equal with any values.
    """
    if before == after:
        return True
    if mask(before) != mask(after):
        return False
    durations = zip(_durations(before), _durations(after), strict=True)
    return is_about_run(before) or all(is_near(*pair) for pair in durations)


def is_near(before: float, after: float) -> bool:
    """Return whether two durations in seconds differ by no more than noise."""
    return min(before, after) >= _MIN_RATIO * max(before, after)


def is_about_run(line: str) -> bool:
    """Return whether a line, or the name of a row, is about the run and not about the agent, such as its window."""
    return bool(_LABEL.match(line))


def _durations(text: str) -> Iterator[float]:
    for found in _NOISE.finditer(text):
        if found["duration"]:
            yield _seconds(found["duration"])


def _seconds(duration: str) -> float:
    """Return how long ``3 min 29 s`` is; 0 for what is no duration."""
    total = 0.0
    for number, unit in _PART.findall(duration):
        known = _UNITS.get(unit) or _UNITS.get(unit[0], 0.0)
        total += float(_THOUSANDS.sub("", number).replace(",", ".")) * known
    return total
