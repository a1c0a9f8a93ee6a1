"""The issue that shows a schedule's latest report, for an agent or a person to take (docs/ci.md#reports-as-issues)."""

from __future__ import annotations

from typing import Final

from halo_iac.model.runs import Report
from halo_iac.render.markdown.escape import code
from halo_iac.render.markdown.parts import LIMIT
from halo_iac.render.style import Style

CHANGES_CHARS: Final = 15_000
"""Characters of what has changed since the report before."""
BRIEF_CHARS: Final = LIMIT - CHANGES_CHARS - 2_000

_ABOUT: Final = """\
A coding agent or a person can take this issue: below is what to do, the report, and the traces that it cites. A newer
report replaces this text; comments stay. Close the issue when the report is dealt with: halo never closes it, and opens
another one only for a newer report.
"""


def report_issue(key: str, report: Report, changes: str, brief: str, style: Style) -> str:
    """Return the text of an issue: what it is, ``changes`` since the report before, and the brief."""
    style = style.unpainted()
    begun = report.conversation.created_at
    of = f", of {code(begun, style)}" if begun else ""
    head = f"The latest HALO report of the schedule {code(key, style)}{of}.\n"
    return "\n".join([head, _ABOUT, *([changes, ""] if changes else []), brief])
