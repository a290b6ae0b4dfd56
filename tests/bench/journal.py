"""Where user code notes by itself when it ran; the same for our functions and the peer's."""

import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Note:
    """A function's own view of one call: its number, the slot it ran for, the time it saw."""

    number: int
    slot_at: float
    seen_at: float


def note(path: str, number: int, slot_at: float) -> None:
    """Append one line with the time now; short lines do not mix."""
    seen_at = time.time()
    with open(path, "a") as journal:
        journal.write(f"{number} {slot_at!r} {seen_at!r}\n")


def read_notes(path: Path, begin_at: float, end_at: float) -> list[Note]:
    """Return the notes about slots in [begin_at, end_at)."""
    notes = [_parse(line) for line in path.read_text().splitlines()]
    return [found for found in notes if begin_at <= found.slot_at < end_at]


def _parse(line: str) -> Note:
    number, slot_at, seen_at = line.split()
    return Note(int(number), float(slot_at), float(seen_at))
