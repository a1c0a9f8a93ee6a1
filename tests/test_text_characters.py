"""All code that refuses, shows or replaces invisible characters uses one table of them."""

from __future__ import annotations

import unicodedata

import pytest

from halo_iac.load import entries as titles
from halo_iac.text import escape_control, is_invisible, quote, single_line

MARKS_AND_LETTERS = "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u3164\uffa0"


@pytest.fixture(scope="module")
def invisible() -> list[str]:
    return [character for character in map(chr, range(0x110000)) if is_invisible(character)]


def test_the_table_has_the_controls_formats_and_line_breaks_of_unicode_and_some_blanks(invisible: list[str]) -> None:
    assigned = [character for character in invisible if unicodedata.category(character) != "Cn"]
    categories = {"Cc", "Cf", "Cs", "Zl", "Zp"}
    everything = map(chr, range(0x110000))
    assert assigned == [
        one for one in everything if unicodedata.category(one) in categories or one in MARKS_AND_LETTERS
    ]


def test_emoji_and_their_variation_selectors_are_visible() -> None:
    assert not any(map(is_invisible, "é 漢 ✔\ufe0f 👍🏽 \U000e0100"))


@pytest.mark.parametrize("text", ["a{}b", "é{}漢"])
def test_no_invisible_character_passes_anywhere(invisible: list[str], text: str) -> None:
    for character in invisible:
        title = text.format(character)
        assert (
            titles.invalid_title_reason(title) == "a title cannot contain control, format or zero-width characters"
        ), ascii(character)
        for words in (escape_control(title), single_line(title), quote(title), titles.correct_title(title)):
            assert not any(map(is_invisible, words)), ascii(character)
