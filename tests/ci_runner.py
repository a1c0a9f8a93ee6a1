"""CI runners as far as a pipeline's steps can tell: their shell, their expressions, and the variables that they set.

Steps run as the runner runs them, against a served sandbox; halo is the one under test, where a step would install it.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from repositories import Git
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples"
ACTION = ROOT / "action.yml"
TEMPLATE = ROOT / "templates" / "halo.yml"


def read_yaml(path: Path) -> Any:  # noqa: ANN401 - YAML
    return YAML(typ="safe").load(path)


@dataclass(frozen=True)
class StepResult:
    """How a step ended: its exit code, and what it printed."""

    code: int
    printed: str


@dataclass
class Runner:
    """A machine with a checkout of a repository, and the variables that every step sees."""

    git: Git
    temp: Path
    env: dict[str, str] = field(default_factory=dict)

    def run(self, script: str, env: Mapping[str, str]) -> StepResult:
        """Run a step's script, as a runner does: in bash, and an error ends it."""
        step = self.temp / "step.sh"
        step.write_text(script)
        ended = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(step)],
            cwd=self.git.folder,
            env={**self.env, **env},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=120,
            check=False,
        )
        return StepResult(ended.returncode, ended.stdout + ended.stderr)


def runner(git: Git, temp: Path, platform: str) -> Runner:
    """Return a runner for a repository, whose halo talks to a platform on loopback."""
    temp.mkdir(exist_ok=True)
    kept = {name: os.environ[name] for name in ("LANG", "HOME", "PATH") if name in os.environ}
    return Runner(git, temp, {**kept, "PYTHONPATH": str(ROOT), "INF_API_URL": platform})


# GitHub's expressions -----------------------------------------------------------------------------------------------

_EXPRESSION = re.compile(r"\$\{\{ (.*?) \}\}")
_FORMAT = re.compile(r"format\('\{0\}([^']*)', ([\w.]+)\)")


def evaluate(text: str, values: Mapping[str, str]) -> str:
    """Return a text with its expressions replaced; they know names, texts, ``==``, ``&&``, ``||`` and ``format``."""
    return _EXPRESSION.sub(lambda found: _value(found[1], values), text)


def _value(expression: str, values: Mapping[str, str]) -> str:
    value = ""
    for either in expression.split(" || "):
        for part in either.split(" && "):
            value = _operand(part, values)
            if not value:
                break
        if value:
            return value
    return value


def _operand(text: str, values: Mapping[str, str]) -> str:
    left, sign, right = text.partition(" == ")
    if sign:
        return "true" if _operand(left, values) == _operand(right, values) else ""
    if text.startswith("'"):
        return text.strip("'")
    made = _FORMAT.fullmatch(text)
    return values[made[2]] + made[1] if made else values[text]


def action_env(given: Mapping[str, str], values: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of the action's own step, for a step of a workflow with these inputs."""
    action = read_yaml(ACTION)
    assert set(given) <= set(action["inputs"])
    inputs = {name: evaluate(str(each.get("default", "")), values) for name, each in action["inputs"].items()}
    inputs |= {name: evaluate(str(value), values) for name, value in given.items()}
    known = {"env.INF_API_KEY": "", "env.INF_PROJECT_ID": "", "steps.install.outputs.python": sys.executable, **values}
    known |= {f"inputs.{name}": value for name, value in inputs.items()}
    (step,) = (each for each in action["runs"]["steps"] if each.get("id") == "run")
    return {name: evaluate(value, known) for name, value in step["env"].items()}


# GitLab's inputs ----------------------------------------------------------------------------------------------------


def rendered_template(inputs: Mapping[str, str]) -> Any:  # noqa: ANN401 - YAML
    """Return the jobs of the template as GitLab makes them of the inputs."""
    spec, jobs = YAML(typ="safe").load_all(TEMPLATE)
    declared = spec["spec"]["inputs"]
    assert set(inputs) <= set(declared)
    values = {name: inputs.get(name, each.get("default")) for name, each in declared.items()}
    assert None not in values.values(), "an input without a default was not given"
    shown = {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in values.items()}
    return _each_text(jobs, lambda text: re.sub(r"\$\[\[ inputs\.([\w-]+) \]\]", lambda found: shown[found[1]], text))


def _each_text(value: Any, change: Callable[[str], str]) -> Any:  # noqa: ANN401 - YAML
    if isinstance(value, dict):
        return {change(key): _each_text(each, change) for key, each in value.items()}
    if isinstance(value, list):
        return [_each_text(each, change) for each in value]
    return change(value) if isinstance(value, str) else value


# Schemas ------------------------------------------------------------------------------------------------------------


def written_for_schemas(folder: Path) -> None:
    """Write what is no file of its own: the template, with the inputs of the example, and what docs/ci.md shows."""
    (included,) = read_yaml(EXAMPLES / "gitlab-ci" / ".gitlab-ci.yml")["include"]
    YAML().dump(rendered_template(included["inputs"]), folder / "gitlab-ci.yml")
    _, _, others = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8").partition("\n## Other hosts\n")
    names = ("buildkite", "circle-ci", "azure-pipelines")
    for name, pipeline in zip(names, re.findall(r"```yml\n(.*?)```", others, re.DOTALL), strict=True):
        (folder / f"{name}.yml").write_text(pipeline, encoding="utf-8")


if __name__ == "__main__":
    written_for_schemas(Path(sys.argv[1]))
