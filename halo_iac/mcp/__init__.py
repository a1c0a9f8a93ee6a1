"""What a coding assistant can ask for over the Model Context Protocol (docs/mcp.md).

- ``tools`` are plain functions: arguments and a session in, an answer out. None of them knows the protocol.
- ``tool`` has the values that they share, ``session`` what they may ask of the command line.
- ``arguments`` and ``schemas`` are how arguments are read and described, ``cursors`` and ``excerpts`` how an answer
  goes on.
- ``calls`` makes one call and draws its answer; ``untrusted`` marks in it what others wrote.
- ``prompts`` are the prompts; ``server`` is the only module that knows the SDK.
"""
