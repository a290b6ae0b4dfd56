"""The poller: it reads no more than it must, never dies, and backs off while it cannot read."""

import threading
from collections.abc import Callable, Iterable
from dataclasses import replace

import pytest

from scheduler.db.console_connection import ConsoleError, LockedError
from scheduler.db.console_rows import Counts, FunctionDetails, Mark, Overview, RunDetails, RunPage
from scheduler.db.console_stats import FunctionStats
from scheduler.testing import SettableClock
from scheduler.tui.poller import BACKOFF_SECONDS, Lookout, Poller
from scheduler.tui.snapshot import Interest, Snapshot, Trouble, Window

HERE = Interest(visible=(1, 2), recent=Window())
STATS = FunctionStats({}, None, None, None, (0,))


class FakeReader:
    """Counts what is read."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.changes = False
        self.error: Exception | None = None

    def close(self) -> None:
        self.calls.append("close")

    def has_changed(self) -> bool:
        if self.error:
            raise self.error
        changes, self.changes = self.changes, False
        return changes

    def overview(self, now: float, *, is_quick: bool) -> Overview:
        self.calls.append("quick overview" if is_quick else "overview")
        return Overview(now, counts=None if is_quick else Counts())

    def recount(self, overview: Overview, now: float) -> Overview:
        self.calls.append("counts")
        return replace(overview, taken_at=now, counts=Counts())

    def histories(self, function_ids: Iterable[int]) -> dict[int, tuple[Mark, ...]]:
        ids = list(function_ids)
        self.calls += [f"history {function_id}" for function_id in ids]
        return dict.fromkeys(ids, ())

    def details(self, function_ids: Iterable[int]) -> dict[int, FunctionDetails]:
        return {}

    def run_page(
        self,
        *,
        function_id: int | None,
        around_id: int | None,
        is_oldest: bool,
        is_failing: bool,
    ) -> RunPage:
        self.calls.append(f"page {function_id} {around_id}")
        return RunPage()

    def run(self, run_id: int) -> RunDetails | None:
        self.calls.append(f"run {run_id}")
        return None

    def stats(self, function_id: int, now: float) -> FunctionStats:
        self.calls.append(f"stats {function_id}")
        return STATS


class Watched:
    """A lookout with its fakes."""

    def __init__(self) -> None:
        self.reader, self.clock = FakeReader(), SettableClock()
        self.lookout = Lookout(self.reader, self.clock, disk_free=lambda: 0.5)

    def look(self, interest: Interest, *, is_due: bool = True) -> list[str]:
        """Look once; return what was read."""
        self.reader.calls.clear()
        self.lookout.look(interest, is_due=is_due)
        return list(self.reader.calls)


@pytest.fixture
def watched() -> Watched:
    watched = Watched()
    watched.look(HERE)
    watched.look(HERE)
    return watched


def test_the_first_look_is_quick_and_the_second_counts() -> None:
    watched = Watched()
    rest = ["history 1", "history 2", "page None None"]
    assert watched.look(HERE) == ["quick overview", *rest]
    assert watched.look(HERE) == ["counts"]


def test_while_nobody_writes_nothing_is_read_again(watched: Watched) -> None:
    assert watched.look(HERE) == []


def test_the_snapshot_is_fresh_though_nothing_was_read(watched: Watched) -> None:
    watched.clock.advance(5)
    assert watched.lookout.look(HERE, is_due=True).read_at == watched.clock.now()


def test_a_commit_of_somebody_else_makes_all_of_it_old(watched: Watched) -> None:
    watched.reader.changes = True
    assert watched.look(HERE) == ["overview", "history 1", "history 2", "page None None"]
    assert watched.look(HERE) == []


def test_a_commit_waits_for_the_next_due_look(watched: Watched) -> None:
    watched.reader.changes = True
    assert watched.look(HERE, is_due=False) == []
    assert watched.look(HERE)[0] == "overview"


def test_the_counts_are_read_again_after_a_while_though_nobody_writes(watched: Watched) -> None:
    watched.clock.advance(31)
    assert watched.look(HERE) == ["counts"]
    assert watched.look(HERE) == []


def test_scrolling_reads_only_the_rows_that_are_new(watched: Watched) -> None:
    assert watched.look(Interest(visible=(2, 3), recent=Window()), is_due=False) == ["history 3"]


def test_another_window_of_runs_is_read_at_once(watched: Watched) -> None:
    other = Interest(visible=(1, 2), recent=Window(around_id=7))
    assert watched.look(other, is_due=False) == ["page None 7"]


def test_opening_details_reads_the_details_only(watched: Watched) -> None:
    details = Interest(visible=(1,), function_id=1, function_runs=Window(function_id=1), run_id=9)
    assert watched.look(details, is_due=False) == ["page 1 None", "stats 1", "run 9"]
    assert watched.look(details) == []


def test_statistics_are_measured_every_five_seconds_at_most(watched: Watched) -> None:
    details = Interest(function_id=1)
    watched.look(details)
    watched.reader.changes = True
    assert "stats 1" not in watched.look(details)
    watched.clock.advance(6)
    assert "stats 1" in watched.look(details)


def test_after_a_failure_everything_is_read_again(watched: Watched) -> None:
    watched.reader.error = LockedError("locked")
    with pytest.raises(ConsoleError):
        watched.lookout.look(HERE, is_due=True)
    watched.reader.error = None
    assert watched.look(HERE)[0] == "quick overview"


class Posted:
    """Collects what a poller posts and lets a test wait for it."""

    def __init__(self) -> None:
        self.reports: list[Snapshot | Trouble] = []
        self._news = threading.Condition()

    def __call__(self, report: Snapshot | Trouble) -> None:
        with self._news:
            self.reports.append(report)
            self._news.notify_all()

    def wait_for(self, holds: Callable[[list[Snapshot | Trouble]], bool]) -> None:
        with self._news:
            assert self._news.wait_for(lambda: holds(self.reports), timeout=10), self.reports


def _poller(reader: FakeReader, posted: Posted, clock: SettableClock | None = None) -> Poller:
    clock = clock or SettableClock()
    lookout = Lookout(reader, clock, disk_free=lambda: None)
    return Poller(lookout, reader.close, posted, interval_seconds=60.0, clock=clock)


def test_a_new_interest_is_looked_at_at_once() -> None:
    reader, posted = FakeReader(), Posted()
    poller = _poller(reader, posted)
    poller.start()
    posted.wait_for(lambda reports: len(reports) == 2)
    poller.want(Interest(visible=(5,)))
    posted.wait_for(lambda reports: len(reports) == 3)
    poller.stop()
    assert "history 5" in reader.calls
    assert reader.calls[-1] == "close"


def test_whoever_scrolls_all_the_time_sees_what_is_new_when_it_is_due() -> None:
    reader, posted, clock = FakeReader(), Posted(), SettableClock()
    poller = _poller(reader, posted, clock)
    poller.start()
    posted.wait_for(lambda reports: len(reports) == 2)
    reader.changes = True
    for row in range(1, 4):
        poller.want(Interest(visible=(row,)))
        posted.wait_for(lambda reports, row=row: len(reports) == 2 + row)  # type: ignore[misc]
        clock.advance(25)
    assert reader.calls.count("overview") == 0
    poller.want(Interest(visible=(4,)))
    posted.wait_for(lambda reports: len(reports) == 6)
    poller.stop()
    assert reader.calls.count("overview") == 1


def test_the_same_interest_wakes_nobody() -> None:
    reader, posted = FakeReader(), Posted()
    poller = _poller(reader, posted)
    poller.start()
    posted.wait_for(lambda reports: len(reports) == 2)
    poller.want(Interest())
    poller.want(Interest(run_id=1))
    posted.wait_for(lambda reports: len(reports) == 3)
    poller.stop()
    assert len(posted.reports) == 3


@pytest.mark.parametrize("error", [LockedError("locked"), ZeroDivisionError("a fault of ours")])
def test_the_thread_outlives_every_failure_and_tells_it(error: Exception) -> None:
    reader, posted = FakeReader(), Posted()
    reader.error = error
    poller = _poller(reader, posted)
    poller.start()
    posted.wait_for(lambda reports: isinstance(reports[-1], Trouble) if reports else False)
    reader.error = None
    poller.refresh()
    posted.wait_for(lambda reports: isinstance(reports[-1], Snapshot))
    poller.stop()


def test_the_back_off_grows_from_half_a_second_to_ten() -> None:
    pauses = [Poller._backoff(failures) for failures in range(1, 9)]
    assert pauses == [*BACKOFF_SECONDS, 10.0, 10.0, 10.0]
    assert (pauses[0], max(pauses)) == (0.5, 10.0)
