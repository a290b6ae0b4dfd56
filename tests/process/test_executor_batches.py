"""Batches on real executors: short runs in turn, and everything that may come in between."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from scheduler.executor.batch import BatchEnd
from scheduler.executor.call import Call, Outcome
from scheduler.executor.control import RunControl
from scheduler.executor.pool import ExecutorPool
from scheduler.runner.tally import Tallied, Tally, open_tally, read_tally
from tests.process.executors import (
    FUNCTIONS,
    Background,
    family,
    make_call,
    make_pool,
    run,
    zygote_of,
)
from tests.process.service import wait_for

CELL = 1
AT = 1_800_000_000.125
# Does not wait long for a run that does not end by itself, but for those before it.
IMPATIENT = pytest.mark.parametrize("patience", [0.5])


@pytest.fixture
def notes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file in which functions note their run's id."""
    path = tmp_path / "notes"
    path.touch()
    monkeypatch.setenv("NOTES", str(path))
    return path


@pytest.fixture
def patience() -> float:
    """How long a batch may take: long enough on a busy machine."""
    return 10.0


@pytest.fixture
def tally_path(tmp_path: Path) -> Path:
    return tmp_path / "worker.lock"


@pytest.fixture
def pool(notes: Path, tally_path: Path, patience: float) -> Iterator[ExecutorPool]:
    """A pool that can have batches, with a warm executor."""
    pool = make_pool(batch_patience_seconds=patience)
    fd = os.open(tally_path, os.O_RDWR | os.O_CREAT)
    pool.tally = open_tally(fd, 2)
    os.close(fd)
    run(pool, "quick:note", run_id=1)
    notes.write_text("")
    yield pool
    pool.close()


def run_batch(pool: ExecutorPool, *targets: str, first_id: int = 10) -> BatchEnd:
    """Hand over calls with ids from `first_id` on."""
    calls = [
        make_call(f"quick:{target}", run_id=first_id + turn) for turn, target in enumerate(targets)
    ]
    return hand_over(pool, calls)


def hand_over(pool: ExecutorPool, calls: list[Call]) -> BatchEnd:
    """Run calls as a batch that stands in the tally."""
    return pool.run_batch(
        calls,
        tally=pool.hand_over(CELL, [call.run_id for call in calls], AT),
        cell=CELL,
        turns=range(len(calls)),
        meanwhile=lambda: None,
    )


def noted(notes: Path) -> list[int]:
    return [int(line) for line in notes.read_text().split()]


def statuses(outcomes: list[Outcome]) -> list[str]:
    return [outcome.status for outcome in outcomes]


def test_all_run_in_turn_and_each_has_its_own_outcome(pool: ExecutorPool, notes: Path) -> None:
    end = run_batch(pool, "note", "note", "note")
    assert end.going is None
    assert [(one.status, one.result) for one in end.outcomes] == [
        ("success", "10"),
        ("success", "11"),
        ("success", "12"),
    ]
    assert noted(notes) == [10, 11, 12]
    moments = [moment for one in end.outcomes for moment in (one.began_at, one.ended_at)]
    assert None not in moments
    assert moments == sorted(moments)  # type: ignore[type-var]


def test_batches_follow_each_other_on_one_executor(pool: ExecutorPool, notes: Path) -> None:
    ids = []
    for first_id in range(10, 90, 16):
        end = run_batch(pool, *["note"] * 16, first_id=first_id)
        ids += [int(outcome.result or 0) for outcome in end.outcomes]
    assert ids == list(range(10, 90)) == noted(notes)
    assert pool.room(str(FUNCTIONS)) == 100 - 81


@pytest.mark.parametrize("patience", [0.0, 0.0002, 0.0005])
def test_no_run_begins_twice_nor_has_the_outcome_of_another_however_impatient_we_are(
    pool: ExecutorPool, notes: Path
) -> None:
    waiting = list(range(10, 1010))
    results: dict[int, str | None] = {}
    while waiting:
        run_ids = waiting[: min(16, pool.room(str(FUNCTIONS)))]
        if len(run_ids) == 1:
            outcomes = [run(pool, "quick:note", run_id=run_ids[0])]
        else:
            end = run_batch(pool, *["note"] * len(run_ids), first_id=run_ids[0])
            outcomes = end.outcomes
            if end.going is not None:
                outcomes = [*outcomes, end.going.wait(RunControl(), lambda *_: None)]
            if not outcomes:  # as a slot does after that
                outcomes = [run(pool, "quick:note", run_id=run_ids[0])]
        results |= dict(zip(run_ids, (outcome.result for outcome in outcomes), strict=False))
        del waiting[: len(outcomes)]
    assert results == {run_id: str(run_id) for run_id in range(10, 1010)}
    assert sorted(noted(notes)) == list(range(10, 1010))


