"""`scheduler run`: ticker and workers as children, restarted when they die, stopped in order."""

import os
import select
import signal
import subprocess
import sys

from scheduler.clock import Clock, SystemClock
from scheduler.config import Config
from scheduler.crashpoints import crash_point
from scheduler.errors import EXIT_OK, EXIT_USAGE
from scheduler.executor.guards import (
    become_subreaper,
    drain,
    kill_adopted,
    kill_orphans,
    wake_on_child_signal,
)
from scheduler.logs import configure_logging, event
from scheduler.stopping import (
    LIFELINE_VARIABLE,
    RESTARTS_VARIABLE,
    STOP_MARGIN_SECONDS,
    StopSignal,
)
from scheduler.wording import signal_name

FIRST_BACKOFF_SECONDS = 0.1
LONGEST_BACKOFF_SECONDS = 30.0
HEALTHY_SECONDS = 10.0
HURRY_STEP_SECONDS = 0.2


class Child:
    """One process of the service: started, asked whether it lives, started again.

    Each lives in a session of its own, so that only the supervisor hears the terminal, and holds
    the read end of a lifeline pipe: when the supervisor dies, however, the child stops.
    """

    def __init__(self, role: str, arguments: list[str], config: Config, clock: Clock) -> None:
        self.role = role
        self._arguments = arguments
        self._config = config
        self._clock = clock
        self._process: subprocess.Popen[bytes] | None = None
        self._lifeline_fd: int | None = None
        self._started_at = 0.0
        self._backoff = FIRST_BACKOFF_SECONDS
        self._has_worked = False
        self._deaths = 0
        self._last_death = ""
        self.restart_at: float | None = 0.0

    @property
    def pid(self) -> int | None:
        """The process's id while it lives."""
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Start the process; if that is not possible now, plan another try, later each time."""
        monotonic = self._clock.monotonic()
        try:
            self._spawn()
        except OSError as error:
            self._forget()
            self._plan_restart(monotonic, "process.unstarted", error=error)
        else:
            self._started_at = monotonic
            self.restart_at = None
            crash_point("supervisor.started")

    def look(self, monotonic: float) -> bool:
        """Notice that the process ended and plan its restart, later each time it ends early.

        Returns False if it refused its configuration: to start it again would be of no use. Not if
        it has worked with it before: then a file is being edited, or its disk is not writable now.
        """
        if self._process is None or self._process.poll() is None:
            return True
        if self._process.returncode == EXIT_USAGE and not self._has_worked:
            event("process.refused", "error", role=self.role, pid=self._process.pid)
            self._forget()
            return False
        if monotonic - self._started_at >= HEALTHY_SECONDS:
            self._has_worked = True
            self._backoff = FIRST_BACKOFF_SECONDS
        self._deaths += 1
        self._last_death = _ending(self._process.returncode)
        pid = self._process.pid
        self._forget()
        self._plan_restart(monotonic, "process.ended", pid=pid, ended=self._last_death)
        return True

    def send(self, number: int) -> None:
        """Send a signal, if the process lives."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(number)

    def has_ended(self) -> bool:
        """Tell whether there is no process (any more)."""
        return self._process is None or self._process.poll() is not None

    def _spawn(self) -> None:
        read_fd, self._lifeline_fd = os.pipe()
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "scheduler", *self._arguments],
                stdin=subprocess.DEVNULL,
                env=self._environment(read_fd),
                pass_fds=[read_fd],
                start_new_session=True,
            )
        finally:
            os.close(read_fd)

    def _plan_restart(self, monotonic: float, name: str, **fields: object) -> None:
        event(name, "error", role=self.role, **fields, restart_in_seconds=self._backoff)
        self.restart_at = monotonic + self._backoff
        self._backoff = min(self._backoff * 2, LONGEST_BACKOFF_SECONDS)

    def _environment(self, lifeline_fd: int) -> dict[str, str]:
        environment = dict(os.environ) | {LIFELINE_VARIABLE: str(lifeline_fd)}
        if self._config.path:
            environment["SCHEDULER_CONFIG"] = str(self._config.path)
        if self._deaths:
            times = "once" if self._deaths == 1 else f"{self._deaths} times"
            environment[RESTARTS_VARIABLE] = f"restarted {times}, last: {self._last_death}"
        return environment

    def _forget(self) -> None:
        self._process = None
        if self._lifeline_fd is not None:
            os.close(self._lifeline_fd)
            self._lifeline_fd = None


class Supervisor:
    """Keeps its children running until told to stop, then stops them: workers drain last."""

    def __init__(self, config: Config, workers: int, clock: Clock, stop: StopSignal) -> None:
        self._config = config
        self._clock = clock
        self._stop = stop
        self._exit_code = EXIT_OK
        place = ["--config", str(config.path)] if config.path else []
        self._children = [
            Child("ticker", ["ticker", *place], config, clock),
            *(Child("worker", ["worker", *place], config, clock) for _ in range(workers)),
        ]

    def run(self) -> int:
        """Start what is to be started, restart what ended, until told to stop; then drain.

        Returns an exit code: that of a child that refused its configuration, which stops all.
        """
        wake_fd = wake_on_child_signal()
        while not self._stop.wait(self._seconds_to_sleep(), also=(wake_fd,)):
            drain(wake_fd)
            self._look()
        self._stop_children(wake_fd)
        return self._exit_code

    def _look(self) -> None:
        monotonic = self._clock.monotonic()
        kill_adopted({child.pid for child in self._children if child.pid is not None})
        for child in self._children:
            if not child.look(monotonic):
                self._exit_code = EXIT_USAGE
                self._stop.set()
                return
            if self._stop.is_set():
                return
            if child.restart_at is not None and child.restart_at <= monotonic:
                child.start()

    def _seconds_to_sleep(self) -> float | None:
        planned = [child.restart_at for child in self._children if child.restart_at is not None]
        return max(min(planned) - self._clock.monotonic(), 0.0) if planned else None

    def _stop_children(self, wake_fd: int) -> None:
        event("service.stopping", grace_seconds=self._config.shutdown_grace_seconds)
        self._signal_all(signal.SIGTERM)
        self._signal_all(signal.SIGCONT)  # one that somebody has stopped would not notice
        crash_point("supervisor.stopping")
        until = self._clock.monotonic() + self._config.shutdown_grace_seconds + STOP_MARGIN_SECONDS
        while not all(child.has_ended() for child in self._children):
            left = until - self._clock.monotonic()
            if left <= 0:
                self._signal_all(signal.SIGKILL)
            elif self._stop.is_hurried():
                # Again and again: of two equal signals that are pending only one arrives.
                self._signal_all(signal.SIGTERM)
                left = HURRY_STEP_SECONDS
            waiting = [wake_fd] if self._stop.is_hurried() else [wake_fd, self._stop.hurry_fd]
            select.select(waiting, [], [], max(left, HURRY_STEP_SECONDS))
            drain(wake_fd)
        kill_orphans()

    def _signal_all(self, number: int) -> None:
        for child in self._children:
            child.send(number)


def run_service(config: Config, workers: int, stop: StopSignal) -> int:
    """Run everything on this machine until told to stop; returns an exit code."""
    configure_logging(config)
    become_subreaper()  # what outlives a worker and its zygote comes here, and dies with the rest
    event("service.started", workers=workers, database=config.database_label)
    exit_code = Supervisor(config, workers, SystemClock(), stop).run()
    event("service.stopped")
    return exit_code


def _ending(returncode: int) -> str:
    if returncode < 0:
        return f"killed by {signal_name(-returncode)}"
    return f"exit code {returncode}"
