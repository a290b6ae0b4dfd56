"""Sees to it that a worker has a living zygote, which knows the lease, and forks from it."""

import threading
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress

from scheduler.errors import ZygoteGoneError
from scheduler.executor.child import ForkRefusedError
from scheduler.executor.client import Zygote
from scheduler.executor.guards import kill_orphans
from scheduler.executor.lease import Lease
from scheduler.executor.newborn import TARGETS
from scheduler.executor.process import ExecutorProcess
from scheduler.logs import event


class Zygotes:
    """One zygote at a time; thread-safe."""

    def __init__(self, preload: Sequence[str], lease: Lease) -> None:
        self._preload = (TARGETS["executor"], TARGETS["stem"], *preload)
        self._lease = lease
        self._lock = threading.Lock()
        self._ready_lock = threading.Lock()
        self.is_closed = False
        self.imports: frozenset[str] = frozenset()  # common modules that some runs have needed
        self.current: Zygote | None = None  # the one started last

    def living(self) -> Zygote:
        """Return a zygote that can fork, waiting until it has loaded; raises ZygoteGoneError."""
        zygote = self.spawned()
        self._wait_ready(zygote)
        return zygote

    def spawned(self) -> Zygote:
        """Return a zygote that lives, but may still load: heartbeats and verdicts do not wait.

        Raises ZygoteGoneError.
        """
        with self._lock:
            if self.is_closed:
                raise ZygoteGoneError("The worker has stopped")
            if self.current is not None and self.current.is_alive():
                return self.current
            if self.current is not None:
                self.current.stop()
                kill_orphans()
            zygote = Zygote(preload=(*self._preload, *sorted(self.imports)), lease=self._lease)
            zygote.spawn()
            self.current = zygote
        # Somebody waits for it, if no run does: one that never gets ready is given up.
        with suppress(RuntimeError):  # no room for a thread: then the next run does
            threading.Thread(target=self._attend, args=(zygote,), daemon=True).start()
        return zygote

    def fork(self, fork_from: Callable[[Zygote], ExecutorProcess]) -> ExecutorProcess:
        """Fork an executor from the living zygote, or from a new one if that dies at it.

        Raises ZygoteGoneError, or ForkRefusedError where a zygote lives and does not fork.
        """
        try:
            return self._fork_once(fork_from)
        except ForkRefusedError:
            raise
        except ZygoteGoneError:  # nothing was begun, so one more try with a new one is safe
            return self._fork_once(fork_from)

    def replace_that_of(self, executor: ExecutorProcess) -> None:
        """Kill what a dead zygote left to us before the verdict lets a retry begin."""
        executor.bury_zygote()
        with suppress(ZygoteGoneError, OSError):
            self.spawned()

    def note_imports(self, names: Collection[str]) -> None:
        """Have modules imported ahead, of the common ones, for what is forked from now on."""
        if not self.imports.issuperset(names):
            with self._lock:
                self.imports = self.imports.union(names)

    def ping(self, at: float) -> None:
        """Tell the zygote, started again if it is dead, since when the lease lasts."""
        with suppress(ZygoteGoneError, OSError):  # the next ping or run tries again
            zygote = self.spawned()
            if zygote.is_ready:  # one that still loads is told when it has
                zygote.ping(at)

    def close(self) -> None:
        """Have the zygote kill all it forked and end; no other is started."""
        with self._lock:
            self.is_closed = True
            zygote, self.current = self.current, None
        if zygote is not None:
            zygote.stop()
            kill_orphans()

    def _fork_once(self, fork_from: Callable[[Zygote], ExecutorProcess]) -> ExecutorProcess:
        zygote = self.living()
        try:
            return fork_from(zygote)
        except ForkRefusedError:
            raise
        except ZygoteGoneError:
            zygote.stop()
            raise

    def _attend(self, zygote: Zygote) -> None:
        with suppress(ZygoteGoneError):
            self._wait_ready(zygote)

    def _wait_ready(self, zygote: Zygote) -> None:
        with self._ready_lock:  # so that who is not the first finds said what there is to say
            if zygote.wait_ready():
                zygote.ping(self._lease.renewed_at)
                for module, fault in zygote.unloadable.items():
                    event("preload.failed", "warning", module=module, error=fault)
