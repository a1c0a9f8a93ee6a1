"""The command line, and the only part that prints.

``commands`` has one module a command, and ``app`` the table of them; the other modules here are what commands share.
``main`` starts the process and is the only error boundary; ``options`` declares each option once; ``context`` opens
project, platform and clock; ``console`` owns the streams and redacts keys as the last step.
"""
