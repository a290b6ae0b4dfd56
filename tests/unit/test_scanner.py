"""The scanner without processes: what is imported when, and what a report says."""

import os
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any, NoReturn

import pytest

from scheduler.decorators import ScheduleSpec
from scheduler.runner.complaint import complain
from scheduler.runner.inspection import FileReport, FoundFunction
from scheduler.scanner import RETRY_FAILED_SECONDS, FileState, Scanner
from scheduler.testing import SettableClock
from tests.unit.known_names import Names


class FakeImporter:
    """Reads the names of functions from the file's words; `!` in a file means it cannot import."""

    def __init__(self) -> None:
        self.imported: list[str] = []

    def import_files(self, files: Sequence[FileState]) -> Generator[FileReport, None, None]:
        self.imported = [file.module_path for file in files]
        for file in files:
            yield self._report(file)

    def _report(self, file: FileState) -> FileReport:
        try:
            words = Path(file.path).read_text().split()
        except FileNotFoundError:
            words = ["!"]
        if "!" in words:
            error = complain(file.path, "ValueError", "no")
            return FileReport(
                scan_path=file.scan_path,
                module_path=file.module_path,
                error=error,
                is_imported=False,
            )
        functions = tuple(
            FoundFunction(
                name=name,
                scan_path=file.scan_path,
                module_path=file.module_path,
                qualname=name,
                line=1,
                description="",
                source_hash="",
                spec=ScheduleSpec(interval_seconds=60),
            )
            for name in words
        )
        return FileReport(
            scan_path=file.scan_path, module_path=file.module_path, functions=functions
        )


class Bench:
    """Two scan paths, a scanner, its importer and its clock."""

    def __init__(self, folder: Path) -> None:
        self.one, self.two = folder / "one", folder / "two"
        self.one.mkdir()
        self.two.mkdir()
        self.importer = FakeImporter()
        self.names = Names()
        self.clock = SettableClock(1_000.0, monotonic=5_000.0)
        self.scanner = Scanner(
            [self.one, self.two],
            import_timeout_seconds=1,
            clock=self.clock,
            importer=self.importer,
            known=self.names,
        )

    def write(self, folder: Path, name: str, words: str) -> None:
        """Write a file and give it a size nobody had before, so that no clock decides."""
        self._writes = getattr(self, "_writes", 0) + 1
        (folder / name).write_text(words + " " * 100 * self._writes)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_the_first_scan_imports_everything(bench: Bench) -> None:
    bench.write(bench.one, "a.py", "x y")
    bench.write(bench.two, "b.py", "z")
    report = bench.scanner.scan()
    assert bench.importer.imported == ["a.py", "b.py"]
    assert [found.name for found in report.functions] == ["x", "y", "z"]
    assert (report.files, report.changed) == (2, True)


def test_nothing_is_imported_when_nothing_changed(bench: Bench) -> None:
    bench.write(bench.one, "a.py", "x")
    first = bench.scanner.scan()
    bench.clock.advance(30)
    second = bench.scanner.scan()
    assert bench.importer.imported == []
    assert list(second.functions) == list(first.functions)
    assert not second.changed
    assert second.started_at == 1_030.0


def test_an_empty_scan_path_has_nothing_and_is_no_error(bench: Bench) -> None:
    report = bench.scanner.scan()
    assert (report.files, report.function_count, report.errors) == (0, 0, ())
    assert not report.unreachable_paths


def test_a_changed_file_has_its_scan_path_imported_again_itself_first(bench: Bench) -> None:
    for name in ("a.py", "b.py", "c.py"):
        bench.write(bench.one, name, name[0])
    bench.write(bench.two, "d.py", "d")
    bench.scanner.scan()
    bench.write(bench.one, "c.py", "new")
    report = bench.scanner.scan()
    assert bench.importer.imported == ["c.py", "a.py", "b.py"]
    assert [found.name for found in report.functions] == ["a", "b", "new", "d"]


def test_a_removed_file_has_its_scan_path_imported_again(bench: Bench) -> None:
    bench.write(bench.one, "a.py", "x")
    bench.write(bench.one, "helper.py", "")
    bench.scanner.scan()
    (bench.one / "helper.py").unlink()
    assert bench.scanner.scan().changed
    assert bench.importer.imported == ["a.py"]


def test_a_file_that_no_longer_imports_is_named_as_failed(bench: Bench) -> None:
    bench.write(bench.one, "a.py", "x")
    bench.scanner.scan()
    bench.write(bench.one, "a.py", "!")
    report = bench.scanner.scan()
    assert report.failed_files == {(str(bench.one), "a.py")}
    assert [error.path for error in report.errors] == [f"{bench.one}/a.py"]
    assert not report.function_count


def test_the_names_of_a_file_that_no_longer_imports_are_announced_for_nobody_else(
    bench: Bench,
) -> None:
    bench.write(bench.two, "kept.py", "x")
    bench.scanner.scan()
    bench.names.places = {"x": f"{bench.two}/kept.py"}
    bench.write(bench.two, "kept.py", "!")
    announced: list[str] = []
    for _ in range(2):
        bench.write(bench.one, "other.py", "x y")
        report = bench.scanner.scan(
            on_found=lambda report: announced.extend(found.name for found in report.functions)
        )
        assert [found.name for found in report.functions] == ["y"]
    assert announced == ["y", "y"]


