"""One comment or issue that is kept up to date: the one that begins with our marker and that we have written.

Anyone may write a marker, so its author has to be us (docs/security.md#untrusted-text).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from halo_iac.ci.host import Post, Posts

_MARKER: Final = "<!-- halo-ci: "


def marker(what: str, name: str, files: Sequence[str]) -> str:
    """Return the line by which a later run of the same job finds what this one has written."""
    digest = hashlib.sha256("\0".join((what, name, *files)).encode("utf-8", "surrogateescape")).hexdigest()
    return f"{_MARKER}{what} {digest[:16]} -->"


def upsert(posts: Posts, mark: str, page: str, *, may_add: bool = True) -> bool:
    """Write a page over the post with this marker, or as a new one; return whether the page is now shown."""
    text = f"{mark}\n{page}"
    own = _own_post(posts, mark)
    if own is not None:
        if own.text != text:
            posts.change(own.number, text)
    elif may_add:
        posts.add(text)
    return own is not None or may_add


def close(posts: Posts, mark: str, page: str) -> bool:
    """Write a page over the post with this marker and close it; return whether there was one."""
    own = _own_post(posts, mark)
    if own is None:
        return False
    posts.change(own.number, f"{mark}\n{page}")
    posts.close(own.number)
    return True


def show_in_issue(posts: Posts, mark: str, shown: str, page: Callable[[], str], since: str) -> bool:
    """Show a page in the open issue with this marker, or in a new one; return whether an issue was written.

    ``shown`` is the line that says what the page is about; the page is made only where it is needed. An issue that
    shows the same stays as it is, whatever users have made of its text, and one that they have closed since the instant
    ``since`` is not opened again.
    """
    authors = posts.authors()
    own = next(_own_posts(posts.all(), authors, mark), None)
    if own is None:
        if any(_line(each.text, 1) == shown for each in _own_posts(posts.closed(since), authors, mark)):
            return False
        posts.add(f"{mark}\n{shown}\n{page()}")
        return True
    if _line(own.text, 1) == shown:
        return False
    posts.change(own.number, f"{mark}\n{shown}\n{page()}")
    return True


def content_marker(what: str) -> str:
    """Return the hidden line that identifies the content of a post."""
    digest = hashlib.sha256(what.encode("utf-8", "surrogateescape")).hexdigest()
    return f"<!-- halo-shows: {digest[:16]} -->"


def _own_post(posts: Posts, mark: str) -> Post | None:
    return next(_own_posts(posts.all(), posts.authors(), mark), None)


def _own_posts(posts: Iterable[Post], authors: frozenset[str], mark: str) -> Iterator[Post]:
    return (each for each in posts if each.author in authors and _line(each.text, 0) == mark)


def _line(text: str, number: int) -> str:
    """Return one of the first lines of a text."""
    lines = text.split("\n", number + 1)
    return lines[number].rstrip("\r") if len(lines) > number else ""
