"""Writes what has become of the runs of a slot, in one commit with the start of its next ones."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from scheduler.clock import Clock
from scheduler.db.batches import take_back
from scheduler.db.claims import claim_and_start, note_start, start
from scheduler.db.finishes import Finished, finish
from scheduler.db.messages import Message
from scheduler.db.statements import transaction
from scheduler.errors import DatabaseUnavailableError
from scheduler.executor.call import Outcome
from scheduler.logs import event
from scheduler.worker.held import Held
from scheduler.worker.register import Register

FIRST_BACKOFF_SECONDS = 0.1
LONGEST_BACKOFF_SECONDS = 5.0
_LEFT = "what became of it could not be written: others will find it lost"

Verdict: TypeAlias = tuple[Held, Outcome]


@dataclass(slots=True)
class Owed:
    """What a slot has still to write: verdicts, and that of a batch the last runs did not begin.

    is_late: that has been tried in vain. going: a run of the batch that has not ended; that it has
    started is noted with its function.
    """

    verdicts: list[Verdict] = field(default_factory=list)
    unbegun: list[Held] = field(default_factory=list)
    is_late: bool = False
    going: Held | None = None

    def __bool__(self) -> bool:
        return bool(self.verdicts or self.unbegun or self.going)

    def pop_all(self) -> list[Held]:
        """Forget all of it; return whose runs it was."""
        runs = [held for held, _ in self.verdicts] + self.unbegun
        self.verdicts, self.unbegun, self.is_late, self.going = [], [], False, None
        return runs


@dataclass(frozen=True, slots=True)
class Written:
    """What a commit did, to verdicts and to what did not begin, and what is to be sent after it."""

    finished: Sequence[Finished]
    taken_back: set[int] = field(default_factory=set)
    messages: list[Message] = field(default_factory=list)


def begin(batch: Sequence[Held], register: Register, now: float) -> list[Message]:
    """Start what this worker has claimed, or claim and start one; return what that released.

    `started` tells of each whether it has.
    """
    released: list[Message] = []
    if len(batch) == 1 and batch[0].supplied is None:
        (held,) = batch
        held.started, released = claim_and_start(held.run_id, held.worker_id, now)
    elif batch:
        supplied = [held.supplied for held in batch if held.supplied is not None]
        started_at = batch[0].batch_started_at or now  # as the tally has it
        started = {run.id: run for run in start(supplied, batch[0].worker_id, started_at)}
        for held in batch:
            held.started = started.get(held.run_id)
    for held in batch:
        if held.started is not None:
            register.trust(held)
    return released


def write(owed: Owed, following: Sequence[Held], register: Register, now: float) -> Written:
    """Write verdicts, take back starts of what has not begun, start what follows: in one change."""
    with transaction():
        finished = [
            finish(held.run, outcome, held.worker_id, now) for held, outcome in owed.verdicts
        ]
        messages = [message for one in finished for message in one.messages]
        taken_back: set[int] = set()
        if owed.unbegun:
            run_ids = [held.run_id for held in owed.unbegun]
            taken_back, released = take_back(run_ids, owed.unbegun[0].worker_id, now)
            messages += released
        if owed.going is not None:
            note_start(owed.going.run, owed.going.batch_started_at)
        messages += begin(following, register, now)
    return Written(finished, taken_back, messages)


def insist(
    owed: Owed,
    following: Sequence[Held],
    *,
    register: Register,
    clock: Clock,
    wait: Callable[[float], bool],
) -> Written | None:
    """Write until it is written; the slot takes nothing new meanwhile.

    After the first failure without the users' texts, which a full disk may not hold. None if it
    gave up, as `wait(seconds)`, called after a failure, returned that the service is told to hurry:
    then others find the rows and reap them.
    """
    backoff = FIRST_BACKOFF_SECONDS
    while True:
        try:
            return write(owed, following, register, clock.now())
        except DatabaseUnavailableError as error:
            tell_unwritten(owed, error)
        owed.verdicts = [(held, _without_text(outcome)) for held, outcome in owed.verdicts]
        for held in (*owed.unbegun, *following):
            register.doubt(held)
        if wait(backoff):
            for held, outcome in owed.verdicts:
                event("run.left", "error", run_id=held.run_id, status=outcome.status, reason=_LEFT)
            return None
        backoff = min(backoff * 2, LONGEST_BACKOFF_SECONDS)


def tell_unwritten(owed: Owed, error: DatabaseUnavailableError) -> None:
    """Log that verdicts, or starts, could not be written."""
    run_ids = [held.run_id for held, _ in owed.verdicts]
    verdicts = ", ".join(f"{held.run_id} {outcome.status}" for held, outcome in owed.verdicts)
    event(
        "run.unwritten",
        "error",
        run_id=run_ids[0] if len(run_ids) == 1 else None,
        runs=len(run_ids) + len(owed.unbegun),
        verdicts=verdicts or None,
        error=str(error),
    )


def _without_text(outcome: Outcome) -> Outcome:
    if not (outcome.output or outcome.traceback or outcome.result):
        return outcome
    return outcome._replace(
        output=None,
        traceback=None,
        result=None,
        reason="its output could not be written: the database refused it",
    )
