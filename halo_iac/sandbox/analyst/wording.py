"""How figures are put into words and markdown, and foreign text made harmless in it (docs/security.md#untrusted-text).

Names, messages and arguments come from whoever writes traces. They appear only inside code spans: those cannot be
broken out of, they hold no markup, HTML or mention, and never stand at the start of a line.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from halo_iac.sandbox.analyst.figures import Traces

_SHOWN: Final = 120
_HIDDEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_RUNNER: Final = re.compile(r"(##(?:vso)?)(?=\[)", re.IGNORECASE)
"""Words that a CI runner obeys anywhere in a line."""

_SECOND: Final = 1_000_000_000
_UNITS: Final = ((_SECOND, "s"), (1_000_000, "ms"), (1_000, "µs"))


def code(text: str, most: int = _SHOWN) -> str:
    """Return foreign text as one code span, cut to ``most`` characters; what cannot be seen becomes ``�``."""
    plain = " ".join("".join("�" if _is_hidden(one) else one for one in text[: most * 4]).split())
    plain = _RUNNER.sub(r"\1\\", plain if len(plain) <= most else f"{plain[: most - 1]}…")
    if not plain:
        return "(empty)"
    fence = "`" * (max((len(run) for run in re.findall("`+", plain)), default=0) + 1)
    pad = " " if plain[0] == "`" or plain[-1] == "`" else ""
    return f"{fence}{pad}{plain}{pad}{fence}"


def _is_hidden(character: str) -> bool:
    return not character.isspace() and unicodedata.category(character) in _HIDDEN


def cited(traces: Traces) -> str:
    """Return the ids of traces, each whole, so that it can be searched for."""
    return ", ".join(code(trace_id) for trace_id in traces)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return the lines of a table; a head that starts with ``#`` is a column of numbers."""
    marks = ["---:" if name.startswith("#") else "---" for name in head]
    lines = [_row([name.removeprefix("#") for name in head]), _row(marks)]
    return lines + [_row([cell.replace("|", "\\|") for cell in row]) for row in rows]


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def counted(number: int, word: str, plural: str | None = None) -> str:
    """Return ``1 trace``, ``1,200 traces``."""
    return f"{number:,} {word if number == 1 else plural or word + 's'}"


def took(duration: int) -> str:
    """Return a duration in nanoseconds with three significant digits at most: ``1.64 s``, ``320 ms``, ``2 min 5 s``."""
    if duration >= 3600 * _SECOND:
        minutes = (duration + 30 * _SECOND) // (60 * _SECOND)
        return f"{minutes // 60:,} h {minutes % 60} min"
    if duration >= 100 * _SECOND:
        seconds = (2 * duration + _SECOND) // (2 * _SECOND)
        return f"{seconds // 60} min {seconds % 60} s"
    for unit, name in _UNITS:
        if duration >= unit:
            return f"{_three_digits(duration, unit)} {name}"
    return f"{duration} ns"


def _three_digits(number: int, unit: int) -> str:
    decimals = 2 if number < 10 * unit else 1 if number < 100 * unit else 0
    scaled = (2 * number * 10**decimals + unit) // (2 * unit)
    whole, parts = divmod(scaled, 10**decimals)
    return f"{whole}.{parts:0{decimals}d}" if decimals else str(whole)


def cost(amount: Decimal) -> str:
    """Return a cost with four decimals, or as many as a smaller one needs to show two digits."""
    if not amount:
        return "0"
    decimals = max(4, 1 - amount.adjusted())
    return f"{amount:,.{decimals}f}"


def instant(nanoseconds: int) -> str:
    """Return an instant in UTC to the second."""
    return f"{datetime.fromtimestamp(nanoseconds // _SECOND, UTC):%Y-%m-%d %H:%M:%S} UTC"


def listed(words: Sequence[str]) -> str:
    """Return ``a, b and c``."""
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))
