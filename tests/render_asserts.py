"""What every rendering is held to: golden files, and harmless foreign words.

``HALO_UPDATE_GOLDEN=1 pytest tests/test_render_*.py`` writes the golden files anew;
read the difference before committing it.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

GOLDEN = Path(__file__).parent / "golden" / "render"
COMMAND = re.compile(
    r"^\s*::|##[\w.-]*\[|^(?:-{3}|\+{3}|~{3}|\^{3})[ \t]|travis_(?:fold|time):|section_(?:start|end):", re.MULTILINE
)
"""What a CI runner obeys: GitHub's trims white space before ``::``, and finds ``##[`` anywhere in a line, as TeamCity's
does ``##teamcity[``; the others fold or group lines of a log."""
RAW = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")


def assert_golden(name: str, text: str) -> None:
    path = GOLDEN / name
    if os.environ.get("HALO_UPDATE_GOLDEN"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
    assert text == path.read_bytes().decode()


def assert_harmless(text: str) -> None:
    assert RAW.search(text) is None
    assert COMMAND.search(text) is None
