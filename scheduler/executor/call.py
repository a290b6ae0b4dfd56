"""What a worker asks of an executor and what it gets back."""

from typing import Any, NamedTuple


class Call(NamedTuple):  # as all that is made anew for each run: a dataclass takes long to make
    """One attempt to execute; instants are UTC epoch seconds."""

    run_id: int
    name: str
    scan_path: str
    module_path: str
    qualname: str
    scheduled_for: float
    attempt: int
    trigger: str
    timeout_seconds: float | None
    isolated: bool
    output_limit_bytes: int


class Outcome(NamedTuple):
    """How an attempt ended. `status` is success, error, timeout, cancelled or lost.

    error: the function raised, or its process ended itself (exit code, SIGSEGV, SIGABRT ...).
    lost: the process was killed from outside (SIGKILL, zygote gone) or cut off by a stop.
    Texts are already decoded, bounded and free of NUL and lone surrogates.
    """

    status: str
    error_type: str | None = None
    error_message: str | None = None
    traceback: str | None = None
    exit_code: int | None = None
    signal: int | None = None
    reason: str | None = None
    output: str | None = None
    output_bytes: int = 0
    result: str | None = None
    source_hash: str | None = None
    peak_rss_bytes: int | None = None
    cpu_seconds: float | None = None
    began_at: float | None = None  # by the executor's clock, around the call itself
    ended_at: float | None = None


def message_of(call: Call) -> dict[str, Any]:
    """Return what an executor is told of a call."""
    return {
        "name": call.name,
        "run_id": call.run_id,
        "module_path": call.module_path,
        "qualname": call.qualname,
        "scheduled_for": call.scheduled_for,
        "attempt": call.attempt,
        "trigger": call.trigger,
        "timeout_seconds": call.timeout_seconds,
    }
