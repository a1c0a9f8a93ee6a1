"""Print the changelog's section of a release: ``python .ci/release_notes.py v0.1.0``.

Refuses a tag that is not the version of the package, and a version without a section.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def notes(tag: str, root: Path = ROOT) -> str:
    """Return what CHANGELOG.md says under the tag's version; exits with a message where that is not possible."""
    package = (root / "halo_iac" / "__init__.py").read_text(encoding="utf-8")
    version = re.search(r'^__version__ = "(.+)"$', package, re.MULTILINE)
    if version is None or tag != f"v{version[1]}":
        sys.exit(f"error: the tag is {tag}, but halo_iac/__init__.py says {version[1] if version else 'no version'}")
    changelog = (root / "CHANGELOG.md").read_text(encoding="utf-8")
    heading = rf"^## \[?{re.escape(version[1])}\]?(?: [^\n]*)?$"
    found = re.search(rf"{heading}\n(.*?)(?=^## |\Z)", changelog, re.MULTILINE | re.DOTALL)
    if found is None or not found[1].strip():
        sys.exit(f"error: CHANGELOG.md has no section “## {version[1]}”, or nothing in it")
    return found[1].strip() + "\n"


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python .ci/release_notes.py TAG")
    sys.stdout.write(notes(sys.argv[1]))
