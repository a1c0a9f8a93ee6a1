"""The platform's client: reader and writer apart, over a transport that makes one attempt and raises one typed error.

From the outside in: :mod:`~halo_iac.api.auth` says who asks whom, :mod:`~halo_iac.api.schedules` and
:mod:`~halo_iac.api.schedules` have a typed method per procedure, :mod:`~halo_iac.api.retry` decides what is repeated,
:mod:`~halo_iac.api.transport` carries one attempt, and :mod:`~halo_iac.api.trpc` reads what came back. Nothing is
imported here, since httpx takes a tenth of a second.
"""
