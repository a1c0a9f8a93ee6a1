"""Apply: executes a plan and yields events (docs/semantics.md#apply-order).

``executor`` has the order of the phases, ``create`` the protocol that prevents duplicate creates, ``confirm_creates``
the check that creates are listed, ``modify`` the update, archive or unarchive of an existing schedule, ``context`` what
they share (reader, writer, retries, recorder, rate limiter), and ``worker_pool`` the threads.
"""

from halo_iac.apply.executor import apply

__all__ = ["apply"]
