"""The walk: which files are seen, to which scan path they belong, and what is reported."""

import os
import socket
from pathlib import Path

import pytest

from scheduler.scanner.walk import Walk, walk


def make(folder: Path, *paths: str, text: str = "") -> None:
    for path in paths:
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)


def seen(*scan_paths: Path) -> list[str]:
    return [state.module_path for state in walk(scan_paths).files.values()]


def only_error(found: Walk) -> tuple[str, str]:
    (error,) = found.errors
    return error.path, error.message


def test_python_files_are_seen_in_all_folders_and_nothing_else(tmp_path: Path) -> None:
    make(tmp_path, "b.py", "a/x.py", "a/deep/y.py", "notes.txt", "a/data.pyc")
    assert sorted(seen(tmp_path)) == ["a/deep/y.py", "a/x.py", "b.py"]


def test_hidden_files_and_folders_caches_and_environments_are_left_out(tmp_path: Path) -> None:
    make(tmp_path, ".git/x.py", ".draft.py", "__pycache__/x.py", "venv/pyvenv.cfg", "venv/lib/x.py")
    make(tmp_path, "conda/conda-meta/history", "conda/lib/x.py", "ok.py")
    assert seen(tmp_path) == ["ok.py"]


def test_a_file_is_another_one_when_size_or_time_or_inode_differ(tmp_path: Path) -> None:
    make(tmp_path, "a.py")
    path = tmp_path / "a.py"
    os.utime(path, ns=(0, 1_000))
    first = walk([tmp_path])
    assert walk([tmp_path]) == first
    os.utime(path, ns=(0, 1_001))
    assert walk([tmp_path]) != first
    os.utime(path, ns=(0, 1_000))
    assert walk([tmp_path]) == first
    replacement = tmp_path / "new"
    replacement.write_text("")
    os.utime(replacement, ns=(0, 1_000))
    replacement.replace(path)
    assert walk([tmp_path]) != first


def test_a_loop_of_links_ends(tmp_path: Path) -> None:
    make(tmp_path, "a/x.py")
    (tmp_path / "a/again").symlink_to(tmp_path)
    assert seen(tmp_path) == ["a/x.py"]


def test_a_link_to_itself_leads_nowhere(tmp_path: Path) -> None:
    make(tmp_path, "x.py")
    (tmp_path / "self").symlink_to("self")
    assert "leads nowhere" in only_error(walk([tmp_path]))[1]
    assert seen(tmp_path) == ["x.py"]


def test_a_link_is_followed_only_to_what_is_not_found_otherwise(tmp_path: Path) -> None:
    make(tmp_path, "paths/z/x.py", "paths/y.py", "elsewhere/far.py", "other.py")
    paths = tmp_path / "paths"
    (paths / "a").symlink_to(paths / "z")
    (paths / "a.py").symlink_to(paths / "y.py")
    (paths / "far").symlink_to(tmp_path / "elsewhere")
    (paths / "other.py").symlink_to(tmp_path / "other.py")
    assert sorted(seen(paths)) == ["far/far.py", "other.py", "y.py", "z/x.py"]


@pytest.mark.parametrize("inner_first", [True, False])
def test_a_file_belongs_to_the_nearest_scan_path_above_it(
    tmp_path: Path, inner_first: bool
) -> None:
    make(tmp_path, "x.py", "inner/y.py")
    scan_paths = sorted([tmp_path, tmp_path / "inner"], reverse=inner_first)
    found = {(state.scan_path, state.module_path) for state in walk(scan_paths).files.values()}
    assert found == {(str(tmp_path), "x.py"), (f"{tmp_path}/inner", "y.py")}


def test_a_scan_path_named_twice_is_walked_once(tmp_path: Path) -> None:
    make(tmp_path, "paths/x.py")
    (tmp_path / "link").symlink_to(tmp_path / "paths")
    assert seen(tmp_path / "paths", tmp_path / "paths", tmp_path / "link") == ["x.py"]


def test_a_missing_scan_path_is_an_error_with_a_remedy_and_unreachable(tmp_path: Path) -> None:
    found = walk([tmp_path / "no"])
    path, message = only_error(found)
    assert path == str(tmp_path / "no")
    assert "create the folder or correct scan_paths" in message
    assert found.unreachable_paths == {str(tmp_path / "no")}


