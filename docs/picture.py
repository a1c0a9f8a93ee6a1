"""Draws ``comment.png``: the comment of ``comment.md``, as GitHub would, with whatever Chromium is on the PATH.

Run ``python docs/picture.py`` after a change of what a page of markdown looks like. It needs markdown-it, which rich
brings.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from markdown_it import MarkdownIt

HERE: Final = Path(__file__).parent
SIZE: Final = (980, 1200)

_PAGE: Final = """<!doctype html><meta charset="utf-8"><style>
body {{ font: 14px/1.5 "Segoe UI", "Noto Sans", Helvetica, Arial, sans-serif; margin: 16px; color: #1f2328 }}
main, header, th, td {{ border: 1px solid #d1d9e0 }}
main {{ border-radius: 6px }}
header {{ background: #f6f8fa; border-width: 0 0 1px; padding: 8px 16px }}
article {{ padding: 4px 16px 12px }}
table {{ border-collapse: collapse; margin: 0 0 16px }}
th, td {{ padding: 5px 12px; text-align: left; vertical-align: top }}
tr:nth-child(even), pre {{ background: #f6f8fa }}
code {{ background: #eff1f3; border-radius: 6px; padding: .2em .4em; font: 85% "DejaVu Sans Mono", monospace }}
pre {{ border-radius: 6px; padding: 12px }}
pre code {{ background: none; padding: 0 }}
.added {{ background: #dafbe1; display: block }}
.removed {{ background: #ffebe9; display: block }}
summary {{ margin: 6px 0 8px }}
</style><main><header><b>github-actions</b> bot commented</header><article>{body}</article></main>"""


def comment() -> str:
    """Return the comment that ``comment.md`` shows."""
    shown = (HERE / "comment.md").read_text(encoding="utf-8")
    found = re.search(r"(<!-- halo-plan: .*?)<!-- end of the comment -->", shown, re.DOTALL)
    if found is None:
        sys.exit("comment.md shows no comment")
    return found[1]


def page(markdown: str) -> str:
    """Return it as HTML, the first two of its changes unfolded and the lines of a diff in their colours."""
    body = MarkdownIt("commonmark", {"html": True}).enable("table").render(markdown)
    body = body.replace("<details>", "<details open>", 2)
    for sign, name in (("+", "added"), ("-", "removed")):
        body = re.sub(rf"(?m)^({re.escape(sign)} .*)\n", rf'<span class="{name}">\1</span>', body)
    return _PAGE.format(body=body)


def main() -> None:
    """Write the picture."""
    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if browser is None:
        sys.exit("no Chromium on the PATH")
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "comment.html"
        source.write_text(page(comment()), encoding="utf-8")
        flags = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--hide-scrollbars",
            f"--user-data-dir={folder}/profile",
        ]
        size = f"--window-size={SIZE[0]},{SIZE[1]}"
        picture = f"--screenshot={HERE / 'comment.png'}"
        command = [browser, *flags, "--disable-background-networking", "--no-first-run", size, picture, source.as_uri()]
        subprocess.run(command, check=True, capture_output=True, timeout=120)  # noqa: S603 - our own words


if __name__ == "__main__":
    main()
