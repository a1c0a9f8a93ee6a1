"""Messages about files that are not valid YAML: the mistake is reported where it was made, not where parsing ends."""

from __future__ import annotations

from time import process_time

import pytest

from halo_iac.load.yaml_parser import parse_text

Lines = tuple[str, ...]

SAME = "put the value in quotes"
ESCAPE_SINGLE = "write `''` for a quote within the text, or put the text in double quotes"
ESCAPE_DOUBLE = 'write `\\"` for a quote within the text, or put the text in single quotes'


def token_needed(first: str) -> str:
    return f"a value that begins with `{first}` needs quotes"


COLON = "expected `key: value`"
NOT_INDENTED = "the text of `prompt` is not indented"
BELOW = "indent every line of the text below `prompt: |`"

SLIPS: list[tuple[Lines, tuple[int, int], str, str]] = [
    # what begins with a character of YAML's own
    (("cron: */15 * * * *",), (1, 7), token_needed("*"), 'write `cron: "*/15 * * * *"`'),
    (("cron: * * * * *  # often", "enabled: true"), (1, 7), token_needed("*"), 'write `cron: "* * * * *"`'),
    (("cron: @daily",), (1, 7), token_needed("@"), 'write `cron: "@daily"`'),
    (("title: T", "cron:   */5 9-17 * * 1-5"), (2, 9), token_needed("*"), 'write `cron: "*/5 9-17 * * 1-5"`'),
    (("title: *important*",), (1, 8), token_needed("*"), 'write `title: "*important*"`'),
    (("title: @x daily",), (1, 8), token_needed("@"), 'write `title: "@x daily"`'),
    (("title: %x",), (1, 8), token_needed("%"), 'write `title: "%x"`'),
    (("title: `x` daily",), (1, 8), "a value that begins with `` ` `` needs quotes", 'write `title: "`x` daily"`'),
    (("title: & more",), (1, 8), token_needed("&"), 'write `title: "& more"`'),
    (("title: > 5 errors",), (1, 8), token_needed(">"), 'write `title: "> 5 errors"`'),
    (("title: - daily",), (1, 8), token_needed("-"), 'write `title: "- daily"`'),
    (("title: ? daily",), (1, 8), token_needed("?"), 'write `title: "? daily"`'),
    (("title: ] daily",), (1, 8), token_needed("]"), 'write `title: "] daily"`'),
    (("title: [checkout] daily", "agent: x"), (1, 8), token_needed("["), 'write `title: "[checkout] daily"`'),
    (("title: [a, b] daily",), (1, 8), token_needed("["), 'write `title: "[a, b] daily"`'),
    (("title: {checkout} daily",), (1, 8), token_needed("{"), 'write `title: "{checkout} daily"`'),
    (("title: {{ name }} daily",), (1, 8), token_needed("{"), 'write `title: "{{ name }} daily"`'),
    (('title: [checkout] "daily"',), (1, 8), token_needed("["), "write `title: '[checkout] \"daily\"'`"),
    (("prompt: @SECRET",), (1, 9), token_needed("@"), SAME),
    (("unknown: @SECRET",), (1, 10), token_needed("@"), SAME),
    (
        ("prompt: | Look",),
        (1, 9),
        "text follows `|` on its line",
        "begin the text on the line below `prompt: |`, indented",
    ),
    (("x: {title: T, cron: */15 * * * *}",), (1, 21), token_needed("*"), SAME),
    (("x: [* prod, b]",), (1, 5), token_needed("*"), SAME),
    (("x:", "  - *", "  - b"), (2, 5), token_needed("*"), SAME),
    (("hours: [${HOURS}]",), (1, 9), "a variable within brackets needs quotes", "put it in quotes"),
    (("include: *.yaml",), (1, 10), token_needed("*"), 'write `include: ["*.yaml"]`'),
    (
        ("title: Daily: checkout",),
        (1, 13),
        "a value with a colon in it needs quotes",
        'write `title: "Daily: checkout"`',
    ),
    # a bracket that is not closed
    (("days_of_week: [mon, tue", "hours: 9"), (1, 15), "unclosed `[`", "add `]` at the end of the value"),
    (("x: {title: T, agent: a", "y: 1"), (1, 4), "unclosed `{`", "add `}` at the end of the value"),
    (("at: [", '  "09:00",', "title: T"), (1, 5), "unclosed `[`", "add `]` at the end of the value"),
    # a comment of another language, a text whose first word is a key, and a base that comes later
    (("title: T", "// daily"), (2, 1), COLON, "begin a comment with `#`"),
    (
        ("prompt: |", "  Look", "at things"),
        (3, 1),
        "the text of `prompt` is not indented",
        "indent every line of the text below `prompt: |`; for a key, write `at: things`",
    ),
    (
        ("<<: *base", "title: T"),
        (1, 5),
        "undefined alias: the file has no anchor `base` before it",
        "write `&base` before the mapping that it names, further up in this file",
    ),
    # a quote that is not closed, or closes early
    (('title: "T', "agent: x", 'cron: "0 9 * * *"'), (1, 8), "unclosed quote", 'add `"` at the end of the value'),
    (("title: 'T", "agent: x", "at: '09:00'"), (1, 8), "unclosed quote", "add `'` at the end of the value"),
    (('title: "T"', 'at: "09:00', "agent: x"), (2, 5), "unclosed quote", 'add `"` at the end of the value'),
    (('title: "T"', 'at: "09:00', 'agent: "x"'), (2, 5), "unclosed quote", 'add `"` at the end of the value'),
    (('title: "T', "agent: x", 'at: "09:00', 'id: "x"'), (1, 8), "unclosed quote", 'add `"` at the end of the value'),
    (("x: {title: 'T, agent: x}", "agent: x"), (1, 12), "unclosed quote", "add `'` at the end of the value"),
    (("at: ['09:00, '17:00']", "agent: x"), (1, 6), "unclosed quote", "add `'` at the end of the value"),
    (("title: 'It's daily'", "agent: x"), (1, 12), "text follows the closing quote", ESCAPE_SINGLE),
    (('title: "The "daily" one"',), (1, 14), "text follows the closing quote", ESCAPE_DOUBLE),
    # no colon, or no space after it
    (("title: T", "agent:checkout", "frequency: daily"), (2, 1), COLON, "write `agent: checkout`"),
    (("title: T", "agent checkout", "frequency: daily"), (2, 1), COLON, "write `agent: checkout`"),
    (("agent:checkout", "title: T"), (1, 1), COLON, "write `agent: checkout`"),
    (("title: T", "agent:checkout"), (2, 1), COLON, "write `agent: checkout`"),
    (("title = T", "agent: x"), (1, 1), COLON, "write `title: T`"),
    (("title: T", "colour blue", "agent: x"), (2, 1), COLON, "put a colon and a space between a key and its value"),
    (("title: T", "prompt:SECRET", "agent: x"), (2, 1), COLON, "put a colon and a space after `prompt`"),
    (("title: T", "# why", "", "agent:checkout", "", "id: x"), (4, 1), COLON, "write `agent: checkout`"),
    # a text that is not indented
    (("prompt: |", "Look at errors.", "Say more.", "agent: x"), (2, 1), NOT_INDENTED, BELOW),
    (("agent: x", "prompt: |", "Look."), (3, 1), NOT_INDENTED, BELOW),
    (("prompt: |", "- Look.", "- Say more."), (2, 1), NOT_INDENTED, BELOW),
    (("prompt: |", "", "# Errors", "Look.", "agent: x"), (4, 1), NOT_INDENTED, BELOW),
    (("prompt: >-", "Look.", "agent: x"), (2, 1), NOT_INDENTED, "indent every line of the text below `prompt: >`"),
    (("prompt:", "Look at errors.", "agent: x"), (2, 1), NOT_INDENTED, BELOW),
    (("prompt: |", "    Look.", "  Say more.", "agent: x"), (3, 3), NOT_INDENTED, BELOW),
    (("prompt: |", "Look at: errors", "Say more.", "agent: x"), (3, 1), NOT_INDENTED, BELOW),
]
AROUND: dict[str, tuple[Lines, int, Lines]] = {
    "an entry": (("version: 1", "schedules:", "  a:"), 4, ()),
    "an entry among others": (
        ("schedules:", "  # of checkout", "  b: {title: 'B'}", "  c:", "    prompt: |", "      it's: \"", "  a:"),
        4,
        ("  d:", "    title: D", "    prompt: 'two", "      lines'"),
    ),
    "an entry, deep": (("schedules:", "      a:"), 10, ("      b:", '          title: "B"')),
    "defaults": (("version: 1", "defaults:"), 2, ("schedules: {}",)),
    "overrides": (("version: 1", "", "# here", "overrides:"), 2, ("schedules:", "  a: {title: 'T'}")),
}
"""What stands before and after the lines of a slip, and how far these are indented."""


