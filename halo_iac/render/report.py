"""Reports as files and in logs: front matter, and text without control sequences."""

from __future__ import annotations

from halo_iac.model.runs import Report
from halo_iac.render.style import PLAIN, Style


def report_file(report: Report, schedule: str | None) -> str:
    """Return a report with front matter that identifies it; the markdown is the platform's."""
    from halo_iac.render.yaml import mapping_text

    facts = report.facts()
    window = {"start": facts["windowStartAt"], "end": facts["windowEndAt"]}
    front = {
        "run": facts["runId"],
        "conversation": facts["conversationId"],
        "title": facts["title"] or None,
        "schedule": schedule,
        "schedule_id": facts["scheduleId"],
        "agent": facts["agentUuid"],
        "window": window if all(window.values()) else None,
        "model": facts["modelId"],
        "status": facts["status"],
    }
    known = {name: value for name, value in front.items() if value is not None}
    return f"---\n{mapping_text(known)}---\n\n{report.markdown}"


def neutralize_markdown(markdown: str, style: Style = PLAIN) -> str:
    """Return markdown with every line escaped for a terminal or a log."""
    return "\n".join(style.safe(line.expandtabs(4)) for line in markdown.replace("\r\n", "\n").split("\n"))
