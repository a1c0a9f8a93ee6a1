"""JSON renderings: a plan reads back unchanged, and no text in them is a command for a terminal or a log."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from golden_files import assert_golden
from hypothesis import given
from hypothesis import strategies as st
from render_asserts import COMMAND
from render_samples import (
    BASE,
    HOSTILE,
    NOW,
    create,
    every_section,
    hostile_plan,
    large_plan,
    nasty_plan,
    plan_of,
    update,
)

from halo_iac.errors import Delivery, DocumentError, Problem, ProjectError, Rejected, UsageError
from halo_iac.model.apply_result import ApplyOutcome, Event, Status, Summary
from halo_iac.model.plan import FieldChange, Plan, RunRate
from halo_iac.model.schedule import FIELDS, Spec
from halo_iac.render.formats import RenderContext
from halo_iac.render.json import JsonView, document, plan_json, read_plan
from halo_iac.render.style import PLAIN
from halo_iac.render.text.plan import plan_text

VIEW = JsonView(RenderContext(PLAIN))

WORDS = st.text(st.characters(codec="utf-8"), max_size=8)
NUMBERS = st.lists(st.integers(0, 59), max_size=3).map(tuple)
SPECS = st.builds(
    Spec,
    **dict.fromkeys(FIELDS, WORDS)
    | dict.fromkeys(("days_of_week", "days_of_month", "hours", "minutes"), NUMBERS)
    | dict.fromkeys(("span_limit", "lookback_hours", "max_subagent_depth", "max_turns"), st.integers(0, 2**40))
    | dict.fromkeys(("model_id", "summarization_model_id"), st.none() | WORDS)
    | {"enabled": st.none() | st.booleans()},
)
VALUES = st.none() | st.booleans() | st.integers(-(2**40), 2**40) | WORDS | NUMBERS


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    changes = [
        draw(st.sampled_from((create(draw(WORDS), after), update(draw(WORDS), draw(SPECS), after))))
        for after in draw(st.lists(SPECS, max_size=2))
    ]
    fields = tuple(FieldChange(draw(WORDS), draw(VALUES), draw(VALUES), draw(WORDS)) for _ in changes)
    runs = st.floats(0, 1e9, allow_nan=False)
    return plan_of(
        *(replace(change, fields=fields) for change in changes),
        targets=tuple(draw(st.lists(WORDS, max_size=2))),
        unchanged=draw(st.integers(0, 10**6)),
        runs_per_month=RunRate(draw(runs), draw(runs)),
    )


@given(plans())
def test_a_plan_comes_back_as_it_was(plan: Plan) -> None:
    assert read_plan(plan_json(plan).encode()) == plan


@pytest.mark.parametrize("plan", [every_section(), *map(hostile_plan, HOSTILE[:-1])])
def test_every_section_comes_back_as_it_was_and_looks_the_same(plan: Plan) -> None:
    back = read_plan(plan_json(plan).encode())
    assert back == plan
    assert plan_text(back, PLAIN, now=NOW) == plan_text(plan, PLAIN, now=NOW)


def test_the_same_plan_gives_the_same_bytes() -> None:
    assert plan_json(every_section()) == plan_json(every_section())


def test_nasty_words_look_as_agreed() -> None:
    assert_golden("render/nasty.json", plan_json(nasty_plan()))


@pytest.mark.parametrize("words", HOSTILE[:-1])
def test_a_document_is_ascii_and_commands_no_ci_runner(words: str) -> None:
    document = plan_json(hostile_plan(words))
    assert document.isascii()
    assert document.endswith("}\n")
    assert "##" not in document
    assert COMMAND.search(document) is None
    assert "\x7f" not in document
    assert all(line.isprintable() for line in document.split("\n"))


def test_text_that_is_not_unicode_is_a_typed_error() -> None:
    with pytest.raises(DocumentError, match="not valid Unicode"):
        plan_json(hostile_plan("\udc80"))


GOOD = json.loads(plan_json(plan_of(create("a", BASE))))


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (b"", "the saved plan is not valid JSON, or is incomplete: Invalid JSON: EOF while parsing a value"),
        (b"\xff\xfe{}", "the saved plan is not valid JSON, or is incomplete: Invalid JSON"),
        (
            plan_json(every_section()).encode()[:-200],
            "the saved plan is not valid JSON, or is incomplete: Invalid JSON: EOF",
        ),
        (b"[" * 20_000, "the saved plan is not valid JSON, or is incomplete: Invalid JSON: recursion limit exceeded"),
        (b"[]", "the saved plan is damaged: the document: "),
        (b"{}", "the saved plan is damaged: host: Field required (and 9 more)"),
        (json.dumps(GOOD | {"extra": 1}).encode(), "the saved plan is damaged: extra: "),
        (json.dumps(GOOD | {"version": 2}).encode(), "the saved plan is of another version"),
        (json.dumps(GOOD | {"version": 2, "new": 1, "host": None}).encode(), "the saved plan is of another version"),
        (json.dumps(GOOD | {"unchanged": "1"}).encode(), "the saved plan is damaged: unchanged: "),
        (json.dumps(GOOD | {"host": GOOD["host"] | {"key": "x"}}).encode(), "the saved plan is damaged: host.key: "),
        (
            json.dumps(GOOD | {"changes": [GOOD["changes"][0] | {"after": None}]}).encode(),
            "the saved plan is damaged: its create of a is incomplete",
        ),
        (
            json.dumps(GOOD | {"changes": [GOOD["changes"][0] | {"action": "update"}]}).encode(),
            "the saved plan is damaged: its update of a is incomplete",
        ),
    ],
)
def test_a_document_that_is_no_plan_of_this_version_is_refused_with_the_reason(document: bytes, message: str) -> None:
    with pytest.raises(DocumentError) as caught:
        read_plan(document)
    assert caught.value.message.startswith(message)
    assert caught.value.hint is not None
    assert "halo plan --out FILE" in caught.value.hint


def test_a_refusal_of_a_document_does_not_repeat_its_content() -> None:
    secret = GOOD | {"changes": [GOOD["changes"][0] | {"wave": "a long private prompt"}]}
    with pytest.raises(DocumentError) as caught:
        read_plan(json.dumps(secret).encode())
    assert "private" not in f"{caught.value.message} {caught.value.hint}"


def test_ten_thousand_changes_come_back() -> None:
    plan = large_plan(10_000)
    assert read_plan(plan_json(plan).encode()) == plan


def test_problems_are_listed_with_their_places() -> None:
    problems = [Problem("halo.yaml", 3, 5, "unknown key `timeZone`", "timezone"), Problem("a.yaml", 0, 0, "empty")]
    assert json.loads(VIEW.problems(problems, ())) == {
        "problems": [
            {"path": "halo.yaml", "line": 3, "column": 5, "message": "unknown key `timeZone`", "hint": "timezone"},
            {"path": "a.yaml", "line": 0, "column": 0, "message": "empty", "hint": None},
        ],
        "findings": [],
    }


def test_an_error_says_its_code_message_hint_and_exit_code() -> None:
    assert json.loads(VIEW.error(UsageError("no such option", hint="see --help"))) == {
        "error": {"code": "usage", "message": "no such option", "hint": "see --help", "exit_code": 64}
    }


def test_an_error_of_project_files_carries_the_problems() -> None:
    document = json.loads(VIEW.error(ProjectError([Problem("halo.yaml", 1, 1, "empty")])))
    assert document["error"]["problems"] == [
        {"path": "halo.yaml", "line": 1, "column": 1, "message": "empty", "hint": None}
    ]


def test_an_error_of_the_platform_carries_procedure_and_status() -> None:
    error = Rejected("not found", procedure="haloSchedule.getById", delivery=Delivery.REFUSED, status=404)
    assert json.loads(VIEW.error(error)) == {
        "error": {
            "code": "rejected",
            "message": "haloSchedule.getById (HTTP 404): not found",
            "hint": None,
            "exit_code": 1,
            "procedure": "haloSchedule.getById",
            "status": 404,
        }
    }


def test_the_outcome_of_every_change_stands_beside_the_plan() -> None:
    first, second = create("a", BASE), update("b", BASE, replace(BASE, max_turns=9))
    plan = plan_of(first, second)
    summary = Summary((Event(first, Status.DONE, "new-id", elapsed=0.21049), Event(second, Status.NOT_STARTED)))
    written = json.loads(VIEW.applied(plan, ApplyOutcome(summary)))
    assert written["plan"] == json.loads(plan_json(plan))
    assert json.loads(VIEW.applied(plan, None)) == {**written, "summary": None}
    assert written["summary"] == {
        "outcomes": [
            {
                "action": "create",
                "key": "a",
                "id": "new-id",
                "title": BASE.title,
                "status": "done",
                "message": "",
                "hint": None,
                "elapsed": 0.21,
            },
            {
                "action": "update",
                "key": "b",
                "id": second.id,
                "title": BASE.title,
                "status": "not started",
                "message": "",
                "hint": None,
                "elapsed": None,
            },
        ],
        "counts": {"done": 1, "not started": 1},
        "is_interrupted": False,
    }


@pytest.mark.parametrize("words", HOSTILE)
def test_an_answer_of_the_platform_is_passed_on_harmless_and_equal(words: str) -> None:
    text = document([{"title": words, words: None}])
    assert json.loads(text) == [{"title": words, words: None}]
    assert text.isascii()
    assert "##" not in text
    assert COMMAND.search(text) is None
