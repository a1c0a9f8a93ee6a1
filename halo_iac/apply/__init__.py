"""Apply: a plan, carried out → events (docs/semantics.md#apply-order).

``executor`` has the order of the phases, ``create`` the protocol that never makes a schedule twice,
``confirm_creates`` its last look, ``modify`` an update, archive or unarchive of an existing schedule, ``context`` what
they share (reader, writer, retries, recorder, the limit on requests a second), and ``worker_pool`` the threads.
"""

from halo_iac.apply.executor import apply

__all__ = ["apply"]
