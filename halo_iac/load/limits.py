"""Size limits of a project (docs/security.md#bounds-of-files): far above real use, far below what would do harm."""

from __future__ import annotations

from typing import Final

MEBIBYTE: Final = 1024 * 1024

MAX_FILE: Final = 5 * MEBIBYTE
MAX_PROMPT: Final = 256 * 1024
MAX_FILES: Final = 20_000
MAX_TOTAL: Final = 64 * MEBIBYTE
MAX_SCHEDULES: Final = 100_000

MAX_LIST: Final = 1_000
"""The longest list in the policy: each item of `protect` is compared with every title."""

MAX_OLD_TITLES: Final = 100
"""The most earlier titles that an entry may name."""

MAX_NAMES: Final = 1_000_000
"""The most names of files and folders that a project's globs may list: one or two seconds."""

MAX_PROJECTS: Final = 1_000
"""The most project files that one command takes."""

MAX_PATTERN: Final = 1_000
"""Characters of a path, or of a glob for paths or titles: one of a million stars takes minutes, and gigabytes."""

MAX_PROBLEMS: Final = 100
"""The most problems of one file that are shown individually: a reader fixes the first ones before reading on."""

MAX_COLLECTED: Final = 10_000
"""The most problems of one file that are worded at all: a file of 5 MiB can have millions, which take gigabytes."""

MAX_DEPTH: Final = 50
"""The deepest nesting of mappings and lists."""

MAX_EXPANSION: Final = 10
"""How many times its own size, in nodes, a file may grow when its aliases are expanded."""

MAX_DIGITS: Final = 400
"""Longer numbers stay text: no field accepts them, and Python refuses to convert very long ones."""

MAX_NUMBER: Final = 2_147_483_647
"""The platform documents "positive"; this is the limit of common integer types."""

MAX_COST: Final = 1_000_000
"""The highest `cost_per_run`, in any currency."""
