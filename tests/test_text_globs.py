"""Title globs: `*` stands for anything, nothing else is special, and what `protect` covered before stays covered."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from halo_iac.text import Protection, is_covered


@pytest.mark.parametrize(
    ("glob", "covered", "others"),
    [
        ("[prod] *", "[prod] A|p A|[prod] ", "[prod]|q A|x[prod] A"),
        ("Nightly ?", "Nightly 1|Nightly ?", "Nightly|Nightly 12"),
        ("[!a]*", "b|[!a]b", "a|ab"),
        ("a*b*c", "abc|aXbYc|abbcc", "ab|acb|abcd"),
        ("*", "|a|a\nb", ""),
        ("**a", "a|ba", "ab"),
        ("a*a", "aa|aba", "a"),
        ("ab*ba", "abba", "aba"),
        ("A.*", "A.|A.b", "AB|a."),
        ("${ENV}: *", "${ENV}: A", "prod: A"),
        ("[", "[", "a"),
        ("A", "A", "a|AA"),
    ],
    ids=str,
)
def test_a_glob_covers_what_a_star_stands_for_and_what_it_covered_before(glob: str, covered: str, others: str) -> None:
    protection = Protection([glob, glob])
    assert [list(protection.covering(title)) for title in covered.split("|")] == [[glob]] * len(covered.split("|"))
    assert [list(protection.covering(title)) for title in filter(None, others.split("|"))] == [
        [] for _ in filter(None, others.split("|"))
    ]


@given(st.text("ab*?[]!", max_size=6), st.text("ab[]?!", max_size=6))
def test_a_glob_covers_at_least_what_a_shell_would(glob: str, title: str) -> None:
    is_star_alone = (
        title == glob or re.fullmatch(".*".join(map(re.escape, glob.split("*"))), title, re.DOTALL) is not None
    )
    assert is_covered(title, glob) == is_star_alone
    assert bool([*Protection([glob]).covering(title)]) == (is_star_alone or fnmatchcase(title, glob))
