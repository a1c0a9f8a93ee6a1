"""A HALO platform small enough to run inside a test, and true enough that the official client works against it.

It speaks the platform's protocol (docs/protocol.md) and shares no code with the rest of the package: a fake that used
our client's code would share its mistakes. A request comes in as a value, an answer goes out as one; ``platform`` joins
the parts:

- ``protocol``   requests, answers, refusals and the tRPC envelope
- ``faults``     misbehaviour on demand, as a plain list
- ``call``       what a procedure gets
- ``recent``     what is remembered of the requests
- ``rules``      what an input must look like
- ``schedules``, ``schedule_runs``, ``runs``, ``conversations``, ``datasets``, ``agents``, ``projects``   the procedures
- ``gate``       which there are and who may call them; ``lookup``, ``wires``: what they name and answer
- ``starting``, ``life``, ``exports``   how a run begins, what becomes of it, and what it reads
- ``cadences``, ``firing``              when schedules fire, and firing them
- ``traces``, ``loading``, ``arrivals`` spans from a file to their rows
- ``analyst``    what spans show; ``demo_traces``, ``demo_history``: spans to try it on
- ``store``      SQLite
- ``demo``       what a new sandbox holds
- ``platform``   :class:`~halo_iac.sandbox.platform.Sandbox`: all of it behind one ``answer(request)``
- ``serve``      the same on a loopback port
"""
