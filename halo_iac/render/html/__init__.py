"""A page as HTML: one file that needs no script and asks for nothing (docs/page.md).

``page`` fills the templates, which have what every page says; ``words`` has the sentences about its figures, ``strip``
the drawings of time, ``report`` markdown of others as harmless HTML.
"""

from halo_iac.render.html.page import PAGE_START, page_html

__all__ = ["PAGE_START", "page_html"]
