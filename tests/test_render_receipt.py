"""Receipts as lines: there and back, and every way in which a file is not one (docs/semantics.md#receipts)."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from receipts import HEADER, NAME, receipt_bytes
from strategies import BASE, ODD_PROMPTS, ODD_TITLES

from halo_iac.errors import DocumentError
from halo_iac.load.json_schema import receipt_schema
from halo_iac.model.plan import Action
from halo_iac.model.receipt import Line, Receipt, Result, RunEnd, Write, WriteIntent, WriteOutcome
from halo_iac.storage.receipt_file import MAX_RECEIPT_BYTES, receipt_lines
from halo_iac.storage.receipt_reader import read_receipt

AFTER = replace(BASE, title="Daily review")
CREATE = WriteIntent(
    number=1, action=Action.CREATE, key="daily", id=None, title="Daily review", is_archived=False, before=None,
    after=AFTER,
)  # fmt: skip
ARCHIVE = replace(CREATE, number=2, action=Action.ARCHIVE, key=None, id="s2", before=AFTER, after=None)
MADE = WriteOutcome(number=1, result=Result.DONE, id="s1")
LOST = WriteOutcome(number=2, result=Result.UNKNOWN, id="s2", message="timed out waiting for an answer")
LINES: tuple[Line, ...] = (HEADER, CREATE, ARCHIVE, MADE, LOST, RunEnd(writes=2))
WHOLE = receipt_bytes(*LINES)


def read_bytes(document: bytes) -> Receipt:
    return read_receipt(document, NAME)


def lines_of(document: bytes) -> list[bytes]:
    return document.splitlines(keepends=True)


# There and back -----------------------------------------------------------------------------------------------------


def test_a_receipt_is_read_as_it_was_written() -> None:
    assert read_bytes(WHOLE) == Receipt(NAME, HEADER, (Write(CREATE, 2, MADE), Write(ARCHIVE, 3, LOST)))


@given(st.sampled_from(ODD_TITLES), st.sampled_from(ODD_PROMPTS))
def test_any_text_round_trips_on_one_plain_line(title: str, prompt: str) -> None:
    intent = replace(CREATE, title=title, after=replace(AFTER, title=title, prompt=prompt))
    document = receipt_bytes(HEADER, intent, RunEnd(writes=1))
    assert read_bytes(document).writes == (Write(intent, 2),)
    assert (document.isascii(), document.count(b"\n")) == (True, 3)


def test_text_that_is_not_unicode_cannot_be_recorded() -> None:
    with pytest.raises(DocumentError, match="not valid Unicode"):
        receipt_bytes(HEADER, replace(CREATE, title="half \ud800"))


def test_no_line_obeys_a_runner_s_commands() -> None:
    intent = replace(CREATE, title="##[error] x ##vso[task] y")
    assert b"##" not in receipt_bytes(HEADER, intent, RunEnd(writes=1))


def test_the_last_outcome_of_a_write_counts() -> None:
    lost = WriteOutcome(number=1, result=Result.UNKNOWN, message="lost")
    assert read_bytes(receipt_bytes(HEADER, CREATE, lost, MADE, RunEnd(writes=1))).writes == (Write(CREATE, 2, MADE),)


def test_a_write_without_an_outcome_is_unknown() -> None:
    document = receipt_bytes(HEADER, CREATE, ARCHIVE, MADE, RunEnd(writes=2))
    assert [write.result for write in read_bytes(document).writes] == [Result.DONE, Result.UNKNOWN]


def test_every_line_is_as_the_schema_says() -> None:
    validator = Draft202012Validator(receipt_schema())
    lines = [json.loads(line) for line in lines_of(WHOLE)]
    assert [error.message for line in lines for error in validator.iter_errors(line)] == []
    assert not validator.is_valid({**lines[0], "more": 1})


def test_redacted_text_is_not_in_the_receipt() -> None:
    intents = [replace(CREATE, title="sk-secret-1"), ARCHIVE]
    document, _ = receipt_lines(intents, "", lambda text: text.replace("sk-secret-1", "***"))
    line, other = document.splitlines()
    assert (b"sk-secret-1" in line, b'"title":"***"' in line, b'"is_veiled":true' in line) == (False, True, True)
    assert other.startswith(lines_of(receipt_bytes(ARCHIVE))[0].partition(b',"digest"')[0])


# Whose end is missing -----------------------------------------------------------------------------------------------


def test_a_receipt_that_breaks_off_says_so() -> None:
    cut = read_bytes(WHOLE[:-200])
    assert (cut.gap, len(cut.writes)) == ("line 5 is incomplete", 2)


def test_a_receipt_without_its_last_lines_says_so() -> None:
    cut = read_bytes(b"".join(lines_of(WHOLE)[:3]))
    assert (cut.gap, len(cut.writes)) == ("it does not record the end of the run", 2)


@pytest.mark.parametrize(("outcomes", "count"), [((), 2), ((MADE,), 1), ((LOST,), 1)])
def test_a_receipt_with_an_end_and_without_an_outcome_says_so(outcomes: tuple[Line, ...], count: int) -> None:
    read_ = read_bytes(receipt_bytes(HEADER, CREATE, ARCHIVE, *outcomes, RunEnd(writes=2)))
    assert (read_.gap, len(read_.writes)) == (f"it does not record the outcome of {count} of its 2 writes", 2)


@given(st.integers(0, len(WHOLE) - 1))
def test_a_truncated_receipt_is_never_taken_for_complete(length: int) -> None:
    if length >= len(lines_of(WHOLE)[0]):
        assert read_bytes(WHOLE[:length]).gap is not None
        return
    with pytest.raises(DocumentError, match=NAME):
        read_bytes(WHOLE[:length])


# What is none -------------------------------------------------------------------------------------------------------

EDITS: dict[str, tuple[Callable[[list[bytes]], list[bytes]], str]] = {
    "edited": (
        lambda lines: [*lines[:1], lines[1].replace(b"Look.", b"Leak."), *lines[2:]],
        "line 2 of the receipt is damaged: it was changed, or a line before it is missing",
    ),
    "a line missing": (
        lambda lines: [*lines[:1], *lines[2:]],
        "line 2 of the receipt is damaged: it was changed, or a line before it is missing",
    ),
    "lines swapped": (
        lambda lines: [lines[0], lines[2], lines[1], *lines[3:]],
        "line 2 of the receipt is damaged: it was changed, or a line before it is missing",
    ),
    "a line broken": (
        lambda lines: [*lines[:2], lines[2][:99] + b"\n", *lines[3:]],
        "line 3 of the receipt is damaged: it is not in the format of a receipt",
    ),
    "Windows line ends": (
        lambda lines: [line.replace(b"\n", b"\r\n") for line in lines],
        "line 1 of the receipt is damaged: it is not in the format of a receipt",
    ),
    "another version": (
        lambda lines: [lines[0].replace(b'"version":1', b'"version":2'), *lines[1:]],
        "the receipt has another version",
    ),
    "the first line cut off": (lambda lines: [lines[0][:60]], "the first line of the receipt is incomplete"),
    "no first line": (lambda lines: lines[1:], "not a receipt"),
    "a project file": (lambda _: [b"version: 1\nschedules: {}\n"], "not a receipt"),
    "a plan": (lambda _: [b'{\n  "host": {}\n}\n'], "not a receipt"),
    "nothing": (lambda _: [], "not a receipt"),
    "bytes": (lambda _: [bytes(range(256))], "not a receipt"),
    "deep": (lambda _: [b"[" * 100_000], "not a receipt"),
}


@pytest.mark.parametrize("what", EDITS)
def test_a_modified_receipt_is_refused(what: str) -> None:
    edit, message = EDITS[what]
    with pytest.raises(DocumentError) as raised:
        read_bytes(b"".join(edit(lines_of(WHOLE))))
    assert raised.value.message == f"{NAME}: {message}"


FORGED: dict[str, tuple[Line, ...]] = {
    "a create with an id": (HEADER, replace(CREATE, id="s1"), RunEnd(writes=1)),
    "a create of nothing": (HEADER, replace(CREATE, after=None), RunEnd(writes=1)),
    "an archive without a before": (HEADER, replace(ARCHIVE, before=None), RunEnd(writes=1)),
    "an archive with an after": (HEADER, replace(ARCHIVE, after=AFTER), RunEnd(writes=1)),
    "an update without an id": (HEADER, replace(ARCHIVE, action=Action.UPDATE, id=None, after=AFTER), RunEnd(writes=1)),
    "an outcome of nothing": (HEADER, MADE, RunEnd(writes=0)),
    "one number twice": (HEADER, CREATE, CREATE, RunEnd(writes=2)),
    "two headers": (HEADER, HEADER, RunEnd(writes=0)),
    "an end in the middle": (HEADER, CREATE, RunEnd(writes=1), ARCHIVE),
    "an end that counts wrongly": (HEADER, CREATE, RunEnd(writes=2)),
}


@pytest.mark.parametrize("what", FORGED)
def test_lines_that_do_not_follow_from_each_other_are_refused(what: str) -> None:
    with pytest.raises(DocumentError, match="it does not match the lines before it"):
        read_bytes(receipt_bytes(*FORGED[what]))


def forged_receipt(**changes: object) -> bytes:
    """Return a receipt whose second line has other fields, with digests that hold."""
    first, digest = receipt_lines([HEADER], "")
    body = {**json.loads(receipt_lines([CREATE], "")[0]), **changes}
    body.pop("digest")
    return first + _signed(json.dumps(body, separators=(",", ":")).encode()[:-1], digest)


def _signed(body: bytes, digest: str) -> bytes:
    from halo_iac.storage.receipt_file import digest_of

    return body + b',"digest":"' + digest_of(body, digest).encode() + b'"}\n'


@pytest.mark.parametrize(
    "changes",
    [
        {"more": 1},
        {"number": "1"},
        {"number": 0},
        {"action": "delete"},
        {"is_archived": 0},
        {"after": {}},
        {"after": {**json.loads(receipt_lines([CREATE], "")[0])["after"], "hours": ["9"]}},
        {"kind": "secret"},
    ],
    ids=str,
)
def test_values_of_another_form_are_refused_and_not_quoted(changes: dict[str, object]) -> None:
    assert read_bytes(forged_receipt()).writes == (Write(CREATE, 2),)
    with pytest.raises(DocumentError, match="line 2 of the receipt is damaged") as raised:
        read_bytes(forged_receipt(**changes))
    assert "Look." not in raised.value.message


def test_a_receipt_that_is_too_large_is_not_even_looked_at() -> None:
    with pytest.raises(DocumentError, match="larger than 32 MiB"):
        read_bytes(WHOLE + b"x" * MAX_RECEIPT_BYTES)
