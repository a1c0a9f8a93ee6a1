"""The command line, and the only part that prints.

``commands`` has one module per command, and ``app`` their table; the other modules are shared by commands. ``main``
starts the process and is the only error boundary; ``options`` declares each option once; ``context`` opens project,
platform and clock; ``console`` owns the streams and redacts keys as the last step.
"""
