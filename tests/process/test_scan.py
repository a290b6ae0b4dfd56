"""Scans with real processes: what files do when they are imported costs only themselves (P6)."""

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from scheduler.clock import SystemClock
from scheduler.runner.inspection import FileReport
from scheduler.scanner import Scanner, ScanReport
from tests.descriptors import open_descriptors
from tests.process.service import Service, is_alive, wait_for

SAMPLES = Path(__file__).parents[1] / "functions" / "scan"
HEALTHY = (SAMPLES / "hostile" / "healthy.py").read_text()
TIMEOUT_SECONDS = 4.0


def scanner(*folders: Path, timeout_seconds: float = 30.0, parallelism: int = 2) -> Scanner:
    return Scanner(
        folders,
        import_timeout_seconds=timeout_seconds,
        clock=SystemClock(),
        parallelism=parallelism,
    )


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> ScanReport:
    folder = tmp_path_factory.mktemp("scan") / "good"
    shutil.copytree(SAMPLES / "good", folder)
    return scanner(folder).scan()


def test_functions_in_folders_packages_and_odd_files_are_all_found(good: ScanReport) -> None:
    assert good.errors == ()
    assert [found.name for found in good.functions] == [
        "decorated.wrapped",
        "decorated.original",
        "mail",
        "größe.messen",
        "loose.job.sync",
        "made.first",
        "made.second",
        "orders.sync",
        "proxies.run",
        "reports.collect",
        "reports.daily.send",
        "ring_a.a",
        "ring_b.b",
        "with space.run",
    ]


def test_every_file_counts_also_those_without_functions(good: ScanReport) -> None:
    assert good.files == len(list((SAMPLES / "good").rglob("*.py")))


@dataclass(frozen=True)
class Hostile:
    """What one scan of all the hostile files found, and where they are."""

    folder: Path
    report: ScanReport
    announced: list[FileReport]


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Hostile:
    folder = tmp_path_factory.mktemp("scan") / "hostile"
    shutil.copytree(SAMPLES / "hostile", folder)
    announced: list[FileReport] = []
    report = scanner(folder, timeout_seconds=TIMEOUT_SECONDS).scan(on_found=announced.append)
    return Hostile(folder, report, announced)


FAILURES = {
    "asks": ("EOFError", 1, "EOF when reading a line"),
    "bad_argument": ("scheduler.ScheduleError", 4, "interval: 5 is not a timedelta"),
    "closes_everything": ("ImportLost", None, "closes file descriptors that are not its own"),
    "crashes": ("ImportKilled", 3, "SIGSEGV"),
    "endless": ("ImportTimeout", 3, "took longer than import_timeout_seconds (4 s)"),
    "endless_stubborn": ("ImportTimeout", None, "raise import_timeout_seconds"),
    "exits": ("SystemExit", 3, "sys.exit(3)"),
    "exits_hard": ("ImportExit", None, "exit code 3"),
    "interrupts": ("KeyboardInterrupt", 1, "KeyboardInterrupt"),
    "kills_itself": ("ImportKilled", None, "SIGKILL"),
    "latin": ("SyntaxError", 1, "can't decode byte 0xe9"),
    "lost_schedule": ("LostScheduleError", None, "the schedule of lost is lost"),
    "missing_import": ("ModuleNotFoundError", 1, "No module named 'no_such_package'"),
    "missing_relative": ("ModuleNotFoundError", 1, "No module named 'no_such_file'"),
    "null_byte": ("SyntaxError", None, "null bytes"),
    "prints_and_raises": ("LookupError", 2, "lost"),
    "raises": ("ValueError", 2, "first line second line"),
    "raises_nonsense": ("raises_nonsense.Nonsense", 6, "its str() raised"),
    "recursion": ("RecursionError", 2, "calls itself without end"),
    "replaces_itself": ("TypeError", None, "not a module"),
    "stops_itself": ("ImportTimeout", 5, "took longer than import_timeout_seconds (4 s)"),
    "syntax": ("SyntaxError", 1, "invalid syntax"),
}
WARNINGS = {
    "forks": ("ImportFork", 13, "when it is imported it forks: move"),
    "forks_and_hangs": ("ImportFork", 15, "leaves processes running that are killed (a copy of"),
    "leaves_a_shell": ("ImportFork", None, "(sleep 600)"),
    "prints": ("ImportOutput", None, "when it is imported it prints, at last 'from a child'"),
    "prints_once": ("ImportOutput", None, "at last 'hello': move the call into a function"),
    "prints_nonsense": ("ImportOutput", None, "at last 'red \\x1b[31m \N{REPLACEMENT CHARACTER}'"),
    "torrent": ("ImportOutput", None, "when it is imported it prints"),
}
FOUND = {
    "changes_the_world",
    "closes_stdout",
    "healthy",
    "stops_its_parent",
    "threads",
    *WARNINGS,
}


