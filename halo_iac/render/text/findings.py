"""What is odd about declared schedules, beside the change it concerns or apart (docs/semantics.md#findings)."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from halo_iac.model.finding import Finding, Severity
from halo_iac.render.style import Style
from halo_iac.render.text.asides import paragraph
from halo_iac.render.text.change import INDENT
from halo_iac.render.words import counted

_ROLES = {Severity.ERROR: "refused", Severity.WARNING: "warning"}


def finding_lines(finding: Finding, style: Style, *, indent: str = INDENT) -> Iterator[str]:
    """Return one finding: what it does, by which rule and where, then what was found, and what to do."""
    lead = style.paint(f"{finding.severity}:", _ROLES[finding.severity])
    place = style.paint(f"({style.safe(finding.path)}:{finding.line})", "dim")
    yield f"{indent}{lead} {style.safe(finding.rule)}  {place}"
    yield from paragraph("  ", finding.message, style, indent=indent)
    if finding.hint:
        yield from paragraph("  hint: ", finding.hint, style, indent=indent)


def other_finding_lines(findings: Sequence[Finding], changed: Collection[str | None], style: Style) -> Iterator[str]:
    """Return what stands beside no change: errors, and what concerns the project; warnings of entries are counted."""
    others = [finding for finding in findings if finding.key is None or finding.key not in changed]
    listed = [finding for finding in others if finding.key is None or finding.severity is Severity.ERROR]
    if not others:
        return
    yield style.paint("Findings", "refused" if any(each.severity is Severity.ERROR for each in listed) else "warning")
    for finding in listed:
        yield from finding_lines(finding, style, indent="  ")
    if len(others) > len(listed):
        more = counted(len(others) - len(listed), "warning")
        yield f"  {more} of entries without a change; `halo validate` lists {'it' if more == '1 warning' else 'them'}"
