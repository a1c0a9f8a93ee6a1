"""Any bytes give a value or a HaloError: seeds, structure-aware mutations, and a few seconds of atheris."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from fuzzing.laws import packed
from fuzzing.targets import TARGETS
from hypothesis import given
from hypothesis import strategies as st
from render_samples import HOSTILE, every_section
from strategies import documents
from wire_samples import WIRE

from halo_iac.render.json import plan_json

ODD = st.sampled_from(
    [None, True, 0, -1, 2**63, 10**400, 1.5, "", " ", "x" * 300, [], {}, [[]], {"a": None}, "$", "${A:-b}", *HOSTILE]
)


@pytest.mark.parametrize("name", TARGETS)
def test_every_seed_passes_its_target(name: str) -> None:
    for seed in TARGETS[name].seeds():
        TARGETS[name].check(seed)


@pytest.mark.parametrize("name", TARGETS)
@given(data=st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_random_bytes_pass_every_target(name: str, data: bytes) -> None:
    TARGETS[name].check(data)


@pytest.mark.skipif(find_spec("atheris") is None, reason="atheris has wheels for Linux on x86-64 only")
def test_mutated_seeds_pass_every_target(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "fuzzing", "--sample", "--folder", str(tmp_path)]
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    ended = subprocess.run(command, check=False, capture_output=True, text=True, env=env)
    notes = [path.read_text(encoding="utf-8", errors="replace") for path in (tmp_path / "finds").iterdir()]
    assert (ended.returncode, notes, ended.stderr) == (0, [], "")
    *lines, found = ended.stdout.splitlines()
    assert ([line.split()[0] for line in lines], found) == (list(TARGETS), "0 found")
    assert all(int(line.split()[1].replace(",", "")) >= 600 for line in lines)


@st.composite
def damaged(draw: st.DrawFn, whole: st.SearchStrategy[Any]) -> Any:  # noqa: ANN401 - JSON
    """Draw a document with up to three of its nodes replaced, removed, or put under another key."""
    document = json.loads(json.dumps(draw(whole)))
    for _ in range(draw(st.integers(0, 3))):
        document = _damaged_once(draw, document)
    return document


def _damaged_once(draw: st.DrawFn, node: Any) -> Any:  # noqa: ANN401 - JSON
    if not isinstance(node, dict | list) or not node or draw(st.integers(0, 4)) == 0:
        return json.loads(json.dumps(draw(ODD)))  # a copy: it may be damaged in its turn
    keys = list(node) if isinstance(node, dict) else range(len(node))
    key = draw(st.sampled_from(keys))
    value = node[key]
    match draw(st.sampled_from(["inside", "inside", "inside", "gone", "twice"])):
        case "gone":
            del node[key]
        case "twice" if isinstance(node, list):
            node.append(value)
        case "twice":
            node[draw(st.sampled_from([*keys, *HOSTILE]))] = value
        case _:
            node[key] = _damaged_once(draw, value)
    return node


@given(damaged(documents()))
def test_a_damaged_project_is_a_project_or_problems(document: Any) -> None:  # noqa: ANN401 - JSON
    TARGETS["project"].check(packed({"halo.yaml": json.dumps(document).encode()}))


@given(damaged(st.just(json.loads(plan_json(every_section())))))
def test_a_damaged_plan_is_a_plan_or_an_error(document: Any) -> None:  # noqa: ANN401 - JSON
    TARGETS["saved_plan"].check(json.dumps(document).encode())


@given(damaged(st.just({"result": {"data": {"schedules": [WIRE, {**WIRE, "id": "two"}], "nextCursor": None}}})))
def test_a_damaged_listing_is_a_listing_or_an_error(document: Any) -> None:  # noqa: ANN401 - JSON
    TARGETS["answers"].check(b"200\n\n" + json.dumps(document).encode())
