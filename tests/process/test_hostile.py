"""User code cannot stop the service: each accident costs only the function that has it."""

import shutil
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from tests.process.backends import ALL_BACKENDS
from tests.process.service import Service, stop

HOSTILE = Path(__file__).parents[1] / "functions" / "hostile"
HEALTHY = """
import random

FIRST_AFTER_SEED_1 = random.Random(1).random()

@schedule(timedelta(seconds=1), overlap="allow", catch_up="all")
def pulse():
    assert os.getcwd() and time.time() > 1e9
    assert random.random() != FIRST_AFTER_SEED_1
    return "well"
"""
# What becomes of the run of each file: its status and the name of its error.
ENDINGS = {
    "aborts": ("error", "ProcessCrashed"),
    "changes_the_process": ("success", ""),
    "closes_all_others": ("success", ""),
    "closes_standard_streams": ("success", ""),
    "deletes_its_own_file": ("success", ""),
    "eats_memory": ("success", ""),
    "empties_the_modules": ("success", ""),
    "exits": ("error", "SystemExit"),
    "exits_hard": ("error", "ProcessEnded"),
    "floods": ("success", ""),
    "ignores_sigterm": ("timeout", ""),
    "kills_itself": ("lost", ""),
    "leaves_a_child": ("success", ""),
    "leaves_a_daemon": ("success", ""),
    "leaves_threads": ("success", ""),
    "loops_in_c": ("timeout", ""),
    "loops_in_python": ("timeout", ""),
    "prints_bytes": ("success", ""),
    "raises_a_group": ("error", "ExceptionGroup"),
    "raises_a_trap": ("error", "Trap"),
    "raises_base_exception": ("error", "BaseException"),
    "raises_keyboard_interrupt": ("error", "KeyboardInterrupt"),
    "recurses": ("error", "ProcessCrashed"),
    "returns_a_giant": ("success", ""),
    "returns_a_trap": ("success", ""),
    "seeds_random": ("success", ""),
    "segfaults": ("error", "ProcessCrashed"),
    "sets_its_own_alarm": ("success", ""),
    "stops_its_zygote": ("error", "ProcessEnded"),
    "swallows_everything": ("timeout", ""),
    "uses_a_pool": ("success", ""),
}
# These do not run once and end; each has a test of its own.
OTHERS = {"locks_the_database", "rewrites_its_own_file"}
VERDICT = """
    SELECT r.status, COALESCE(r.error_type, '') FROM run_logs r
    JOIN scheduled_functions f ON f.id = r.function_id
    WHERE f.name LIKE ? AND r.finished_at IS NOT NULL
"""
PULSES = """
    SELECT r.status, r.slots, r.covers_from, r.scheduled_for FROM run_logs r
    JOIN scheduled_functions f ON f.id = r.function_id
    WHERE f.name = 'healthy.pulse' AND NOT EXISTS (SELECT 1 FROM run_logs before
        WHERE before.function_id = f.id AND before.id <= r.id AND before.finished_at IS NULL)
    ORDER BY r.id
"""


@pytest.fixture
def hostile(make_service: Callable[..., Service]) -> Iterator[Service]:
    """Yield a service whose healthy function must not have suffered at the end."""
    service = make_service(
        heartbeat_seconds=0.5,
        dead_after_seconds=5,
        scan_interval_seconds=0.5,
        worker_concurrency=3,
        max_rss_mb=200,
        shutdown_grace_seconds=5,
    )
    service.write("healthy.py", HEALTHY)
    yield service
    assert_unharmed(service)


def assert_unharmed(service: Service) -> None:
    """Assert that the healthy function goes on and had a run of its own for each slot."""
    before = len(service.rows(PULSES))
    pulses = service.wait_rows(PULSES, at_least=before + 2)
    assert {(status, slots) for status, slots, *_ in pulses} == {("success", 1)}, pulses
    starts = [covers_from for _, _, covers_from, _ in pulses]
    gaps = [later - earlier for earlier, later in pairwise(starts)]
    assert gaps == pytest.approx([1.0] * len(gaps), abs=0.002)
    assert [stop(process) for process in service.running()] == [0]
    assert service.living() == []
    assert "Traceback" not in service.read_log()


def test_every_hostile_file_has_a_test() -> None:
    assert {file.stem for file in HOSTILE.glob("*.py")} == {*ENDINGS, *OTHERS}


