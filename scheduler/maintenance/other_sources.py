"""Which workers run other files than the scan saw, in words."""

from collections import Counter
from collections.abc import Iterator, Sequence

from scheduler.db.deviation import Deviation

REMEDY = "bring the same files to all hosts"


def other_sources(deviations: Sequence[Deviation]) -> Iterator[str]:
    """Say of each such worker which function it is, one as an example when there are more."""
    by_worker = Counter(found.worker for found in deviations)
    for worker, count in by_worker.items():
        example = next(found.name for found in deviations if found.worker == worker)
        others = f" and {count - 1} more" if count > 1 else ""
        yield f"{worker} runs another version of {example}{others} than the scan saw"
