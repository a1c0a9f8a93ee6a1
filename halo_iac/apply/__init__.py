"""Apply: a plan, carried out → events (docs/semantics.md#apply-order).

``run`` has the order of the phases, ``crew`` the threads, ``desk`` what they work with and where each write is noted,
``steps`` one change of an existing schedule, ``creates`` the protocol that never makes a schedule twice, ``pace`` the
limit on requests a second, ``brake`` what keeps a run from starting anything new.
"""

from halo_iac.apply.executor import apply

__all__ = ["apply"]