@ALL_BACKENDS
@pytest.mark.full(sample=2)
@pytest.mark.parametrize("name", sorted(ENDINGS))
def test_an_accident_is_on_record_and_costs_nobody_else_a_slot(
    hostile: Service, name: str, request: pytest.FixtureRequest
) -> None:
    shutil.copy(HOSTILE / f"{name}.py", hostile.functions)
    megabytes = "5000" if request.config.getoption("full") else "64"
    hostile.start("run", HOSTILE_MEGABYTES=megabytes)
    ((status, error_type),) = hostile.wait_rows(VERDICT, f"{name}.%")
    assert (status, error_type.rpartition(".")[2]) == ENDINGS[name]


@ALL_BACKENDS
@pytest.mark.full
def test_a_file_that_rewrites_itself_in_every_run_runs_its_newest_version(
    hostile: Service,
) -> None:
    shutil.copy(HOSTILE / "rewrites_its_own_file.py", hostile.functions)
    hostile.start("run")
    hostile.wait_rows("SELECT 1 FROM run_logs WHERE result = '3'")
    ((count, versions),) = hostile.rows(
        "SELECT COUNT(*), COUNT(DISTINCT result) FROM run_logs r JOIN scheduled_functions f "
        "ON f.id = r.function_id WHERE f.name LIKE 'rewrites%' AND status = 'success'"
    )
    assert count == versions


@pytest.mark.full
def test_who_locks_the_schedulers_own_database_delays_slots_but_loses_none(
    make_service: Callable[..., Service],
) -> None:
    service = make_service(worker_concurrency=3, shutdown_grace_seconds=5)
    service.write("healthy.py", HEALTHY)
    shutil.copy(HOSTILE / "locks_the_database.py", service.functions)
    process = service.start("run")
    service.wait_rows(VERDICT, "locks_the_database.%")
    before = len(service.rows(PULSES))
    pulses = service.wait_rows(PULSES, at_least=before + 2)
    for (_, _, _, last), (_, _, first, _) in pairwise(pulses):
        assert first - last == pytest.approx(1.0, abs=0.002), pulses
    assert {status for status, *_ in pulses} <= {"success", "skipped"}
    assert stop(process) == 0


@ALL_BACKENDS
def test_a_stop_ends_in_order_although_a_function_keeps_its_zygote_stopped(
    make_service: Callable[..., Service],
) -> None:
    service = make_service(shutdown_grace_seconds=0.5)
    service.write(
        "stopper.py",
        """
import signal

@schedule(timedelta(hours=1))
def run():
    print("begun", flush=True)
    while True:
        try:
            while True:
                os.kill(os.getppid(), signal.SIGSTOP)
        except BaseException:
            pass
""",
    )
    process = service.start("run")
    service.wait_rows("SELECT 1 FROM run_logs WHERE output LIKE 'begun%'")
    assert stop(process) == 0
    assert service.rows("SELECT status FROM run_logs") == [("lost",)]
    assert service.living() == []
    assert "worker.stopped" in service.read_log()  # the supervisor did not have to kill it


@pytest.mark.full(sample=1)
@pytest.mark.parametrize("name", ["with space.py", "größe-日本.py", "json.py"])
def test_a_file_may_have_any_name_that_can_be_printed(hostile: Service, name: str) -> None:
    hostile.write(
        name,
        """
import json

@schedule(timedelta(hours=1))
def run():
    return json.dumps({})
""",
    )
    hostile.start("run")
    stem = name.removesuffix(".py")
    assert hostile.wait_rows(VERDICT, f"{stem}.run") == [("success", "")]


def test_a_name_that_cannot_be_printed_is_an_error_of_its_file_alone(hostile: Service) -> None:
    hostile.write("new\nline.py", "")
    hostile.start("run")
    hostile.wait_rows("SELECT 1 FROM scan_errors WHERE error_type = 'FileNameError'")


@pytest.mark.full
def test_a_file_of_50_000_lines_is_a_file(hostile: Service) -> None:
    lines = "".join(f"def f{number}(): return {number}\n" for number in range(50_000))
    hostile.write(
        "long.py", f"{lines}\n@schedule(timedelta(hours=1))\ndef run(): return f49999()\n"
    )
    hostile.start("run")
    assert hostile.wait_rows(VERDICT, "long.run") == [("success", "")]


@pytest.mark.full
def test_files_that_import_one_another_in_a_circle_run_as_far_as_python_allows(
    hostile: Service,
) -> None:
    function = "@schedule(timedelta(hours=1))\ndef run(): return other.__name__\n"
    hostile.write("ring_a.py", "import ring_b as other\n" + function)
    hostile.write("ring_b.py", "import ring_a as other\n" + function)
    hostile.start("run")
    assert hostile.wait_rows(VERDICT, "ring_%", at_least=2) == [("success", "")] * 2
