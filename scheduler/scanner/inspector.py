"""The process that imports one file, as its parent sees it: two pipes, a deadline and an end."""

import json
import os
import re
import signal
from contextlib import ExitStack, suppress
from dataclasses import replace

from scheduler.clock import Clock
from scheduler.executor.child import Exit
from scheduler.executor.client import Zygote
from scheduler.executor.pipes import open_pipe
from scheduler.executor.threads import ask_thread
from scheduler.runner.complaint import ERROR, WARNING, FileError, complain
from scheduler.runner.exits import EXIT_CHANNEL_LOST
from scheduler.runner.inspection import FileReport
from scheduler.runner.text import clean
from scheduler.scanner.walk import FileState
from scheduler.wording import signal_name

_READ_BYTES = 262_144
_TAIL_BYTES = 8_192
_SHOWN = 80  # characters of the last line, in the message of a warning
_KEPT = 1_000  # characters of what a file printed besides
_STACK_SECONDS = 3.0  # how long a hanging file may take to say where it hangs
_SAID_SECONDS = 0.2  # the same once it has begun to
_STACK_HEAD = b"most recent call first"  # how faulthandler begins
_DEATH_SECONDS = 5.0  # how long the system may take to kill it


class Inspector:
    """Forked at construction (raises ZygoteGoneError, OSError); reports when `is_over`."""

    def __init__(
        self, zygote: Zygote, file: FileState, *, timeout_seconds: float, clock: Clock
    ) -> None:
        self.file = file
        self.started_at = clock.monotonic()  # of the monotonic clock
        self.deadline_at = self.started_at + timeout_seconds
        self.exit: Exit | None = None
        self.is_over = False
        self._clock = clock
        self._timeout_seconds = timeout_seconds
        self._is_hanging = False
        self._is_killed = False
        self._report = bytearray()
        self._tail = b""
        self._ours = ExitStack()
        try:
            with ExitStack() as theirs:
                self.report_fd, their_report_fd = open_pipe(self._ours, theirs)
                self.output_fd, their_output_fd = open_pipe(self._ours, theirs)
                self._child = zygote.fork(
                    "inspect",
                    {"scan_path": file.scan_path, "module_path": file.module_path},
                    [their_report_fd, their_output_fd],
                )
        except BaseException:
            self._ours.close()
            raise
        self._ours.callback(self._child.close)
        os.set_blocking(self.report_fd, False)
        os.set_blocking(self.output_fd, False)

    @property
    def fds(self) -> tuple[int, int, int]:
        """What to watch: when one is readable, call `pump` with it."""
        return (self.report_fd, self.output_fd, self._child.exit_fd)

    @property
    def lost_its_zygote(self) -> bool:
        """Whether it ended because its zygote did: by the fault of any file that was going."""
        return self.exit == Exit()

    def pump(self, fd: int) -> bool:
        """Take what is there to read; False when nothing more will come."""
        if fd == self._child.exit_fd:
            self.exit = self._child.wait(0)
            self.is_over = self.exit is not None
            return not self.is_over
        try:
            part = os.read(fd, _READ_BYTES)
        except BlockingIOError:
            return True
        if fd == self.report_fd:
            self._report += part
        else:
            self._tail = (self._tail + part)[-_TAIL_BYTES:]
            if self._is_hanging and not self._is_killed and _STACK_HEAD in part:
                self.deadline_at = self._clock.monotonic() + _SAID_SECONDS
        return bool(part)

    def escalate(self) -> None:
        """The deadline has passed: ask where it hangs, then kill it, then stop waiting for it."""
        if not self._is_hanging:
            self._is_hanging = True
            self.deadline_at += _STACK_SECONDS
            ask_thread(self._child.pid, self._child.pid)
        elif not self._is_killed:
            self._is_killed = True
            self.deadline_at += _DEATH_SECONDS
            self._child.kill()
        else:
            self.is_over = True

    def close(self) -> None:
        """Kill what still lives and let go of it."""
        if self.exit is None:
            self._child.kill()
        self._ours.close()

    def report(self) -> FileReport:
        """Return what it reported, or why it could not; call it once, when it is over."""
        for fd in (self.report_fd, self.output_fd):
            self.pump(fd)  # what it wrote last
        with suppress(ValueError):
            # What was asked decides: the signal may have ended the wait. And whoever killed the
            # zygote may have gone on to its end.
            if not (self._is_hanging or self.lost_its_zygote):
                return self._with_output(FileReport.from_dict(json.loads(self._report)))
        return FileReport(
            scan_path=self.file.scan_path,
            module_path=self.file.module_path,
            error=self._complain(),
            is_imported=False,
        )

    def _with_output(self, report: FileReport) -> FileReport:
        """Add what it printed: as a warning, or to the error that there is."""
        text, known = self._tail.decode(errors="replace"), report.error
        printed = _describe_output(text)
        if printed is None:
            return report
        if known and known.severity == ERROR:
            told = f"{known.traceback}\nIt printed:\n{clean(text[-_KEPT:])}"
            return replace(report, error=replace(known, traceback=told.lstrip("\n")))
        warning = complain(
            self.file.path,
            known.error_type if known else "ImportOutput",
            f"{known.message}; {printed}" if known else printed,
            traceback=text[-_KEPT:].lstrip("\n"),
            line=known.line if known else None,
            severity=WARNING,
        )
        return replace(report, error=warning)

    def _complain(self) -> FileError:
        text = self._tail.decode(errors="replace")
        error_type, message = self._explain(self.exit or Exit())
        line = re.search(rf'File "{re.escape(self.file.path)}", line (\d+)', text)
        return complain(
            self.file.path,
            error_type,
            message,
            traceback=text,
            line=int(line[1]) if line else None,
        )

    def _explain(self, ending: Exit) -> tuple[str, str]:
        if self._is_hanging:
            return "ImportTimeout", (
                "importing it took longer than import_timeout_seconds"
                f" ({self._timeout_seconds:g} s) and was ended:"
                " move the work into a function, or raise import_timeout_seconds"
            )
        if ending.exit_code == EXIT_CHANNEL_LOST:
            return "ImportLost", (
                "it closes file descriptors that are not its own when it is imported:"
                " move the call into a function"
            )
        if ending.exit_code is not None:
            return "ImportExit", (
                f"importing it ended the process with exit code {ending.exit_code}:"
                " move the call (os._exit?) into a function"
            )
        if ending.signal is not None:
            return "ImportKilled", f"importing it ended the process: {_describe(ending.signal)}"
        return "ImportLost", (
            "the process that imports the files died with it:"
            " look for os.kill(os.getppid(), ...) and for lack of memory"
        )


def _describe_output(text: str) -> str | None:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines:
        return None
    last = lines[-1] if len(lines[-1]) <= _SHOWN else f"{lines[-1][: _SHOWN - 3]}..."
    return f"when it is imported it prints, at last {last!r}: move the call into a function"


def _describe(number: int) -> str:
    name = signal_name(number)
    if number == signal.SIGKILL:
        return f"{name} (by itself, by hand, or for lack of memory)"
    return f"{name} (crashed in a compiled module, or by itself)"
