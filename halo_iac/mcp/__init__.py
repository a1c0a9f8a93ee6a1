"""The tools of halo for coding assistants, over the Model Context Protocol (docs/mcp.md).

- ``tools`` are plain functions of arguments and a session that return an answer. None of them depends on the protocol.
- ``tool`` has the values that they share, ``session`` the interface to the command line.
- ``arguments`` and ``schemas`` validate and describe arguments, ``pagination`` pages long answers.
- ``calls`` makes one call and formats its answer; ``untrusted`` marks untrusted text in it.
- ``prompts`` has the prompts; ``server`` is the only module that depends on the SDK.
"""
