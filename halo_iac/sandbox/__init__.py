"""A HALO platform small enough to run inside a test, and true enough that the official client works against it.

It implements the platform's protocol (docs/protocol.md) and shares no code with the rest of the package: a fake that
used the client's code would share its mistakes. Requests and answers are plain values; ``platform`` joins the parts:

- ``platform``         :class:`~halo_iac.sandbox.platform.Sandbox`: all of it behind one ``answer(request)``
- ``server``           the same on a loopback port
- ``protocol``         requests, answers, errors and the tRPC envelope
- ``handlers``         the procedures, one module per router of the API; ``procedures`` lists them
- ``call``             the arguments of a procedure
- ``validation``       validation of inputs
- ``faults``           fault injection
- ``recent_requests``  the log of recent requests
- ``firing``           fires due schedules
- ``run_starter``, ``run_state``   starts runs and derives their state
- ``instants``         instants as texts and as nanoseconds
- ``ingest``           loads spans from files; ``span_record`` and ``trace_summary`` are what is stored
- ``analyst``          the analysis of spans: figures, fixes, report
- ``demo``             the content of a new sandbox, traces included
- ``store``            SQLite
"""
