"""A SQLite file is watched by its identity; what a lost one leaves behind is not used again."""

import os
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest

from scheduler.sqlite_file import SqliteFile, is_out_of_reach, sqlite_address

NOBODY = 65534


@pytest.fixture
def file(tmp_path: Path) -> SqliteFile:
    """Return a file with its log and index, remembered as it stands."""
    file = SqliteFile(tmp_path / "data" / "some.db")
    file.create()
    for path in family(file):
        path.write_text("content")
    file.remember()
    return file


def family(file: SqliteFile) -> list[Path]:
    """Return the paths of the file, its log and its index."""
    return [file.path, *(Path(f"{file.path}{side}") for side in ("-wal", "-shm"))]


def replace(path: Path, text: str = "another") -> None:
    new = path.with_name("new")
    new.write_text(text)
    new.replace(path)


def test_a_new_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    SqliteFile(tmp_path / "some.db").create()

    assert stat.S_IMODE((tmp_path / "some.db").stat().st_mode) == 0o600


def test_a_new_file_is_not_made_beside_the_log_of_a_deleted_one(file: SqliteFile) -> None:
    file.path.unlink()

    file.create()

    assert [path.exists() for path in family(file)] == [True, False, False]


def test_a_file_that_exists_is_left_as_it_is(file: SqliteFile) -> None:
    file.create()

    assert [path.read_text() for path in family(file)] == ["content"] * 3


def test_nothing_was_replaced_where_nothing_changed(file: SqliteFile) -> None:
    file.path.write_text("changed content")

    assert not file.was_replaced()


@pytest.mark.parametrize("number", range(3))
def test_a_file_of_the_family_that_was_deleted_or_replaced_is_noticed(
    file: SqliteFile, number: int
) -> None:
    replace(family(file)[number])
    assert file.was_replaced()

    family(file)[number].unlink()
    assert file.was_replaced()


def test_a_log_that_came_later_belongs_to_the_file_from_then_on(tmp_path: Path) -> None:
    file = SqliteFile(tmp_path / "some.db")
    file.create()
    file.remember()
    log = family(file)[1]
    log.write_text("log")

    assert not file.was_replaced()
    replace(log)
    assert file.was_replaced()


def test_an_emptied_file_counts_as_lost_but_an_empty_one_does_not(tmp_path: Path) -> None:
    file = SqliteFile(tmp_path / "some.db")
    file.create()
    file.remember()
    assert not file.was_replaced()

    file.path.write_text("content")
    assert not file.was_replaced()
    file.path.write_text("")
    assert file.was_replaced()


def test_what_was_emptied_goes_with_its_log_and_index(file: SqliteFile) -> None:
    file.path.write_text("")

    file.forget()

    assert not any(path.exists() for path in family(file))
    assert not file.is_watched


def test_a_restored_backup_stays_and_the_log_of_its_predecessor_goes(file: SqliteFile) -> None:
    replace(file.path, "backup")

    file.forget()

    assert file.path.read_text() == "backup"
    assert [path.exists() for path in family(file)] == [True, False, False]


def test_the_log_that_another_process_made_for_the_new_file_stays(file: SqliteFile) -> None:
    for path in family(file):
        replace(path, "new")

    file.forget()

    assert [path.read_text() for path in family(file)] == ["new"] * 3


def test_a_file_with_data_is_never_removed_by_forgetting_it(file: SqliteFile) -> None:
    file.forget()

    assert [path.read_text() for path in family(file)] == ["content"] * 3


def test_what_is_set_aside_keeps_its_content_and_that_of_what_was_set_aside_before(
    file: SqliteFile,
) -> None:
    file.path.write_text("notes")
    first = file.set_aside()
    file.path.write_text("more notes")
    file.remember()
    second = file.set_aside()

    aside = [Path(path).read_text() for path in (first, second) if path is not None]
    assert aside == ["notes", "more notes"]
    assert not any(path.exists() for path in family(file))


def test_what_another_process_has_made_in_the_meantime_is_not_set_aside(file: SqliteFile) -> None:
    replace(file.path, "a new queue")

    assert file.set_aside() is None
    assert file.path.read_text() == "a new queue"


def test_a_file_in_a_folder_that_is_closed_to_this_user_is_out_of_reach(tmp_path: Path) -> None:
    folder = tmp_path / "closed"
    folder.mkdir()
    (folder / "s.db").touch()
    assert not is_out_of_reach(folder / "s.db")
    assert not is_out_of_reach(folder / "none.db")

    folder.chmod(0)
    is_root = os.geteuid() == 0
    if is_root:
        os.seteuid(NOBODY)
    try:
        assert is_out_of_reach(folder / "s.db")
        assert not os.path.exists(folder / "s.db")
    finally:
        if is_root:
            os.seteuid(0)
        folder.chmod(0o700)


def test_a_path_need_not_be_utf_8(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"caf\xe9?#%.db")
    path.touch()
    with closing(sqlite3.connect(sqlite_address(path, "rw"), uri=True)) as connection:
        connection.execute("CREATE TABLE t (x)")
    assert path.stat().st_size
