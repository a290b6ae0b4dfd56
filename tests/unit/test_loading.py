"""Loading a user's file by its path: names, imports, and what is noticed when edited."""

import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from scheduler.runner import loading
from scheduler.runner.loading import LoadError, load_function, load_module
from scheduler.runner.sources import hash_source


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A scan path of its own, forgotten by the interpreter afterwards."""
    modules, paths, hooks = set(sys.modules), list(sys.path), list(sys.path_hooks)
    yield tmp_path
    for name in set(sys.modules) - modules:
        del sys.modules[name]
    sys.path[:], sys.path_hooks[:] = paths, hooks
    loading._roots.clear()
    loading._loaded.clear()


def write(folder: Path, path: str, source: str = "") -> Path:
    file = folder / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(textwrap.dedent(source))
    return file


def test_a_function_is_found_by_file_and_name(folder: Path) -> None:
    write(folder, "jobs.py", "def work(): return 7")
    assert load_function(str(folder), "jobs.py", "work")() == 7


def test_a_helper_beside_the_file_imports_by_name(folder: Path) -> None:
    write(folder, "beside_it.py", "VALUE = 3")
    write(folder, "jobs.py", "import beside_it\ndef work(): return beside_it.VALUE")
    assert load_function(str(folder), "jobs.py", "work")() == 3


def test_relative_imports_work_in_a_folder_without_init(folder: Path) -> None:
    write(folder, "reports/helper.py", "VALUE = 4")
    write(folder, "base.py", "ADD = 1")
    write(
        folder,
        "reports/daily.py",
        """
        from . import helper
        from ..base import ADD
        def send(): return helper.VALUE + ADD
        """,
    )
    assert load_function(str(folder), "reports/daily.py", "send")() == 5


def test_the_init_of_a_package_runs_before_its_files_and_once(folder: Path) -> None:
    write(folder, "pack/__init__.py", "COUNT = []\nCOUNT.append(1)")
    write(folder, "pack/a.py", "from . import COUNT")
    write(folder, "pack/b.py", "from .a import COUNT")
    load_module(str(folder), "pack/a.py")
    assert load_module(str(folder), "pack/b.py").COUNT == [1]
    assert load_module(str(folder), "pack/__init__.py").COUNT == [1]


def test_a_scan_path_may_be_a_package_itself(folder: Path) -> None:
    write(folder, "__init__.py", "NAME = 'whole'")
    write(folder, "jobs.py", "from . import NAME")
    assert load_module(str(folder), "jobs.py").NAME == "whole"


def test_a_file_imported_by_its_neighbour_is_the_same_module(folder: Path) -> None:
    write(folder, "a.py", "STATE = []")
    write(folder, "b.py", "from . import a\na.STATE.append(1)")
    load_module(str(folder), "b.py")
    assert load_module(str(folder), "a.py").STATE == [1]


def test_a_file_named_like_a_standard_module_shadows_nothing(folder: Path) -> None:
    write(folder, "email.py", "def work(): return 'mine'")
    write(folder, "jobs.py", "import email.message\ndef work(): return email.message.Message")
    assert load_function(str(folder), "email.py", "work")() == "mine"
    assert load_function(str(folder), "jobs.py", "work")() is not None
    assert sys.path[-1] == str(folder)


@pytest.mark.parametrize("path", ["my-job.py", "v1.2/my job.py", "2024.q1.py"])
def test_file_names_need_not_be_identifiers(folder: Path, path: str) -> None:
    write(folder, path, "def work(): return __file__")
    assert load_function(str(folder), path, "work")() == str(folder / path)


def test_a_module_wins_over_a_folder_of_the_same_name(folder: Path) -> None:
    write(folder, "twin/other.py")
    write(folder, "twin.py", "def work(): return 1")
    assert load_function(str(folder), "twin.py", "work")() == 1


def test_a_missing_file_is_named(folder: Path) -> None:
    with pytest.raises(LoadError, match=r"gone\.py does not exist"):
        load_module(str(folder), "gone.py")


def test_a_missing_function_is_named_with_its_file(folder: Path) -> None:
    write(folder, "jobs.py")
    with pytest.raises(LoadError, match=r"jobs\.py has no function 'work'"):
        load_function(str(folder), "jobs.py", "work")


def test_a_file_that_raises_leaves_no_half_module_behind(folder: Path) -> None:
    file = write(folder, "jobs.py", "raise SystemExit(3)")
    with pytest.raises(SystemExit):
        load_module(str(folder), "jobs.py")
    file.write_text("def work(): return 1")
    assert load_function(str(folder), "jobs.py", "work")() == 1


def test_dataclasses_find_their_module(folder: Path) -> None:
    write(
        folder,
        "jobs.py",
        """
        from __future__ import annotations
        import dataclasses, typing
        @dataclasses.dataclass
        class Order:
            id: int
        def work(): return typing.get_type_hints(Order)
        """,
    )
    assert load_function(str(folder), "jobs.py", "work")() == {"id": int}


def test_the_hash_is_that_of_the_bytes_that_were_loaded(folder: Path) -> None:
    file = write(folder, "jobs.py", "def work(): ...")
    load_module(str(folder), "jobs.py")
    assert loading.source_hash(str(file)) == hash_source(file.read_bytes())


@pytest.mark.parametrize("edited", ["jobs.py", "helper.py", "pack/__init__.py", "pack/deep.py"])
def test_an_edit_of_any_loaded_file_is_noticed(folder: Path, edited: str) -> None:
    write(folder, "helper.py")
    write(folder, "pack/__init__.py")
    write(folder, "pack/deep.py")
    write(folder, "jobs.py", "import helper\nfrom .pack import deep")
    load_module(str(folder), "jobs.py")
    assert loading.changed_file() is None
    (folder / edited).write_text("# edited")
    assert loading.changed_file() == str(folder / edited)


def test_a_deleted_helper_is_noticed(folder: Path) -> None:
    write(folder, "helper.py")
    write(folder, "jobs.py", "import helper")
    load_module(str(folder), "jobs.py")
    (folder / "helper.py").unlink()
    assert loading.changed_file() == str(folder / "helper.py")


def test_a_stale_bytecode_cache_is_never_run(folder: Path) -> None:
    file = write(folder, "helper.py", "VALUE = 1")
    times = (1_000_000_000, 1_000_000_000)
    os.utime(file, times)
    subprocess.run([sys.executable, "-m", "compileall", "-q", str(folder)], check=True)
    file.write_text("VALUE = 2")
    os.utime(file, times)  # same second, same size: Python's own loader would trust the cache
    write(folder, "jobs.py", "import helper\ndef work(): return helper.VALUE")
    assert load_function(str(folder), "jobs.py", "work")() == 2


def test_nothing_is_written_beside_the_users_files(folder: Path) -> None:
    write(folder, "helper.py")
    write(folder, "pack/deep.py", "import helper")
    load_module(str(folder), "pack/deep.py")
    assert not list(folder.rglob("*.pyc"))


def test_a_virtualenv_inside_the_scan_path_is_not_watched(folder: Path) -> None:
    site = folder / ".venv" / "lib" / "site-packages"
    write(site, "vendored.py", "VALUE = 9")
    write(folder, "jobs.py", f"import sys\nsys.path.append({str(site)!r})\nimport vendored")
    load_module(str(folder), "jobs.py")
    (site / "vendored.py").write_text("VALUE = 10")
    assert loading.changed_file() is None
