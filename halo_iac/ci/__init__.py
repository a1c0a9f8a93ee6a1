"""GitHub and GitLab as pipeline hosts: their variables, comments and issues.

``inputs`` reads a pipeline's inputs, ``host`` defines what a host offers, ``github`` and ``gitlab`` implement it,
``posts`` keeps one comment and one issue up to date. Every value comes from the given environment. See docs/ci.md.
"""