@pytest.mark.parametrize("target", ["talk", "fail", "litter", "close_tally"])
def test_whatever_is_unusual_ends_the_batch_and_the_rest_can_begin_elsewhere(
    pool: ExecutorPool, notes: Path, target: str
) -> None:
    end = run_batch(pool, "note", target, "note", "note")
    assert end.going is None
    assert noted(notes) == [10, 11]
    assert len(end.outcomes) == 2
    again = run_batch(pool, "note", "note", first_id=12)
    while not again.outcomes:  # its executor was replaced
        run(pool, "quick:note", run_id=0)
        again = run_batch(pool, "note", "note", first_id=12)
    assert [run_id for run_id in noted(notes) if run_id] == [10, 11, 12, 13]


def test_only_the_parent_answers_for_a_run_that_forks(pool: ExecutorPool, notes: Path) -> None:
    end = run_batch(pool, "note", "fork_both", "note")
    assert [one.result for one in end.outcomes] == ["10", "'from the parent'", "12"]
    assert noted(notes) == [10, 11, 12]


def test_what_a_run_has_printed_is_its_own(pool: ExecutorPool) -> None:
    end = run_batch(pool, "note", "talk", "talk")
    assert [one.output for one in end.outcomes] == [None, "words of 11\n"]
    assert end.outcomes[1].output_bytes == 12


def test_a_run_that_fails_has_its_traceback(pool: ExecutorPool) -> None:
    (first, second) = run_batch(pool, "note", "fail", "note").outcomes
    assert (first.status, second.status, second.error_type) == ("success", "error", "ValueError")
    assert second.traceback is not None
    assert "raise ValueError" in second.traceback


def test_the_executor_of_an_untidy_run_serves_no_other(pool: ExecutorPool) -> None:
    (outcome,) = run_batch(pool, "litter", "note").outcomes
    assert outcome.reason == "executor replaced: the working directory was changed"
    assert pool.room(str(FUNCTIONS)) == 1


@IMPATIENT
def test_a_run_that_takes_longer_goes_on_and_those_behind_it_do_not_begin(
    pool: ExecutorPool, notes: Path
) -> None:
    end = run_batch(pool, "note", "wait_for_release", "note", "note")
    assert statuses(end.outcomes) == ["success"]
    assert end.going is not None
    shown: list[str] = []

    def release(text: str, _total: int) -> None:
        shown.append(text)
        Path(f"{notes}.release").touch()

    outcome = end.going.wait(RunControl(), release)
    assert shown == ["waiting\n"]
    assert (outcome.status, outcome.result, outcome.output) == (
        "success",
        "'released'",
        "waiting\n",
    )
    assert noted(notes) == [10, 11]
    assert statuses(run_batch(pool, "note", "note", first_id=12).outcomes) == ["success"] * 2
    assert noted(notes) == [10, 11, 12, 13]


@IMPATIENT
def test_a_run_that_takes_longer_can_be_cancelled(pool: ExecutorPool, notes: Path) -> None:
    end = run_batch(pool, "wait_for_release", "note")
    assert end.going is not None
    control = RunControl()
    control.cancel()
    assert end.going.wait(control, lambda *_: None).status == "cancelled"
    assert noted(notes) == [10]


@IMPATIENT
def test_a_time_out_counts_also_in_a_batch(pool: ExecutorPool, notes: Path) -> None:
    calls = [
        make_call("quick:note", run_id=10),
        make_call("quick:wait_for_release", run_id=11, timeout_seconds=0.2),
    ]
    end = hand_over(pool, calls)
    assert end.going is not None
    outcome = end.going.wait(RunControl(), lambda *_: None)
    assert (outcome.status, outcome.reason) == ("timeout", "it ran longer than 0.2 s")


@IMPATIENT
def test_what_is_abandoned_is_killed(pool: ExecutorPool) -> None:
    end = run_batch(pool, "wait_for_release", "note")
    assert end.going is not None
    assert pool.zygote_pid is not None
    end.going.abandon()
    assert family(pool.zygote_pid) == []


@pytest.mark.parametrize("target", ["die", "close_everything"])
def test_an_executor_that_dies_takes_one_run_with_it(
    pool: ExecutorPool, notes: Path, target: str
) -> None:
    end = run_batch(pool, "note", target, "note")
    assert statuses(end.outcomes) == ["success"]
    assert end.going is not None
    assert end.going.wait(RunControl(), lambda *_: None).status == "error"
    assert noted(notes) == [10, 11]


@pytest.mark.parametrize("patience", [0.02, 10.0])
def test_an_executor_that_was_stopped_takes_the_next_batch_or_run(
    pool: ExecutorPool, notes: Path
) -> None:
    assert pool.zygote_pid is not None
    for pid in family(pool.zygote_pid):
        os.kill(pid, signal.SIGSTOP)
    end = run_batch(pool, "note", "note")
    if end.going is not None:
        end.outcomes.append(end.going.wait(RunControl(), lambda *_: None))
    assert set(statuses(end.outcomes)) <= {"success"}
    begun = len(end.outcomes)
    assert noted(notes) == list(range(10, 10 + begun))
    assert Background(pool, "quick:note", run_id=12).outcome().status == "success"
    assert noted(notes) == [*range(10, 10 + begun), 12]


