"""Runs functions on their grid for a while and tells how late they ran, and which not or twice."""

import math
import time
from collections.abc import Iterable
from dataclasses import dataclass

from tests.bench.functions import Functions
from tests.bench.journal import Note, read_notes
from tests.bench.measuring import milliseconds, percentile
from tests.bench.peer import Peer, sleep_until
from tests.bench.workload import Measure, Numbers
from tests.process.service import Service, wait_for

_OPEN = "SELECT 1 FROM run_logs WHERE status IN ('queued', 'running') AND scheduled_for < ?"
TAIL_SECONDS = 1.0  # how long the last slots of a window may take before they count as missed


@dataclass(frozen=True, slots=True)
class Window:
    """The slots in [begin_at, end_at) count; both lie half a millisecond before a second."""

    begin_at: float
    end_at: float

    @classmethod
    def after(cls, settle_seconds: float, seconds: float) -> "Window":
        """Return a window of whole seconds that begins when things have settled."""
        begin_at = math.ceil(time.time() + settle_seconds) - 0.0005
        return cls(begin_at, begin_at + seconds)

    def expected(self, functions: Functions) -> int:
        """Return how many slots the functions have in it."""
        return sum(
            _points(functions, number, self.end_at) - _points(functions, number, self.begin_at)
            for number in range(functions.count)
        )


def lateness_measures(
    part: str, *, p50_ms: float | None, p99_ms: float, times_peer: float | None
) -> tuple[Measure, ...]:
    """Return the measures that `our_numbers` and `peer_numbers` fill for one part of a workload."""
    return (
        Measure(f"{part}lateness p50", "ms", at_most=p50_ms),
        Measure(f"{part}lateness p99", "ms", at_most=p99_ms),
        Measure(f"{part}lateness seen by the code p50", "ms", at_most=p50_ms),
        Measure(f"{part}lateness seen by the code p99", "ms", p99_ms, times_peer=times_peer),
        Measure(f"{part}missed", "slots", at_most=0, is_exact=True),
        Measure(f"{part}double", "runs", at_most=0, is_exact=True),
    )


def our_numbers(service: Service, functions: Functions, window: Window, part: str) -> Numbers:
    """Wait for the window's end and return what rows and notes say about its slots."""
    sleep_until(window.end_at)
    _wait_closed(service, window)
    rows = service.rows(
        "SELECT started_at - scheduled_for FROM run_logs WHERE started_at IS NOT NULL "
        "AND scheduled_for >= ? AND scheduled_for < ?",
        window.begin_at,
        window.end_at,
    )
    late = [seconds for (seconds,) in rows]
    notes = read_notes(service.folder / "journal", window.begin_at, window.end_at)
    return {
        f"{part}lateness p50": milliseconds(percentile(late, 0.5)),
        f"{part}lateness p99": milliseconds(percentile(late, 0.99)),
        **_code_numbers(notes, window.expected(functions), part),
    }


def peer_numbers(peer: Peer, functions: Functions, window: Window, part: str) -> Numbers:
    """Wait for the window's end and return what the notes say about its slots."""
    sleep_until(window.end_at + TAIL_SECONDS)
    notes = read_notes(peer.journal, window.begin_at, window.end_at)
    return _code_numbers(notes, window.expected(functions), part)


def _code_numbers(notes: Iterable[Note], expected: int, part: str) -> Numbers:
    late = [note.seen_at - note.slot_at for note in notes]
    seen = {(note.number, round(note.slot_at, 3)) for note in notes}
    return {
        f"{part}lateness seen by the code p50": milliseconds(percentile(late, 0.5)),
        f"{part}lateness seen by the code p99": milliseconds(percentile(late, 0.99)),
        f"{part}missed": expected - len(seen),
        f"{part}double": len(late) - len(seen),
    }


def _points(functions: Functions, number: int, until: float) -> int:
    """Return how many points of a function's grid lie between its first and `until`."""
    first_at = functions.first_at + number * functions.step_seconds
    return max(math.ceil((until - first_at) / functions.interval_seconds), 0)


def _wait_closed(service: Service, window: Window) -> None:
    time.sleep(TAIL_SECONDS)
    wait_for(
        lambda: not service.rows(_OPEN, window.end_at),
        f"the window's last runs; log:\n{service.read_log()}",
    )
