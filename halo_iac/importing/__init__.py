"""Import: schedules of the platform → entries whose plan is empty (docs/semantics.md#import).

``importer`` selects the schedules, writes the entry of each in full, and checks against a plan which entries do not
round-trip; ``layout`` leaves out what ``defaults`` say and puts prompts into files of their own. A schedule that cannot
be declared is left out and named.
"""

from __future__ import annotations

from halo_iac.importing.importer import (
    ImportResult,
    Selection,
    agent_names,
    entries_that_do_not_round_trip,
    import_schedules,
    select,
)
from halo_iac.importing.layout import in_one_spelling, omit_defaults, put_prompts_in_files, shared_fields

__all__ = [
    "ImportResult",
    "Selection",
    "agent_names",
    "entries_that_do_not_round_trip",
    "import_schedules",
    "in_one_spelling",
    "omit_defaults",
    "put_prompts_in_files",
    "select",
    "shared_fields",
]