@pytest.mark.parametrize(("lines", "place", "message", "hint"), SLIPS, ids=lambda value: str(value)[:40])
def test_a_mistake_is_reported_where_it_was_made(lines: Lines, place: tuple[int, int], message: str, hint: str) -> None:
    for where, (before, indent, after) in AROUND.items():
        indented = [f"{' ' * indent}{line}" if line else "" for line in lines]
        for end in ("\n", "\r\n"):
            text = end.join((*before, *indented, *after, ""))
            for pure in (False, True):
                (problem,) = parse_text(text, "f", pure=pure).problems
                found = (problem.line - len(before), problem.column - indent, problem.message, problem.hint)
                assert found == (*place, message, hint), (where, end, pure)
                assert "SECRET" not in str(problem)


MANY = 20_000


@pytest.mark.parametrize(
    "line",
    [
        "x: " + '\\"' * MANY,
        "x: [" + '"\\"' * MANY,
        "x: [" + "'a'," * MANY,
        "x: [" + "'a' b" * MANY,
        "x: " + " " * MANY + "y #",
        "x: " + " #" * MANY,
        "- " * 40 + "x:" + "'" * (MANY + 1),
        "x: " + "[{" * 20 + "a" * MANY,
        "x" * MANY,
        "\n" * MANY + "x y",
        "a: |\n" + "  b\n" * MANY + "c",
        "a\n" * MANY,
        "a: '\n" + "b: '\n" * MANY,
        "a: 'b\n" * MANY,
        "a b\n" * MANY + "c: d",
    ],
    ids=lambda line: line[:12],
)
def test_looking_for_a_slip_takes_time_in_proportion(line: str) -> None:
    start = process_time()
    assert parse_text(f"version: 1\n{line}\n@", "f").problems
    assert process_time() - start < 5
