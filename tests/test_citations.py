"""Which traces and spans a report cites, however a model writes them, and where; in linear time."""

from __future__ import annotations

from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from halo_iac.model.evidence import Citation, Citations, Place
from halo_iac.runs.citations import find_citations

A = "329ccea6c6f9491eeae2da1e8bf949ee"
B = "494c16299cc913ae9378a1ad65c2fea2"
UUID = "1f2e3d4c-5b6a-4798-8f0e-123456789abc"
SPAN = "00f067aa0ba902b7"
AGENTS_SPAN = "79d500bda507440f8a237682"
MAX_SECONDS = 5
"""Of processor time, for 200,000 characters: ten times what they take, and far less than a look at every pair."""


def cited_traces(markdown: str, *known: str) -> list[str]:
    """The traces that a report cites; one that may be something else has a question mark."""
    return [f"{each.id}{'?' * each.is_guess}" for each in find_citations(markdown, known=known).traces]


def cited_spans(markdown: str) -> list[tuple[str, str | None]]:
    return [(each.id, each.trace) for each in find_citations(markdown).spans]


@pytest.mark.parametrize(
    ("markdown", "ids"),
    [
        (f"The tool failed in {A}.", [A]),
        (f"- Traces: `{A}`, `{B}`", [A, B]),
        (f"**Trace ID:** {A.upper()}", [A]),
        (f"trace_{A}", [A]),
        (f"_{A}_, *trace*: __`{B}`__", [A, B]),
        ("Trace #8f3a12cd, `8f3a…`/`91bc…`", ["8f3a12cd", "8f3a…", "91bc…"]),
        (f"| Step | Slowest in |\n| --- | --- |\n| a | `{A}` |", [A]),
        (f"[here](https://host.example/p/traces/{A}?tab=spans)", [A]),
        (f'```json\n{{"trace_id": "{A}", "traceId": "{B}"}}\n```', [A, B]),
        (f"In trace `{UUID}` and {UUID.upper()}", [UUID]),
        (f"It failed in `{UUID}`", [UUID]),
        (f"run `{UUID}`", [f"{UUID}?"]),
        (f"agent {UUID}, run `{A}`", [f"{UUID}?", A]),
        (f"request_id: {A}", [f"{A}?"]),
        # cut short
        ("`8f3a…` and 91bc...", ["8f3a…", "91bc…"]),
        ("8f3a…c21b, trace …77aa", ["8f3a…c21b", "…77aa"]),
        ("traces `8f3a12`, `91bc22` and 77aa33ff", ["8f3a12", "91bc22", "77aa33ff"]),
        ("| Trace | n |\n|:--|--:|\n| 8f3a12cd | 3 |", ["8f3a12cd"]),
        ("seen twice (`8f3a12cd`)", ["8f3a12cd?"]),
        # of other tracers
        ("trace `463ac35c9f6413ad`", ["463ac35c9f6413ad"]),
        ("Trace ids:\n\n- t-aaaa\n- `order-17`\n\nThen `tool-9`", ["t-aaaa?", "order-17?"]),
        ("### Traces to look at\n1. `t-9`", ["t-9?"]),
        # none
        ("We added... 1000... or 20261123 (trace 12), added…", []),
        ("commit `8f3a12c`, sha256:" + A * 2 + f" x{A} {A}y", []),
        ("A traceback of the tracer: `search_web`; in trace the tool `charge-card`", []),
        ("trace `run`", []),
    ],
)
def test_traces_are_recognised_by_form_and_by_adjacent_words(markdown: str, ids: list[str]) -> None:
    assert cited_traces(markdown) == ids


@pytest.mark.parametrize(
    ("markdown", "found"),
    [
        (f"span `{SPAN}` of trace `{A}`", [(SPAN, A)]),
        (f"`{A}` ({SPAN}, {AGENTS_SPAN})", [(SPAN, A), (AGENTS_SPAN, A)]),
        (f"trace `{A}` (`{SPAN}`)", [(SPAN, A)]),
        (f"Trace {A}:\n- span {SPAN}\n\n# Other\n- `{AGENTS_SPAN}`", [(SPAN, A), (AGENTS_SPAN, None)]),
        (f"| Trace | Span |\n|---|---|\n| {A} | {SPAN} |", [(SPAN, A)]),
        (f'"parent_span_id": "{SPAN}"', [(SPAN, None)]),
        (f"observation {UUID}", [(UUID, None)]),
        (f"span `{SPAN}`, later `{SPAN[:6]}…` and span {SPAN[:8]}", [(SPAN, None)]),
    ],
)
def test_spans_belong_to_the_trace_cited_beside_them(markdown: str, found: list[tuple[str, str | None]]) -> None:
    assert cited_spans(markdown) == found


def test_an_id_that_is_cut_short_is_the_whole_one_that_is_cited_elsewhere() -> None:
    markdown = f"# One\n`{A[:4]}…` …{A[-6:]}\n\nTwo\n---\n{A[:8]}…{A[-4:]}\n## Three `x`\n{A} {A}\n"
    places = [Place(2, "One"), Place(6, "Two"), Place(8, "Three x")]
    assert find_citations(markdown) == Citations((Citation(A, places),), ())


def test_an_ambiguous_id_is_shown_as_cited() -> None:
    other = f"{A[:6]}{B[6:]}"
    assert cited_traces(f"{A} {other} {A[:6]}… {A[:7]}…") == [A, other, f"{A[:6]}…"]


def test_ids_of_other_things_can_be_named() -> None:
    assert cited_traces(f"{A} {UUID} {B} {UUID.replace('-', '')}", UUID.upper(), B) == [A]


def test_a_heading_in_code_is_not_a_heading() -> None:
    found = find_citations(f"# Real\n```sh\n# comment\n{A}\n~~~\n```\n{B}").traces
    assert [each.places[0].section for each in found] == ["Real", "Real"]


IDS = st.text("0123456789abcdef", min_size=32, max_size=32).filter(lambda id_: not id_.isalpha())
FORMS = st.sampled_from(["`{}`", "{}", "**{}**", "[{}](https://a.example/x)", "({})", '"{}"', "trace {}", "<{}>"])


@given(
    st.lists(st.tuples(IDS, FORMS), max_size=6), st.sampled_from([" ", ", ", "\n", "\n- ", " and ", " | ", "\n\n# H\n"])
)
def test_every_whole_id_is_found_once_and_in_order(ids: list[tuple[str, str]], between: str) -> None:
    markdown = between.join(form.format(id_) for id_, form in ids)
    assert cited_traces(markdown) == list(dict.fromkeys(id_ for id_, _ in ids))


@pytest.mark.parametrize(
    "report",
    [
        "…" * 70_000,
        "..." * 70_000,
        "a" * 200_000,
        "a." * 100_000,
        "a-" * 100_000,
        "|" * 100_000 + "\n|-|",
        "`" * 200_000,
        " " * 200_000,
        "# trace a\n" * 20_000,
        "\n".join(f"`…{number:08x}` {A}" for number in range(4_000)),
        "\n".join(f"`{A[:8]}…{number:06x}` {A[:8]}{number:024x}" for number in range(3_000)),
        "|a|trace|\n|-|-|\n" + "|x|`ab12cd34`|\n" * 13_000,
        f"{A} `{A[:5]}…` " * 4_000,
    ],
    ids=lambda report: report[:12].strip(),
)
def test_a_hostile_report_takes_time_in_proportion_to_its_length(report: str) -> None:
    start = process_time()
    find_citations(report)
    assert process_time() - start < MAX_SECONDS