@pytest.mark.parametrize("name", FAILURES)
def test_a_file_that_cannot_be_imported_gets_its_own_error(hostile: Hostile, name: str) -> None:
    error_type, line, message = FAILURES[name]
    path = f"{hostile.folder}/{name}.py"
    (error,) = (error for error in hostile.report.errors if error.path == path)
    assert (error.error_type, error.line) == (error_type, line)
    assert message in error.message


@pytest.mark.parametrize("name", WARNINGS)
def test_a_file_that_forks_or_prints_is_listed_and_keeps_its_functions(
    hostile: Hostile, name: str
) -> None:
    error_type, line, message = WARNINGS[name]
    path = f"{hostile.folder}/{name}.py"
    (warning,) = (error for error in hostile.report.errors if error.path == path)
    assert (warning.severity, warning.error_type, warning.line) == ("warning", error_type, line)
    assert message in warning.message


def test_what_a_file_printed_is_kept_up_to_a_limit(hostile: Hostile) -> None:
    output = {Path(error.path).stem: error.traceback for error in hostile.report.errors}
    assert output["prints_once"] == "hello\n"
    assert output["prints_and_raises"].endswith("\nLookupError: lost\n\nIt printed:\non my way\n")
    assert 0 < len(output["torrent"]) <= 1000


@pytest.mark.parametrize("name", sorted(FOUND))
def test_a_file_that_misbehaves_but_imports_is_found_once(hostile: Hostile, name: str) -> None:
    names = [found.name for found in hostile.report.functions]
    assert names.count(f"{name}.run") == 1
    assert [report.module_path for report in hostile.announced].count(f"{name}.py") == 1


def test_every_sample_is_expected_to_be_found_or_to_fail(hostile: Hostile) -> None:
    assert {path.stem for path in hostile.folder.glob("*.py")} == FOUND | FAILURES.keys()
    errors = [error for error in hostile.report.errors if error.severity == "error"]
    assert len(errors) == len(FAILURES)
    assert len(hostile.report.errors) == len(FAILURES) + len(WARNINGS)


def test_files_that_fail_keep_their_functions(hostile: Hostile) -> None:
    failed = {module_path for _, module_path in hostile.report.failed_files}
    imported_in_part = {"lost_schedule"}
    assert failed == {f"{name}.py" for name in FAILURES.keys() - imported_in_part}


def test_the_last_output_of_a_file_that_ended_its_process_is_kept(hostile: Hostile) -> None:
    (error,) = (error for error in hostile.report.errors if error.path.endswith("exits_hard.py"))
    assert error.traceback == "going down\n"


def test_the_stack_shows_where_a_file_hangs_and_only_the_users_frames(hostile: Hostile) -> None:
    (error,) = (error for error in hostile.report.errors if error.path.endswith("/endless.py"))
    assert error.traceback.count("File ") == 1
    assert f'File "{hostile.folder}/endless.py", line 3' in error.traceback


def test_what_a_file_starts_does_not_outlive_the_scan(hostile: Hostile) -> None:
    pid = int((hostile.folder / "forks_and_hangs.pid").read_text())
    wait_for(lambda: not is_alive(pid), "the daemon started at import is dead")


@pytest.mark.parametrize("then", ["signal.pause()", "done = True"])
def test_a_file_that_kills_the_importing_process_costs_only_itself(
    tmp_path: Path, then: str
) -> None:
    for number in range(6):
        (tmp_path / f"healthy{number}.py").write_text(HEALTHY)
    (tmp_path / "healthy2killer.py").write_text(
        f"import os, signal\nos.kill(os.getppid(), signal.SIGKILL)\n{then}\n"
    )
    report = scanner(tmp_path).scan()
    assert report.function_count == 6
    (error,) = report.errors
    assert (error.path, error.error_type) == (f"{tmp_path}/healthy2killer.py", "ImportLost")


def test_hanging_files_do_not_hold_up_the_others(tmp_path: Path) -> None:
    for number in range(4):
        (tmp_path / f"a_hangs{number}.py").write_text("import signal\nsignal.pause()\n")
    (tmp_path / "z.py").write_text(HEALTHY)
    announced: list[str] = []
    report = scanner(tmp_path, timeout_seconds=8).scan(
        on_found=lambda found: announced.append(found.module_path)
    )
    assert announced[0] == "z.py"
    assert len(report.errors) == 4


