"""The handle by which other threads reach a run: cancel it, cut it off, ask for its stack."""

import os
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Asked:
    """Why a run is to end: the status it will have, and the reason in words."""

    status: str  # timeout | cancelled | lost
    reason: str | None = None


class RunControl:
    """One per run. Every method may be called from any thread, at any time, more than once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._wake_fd: int | None = None
        self._asked: Asked | None = None
        self._kill_in_seconds: float | None = None
        self._stack_requests: list[Callable[[str], None]] = []

    def cancel(self) -> None:
        """End the run, giving it the grace to clean up; its outcome is `cancelled`."""
        self._ask(Asked("cancelled"))

    def cut_off(self, reason: str) -> None:
        """End the run because the service stops; its outcome is `lost` with this reason."""
        self._ask(Asked("lost", reason))

    def kill_now(self) -> None:
        """End the run without any grace; `lost` unless somebody asked for something else before."""
        self.kill_in(0)

    def kill_in(self, seconds: float) -> None:
        """End the run with so much grace and no more, whatever it has been given; as above else."""
        with self._lock:
            self._kill_in_seconds = seconds
        self._ask(Asked("lost", "killed on request"))

    def request_stack(self, on_stack: Callable[[str], None]) -> None:
        """Have `on_stack` called, by the thread in `run()`, with the stacks of all threads."""
        with self._lock:
            self._stack_requests.append(on_stack)
            self._wake()

    @property
    def asked(self) -> Asked | None:
        """What was asked first."""
        return self._asked

    @property
    def kill_in_seconds(self) -> float | None:
        """How much grace is left, None if it was not cut short."""
        return self._kill_in_seconds

    def take_stack_requests(self) -> list[Callable[[str], None]]:
        """Return the new requests for the stack, once."""
        with self._lock:
            taken, self._stack_requests = self._stack_requests, []
            return taken

    def attach(self, wake_fd: int) -> bool:
        """Have `wake_fd` written to at each request; returns whether there are some already."""
        with self._lock:
            self._wake_fd = wake_fd
            return self._asked is not None or bool(self._stack_requests)

    def detach(self) -> None:
        """The run is over: requests have no effect any more."""
        with self._lock:
            self._wake_fd = None

    def _ask(self, asked: Asked) -> None:
        with self._lock:
            self._asked = self._asked or asked
            self._wake()

    def _wake(self) -> None:
        if self._wake_fd is not None:
            with suppress(BlockingIOError):  # full: it is awake already
                os.write(self._wake_fd, b".")
