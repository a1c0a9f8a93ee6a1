"""Import (adopt): schedules of the platform → entries whose plan is empty (docs/semantics.md#import).

``choice`` picks the schedules that are meant · ``entries`` says in full what each of them is · ``layout`` leaves out
what ``defaults`` say, and puts prompts into files of their own · ``proof`` reads off a plan which entries are not as
their schedules are. What cannot be declared is left out and named: an entry that is refused would help nobody.
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
from halo_iac.importing.layout import omit_defaults, put_prompts_in_files, shared_fields

__all__ = [
    "ImportResult",
    "Selection",
    "agent_names",
    "entries_that_do_not_round_trip",
    "import_schedules",
    "omit_defaults",
    "put_prompts_in_files",
    "select",
    "shared_fields",
]
