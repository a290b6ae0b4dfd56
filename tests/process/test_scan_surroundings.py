"""Scan paths that are not there, not readable, not finished, or very large: told, and mended."""

import time
from collections.abc import Callable

import pytest

from tests.process.service import Service, wait_for

ONE = """
@schedule(timedelta(hours=1))
def {0}():
    return "{0}"
"""
KEYS = {"scan_interval_seconds": 0.5, "heartbeat_seconds": 0.5}
STATES = "SELECT name, state FROM scheduled_functions ORDER BY name"


def errors(service: Service) -> dict[str, str]:
    """Return what the last scan could not read, by the name of the path."""
    return dict(service.rows("SELECT path, message FROM scan_errors"))


def test_scan_paths_that_cannot_be_read_are_told_apart_and_found_when_mended(
    make_service: Callable[..., Service],
) -> None:
    names = ["missing", "file", "loop"]
    service = make_service(scan_paths=["functions", *names], **KEYS)
    missing, file, loop = (service.folder / name for name in names)
    file.write_text("no folder")
    loop.symlink_to(loop)
    service.write("well.py", ONE.format("well"))
    service.start("run")
    wait_for(lambda: len(errors(service)) == 3, lambda: f"3 errors, not {errors(service)}")
    said = errors(service)
    assert "does not exist: create the folder" in said[str(missing)]
    assert "is a file: name the folder" in said[str(file)]
    assert "cannot be read: Too many levels of symbolic links" in said[str(loop)]
    assert service.wait_rows("SELECT result FROM run_logs WHERE status = 'success'")
    assert service.run("health").returncode == 0
    assert "3 folders cannot be scanned" in service.run("status").stdout
    told = _log_lines(service, "WARNING: a folder cannot be scanned, mend it; `scheduler errors`")
    assert sorted(line.split("path=")[1].split()[0] for line in told) == sorted(said)
    assert sum("does not exist: create the folder" in line for line in told) == 1

    for path in (file, loop):
        path.unlink()
    for path in (missing, file, loop):
        path.mkdir()
        service.write(f"../{path.name}/{path.name}.py", ONE.format(f"in_{path.name}"))
    service.wait_rows("SELECT 1 FROM run_logs WHERE result LIKE '''in_%'", at_least=3)
    wait_for(lambda: not errors(service), lambda: f"no errors, not {errors(service)}")
    wait_for(
        lambda: len(_log_lines(service, "INFO: a folder has no error any more path=")) == 3,
        "each mended folder to be told once",
    )


def test_a_scan_path_that_goes_away_keeps_its_functions_until_it_is_back(
    make_service: Callable[..., Service],
) -> None:
    service = make_service(**KEYS)
    service.write("well.py", ONE.format("well"))
    service.start("run")
    service.wait_rows("SELECT 1 FROM run_logs WHERE status = 'success'")
    away = service.folder / "away"
    service.functions.rename(away)
    wait_for(lambda: errors(service), "the scan to miss its folder")
    assert service.rows(STATES) == [("well.well", "active")]
    away.rename(service.functions)
    wait_for(lambda: not errors(service), "the scan to find it again")
    assert service.rows(STATES) == [("well.well", "active")]
    assert len(service.rows("SELECT 1 FROM run_logs")) == 1


def test_a_file_that_is_scanned_while_it_is_written_loses_no_function(
    make_service: Callable[..., Service],
) -> None:
    service = make_service(**KEYS)
    path = service.write("slow.py", ONE.format("well"))
    service.start("run")
    service.wait_rows("SELECT 1 FROM run_logs WHERE status = 'success'")
    text = path.read_text() + ONE.format("second")
    scans = len(service.rows("SELECT 1 FROM scans"))
    with path.open("w") as file:
        for chunk in (text[:40], text[40:-20], text[-20:]):
            file.write(chunk)
            file.flush()
            scans += 1
            service.wait_rows("SELECT 1 FROM scans", at_least=scans)
            assert ("slow.well", "active") in service.rows(STATES)
    service.wait_rows("SELECT 1 FROM run_logs WHERE result = ?", "'second'")
    wait_for(lambda: not errors(service), lambda: f"no errors, not {errors(service)}")


@pytest.mark.full
@pytest.mark.timeout(900)
def test_ten_thousand_files_are_scanned_while_the_first_of_them_run_on_time(
    make_service: Callable[..., Service],
) -> None:
    service = make_service(scan_interval_seconds=5, heartbeat_seconds=0.5)
    service.write("pulse.py", ONE.format("pulse").replace("hours=1", "seconds=1"))
    service.start("run")
    service.wait_rows("SELECT 1 FROM run_logs WHERE status = 'success'", at_least=2)
    for number in range(10_000):
        service.write(
            f"{number % 100}/f{number}.py", ONE.format("run") if number % 100 == 0 else ""
        )
    began = time.time()
    wait_for(lambda: service.rows("SELECT 1 FROM scans WHERE files = 10001"), service.read_log, 600)
    assert len(service.rows(STATES)) == 101
    assert service.run("health").returncode == 0
    missed = "SELECT * FROM run_logs WHERE slots > 1 AND queued_at > ?"
    assert service.rows(missed, began) == []


def _log_lines(service: Service, text: str) -> list[str]:
    return [line for line in service.read_log().splitlines() if text in line]
