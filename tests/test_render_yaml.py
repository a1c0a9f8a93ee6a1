from __future__ import annotations

import io

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from halo_iac.render.yaml import mapping_text

WORDS = st.lists(st.sampled_from(["Review", "no", "-", "---", "_", "2025-01-01", "1e5", "a", "Null", "#", ":"]))
INSTANTS = st.datetimes().map(lambda at: f"{at:%Y-%m-%dT%H:%M:%S}.000Z")
TEXTS = st.text(max_size=20) | WORDS.map(" ".join) | INSTANTS | st.uuids().map(str)
NAMES = st.sampled_from(["run", "schedule_id", "no", "2", "a: b"])


def emitted(values: dict[str, object]) -> str:
    yaml = YAML()
    yaml.width = 2**16
    yaml.default_flow_style = False
    stream = io.StringIO()
    yaml.dump(values, stream)
    return stream.getvalue()


@given(st.dictionaries(NAMES, TEXTS | st.none() | st.integers() | st.dictionaries(NAMES, TEXTS)))
@example({})
@example({"run": {"no": "yes"}})
@example({"run": {"run": "2025-01-01T09:00:00.000Z", "no": "2025-01-01T09:00:00Z\n"}})
def test_a_mapping_is_written_as_the_emitter_would(values: dict[str, object]) -> None:
    assert mapping_text(values) == emitted(values)


@pytest.mark.parametrize("version", [(1, 1), (1, 2)])
@pytest.mark.parametrize("text", ["Null", "2025-01-01T09:00:00.000Z", "1e5", "Review of no", "a - b", "-"])
def test_a_text_stays_a_text_in_every_version_of_yaml(text: str, version: tuple[int, int]) -> None:
    yaml = YAML(typ="safe", pure=True)
    yaml.version = version
    assert yaml.load(mapping_text({"title": text})) == {"title": text}