def test_a_scan_path_that_is_a_file_is_an_error_and_unreachable(tmp_path: Path) -> None:
    make(tmp_path, "x.py")
    found = walk([tmp_path / "x.py"])
    assert "is a file: name the folder" in only_error(found)[1]
    assert found.unreachable_paths == {str(tmp_path / "x.py")}


def test_a_scan_path_that_is_a_virtual_environment_is_an_error(tmp_path: Path) -> None:
    make(tmp_path, "pyvenv.cfg", "x.py")
    found = walk([tmp_path])
    assert "virtual environment" in only_error(found)[1]
    assert not found.files


def test_a_folder_that_cannot_be_listed_makes_its_scan_path_unreachable(tmp_path: Path) -> None:
    make(tmp_path, "x.py")
    make_deep(tmp_path, levels=20)  # a path too long to be opened, by root either
    found = walk([tmp_path])
    assert "it cannot be read" in only_error(found)[1]
    assert found.unreachable_paths == {str(tmp_path)}
    assert [state.module_path for state in found.files.values()] == ["x.py"]


def make_deep(folder: Path, *, levels: int) -> None:
    fd = os.open(folder, os.O_RDONLY)
    for _ in range(levels):
        os.mkdir("d" * 250, dir_fd=fd)
        below = os.open("d" * 250, os.O_RDONLY, dir_fd=fd)
        os.close(fd)
        fd = below
    os.close(fd)


def test_a_link_that_leads_nowhere_is_an_error_and_keeps_its_functions(tmp_path: Path) -> None:
    (tmp_path / "x.py").symlink_to(tmp_path / "unmounted")
    found = walk([tmp_path])
    assert "leads nowhere" in only_error(found)[1]
    assert found.blocked_files == {(str(tmp_path), "x.py")}


def test_a_link_to_a_folder_that_is_away_makes_its_scan_path_unreachable(tmp_path: Path) -> None:
    (tmp_path / "jobs").symlink_to(tmp_path / "unmounted")
    found = walk([tmp_path])
    assert "leads nowhere" in only_error(found)[1]
    assert found.unreachable_paths == {str(tmp_path)}


def test_links_to_things_that_are_not_python_are_nobodys_business(tmp_path: Path) -> None:
    (tmp_path / "data.csv").symlink_to(tmp_path / "nowhere")
    (tmp_path / "null").symlink_to("/dev/null")
    (tmp_path / "paths").mkdir()
    assert walk([tmp_path]) == Walk()


def test_something_that_is_no_regular_file_is_reported_and_never_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.py")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "s.py"))
        found = walk([tmp_path])
    assert not found.files
    assert [error.error_type for error in found.errors] == ["FileTypeError", "FileTypeError"]


@pytest.mark.parametrize("name", ["a b.py", "größe.py", "日本.py", "a.b.py", "-x.py"])
def test_unusual_names_are_fine(tmp_path: Path, name: str) -> None:
    make(tmp_path, name)
    assert seen(tmp_path) == [name]


@pytest.mark.parametrize("name", [b"new\nline.py", b"esc\x1b[2J.py", b"latin\xe9.py"])
def test_names_that_cannot_be_printed_are_reported_in_printable_form(
    tmp_path: Path, name: bytes
) -> None:
    Path(os.fsdecode(bytes(tmp_path) + b"/" + name)).touch()
    found = walk([tmp_path])
    path, message = only_error(found)
    assert "rename it" in message
    assert path.isprintable()
    assert not found.files


def test_what_schedulerignore_names_is_left_out_below_its_folder(tmp_path: Path) -> None:
    make(tmp_path, "old_a.py", "sub/old_b.py", "sub/lib/x.py", "lib/y.py", "sub/keep.py", "z/k.py")
    make(tmp_path, ".schedulerignore", text="# comment\n\nold_*\n/lib\n")
    make(tmp_path, "z/.schedulerignore", text="*.py\n")
    assert sorted(seen(tmp_path)) == ["sub/keep.py", "sub/lib/x.py"]


def test_an_ignore_pattern_that_is_not_understood_is_reported(tmp_path: Path) -> None:
    make(tmp_path, ".schedulerignore", text="a.py\n!b.py\n")
    make(tmp_path, "a.py", "b.py")
    found = walk([tmp_path])
    assert "'!b.py' is not understood" in only_error(found)[1]
    assert found.errors[0].line == 2
    assert seen(tmp_path) == ["b.py"]
