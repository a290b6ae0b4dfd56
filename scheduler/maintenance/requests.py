"""What people ask for: run now, pause, resume, cancel, show the stack; written and rung at once."""

from scheduler.clock import Clock, SystemClock, round_ms
from scheduler.config import Config
from scheduler.db import functions, runs
from scheduler.db.schema import installation_id
from scheduler.errors import QueueUnavailableError
from scheduler.maintenance.bells import ticker_bell
from scheduler.queue import open_queue


class Requests:
    """Writes requests to the open database and wakes whoever is to act on them.

    `fault`: why a message could not be sent; the run is on record, the ticker sends it again.
    """

    def __init__(self, config: Config, clock: Clock | None = None) -> None:
        self._config = config
        self._clock = clock or SystemClock()
        self.fault: str | None = None

    def request_run(self, name: str, *, force: bool = False, slot: float | None = None) -> int:
        """Queue one run of a function now; it waits for an open one unless forced.

        slot: the slot it runs for once more; this moment when left out.
        Returns the run's id. Raises NotFoundError.
        """
        now = self._clock.now()
        run_id, messages = runs.insert_run_log(
            functions.find_id(name),
            round_ms(now) if slot is None else slot,
            now=now,
            is_held_while_open=not force,
        )
        self._send(messages)
        return run_id

    def pause(self, name: str) -> bool:
        """Stop a function's slots from being decided; False if it was paused already."""
        return functions.pause(name, self._clock.now())

    def resume(self, name: str) -> bool:
        """Go on with the grid; the slots of the pause become one skipped row.

        False if it was not paused.
        """
        is_resumed = functions.resume(name, self._clock.now())
        self._ring_tickers()
        return is_resumed

    def cancel(self, run_id: int) -> str:
        """Cancel a queued run, or ask its worker to; returns `withdrawn`, `requested` or the
        verdict the run already had. Raises NotFoundError."""
        answer, messages = runs.cancel(run_id, self._clock.now())
        self._send(messages)
        return answer

    def request_stack(self, run_id: int) -> bool:
        """Ask for the Python stack of a running run; False if it does not run."""
        return runs.request_stack(run_id, self._clock.now())

    def _send(self, messages: list[tuple[int, int]]) -> None:
        if not messages:
            return
        try:
            queue = open_queue(self._config, installation_id())
            queue.send(messages)
            queue.storage.close()
        except QueueUnavailableError as error:
            self.fault = str(error)

    def _ring_tickers(self) -> None:
        bell = ticker_bell(self._config)
        bell.ring()
        bell.close()
