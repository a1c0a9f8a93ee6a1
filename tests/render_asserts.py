"""What no rendering may contain: untrusted text that a terminal or a CI runner would act on."""

from __future__ import annotations

import re

COMMAND = re.compile(
    r"^\s*::|##[\w.-]*\[|^(?:-{3}|\+{3}|~{3}|\^{3})[ \t]|travis_(?:fold|time):|section_(?:start|end):", re.MULTILINE
)
"""What a CI runner obeys: GitHub's trims white space before ``::``, and finds ``##[`` anywhere in a line, as TeamCity's
does ``##teamcity[``; the others fold or group lines of a log."""
RAW = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")


def assert_harmless(text: str) -> None:
    assert RAW.search(text) is None
    assert COMMAND.search(text) is None
