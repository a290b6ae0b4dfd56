"""Servers of a test's own on free ports, to be frozen, killed and started again."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path

from tests.needs import need
from tests.process.service import descendants, wait_for

POSTGRES_BINARIES = "/usr/lib/postgresql/*/bin"


class RedisServer:
    """A Redis that stores nothing: started again it is empty."""

    def __init__(self, host: str = "127.0.0.1", password: str = "") -> None:
        self._binary = need("redis-server")
        self._host = host
        self._port = free_port()
        self._password = password
        self.url = f"redis://{f':{password}@' if password else ''}{host}:{self._port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it listens."""
        listen = ["--bind", self._host, "--port", str(self._port), "--protected-mode", "no"]
        asks = ["--requirepass", self._password] if self._password else []
        self._process = subprocess.Popen(
            [self._binary, *listen, *asks, "--save", "", "--appendonly", "no"],
            stdout=subprocess.DEVNULL,
            cwd=tempfile.gettempdir(),
        )
        wait_for(lambda: is_listening(self._host, self._port), "Redis to listen")

    def send(self, number: int) -> None:
        """Send it a signal."""
        assert self._process is not None
        self._process.send_signal(number)

    def kill(self) -> None:
        """End it at once; what it held is lost."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


class PostgresServer:
    """A PostgreSQL cluster in a folder of its own, run by a user that is not root."""

    def __init__(self, host: str = "127.0.0.1") -> None:
        self._binaries = Path(need("pg_ctl", POSTGRES_BINARIES)).parent
        self._user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
        if os.getuid() != 0:
            self._user = []
        self._folder = Path(tempfile.mkdtemp(prefix="scheduler-postgres-"))
        if os.getuid() == 0:
            shutil.chown(self._folder, "postgres", "postgres")
        self._port = free_port()
        self._host = host
        self.url = f"postgresql://tester:secret@{host}:{self._port}/postgres"
        self._run("initdb", "--no-sync", "--auth=trust", "--username=tester")
        everybody = "host all all all trust\nlocal all all trust\n"
        (self._folder / "pg_hba.conf").write_text(everybody)

    def start(self) -> None:
        """Start it and wait until it takes connections."""
        options = f"-p {self._port} -k {self._folder} -c listen_addresses={self._host} -F"
        self._run("pg_ctl", "--wait", f"--log={self._folder}/log", f"--options={options}", "start")

    def stop(self, mode: str = "immediate") -> None:
        """Stop it: `fast` cuts all connections in order, `immediate` is a crash."""
        self._run("pg_ctl", "--wait", f"--mode={mode}", "stop")

    def send(self, number: int) -> None:
        """Send a signal to all its processes: to the first one first, which starts the others."""
        os.kill(self.pid, number)
        for pid in descendants(self.pid):
            with suppress(ProcessLookupError):  # one that served a connection that has just ended
                os.kill(pid, number)

    @property
    def pid(self) -> int:
        """The pid of its first process."""
        return int((self._folder / "postmaster.pid").read_text().split()[0])

    def close(self) -> None:
        """End it and remove its folder."""
        if (self._folder / "postmaster.pid").exists():
            self.send(signal.SIGCONT)
            self.stop()
        shutil.rmtree(self._folder)

    def _run(self, program: str, *arguments: str) -> None:
        place = f"--pgdata={self._folder}"
        subprocess.run(
            [*self._user, str(self._binaries / program), place, *arguments],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=self._folder,
            check=True,
        )


def free_port() -> int:
    """Return a port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def is_listening(host: str, port: int) -> bool:
    """Tell whether a connection is accepted."""
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return False
    return True
