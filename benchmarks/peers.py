"""What octoDNS, which solves the same problem for DNS, gets to do: N records in YAML, 1 % of them changed."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from workload import CHANGED_EVERY

_CONFIG: Final = """
providers:
  desired: {{class: octodns.provider.yaml.YamlProvider, directory: {folder}/desired}}
  actual: {{class: octodns.provider.yaml.YamlProvider, directory: {folder}/actual}}
zones:
  example.com.: {{sources: [desired], targets: [actual]}}
"""


def octodns_project(folder: Path, count: int) -> Path:
    """Write both sides of a zone of so many records and return the path of the configuration."""
    for side, changed_every in (("desired", 0), ("actual", CHANGED_EVERY)):
        (folder / side).mkdir(parents=True, exist_ok=True)
        records = "".join(_record(number, changed_every) for number in range(count))
        (folder / side / "example.com.yaml").write_text(f"---\n{records}", encoding="utf-8")
    config = folder / "config.yaml"
    config.write_text(_CONFIG.format(folder=folder), encoding="utf-8")
    return config


def _record(number: int, changed_every: int) -> str:
    is_changed = changed_every and number % changed_every == changed_every - 1
    return f"""record-{number:06}:
  ttl: {600 if is_changed else 300}
  type: TXT
  values:
    - Review number {number}
    - Look for tool calls that fail twice.
    - Name slow spans and what they wait for.
"""
