"""Markdown for pull requests: one page per plan, small enough for a comment, safe against untrusted text.

See docs/cli.md#formats. ``escape`` neutralizes untrusted text, ``page`` decides what fits.
"""

from halo_iac.render.markdown.escape import comment_marker
from halo_iac.render.markdown.page import error_markdown, plan_markdown, problems_markdown

__all__ = ["comment_marker", "error_markdown", "plan_markdown", "problems_markdown"]
