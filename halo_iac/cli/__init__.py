"""The command line: one file a command, the only part that prints.

``main`` starts, answers ``--version`` and is the only error boundary; ``app`` lists the commands; ``options`` declares
each option once; ``context`` opens project, platform and clock; ``console`` is the last step before anything is
written.
"""
