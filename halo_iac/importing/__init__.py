"""Import: schedules of the platform → entries whose plan is empty (docs/semantics.md#import).

``importer`` selects the schedules, writes each entry in full, and checks with a plan which entries do not round-trip;
``layout`` omits what ``defaults`` give and moves prompts to files. A schedule that cannot be declared is left out and
reported.
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
