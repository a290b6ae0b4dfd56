"""The reaper: finds dead processes and gives what they ran its verdict."""

from scheduler.clock import Clock
from scheduler.config import Config
from scheduler.crashpoints import crash_point
from scheduler.db import batches, claims, finishes, processes
from scheduler.db.statements import transaction
from scheduler.logs import event
from scheduler.maintenance.liveness import Death, Watch, lock_path, remove_lock
from scheduler.maintenance.presence import run_folder
from scheduler.queue import RunQueue
from scheduler.runner.tally import Tallied, read_tally
from scheduler.wording import short_id

REMEMBER_LOST_SECONDS = 3600.0


class Reaper:
    """One observer of all processes; several may run, each death is acted on once.

    look_seconds: how often to `step`, so that a death is told in time.
    """

    def __init__(self, config: Config, *, queue: RunQueue, clock: Clock) -> None:
        self._run_folder = run_folder(config)
        self._dead_after_seconds = config.dead_after_seconds
        self._watch = Watch(self._run_folder, config.dead_after_seconds)
        self.look_seconds = self._watch.look_seconds
        self._queue = queue
        self._clock = clock

    def step(self, now: float) -> None:
        """Look at all processes once and reap the runs of those that are dead."""
        known = processes.list_processes()
        for death in self._watch.look(known, self._clock.monotonic()):
            self._reap(death, now)
        for worker_id in finishes.fetch_absent_owners(now - self._dead_after_seconds):
            lost = finishes.reap(worker_id, reason="its worker has left without it", now=now)
            self._queue.send(claims.hand_back(None, worker_id, now))
            self._send(lost)
        if any(process.state == "lost" for process in known):
            processes.forget_lost(now - REMEMBER_LOST_SECONDS)

    def _reap(self, death: Death, now: float) -> None:
        process = death.process
        what = f"{process.role} {short_id(process.id)} (pid {process.pid} on {process.host})"
        # However it died: nobody is declared dead before the lease has killed the executors.
        tallied = Tallied()
        if self._run_folder is not None:
            tallied = read_tally(lock_path(self._run_folder, process.id))
        # In one transaction: whatever is claimed by the dead after this is refused.
        with transaction():
            if not processes.mark_lost(process.id, death.reason, process.beat):
                return
            settled = batches.settle(tallied, process.id, now)
            lost = finishes.reap(process.id, reason=f"{what}: {death.reason}", now=now)
            unstarted = claims.hand_back(None, process.id, now)
        crash_point("reap.committed")
        event("process.lost", "warning", process=what, reason=death.reason, runs=len(lost))
        remove_lock(self._run_folder, process.id)
        self._queue.send(settled + unstarted)
        self._send(lost)

    def _send(self, lost: list[finishes.Finished]) -> None:
        self._queue.send([message for finished in lost for message in finished.messages])
