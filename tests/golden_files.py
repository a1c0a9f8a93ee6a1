"""Files that hold what is printed or generated; ``HALO_UPDATE_GOLDEN=1 pytest`` writes them anew.

Read the difference before committing it.
"""

from __future__ import annotations

import os
from pathlib import Path

GOLDEN = Path(__file__).parent / "golden"
IS_UPDATING = bool(os.environ.get("HALO_UPDATE_GOLDEN"))


def assert_golden(name: str, text: str) -> None:
    """Compare a text with ``tests/golden/<name>``."""
    assert_written(GOLDEN / name, text)


def assert_written(path: Path, text: str, hint: str = "") -> None:
    """Compare a text with a file, byte for byte."""
    if IS_UPDATING:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
    assert text == path.read_bytes().decode(), hint
