"""What the numbers depend on: versions, cores, disk; for the head of every report."""

import importlib.metadata
import os
import platform
import sqlite3
import subprocess
from datetime import UTC, datetime
from pathlib import Path

from tests.bench.measuring import fdatasync_ms
from tests.bench.stage import POSTGRES_URL, REDIS_URL, ROOT
from tests.bench.workload import SERVERS, Setting

_PACKAGES = ("huey", "peewee", "cronsim", "msgspec", "psycopg", "redis")


def describe_machine(setting: Setting) -> dict[str, str]:
    """Return the facts in the order in which a report shows them."""
    median_ms, worst_ms = fdatasync_ms()
    load = " ".join(f"{value:.1f}" for value in os.getloadavg())
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "commit": _commit(),
        "machine": f"{os.cpu_count()} cores, {_processor()}, {_memory_gb():.0f} GB",
        "load before": load,
        "system": f"{platform.system()} {platform.release()}",
        "python": f"{platform.python_version()}, SQLite {sqlite3.sqlite_version}",
        "packages": ", ".join(filter(None, map(_version, _PACKAGES))),
        "back end": _back_end(setting),
        "fdatasync of 4 KiB": f"median {median_ms:.2f} ms, p99 {worst_ms:.2f} ms",
    }


def _back_end(setting: Setting) -> str:
    if setting.backend == SERVERS:
        return _servers()
    ours = "FULL" if setting.durability == "full" else "NORMAL"
    return (
        f"SQLite files, synchronous={ours} "
        "(the peer's queue: FULL, its default; its history: NORMAL)"
    )


def _servers() -> str:
    import psycopg
    from redis import Redis

    with psycopg.connect(POSTGRES_URL, autocommit=True) as server:
        facts = {
            name: str((server.execute(f"SHOW {name}".encode()).fetchone() or ("?",))[0])
            for name in ("server_version", "fsync", "synchronous_commit")
        }
    with Redis.from_url(REDIS_URL) as redis:
        redis_version = redis.info("server")["redis_version"]
    return (
        f"PostgreSQL {facts['server_version']}, fsync={facts['fsync']}, "
        f"synchronous_commit={facts['synchronous_commit']}; Redis {redis_version}"
    )


def _commit() -> str:
    done = subprocess.run(
        ["git", "describe", "--always", "--dirty"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip() or "unknown"


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _memory_gb() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9


def _version(package: str) -> str:
    try:
        return f"{package} {importlib.metadata.version(package)}"
    except importlib.metadata.PackageNotFoundError:
        return ""
