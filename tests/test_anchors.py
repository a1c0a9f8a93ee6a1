"""Anchors and merge keys mean the same to `halo validate`, to the schemas and to both YAML parsers."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

from halo_iac.errors import ProjectError
from halo_iac.load import load
from halo_iac.load.json_schema import include_schema, project_schema
from halo_iac.load.yaml_parser import parse_text

BASE = "x-base: &base {agent: checkout, frequency: daily, hours: 9}\n"
FINE = {
    "an anchor at the top": BASE + "version: 1\nschedules: {a: {<<: *base, title: A}}\n",
    "what stands in it means nothing": "version: 1\nx-y: {schedules: 5, '${Z}': '${Z}', protect: []}\nschedules: {}\n",
    "nor does its form": "version: 1\nx-1: null\nx-2: [1, {a: b}]\nx-: 3\nschedules: {}\n",
    "several merged": BASE + "x-b: &b {hours: 10}\nversion: 1\nschedules: {a: {<<: [*b, *base], title: A}}\n",
    "its own wins": BASE + "version: 1\nschedules: {a: {title: A, hours: 10, <<: *base}}\n",
    "merged into what is merged": BASE
    + "x-b: &b {<<: *base, hours: 1}\nversion: 1\nschedules: {a: {<<: *b, title: A}}\n",
    "an entry": "version: 1\nschedules: {a: &a {title: A, agent: x, cron: '@daily'}, b: {<<: *a, title: B}}\n",
    "merged policy": "x-p: &p {version: 1, protect: [A]}\n<<: *p\nschedules: {}\n",
    "merged schedules": BASE + "x-s: &s {a: {<<: *base, title: A}}\nversion: 1\nschedules: {<<: *s}\n",
    "defaults from an anchor": BASE + "version: 1\ndefaults: {agent: x}\nschedules: {a: {<<: *base, title: A}}\n",
    "a scalar": "x-t: &t Review\nversion: 1\nschedules: {a: {title: *t, agent: x, cron: '@daily'}}\n",
}
WRONG = {
    "another letter": "X-base: {}\nversion: 1\nschedules: {}\n",
    "no hyphen": "xbase: {}\nversion: 1\nschedules: {}\n",
    "not at the top": "version: 1\nschedules: {a: {title: A, agent: x, cron: '@daily', x-a: 1}}\n",
    "not in defaults": "version: 1\ndefaults: {x-a: 1}\nschedules: {}\n",
    "a wrong field": "x-b: &b {hour: 9}\nversion: 1\nschedules: {a: {<<: *b, title: A, agent: x, cron: '@daily'}}\n",
    "a quoted merge key": BASE + "version: 1\nschedules: {a: {'<<': *base, title: A}}\n",
}


def accepts(folder: Path, text: str) -> tuple[bool, bool, bool]:
    """Say whether the loader, the schema, and the other parser accept a file."""
    (folder / "halo.yaml").write_text(text)
    try:
        load(folder / "halo.yaml", variables={})
        is_loaded = True
    except ProjectError:
        is_loaded = False
    fast, pure = (parse_text(text, "f", pure=is_pure) for is_pure in (False, True))
    is_valid = Draft202012Validator(project_schema()).is_valid(YAML(typ="safe", pure=True).load(StringIO(text)))
    return is_loaded, is_valid, repr(fast.root) == repr(pure.root) and not fast.problems


@pytest.mark.parametrize("name", FINE)
def test_valid_uses_of_anchors_pass_halo_and_the_schema(tmp_path: Path, name: str) -> None:
    assert accepts(tmp_path, FINE[name]) == (True, True, True)


@pytest.mark.parametrize("name", WRONG)
def test_invalid_uses_of_anchors_fail_halo_and_the_schema(tmp_path: Path, name: str) -> None:
    assert accepts(tmp_path, WRONG[name]) == (False, False, True)


def test_an_included_file_may_have_them_as_well(tmp_path: Path) -> None:
    text = BASE + "schedules: {a: {<<: *base, title: A}}\n"
    (tmp_path / "halo.yaml").write_text("version: 1\ninclude: [a.yaml]\n")
    (tmp_path / "a.yaml").write_text(text)
    assert [each.title for each in load(tmp_path / "halo.yaml", variables={}).entries] == ["A"]
    assert Draft202012Validator(include_schema()).is_valid(YAML(typ="safe", pure=True).load(StringIO(text)))
