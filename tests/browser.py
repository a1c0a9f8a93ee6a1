"""A browser that opens pages of ours: Chromium, driven by Playwright, with axe-core to look for barriers.

Test dependencies only. ``make conformance`` installs Playwright and axe-core, and HALO_TEST_AXE names the latter; the
browser is the machine's own, or the one that HALO_TEST_BROWSER names.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

AXE = os.environ.get("HALO_TEST_AXE")
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PROGRAM = os.environ.get("HALO_TEST_BROWSER") or next(filter(None, map(shutil.which, NAMES)), None)


def why_no_browser() -> str | None:
    """Return why no browser can be driven; ``None`` where one can."""
    if find_spec("playwright") is None:
        return "Playwright is not installed: run `make conformance`, or install the extra `browser`"
    if AXE is None:
        return "axe-core is not installed: run `make conformance`, or name it in HALO_TEST_AXE"
    if PROGRAM is None:
        return f"no browser: none of {', '.join(NAMES)} is on PATH; HALO_TEST_BROWSER may name one"
    return None


needs_browser = pytest.mark.skipif(why_no_browser() is not None, reason=str(why_no_browser()))


@dataclass
class Opened:
    """A page that is open, and what it did besides showing itself."""

    page: Page
    messages: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def unfold(self) -> None:
        """Open everything that is folded."""
        self.page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")

    @property
    def width(self) -> int:
        """How wide it is, in pixels."""
        return int(self.page.evaluate("document.documentElement.scrollWidth"))

    def violations(self) -> list[dict[str, Any]]:
        """Return what axe-core finds, by rule with the elements concerned."""
        self.page.evaluate(Path(str(AXE)).read_text(encoding="utf-8"))
        found = self.page.evaluate("axe.run().then(found => found.violations)")
        return [{"rule": each["id"], "nodes": [node["html"] for node in each["nodes"][:3]]} for each in found]


@contextmanager
def open_browser() -> Iterator[Browser]:
    """Run a browser until the block ends."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=PROGRAM, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def open_page(browser: Browser, path: Path, width: int = 1440, scheme: Any = "light") -> Iterator[Opened]:  # noqa: ANN401
    """Open a file in a window of a width, with a reader who likes it light or dark."""
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    try:
        found = Opened(context.new_page())
        found.page.on("console", lambda message: found.messages.append(message.text))
        found.page.on("pageerror", lambda error: found.messages.append(str(error)))
        found.page.on("request", lambda request: found.requests.append(request.url))
        found.page.goto(path.as_uri())
        yield found
    finally:
        context.close()
