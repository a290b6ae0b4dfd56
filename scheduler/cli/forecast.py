"""The coming slots of each function and where its runs would meet: the arithmetic of `plan`."""

from collections.abc import Iterator
from dataclasses import dataclass
from heapq import heappop, heappush, merge

from scheduler.db.report_rows import FunctionReport
from scheduler.errors import ScheduleError
from scheduler.triggers import Trigger, build_trigger

# What happens to a slot that comes while the run before still goes.
_CONSEQUENCE = {
    "skip": "skipped",
    "queue": "waits",
    "allow": "runs beside it",
    "replace": "replaces it",
}


@dataclass(frozen=True, slots=True)
class Fire:
    """One coming slot. `meets`: what becomes of it if the run before still goes, else None."""

    at: float
    name: str
    expected_seconds: float | None
    meets: str | None


@dataclass(frozen=True, slots=True)
class Forecast:
    """A function's slots in the window: how many, and how long a run is expected to take."""

    function: FunctionReport
    trigger: Trigger
    first_at: float
    until: float
    expected_seconds: float | None

    @property
    def count(self) -> int:
        """How many slots there are."""
        return self.trigger.count(self.first_at, self.until)

    @property
    def meets_itself(self) -> bool:
        """Whether a run is expected to go on beyond the next slot."""
        following = self.trigger.next_after(self.first_at)
        return (
            self.expected_seconds is not None
            and following is not None
            and any(fire.meets for fire in _first(self.fires(), 1000))
        )

    def fires(self) -> Iterator[Fire]:
        """Yield the slots in order, with the runs played through as the overlap policy has it."""
        takes = self.expected_seconds
        free_at = self.first_at
        for slot in self.trigger.between(self.first_at, self.until):
            is_free = slot >= free_at
            meets = None if is_free else _CONSEQUENCE[self.function.overlap]
            yield Fire(slot, self.function.name, takes, meets)
            if takes is not None:
                free_at = _free_after(self.function.overlap, slot, free_at, takes)


def forecast(
    functions: list[FunctionReport], measured: dict[int, float], *, now: float, until: float
) -> list[Forecast]:
    """Return the forecasts of what will run in (now, until], in the order of the names."""
    found = []
    for function in functions:
        first_at = function.next_run_at
        if function.state != "active" or not function.enabled or first_at is None:
            continue
        try:
            trigger = build_trigger(
                interval_seconds=function.interval_seconds,
                anchor_at=function.anchor_at,
                cron=function.cron,
                timezone=function.timezone,
            )
        except ScheduleError:
            continue  # the scan reports it
        # What is overdue becomes one run, now.
        start = first_at if first_at > now else trigger.latest_until(now) or first_at
        if start <= until:
            found.append(Forecast(function, trigger, start, until, measured.get(function.id)))
    return found


def in_order(forecasts: list[Forecast]) -> Iterator[Fire]:
    """Yield the slots of all functions by time."""
    return merge(*(f.fires() for f in forecasts), key=lambda fire: (fire.at, fire.name))


def busiest(fires: Iterator[Fire]) -> tuple[int, float]:
    """Return how many runs are expected at once at the most, and when that begins.

    A run that was never measured counts for an instant.
    """
    most, when = 0, 0.0
    ends: list[float] = []
    for fire in fires:
        while ends and ends[0] <= fire.at:
            heappop(ends)
        if fire.meets in {"skipped", "waits"}:
            continue
        heappush(ends, fire.at + (fire.expected_seconds or 0.0))
        if len(ends) > most:
            most, when = len(ends), fire.at
    return most, when


def _free_after(overlap: str, slot: float, free_at: float, takes: float) -> float:
    if slot >= free_at or overlap in {"allow", "replace"}:
        return slot + takes
    if overlap == "queue" and free_at - slot <= takes:
        return free_at + takes  # one may wait, and goes next
    return free_at


def _first(fires: Iterator[Fire], limit: int) -> Iterator[Fire]:
    for _, fire in zip(range(limit), fires, strict=False):
        yield fire
