"""Import (adopt): schedules of the platform → entries whose plan is empty (docs/semantics.md#import).

``choice`` picks the schedules that are meant · ``entries`` says in full what each of them is · ``layout`` leaves out
what ``defaults`` say, and puts prompts into files of their own · ``proof`` reads off a plan which entries are not as
their schedules are. What cannot be declared is left out and named: an entry that is refused would help nobody.
"""

from __future__ import annotations

from halo_iac.adopt.choice import Choice, choose
from halo_iac.adopt.entries import Adoption, adopt, agent_names
from halo_iac.adopt.layout import leave_out, put_prompts_in_files, shared_fields
from halo_iac.adopt.proof import disproved

__all__ = [
    "Adoption",
    "Choice",
    "adopt",
    "agent_names",
    "choose",
    "disproved",
    "leave_out",
    "put_prompts_in_files",
    "shared_fields",
]
