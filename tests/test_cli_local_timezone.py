"""The time zone that is sent to the platform: TZ, else the system's, else UTC."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from command_line import CommandLine
from loopback import result, serving

from halo_iac.cli.local_timezone import local_zone


@pytest.mark.parametrize(
    ("tz", "zone"),
    [
        ("Europe/Berlin", "Europe/Berlin"),
        (":Europe/Paris", "Europe/Paris"),
        ("Mars/Base", "UTC"),
        ("", "UTC"),
        ("UTC0", "UTC"),
        ("<+03>-3", "UTC"),
        ("../../etc/passwd", "UTC"),
        ("a\0b", "UTC"),
        ("Etc/UTC", "UTC"),
    ],
)
def test_tz_names_the_zone(tz: str, zone: str) -> None:
    assert local_zone(tz) == zone


@pytest.mark.skipif(os.name == "nt", reason="Windows has no link to a zone's file")
def test_without_tz_the_systems_link_names_it(tmp_path: Path) -> None:
    zone = tmp_path / "zoneinfo" / "America" / "New_York"
    zone.parent.mkdir(parents=True)
    zone.touch()
    (tmp_path / "localtime").symlink_to(zone)
    assert local_zone(None, tmp_path / "localtime") == "America/New_York"
    assert local_zone(None, zone.parent.parent / "none") == "UTC"
    (tmp_path / "copy").touch()
    assert local_zone(None, tmp_path / "copy") == "UTC"


def test_commands_tell_the_platform_their_zone(halo: CommandLine) -> None:
    with serving(lambda _: result([])) as platform:
        env = {"INF_API_URL": platform.url, "INF_API_KEY": "sk-inference-test", "INF_PROJECT_ID": "project-1"}
        assert halo("agent", "list", **env, TZ="Europe/Berlin").code == 0
    assert [request.headers["x-inference-caller-timezone"] for request in platform.requests] == ["Europe/Berlin"]
