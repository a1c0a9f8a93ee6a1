"""Markdown for pull requests: one page per plan, small enough for a comment, safe against untrusted text.

See docs/cli.md#formats. ``escape`` neutralizes untrusted text, ``view`` and ``parts`` decide what fits.
"""