def test_a_changed_helper_changes_the_schedules_that_use_it(tmp_path: Path) -> None:
    (tmp_path / "periods.py").write_text("MINUTES = 5\n")
    (tmp_path / "job.py").write_text(
        "from periods import MINUTES\n" + HEALTHY.replace("minutes=1", "minutes=MINUTES")
    )
    scans = scanner(tmp_path)
    (found,) = scans.scan().functions
    assert found.spec.interval_seconds == 300
    (tmp_path / "periods.py").write_text("MINUTES = 10\n")
    (found,) = scans.scan().functions
    assert found.spec.interval_seconds == 600


def test_functions_come_and_go_with_their_files(tmp_path: Path) -> None:
    scans = scanner(tmp_path)
    assert list(scans.scan().functions) == []
    (tmp_path / "job.py").write_text(HEALTHY)
    assert [found.name for found in scans.scan().functions] == ["job.run"]
    (tmp_path / "job.py").rename(tmp_path / "task.py")
    assert [found.name for found in scans.scan().functions] == ["task.run"]
    (tmp_path / "task.py").unlink()
    assert list(scans.scan().functions) == []


def test_importing_leaves_no_bytecode_and_no_module_behind(tmp_path: Path) -> None:
    (tmp_path / "helper_of_scan.py").write_text("")
    (tmp_path / "job.py").write_text(f"import helper_of_scan\n{HEALTHY}")
    before = set(sys.modules)
    assert scanner(tmp_path).scan().function_count
    assert not list(tmp_path.rglob("__pycache__"))
    assert not {name for name in set(sys.modules) - before if "helper_of_scan" in name}


def test_a_scan_leaves_no_process_and_no_descriptor_behind(tmp_path: Path) -> None:
    (tmp_path / "job.py").write_text(HEALTHY)
    (tmp_path / "bad.py").write_text("import os\nos._exit(1)\n")
    scanner(tmp_path).scan()
    descriptors, children = open_descriptors(), _children()
    scanner(tmp_path).scan()
    assert open_descriptors() <= descriptors
    assert _children() == children


def test_a_scan_that_is_broken_off_leaves_no_process_behind(tmp_path: Path) -> None:
    for number in range(4):
        (tmp_path / f"job{number}.py").write_text(HEALTHY)
    before = _children()

    def refuse(_: FileReport) -> None:
        raise RuntimeError("the database is gone")

    with pytest.raises(RuntimeError, match="the database is gone"):
        scanner(tmp_path).scan(on_found=refuse)
    assert _children() == before


def test_importing_the_scanner_loads_neither_databases_nor_the_console() -> None:
    program = "import sys, scheduler.scanner; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout.split()
    assert not {"peewee", "huey", "urwid", "sqlite3"} & set(loaded)


def test_a_broken_and_a_mended_file_are_on_record_while_another_one_still_hangs(
    service: Service,
) -> None:
    broken = service.write("a_broken.py", "1 / 0\n")
    assert service.run("scan").returncode == 1
    service.write("hangs.py", "import signal\nsignal.pause()\n")
    service.write("b_broken.py", "1 / 0\n")
    broken.write_text("")
    service.start("scan")
    of = "SELECT 1 FROM scan_errors WHERE path LIKE ?"
    service.wait_rows(of, "%b_broken.py")
    wait_for(lambda: not service.rows(of, "%a_broken.py"), "the mended file to leave")
    assert service.rows("SELECT COUNT(*) FROM scans") == [(1,)]


PAST = """
from datetime import timedelta
from scheduler import schedule

@schedule(timedelta(seconds=-5))
def never():
    pass
"""


def test_scan_names_the_type_of_an_error_and_a_negative_interval(service: Service) -> None:
    service.write("a_base.py", "raise BaseException('x')\n")
    service.write("b_bare.py", "raise ValueError\n")
    service.write("c_past.py", PAST)
    lines = service.run("scan").stdout.splitlines()
    assert [line.partition(".py: ")[2] for line in lines[:2]] == ["BaseException: x", "ValueError"]
    assert ".py: ScheduleError: interval: '-0:00:05' is negative; give at least" in lines[2]


def test_scan_names_a_warning_and_succeeds(service: Service) -> None:
    service.write("loud.py", HEALTHY + "print('hello')\n")
    done = service.run("scan")
    assert done.returncode == 0, done
    assert "! " in done.stdout
    assert "when it is imported it prints, at last 'hello'" in done.stdout
    assert "discovered 1 scheduled function(s)" in done.stderr


def _children() -> set[int]:
    return {
        int(pid)
        for task in Path("/proc/self/task").iterdir()
        for pid in (task / "children").read_text().split()
    }
