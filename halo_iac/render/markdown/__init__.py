"""Markdown for pull requests: a page a plan, small enough for one comment, that foreign words cannot break.

See docs/cli.md#formats.

``escape`` says what becomes of foreign words, ``page`` what fits.
"""

from halo_iac.render.markdown.escape import comment_marker
from halo_iac.render.markdown.page import error_markdown, plan_markdown, problems_markdown

__all__ = ["comment_marker", "error_markdown", "plan_markdown", "problems_markdown"]
