"""Results as a Markdown table for people and as JSON for programs."""

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.bench.workload import Measure, Numbers, Workload

_HEAD = ("", "measured", "median", "range", "required", "", "peer", "better", "required", "")
_OURS = 6  # the columns without a peer
_MARKS = {True: "met", False: "MISSED", None: ""}


@dataclass
class Result:
    """The runs of one workload, ours and the peer's."""

    workload: Workload
    ours: list[Numbers] = field(default_factory=list)
    peers: list[Numbers] = field(default_factory=list)

    def lines(self) -> list["Line"]:
        """Return one line for each measure that was taken."""
        return [
            Line(self.workload.name, measure, _values(self.ours, measure), values_of_peer)
            for measure in self.workload.measures
            if _values(self.ours, measure)
            for values_of_peer in [_values(self.peers, measure)]
        ]


@dataclass(frozen=True)
class Line:
    """One measure of one workload; `peers` is empty without a peer."""

    workload: str
    measure: Measure
    values: Sequence[float]
    peers: Sequence[float]

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def peer_median(self) -> float | None:
        return statistics.median(self.peers) if self.peers else None

    @property
    def ratio(self) -> float | None:
        """How many times better than the peer."""
        if self.peer_median is None:
            return None
        return self.measure.ratio(self.median, self.peer_median)

    @property
    def is_met(self) -> bool | None:
        """Whether the median reaches the bound; a count of faults must in every run."""
        value = max(self.values) if self.measure.is_exact else self.median
        return self.measure.is_met(value)

    @property
    def is_ratio_met(self) -> bool | None:
        if self.ratio is None or self.measure.times_peer is None:
            return None
        return self.ratio >= self.measure.times_peer

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values."""
        return {
            "workload": self.workload,
            "measure": self.measure.name,
            "unit": self.measure.unit,
            "runs": list(self.values),
            "median": self.median,
            "at_most": self.measure.at_most,
            "at_least": self.measure.at_least,
            "is_met": self.is_met,
            "peer_runs": list(self.peers),
            "peer_median": self.peer_median,
            "times_better": self.ratio,
            "times_better_at_least": self.measure.times_peer,
            "is_ratio_met": self.is_ratio_met,
        }


def format_head(machine: dict[str, str]) -> str:
    """Return the facts about the machine as a Markdown list."""
    return "\n".join(f"- {name}: {text}" for name, text in machine.items())


def format_table(results: Iterable[Result]) -> str:
    """Return one Markdown table, aligned, so that it reads well as plain text too."""
    rows: list[tuple[str, ...]] = [_HEAD]
    for result in results:
        rows += [_row(line) for line in result.lines()]
    if not any(line.peers for result in results for line in result.lines()):
        rows = [row[:_OURS] for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [_join(row, widths) for row in rows]
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([lines[0], rule, *lines[1:]])


def to_json(
    machine: dict[str, str], settings: dict[str, Any], results: Iterable[Result]
) -> dict[str, Any]:
    """Return the whole report as plain values."""
    return {
        "machine": machine,
        "settings": settings,
        "results": [line.to_dict() for result in results for line in result.lines()],
    }


def _values(runs: Iterable[Numbers], measure: Measure) -> list[float]:
    return [numbers[measure.name] for numbers in runs if measure.name in numbers]


def _row(line: Line) -> tuple[str, ...]:
    measure = line.measure
    low, high = _number(min(line.values)), _number(max(line.values))
    return (
        line.workload,
        measure.name,
        f"{_number(line.median)} {measure.unit}",
        low if low == high else f"{low} to {high}",
        _bound(measure),
        _MARKS[line.is_met],
        "" if line.peer_median is None else _number(line.peer_median),
        "" if line.ratio is None else f"{line.ratio:.3g}x",
        "" if measure.times_peer is None or not line.peers else f"≥ {measure.times_peer:g}x",
        _MARKS[line.is_ratio_met],
    )


def _bound(measure: Measure) -> str:
    if measure.at_most is not None:
        return f"≤ {_number(measure.at_most)}"
    return "" if measure.at_least is None else f"≥ {_number(measure.at_least)}"


def _number(value: float) -> str:
    if math.isnan(value):
        return "none"  # of nothing there is no percentile
    if value == int(value) or abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) < 100 else f"{value:.0f}"


def _join(row: Sequence[str], widths: Sequence[int]) -> str:
    cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
    return "| " + " | ".join(cells) + " |"
