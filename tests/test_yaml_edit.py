"""Edits of project files: the intended lines change, and every other byte stays."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from halo_iac.load.yaml_events import read_events
from halo_iac.load.yaml_parser import parse_text
from halo_iac.yaml_edit import CannotEdit, add_entries, override_enabled, rename_entry, set_enabled
from halo_iac.yaml_edit.edits import outline

NEW: dict[str, Any] = {"new": {"title": "N: x", "hours": [9], "prompt": "1\n2"}}
BLOCK = "  new:\n    title: 'N: x'\n    hours: [9]\n    prompt: |\n      1\n      2\n"
FLOW = '"new": {"title": "N: x", "hours": [9], "prompt": "1\\n2"}'


def assert_entry_added(before: str, what: str) -> None:
    """Check that adding an entry to a text comes to this: the text with ``<<`` and ``>>`` around what is put in."""
    start, _, rest = what.partition("<<")
    new, _, end = rest.partition(">>")
    assert start + end == before
    assert add_entries(before, NEW) == start + new + end


# Entries in lines ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("above", "below"),
    [
        ("schedules:\n  a:\n    title: A\n", ""),
        ("# top\nschedules:\n  a: {title: A}\n", "\n# closing\n"),
        ("schedules:\n  a:\n    title: A  # c\n    # hours: [9]\n", "  # about what follows\n\nversion: 1\n"),
        ("---\nschedules:\n  a:\n    title: &t A\n", "...\n"),
        ("schedules:\n  a: &a\n    title: A\n    prompt: |\n      x\n", "\n\nagents:\n  b: *a\n"),
        ("schedules:\n  a:\n    title:\n      folded\n      title\n", "# end\ttab\n"),
        ('"schedules":\n  "a":\n    "title": "A"\n\n    # of a, after a gap\n', "\n"),
    ],
)
def test_an_entry_is_added_below_the_last_and_above_what_is_not_about_it(above: str, below: str) -> None:
    assert_entry_added(above + below, f"{above}<<\n{BLOCK}>>{below}")


def test_entries_without_empty_lines_between_them_get_none() -> None:
    above = "schedules:\n  a:\n    title: A\n  b:\n    title: B\n"
    assert_entry_added(f"{above}# end\n", f"{above}<<{BLOCK}>># end\n")


def test_the_lines_that_a_text_keeps_stay_its_own() -> None:
    above = "schedules:\n  a:\n    prompt: |+\n      x\n\n\n"
    assert_entry_added(f"{above}# end\n", f"{above}<<{BLOCK}>># end\n")


@pytest.mark.parametrize(("column", "step"), [(1, 1), (2, 4), (3, 3), (4, 2), (8, 8)])
def test_an_entry_is_indented_like_the_others(column: int, step: int) -> None:
    left, right = " " * column, " " * (column + step)
    text = f"schedules:\n{left}a:\n{right}title: A\n"
    assert add_entries(text, {"b": {"title": "B"}}) == f"{text}\n{left}b:\n{left}{' ' * step}title: B\n"


def test_a_last_line_without_an_end_is_ended() -> None:
    text = "schedules:\n  a:\n    prompt: |\n      x"
    assert add_entries(text, NEW) == f"{text}\n\n{BLOCK}"


def test_lines_end_as_the_file_s_do() -> None:
    text = "schedules:\r\n  a:\r\n    title: A\r\n# end\r\n"
    expected = text.replace("# end", f"\n{BLOCK}# end".replace("\n", "\r\n"))
    assert add_entries(text, NEW) == expected


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("schedules: {}\n", f"schedules:\n{BLOCK}"),
        ("schedules: &s {  }  # none yet\n# c\n", f"schedules: &s  # none yet\n{BLOCK}# c\n"),
        ("version: 1\nschedules: {}", f"version: 1\nschedules:\n{BLOCK}"),
        ("include: [a.yaml]\n# end\n", f"include: [a.yaml]\n\nschedules:\n{BLOCK}# end\n"),
        (
            "include:\n  - a.yaml\n  # - b.yaml\n...\n",
            f"include:\n  - a.yaml\n  # - b.yaml\n\nschedules:\n{BLOCK}...\n",
        ),
    ],
)
def test_a_file_without_entries_gets_its_first(before: str, after: str) -> None:
    assert add_entries(before, NEW) == after


# Entries between braces ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("{schedules: {a: {title: A}}}", f"{{schedules: {{a: {{title: A}}<<, {FLOW}>>}}}}"),
        ("schedules: {a: {title: A},}  # c\n", f"schedules: {{a: {{title: A}}<<, {FLOW}>>,}}  # c\n"),
        ('{"version": 1, "schedules": {}}', f'{{"version": 1, "schedules": {{<<{FLOW}>>}}}}'),
        ('{"version": 1}\n', f'{{"version": 1<<, "schedules": {{{FLOW}}}>>}}\n'),
        (
            'schedules: {\n  "a": {"title": "A"}  # c\n}\n',
            f'schedules: {{\n  "a": {{"title": "A"}}<<,\n  {FLOW}>>  # c\n}}\n',
        ),
    ],
)
def test_an_entry_between_braces_is_in_quotes(before: str, after: str) -> None:
    assert_entry_added(before, after)


def test_each_of_several_entries_between_braces_has_a_line_where_the_others_have_one() -> None:
    more = {"b": {"title": "B"}, "c": {"title": "C"}}
    for gap in ("\n  ", " "):
        before = f'{{"schedules": {{{gap}"a": {{"title": "A"}}'
        expected = f'{before},{gap}"b": {{"title": "B"}},{gap}"c": {{"title": "C"}}}}}}'
        assert add_entries(f"{before}}}}}", more) == expected


# What is not done ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a: &a {x: {}}\nschedules: *a\n", "`schedules` is an alias"),
        ("a: &a {schedules: {}}\n<<: *a\n", "`schedules` is merged from another mapping"),
        ("schedules: { # none\n}\n", "the braces of `schedules` contain a comment or more than one line"),
        (
            "schedules: &s\n  a: {title: A}\nagents: *s\n",
            "the edit would also change other parts of the file",
        ),
    ],
)
def test_an_uncertain_edit_is_refused(text: str, reason: str) -> None:
    with pytest.raises(CannotEdit) as caught:
        add_entries(text, NEW)
    assert caught.value.reason == reason


# Titles -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("title: Old  # c\n    agent: x\n", "title: 'New: 1'  # c\n    renamed_from: Old\n    agent: x\n"),
        ("agent: x\n    title: 'Old'", "agent: x\n    title: 'New: 1'\n    renamed_from: 'Old'\n"),
        ('title: "Old"\n# end\n', 'title: "New: 1"\n    renamed_from: "Old"\n# end\n'),
        ("title: Old\n    renamed_from: 'a'  # c\n", "title: 'New: 1'\n    renamed_from: ['a', 'Old']  # c\n"),
        ("title: Old\n    renamed_from: a, b\n", "title: 'New: 1'\n    renamed_from: ['a, b', Old]\n"),
        ('renamed_from: ["a", b]\n    title: Old\n', "renamed_from: [\"a\", b, Old]\n    title: 'New: 1'\n"),
        (
            'renamed_from:\n    -  a\n    -  "b"  # c\n    title: Old\n',
            'renamed_from:\n    -  a\n    -  "b"  # c\n    -  "Old"\n    title: \'New: 1\'\n',
        ),
        ("title:\n      Old\n      one\n", "title:\n      'New: 1'\n    renamed_from: Old one\n"),
    ],
)
def test_a_title_is_changed_and_the_old_one_kept_in_the_style_that_is_found(before: str, after: str) -> None:
    head = "schedules:\n  a:\n    "
    old = "Old one" if "one" in before else "Old"
    assert rename_entry(head + before, "a", title="New: 1", former=old) == head + after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a: {title: Old, agent: x}", "a: {title: 'New, 1', renamed_from: Old, agent: x}"),
        ('"a": {"title": "Old"}', '"a": {"title": "New, 1", "renamed_from": "Old"}'),
        ("a: {title: Old, renamed_from: [b]}", "a: {title: 'New, 1', renamed_from: [b, Old]}"),
    ],
)
def test_an_entry_between_braces_is_renamed_in_its_line(before: str, after: str) -> None:
    text = f"schedules: {{{before}}}\n"
    assert rename_entry(text, "a", title="New, 1", former="Old") == f"schedules: {{{after}}}\n"


def test_dollars_are_written_so_that_no_variable_is_read() -> None:
    text = "schedules:\n  a:\n    title: $5\n"
    assert rename_entry(text, "a", title="${x}", former="$$5") == (
        "schedules:\n  a:\n    title: $${x}\n    renamed_from: $$$$5\n"
    )


def test_a_title_or_a_former_title_can_be_written_alone() -> None:
    text = "schedules:\n  a:\n    title: Old\n"
    assert rename_entry(text, "a", title="New") == "schedules:\n  a:\n    title: New\n"
    assert rename_entry(text, "a", former="Older") == f"{text}    renamed_from: Older\n"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("x: &t Old\nschedules: {a: {title: *t}}", "its title is an alias"),
        ("schedules: {a: {title: &t Old}}", "its title has an anchor, so other values may be aliases of it"),
        ("schedules: {a: {title: '${X}'}}", "its title contains a variable"),
        ("schedules: {a: {title: '$${X} $x ${Y}'}}", "its title contains a variable"),
        ("schedules:\n  a:\n    title: >-\n      Old\n", "its title is a block of text"),
        ("x: &x {title: Old}\nschedules: {a: *x}", "its entry is an alias of another"),
        ("x: &x {title: Old}\nschedules: {a: {<<: *x}}", "its title is merged from another mapping"),
        ("x: &x {a: {title: Old}}\nschedules: {<<: *x}", "its entry is an alias, or is merged from another mapping"),
        (
            "x: &x {renamed_from: b}\nschedules: {a: {<<: *x, title: Old}}",
            "its renamed_from is merged from another mapping",
        ),
        ("x: &x b\nschedules: {a: {title: Old, renamed_from: *x}}", "its renamed_from is an alias"),
        ("x: &x b\nschedules: {a: {title: Old, renamed_from: [*x]}}", "the last title of its renamed_from is an alias"),
        (
            "schedules: {a: &a {title: Old}, b: {<<: *a, title: B}}",
            "the edit would also change other parts of the file",
        ),
    ],
)
def test_a_title_that_is_not_in_the_entry_itself_is_left_alone(text: str, reason: str) -> None:
    with pytest.raises(CannotEdit) as caught:
        rename_entry(text, "a", title="New", former="Old")
    assert caught.value.reason == reason


# Outline ------------------------------------------------------------------------------------------------------------

ALL_FORMS = """\
a: &x 'it''s'  # c
"b": [1, {c: *x}]
d: |+
  text

