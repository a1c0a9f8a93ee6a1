"""The plan as a comment of a pull request: golden files, and untrusted text that takes no effect."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest
from golden_files import assert_golden
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token
from render_asserts import assert_harmless
from render_samples import (
    BASE,
    HOSTILE,
    NOW,
    a_run,
    create,
    every_section,
    finding,
    hostile_plan,
    large_plan,
    nasty_plan,
    plan_of,
    reviewed_plan,
    update,
)

from halo_iac.errors import Problem, ProjectError, ProjectNotFound, UsageError
from halo_iac.model.apply_result import ApplyOutcome, Summary
from halo_iac.model.plan import Blocked, GuardViolation, Plan, Policy, UndeclaredSchedule
from halo_iac.render.formats import PageIdentity, RenderContext
from halo_iac.render.markdown.escape import comment_marker
from halo_iac.render.markdown.parts import MAX_PAGE_LENGTH
from halo_iac.render.markdown.view import MarkdownView
from halo_iac.render.style import PLAIN, Style

MARKER = comment_marker("halo.yaml", "", "")
ASCII = Style(unicode=False)
ODD = st.text(st.sampled_from("ab1 @#<>&|\\`*_~[]()!:;.,/'\"$%^{}+=-\n\t\u202eéа→"), max_size=24)


def view(style: Style = PLAIN) -> MarkdownView:
    return MarkdownView(RenderContext(style, NOW, identity=lambda: PageIdentity("halo.yaml", "", "")))


def page(plan: Plan, style: Style = PLAIN, summary: Summary | None = None) -> str:
    return view(style).applied(plan, None if summary is None else ApplyOutcome(summary))


# What it looks like -------------------------------------------------------------------------------------------------


def test_a_plan_with_every_section_looks_as_agreed() -> None:
    assert_golden("render/plan.md", page(every_section()))


def test_a_plan_in_review_looks_as_agreed() -> None:
    assert_golden("render/plan-reviewed.md", page(reviewed_plan()))


def test_a_run_looks_as_agreed() -> None:
    assert_golden("render/run.md", page(every_section(), summary=a_run(every_section())))


def test_a_terminal_makes_no_difference() -> None:
    assert page(reviewed_plan(), Style(colour=True, width=40)) == page(reviewed_plan())


def test_nasty_words_look_as_agreed() -> None:
    for name, style in (("nasty.md", PLAIN), ("nasty-ascii.md", ASCII)):
        assert_golden(f"render/{name}", page(nasty_plan(), style))


def test_problems_and_findings_look_as_agreed() -> None:
    problems = [
        Problem("halo.yaml", 3, 5, "unknown key `timeZone`", "did you mean `timezone`?"),
        Problem("b", 0, 0, "empty"),
    ]
    text = view().problems(problems, [finding("coverage", "daily", 7)], "")
    assert text.splitlines() == [
        MARKER,
        "",
        "### halo · 2 problems in 2 files, 1 finding",
        "",
        "#### Problems",
        "",
        "- `halo.yaml:3:5`: unknown key `timeZone` (did you mean `timezone`?)",
        "- `b`: empty",
        "",
        "#### Findings",
        "",
        "- **warning** `coverage` `schedules/team.yaml:7`: 72 of every 96 hours are looked at by no run",
    ]


@pytest.mark.parametrize(
    ("globs", "drawn"),
    [
        (("SLA *", "Nightly audit"), '`"SLA *"`, "Nightly audit"'),
        (("*", "[prod] * (eu)"), '`"*"`, `"[prod] * (eu)"`'),
        (("a|b *",), "<code>&#34;a&#124;b &#42;&#34;</code>"),
    ],
)
def test_a_glob_of_the_policy_is_one_code_span(globs: tuple[str, ...], drawn: str) -> None:
    plan = plan_of(policy=Policy("report", protect=globs))
    (policy,) = (line for line in page(plan).splitlines() if line.startswith("**Policy**"))
    assert policy.endswith(f"; protect: {drawn}")


def test_files_without_problems_are_reported_as_valid() -> None:
    text = view().problems((), (), "halo.yaml: 3 schedules, no problems")
    assert text == f"{MARKER}\n\n### halo · no problems\n\n**Checked** `halo.yaml:` 3 schedules, no problems\n"


def test_an_error_says_what_happened_and_what_to_do() -> None:
    error = UsageError("--target dayly: the project has no entry with this key", hint="did you mean `daily`?")
    assert view().error(error) == (
        f"{MARKER}\n\n### halo · failed\n\n**Error**: `--target` dayly: the project has no entry with this key\n\n"
        "**Hint**: did you mean `daily`?\n"
    )


def test_a_missing_file_is_an_error_and_bad_files_are_problems() -> None:
    problem = Problem("halo.yaml", 0, 0, "no such file")
    missing = view().error(ProjectNotFound([problem], hint="run `halo init`"))
    assert missing.endswith("**Error**: `halo.yaml:` no such file\n\n**Hint**: run `halo init`\n")
    bad = view().error(ProjectError([problem]))
    assert bad == view().problems([problem], (), "")


def test_the_heading_says_at_once_what_stands_in_the_way() -> None:
    plan = plan_of(
        create("a", BASE),
        host=replace(plan_of().host, is_sandbox=True),
        blocked=(Blocked("b", "no agent"),),
        refusals=(GuardViolation("removals", "too many", "--allow-archive 9"),),
    )
    assert page(plan).splitlines()[2] == "### halo plan · SANDBOX · REFUSED · 1 blocked · 1 to create"
    assert page(plan_of()).splitlines()[2] == "### halo plan · no changes"


def test_the_counts_are_the_last_line() -> None:
    plan = plan_of(undeclared=(UndeclaredSchedule("1", "One", is_firing=True),), unchanged=1)
    assert page(plan).splitlines()[-1] == ("No changes. 1 schedule is as declared; 1 undeclared. Runs a month: 91.3.")


# The marker ---------------------------------------------------------------------------------------------------------


def test_a_marker_is_the_same_for_the_same_place_and_differs_for_another() -> None:
    places = [("halo.yaml", "", ""), ("halo.staging.yaml", "", ""), ("halo.yaml", "p", ""), ("halo.yaml", "", "p")]
    assert comment_marker(*places[0]) == MARKER == "<!-- halo-plan: be08cee78884776f -->"
    assert len({comment_marker(*place) for place in places}) == len(places)


@given(ODD)
def test_untrusted_text_cannot_forge_the_marker(words: str) -> None:
    for forged in (f"<!-- halo-plan: {words}", f"{words}\n<!--  HALO-PLAN: 0123456789abcdef -->"):
        text = page(hostile_plan(forged))
        assert text.startswith(f"{MARKER}\n")
        assert len(re.findall(r"<!--\s*halo-plan", text, re.IGNORECASE)) == 1


# What no foreign word may do ----------------------------------------------------------------------------------------

BLOCKS = {"heading", "paragraph", "table", "thead", "tbody", "tr", "th", "td", "bullet_list", "list_item", "strong"}
ALONE = {"inline", "fence", "html_block", "html_inline", "text", "text_special", "code_inline", "softbreak"}
OWN = {f"{name}_{end}" for name in BLOCKS for end in ("open", "close")} | ALONE
OWN_TAGS = {"<code>", "</code>", "<br>", "<wbr>"}
SUMMARY = re.compile(r"<details><summary><code>.*</summary>\n")
TAGS = re.compile(r"</?(?:details|summary|b|code)>|<wbr>")
CODE = re.compile(r"<code>[^<>@]*(?:<wbr>[^<>@]*)*</code>")
MEANING = re.compile(r"[@#<>\[\]`*~$|\\]|://|www\.|\b_|_\b|&(?!#\d+;)|[0-9a-f]{7}")
"""Text that a renderer could interpret."""


def tokens(text: str) -> Iterator[Token]:
    """Yield every token of a page, those within a line as well."""
    for token in MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).parse(text):
        yield token
        yield from token.children or ()


MAX_STRIPS = re.compile(r"(?:(?:before|after)? *(?:runs|reads) +[·●+│━═╳.o/=x2-9-]+\n)+")


def assert_only_ours(text: str) -> None:
    """Hold a page against what we write: no token, no tag and no sign but ours takes effect."""
    assert_harmless(text)
    is_code = False
    for token in tokens(text):
        assert token.type in OWN, token
        if token.type == "html_inline":
            assert token.content in OWN_TAGS
            is_code = token.content == "<code>" or (is_code and token.content != "</code>")
        elif token.type in {"text", "text_special"} and not is_code:
            assert not MEANING.search(token.content.replace("->", "")), token.content
        elif token.type == "html_block":
            assert_own_block(token.content)
        elif token.type == "fence":
            is_diff = all(line[:1] in {"", "-", "+", " ", "@"} for line in token.content.split("\n"))
            assert is_diff if token.info == "diff" else MAX_STRIPS.fullmatch(token.content), token.content


def assert_own_block(html: str) -> None:
    if html.strip() in {MARKER, "</details>"}:
        return
    assert SUMMARY.fullmatch(html), html
    assert not MEANING.search(TAGS.sub("", CODE.sub("", html)).replace("->", "")), html


@pytest.mark.parametrize("words", HOSTILE)
@pytest.mark.parametrize("style", [PLAIN, ASCII])
def test_untrusted_text_takes_no_effect(words: str, style: Style) -> None:
    plan = hostile_plan(words)
    assert_only_ours(page(plan, style))
    assert_only_ours(page(plan, style, a_run(plan, words)))
    problem = Problem(words, 1, 1, words, words)
    assert_only_ours(view(style).problems([problem], plan.findings, ""))
    assert_only_ours(view(style).problems((), (), words))
    assert_only_ours(view(style).error(UsageError(words, hint=words)))


@given(ODD)
def test_no_mixture_of_special_characters_takes_effect(words: str) -> None:
    assert_only_ours(page(hostile_plan(words)))


@pytest.mark.parametrize("title", [*HOSTILE, "Daily  review", " a ", "日本語のタイトル", "don't (really) stop, 24/7!"])
def test_every_visible_character_of_a_title_stays(title: str) -> None:
    drawn = "".join(
        token.content
        for token in tokens(page(plan_of(create("key", replace(BASE, title=title)))))
        if token.type in {"text", "text_special", "code_inline"}
    )
    assert PLAIN.safe(title) in drawn


def test_ascii_pages_are_ascii_whatever_the_plan_holds() -> None:
    for words in (*HOSTILE, "日本語のタイトル", "Übersicht…"):
        assert page(hostile_plan(words), ASCII).isascii()


# How long it gets ---------------------------------------------------------------------------------------------------


def with_long_prompts(count: int) -> Plan:
    plan = large_plan(count)
    prompts = ("\n".join(f"{word} `{'`' * 60} {n}" for n in range(100)) for word in ("old", "new"))
    before, after = (replace(BASE, prompt=prompt) for prompt in prompts)
    longest = replace(update("longest", before, after), key="k" * 500, title="@" * 500)
    return replace(plan, changes=(longest, *plan.changes, *[longest] * (count // 10)))


@pytest.mark.parametrize("count", [0, 1, 50, 100, 10_000])
def test_a_page_fits_into_a_comment_and_counts_what_it_leaves_out(count: int) -> None:
    plan = with_long_prompts(count)
    text = page(plan)
    assert len(text) <= MAX_PAGE_LENGTH
    blocks = text.count("<details>")
    left = len(plan.changes) - blocks
    assert (left > 0) == (count >= 100)
    assert (f"… and the details of {left:,} more changes (" in text) == (left > 0)
    assert_only_ours(text)
    assert text == page(plan)


def test_blocks_give_up_their_prompts_before_their_fields() -> None:
    prompts = [replace(BASE, prompt="\n".join(f"{word} {'x' * 120} {n}" for n in range(39))) for word in ("old", "new")]
    text = page(plan_of(*(update(f"k{n}", *prompts, number=n) for n in range(12))))
    assert text.count("<details>") == 12
    shown = text.count("```diff")
    assert 0 < shown < 12
    assert f"Calendars and prompts of {12 - shown} changes above are left out; the JSON document has them all." in text
    assert text.index("```diff") < text.rindex("</details>")


@pytest.mark.parametrize("words", ["@" * 5_000, "`" * 5_000, "\n".join("@" * 5_000), "a b " * 5_000, "\u202e" * 5_000])
def test_no_words_are_too_long_for_a_page(words: str) -> None:
    plan = hostile_plan(words)
    many = replace(
        plan,
        blocked=plan.blocked * 50,
        undeclared=plan.undeclared * 50,
        warnings=plan.warnings * 50,
        refusals=plan.refusals * 50,
        findings=plan.findings * 50,
    )
    for style in (PLAIN, ASCII):
        assert len(page(many, style, a_run(plan, words))) <= MAX_PAGE_LENGTH
        problems = [Problem(words, 1, 1, words, words)] * 500
        assert len(view(style).problems(problems, many.findings, "")) <= MAX_PAGE_LENGTH
        assert len(view(style).error(UsageError(words, hint=words))) <= MAX_PAGE_LENGTH
