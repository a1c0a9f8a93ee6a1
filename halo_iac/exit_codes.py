"""The exit codes of halo, and their order of severity (docs/cli.md#exit-codes).

What a plan or a run exits with is decided in ``model/apply_result.py`` and ``cli/plan/request.py``; each class of error
in ``errors.py`` has its own.
"""

from __future__ import annotations

TYPE_CHECKING = False  # type checkers know the name; importing typing would make --version a fifth slower
if TYPE_CHECKING:
    from collections.abc import Iterable

OK = 0
FAILED = 1
"""Nothing was written."""
PENDING = 2
"""A plan has changes (``--detailed-exitcode``), or there is drift."""
REFUSED = 3
PARTLY_APPLIED = 4
"""Something was written, and something failed."""
UNKNOWN_OUTCOME = 5
USAGE = 64
"""Not 2, as is usual, since that means that changes are pending."""
INTERRUPTED = 130

_MOST_SERIOUS_FIRST = (INTERRUPTED, UNKNOWN_OUTCOME, PARTLY_APPLIED, FAILED, USAGE, REFUSED, PENDING, OK)


def most_serious(codes: Iterable[int]) -> int:
    """Return the most serious of several exit codes; without any, that of success."""
    return min(codes, key=_MOST_SERIOUS_FIRST.index, default=OK)
