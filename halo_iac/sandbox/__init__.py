"""A HALO platform small enough to run inside a test, and true enough that the official client works against it.

It speaks the platform's protocol (docs/protocol.md) and shares no code with the rest of the package: a fake that used
our client's code would share its mistakes. A request comes in as a value, an answer goes out as one; ``platform`` joins
the parts:

- ``platform``         :class:`~halo_iac.sandbox.platform.Sandbox`: all of it behind one ``answer(request)``
- ``server``           the same on a loopback port
- ``protocol``         requests, answers, errors and the tRPC envelope
- ``handlers``         the procedures, one module a router of the API; ``procedures`` lists them
- ``call``             what a procedure gets
- ``validation``       what an input must look like
- ``faults``           misbehaviour on demand, as a plain list
- ``recent_requests``  the requests that tests and the log look at
- ``firing``           when schedules fire, and firing them
- ``run_starter``, ``run_state``   how a run begins, and what becomes of it
- ``ingest``           spans from a file to their rows; ``span_record`` and ``trace_summary`` are what is kept of each
- ``span_messages``    the conversation that a span's attributes hold
- ``analyst``          the analysis of spans: figures, fixes, report
- ``demo``             what a new sandbox holds, traces included
- ``store``            SQLite
"""
