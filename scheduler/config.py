"""The configuration: one frozen value made of `scheduler.toml`, the environment and the defaults."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Every key of DESIGN.md section 8, absolute paths, seconds; `path` is the file it came from."""

    path: Path | None
    scan_paths: tuple[Path, ...]
    scan_interval_seconds: float = 30.0
    runner_poll_seconds: float = 1.0
    db_path: Path = Path("scheduler.db")
    queue_path: Path = Path("scheduler-queue.db")
    tui_refresh_seconds: float = 2.0
    import_timeout_seconds: float = 30.0
    max_runs_per_process: int = 100
    max_rss_mb: int = 0
    preload: tuple[str, ...] = ()
    database_url: str | None = None
    queue_url: str | None = None
    worker_concurrency: int = 1
    default_timeout_seconds: float = 0.0
    heartbeat_seconds: float = 2.0
    dead_after_seconds: float = 15.0
    shutdown_grace_seconds: float = 30.0
    retention_days: float = 30.0
    retention_runs_per_function: int = 10000
    output_limit_kb: int = 64
    timezone: str = "UTC"
    log_level: str = "info"
    log_format: str = "text"
    durability: str = "normal"
