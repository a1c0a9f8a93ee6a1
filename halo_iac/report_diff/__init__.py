"""Finds what is new, gone and changed between two reports (docs/semantics.md#report-diff).

``sections`` parses markdown, ``noise`` ignores differences without meaning, ``alignment`` aligns sequences in linear
time, and ``compare`` combines them. No clock, no platform.
"""

from halo_iac.report_diff.compare import report_diff

__all__ = ["report_diff"]
