"""What a slot has finished and not logged yet: the start of its next run comes first."""

from scheduler.db.claims import ClaimedRun
from scheduler.db.finishes import Finished
from scheduler.executor.call import Outcome
from scheduler.logs import event
from scheduler.wording import error_line


class Ended:
    """The verdicts of one slot that are not in the log yet."""

    def __init__(self) -> None:
        self._verdicts: list[tuple[ClaimedRun, Outcome, bool]] = []

    def note(self, run: ClaimedRun, outcome: Outcome, finished: Finished) -> None:
        """Keep a verdict until there is time to log it."""
        self._verdicts.append((run, outcome, finished.is_accepted))

    def log(self) -> None:
        """Log what was noted, once."""
        while self._verdicts:
            run, outcome, is_accepted = self._verdicts.pop(0)
            if not is_accepted:
                event("run.refused", "warning", run_id=run.id, function=run.name)
                continue
            event(
                "run.finished",
                "info" if outcome.status == "success" else "warning",
                run_id=run.id,
                function=run.name,
                status=outcome.status,
                attempt=run.attempt,
                error=error_line(outcome.error_type, outcome.error_message) or None,
                reason=outcome.reason,
            )
