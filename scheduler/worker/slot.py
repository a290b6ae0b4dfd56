"""The slots of a worker: what they share, and what its heartbeat asks of them."""

from scheduler.clock import Clock
from scheduler.config import Config
from scheduler.doorbell import Bell
from scheduler.executor.control import RunControl
from scheduler.executor.pool import ExecutorPool
from scheduler.queue import RunQueue
from scheduler.stopping import StopSignal
from scheduler.worker.calls import Calls
from scheduler.worker.cells import Cells
from scheduler.worker.intake import Intake
from scheduler.worker.lookout import Lookout
from scheduler.worker.register import Register
from scheduler.worker.shift import Shift
from scheduler.worker.supply import Supply


class Slots:
    """The work that all slots of a worker share; N threads call `execute` and `help_out`.

    A slot works off one run after another. While many short ones wait it takes a batch of them:
    started in one commit, handed to one executor, finished in one commit. What of it did not begin,
    because a run took longer than expected, it takes back.
    """

    def __init__(
        self,
        config: Config,
        *,
        pool: ExecutorPool,
        queue: RunQueue,
        lookout: Lookout,
        ticker_bell: Bell,
        stop: StopSignal,
        clock: Clock,
    ) -> None:
        self._pool = pool
        self._ticker_bell = ticker_bell
        self._stop = stop
        self._clock = clock
        self._register = Register()
        self._cells = Cells()
        self._calls = Calls(config)
        self._supply = Supply(queue, clock)
        self._intake = Intake(
            queue=queue,
            supply=self._supply,
            lookout=lookout,
            pool=pool,
            register=self._register,
            calls=self._calls,
            stop=stop,
            clock=clock,
        )

    def execute(self, run_id: int) -> None:
        """Run queued attempts to their verdicts, this one first, until the queue is empty."""
        self._work(run_id)

    def help_out(self) -> None:
        """Run what another slot has claimed and left, or what waits, until the queue is empty."""
        self._work(None)

    def _work(self, run_id: int | None) -> None:
        with self._cells.lend() as cells:
            Shift(
                pool=self._pool,
                intake=self._intake,
                register=self._register,
                calls=self._calls,
                ticker_bell=self._ticker_bell,
                stop=self._stop,
                clock=self._clock,
                cells=cells,
            ).work(run_id)

    def work_as(self, worker_id: str) -> None:
        """Claim under another id from now on; what is held under the old one is not ours any more.

        Every such run is ended, also one that was registered while others declared us dead.
        """
        for held in self._register.work_as(worker_id):
            held.control.cut_off("this worker had been declared dead")
            held.control.kill_now()

    @property
    def busy(self) -> int:
        """How many slots are at work."""
        return self._cells.busy

    def controls(self) -> dict[int, RunControl]:
        """Return the controls of the runs that are in a slot now, by run id."""
        return self._register.controls()

    def is_in_doubt(self, run_id: int) -> bool:
        """Tell whether a run that no slot holds has not begun, whatever its row says."""
        return self._register.is_in_doubt(run_id)

    def hand_back(self, *, unless_fresh: bool = False) -> None:
        """See `Intake.hand_back`."""
        self._intake.hand_back(unless_fresh=unless_fresh)
