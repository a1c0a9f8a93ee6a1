"""What no prompt should hold, what may well be in one, and what is never quoted."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from halo_iac.findings.prompts import (
    CREDENTIALS,
    PLACEHOLDERS,
    PromptMatch,
    PromptPattern,
    find_credential,
    find_placeholder,
    is_prompt_path,
    list_credentials,
)
from halo_iac.model import schedule as defaults

UNFINISHED = (
    *("Review ${AGENT}.", "Review {{agent}}.", "Review {{ agent.name }}.", "Ask <your team>.", "Ask <INSERT NAME>."),
    *("[your question]", "[Insert the agent's name here]", "TODO", "- TODO say more", "# FIXME", "Then: TODO: more."),
    *("TBD", "Lorem ipsum dolor sit amet", "<<<<<<< HEAD", ">>>>>>> 1a2b3c4 (Ask more)"),
)
FINISHED = (
    *("It costs $5 or $HOME.", 'Answer as JSON: {"errors": [{"id": 1}]}', "<errors>as XML</errors>", "{name}"),
    *("GET /users/{id}", "Did it leave a TODO in the code?", "your [link](https://x.y)", "[your docs](https://x.y)"),
    *("A heading\n=======", "1 <<<<<<< 2", "> > quoted", "<<<<<<<< 8", "  >>>>>>> in an example"),
    *("[1] and [errors]", "Is `<b>` used?", "List its todos.", "$(date)", defaults.PROMPT),
)
SECRETS = {
    "AKIAIOSFODNN7EXAMPLE": "an AWS access key",
    "ghp_0123456789abcdefghijABCDEFGHIJ012345": "a GitHub token",
    "github_pat_11ABCDEFG0123456789_abcdefghij": "a GitHub token",
    "glpat-0123456789abcdefghij": "a GitLab token",
    "xoxb-123456789012-abcdefghij": "a Slack token",
    "AIzaSyA0123456789abcdefghijklmnopqrstuv": "a Google API key",
    "sk_live_0123456789abcdef": "a Stripe key",
    "sk-proj-0123456789abcdefghijklmn": "an API key",
    "sk-inference-0123456789abcdef": "an API key",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N": "a JSON web token",
}
NO_SECRETS = (
    *("Look for AKIA keys and ghp_ tokens in the traces.", "task-by-task-and-step-by-step-analysis"),
    *(
        "sk-learn-based-classification-models",
        "the password: never print it",
        "api_key=<redacted>",
        "api_key: ${KEY_1}",
    ),
    *("Authorization: Bearer <token>", "https://user:password@example.com", "https://example.com:8080/x@y"),
    *("token usage: 123456", "Report max tokens: 4096 and the API: v2.", "secret: ******", defaults.PROMPT),
)


@pytest.mark.parametrize("note", ["TODO", "FIXME", "TBD", "XXX"])
def test_a_note_is_called_by_its_own_name(note: str) -> None:
    assert find_placeholder(f"First.\n- {note} say more") == PromptMatch(note, 2)


@pytest.mark.parametrize("prompt", UNFINISHED)
def test_a_placeholder_is_seen_in_its_line(prompt: str) -> None:
    seen = find_placeholder(f"Look.\nAgain.\n{prompt}\nEnd.")
    assert seen is not None
    assert seen.line == 3


@pytest.mark.parametrize("prompt", FINISHED)
def test_text_that_resembles_a_placeholder_is_accepted(prompt: str) -> None:
    assert find_placeholder(f"Look.\n{prompt}\nEnd.") is None


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        *((path, True) for path in ("prompts/a.md", "a.txt", "./prompts/checkout-daily.md")),
        *((prompt, False) for prompt in ("Look into prompts/a.md", "Review\na.md", "a.md\nb.md", "Summarise.", ".mdx")),
    ],
)
def test_a_path_is_one_word_that_ends_as_prompt_files_do(prompt: str, expected: bool) -> None:
    assert is_prompt_path(prompt) is expected


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("around", ["{}", "Use {}.", "key={}", '"{}"', "first\n{}"])
def test_a_credential_is_seen_and_known_to_its_end(secret: str, around: str) -> None:
    prompt = around.format(secret)
    seen = find_credential(prompt)
    assert seen is not None
    assert (seen.line, seen.name) in {(prompt.count("\n") + 1, SECRETS[secret]), (1, "a password or key")}
    assert secret in {found.rstrip(".") for found in list_credentials(prompt)}


@pytest.mark.parametrize(
    ("prompt", "secret"),
    [
        ("password: hunter22", "hunter22"),
        ("PASSWORD = 'hunter22'", "hunter22"),
        ('{"api_key": "0123456789"}', "0123456789"),
        (
            "export AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
            "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        ),
        ("curl -H 'Authorization: Bearer 0123456789abcdefghij'", "0123456789abcdefghij"),
        ("postgres://app:hunter22@db/x", "hunter22"),
    ],
)
def test_only_the_value_of_a_named_password_is_redacted(prompt: str, secret: str) -> None:
    assert find_credential(prompt) is not None
    assert list(list_credentials(prompt)) == [secret]


def test_a_private_key_is_known_line_by_line() -> None:
    lines = ["-----BEGIN RSA PRIVATE KEY-----", "MIIEpAIBAAKCAQEA0123", "abcdefghij+/=="]
    prompt = "\n".join(["Sign with", *lines, "-----END RSA PRIVATE KEY-----"])
    assert find_credential(prompt) == PromptMatch("a private key", 2)
    assert list(list_credentials(prompt)) == lines


@pytest.mark.parametrize("prompt", NO_SECRETS)
def test_prompts_that_only_mention_credentials_hold_none(prompt: str) -> None:
    assert find_credential(prompt) is None


PIECES = (
    *UNFINISHED,
    *FINISHED,
    *SECRETS,
    *NO_SECRETS,
    "password: hunter22",
    "://a:b1234@",
    "-----BEGIN PRIVATE KEY-----",
)


@given(st.lists(st.sampled_from(PIECES), max_size=3).map(" ".join), st.sampled_from([PLACEHOLDERS, CREDENTIALS]))
def test_every_text_that_a_pattern_matches_has_a_sign_of_it(prompt: str, patterns: tuple[PromptPattern, ...]) -> None:
    for pattern in patterns:
        if re.search(pattern.regex, prompt):
            assert any(sign in prompt.lower() for sign in pattern.signs)


@pytest.mark.parametrize("pattern", [*PLACEHOLDERS, *CREDENTIALS], ids=lambda pattern: pattern.name)
def test_signs_are_in_lower_case_and_names_quote_nothing(pattern: PromptPattern) -> None:
    assert all(sign == sign.lower() for sign in pattern.signs)
    assert re.fullmatch(r"[A-Za-z `${}.<>\[\]]+", pattern.name)
