"""Guesses what was meant by a wrong key or value, in the words of people and other tools (docs/semantics.md#problems).

``keys`` has the keys, choices and typos, and is loaded with every project file. The others are imported when a mistake
needs them: ``cadence`` (with ``cron``, ``days``, ``times``, ``duration`` and ``timezone``), ``words`` in other
languages, ``yaml_syntax`` for files that are not valid YAML, and ``form`` for values of the wrong form and files of
other tools.
"""
