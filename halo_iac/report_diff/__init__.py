"""What is new, gone and changed between two reports (docs/semantics.md#report-diff).

``sections`` reads markdown, ``noise`` knows what differs in any two reports and means nothing, ``alignment`` finds what
belongs together in time in proportion to the reports, and ``compare`` composes them. No clock, no platform.
"""

from halo_iac.report_diff.compare import report_diff

__all__ = ["report_diff"]
