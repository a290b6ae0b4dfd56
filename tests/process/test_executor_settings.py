"""Settings of the whole process, and who it runs as: no function leaves them to another."""

import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from scheduler.executor.pool import ExecutorPool
from tests.needs import skip
from tests.process.executors import SHARED_AND_ISOLATED, family, make_pool, run, zygote_of
from tests.process.service import wait_for

SETTINGS = {
    "nobody": "the user or a group was",
    "groups": "the user or a group was",
    "affinity": "the CPU affinity was",
    "collector": "the garbage collector was",
    "filters": "the warning filters were",
    "decimals": "the decimal context was",
    "speaks": "the locale was",
}
_FOR_ROOT = {"nobody", "groups"}
_NOBODY = 65534


@pytest.fixture(scope="module")
def pool() -> Iterator[ExecutorPool]:
    with closing(make_pool()) as pool:
        yield pool


def need_what_it_takes(function: str) -> None:
    """Skip the test if this function can change nothing here."""
    if function in _FOR_ROOT and os.geteuid() != 0:
        skip("only root can become another user")
    if function == "affinity" and (
        not hasattr(os, "sched_getaffinity") or len(os.sched_getaffinity(0)) < 2
    ):
        skip("there is no second CPU to be kept from")


@pytest.mark.parametrize("function", SETTINGS)
def test_no_function_sees_what_another_has_set_for_the_process(
    pool: ExecutorPool, function: str
) -> None:
    need_what_it_takes(function)
    before = run(pool, "untidy:tells_settings")
    assert before.status == "success"
    outcome = run(pool, f"untidy:{function}")
    assert (outcome.status, outcome.reason) == (
        "success",
        f"executor replaced: {SETTINGS[function]} changed",
    )
    after = run(pool, "untidy:tells_settings")
    assert (after.result, after.reason) == (before.result, None)


@pytest.mark.parametrize("are_isolated", SHARED_AND_ISOLATED)
def test_a_run_that_has_become_another_user_is_ended_and_followed(are_isolated: bool) -> None:
    need_what_it_takes("nobody")
    with closing(make_pool(are_isolated=are_isolated)) as pool:
        zygote = zygote_of(pool)
        assert run(pool, "untidy:nobody").status == "success"
        outcome = run(pool, "untidy:nobody_for_ever", timeout_seconds=0.5)
        assert (outcome.status, outcome.output) == ("timeout", "began\n")
        wait_for(lambda: not any(map(_is_of_nobody, family(zygote))), "the end of its processes")
        assert run(pool, "good:give").status == "success"


def test_an_isolated_run_that_has_become_another_user_runs_its_exit_functions(
    tmp_path: Path,
) -> None:
    need_what_it_takes("nobody")
    (tmp_path / "leaving.py").write_text(
        "import atexit, os\n"
        "fd = os.open(os.path.join(os.path.dirname(__file__), 'left'), os.O_CREAT | os.O_WRONLY)\n"
        "atexit.register(os.write, fd, b'left')\n"
        f"def work(): os.setuid({_NOBODY})"
    )
    with closing(make_pool(are_isolated=True)) as pool:
        outcome = run(pool, "leaving:work", scan_path=str(tmp_path))
        assert (outcome.status, outcome.reason) == ("success", None)
        wait_for(lambda: (tmp_path / "left").read_text() == "left", "the exit function")


@pytest.mark.parametrize("idiom", ["filter", "precision", "collector"])
def test_what_a_file_sets_for_itself_at_import_costs_no_executor(
    pool: ExecutorPool, tmp_path: Path, idiom: str
) -> None:
    at_import = {
        "filter": "import warnings; warnings.simplefilter('ignore')",
        "precision": "import decimal; decimal.getcontext().prec = 50",
        "collector": "import gc; gc.set_threshold(50_000)",
    }[idiom]
    (tmp_path / "sets.py").write_text(f"{at_import}\nimport os\ndef work(): return os.getpid()\n")
    first, second = (run(pool, "sets:work", scan_path=str(tmp_path)) for _ in range(2))
    assert (first.result, first.reason) == (second.result, second.reason)
    assert first.reason is None


def test_a_library_that_filters_its_own_warnings_costs_no_executor(
    pool: ExecutorPool, tmp_path: Path
) -> None:
    (tmp_path / "library.py").write_text(
        "import warnings\nclass OwnWarning(Warning): ...\n"
        "warnings.simplefilter('ignore', OwnWarning, append=True)\n"
    )
    (tmp_path / "late.py").write_text(
        "import os\ndef work():\n    import library\n    return os.getpid()\n"
    )
    first, second = (run(pool, "late:work", scan_path=str(tmp_path)) for _ in range(2))
    assert first.status == "success"
    assert (first.result, first.reason) == (second.result, second.reason)


def _is_of_nobody(pid: int) -> bool:
    try:
        return os.stat(f"/proc/{pid}").st_uid == _NOBODY
    except OSError:
        return False
