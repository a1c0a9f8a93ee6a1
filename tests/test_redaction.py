"""Redaction only changes strings of a document, which stays valid and readable.

See docs/security.md#keys.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from receipts import HEADER, NAME, receipt_bytes
from strategies import BASE, actual, entry, plan_on, project

from halo_iac.api.secret import Secret
from halo_iac.cli.console import Console
from halo_iac.model.plan import Action, GuardViolation
from halo_iac.model.receipt import Result, RunEnd, WriteIntent, WriteOutcome
from halo_iac.render.json import document, plan_json, read_plan
from halo_iac.storage.receipt_reader import read_receipt

PROSE: Final = ("prompt", "title", "before", "after", "message", "hint", "reason")
ODD: Final = "\\\"/\b\n\tu0aenr#&;%'\x7f é😀"
"""Letters that an escape may begin or end with, and what JSON and our renderers escape; no star, which hides."""

TEXTS: Final = st.text(st.sampled_from(ODD), max_size=8)
CREDENTIALS: Final = st.text(st.sampled_from(ODD), min_size=1, max_size=5)
KEYS: Final = st.text(st.sampled_from([each for each in ODD if "!" <= each <= "~"]), min_size=8, max_size=10)
WORDS: Final = ("create", "policy", "daily", "intent", "done", "true", "null", "version", "e", "1", "100000")
"""Credentials, as far as a rule may guess, that documents of ours hold as well."""


def console(*, keys: Iterable[str] = (), credentials: Iterable[str] = ()) -> Console:
    hiding = Console(io.StringIO(), io.StringIO(), io.StringIO(), {"INF_CONFIG_DIR": "/nowhere"})
    for key in keys:
        hiding.redactor.add_key(Secret(key))
    for credential in credentials:
        hiding.redactor.add_credential(Secret(credential))
    return hiding


def documents(secrets: list[str]) -> st.SearchStrategy[Any]:
    """Return values of documents whose strings, names among them, are made of secrets and of what looks like them."""
    texts = st.lists(st.one_of(TEXTS, st.sampled_from(secrets)), max_size=3).map("".join)
    plain = st.one_of(st.none(), st.booleans(), st.sampled_from([0, 1, 10, 100_000, -1, 0.5]), texts)
    names = st.one_of(st.sampled_from([*PROSE, "id", 'a "title']), texts)
    return st.recursive(plain, lambda some: st.lists(some, max_size=3) | st.dictionaries(names, some, max_size=3))


def shape(value: object) -> object:
    """Return a document's value, members as pairs and every string as the same."""
    match value:
        case str():
            return "string"
        case list() | tuple():
            return [shape(each) for each in value]
    return (type(value), value)


def strings(value: object, name: str | None = None) -> Iterator[tuple[str | None, str]]:
    """Yield the strings of a document, each with the name of the member that it is the value of."""
    match value:
        case str():
            yield name, value
        case list():
            for each in value:
                yield from strings(each)
        case tuple():
            for of, each in value:
                yield from ((None, of), *strings(each, of))


def read(text: str) -> object:
    return json.loads(text, object_pairs_hook=tuple)


# Any document -------------------------------------------------------------------------------------------------------


@given(st.data(), st.lists(KEYS, min_size=1, max_size=3))
def test_a_document_stays_one_and_holds_no_key(data: st.DataObject, keys: list[str]) -> None:
    whole = document(data.draw(documents(keys)))
    hidden = read(console(keys=keys).redacted(whole))
    assert shape(hidden) == shape(read(whole))
    assert [text for _, text in strings(hidden) if any(key in text for key in keys)] == []


@given(st.data(), st.lists(CREDENTIALS, min_size=1, max_size=3))
def test_a_credential_is_redacted_only_where_a_prompt_may_stand(data: st.DataObject, credentials: list[str]) -> None:
    whole = document(data.draw(documents(credentials)))
    hidden = read(console(credentials=credentials).redacted(whole))
    assert shape(hidden) == shape(read(whole))
    for (name, before), (_, after) in zip(strings(read(whole)), strings(hidden), strict=True):
        if name in PROSE:
            assert not any(credential in after for credential in credentials)
        else:
            assert after == before


@given(st.data(), st.lists(CREDENTIALS, min_size=1, max_size=3))
def test_text_without_a_secret_is_unchanged(data: st.DataObject, texts: list[str]) -> None:
    whole = document(data.draw(documents(texts)))
    assert console(keys=["sk-inference-z"], credentials=["hunter2z"]).redacted(whole) == whole


# Our own documents --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("word", WORDS)
def test_a_plan_is_read_again_whatever_looks_like_a_credential(word: str) -> None:
    declared = project(entry("A", prompt=f"Log in with {word}.", span_limit=100_000))
    planned = replace(plan_on(declared, actual()), refusals=(GuardViolation("policy", "it is loosened", "permit it"),))
    hidden = read_plan(console(credentials=[word]).redacted(plan_json(planned)).encode())
    (before,), (after,) = planned.changes, hidden.changes
    assert (hidden.refusals[0].guard, after.action, after.key) == ("policy", before.action, before.key)
    assert after.after is not None
    assert (word in after.after.prompt, after.after.span_limit) == (False, 100_000)


@pytest.mark.parametrize("word", WORDS)
def test_a_receipt_is_read_again_whatever_looks_like_a_credential(word: str) -> None:
    after = replace(BASE, title="A", prompt=f"Log in with {word}.", span_limit=100_000)
    intent = WriteIntent(
        number=1, action=Action.CREATE, key="a", id=None, title="A", is_archived=False, before=None, after=after
    )
    made = WriteOutcome(number=1, result=Result.DONE, id="s1")
    redact = console(credentials=[word]).redacted
    receipt = read_receipt(receipt_bytes(HEADER, intent, made, RunEnd(writes=1), redact=redact), NAME)
    (write,) = receipt.writes
    hidden = replace(after, prompt=write.intent.after.prompt if write.intent.after else "")
    assert (receipt.header, write.outcome) == (HEADER, made)
    assert write.intent == replace(intent, after=hidden, is_veiled=True)
    assert word not in hidden.prompt


def test_no_words_reach_a_log_that_a_runner_obeys_wherever_they_stand() -> None:
    stream = io.StringIO()
    shown = Console(stream, stream, stream, {"INF_CONFIG_DIR": "/nowhere"})
    for write in (shown.print, shown.print_error_text, shown.log, shown.log_stream.write, shown.read_answer):
        write("x ##teamcity[y] ##vso[z]\n")
    assert stream.getvalue() == "x ##teamcity\\[y] ##vso\\[z]\n" * 5
