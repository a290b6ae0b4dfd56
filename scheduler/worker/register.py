"""The register: which runs are in the slots of this worker now, and whose they are."""

import threading

from scheduler.db.claims import ClaimedRun
from scheduler.executor.control import RunControl
from scheduler.worker.held import Held


class Register:
    """Thread-safe. A run is held before it starts and let go after its verdict."""

    def __init__(self) -> None:
        self.worker_id = ""
        self._lock = threading.Lock()
        self._held: dict[int, Held] = {}
        self._doubts: set[int] = set()  # runs whose start failed, perhaps after its commit

    def hold(self, run_id: int, supplied: ClaimedRun | None = None) -> Held | None:
        """Register a run; None if a slot of this worker has it already."""
        with self._lock:
            if run_id in self._held:
                return None
            held = self._held[run_id] = Held(run_id, self.worker_id, supplied)
            return held

    def let_go(self, held: Held) -> None:
        """Forget a run."""
        with self._lock:
            del self._held[held.run_id]

    def doubt(self, held: Held) -> None:
        """Remember, before it is let go, that it has not begun: its start may be on record."""
        held.started = None
        self._doubts.add(held.run_id)

    def trust(self, held: Held) -> None:
        """Its start is on record, and it begins now."""
        self._doubts.discard(held.run_id)

    def is_in_doubt(self, run_id: int) -> bool:
        """Tell whether a run that no slot holds has not begun, whatever its row says."""
        return run_id in self._doubts

    def controls(self) -> dict[int, RunControl]:
        """Return the controls of the runs that are in a slot now, by run id."""
        with self._lock:
            return {run_id: held.control for run_id, held in self._held.items()}

    def work_as(self, worker_id: str) -> list[Held]:
        """Hold under another id from now on; returns what is held under an old one."""
        with self._lock:
            self.worker_id = worker_id
            return [held for held in self._held.values() if held.worker_id != worker_id]
