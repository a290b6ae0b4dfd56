"""Inspecting one file: which functions it has, under which names, and what its errors say."""

import json
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from scheduler.runner import loading
from scheduler.runner.inspection import FileReport, inspect_file
from scheduler.runner.sources import hash_source

SCHEDULED = "from datetime import timedelta\nfrom scheduler import schedule\n"


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


def inspect(folder: Path, path: str, source: str) -> FileReport:
    file = folder / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(SCHEDULED + textwrap.dedent(source))
    return inspect_file(str(folder), path)


def names(report: FileReport) -> list[str]:
    assert report.error is None, report.error
    return [function.name for function in report.functions]


JOB = """
    @schedule(timedelta(minutes=5))
    def job():
        '''Does it.

        And more.
        '''
"""


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("orders.py", "orders.job"),
        ("reports/daily.py", "reports.daily.job"),
        ("reports/__init__.py", "reports.job"),
        ("__init__.py", "job"),
        ("a b.py", "a b.job"),
    ],
)
def test_the_name_is_the_path_and_the_function(folder: Path, path: str, name: str) -> None:
    assert names(inspect(folder, path, JOB)) == [name]


def test_name_overrides_the_whole_dotted_name(folder: Path) -> None:
    source = "@schedule(timedelta(minutes=5), name='mine')\ndef job(): pass"
    assert names(inspect(folder, "a/b.py", source)) == ["mine"]


def test_what_is_needed_to_load_and_show_a_function_is_reported(folder: Path) -> None:
    (found,) = inspect(folder, "orders.py", JOB).functions
    assert (found.qualname, found.line, found.description) == ("job", 4, "Does it.")
    assert found.source_hash == hash_source((folder / "orders.py").read_bytes())
    assert found.spec.interval_seconds == 300


def test_functions_come_in_the_order_of_the_file(folder: Path) -> None:
    source = "".join(f"@schedule(timedelta(minutes=1))\ndef {name}(): pass\n" for name in "zab")
    assert names(inspect(folder, "x.py", source)) == ["x.z", "x.a", "x.b"]


def test_a_function_with_two_names_is_found_once_under_its_own(folder: Path) -> None:
    assert names(inspect(folder, "x.py", f"{textwrap.dedent(JOB)}\nalias = job\n")) == ["x.job"]


def test_a_wrapped_copy_beside_the_original_is_the_same_function(folder: Path) -> None:
    source = f"""{textwrap.dedent(JOB)}
import functools

@functools.wraps(job)
def copy():
    return job()
"""
    assert names(inspect(folder, "x.py", source)) == ["x.job"]


def test_a_mark_copied_from_another_files_function_is_that_files(folder: Path) -> None:
    inspect(folder, "a.py", JOB)
    source = """
        import functools
        from a import job
        @functools.wraps(job)
        def copy(): pass
    """
    assert names(inspect(folder, "b.py", source)) == []


def test_a_schedule_lost_in_a_careless_decorator_is_an_error(folder: Path) -> None:
    source = f"def careless(f): return lambda: f()\n@careless{textwrap.dedent(JOB)}"
    error = inspect(folder, "x.py", source).error
    assert error is not None
    assert "the schedule of job is lost" in error.message


def test_a_function_that_another_of_its_name_replaces_is_an_error(folder: Path) -> None:
    report = inspect(folder, "x.py", textwrap.dedent(JOB) * 2)
    assert [function.name for function in report.functions] == ["x.job"]
    assert report.error is not None
    assert "job is defined again further down" in report.error.message


def test_a_misspelt_argument_gets_a_remedy(folder: Path) -> None:
    error = inspect(folder, "x.py", "@schedule(timedelta(1), retrys=3)\ndef job(): pass\n").error
    assert error is not None
    assert "did you mean 'retries'?" in error.message.lower()  # CPython says so itself since 3.13


def test_functions_inside_functions_are_found_only_where_they_are_bound(folder: Path) -> None:
    source = """
        def make():
            @schedule(timedelta(minutes=1))
            def inner(): pass
            return inner
        made = make()
        unused = [make()]
    """
    assert names(inspect(folder, "x.py", source)) == ["x.made"]


def test_an_error_keeps_only_the_users_frames_and_names_the_line(folder: Path) -> None:
    report = inspect(folder, "pkg/x.py", "def f():\n    raise ValueError('no')\nf()\n")
    error = report.error
    assert error is not None
    assert not report.is_imported
    assert (error.error_type, error.message, error.line) == ("ValueError", "no", 4)
    assert error.path == f"{folder}/pkg/x.py"
    assert error.traceback.count("File ") == 2
    assert "importlib" not in error.traceback


def test_an_error_in_a_helper_names_the_line_of_the_import(folder: Path) -> None:
    (folder / "helper.py").write_text("1 / 0")
    error = inspect(folder, "x.py", "import helper").error
    assert error is not None
    assert (error.error_type, error.line) == ("ZeroDivisionError", 3)
    assert "helper.py" in error.traceback


def test_the_private_package_of_a_scan_path_never_shows(folder: Path) -> None:
    source = "class Odd(Exception): pass\nfrom . import nothing\nraise Odd"
    error = inspect(folder, "x.py", source).error
    assert error is not None
    assert loading.PACKAGE_PREFIX not in error.message + error.traceback + error.error_type


@pytest.mark.parametrize(
    ("source", "remedy"),
    [
        ("import no_such_thing", "install it into the scheduler's environment"),
        ("import sys; sys.exit('done')", "if __name__ == '__main__'"),
        ("@schedule(timedelta(0))\ndef f(): pass", "interval"),
    ],
)
def test_a_message_names_the_remedy_in_one_line(folder: Path, source: str, remedy: str) -> None:
    error = inspect(folder, "x.py", source).error
    assert error is not None
    assert remedy in error.message
    assert "\n" not in error.message


def test_texts_are_free_of_what_a_database_cannot_take(folder: Path) -> None:
    error = inspect(folder, "x.py", r"raise ValueError('\0 \udc80' + 'x' * 9999)").error
    assert error is not None
    error.message.encode()
    error.traceback.encode()
    assert "\0" not in error.message + error.traceback
    assert len(error.message) <= 500


def test_a_report_survives_the_pipe(folder: Path) -> None:
    for source in (JOB, "1 / 0"):
        report = inspect(folder, f"x{len(source)}.py", source)
        assert FileReport.from_dict(json.loads(json.dumps(report.to_dict()))) == report
