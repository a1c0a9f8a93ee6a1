"""A page as HTML: one file without scripts and external requests (docs/page.md).

``page`` fills the templates, which have the fixed text; ``words`` has the sentences about figures, ``strip`` the SVG
timelines, ``report`` converts untrusted markdown to safe HTML.
"""

from halo_iac.render.html.page import PAGE_START, page_html

__all__ = ["PAGE_START", "page_html"]
