"""Plain YAML scalars → values, as ruamel.yaml's safe loader resolves them under YAML 1.2.

``yes``, ``no``, ``on``, ``off`` and dates are strings, ``0o17`` is 15, ``1_000`` is 1000. Dates differ from that loader
on purpose: YAML 1.2 has no timestamps, and a title that looks like a date should stay the text somebody wrote.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from halo_iac.load.bounds import MAX_DIGITS

Scalar = str | int | float | bool | None

_WORDS: Final[dict[str, bool | None]] = {
    "": None,
    "~": None,
    "null": None,
    "Null": None,
    "NULL": None,
    "true": True,
    "True": True,
    "TRUE": True,
    "false": False,
    "False": False,
    "FALSE": False,
}
_INTEGER: Final = re.compile(r"[-+]?(?:0b[01_]+|0o[0-7_]+|0x[0-9a-fA-F_]+|[0-9_]*[0-9][0-9_]*)")
_FLOAT: Final = re.compile(
    r"[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+]?[0-9]+)?"
    r"|[-+]?[0-9][0-9_]*[eE][-+]?[0-9]+"
    r"|[-+]?\.[0-9_]*[0-9][0-9_]*(?:[eE][-+][0-9]+)?"
    r"|[-+]?\.(?:inf|Inf|INF)"
    r"|\.(?:nan|NaN|NAN)"
)
_BASES: Final = {"0b": 2, "0o": 8, "0x": 16}

FIRST_CHARACTERS: Final = frozenset({"", *"-+.0123456789tTfFnN~"})
"""What a plain scalar that is no string begins with, or is."""


@lru_cache(maxsize=4096)
def resolve(text: str) -> Scalar:
    """Return the value of a plain scalar; itself where YAML 1.2 gives it no other meaning.

    Remembered, since a file of ten thousand schedules says ``9``, ``true`` and ``timezone`` ten thousand times each.
    """
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in FIRST_CHARACTERS or len(text) > MAX_DIGITS:
        return text
    if _INTEGER.fullmatch(text):
        return _integer(text)
    if _FLOAT.fullmatch(text):
        return float(text.lower().replace("_", "").replace(".inf", "inf").replace(".nan", "nan"))
    return text


def _integer(text: str) -> int | str:
    digits = text.replace("_", "")
    sign = -1 if digits[0] == "-" else 1
    digits = digits.lstrip("+-")
    base = _BASES.get(digits[:2])
    if base is None:
        return sign * int(digits)
    return sign * int(digits[2:], base) if digits[2:] else text
