"""Our service on stage: real files, a real ticker and worker in a folder of one measurement."""

import os
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from scheduler.config import Config, load_config
from scheduler.db.connection import close_database
from scheduler.db.schema import open_existing
from tests.bench.workload import SERVERS, Setting
from tests.process.backends import Backend
from tests.process.service import Service, wait_for

ROOT = Path(__file__).resolve().parents[2]
POSTGRES_URL = os.environ.get("TEST_POSTGRES_URL", "postgresql://root@127.0.0.1:5432/test")
REDIS_URL = os.environ.get("TEST_REDIS_URL", "redis://127.0.0.1:6379")
PATIENCE_SECONDS = 600.0
SELDOM_SECONDS = 0.2  # while something is measured that the asking should not slow down


@contextmanager
def make_folder() -> Iterator[Path]:
    """Yield a new folder; it goes when the measurement ends."""
    folder = Path(tempfile.mkdtemp(prefix="bench-")).resolve()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def on_stage(setting: Setting, **keys: Any) -> Iterator[Service]:
    """Yield a service with default keys but for `keys`; all of it ends with the block."""
    with make_folder() as folder, _backend(setting) as backend:
        service = Service(folder, backend, durability=setting.durability, **keys)
        try:
            yield service
        finally:
            service.close()


def start_ticker(service: Service, *, library: Path | None = None) -> subprocess.Popen[bytes]:
    """Start a ticker and wait until its first scan has been written.

    library: a folder that user code may import from.
    """
    scans = len(service.rows("SELECT 1 FROM scans"))
    ticker = start_ticker_early(service, library=library)
    wait_for(
        lambda: len(service.rows("SELECT 1 FROM scans")) > scans,
        f"a scan; log:\n{service.read_log()}",
        PATIENCE_SECONDS,
    )
    return ticker


def start_ticker_early(service: Service, *, library: Path | None = None) -> subprocess.Popen[bytes]:
    """Start a ticker without waiting for anything."""
    return service.start("ticker", PYTHONPATH=python_path(library))


def start_worker(service: Service, *, library: Path | None = None) -> subprocess.Popen[bytes]:
    """Start a worker with two slots and wait until it has registered."""
    worker = service.start("worker", "--concurrency", "2", PYTHONPATH=python_path(library))
    service.wait_rows("SELECT 1 FROM processes WHERE role = 'worker' AND pid = ?", worker.pid)
    return worker


def wait_drained(service: Service) -> None:
    """Wait until no run is open."""
    wait_for(
        lambda: (
            not service.rows("SELECT 1 FROM run_logs WHERE status IN ('queued', 'running') LIMIT 1")
        ),
        f"the end of all runs; log:\n{service.read_log()}",
        PATIENCE_SECONDS,
        step_seconds=SELDOM_SECONDS,
    )


@contextmanager
def opened(service: Service) -> Iterator[Config]:
    """Open the service's database in this process, for what is measured or prepared without it."""
    config = load_config(service.folder / "scheduler.toml", os.environ)
    open_existing(config)
    try:
        yield config
    finally:
        close_database()


def python_path(library: Path | None = None) -> str:
    """Return a PYTHONPATH with which `tests`, and a library, can be imported in any folder."""
    parts = (library, ROOT, os.environ.get("PYTHONPATH"))
    return os.pathsep.join(str(part) for part in parts if part)


@contextmanager
def _backend(setting: Setting) -> Iterator[Backend]:
    if setting.backend != SERVERS:
        yield Backend()
        return
    import psycopg

    name = f"bench_{uuid.uuid4().hex}"
    with psycopg.connect(POSTGRES_URL, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name}".encode())
        try:
            url = urlsplit(POSTGRES_URL)._replace(path=f"/{name}").geturl()
            yield Backend(url, REDIS_URL)
        finally:
            server.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())
