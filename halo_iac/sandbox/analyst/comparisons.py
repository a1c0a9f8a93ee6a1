"""Recognises questions about what a report does not cover: other times, other runs, other agents.

A report has the figures of one agent in one window. Other subjects are recognised by their words; the names of tools,
steps and models in the report are not among them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

_TIME: Final = (
    r"(?:hours?|days?|nights?|mornings?|weeks?|weekends?|months?|quarters?|years?|time"
    r"|(?:mon|tues|wednes|thurs|fri|satur|sun)day)"
)
_SCOPE: Final = r"(?:agents?|projects?|environments?|teams?)"
_RUN: Final = rf"(?:runs?|reports?|windows?|analys[ei]s|periods?|conversations?|versions?|releases?|{_SCOPE})"
_EVENT: Final = r"(?:deploy\w*|releas\w+|rollout|upgrade|update|change|fix|migration|incident|launch|then|v?\d+[.-]\S*)"
_MORE: Final = r"(?:better|slower|faster|cheaper|higher|lower)"
_CHANGED: Final = r"(?:increas|decreas|declin|chang|degrad|worsen|ris|grow|dropp|improv)"

_OUTSIDE: Final = tuple(
    re.compile(words, re.IGNORECASE)
    for words in (
        rf"\b(?:last|previous|prior|earlier|preceding|past|next) (?:{_TIME}|{_RUN})\b",
        rf"\b(?:another|other|different) {_RUN}\b|\b(?:all|every|most|which|both|two) (?:of )?(?:our |the )?{_SCOPE}\b",
        rf"\b{_TIME} (?:ago|before|earlier)\b|\b(?:day|week|month|year)[- ](?:over|on|to|by)[- ]\w+",
        r"\byesterday\b|\bhistor(?:y|ic\w*)\b|\btrend\w*|\bregress\w*|\bbaselines?\b|\bover time\b",
        rf"\b(?:before|since|after) (?:(?:the|that|this|our|my|we|you|last|latest) )*(?:{_EVENT}|{_TIME})(?!\w)",
        r"\b(?:than|as|like|from|to|with) (?:(?:it|they|that) (?:was|were|did)|before|usual|normal|ever|expected)\b",
        r"\b(?:new|newly|newer|recently|lately|still|anymore|any more|any longer|no longer|used to)\b",
        rf"\b{_CHANGED}ed\b|\b(?:is|are|been|keeps?) (?:\w+ )?{_CHANGED}ing\b|\b(?:grown|grew|rose|risen)\b",
        r"\bworse\b|\b(?:gets?|got|gotten|getting|becom\w+) \w+er\b",
        rf"\b(?:is|are|did) (?:\w+ ){{1,3}}{_MORE}\b(?! than)",
    )
)
_COMPARED: Final = re.compile(
    r"\b(?:than|versus|vs\.?|against|relative to|compar(?:e[ds]?|ing|isons?)(?: \w+){0,2}? (?:to|with))"
    r" (?:(?:the|that|those|of|our|its|any|all|in|on) )*([\w./:-]+)",
    re.IGNORECASE,
)
_NAME: Final = re.compile(r"[\w-]+")
_KNOWN_WORDS: Final = re.compile(
    r"\d.*|an?|one|two|three|half|others?|another|rest|average|median|p\d+|they|them|each|it|is|necessary|needed|once|twice"
    r"|tools?|calls?|steps?|models?|traces?|spans?|errors?|failures?|retries|tokens?|costs?|limits?|time",
    re.IGNORECASE,
)
"""Words that a question may compare with: they are in the report, or are not names."""


def find_comparison(question: str, names: Iterable[str]) -> str | None:
    """Return the words of a question that refer to something outside its report; ``names`` are the report's names."""
    for words in _OUTSIDE:
        if found := words.search(question):
            return found[0]
    known = {word for name in names for word in (name.casefold(), *_NAME.findall(name.casefold()))}
    for found in _COMPARED.finditer(question):
        name = found[1].rstrip(".:")
        if name.casefold() not in known and not _KNOWN_WORDS.fullmatch(name):
            return found[0].rstrip(".:")
    return None