def test_a_link_that_leads_nowhere_keeps_the_names_of_its_file(
    bench: Bench, tmp_path: Path
) -> None:
    target = tmp_path / "target.py"
    target.write_text("x")
    (bench.two / "link.py").symlink_to(target)
    bench.scanner.scan()
    bench.names.places = {"x": f"{bench.two}/link.py"}
    target.unlink()
    bench.write(bench.one, "copy.py", "x y")
    announced: list[str] = []
    report = bench.scanner.scan(
        on_found=lambda report: announced.extend(found.name for found in report.functions)
    )
    assert announced == ["y"]
    assert [found.name for found in report.functions] == ["y"]


def test_what_a_scan_saw_is_not_lost_when_the_names_cannot_be_asked_for(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.write(bench.one, "a.py", "x")
    bench.write(bench.one, "b.py", "!")
    bench.scanner.scan()
    bench.write(bench.one, "new.py", "y")

    def refuse(_: object) -> NoReturn:
        raise RuntimeError("database is gone")

    with monkeypatch.context() as broken:
        broken.setattr(bench.names, "fetch_names_in", refuse)
        with pytest.raises(RuntimeError, match="database is gone"):
            bench.scanner.scan()
    report = bench.scanner.scan()
    assert report.changed
    assert [found.name for found in report.functions] == ["x", "y"]


def test_an_error_goes_when_its_file_is_mended(bench: Bench) -> None:
    bench.write(bench.one, "a.py", "!")
    bench.scanner.scan()
    bench.write(bench.one, "a.py", "x")
    report = bench.scanner.scan()
    assert not report.errors
    assert not report.failed_files


def test_a_failed_file_is_tried_again_after_a_while_and_alone(bench: Bench) -> None:
    bench.write(bench.one, "a.py", "!")
    bench.write(bench.one, "b.py", "x")
    bench.scanner.scan()
    bench.clock.advance(RETRY_FAILED_SECONDS - 1)
    assert not bench.scanner.scan().changed
    assert bench.importer.imported == []
    bench.clock.advance(1)
    assert not bench.scanner.scan().changed  # it failed in the same way
    assert bench.importer.imported == ["a.py"]
    bench.clock.advance(1)
    bench.scanner.scan()
    assert bench.importer.imported == []


def test_a_failed_file_is_tried_again_however_often_others_change(bench: Bench) -> None:
    bench.write(bench.one, "a.py", "!")
    bench.scanner.scan()
    tries = 0
    for _ in range(4):
        bench.clock.advance(RETRY_FAILED_SECONDS / 2)
        bench.write(bench.two, "b.py", "x")
        bench.scanner.scan()
        tries += "a.py" in bench.importer.imported
    assert tries == 2


def test_a_scan_path_that_vanishes_while_another_is_walked_is_unreachable(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.write(bench.one, "a.py", "x")
    bench.write(bench.two, "b.py", "y")
    list_folder = os.scandir

    def vanish(folder: str) -> Any:
        if folder.startswith(str(bench.one)):
            bench.two.rename(bench.two.with_name("away"))
        return list_folder(folder)

    bench.scanner.scan()
    monkeypatch.setattr(os, "scandir", vanish)
    report = bench.scanner.scan()
    assert report.unreachable_paths == {str(bench.two)}


def test_a_scan_path_that_vanishes_is_unreachable_and_comes_back(bench: Bench) -> None:
    bench.write(bench.one, "a.py", "x")
    bench.scanner.scan()
    away = bench.one.rename(bench.one.with_name("away"))
    report = bench.scanner.scan()
    assert report.changed
    assert report.unreachable_paths == {str(bench.one)}
    assert [error.path for error in report.errors] == [str(bench.one)]
    away.rename(bench.one)
    report = bench.scanner.scan()
    assert [found.name for found in report.functions] == ["x"]
    assert not report.unreachable_paths


def test_a_file_that_changes_while_it_is_imported_is_imported_again(bench: Bench) -> None:
    bench.write(bench.one, "a.py", "x")
    bench.scanner.scan(on_found=lambda _: bench.write(bench.one, "a.py", "y"))
    report = bench.scanner.scan()
    assert [found.name for found in report.functions] == ["y"]


def test_a_file_that_goes_between_walk_and_import_is_no_error(bench: Bench) -> None:
    bench.write(bench.one, "a.py", "x")
    bench.write(bench.one, "b.py", "y")
    report = bench.scanner.scan(on_found=lambda _: (bench.one / "b.py").unlink(missing_ok=True))
    assert not report.errors
    assert not report.failed_files
    assert bench.scanner.scan().files == 1


def test_findings_are_announced_one_by_one_with_the_progress(bench: Bench) -> None:
    bench.write(bench.one, "a.py", "x")
    bench.write(bench.two, "b.py", "x y")
    announced: list[list[str]] = []
    progress: list[tuple[int, int]] = []
    bench.scanner.scan(
        on_found=lambda report: announced.append([found.name for found in report.functions]),
        on_progress=lambda done, total: progress.append((done, total)),
    )
    assert announced == [["x"], ["y"]]  # the name x is a.py's
    assert progress == [(1, 2), (2, 2)]


def test_a_scan_that_broke_off_is_made_again_entirely(bench: Bench) -> None:
    bench.write(bench.one, "a.py", "x")

    def refuse(_: FileReport) -> None:
        raise RuntimeError("database is gone")

    with pytest.raises(RuntimeError, match="database is gone"):
        bench.scanner.scan(on_found=refuse)
    assert bench.scanner.scan().changed
    assert bench.importer.imported == ["a.py"]
