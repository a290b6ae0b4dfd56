"""What the numbers depend on: versions, cores, disk; for the head of every report."""

import importlib.metadata
import os
import platform
import sqlite3
import subprocess
from datetime import UTC, datetime
from pathlib import Path

from tests.bench.measuring import fdatasync_ms
from tests.bench.stage import ROOT
from tests.bench.workload import Setting

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
        "back end": f"{setting.backend}, durability {setting.durability}: {_synchronous(setting)}",
        "fdatasync of 4 KiB": f"median {median_ms:.2f} ms, p99 {worst_ms:.2f} ms",
    }


def _synchronous(setting: Setting) -> str:
    ours = "FULL" if setting.durability == "full" else "NORMAL"
    return f"SQLite synchronous={ours} (the peer's queue: FULL, its default; its history: NORMAL)"


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
