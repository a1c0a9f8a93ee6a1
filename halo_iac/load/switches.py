"""How people switch the rules of :mod:`halo_iac.findings`, in a project file or in one entry.

Annotations are no strings here, for the reason that :mod:`halo_iac.load.file` gives.
"""

from collections.abc import Mapping
from typing import Annotated, Final, Literal

from pydantic import ConfigDict, Field, with_config
from typing_extensions import TypedDict

from halo_iac.model.finding import Severity, Switches

WORDS: Final = ("error", "warning", "off")

Switch = Literal["error", "warning", "off"]

WrittenSwitches = TypedDict(
    "WrittenSwitches",
    {
        "coverage-gap": Annotated[
            Switch,
            Field(
                description="The look-back is shorter than the longest interval between fires: some traces are never "
                "analysed; left out: warning."
            ),
        ],
        "coverage-gap-dst": Annotated[
            Switch,
            Field(
                description="The look-back is long enough, but for the interval in which clocks go back; left out: "
                "warning."
            ),
        ],
        "paid-twice": Annotated[
            Switch,
            Field(
                description="The look-back is more than twice the shortest interval between fires, so that traces are "
                "analysed several times; left out: warning."
            ),
        ],
        "missing-day": Annotated[
            Switch, Field(description="Some months have no such day, and there it does not fire; left out: warning.")
        ],
        "crowded-minute": Annotated[
            Switch,
            Field(description="More than ten schedules fire in one and the same minute; left out: warning."),
        ],
        "declared-twice": Annotated[
            Switch,
            Field(description="Several entries have the same agent and the same cadence; left out: warning."),
        ],
        "unfinished-prompt": Annotated[
            Switch,
            Field(
                description="The prompt holds a placeholder that nobody filled in, or a merge conflict, or is a path; "
                "left out: warning."
            ),
        ],
        "credential-in-prompt": Annotated[
            Switch, Field(description="The prompt holds something like a credential; left out: error.")
        ],
        "cut-by-comment": Annotated[
            Switch,
            Field(
                description="A text without quotes ends at ` #`, which begins a comment, though no space is behind the "
                "`#`; left out: warning."
            ),
        ],
        "odd-glob": Annotated[
            Switch,
            Field(
                description="A glob of `protect` holds `?`, `[` or `${`, which mean nothing in it; left out: warning."
            ),
        ],
        "unused-glob": Annotated[
            Switch,
            Field(
                description="A glob of `protect` covers no declared and no existing title; plan only; left out: "
                "warning."
            ),
        ],
        "too-many-runs": Annotated[
            Switch,
            Field(
                description="The schedules run more often than max_runs_per_month permits; left out: error. Off in an "
                "entry: its runs are not counted."
            ),
        ],
        "skipped-fire": Annotated[
            Switch,
            Field(description="Applied now, a change skips a fire of today; plan only; left out: warning."),
        ],
        "doubled-fire": Annotated[
            Switch,
            Field(description="Applied now, a change has today's fire happen twice; plan only; left out: warning."),
        ],
    },
    total=False,
)
with_config(ConfigDict(extra="forbid", strict=True))(WrittenSwitches)


def switches(written: Mapping[str, str]) -> Switches:
    """Return written switches as rules understand them."""
    return {rule: None if word == "off" else Severity(word) for rule, word in written.items()}
