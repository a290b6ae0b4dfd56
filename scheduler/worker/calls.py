"""What an executor is told of a run that this worker has claimed."""

from scheduler.config import Config
from scheduler.db.claims import ClaimedRun
from scheduler.executor.call import Call
from scheduler.worker.places import local_scan_path


class Calls:
    """Knows where this worker has its files, and its limits."""

    def __init__(self, config: Config) -> None:
        self._scan_paths = [str(path) for path in config.scan_paths]
        self._timeout_seconds = config.default_timeout_seconds or None
        self._output_limit_bytes = config.output_limit_kb * 1024

    def scan_path(self, run: ClaimedRun) -> str:
        """Return where the executor of a run finds its file."""
        return local_scan_path(self._scan_paths, run.scan_path, run.module_path)

    def timeout_seconds(self, run: ClaimedRun) -> float | None:
        """Return how long a run may take."""
        return run.timeout_seconds or self._timeout_seconds

    def call(self, run: ClaimedRun) -> Call:
        """Return what its executor is told."""
        return Call(
            run_id=run.id,
            name=run.name,
            scan_path=self.scan_path(run),
            module_path=run.module_path,
            qualname=run.qualname,
            scheduled_for=run.scheduled_for,
            attempt=run.attempt,
            trigger=run.trigger,
            timeout_seconds=self.timeout_seconds(run),
            isolated=bool(run.isolated),
            output_limit_bytes=self._output_limit_bytes,
        )
