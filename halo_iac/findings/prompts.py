"""Mistakes in prompts: unfilled placeholders, merge conflicts, and texts that look like credentials.

Of a prompt, nothing is ever quoted: what looks like a credential must not get into a log, and a placeholder may stand
around one. Ten thousand prompts are looked through in a plan, so each pattern has signs, of which one at least is in
every text that it matches; most texts have none, and most patterns are never compiled.
"""

import re
from collections.abc import Iterator
from functools import cache
from typing import Final, NamedTuple


class Kind(NamedTuple):
    """Something to look for: ``signs`` are in lower case, ``name`` is what messages call it."""

    name: str
    signs: tuple[str, ...]
    pattern: str


class PromptMatch(NamedTuple):
    """What was seen, and in which line of the prompt, from 1."""

    name: str
    line: int


_PLACEHOLDER_WORD: Final = r"(?:your|insert|replace|fill|todo|tbd)\b"
_NOTES: Final = ("TODO", "FIXME", "TBD", "XXX")
_NAMED: Final = r"(?:password|passwd|secret|(?:api|secret|access)[_ -]?key|(?:api|access|auth)[_ -]?token)"

PLACEHOLDERS: Final = (
    Kind("`${...}`", ("${",), r"\$\{[A-Za-z_]"),
    Kind("`{{...}}`", ("{{",), r"\{\{[^{}\n]*\}\}"),
    Kind("`<your ...>`", ("<",), rf"(?i)<{_PLACEHOLDER_WORD}[^<>\n]*>"),
    Kind("`[your ...]`", ("[",), rf"(?i)\[{_PLACEHOLDER_WORD}[^\[\]\n]*\](?!\()"),
    # In capitals, and as a note: at the start of a line or before a colon. A prompt may well speak of TODOs.
    *(Kind(note, (note.lower(),), rf"(?m)^[ \t#>*/-]*{note}\b|\b{note}:") for note in _NOTES),
    Kind("lorem ipsum", ("lorem ipsum",), "(?i)lorem ipsum"),
    # One marker is enough: the other may have been removed. A line of = alone is a heading in Markdown.
    Kind("a merge conflict marker", ("<<<<<<< ", ">>>>>>> "), "(?m)^(?:<{7}|>{7}) "),
)

_DIGIT_IN: Final = r"(?=[^\s\"'`]{0,80}[0-9])"
"""What has no digit is a word; bounded, like every repetition here, so that no text takes quadratic time."""

CREDENTIALS: Final = (
    Kind(
        "a private key",
        ("private key-----",),
        r"-----BEGIN (?:[A-Z0-9]+ ){0,4}PRIVATE KEY-----[A-Za-z0-9+/=\s]*",
    ),
    Kind("an AWS access key", ("akia", "asia"), r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"),
    Kind("a GitHub token", ("gh", "github_pat_"), r"\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_\w{22,})"),
    Kind("a GitLab token", ("glpat-",), r"\bglpat-[A-Za-z0-9_-]{20,}"),
    Kind("a Slack token", ("xox",), r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}"),
    Kind("a Google API key", ("aiza",), r"\bAIza[A-Za-z0-9_-]{35,}"),
    Kind("a Stripe key", ("k_live_", "k_test_"), r"\b[rs]k_(?:live|test)_[A-Za-z0-9]{16,}"),
    Kind("an API key", ("sk-",), rf"\bsk-{_DIGIT_IN}[A-Za-z0-9_-]{{20,}}"),
    Kind("a JSON web token", ("eyj",), r"\beyJ[\w-]{8,200}\.eyJ[\w-]{8,}[\w.-]*"),
    Kind("a bearer token", ("bearer ",), rf"\b[Bb]earer ({_DIGIT_IN}[A-Za-z0-9._~+/-]{{20,}})"),
    Kind("a password in a URL", ("://",), r"://[^\s/:@]+:(?!pass|secret|[x*.]+@)([^\s/:@<>{}$*]{4,})@"),
    Kind(
        "a password or key",
        ("passw", "secret", "key", "token"),
        rf"(?i)(?<![A-Za-z0-9]){_NAMED}[\"'`]?[ \t]*[:=][ \t]*[\"'`]?({_DIGIT_IN}[^\s\"'`<>{{}}()\[\]$*,;]{{6,}})",
    ),
)
"""A group of a pattern, if it has one, is the credential itself."""


@cache
def placeholder_in(prompt: str) -> PromptMatch | None:
    """Return the first unfilled placeholder of a prompt."""
    return min(_matches(prompt, PLACEHOLDERS), key=lambda sighting: sighting.line, default=None)


def is_path(prompt: str) -> bool:
    """Return whether a prompt is nothing but the path of a file that may hold one."""
    return prompt.endswith((".md", ".txt")) and len(prompt.split()) == 1


@cache
def credential_in(prompt: str) -> PromptMatch | None:
    """Return the first thing in a prompt that looks like a credential."""
    return min(_matches(prompt, CREDENTIALS), key=lambda sighting: sighting.line, default=None)


def credentials_in(prompt: str) -> Iterator[str]:
    """Yield the texts in a prompt that look like credentials, line by line, so that they can be redacted."""
    for kind in _possible_kinds(prompt, CREDENTIALS):
        for found in re.finditer(kind.pattern, prompt):
            yield from filter(None, map(str.strip, found[found.lastindex or 0].split("\n")))


def _matches(prompt: str, kinds: tuple[Kind, ...]) -> Iterator[PromptMatch]:
    for kind in _possible_kinds(prompt, kinds):
        found = re.search(kind.pattern, prompt)
        if found is not None:
            yield PromptMatch(kind.name, prompt.count("\n", 0, found.start()) + 1)


def _possible_kinds(prompt: str, kinds: tuple[Kind, ...]) -> Iterator[Kind]:
    """Yield the kinds of which a sign occurs in the text."""
    lowered = prompt.lower()
    return (kind for kind in kinds if any(sign in lowered for sign in kind.signs))
