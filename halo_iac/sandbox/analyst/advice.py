"""What to do about a failure, as far as its words tell. The words are all there is: traces carry no error classes."""

from __future__ import annotations

import re
from typing import Final

from halo_iac.sandbox.analyst.figures import ErrorGroup

_ADVICE: Final = tuple(
    (re.compile(words, re.IGNORECASE), advice)
    for words, advice in (
        (
            r"time[d\s-]*out|deadline|ETIMEDOUT",
            "Find out why it does not answer in time; give up sooner, and say in the prompt what to do instead.",
        ),
        (
            r"rate.?limit|too many requests|\b429\b|quota",
            "Space the calls out, wait as long as the answer asks for, or raise the limit.",
        ),
        (
            r"unauthori[sz]|forbidden|permission|\b40[13]\b|credential|api.?key",
            "Check the credentials and what they permit.",
        ),
        (
            r"context.{0,12}(?:length|window)|maximum.{0,12}tokens|too long",
            "Cut what goes into the prompt: shorter tool answers, a summary of old turns.",
        ),
        (
            r"no such file|not found|does not exist|\b404\b",
            "Say in the tool's description what exists, and answer a miss with near matches.",
        ),
        (
            r"\bin?valid|must be|expected|required|schema|\b4(?:00|22)\b|JSON|pars(?:e|ing)",
            "State the allowed values in the tool's schema, and let the error say which field to mend.",
        ),
        (
            r"connect|ECONN|refused|\breset|DNS|unreachable|\b50[0234]\b",
            "Check that the service behind it is up; repeat the call after a pause.",
        ),
        (r"max.{0,8}turns|recursion", "Look at what the turns went into before allowing more of them."),
    )
)
_OTHERWISE: Final = "Read one of the traces up to the failing step; the message alone does not say more."


def advice_on(group: ErrorGroup | None = None) -> str:
    """Return what to do about a group of failures, or about one that nothing is known of."""
    said = f"{group.message} {group.example}" if group else ""
    return next((advice for words, advice in _ADVICE if words.search(said)), _OTHERWISE)
