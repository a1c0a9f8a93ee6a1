"""One comment or issue that is kept up to date: the one that begins with our marker and that we have written.

Anyone may write a marker, so its author has to be us (docs/security.md#untrusted-text).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Final

from halo_iac.ci.host import Post, Posts

_MARKER: Final = "<!-- halo-ci: "


def marker(what: str, name: str, files: Sequence[str]) -> str:
    """Return the line by which a later run of the same job finds what this one has written."""
    digest = hashlib.sha256("\0".join((what, name, *files)).encode("utf-8", "surrogateescape")).hexdigest()
    return f"{_MARKER}{what} {digest[:16]} -->"


def keep(posts: Posts, mark: str, page: str, *, may_add: bool = True) -> bool:
    """Write a page over the post with this marker, or as a new one; return whether the page is now shown."""
    text = f"{mark}\n{page}"
    mine = _mine(posts, mark)
    if mine is not None:
        if mine.text != text:
            posts.change(mine.number, text)
    elif may_add:
        posts.add(text)
    return mine is not None or may_add


def close(posts: Posts, mark: str, page: str) -> bool:
    """Write a page over the post with this marker and close it; return whether there was one."""
    mine = _mine(posts, mark)
    if mine is None:
        return False
    posts.change(mine.number, f"{mark}\n{page}")
    posts.close(mine.number)
    return True


def _mine(posts: Posts, mark: str) -> Post | None:
    authors = posts.authors()
    return next((each for each in posts.all() if each.author in authors and _first_line(each.text) == mark), None)


def _first_line(text: str) -> str:
    return text.partition("\n")[0].rstrip("\r")
