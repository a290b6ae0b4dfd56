"""What people ask for: run now, pause, resume, cancel, show the stack; written and rung at once."""

from contextlib import closing
from typing import NamedTuple

from scheduler.clock import Clock, SystemClock, round_ms
from scheduler.config import Config
from scheduler.db import functions, runs
from scheduler.db.schema import installation_id
from scheduler.errors import QueueUnavailableError
from scheduler.maintenance.bells import ticker_bell
from scheduler.queue import open_queue


class Requested(NamedTuple):
    """A run that was queued; `fault`: why its message could not be sent yet."""

    run_id: int
    fault: str | None = None


class Requests:
    """Writes requests to the open database and wakes whoever is to act on them.

    What cannot be sent to the queue is on record all the same: the ticker sends it again.
    """

    def __init__(self, config: Config, clock: Clock | None = None) -> None:
        self._config = config
        self._clock = clock or SystemClock()

    def request_run(
        self, name: str, *, force: bool = False, slot: float | None = None
    ) -> Requested:
        """Queue one run of a function now; it waits for an open one unless forced.

        slot: the slot it runs for once more; this moment when left out.
        Raises NotFoundError.
        """
        now = self._clock.now()
        run_id, messages = runs.insert_run_log(
            functions.find_id(name),
            round_ms(now) if slot is None else slot,
            now=now,
            is_held_while_open=not force,
        )
        return Requested(run_id, self._send(messages))

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

    def _send(self, messages: list[tuple[int, int]]) -> str | None:
        """Send messages; return why that was not possible, None if it was."""
        if not messages:
            return None
        try:
            queue = open_queue(self._config, installation_id())
            with closing(queue.storage):
                queue.send(messages)
        except QueueUnavailableError as error:
            return str(error)
        return None

    def _ring_tickers(self) -> None:
        bell = ticker_bell(self._config)
        bell.ring()
        bell.close()
