"""Draws the pictures of the documents with whatever Chromium is on the PATH.

``comment.png`` is the comment of ``comment.md``, as GitHub would show it, ``page.png`` what ``halo page`` makes of a
small project. Run ``python docs/picture.py`` after a change of what either looks like.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from markdown_it import MarkdownIt

from halo_iac.findings import run_rules
from halo_iac.load import load
from halo_iac.page import ProjectInput
from halo_iac.page import page as page_of
from halo_iac.render.html import page_html

HERE: Final = Path(__file__).parent
COMMENT: Final = (980, 1200)
PAGE: Final = (1280, 1240)
NOW: Final = datetime(2026, 11, 25, 10, 30, tzinfo=UTC)

PROJECT: Final = """\
version: 1
max_runs_per_month: 1000
defaults: {timezone: Europe/Berlin}
schedules:
  support-weekdays: {title: "Support, every weekday", agent: support-bot, cron: "0 7 * * 1-5", lookback: 24h}
  support-weekly: {title: "Support, end of the week", agent: support-bot, cron: "0 17 * * 5", lookback: 48h}
  checkout-hourly: {title: "Checkout, smoke test", agent: checkout, frequency: hourly, minutes: [5], lookback: 1h}
  checkout-weekdays: {title: "Checkout, every weekday", agent: checkout, cron: "0 8 * * 1-5", lookback: 3d}
"""
"""What the picture of the page is about: one agent that is looked at all the time, and one that is not at weekends."""

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


def draw(html: str, size: tuple[int, int], picture: Path) -> None:
    """Draw a page as a browser of a size shows it."""
    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if browser is None:
        sys.exit("no Chromium on the PATH")
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "page.html"
        source.write_text(html, encoding="utf-8")
        flags = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--hide-scrollbars",
            f"--user-data-dir={folder}/profile",
        ]
        window = f"--window-size={size[0]},{size[1]}"
        command = [browser, *flags, "--disable-background-networking", "--no-first-run", window]
        command += [f"--screenshot={picture}", source.as_uri()]
        subprocess.run(command, check=True, capture_output=True, timeout=120)  # noqa: S603 - our own words


def calendar() -> str:
    """Return the page of the project."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "halo.yaml"
        path.write_text(PROJECT, encoding="utf-8")
        declared = load(path, variables={}, cwd=path.parent)
    return page_html(page_of([ProjectInput(declared, run_rules(declared))], NOW, "America/New_York", ahead=28))


def main() -> None:
    """Draw both pictures."""
    draw(page(comment()), COMMENT, HERE / "comment.png")
    draw(calendar(), PAGE, HERE / "page.png")


if __name__ == "__main__":
    main()
