"""Duplicate names: the first file by path owns a name."""

from scheduler.decorators import ScheduleSpec
from scheduler.runner.inspection import FileReport, FoundFunction
from scheduler.scanner.findings import Claims, settle


def report(file: str, *names: str) -> FileReport:
    return FileReport(
        scan_path="/s",
        module_path=file,
        functions=tuple(
            FoundFunction(
                name=name,
                scan_path="/s",
                module_path=file,
                qualname=name,
                line=line,
                description="",
                source_hash="",
                spec=ScheduleSpec(interval_seconds=60),
            )
            for line, name in enumerate(names, start=1)
        ),
    )


def test_a_duplicate_name_is_an_error_of_the_second_file_by_path() -> None:
    first, second = settle([report("a.py", "x"), report("b.py", "x", "y")])
    assert [found.name for found in first.functions] == ["x"]
    assert [found.name for found in second.functions] == ["y"]
    assert first.error is None
    assert second.error is not None
    assert "x is already the name of the function in /s/a.py, line 1" in second.error.message


def test_a_name_given_twice_in_one_file_is_an_error_of_the_second_function() -> None:
    (settled,) = settle([report("a.py", "x", "x")])
    assert [found.line for found in settled.functions] == [1]
    assert settled.error is not None
    assert settled.error.line == 2


def test_a_file_has_one_error_that_names_all_its_duplicates() -> None:
    _, second = settle([report("a.py", "x", "y"), report("b.py", "x", "y")])
    assert second.error is not None
    assert "x is already" in second.error.message
    assert "y is already" in second.error.message


def test_a_name_is_announced_for_the_file_that_held_it_before() -> None:
    claims = Claims()
    claims.restart(report("b.py", "x").functions, {"/s/b.py"})
    assert claims.uncontested(report("a.py", "x", "y")).functions[0].name == "y"
    assert claims.uncontested(report("b.py", "x")).functions[0].name == "x"


def test_a_name_is_free_again_when_the_file_that_held_it_has_gone() -> None:
    claims = Claims()
    claims.restart(report("b.py", "x").functions, {"/s/a.py"})
    assert claims.uncontested(report("a.py", "x")).functions[0].name == "x"


def test_a_name_is_announced_once_in_a_scan() -> None:
    claims = Claims()
    claims.restart((), ())
    assert claims.uncontested(report("a.py", "x")).functions
    assert not claims.uncontested(report("b.py", "x")).functions
