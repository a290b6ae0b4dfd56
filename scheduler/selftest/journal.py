"""What the functions of a selftest write about themselves: one fsynced JSON line for each fact."""

import json
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Entry:
    """One fact. what: start, alive, success or error; `at` in UTC epoch seconds."""

    what: str
    name: str
    run_id: int
    slot: float
    attempt: int
    pid: int
    at: float


def read_journal(path: Path) -> list[Entry]:
    """Return all facts of a journal in the order they were written; empty without a file.

    A line that a kill cut off says nothing; the next writer begins a line of its own.
    """
    if not path.exists():
        return []
    entries = []
    for line in path.read_bytes().splitlines():
        try:
            entries.append(Entry(**json.loads(line)))
        except (ValueError, TypeError):
            continue
    return entries
