"""How much a project may be (docs/security.md#bounds-of-files): far more than anybody has, far less than would hurt."""

from __future__ import annotations

from typing import Final

MEBIBYTE: Final = 1024 * 1024

MAX_FILE: Final = 5 * MEBIBYTE
MAX_PROMPT: Final = 256 * 1024
MAX_FILES: Final = 20_000
MAX_TOTAL: Final = 64 * MEBIBYTE
MAX_SCHEDULES: Final = 100_000

MAX_LIST: Final = 1_000
"""How many elements a list of the policy may have: each of `protect` is held against every title."""

MAX_OLD_TITLES: Final = 100
"""How many earlier titles an entry may name."""

MAX_NAMES: Final = 1_000_000
"""How many names of files and folders the globs of a project may look at: a second or two."""

MAX_PROJECTS: Final = 1_000
"""How many project files one command takes."""

MAX_PATTERN: Final = 1_000
"""Characters of a path, or of a glob for paths or titles: one of a million stars takes minutes, and gigabytes."""

MAX_PROBLEMS: Final = 100
"""How many problems of one file are shown one by one: a reader fixes the first ones before reading more."""

MAX_COLLECTED: Final = 10_000
"""How many problems of one file are worded at all: a file of 5 MiB can have millions, which take gigabytes."""

MAX_DEPTH: Final = 50
"""How many mappings and lists may be nested."""

MAX_EXPANSION: Final = 10
"""How many times its own size, in nodes, a file may grow when its aliases are followed."""

MAX_DIGITS: Final = 400
"""Longer numbers stay text: no field wants them, and Python refuses to convert very long ones."""

MAX_NUMBER: Final = 2_147_483_647
"""The platform documents "positive"; this is where common integers end."""

MAX_COST: Final = 1_000_000
"""What a run may cost at most, in any currency."""
