"""Which of a worker's scan paths has a file that a ticker found on another host."""

from pathlib import Path

from scheduler.worker.places import local_scan_path


def test_the_path_that_the_ticker_named_is_taken_where_the_worker_has_it() -> None:
    assert local_scan_path(["/a", "/b"], "/b", "work.py") == "/b"


def test_elsewhere_it_is_the_first_own_path_that_has_the_file(tmp_path: Path) -> None:
    for name in ("one", "two", "three"):
        (tmp_path / name / "deep").mkdir(parents=True)
    for name in ("two", "three"):
        (tmp_path / name / "deep" / "work.py").touch()
    own = [str(tmp_path / name) for name in ("one", "two", "three")]

    assert local_scan_path(own, "/elsewhere", "deep/work.py") == str(tmp_path / "two")


def test_where_none_has_it_the_first_one_is_to_say_so(tmp_path: Path) -> None:
    assert local_scan_path([str(tmp_path)], "/elsewhere", "work.py") == str(tmp_path)
