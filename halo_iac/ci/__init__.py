"""What a pipeline knows and where it reports: GitHub's and GitLab's variables, comments and issues.

``inputs`` reads what a pipeline was told, ``host`` says what a host offers, ``github`` and ``gitlab`` are the two that
are known, ``posts`` keeps one comment and one issue up to date. Every value comes from the environment that is passed
in. See docs/ci.md.
"""
