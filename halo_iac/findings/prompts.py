"""Mistakes in prompts: unfilled placeholders, merge conflicts, and texts that look like credentials.

Of a prompt, nothing is ever quoted: what looks like a credential must not get into a log, and a placeholder may stand
around one. Ten thousand prompts are looked through in a plan, so each pattern has signs, of which one at least is in
every text that it matches; most texts have none, and most patterns are never compiled.
"""

import re
from collections.abc import Iterator
from functools import cache
from typing import Final, NamedTuple


class PromptPattern(NamedTuple):
    """Something to look for: ``name`` is what messages call it; every match has one of ``signs``."""

    name: str
    signs: tuple[str, ...]
    regex: str


class PromptMatch(NamedTuple):
    """What was found, and in which line of the prompt, from 1."""

    name: str
    line: int


_PLACEHOLDER_WORD: Final = r"(?:your|insert|replace|fill|todo|tbd)\b"
_NOTES: Final = ("TODO", "FIXME", "TBD", "XXX")
_NAMED: Final = r"(?:password|passwd|secret|(?:api|secret|access)[_ -]?key|(?:api|access|auth)[_ -]?token)"

PLACEHOLDERS: Final = (
    PromptPattern("`${...}`", ("${",), r"\$\{[A-Za-z_]"),
    PromptPattern("`{{...}}`", ("{{",), r"\{\{[^{}\n]*\}\}"),
    PromptPattern("`<your ...>`", ("<",), rf"(?i)<{_PLACEHOLDER_WORD}[^<>\n]*>"),
    PromptPattern("`[your ...]`", ("[",), rf"(?i)\[{_PLACEHOLDER_WORD}[^\[\]\n]*\](?!\()"),
    # In capitals, and as a note: at the start of a line or before a colon. A prompt may well speak of TODOs.
    *(PromptPattern(note, (note.lower(),), rf"(?m)^[ \t#>*/-]*{note}\b|\b{note}:") for note in _NOTES),
    PromptPattern("lorem ipsum", ("lorem ipsum",), "(?i)lorem ipsum"),
    # One marker is enough: the other may have been removed. A line of = alone is a heading in Markdown.
    PromptPattern("a merge conflict marker", ("<<<<<<< ", ">>>>>>> "), "(?m)^(?:<{7}|>{7}) "),
)

_DIGIT_IN: Final = r"(?=[^\s\"'`]{0,80}[0-9])"
"""A text without a digit is a word; bounded, like every repetition here, so that no text takes quadratic time."""

CREDENTIALS: Final = (
    PromptPattern(
        "a private key",
        ("private key-----",),
        r"-----BEGIN (?:[A-Z0-9]+ ){0,4}PRIVATE KEY-----[A-Za-z0-9+/=\s]*",
    ),
    PromptPattern("an AWS access key", ("akia", "asia"), r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"),
    PromptPattern("a GitHub token", ("gh", "github_pat_"), r"\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_\w{22,})"),
    PromptPattern("a GitLab token", ("glpat-",), r"\bglpat-[A-Za-z0-9_-]{20,}"),
    PromptPattern("a Slack token", ("xox",), r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}"),
    PromptPattern("a Google API key", ("aiza",), r"\bAIza[A-Za-z0-9_-]{35,}"),
    PromptPattern("a Stripe key", ("k_live_", "k_test_"), r"\b[rs]k_(?:live|test)_[A-Za-z0-9]{16,}"),
    PromptPattern("an API key", ("sk-",), rf"\bsk-{_DIGIT_IN}[A-Za-z0-9_-]{{20,}}"),
    PromptPattern("a JSON web token", ("eyj",), r"\beyJ[\w-]{8,200}\.eyJ[\w-]{8,}[\w.-]*"),
    PromptPattern("a bearer token", ("bearer ",), rf"\b[Bb]earer ({_DIGIT_IN}[A-Za-z0-9._~+/-]{{20,}})"),
    PromptPattern("a password in a URL", ("://",), r"://[^\s/:@]+:(?!pass|secret|[x*.]+@)([^\s/:@<>{}$*]{4,})@"),
    PromptPattern(
        "a password or key",
        ("passw", "secret", "key", "token"),
        rf"(?i)(?<![A-Za-z0-9]){_NAMED}[\"'`]?[ \t]*[:=][ \t]*[\"'`]?({_DIGIT_IN}[^\s\"'`<>{{}}()\[\]$*,;]{{6,}})",
    ),
)
"""A group of a pattern, if it has one, is the credential itself."""


@cache
def find_placeholder(prompt: str) -> PromptMatch | None:
    """Return the first unfilled placeholder of a prompt."""
    return min(_matches(prompt, PLACEHOLDERS), key=lambda found: found.line, default=None)


def is_prompt_path(prompt: str) -> bool:
    """Return whether a prompt is nothing but the path of a file that may hold one."""
    return prompt.endswith((".md", ".txt")) and len(prompt.split()) == 1


@cache
def find_credential(prompt: str) -> PromptMatch | None:
    """Return the first thing in a prompt that looks like a credential."""
    return min(_matches(prompt, CREDENTIALS), key=lambda found: found.line, default=None)


def list_credentials(prompt: str) -> Iterator[str]:
    """Yield the texts in a prompt that look like credentials, line by line, so that they can be redacted."""
    for pattern in _possible_patterns(prompt, CREDENTIALS):
        for found in re.finditer(pattern.regex, prompt):
            yield from filter(None, map(str.strip, found[found.lastindex or 0].split("\n")))


def _matches(prompt: str, patterns: tuple[PromptPattern, ...]) -> Iterator[PromptMatch]:
    for pattern in _possible_patterns(prompt, patterns):
        found = re.search(pattern.regex, prompt)
        if found is not None:
            yield PromptMatch(pattern.name, prompt.count("\n", 0, found.start()) + 1)


def _possible_patterns(prompt: str, patterns: tuple[PromptPattern, ...]) -> Iterator[PromptPattern]:
    """Yield the patterns of which a sign occurs in the text."""
    lowered = prompt.lower()
    return (pattern for pattern in patterns if any(sign in lowered for sign in pattern.signs))
