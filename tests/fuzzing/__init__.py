"""Fuzzing: bytes that a stranger may have written → a value or a HaloError, and nothing else.

See docs/reliability.md#what-is-promised.

``files`` and ``answers`` hold the targets, functions that take bytes and return unless something is wrong: an exception
of another kind, or a law that does not hold of what came out. ``seeds`` says what mutation starts from, and
``python -m fuzzing`` (``make fuzz SECONDS=3600``) mutates it, guided by coverage, within a bound on time and memory.
``tests/test_fuzzing.py`` does so for less than a minute.

The engine is atheris, libFuzzer for Python: it executes a hundred times as much as a mutator of our own on
``sys.settrace`` would, and sees what strings the code compares with. Its wheels are for Linux on x86-64; elsewhere the
seeds and hypothesis have to do.
"""
