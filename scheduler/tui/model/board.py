"""The functions of one snapshot with their states, ordered and filtered."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, NamedTuple

from scheduler.db.console_rows import FunctionRow, Overview, Queued, RunRow
from scheduler.statuses import FAILED
from scheduler.tui.look import Look
from scheduler.tui.model.states import LATE, State, function_state, late_at

_NEVER = float("inf")
_VALID_UNTIL = attrgetter("valid_until")


class Entry(NamedTuple):
    """One function with what is going on with it; `valid_until`: then the time makes it late."""

    function: FunctionRow
    state: State
    running: tuple[RunRow, ...]
    queued: Queued | None
    valid_until: float


@dataclass(frozen=True, slots=True)
class Sort:
    """One order of the functions; `column` is where its arrow stands."""

    name: str
    column: str
    key: Callable[[Entry], Any]


SORTS = (
    Sort("attention", "STATE", lambda entry: entry.state.rank),
    Sort("name", "FUNCTION", lambda entry: entry.function.name),
    Sort("file", "FILE", lambda entry: (entry.function.module_path, entry.function.line)),
    Sort("every", "EVERY", lambda entry: _or_never(entry.function.interval_seconds)),
    Sort("next run", "NEXT RUN", lambda entry: _or_never(entry.function.next_run_at)),
    Sort("last run", "LAST RUN", lambda entry: -(entry.function.last_started_at or 0.0)),
    Sort("slowest", "TOOK", lambda entry: -(entry.function.last_duration_seconds or 0.0)),
)


def next_sort(sort: Sort) -> Sort:
    """Return the order after this one, the first after the last."""
    return SORTS[(SORTS.index(sort) + 1) % len(SORTS)]


class Board:
    """All functions of an overview at one moment, by id, in the order of their names.

    `late_count`, `latest`: how many functions are late, and the one that is due for longest.
    `valid_until`: when the first of them changes its state by the mere passing of time. A board
    made from the one before it takes over the entries that did not change: of 20,000 nearly all.
    """

    def __init__(self, overview: Overview, look: Look, *, before: "Board | None" = None) -> None:
        self._functions = overview.functions
        running: defaultdict[int, list[RunRow]] = defaultdict(list)
        for run in overview.running:
            running[run.function_id].append(run)
        self._busy = running.keys() | overview.queued.keys()
        self.entries: dict[int, Entry] = {}
        self.longest_name = self.longest_file = 0
        again = before._stale(self, look.as_of) if before else None
        if before and again is not None:
            self.entries = before.entries.copy()
            self.longest_name, self.longest_file = before.longest_name, before.longest_file
        else:
            again = overview.functions
            self.longest_name = max((len(f.name) for f in again), default=0)
            self.longest_file = max((len(f.module_path) for f in again), default=0)
        for function in again:
            runs, queued = running.get(function.id, ()), overview.queued.get(function.id)
            self.entries[function.id] = _entry(function, tuple(runs), queued, look)
        self.valid_until = min(map(_VALID_UNTIL, self.entries.values()), default=_NEVER)
        late = [entry.function for entry in self.entries.values() if entry.state is LATE]
        self.late_count = len(late)
        self.latest = min(late, key=lambda row: _or_never(row.next_run_at), default=None)

    def _stale(self, after: "Board", now: float) -> Sequence[FunctionRow] | None:
        """Return the functions whose entries the next board must make anew, None for all.

        Those that changed, those that were or are busy, and those that have become late.
        """
        pairs = list(zip(self._functions, after._functions, strict=False))
        if not len(pairs) == len(self._functions) == len(after._functions):
            return None
        changed = {new.id: new for old, new in pairs if new is not old}
        known = self.entries
        if any(
            key not in known or not _is_alike(known[key].function, changed[key]) for key in changed
        ):
            return None
        due = {entry.function.id for entry in known.values() if entry.valid_until <= now}
        ids = changed.keys() | due | ((self._busy | after._busy) & known.keys())
        return [changed.get(key) or known[key].function for key in ids]

    def name(self, function_id: int) -> str:
        """Return a function's name, a placeholder when it is not known yet."""
        entry = self.entries.get(function_id)
        return entry.function.name if entry else f"function {function_id}"

    def ordered(
        self, sort: Sort, *, is_reversed: bool, text: str = "", failing: bool = False
    ) -> list[int]:
        """Return the ids of the functions that pass the filter, in order."""
        needle = text.casefold()
        chosen = [
            entry
            for entry in self.entries.values()
            if (not failing or is_failing(entry)) and (not needle or _matches(entry, needle))
        ]
        # The sort is stable and begins with the order of names: rows of equal worth never swap.
        chosen.sort(key=sort.key, reverse=is_reversed)
        return [entry.function.id for entry in chosen]


def is_failing(entry: Entry) -> bool:
    """Tell whether the function's last run failed and it still matters."""
    return entry.state.rank <= 1 and entry.function.last_status in FAILED


def _is_alike(old: FunctionRow, new: FunctionRow) -> bool:
    """Tell whether a changed function keeps its place, and the widths of the columns."""
    return (old.name, old.module_path) == (new.name, new.module_path)


def _entry(
    function: FunctionRow, running: tuple[RunRow, ...], queued: Queued | None, look: Look
) -> Entry:
    at = late_at(function)
    state = function_state(function, running, queued, is_late=look.as_of > at)
    return Entry(function, state, running, queued, at if at >= look.as_of else _NEVER)


def _matches(entry: Entry, needle: str) -> bool:
    function = entry.function
    return (
        needle in function.name.casefold()
        or needle in function.module_path.casefold()
        or needle in entry.state.word.casefold()
    )


def _or_never(value: float | None) -> float:
    return _NEVER if value is None else value
