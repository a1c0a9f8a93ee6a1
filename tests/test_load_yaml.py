"""YAML text → values and their places: like ruamel.yaml's safe loader, or refused where YAML is ambiguous."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from halo_iac.load.yaml_document import Node
from halo_iac.load.yaml_events import parser_name
from halo_iac.load.yaml_parser import parse, parse_text

# What may end a line is refused.
TEXT = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp"], exclude_characters="\ufeff"), max_size=12
)
WORDS = st.text("abtrueno019.-_~ é\n", max_size=8)


def trees(texts: st.SearchStrategy[str]) -> st.SearchStrategy[dict[str, Any]]:
    scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts
    nodes = st.recursive(
        scalars, lambda node: st.lists(node, max_size=3) | st.dictionaries(texts, node, max_size=3), max_leaves=8
    )
    return st.dictionaries(texts, nodes, min_size=1, max_size=4)


PLAIN = """\
yes no on off y n ~ null Null NULL nUll true True TRUE tRue false 0 -0 +1 007 0o17 0O17 0x1F 0b11 1_000 _1 1__0 +_1 1.5
1. .5 -.5 . +. 1e3 1e+3 1.e3 1.5e-3 .inf -.inf +.INF 09:00 9:30 1:2:3 0x 0o 0b 0o8 1-2 -- ++1 1.2.3 infinity"""


def root_node(text: str, *, pure: bool = False) -> Node:
    document = parse_text(text, "halo.yaml", pure=pure)
    assert [str(problem) for problem in document.problems] == []
    return document.root


def diagnostics(data: bytes | str) -> list[str]:
    return [str(problem) for problem in parse(data if isinstance(data, bytes) else data.encode(), "f").problems]


def ruamel(text: str) -> Node:
    return YAML(typ="safe", pure=True).load(text)


@pytest.mark.parametrize("pure", [False, True])
@given(tree=trees(TEXT))
@settings(deadline=None, max_examples=60)
def test_quoted_values_are_those_of_the_safe_loader(tree: dict[str, Any], pure: bool) -> None:
    text = json.dumps(tree, ensure_ascii=False)
    assert root_node(text, pure=pure) == ruamel(text) == tree


@pytest.mark.parametrize("pure", [False, True])
@given(tree=trees(WORDS))
@settings(deadline=None, max_examples=60)
def test_plain_values_are_those_of_the_safe_loader(tree: dict[str, Any], pure: bool) -> None:
    out = StringIO()
    writer = YAML(typ="safe", pure=True)
    writer.default_flow_style = False
    writer.dump(tree, out)
    assert root_node(out.getvalue(), pure=pure) == ruamel(out.getvalue()) == tree


@pytest.mark.parametrize("text", PLAIN.split())
def test_plain_scalars_mean_what_they_mean_to_the_safe_loader(text: str) -> None:
    ours, theirs = root_node(f"a: {text}")["a"], ruamel(f"a: {text}")["a"]
    assert (type(ours), ours) == (type(theirs), theirs)


def test_a_date_stays_text() -> None:
    assert root_node("a: 2026-01-02\nb: 2026-01-02 10:00:00Z") == {"a": "2026-01-02", "b": "2026-01-02 10:00:00Z"}


def test_a_number_too_long_for_any_field_stays_text() -> None:
    assert root_node(f"a: {'9' * 5000}") == {"a": "9" * 5000}


def test_quotes_keep_a_string_a_string() -> None:
    assert root_node("a: '9'\nb: \"true\"\nc: ''") == {"a": "9", "b": "true", "c": ""}


@pytest.mark.parametrize("pure", [False, True])
@pytest.mark.parametrize(
    "text",
    [
        "a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3}",
        "a: &a {x: 1, y: 2}\nb: {y: 3, <<: *a}",
        "a: &a {x: 1}\nb: &b {x: 2, z: 3}\nc:\n  <<: [*a, *b]\n  w: 4",
        "a: &a {x: 1}\nb: &b {<<: *a, y: 2}\nc: {<<: *b}",
        "&a <<: {x: 1}\n'<<': {y: 2}",
        "a: &a '<<'\n*a : {x: 1}",
        "a: &a [1, 2]\nb: *a\nc: [*a, *a]",
        "a: &t text\nb: *t",
        "? a\n: 1\n? b\n: [x]",
        "a: &a {x: &a {y: 1}}\nb: *a",
        "a: &a 1\nb: &a [2]\nc: *a",
    ],
)
@pytest.mark.filterwarnings("ignore::ruamel.yaml.error.ReusedAnchorWarning")  # the YAML that it warns of is meant
def test_aliases_and_merge_keys_mean_what_they_mean_to_the_safe_loader(text: str, pure: bool) -> None:
    ours, theirs = root_node(text, pure=pure), ruamel(text)
    assert ours == theirs


@pytest.mark.parametrize("pure", [False, True])
def test_places_are_those_of_keys_and_values(pure: bool) -> None:
    text = (
        "# é\nbase: &b {x: 1, y: 2}\r\nlist: [a, 'b',\n  c]\nnested:\n- {k: v}\n- deep: [1]\n"
        "merged:\n  <<: *b\n  y: 3\nalias: *b\n"
    )
    document = parse_text(text, "f", pure=pure)
    locations: list[tuple[str | int, ...]] = [
        ("base",),
        ("base", "y"),
        ("list", 2),
        ("nested", 0, "k"),
        ("nested", 1, "deep", 0),
        ("merged", "x"),
        ("merged", "y"),
        ("alias",),
        ("alias", "x"),
    ]
    assert {where: (document.position(where, at_key=True), document.position(where)) for where in locations} == {
        ("base",): ((2, 1), (2, 7)),
        ("base", "y"): ((2, 17), (2, 20)),
        ("list", 2): ((4, 3), (4, 3)),
        ("nested", 0, "k"): ((6, 4), (6, 7)),
        ("nested", 1, "deep", 0): ((7, 10), (7, 10)),
        ("merged", "x"): ((2, 11), (2, 14)),
        ("merged", "y"): ((10, 3), (10, 6)),
        ("alias",): ((11, 1), (11, 8)),
        ("alias", "x"): ((2, 11), (2, 14)),
    }


@pytest.mark.parametrize("pure", [False, True])
def test_elements_of_an_aliased_list_are_placed_where_they_are_written(pure: bool) -> None:
    document = parse_text("a: &a [1, 2]\nb: [*a, 3]\nc: *a\n", "f", pure=pure)
    places = [document.position(where) for where in [("c",), ("c", 0), ("c", 1), ("b", 0), ("b", 1), ("b", 0, 1)]]
    assert places == [(3, 4), (1, 8), (1, 11), (2, 5), (2, 4), (1, 11)]


def test_a_missing_value_is_placed_at_what_should_hold_it() -> None:
    document = parse_text("a:\n  b: 1\n", "f")
    assert document.position(("a", "c", "d"), at_key=True) == (1, 1)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", "f:1:1: the file is empty (for no schedules, write `schedules: {}`)"),
        (b"# nothing\n", "f:1:1: the file is empty (for no schedules, write `schedules: {}`)"),
        (b"---\n...\n", "f:2:1: expected keys and values at the top of the file"),
        (b"- a\n", "f:1:1: expected keys and values at the top of the file"),
        (b"# x\nsecret\n", "f:2:1: expected keys and values at the top of the file"),
        (b"a: 1\n---\nb: 2\n", "f:2:1: a second YAML document begins on this line; a file can hold only one"),
        (b"%YAML 1.1\n---\na: 1\n", "f:1:1: unsupported YAML version: expected 1.2 (remove the %YAML line)"),
        (
            b"a: *x\n",
            "f:1:4: undefined alias: the file has no anchor `x` before it (put a text that begins with `*` in quotes)",
        ),
        (
            b"a: &a [*a]\n",
            "f:1:8: undefined alias: the file has no anchor `a` before it (put a text that begins with `*` in quotes)",
        ),
        (
            b"b: &a 1\na: &a [*a]\n",
            "f:2:8: undefined alias: the file has no anchor `a` before it (put a text that begins with `*` in quotes)",
        ),
        (
            b"a: !x b\n",
            "f:1:4: YAML tags are not supported (remove the tag, or put a text that begins with `!` in quotes)",
        ),
        (
            b"a: !!str 5\n",
            "f:1:4: YAML tags are not supported (remove the tag, or put a text that begins with `!` in quotes)",
        ),
        (b"a:\n\tb: 1\n", "f:2:1: use spaces: YAML does not allow tabs for indentation"),
        (b"a: 1\n\tb: 2\n", "f:2:1: use spaces: YAML does not allow tabs for indentation"),
        (b"a: |\n  x\n\ty\n", "f:3:1: use spaces: YAML does not allow tabs for indentation"),
        (b"a: \0\n", "f:1:4: the file contains a NUL byte (save it as UTF-8 text)"),
        (b"a: \x07\n", "f:1:4: the file contains a control character (write it as an escape in double quotes)"),
        ("ä: b\nc: ".encode() + b"\xff\n", "f:2:4: not valid UTF-8 (save it as UTF-8)"),
        ("a: b".encode("utf-16"), "f:1:1: the file is UTF-16 or UTF-32, not UTF-8 (save it as UTF-8)"),
        ("a: b".encode("utf-32"), "f:1:1: the file is UTF-16 or UTF-32, not UTF-8 (save it as UTF-8)"),
        (b"a: 1\nb: 2\na: 3\n", "f:3:1: duplicate key `a`: already used in line 1"),
        (
            b"a: {<<: {b: 1}, <<: {c: 2}}",
            "f:1:17: duplicate key `<<` (merge several with a list: `<<: [*one, *two]`)",
        ),
        (b"a: {<<: 5}", "f:1:5: `<<` can merge only mappings"),
        (b"%YAML 1.0\n---\na: 1\n", "f:1:1: unsupported YAML version: expected 1.2 (remove the %YAML line)"),
        (b"%YAML 1.3\n---\na: 1\n", "f:1:1: unsupported YAML version: expected 1.2 (remove the %YAML line)"),
        (b"%YAML 2.0\n---\na: 1\n", "f:1:1: unsupported YAML version: expected 1.2 (remove the %YAML line)"),
        (b"9: a\n", "f:1:1: a key must be a string (put it in quotes)"),
        (b"[a]: b\n", "f:1:1: a key must be a string (put it in quotes)"),
        (
            b"a: b: c\n",
            (
                "f:1:5: not valid YAML: mapping values are not allowed in this context "
                "(put a value with a colon in it in quotes)"
            ),
        ),
        (
            b"a: {\nb: 1\n",
            "f:1:4: unclosed `{` (add `}` at the end of the value)",
        ),
        (b"[" * 20_000, "f:1:1: expected keys and values at the top of the file"),
        (b"a: " + b"[" * 20_000, "f:1:53: nested more than 50 levels deep"),
        (b"{a: " * 51, "f:1:201: nested more than 50 levels deep"),
    ],
)
def test_forbidden_yaml_is_a_problem_at_its_place(data: bytes, expected: str) -> None:
    assert diagnostics(data) == [expected]


@pytest.mark.parametrize("pure", [False, True])
@pytest.mark.parametrize("version", ["1.0", "1.1", "3.0"])
def test_another_yaml_version_is_reported_at_its_line_by_both_parsers(version: str, pure: bool) -> None:
    (problem,) = parse_text(f"# %YAML 1.2\n%YAML {version}\n# c\n---\na: 1\n", "f", pure=pure).problems
    assert str(problem) == "f:2:1: unsupported YAML version: expected 1.2 (remove the %YAML line)"


AMBIGUOUS = {
    "\x85": "U+0085 (next line)",
    "\u2028": "U+2028 (line separator)",
    "\u2029": "U+2029 (paragraph separator)",
    "\ufeff": "U+FEFF (byte order mark)",
}


@pytest.mark.parametrize("pure", [False, True])
@pytest.mark.parametrize("character", AMBIGUOUS)
@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("a:\n  title: A  # owner: payments%s    enabled: false\n", (2, 30)),
        ("a:\n  title: A%s  enabled: false\n", (2, 11)),
        ("a: 'b%sc'\n", (1, 6)),
        ('a: "b%sc"\n', (1, 6)),
        ("a: |\n  b%s  c\n", (2, 4)),
        ("a: 1\n%sb: 2\n", (2, 1)),
        ("b%s: [1]\n", (1, 2)),
        ("a: 1\n...\n%s", (3, 1)),
    ],
    ids=str,
)
def test_an_ambiguous_line_end_is_refused_unless_escaped(
    text: str, place: tuple[int, int], character: str, pure: bool
) -> None:
    (problem,) = parse_text(text % character, "f", pure=pure).problems
    assert (problem.line, problem.column) == place
    is_mark = character == "\ufeff"
    why = "it cannot be seen, and some YAML parsers drop it" if is_mark else "YAML parsers, editors and git disagree on"
    assert problem.message.startswith(f"{AMBIGUOUS[character]}: {why}")
    escaped = f"\\u{ord(character):04x}"
    assert problem.hint == f'delete it, or write it in double quotes as "{escaped}"'
    assert root_node(f'a: "b{escaped}c"', pure=pure) == {"a": f"b{character}c"}


@pytest.mark.parametrize("pure", [False, True])
def test_every_ambiguous_line_end_is_reported(pure: bool) -> None:
    problems = parse_text("a: 1 # b\rc: 2\r\nd: e\u2028\nf: g\r\n\x85\r", "f", pure=pure).problems
    assert [(problem.line, problem.column) for problem in problems] == [(1, 9), (2, 5), (4, 1)]
    assert str(problems[0]) == (
        "f:1:9: a carriage return without a line feed: it ends the line for YAML, but not for git and most editors "
        "(end lines with LF, or with CR and LF)"
    )


@pytest.mark.parametrize("pure", [False, True])
@pytest.mark.parametrize(
    ("text", "place", "sign"),
    [
        ("at: [9:00, 17:30]", (1, 7), "colon"),
        ("a: {agent: ns:checkout}", (1, 14), "colon"),
        ("a: [\n  9:00,\n]", (2, 4), "colon"),
        ("a: [b, http://c]", (1, 12), "colon"),
        ("a: [b,\n  c\n  d:e]", (3, 4), "colon"),
        ("a: [why?, b]", (1, 8), "question mark"),
        ("a: {b: c?d}", (1, 9), "question mark"),
    ],
    ids=str,
)
def test_brackets_that_only_newer_yaml_reads_are_refused(
    text: str, place: tuple[int, int], sign: str, pure: bool
) -> None:
    (problem,) = parse_text(text, "f", pure=pure).problems
    assert (problem.line, problem.column) == place
    assert problem.hint == f"put a value with a {sign} in it in quotes"


WORDS_AND_SIGNS = (
    "a 1 9:00 << &a &9:b *a !t : ? - { } [ ] , # ' \" | |- > |2 >1- --- ... \\ \\x41 \\ud83d\\ude80 \\ud83d é ` @ ~"
)
PIECES = [
    *WORDS_AND_SIGNS.split(),
    " ",
    "\t",
    "\n",
    "\n  ",
    "\n    ",
    "\\\n",
    "\r\n",
    "\r",
    ": ",
    "? ",
    "- ",
    " #",
    "*a ",
    "&a ",
]
PIECES += ["---\n", "...\n", "%YAML 1.2\n", "%YAML 1.0\n", "%X y\n", "%TAG ! x\n", "\ufeff", "\xa0", "\x85"]
BEGINNINGS = ("", "a: ", "a: [", "a: {", "a:\n  ", 'a: "', "a: |\n  ", "a: >\n")


@given(
    st.sampled_from(BEGINNINGS), st.lists(st.sampled_from(PIECES), max_size=10).map("".join), st.sampled_from('\n]}"')
)
@settings(deadline=None, max_examples=400)
def test_both_parsers_read_the_same_or_neither_reads_any(start: str, middle: str, end: str) -> None:
    text = start + middle + end
    fast, pure = (parse_text(text, "f", pure=is_pure) for is_pure in (False, True))
    assert bool(fast.problems) == bool(pure.problems)
    assert fast.problems or repr(fast.root) == repr(pure.root)


QUOTES = "put a value with a colon in it in quotes"
INDENTATION = "check the indentation of this line and of the one above"


@pytest.mark.parametrize("pure", [False, True])
@pytest.mark.parametrize(
    ("lines", "place", "hint"),
    [
        (("a:", "  b: Checkout: daily"), (2, 14), QUOTES),
        (("a:", "  b: Look at", "    the following: errors"), (3, 18), QUOTES),
        (
            ("a: {b: c: d}",),
            (1, 9),
            "put a comma between a value and the next key, or a value with a colon in it in quotes",
        ),
        (("a:", "  b: c", "    d: e"), (3, 6), INDENTATION),
        (("a:", "  - b: c", "      d: e: f"), (3, 8), INDENTATION),
        (("a:", "  b: [1]", "   d: e"), (3, 4), INDENTATION),
        (("a:", "  b: c", " d: e"), (3, 2), INDENTATION),
        (("a:", "  b: c", "  - d"), (3, 3), INDENTATION),
        (("a:", "  - b: c", "  d: e"), (3, 3), INDENTATION),
        (("a:", "  b: |", "      c", "    d", "  e: f"), (4, 5), "indent every line of the text below `b: |`"),
        (("a:", "  b: [1", "  c: d"), (2, 6), "add `]` at the end of the value"),
        (("a:", '  b: ["1"', "  c: d"), (2, 6), "add `]` at the end of the value"),
        (("a:", "  b: 1", "  c d", "  e: f"), (3, 3), "put a colon and a space between a key and its value"),
        (("{a: 1}", "b: 2"), (2, 1), None),
    ],
    ids=str,
)
def test_syntax_hints_fit_the_line(
    lines: tuple[str, ...], place: tuple[int, int], hint: str | None, pure: bool
) -> None:
    (problem,) = parse_text("\n".join(lines), "f", pure=pure).problems
    assert ((problem.line, problem.column), problem.hint) == (place, hint)


CONFLICT = "f:3:1: this line is a merge conflict marker (resolve the conflict, and remove its markers)"


@pytest.mark.parametrize("pure", [False, True])
@pytest.mark.parametrize(
    "lines",
    [
        ("a:", "  b: 1", "<<<<<<< HEAD", "  c: 1", "=======", "  c: 2", ">>>>>>> other"),
        ("a:", "  b: |", "<<<<<<< HEAD", "    c", "||||||| 1a2b3c4", "=======", "    d", ">>>>>>> other"),
        ("a:", "  b: |", "=======", "    d"),
        ("a:", "  b: |", ">>>>>>> other"),
        ("#", "#", "<<<<<<< HEAD", "a: 1", "=======", "a: 2", ">>>>>>> 1a2b3c4 (fix: a)"),
        ("a: 1", "b: 2", "=======\r", "c: 3\r"),
    ],
    ids=str,
)
def test_a_merge_conflict_is_called_one(lines: tuple[str, ...], pure: bool) -> None:
    document = parse_text("\n".join(lines), "f", pure=pure)
    assert (document.root, [str(problem) for problem in document.problems]) == (None, [CONFLICT])


@pytest.mark.parametrize("lines", [("a: [b,", "c,"), ("a: {", "b: 1,"), ("a: 'b", "c"), ('a: "b', "c")], ids=str)
def test_a_merge_conflict_that_yaml_takes_for_text_is_one_as_well(lines: tuple[str, ...]) -> None:
    closing = {"[": "]", "{": "}", "'": "'", '"': '"'}[lines[0][3]]
    text = "\n".join((*lines, "<<<<<<< HEAD", "d", "=======", "e", ">>>>>>> other", closing))
    assert [str(problem) for problem in parse_text(text, "f").problems] == [CONFLICT]


def test_text_that_resembles_a_conflict_is_accepted() -> None:
    assert root_node("a: |\n  Look\n  =======\n  <<<<<<< HEAD\n") == {"a": "Look\n=======\n<<<<<<< HEAD\n"}
    assert diagnostics("a: {b\n========\n") == ["f:1:4: unclosed `{` (add `}` at the end of the value)"]


def test_problems_before_a_conflict_come_first() -> None:
    assert diagnostics("a: 1\na: 2\nb: *c\n<<<<<<< HEAD\n") == [
        "f:2:1: duplicate key `a`: already used in line 1",
        "f:3:4: undefined alias: the file has no anchor `c` before it (put a text that begins with `*` in quotes)",
    ]


def test_independent_problems_are_reported_together() -> None:
    assert diagnostics("a: 1\na: 2\n9: b\nc: !x d\n") == [
        "f:2:1: duplicate key `a`: already used in line 1",
        "f:3:1: a key must be a string (put it in quotes)",
        "f:4:4: YAML tags are not supported (remove the tag, or put a text that begins with `!` in quotes)",
    ]


@pytest.mark.parametrize("pure", [False, True])
@pytest.mark.parametrize(
    "escape", ["\\ud800", "\\uDE00", "\\ude80\\ud83d", "\\\\\\ud83d\\\\ude80", "\\U00110000", "\\UFFFFFFFF"]
)
@pytest.mark.parametrize("text", ['a: "%s"', '"%s": a', 'a: &a ["é%s"]'])
def test_an_escape_of_no_character_is_refused(text: str, escape: str, pure: bool) -> None:
    document = parse_text(text % escape, "f", pure=pure)
    message = "not valid YAML: found invalid Unicode character escape code"
    assert (document.root, [problem.message for problem in document.problems]) == (None, [message])


@pytest.mark.parametrize("pure", [False, True])
@pytest.mark.parametrize(
    "text",
    [
        r'''a: "\ud83d\ude80 \uD83D\uDE80"''',
        r'''"\ud83d\ude80": &x "\ud83d\ude80"''' + "\nb: *x\n",
        r"""a: ["\\ud83d", "\\\ud83d\ude80", '\ud83d\ude80']""",
        'a: \\ud83d\\ude80  # \\ud83d\nb: |\n  \\ud83d\\ude80\nc: >-  # \\ude80\n  \\ude80\nd: "\\ud83d\\ude80"\n',
        'a: "x \\\n  \\ud83d\\ude80  \n\n  y"\nb: 9\n',
        json.dumps({"a": {"title": "🚀 é \u2028\x7f", "b": ["\U0010ffff", "\\ud83d"]}}, indent=1),
    ],
)
def test_two_halves_are_one_character_in_double_quotes_and_text_elsewhere(text: str, pure: bool) -> None:
    document = parse_text(text, "f", pure=pure)
    assert (document.problems, document.root) == ([], joined_up(ruamel(text)))
    assert document.position(("b",)) == parse_text(text.replace("\\u", "\\x"), "f").position(("b",))


def joined_up(value: Node) -> Node:
    """Return what ruamel.yaml read, which leaves two halves apart."""
    match value:
        case dict():
            return {joined_up(key): joined_up(one) for key, one in value.items()}
        case list():
            return [joined_up(one) for one in value]
        case str():
            return value.encode("utf-16", "surrogatepass").decode("utf-16")
    return value


def test_every_repeat_of_a_key_says_where_the_first_is() -> None:
    document = parse_text("a: 1\nb: {a: 1, a: 2}\na: 2\nc: 1\nc: 2\na: 3\n", "f")
    assert [str(problem) for problem in document.problems] == [
        "f:2:11: duplicate key `a`: already used in line 2",
        "f:3:1: duplicate key `a`: already used in line 1",
        "f:5:1: duplicate key `c`: already used in line 4",
        "f:6:1: duplicate key `a`: already used in line 1",
    ]


def test_fifty_levels_are_accepted() -> None:
    document = parse(b"a: " + b"[" * 49 + b"]" * 49, "f")
    assert document.problems == []


def test_an_alias_bomb_is_refused_before_it_expands() -> None:
    lines = ["l0: &l0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 10)}]" for n in range(1, 9)]
    assert diagnostics("\n".join(lines)) == ["f:3:15: aliases expand to more than ten times the file"]


def test_a_bomb_of_merge_keys_is_refused_too() -> None:
    fields = ", ".join(f"k{n}: 1" for n in range(100))
    assert diagnostics(f"a: &a {{{fields}}}\nb: [{', '.join(['{<<: *a}'] * 60)}]")[0].endswith(
        "aliases expand to more than ten times the file"
    )


def test_sharing_one_entry_by_an_anchor_is_no_bomb() -> None:
    text = "base: &b {x: 1, y: 2, z: 3}\n" + "".join(f"e{n}: {{<<: *b, title: t{n}}}\n" for n in range(50))
    assert root_node(text)["e49"] == {"x": 1, "y": 2, "z": 3, "title": "t49"}


def joined_pieces(*parts: str) -> st.SearchStrategy[str]:
    return st.lists(st.sampled_from(parts), max_size=30).map("".join)


@given(
    st.binary(max_size=60)
    | st.text(alphabet="a:-[]{}&*!|>'\"%@`#,?\n\t ~<=\\0", max_size=60).map(str.encode)
    | joined_pieces("a", "1", "<<", "'<<'", "&a ", "*a ", "!t ", ": ", "? ", "- ", "{", "}", "[", "]", ", ", "\n").map(
        str.encode
    )
)
@settings(deadline=None, max_examples=200)
def test_random_bytes_raise_nothing(data: bytes) -> None:
    document = parse(data, "f")
    assert (document.root is None) <= bool(document.problems)


def test_a_file_that_was_not_understood_is_not_quoted() -> None:
    for pure in (False, True):
        document = parse_text("key: 'SECRET\nother: %SECRET {SECRET ]", "f", pure=pure)
        assert "SECRET" not in str(document.problems)


def test_the_parser_in_use_has_a_name() -> None:
    assert parser_name() == "C"
