"""A terminal in memory: runs a command in a pty, types keys, and reads the screen with pyte."""

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import pyte

from scheduler.clock import SystemClock

DEADLINE_SECONDS = 15.0
ESCAPE_SECONDS = 0.15  # a key within 0.125 s of Escape would be read as meta + key
KEYS = {"esc": "\x1b", "enter": "\r", "up": "\x1b[A", "down": "\x1b[B", "tab": "\t"}


class Terminal:
    """A command on a terminal of its own; a context manager that leaves no process behind."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        width: int,
        height: int,
        environ: Mapping[str, str] | None = None,
        folder: Path | None = None,
    ) -> None:
        self._clock = SystemClock()
        self.raw = bytearray()
        self.screen = pyte.Screen(width, height)
        self._stream = pyte.ByteStream(self.screen)
        self._master, slave = pty.openpty()
        self._set_size(width, height)
        self.process = subprocess.Popen(
            command,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            cwd=folder,
            env={**os.environ, "TERM": "xterm-256color", "COLORTERM": "", **(environ or {})},
        )
        os.close(slave)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self.close()

    def type(self, *keys: str) -> None:
        """Send keys: names of `KEYS`, else the text itself."""
        for key in keys:
            os.write(self._master, KEYS.get(key, key).encode())
            self.pump(0.01)
            if key == "esc":
                self.pause(ESCAPE_SECONDS)

    def resize(self, width: int, height: int) -> None:
        """Change the size as a window manager would."""
        self.screen.resize(height, width)
        self._set_size(width, height)
        self.process.send_signal(signal.SIGWINCH)

    def text(self) -> str:
        """Return the rows of the screen."""
        return "\n".join(self.screen.display)

    def wait_for(self, *texts: str, seconds: float = DEADLINE_SECONDS) -> str:
        """Read until all texts are on the screen; raises AssertionError when the time is up."""
        return self.wait_until(
            lambda screen: all(text in screen for text in texts), str(texts), seconds=seconds
        )

    def wait_until(
        self,
        holds: Callable[[str], bool],
        what: str = "the condition",
        *,
        seconds: float = DEADLINE_SECONDS,
    ) -> str:
        """Read until a condition holds for the screen; raises AssertionError after the deadline."""
        deadline = self._clock.monotonic() + seconds
        while not holds(self.text()):
            if self._clock.monotonic() > deadline:
                raise AssertionError(f"{what} did not come; the screen is\n{self.text()}")
            self.pump(0.05)
        return self.text()

    def wait_for_exit(self) -> int:
        """Read until the command has ended; return its exit code."""
        deadline = self._clock.monotonic() + DEADLINE_SECONDS
        while self.process.poll() is None:
            assert self._clock.monotonic() < deadline, f"it does not end\n{self.text()}"
            self.pump(0.05)
        self.pump(0.05)
        return self.process.returncode

    def pump(self, seconds: float) -> None:
        """Take what the command has written, waiting this long for the first byte."""
        while self.read_once(seconds):
            seconds = 0.01

    def read_once(self, seconds: float) -> bool:
        """Take one piece of output, waiting this long for it; False if there was none."""
        if not select.select([self._master], [], [], seconds)[0]:
            return False
        try:
            data = os.read(self._master, 65536)
        except OSError:  # EIO: the command has ended
            return False
        self.raw += data
        self._stream.feed(data)
        return True

    def write(self, data: str) -> None:
        """Send characters without reading."""
        os.write(self._master, data.encode())

    def pause(self, seconds: float) -> None:
        """Read for this long, whatever comes."""
        until = self._clock.monotonic() + seconds
        while (left := until - self._clock.monotonic()) > 0:
            self.pump(left)

    def local_flags(self) -> int:
        """Return the terminal's local modes, as termios has them."""
        return int(termios.tcgetattr(self._master)[3])

    def hang_up(self) -> int:
        """Close the terminal under the command; return its exit code."""
        os.close(self._master)
        self._master = -1
        return self.process.wait(DEADLINE_SECONDS)

    def close(self) -> None:
        """Kill the command if it still runs."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        if self._master >= 0:
            os.close(self._master)
            self._master = -1

    def _set_size(self, width: int, height: int) -> None:
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