def test_an_executor_that_is_dead_begins_nothing(pool: ExecutorPool, notes: Path) -> None:
    assert pool.zygote_pid is not None
    (executor,) = family(pool.zygote_pid)
    os.kill(executor, 9)
    wait_for(lambda: family(pool.zygote_pid or 0) == [], "its death")
    assert run_batch(pool, "note", "note") == BatchEnd()
    assert noted(notes) == []
    assert run(pool, "quick:note", run_id=10).status == "success"


def test_an_executor_whose_file_was_changed_begins_nothing(
    pool: ExecutorPool, notes: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "jobs"
    folder.mkdir()
    (folder / "quick.py").write_text((FUNCTIONS / "quick.py").read_text())
    run(pool, "quick:note", run_id=1, scan_path=str(folder))
    notes.write_text("")
    (folder / "quick.py").write_text((FUNCTIONS / "quick.py").read_text() + "# changed\n")
    calls = [make_call("quick:note", run_id=run_id, scan_path=str(folder)) for run_id in (10, 11)]
    assert hand_over(pool, calls) == BatchEnd()
    assert noted(notes) == []
    assert pool.room(str(folder)) == 1


def test_a_file_that_is_edited_in_a_batch_is_live_in_it(pool: ExecutorPool, tmp_path: Path) -> None:
    file = tmp_path / "edits.py"
    file.write_text(
        "import pathlib, time, scheduler\n"
        "def work():\n"
        "    if scheduler.current_run().run_id == 10:\n"
        "        pathlib.Path(__file__).write_text('def work(): return 2')\n"
        "        time.sleep(0.01)  # longer than an executor goes without a look\n"
        "    return 1\n"
    )
    run(pool, "edits:work", run_id=1, scan_path=str(tmp_path))
    calls = [make_call("edits:work", run_id=number, scan_path=str(tmp_path)) for number in (10, 11)]
    assert [outcome.result for outcome in hand_over(pool, calls).outcomes] == ["1"]
    assert run(pool, "edits:work", run_id=11, scan_path=str(tmp_path)).result == "2"


def test_the_tally_tells_what_has_succeeded_and_what_has_not_begun(
    pool: ExecutorPool, tally_path: Path
) -> None:
    run_batch(pool, "note", "note", "fail", "note")
    assert read_tally(str(tally_path)) == Tallied(
        unbegun=((13, AT),), succeeded=((10, AT), (11, AT))
    )


def test_there_is_room_for_a_batch_only_on_a_warm_executor(pool: ExecutorPool) -> None:
    scan_path = str(FUNCTIONS)
    assert pool.room(scan_path) == 99
    assert pool.room("/another") == 1
    tally, pool.tally = pool.tally, None
    assert pool.room(scan_path) == 1, "there is none without a tally"
    assert run_batch(pool, "note", "note") == BatchEnd()
    pool.tally = tally


def test_a_batch_of_another_tally_begins_nothing(pool: ExecutorPool, notes: Path) -> None:
    calls = [make_call("quick:note", run_id=10), make_call("quick:note", run_id=11)]
    fd = os.open("/dev/null", os.O_RDWR)
    another = Tally(fd)
    end = pool.run_batch(calls, tally=another, cell=CELL, turns=[0, 1], meanwhile=lambda: None)
    assert end == BatchEnd()
    assert noted(notes) == []


@pytest.mark.parametrize("function", ["write_into_channels", "forge_an_answer"])
def test_a_run_that_writes_into_our_channel_spoils_no_outcome(
    pool: ExecutorPool, notes: Path, function: str
) -> None:
    end = run_batch(pool, "note", function, "note", "note")
    outcomes = list(end.outcomes)
    if end.going is not None:  # what it wrote may look like the end of the batch
        outcomes.append(end.going.wait(RunControl(), lambda *_: None))
    results = [one.result for one in outcomes]
    assert results == ["10", "11", "12", "13"][: len(results)]
    assert len(results) > 1
    assert noted(notes) == [10, 11, 12, 13][: len(results)]
    assert pool.room(str(FUNCTIONS)) == 1, "that executor serves no other"


def test_the_lock_of_a_worker_is_held_until_its_isolated_functions_are_dead(
    pool: ExecutorPool, tally_path: Path
) -> None:
    background = Background(pool, "endless:sleeps", isolated=True)
    background.wait_for_output("sleeping")
    for pid in family(zygote_of(pool)):
        assert str(tally_path) in {os.path.realpath(fd) for fd in Path(f"/proc/{pid}/fd").iterdir()}