e:
  - >-
    more
# end
"""


def test_both_parsers_say_the_same_of_where_things_stand(monkeypatch: pytest.MonkeyPatch) -> None:
    found = outline(ALL_FORMS)
    monkeypatch.setattr("halo_iac.yaml_edit.edits.read_events", partial(read_events, pure=True))
    assert outline(ALL_FORMS) == found
    assert [ALL_FORMS[node.start : node.end] for node in found.children[1:4]] == ["&x 'it''s'", '"b"', "[1, {c: *x}]"]
    assert not parse_text(ALL_FORMS, "").problems


# Enabled ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("  a:\n    title: A # c\n", "  a:\n    title: A # c\n    enabled: false\n"),
        ("  a:\n    title: A", "  a:\n    title: A\n    enabled: false\n"),
        (
            "  a:\n    enabled:   true   # for now\n    title: A\n",
            "  a:\n    enabled:   false   # for now\n    title: A\n",
        ),
        ("  a: {title: A}\n", "  a: {title: A, enabled: false}\n"),
        ('  a: {"title": "A",\n  }\n', '  a: {"title": "A", "enabled": false,\n  }\n'),
        ("  a:\n    prompt: |\n      x\n\n\n  b:\n", "  a:\n    prompt: |\n      x\n    enabled: false\n\n\n  b:\n"),
        ("  a: &a\n    <<: {enabled: true}\n", "  a: &a\n    <<: {enabled: true}\n    enabled: false\n"),
        ('  a: {enabled: "${ON}"}\n', "  a: {enabled: false}\n"),
        ("  a:\n    hours:\n      - 9\n# end\n", "  a:\n    hours:\n      - 9\n    enabled: false\n# end\n"),
    ],
)
def test_enabled_is_written_in_the_style_of_the_entry(before: str, after: str) -> None:
    assert set_enabled(f"schedules:\n{before}", "a", is_enabled=False) == f"schedules:\n{after}"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("x-e: &e {title: A}\nschedules:\n  a: *e\n", "its entry is an alias of another"),
        ("schedules:\n  a: {enabled: &on true}\n", "its enabled has an anchor, so other values may be aliases of it"),
        ("x-on: &on true\nschedules:\n  a: {enabled: *on}\n", "its enabled is an alias"),
        (
            "schedules:\n  a: &a\n    hours: [9]\n  b:\n    <<: *a\n",
            "the edit would also change other parts of the file",
        ),
    ],
)
def test_an_entry_with_shared_values_is_not_edited(text: str, reason: str) -> None:
    with pytest.raises(CannotEdit) as caught:
        set_enabled(text, "a", is_enabled=False)
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("include: [s.yaml]\n", "include: [s.yaml]\noverrides:\n  schedules:\n    a:\n      enabled: false\n"),
        (
            "include: [s.yaml]  # shared\n\n# ours\nschedules: {}\n",
            (
                "include: [s.yaml]  # shared\noverrides:\n  schedules:\n    a:\n      enabled: false\n"
                "\n# ours\nschedules: {}\n"
            ),
        ),
        ("overrides: {}\n", "overrides: {schedules: {a: {enabled: false}}}\n"),
        (
            "overrides:\n  lookback: 2d  # all\nschedules: {}\n",
            "overrides:\n  lookback: 2d  # all\n  schedules:\n    a:\n      enabled: false\nschedules: {}\n",
        ),
        (
            "overrides:\n  schedules:\n    b: {hours: 3}\n",
            "overrides:\n  schedules:\n    b: {hours: 3}\n    a:\n      enabled: false\n",
        ),
        ("overrides: {schedules: {a: {hours: 3}}}", "overrides: {schedules: {a: {hours: 3, enabled: false}}}"),
        ("overrides: {schedules: {a: {enabled: true }}}", "overrides: {schedules: {a: {enabled: false }}}"),
        (
            '{"version": 1, "overrides": {"enabled": true}}',
            '{"version": 1, "overrides": {"enabled": true, "schedules": {"a": {"enabled": false}}}}',
        ),
        (
            "x: &l {hours: 3}\noverrides:\n  schedules:\n    a:\n      <<: *l\n",
            "x: &l {hours: 3}\noverrides:\n  schedules:\n    a:\n      <<: *l\n      enabled: false\n",
        ),
    ],
)
def test_an_override_is_written_into_what_is_there(before: str, after: str) -> None:
    assert override_enabled(before, "a", is_enabled=False) == after


def test_an_override_of_a_key_that_looks_like_a_number_has_quotes() -> None:
    assert override_enabled("overrides: {}", "7", is_enabled=True) == "overrides: {schedules: {'7': {enabled: true}}}"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("x: &o {}\noverrides: *o\n", "`overrides` is an alias"),
        ("x: &o {}\noverrides: {schedules: {a: *o}}\n", "`overrides.schedules.a` is an alias"),
        (
            "overrides: {schedules: {b: &b {hours: 3}, c: *b, a: &a {hours: 4}, d: *a}}\n",
            "the edit would also change other parts of the file",
        ),
    ],
)
def test_an_override_that_others_share_is_left_as_it_is(text: str, reason: str) -> None:
    with pytest.raises(CannotEdit) as caught:
        override_enabled(text, "a", is_enabled=False)
    assert caught.value.reason == reason
