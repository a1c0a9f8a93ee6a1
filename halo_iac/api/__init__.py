"""The client of the platform's HTTP API: one typed method a procedure, one typed error for each kind of failure.

From the outside in: :mod:`~halo_iac.api.auth` finds key, URL, team and project; :mod:`~halo_iac.api.schedules`,
:mod:`~halo_iac.api.runs` and :mod:`~halo_iac.api.traces` have the procedures; :mod:`~halo_iac.api.decode` checks
what they return; :mod:`~halo_iac.api.retry` decides what is repeated, with the numbers of
:mod:`~halo_iac.api.limits`; :mod:`~halo_iac.api.transport` makes one attempt, and :mod:`~halo_iac.api.trpc` reads the
response. Nothing is imported
here, since httpx takes a tenth of a second.
"""
