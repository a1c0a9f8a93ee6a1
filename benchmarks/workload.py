"""What is measured: N schedules, as a project file and as the platform holds them, 1 % of them changed.

The same N give the same bytes everywhere. An entry has 19 lines on average, its prompt 1 to 8 of them
(docs/performance.md#workload), and looks back as far as its cadence needs, as people's entries do.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

PROJECT: Final = "5a4db0c5-0000-4000-8000-00000000be4c"
AGENTS: Final = {
    "checkout": "5a4db0c5-a000-4000-8000-000000000001",
    "support-bot": "5a4db0c5-a000-4000-8000-000000000002",
    "research": "5a4db0c5-a000-4000-8000-000000000003",
}
CREATED: Final = "2025-01-01T00:00:00.000Z"
CHANGED_EVERY: Final = 100

_OCTODNS_CONFIG: Final = """
providers:
  desired: {{class: octodns.provider.yaml.YamlProvider, directory: {folder}/desired}}
  actual: {{class: octodns.provider.yaml.YamlProvider, directory: {folder}/actual}}
zones:
  example.com.: {{sources: [desired], targets: [actual]}}
"""
_NAMES: Final = tuple(AGENTS)
_ZONES: Final = ("America/Los_Angeles", "Europe/Berlin", "UTC", "Asia/Tokyo")
_SENTENCES: Final = (
    "Look for tool calls that fail twice.",
    "Name slow spans and what they wait for.",
    "Compare errors with last week's.",
    "Which answers cost most, and why?",
    "Cite the trace of every finding.",
)


def project_text(count: int, project: str = PROJECT) -> str:
    """Return a project file that declares ``count`` schedules of a project."""
    entries = "".join(_entry(schedule) for schedule in schedules(count, changed_every=0))
    return f"version: 1\nproject: {project}\nschedules:{entries or ' {}'}\n"


def write_split(folder: Path, count: int) -> Path:
    """Write the same project as a file a schedule, each with its prompt in a file of its own; return its path."""
    for name in ("schedules", "prompts"):
        (folder / name).mkdir(parents=True)
    for number, schedule in enumerate(schedules(count, changed_every=0)):
        (folder / "prompts" / f"{number}.md").write_text(schedule["prompt"] + "\n", encoding="utf-8")
        entry = _entry(schedule, f"prompt_file: ../prompts/{number}.md")
        (folder / "schedules" / f"{number}.yaml").write_text(f"schedules:{entry}\n", encoding="utf-8")
    path = folder / "halo.yaml"
    path.write_text(f"version: 1\nproject: {PROJECT}\ninclude: [schedules/*.yaml]\nschedules: {{}}\n", encoding="utf-8")
    return path


def schedules(count: int, changed_every: int = CHANGED_EVERY) -> Iterator[dict[str, Any]]:
    """Yield schedules as the platform holds them; every so many-th (0: none) is not as the project file has it."""
    for number in range(count):
        schedule = _schedule(number)
        if changed_every and number % changed_every == changed_every - 1:
            schedule["lookbackHours"] += 24
            schedule["prompt"] += "\nOne more line that no file declares."
        yield schedule


def _schedule(number: int) -> dict[str, Any]:
    is_weekly = number % 2 == 0
    return {
        "id": f"5a4db0c5-5000-4000-8000-{number:012}",
        "teamId": "5a4db0c5-0000-4000-8000-00000000007e",
        "projectId": PROJECT,
        "title": f"Review number {number}",
        "enabled": True,
        "archivedAt": None,
        "autoPausedAt": None,
        "autoPauseReason": None,
        "frequency": "weekly" if is_weekly else "monthly",
        "hours": [number % 24],
        "minutes": [number % 60],
        "daysOfWeek": [1, 4] if is_weekly else [],
        "daysOfMonth": [] if is_weekly else [1, 15],
        "timezone": _ZONES[number % len(_ZONES)],
        "prompt": "\n".join(_SENTENCES[(number + line) % len(_SENTENCES)] for line in range(1 + number * 5 % 8)),
        "agentUuid": AGENTS[_NAMES[number % len(_NAMES)]],
        "modelId": "halo-large",
        "summarizationModelId": None,
        "spanLimit": 10000,
        "lookbackHours": 120 if is_weekly else 432,
        "maxSubagentDepth": 3,
        "maxTurns": 50,
        "createdByUserId": "5a4db0c5-0000-4000-8000-000000000002",
        "createdAt": CREATED,
        "updatedAt": CREATED,
    }


def _entry(schedule: dict[str, Any], prompt: str | None = None) -> str:
    days = "days_of_week: [mon, thu]" if schedule["daysOfWeek"] else "days_of_month: [1, 15]"
    number = schedule["title"].rpartition(" ")[2]
    agent = _NAMES[int(number) % len(_NAMES)]
    lines = "".join(f"\n      {line}" for line in schedule["prompt"].split("\n"))
    return f"""
  review-{number}:
    title: {schedule["title"]}
    agent: {agent}
    frequency: {schedule["frequency"]}
    {days}
    hours: {schedule["hours"]}
    minutes: {schedule["minutes"]}
    timezone: {schedule["timezone"]}
    {prompt or f"prompt: |{lines}"}
    model_id: {schedule["modelId"]}
    span_limit: {schedule["spanLimit"]}
    lookback_hours: {schedule["lookbackHours"]}
    max_subagent_depth: {schedule["maxSubagentDepth"]}
    max_turns: {schedule["maxTurns"]}
    enabled: true"""


def octodns_project(folder: Path, count: int) -> Path:
    """Write both sides of a zone of so many records, 1 % of them changed, for octoDNS, which solves the same problem.

    Returns the path of the configuration.
    """
    for side, changed_every in (("desired", 0), ("actual", CHANGED_EVERY)):
        (folder / side).mkdir(parents=True, exist_ok=True)
        records = "".join(_octodns_record(number, changed_every) for number in range(count))
        (folder / side / "example.com.yaml").write_text(f"---\n{records}", encoding="utf-8")
    config = folder / "config.yaml"
    config.write_text(_OCTODNS_CONFIG.format(folder=folder), encoding="utf-8")
    return config


def _octodns_record(number: int, changed_every: int) -> str:
    is_changed = changed_every and number % changed_every == changed_every - 1
    return f"""record-{number:06}:
  ttl: {600 if is_changed else 300}
  type: TXT
  values:
    - Review number {number}
    - Look for tool calls that fail twice.
    - Name slow spans and what they wait for.
"""
