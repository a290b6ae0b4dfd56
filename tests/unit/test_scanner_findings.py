"""Duplicate names: who had a name keeps it, else the first file by path has it."""

from collections.abc import Collection
from typing import NoReturn

from scheduler.decorators import ScheduleSpec
from scheduler.runner.inspection import FileReport, FoundFunction
from scheduler.scanner.findings import Claims, NothingKnown, find_incumbents, settle
from tests.unit.known_names import Names


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


def test_a_newcomer_does_not_take_the_name_of_a_known_function() -> None:
    reports = [report("a.py", "x", "y"), report("b.py", "w", "x")]
    incumbents = find_incumbents(reports, Names(x="/s/b.py"))
    assert incumbents == {"x": ("/s/b.py", 2)}
    first, second = settle(reports, incumbents)
    assert [found.name for found in first.functions] == ["y"]
    assert [found.name for found in second.functions] == ["w", "x"]
    assert first.error is not None
    assert "x is already the name of the function in /s/b.py, line 2" in first.error.message
    assert second.error is None


def test_a_name_is_free_when_its_file_does_not_want_it_any_more() -> None:
    reports = [report("a.py", "x"), report("b.py", "x"), report("c.py")]
    assert find_incumbents(reports, Names(x="/s/c.py")) == {}


class Unasked(NothingKnown):
    def fetch_paths(self, _names: Collection[str]) -> NoReturn:
        raise AssertionError


def test_nobody_is_asked_when_no_name_is_wanted_twice() -> None:
    assert find_incumbents([report("a.py", "x", "x"), report("b.py", "y")], Unasked()) == {}


def test_the_first_scan_announces_no_name_that_another_file_is_known_to_have() -> None:
    claims = Claims(Names(x="/s/b.py"))
    claims.restart(None, {"/s/a.py", "/s/b.py"})
    assert not claims.uncontested(report("a.py", "x")).functions
    assert claims.uncontested(report("b.py", "x")).functions
    claims.restart(None, {"/s/a.py"})
    assert claims.uncontested(report("a.py", "x")).functions


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
    claims = Claims(NothingKnown())
    claims.restart([("x", "/s/b.py")], {"/s/b.py"})
    assert claims.uncontested(report("a.py", "x", "y")).functions[0].name == "y"
    assert claims.uncontested(report("b.py", "x")).functions[0].name == "x"


def test_a_name_is_free_again_when_the_file_that_held_it_has_gone() -> None:
    claims = Claims(NothingKnown())
    claims.restart([("x", "/s/b.py")], {"/s/a.py"})
    assert claims.uncontested(report("a.py", "x")).functions[0].name == "x"


def test_a_name_is_announced_once_in_a_scan() -> None:
    claims = Claims(NothingKnown())
    claims.restart((), ())
    assert claims.uncontested(report("a.py", "x")).functions
    assert not claims.uncontested(report("b.py", "x")).functions
