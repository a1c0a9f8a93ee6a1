"""The client of the platform's HTTP API: one typed method per procedure, one typed error per kind of failure.

From the outside in: :mod:`~halo_iac.api.auth` resolves key, URL, team and project; :mod:`~halo_iac.api.schedules`,
:mod:`~halo_iac.api.runs` and :mod:`~halo_iac.api.traces` have the procedures; :mod:`~halo_iac.api.decode` validates
their results; :mod:`~halo_iac.api.retry` decides what is retried, with the numbers of :mod:`~halo_iac.api.limits`;
:mod:`~halo_iac.api.transport` makes one attempt, and :mod:`~halo_iac.api.trpc` decodes the response.

Nothing is imported here, since httpx takes a tenth of a second.
"""
