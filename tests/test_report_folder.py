"""A folder of pulled reports: where each goes, what stays, and an index that says what is there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from command_line import tree
from hypothesis import given
from hypothesis import strategies as st
from project_files import write_files

from halo_iac.errors import FileError
from halo_iac.model.runs import Conversation, ConversationDetails, Report
from halo_iac.render.report_index import INDEX_MARKER
from halo_iac.render.report_names import folder_names
from halo_iac.storage.report_folder import ReportFolder


def report(id_: str = "c-1", created: str = "2026-11-23T09:00:00.000Z") -> Report:
    head = Conversation({"id": id_, "title": "T", "createdAt": created})
    return Report("# Found\n", ConversationDetails({}, head, (), ()))


def open_folder(path: Path, *, is_flat: bool = False) -> ReportFolder:
    folder = ReportFolder(path / "reports", path, lambda text: text.replace("secret", "***"), is_flat=is_flat)
    folder.open()
    return folder


def write_reports(path: Path, *reports: tuple[str, Report]) -> list[str]:
    """Write reports and the indexes; return the paths of the reports."""
    folder = open_folder(path)
    paths = [folder.write(each, key)[0] for key, each in reports]
    folder.write_indexes()
    return [str(each.relative_to(path)) for each in paths]


# Names of folders ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("checkout-daily", "checkout-daily"),
        ("a_b", "a_b"),
        ("Daily", "daily-"),
        ("a--b", "a-b-"),
        ("a-", "a-"),
        ("con", "con-"),
        ("LPT1", "lpt1-"),
        ("../../etc", "etc-"),
        ("Ünï \x1b[2J/…", "uni-2j-"),
        ("日本", "report-"),
        ("", "report-"),
        ("a" * 65, "a" * 64 + "-"),
    ],
)
def test_a_schedule_has_a_folder_that_every_system_can_have(label: str, name: str) -> None:
    found = folder_names(report(), label)[0]
    assert found.startswith(name)
    assert found == name or (name.endswith("-") and len(found) == len(name) + 8)


@given(st.text(max_size=20), st.text(max_size=20))
def test_no_two_labels_share_a_folder_where_case_does_not_count(one: str, other: str) -> None:
    names = {folder_names(report(), label)[0].casefold() for label in (one, other)}
    assert len(names) == len({one, other})


def test_two_keys_that_differ_in_case_alone_have_folders_of_their_own(tmp_path: Path) -> None:
    paths = write_reports(tmp_path, ("daily", report("c-1")), ("Daily", report("c-2")))
    assert len({Path(each).parts[1].lower() for each in paths}) == 2


def test_a_month_is_that_of_the_start_in_utc(tmp_path: Path) -> None:
    reports = [("d", report("c-1")), ("d", report("c-2", "2026-12-01T00:00:00.000Z")), ("d", report("c-3", "../soon"))]
    assert write_reports(tmp_path, *reports) == [
        "reports/d/2026-11/2026-11-23T0900Z--d--c-1.md",
        "reports/d/2026-12/2026-12-01T0000Z--d--c-2.md",
        "reports/d/undated/undated--d--c-3.md",
    ]


def test_no_name_and_no_text_holds_a_key(tmp_path: Path) -> None:
    write_reports(tmp_path, ("my-secret", report()))
    found = tree(tmp_path)
    assert not [name for name in found if "secret" in name]
    assert not [name for name, text in found.items() if b"secret" in text]


# What is there -------------------------------------------------------------------------------------------------------


def test_existing_reports_are_found_flat_moved_or_renamed_and_kept(tmp_path: Path) -> None:
    names = ("2026-11-23T0900Z--d--c-1.md", "d/read--c-2.md", "d/2026-11/mine/x--c-3.md", ".git/x--c-4.md")
    write_files(tmp_path / "reports", dict.fromkeys(names, "mine"))
    folder = open_folder(tmp_path)
    assert [folder.find(f"c-{number}") is not None for number in range(1, 5)] == [True, True, True, False]
    assert [path.read_text() for path in (tmp_path / "reports").rglob("*--c-*.md")] == ["mine"] * 4


def test_a_report_that_another_pull_has_written_meanwhile_stays(tmp_path: Path) -> None:
    one, other = open_folder(tmp_path), open_folder(tmp_path)
    path, is_new = one.write(report(), "d")
    path.write_text("edited")
    assert (is_new, other.write(report(), "d"), path.read_text()) == (True, (path, False), "edited")


def test_flat_reports_lie_side_by_side_without_an_index(tmp_path: Path) -> None:
    folder = open_folder(tmp_path, is_flat=True)
    folder.write(report(), "d")
    assert (folder.write_indexes(), list(tree(tmp_path))) == ((), ["reports/2026-11-23T0900Z--d--c-1.md"])


@pytest.mark.skipif(os.name == "nt", reason="needs links")
@pytest.mark.parametrize("link", ["reports/d", "reports/d/2026-11"])
def test_nothing_is_written_where_a_link_of_a_branch_leads(tmp_path: Path, link: str) -> None:
    inside, outside = tmp_path / "checkout", tmp_path / "outside"
    for path in (outside, inside / ".git", (inside / link).parent):
        path.mkdir(parents=True)
    (inside / link).symlink_to(outside)
    folder = open_folder(inside)
    with pytest.raises(FileError, match="a link leads out of"):
        folder.write(report(), "d")
    assert list(outside.iterdir()) == []


def test_a_file_where_a_folder_has_to_be_is_an_error(tmp_path: Path) -> None:
    folder = open_folder(tmp_path)
    (tmp_path / "reports" / "d").write_text("mine")
    with pytest.raises(FileError, match=r"reports/d: a file is in the place of a folder"):
        folder.write(report(), "d")


# The index -----------------------------------------------------------------------------------------------------------


def test_every_folder_has_an_index_of_its_reports_newest_first(tmp_path: Path) -> None:
    days = [("d", report(f"c-{day}", f"2026-11-{day}T09:00:00.000Z")) for day in (21, 23, 22)]
    write_reports(tmp_path, *days, ("w", report("c-1", "2026-12-07T09:00:00.000Z")))
    texts = {name: text.decode() for name, text in tree(tmp_path / "reports").items() if name.endswith("index.md")}
    assert sorted(texts) == ["d/2026-11/index.md", "d/index.md", "index.md", "w/2026-12/index.md", "w/index.md"]
    assert texts["index.md"] == INDEX_MARKER + (
        "# `Reports`\n\n4 reports.\n\n"
        "| folder | reports | latest |\n| --- | ---: | --- |\n"
        "| [`d`](d/index.md) | 3 | [`d, 2026-11-23 09:00 UTC`](d/2026-11/2026-11-23T0900Z--d--c-23.md) |\n"
        "| [`w`](w/index.md) | 1 | [`w, 2026-12-07 09:00 UTC`](w/2026-12/2026-12-07T0900Z--w--c-1.md) |\n"
    )
    assert [line.split("T0900Z")[0][-10:] for line in texts["d/2026-11/index.md"].splitlines()[7:]] == [
        f"2026-11-{day}" for day in (23, 22, 21)
    ]


def test_the_latest_month_comes_first(tmp_path: Path) -> None:
    write_reports(tmp_path, ("d", report("c-1")), ("d", report("c-2", "2026-12-01T09:00:00.000Z")))
    text = (tmp_path / "reports" / "d" / "index.md").read_text()
    assert text.index("2026-12") < text.index("2026-11")


def test_an_index_changes_only_with_the_reports(tmp_path: Path) -> None:
    (path,) = write_reports(tmp_path, ("d", report()))
    index = tmp_path / "reports" / "d" / "2026-11" / "index.md"
    before = index.stat()
    (tmp_path / path).write_text("edited")
    write_reports(tmp_path, ("d", report()))
    assert index.stat() == before
    (tmp_path / path).unlink()
    assert open_folder(tmp_path).write_indexes() == []
    assert "0 reports." in index.read_text()


def test_a_foreign_index_is_kept_and_reported(tmp_path: Path) -> None:
    write_reports(tmp_path, ("d", report()))
    index = tmp_path / "reports" / "d" / "index.md"
    index.write_text("# Ours\n")
    link = tmp_path / "reports" / "index.md"
    link.unlink()
    link.symlink_to(tmp_path / "elsewhere.md")
    assert set(open_folder(tmp_path).write_indexes()) == {index, link}
    assert (index.read_text(), (tmp_path / "elsewhere.md").exists()) == ("# Ours\n", False)


def test_a_name_cannot_break_out_of_its_cell(tmp_path: Path) -> None:
    write_reports(tmp_path, ("d", report()))
    if os.name == "posix":
        (tmp_path / "reports" / "d" / os.fsdecode(b"\xff--c-8.md")).write_text("")
    (tmp_path / "reports" / "d" / "a|b](javascript:x) <img> @you--c-9.md").write_text("")
    open_folder(tmp_path).write_indexes()
    (row,) = [line for line in (tmp_path / "reports" / "d" / "index.md").read_text().splitlines() if "img" in line]
    assert row.count("|") == 3
    assert "<img" not in row
    assert "(a%7Cb%5D%28javascript%3Ax%29%20%3Cimg%3E%20%40you--c-9.md)" in row
