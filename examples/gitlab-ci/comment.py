"""Keep one comment on a merge request up to date: the one that has our marker in its first line and is ours.

Usage: python comment.py FILE, in a merge request pipeline with HALO_COMMENT_TOKEN set. Only the standard library.
"""

from __future__ import annotations

import json
import os
import sys
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

API = os.environ["CI_API_V4_URL"]
NOTES = f"/projects/{os.environ['CI_PROJECT_ID']}/merge_requests/{os.environ['CI_MERGE_REQUEST_IID']}/notes"


def ask(method: str, path: str, **fields: str) -> tuple[Any, str | None]:
    """Return the answer of GitLab's API, and the number of the next page if there is one."""
    body = urllib.parse.urlencode(fields).encode() if method != "GET" else None
    query = f"?{urllib.parse.urlencode(fields)}" if method == "GET" and fields else ""
    headers = {"PRIVATE-TOKEN": os.environ["HALO_COMMENT_TOKEN"]}
    request = urllib.request.Request(f"{API}{path}{query}", body, headers, method=method)  # noqa: S310 - GitLab's own
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - likewise
        return json.load(answer), answer.headers.get("x-next-page")


def ours(marker: str) -> int | None:
    """Return the id of our comment, or None: anybody may write a marker, so its author has to be us."""
    me, _ = ask("GET", "/user")
    page: str | None = "1"
    while page:
        notes, page = ask("GET", NOTES, per_page="100", page=page)
        for note in notes:
            if note["author"]["id"] == me["id"] and note["body"].startswith(marker):
                return int(note["id"])
    return None


def main() -> None:
    """Write the file as a comment, over the one of the last run where there is one."""
    text = Path(sys.argv[1]).read_text(encoding="utf-8")
    found = ours(text.partition("\n")[0])
    if found is None:
        ask("POST", NOTES, body=text)
    else:
        ask("PUT", f"{NOTES}/{found}", body=text)


if __name__ == "__main__":
    main()
