"""Values in words: fields as the project file spells them, numbers and counts as people read them."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Final

from halo_iac.errors import Problem
from halo_iac.model.finding import Finding, errors
from halo_iac.model.schedule import DAYS, Value
from halo_iac.render.style import Style
from halo_iac.text import counted, list_first

_NONE: Final = "(none)"
MAX_LISTED: Final = 20
"""How many names a list shows before it counts the rest."""
_MAX_LINES: Final = 24
_CUT_END: Final = re.compile(r"[!-~]{1,200}\Z")
_CUT_WORD: Final = re.compile(r"[!-~]+\Z")


def format_value(field: str, value: Value, style: Style) -> str:
    """Return the value of a field of a schedule on one line; ``(none)`` for one that is absent or empty."""
    if value is None or value == ():
        return _NONE
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return f"[{', '.join(_format_element(field, number) for number in value)}]"
    if isinstance(value, int):
        return f"{value:,}" if field == "span_limit" else str(value)
    return style.quoted(value) if field == "title" else style.safe(value)


def _format_element(field: str, number: int) -> str:
    return DAYS[number] if field == "days_of_week" and 0 <= number < 7 else str(number)


def format_change(before: float, after: float, style: Style) -> str:
    """Return ``152 → 183 (+30.4)``; one number where they are equal.

    Each number, also the difference, is rounded from the exact values, so that the difference is the same everywhere.
    """
    first, last, gain = format_number(before), format_number(after), format_number(after - before)
    if first == last or gain == "0":
        return last
    return f"{first} {style.displayable('→')} {last} ({'' if gain.startswith('-') else '+'}{gain})"


def format_number(value: float) -> str:
    """Return a number with its significant digits: ``17,531``, ``30.4``, ``0.25``."""
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 1 else 2
    text = f"{value:,.{digits}f}"
    return text.rstrip("0").rstrip(".") if digits else text


def format_cost_change(before: float, after: float, style: Style) -> str:
    """Return ``76.00 → 91.50 (+15.50)``; one amount where they are equal."""
    first, last = format_amount(before), format_amount(after)
    if first == last:
        return last
    gain = format_amount(after - before)
    return f"{first} {style.displayable('→')} {last} ({'' if gain.startswith('-') else '+'}{gain})"


def format_amount(amount: float) -> str:
    """Return an amount without a currency: ``1,217.50``, or ``0.0031`` where two decimals would show zero."""
    return f"{amount:.2g}" if 0 < abs(amount) < 0.01 else f"{amount:,.2f}"


_TIME_UNITS: Final = ((1, "ns"), (1_000, "µs"), (1_000_000, "ms"), (1_000_000_000, "s"))
_MAX_ELAPSED: Final = 10**19
_MAX_DOLLARS: Final = 10**12


def format_elapsed(nanoseconds: int | None, style: Style) -> str:
    """Return a length of time as people read it: ``850 ns``, ``12.5 ms``, ``2 min 03 s``, ``1 h 05 min``."""
    if nanoseconds is None:
        return "-"
    if nanoseconds < 0:
        return f"-{format_elapsed(-nanoseconds, style)}"
    if nanoseconds == 0:
        return "0 s"
    if nanoseconds > _MAX_ELAPSED:
        return "over 300 years"
    if nanoseconds >= 59_950_000_000:
        return _format_minutes(round(nanoseconds / 10**9))
    size, unit = next(each for each in reversed(_TIME_UNITS) if nanoseconds >= each[0] * 0.9995)
    value = nanoseconds / size
    digits = 0 if size == 1 or value >= 99.95 else 1 if value >= 9.995 else 2
    return f"{value:.{digits}f} {style.displayable(unit)}"


def _format_minutes(seconds: int) -> str:
    if seconds < 3600:
        return f"{seconds // 60} min {seconds % 60:02} s"
    minutes = round(seconds / 60)
    if minutes < 24 * 60:
        return f"{minutes // 60} h {minutes % 60:02} min"
    hours = round(minutes / 60)
    return f"{hours // 24:,} d {hours % 24:02} h"


def format_dollars(amount: float | None) -> str:
    """Return a cost: ``$1,217.50``, or ``<$0.01`` for less than a cent."""
    if amount is None:
        return "-"
    if amount < 0:
        return f"-{format_dollars(-amount)}"
    if amount >= _MAX_DOLLARS:
        return f"${amount:.2g}"
    return "<$0.01" if 0 < amount < 0.01 else f"${amount:,.2f}"


def join_names(names: Sequence[str], style: Style) -> str:
    """Return names separated by commas, at most :data:`MAX_LISTED` of them, and the number of the others."""
    return list_first(map(style.safe, names), len(names), MAX_LISTED)


def shorten(text: str, longest: int) -> str:
    """Return a text cut to a number of characters, without a partial last word: half a key could not be redacted."""
    return text if len(text) <= longest else f"{_CUT_WORD.sub('', text[:longest])}…"


def cut_text(text: str, most: int) -> tuple[str, int]:
    """Return the first characters and lines of a long text, and how many characters are left out.

    A word that is cut is left out near the cut, for the same reason as in :func:`shorten`.
    """
    if len(text) <= most and text.count("\n") < _MAX_LINES:
        return text, 0
    lines = text[: most + 1].split("\n", _MAX_LINES)[:_MAX_LINES]
    shown = "\n".join(lines)
    if len(shown) > most:
        shown = _CUT_END.sub("", shown[:most])
    return shown, len(text) - len(shown)


def problem_counts(problems: Sequence[Problem], findings: Sequence[Finding]) -> str:
    """Return ``2 problems in 1 file, 3 findings``, or that there are none."""
    files = len({problem.path for problem in problems})
    counts = [
        *(
            [f"{counted(sum(problem.represents for problem in problems), 'problem')} in {counted(files, 'file')}"]
            if problems
            else ()
        ),
        *([counted(len(findings), "finding")] if findings else ()),
    ]
    return ", ".join(counts) or "no problems"


def counted_findings(findings: Collection[Finding]) -> str:
    """Return ``2 findings``, and how many of them are errors where some are."""
    failing = len(errors(findings))
    return counted(len(findings), "finding") + (f" ({counted(failing, 'error')})" if failing else "")
