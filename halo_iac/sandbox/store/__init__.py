"""The sandbox's SQLite file.

A schedule or agent is stored as the JSON text of the protocol, beside the few columns that are searched: a list of ten
thousand is then a read and a join. A run is stored as its request; its state is derived from that and the clock
(:mod:`halo_iac.sandbox.run_state`).
"""

from halo_iac.sandbox.store.database import Store
from halo_iac.sandbox.store.tables import AgentRow, Key, ScheduleRow, Tables

__all__ = ["AgentRow", "Key", "ScheduleRow", "Store", "Tables"]
