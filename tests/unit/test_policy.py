"""What a tick decides about due slots: catch-up, grace, overlap, jitter and streaks."""

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.policy import (
    CATCH_UP_LIMIT,
    DISABLED,
    NOT_STARTED,
    ONE_WAITS,
    OUTSIDE_GRACE,
    PAUSED,
    SCHEDULER_DOWN,
    STILL_RUNNING,
    TO_TRY_AGAIN,
    TOO_MANY,
    Decision,
    DueFunction,
    Extension,
    NewRow,
    Streak,
    decide,
    decide_resume,
    is_settled,
    jitter_of,
    retry_delay,
)
from scheduler.triggers import CronTrigger, IntervalTrigger, Trigger

EVERY_MINUTE = IntervalTrigger(60, 0)
DUE = DueFunction(id=1, name="f", trigger=EVERY_MINUTE, next_run_at=600)


def test_a_slot_that_is_not_due_is_left_alone() -> None:
    assert decide(DUE, 599.999) == Decision(next_run_at=600)


def test_one_due_slot_is_simply_that_slot() -> None:
    for catch_up in ("latest", "all", "skip"):
        decision = decide(DUE._replace(catch_up=catch_up), 600.2)
        assert decision == Decision(next_run_at=660, rows=(_run(600),))


@pytest.mark.parametrize("overlap", ["skip", "queue", "allow", "replace"])
@pytest.mark.parametrize("open_runs", [0, 1])
def test_only_a_slot_that_runs_whatever_ends_meanwhile_is_settled(
    overlap: str, open_runs: int
) -> None:
    due = DUE._replace(overlap=overlap, open_runs=open_runs, running_runs=open_runs)
    decision = decide(due, due.next_run_at)
    assert is_settled(due) == (decision == Decision(next_run_at=660, rows=(_run(600),)))
    assert is_settled(due) == (decision == decide(due._replace(open_runs=0, running_runs=0), 600))


def test_after_downtime_one_run_answers_for_all_missed_slots() -> None:
    decision = decide(DUE, 600 + 7 * 86400 + 1)
    assert decision.next_run_at == 600 + 7 * 86400 + 60
    assert decision.rows == (_run(600 + 7 * 86400, covers_from=600, slots=10081),)


def test_latest_with_a_grace_misses_everything_when_the_newest_slot_is_too_old() -> None:
    due = DUE._replace(grace_seconds=10)
    assert decide(due, 730).rows == (_run(720, covers_from=600, slots=3),)
    assert decide(due, 731).rows == (
        _not_run("missed", OUTSIDE_GRACE, 720, covers_from=600, slots=3),
    )


def test_all_runs_every_missed_slot_one_after_another() -> None:
    assert decide(DUE._replace(catch_up="all"), 730).rows == (
        _run(600),
        _run(660, is_held=True),
        _run(720, is_held=True),
    )


def test_all_with_overlap_allowed_runs_them_side_by_side() -> None:
    rows = decide(DUE._replace(catch_up="all", overlap="allow"), 730).rows
    assert rows == (_run(600), _run(660), _run(720))


def test_all_makes_up_for_the_newest_hundred_and_records_the_older_ones_in_one_row() -> None:
    rows = decide(DUE._replace(catch_up="all"), 600 + 60 * 249).rows
    assert len(rows) == 1 + CATCH_UP_LIMIT
    assert rows[0] == _not_run("missed", TOO_MANY, 600 + 60 * 149, covers_from=600, slots=150)
    assert rows[1] == _run(600 + 60 * 150)
    assert all(row.available_at is None for row in rows[2:])


def test_exactly_a_hundred_missed_slots_are_all_made_up_for() -> None:
    rows = decide(DUE._replace(catch_up="all"), 600 + 60 * 99).rows
    assert [row.status for row in rows] == ["queued"] * 100


def test_all_with_a_grace_runs_only_what_is_within_it() -> None:
    rows = decide(DUE._replace(catch_up="all", grace_seconds=70), 730).rows
    assert rows == (
        _not_run("missed", OUTSIDE_GRACE, 600),
        _run(660),
        _run(720, is_held=True),
    )


def test_skip_without_a_grace_runs_what_is_a_minute_late_at_most() -> None:
    hourly = DUE._replace(trigger=IntervalTrigger(3600, 0), next_run_at=3600, catch_up="skip")
    assert decide(hourly, 3660).rows == (_run(3600),)
    assert decide(hourly, 3660.1).rows == (_not_run("missed", SCHEDULER_DOWN, 3600),)


def test_skip_with_a_grace_misses_the_older_and_runs_once_for_the_rest() -> None:
    rows = decide(DUE._replace(catch_up="skip", grace_seconds=65), 725).rows
    assert rows == (
        _not_run("missed", OUTSIDE_GRACE, 600),
        _run(720, covers_from=660, slots=2),
    )


def test_overlap_skip_skips_while_a_run_is_open() -> None:
    rows = decide(DUE._replace(open_runs=1, running_runs=1), 661).rows
    assert rows == (_not_run("skipped", STILL_RUNNING, 660, covers_from=600, slots=2),)


@pytest.mark.parametrize("catch_up", ["latest", "all", "skip"])
def test_a_skip_names_what_became_of_the_run_before(catch_up: str) -> None:
    waiting = DUE._replace(open_runs=2, held_runs=1, catch_up=catch_up)
    for due, reason in (
        (waiting, NOT_STARTED),
        (waiting._replace(retrying_runs=1), TO_TRY_AGAIN),
        (waiting._replace(running_runs=1), STILL_RUNNING),
        (waiting._replace(running_runs=1, retrying_runs=1), STILL_RUNNING),
    ):
        assert decide(due, 600).rows == (_not_run("skipped", reason, 600),)


def test_a_skip_of_many_catch_up_runs_is_one_row() -> None:
    rows = decide(DUE._replace(open_runs=1, running_runs=1, catch_up="all"), 730).rows
    assert rows == (_not_run("skipped", STILL_RUNNING, 720, covers_from=600, slots=3),)


def test_overlap_queue_lets_one_run_wait() -> None:
    due = DUE._replace(overlap="queue", open_runs=1, running_runs=1)
    assert decide(due, 600).rows == (_run(600, is_held=True),)


def test_overlap_queue_skips_while_another_waits() -> None:
    due = DUE._replace(overlap="queue", open_runs=2, held_runs=1)
    assert decide(due, 600).rows == (_not_run("skipped", ONE_WAITS, 600),)


def test_overlap_allow_runs_beside_the_open_one() -> None:
    assert decide(DUE._replace(overlap="allow", open_runs=3), 600).rows == (_run(600),)


def test_overlap_replace_cancels_the_open_run_and_holds_the_new_one_until_it_ended() -> None:
    decision = decide(DUE._replace(overlap="replace", open_runs=1), 600)
    assert decision.cancel_open
    assert decision.rows == (_run(600, is_held=True),)


def test_overlap_replace_cancels_nothing_when_nothing_is_open_or_nothing_runs() -> None:
    assert not decide(DUE._replace(overlap="replace"), 600).cancel_open
    late = DUE._replace(overlap="replace", open_runs=1, grace_seconds=5)
    assert not decide(late, 630).cancel_open


def test_a_streak_of_skips_extends_one_row() -> None:
    due = DUE._replace(open_runs=1, running_runs=1, streak=_streak("skipped", STILL_RUNNING))
    decision = decide(due, 661)
    assert decision.rows == ()
    assert decision.extend == Extension(row_id=9, scheduled_for=660, added_slots=2)


@pytest.mark.parametrize(
    ("status", "reason"), [("skipped", PAUSED), ("missed", STILL_RUNNING), ("skipped", ONE_WAITS)]
)
def test_a_skip_for_another_reason_begins_a_row_of_its_own(status: str, reason: str) -> None:
    due = DUE._replace(open_runs=1, running_runs=1, streak=_streak(status, reason))
    decision = decide(due, 600)
    assert decision.extend is None
    assert decision.rows == (_not_run("skipped", STILL_RUNNING, 600),)


def test_a_run_never_extends_a_streak() -> None:
    decision = decide(DUE._replace(streak=_streak("skipped", STILL_RUNNING)), 600)
    assert decision == Decision(next_run_at=660, rows=(_run(600),))


def test_missed_slots_extend_a_streak_and_the_run_after_them_is_a_row() -> None:
    streak = _streak("missed", OUTSIDE_GRACE)
    decision = decide(DUE._replace(catch_up="skip", grace_seconds=30, streak=streak), 725)
    assert decision.extend == Extension(row_id=9, scheduled_for=660, added_slots=2)
    assert decision.rows == (_run(720),)


def test_a_streak_from_the_future_of_a_clock_set_back_is_not_extended() -> None:
    streak = _streak("skipped", STILL_RUNNING)._replace(scheduled_for=9000)
    assert decide(DUE._replace(open_runs=1, running_runs=1, streak=streak), 600).extend is None


def test_jitter_puts_off_the_run_and_leaves_the_slot_on_the_grid() -> None:
    due = DUE._replace(jitter_seconds=30)
    (row,) = decide(due, 600).rows
    assert row.scheduled_for == 600
    assert row.available_at == 600 + jitter_of("f", 600, 30)


def test_jitter_is_the_same_in_every_process() -> None:
    assert jitter_of("reports.daily.send", 1_800_000_000.0, 60) == pytest.approx(20.46158304)


@given(st.text(max_size=20), st.floats(0, 4e9), st.floats(0.001, 1e6))
def test_jitter_is_below_its_limit(name: str, slot: float, jitter_seconds: float) -> None:
    assert 0 <= jitter_of(name, slot, jitter_seconds) < jitter_seconds


def test_jitter_spreads_functions_over_the_whole_span() -> None:
    tenths = {int(jitter_of(f"f{number}", 600, 10)) for number in range(200)}
    assert tenths == set(range(10))


def test_no_jitter_means_on_time() -> None:
    assert jitter_of("f", 600, 0) == 0


def test_a_grid_that_moved_under_a_function_is_taken_up_without_a_row() -> None:
    trigger = CronTrigger("0 * * * *", "UTC")
    decision = decide(DUE._replace(trigger=trigger, next_run_at=1800), 1900)
    assert decision == Decision(next_run_at=3600)


def test_the_slots_of_a_pause_become_one_skipped_row_and_the_grid_goes_on() -> None:
    decision = decide_resume(EVERY_MINUTE, next_run_at=600, now=790)
    assert decision.next_run_at == 840
    assert decision.rows == (_not_run("skipped", PAUSED, 780, covers_from=600, slots=4),)


def test_a_pause_without_slots_leaves_no_row() -> None:
    assert decide_resume(EVERY_MINUTE, next_run_at=600, now=599) == Decision(next_run_at=600)
    assert decide_resume(EVERY_MINUTE, next_run_at=None, now=599) == Decision(next_run_at=600)


def test_a_function_that_is_enabled_again_says_it_was_disabled() -> None:
    decision = decide_resume(EVERY_MINUTE, next_run_at=600, now=600, reason=DISABLED)
    assert decision.rows == (_not_run("skipped", DISABLED, 600),)


@pytest.mark.parametrize(
    ("attempt", "backoff", "expected"),
    [(1, 2.0, 10), (2, 2.0, 20), (4, 2.0, 80), (3, 1.0, 10), (20, 2.0, 3600), (9**9, 2.0, 3600)],
)
def test_a_retry_waits_longer_each_time_and_an_hour_at_most(
    attempt: int, backoff: float, expected: float
) -> None:
    assert retry_delay(attempt, delay_seconds=10, backoff=backoff) == expected


def test_a_retry_without_a_delay_stays_without_one() -> None:
    assert retry_delay(9**9, delay_seconds=0, backoff=2.0) == 0


@dataclass
class History:
    """Rows as the database would hold them after each decision, and the functions open runs."""

    rows: list[NewRow] = field(default_factory=list)

    def write(self, decision: Decision) -> None:
        if decision.extend is not None:
            last = self.rows[decision.extend.row_id]
            assert last is self.rows[-1]
            self.rows[-1] = last._replace(
                scheduled_for=decision.extend.scheduled_for,
                slots=last.slots + decision.extend.added_slots,
            )
        self.rows.extend(decision.rows)

    def streak(self) -> Streak | None:
        if not self.rows or self.rows[-1].reason is None:
            return None
        last = self.rows[-1]
        return Streak(
            row_id=len(self.rows) - 1,
            status=last.status,
            reason=last.reason or "",
            scheduled_for=last.scheduled_for,
        )


SCHEDULES: st.SearchStrategy[Trigger] = st.one_of(
    st.builds(
        IntervalTrigger,
        st.one_of(st.sampled_from([0.01, 1 / 3, 0.1, 60.0]), st.floats(0.01, 1e5)),
        st.floats(1.7e9, 1.8e9),
    ),
    st.builds(
        CronTrigger,
        st.sampled_from(["* * * * *", "0 */3 * * *", "30 2 * * *", "0 7 * * MON-FRI"]),
        st.sampled_from(["UTC", "Europe/Berlin", "Australia/Lord_Howe"]),
    ),
)
TICKS = st.lists(
    st.tuples(
        st.one_of(st.floats(0.001, 2), st.floats(1, 7000), st.floats(1, 3e6)),
        st.integers(0, 3),
        st.integers(0, 2),
        st.integers(0, 2),
        st.integers(0, 2),
    ),
    min_size=1,
    max_size=25,
)
OPTIONS = st.builds(
    lambda catch_up, overlap, grace, jitter: DUE._replace(
        catch_up=catch_up, overlap=overlap, grace_seconds=grace, jitter_seconds=jitter
    ),
    st.sampled_from(["latest", "all", "skip"]),
    st.sampled_from(["skip", "queue", "allow", "replace"]),
    st.one_of(st.none(), st.floats(0.001, 1e5)),
    st.floats(0, 100),
)


@given(trigger=SCHEDULES, options=OPTIONS, ticks=TICKS)
def test_every_slot_is_answered_by_exactly_one_row(
    trigger: Trigger, options: DueFunction, ticks: list[tuple[float, int, int, int, int]]
) -> None:
    first = trigger.next_after(1.8e9)
    assert first is not None
    now, next_run_at, history = first, first, History()
    for seconds, open_runs, held_runs, running_runs, retrying_runs in ticks:
        now += seconds
        due = options._replace(
            trigger=trigger,
            next_run_at=next_run_at,
            open_runs=open_runs,
            held_runs=min(held_runs, open_runs),
            running_runs=min(running_runs, open_runs),
            retrying_runs=min(retrying_runs, open_runs),
            streak=history.streak(),
        )
        decision = decide(due, now)
        history.write(decision)
        assert len(decision.rows) <= CATCH_UP_LIMIT + 1
        assert decision.next_run_at == trigger.next_after(now) or next_run_at > now
        assert decision.next_run_at is not None
        next_run_at = decision.next_run_at
    _assert_partition(trigger, first, now, history.rows)


def _assert_partition(trigger: Trigger, first: float, now: float, rows: list[NewRow]) -> None:
    following: float | None = first
    for row in rows:
        assert row.covers_from == following
        assert row.slots == trigger.count(row.covers_from, row.scheduled_for)
        assert row.scheduled_for == trigger.latest_until(row.scheduled_for)
        following = trigger.next_after(row.scheduled_for)
    assert following is not None
    assert following > now
    assert sum(row.slots for row in rows) == trigger.count(first, now)


def _run(
    slot: float, *, covers_from: float | None = None, slots: int = 1, is_held: bool = False
) -> NewRow:
    return NewRow(
        status="queued",
        scheduled_for=slot,
        covers_from=slot if covers_from is None else covers_from,
        slots=slots,
        available_at=None if is_held else slot,
    )


def _not_run(
    status: str, reason: str, slot: float, *, covers_from: float | None = None, slots: int = 1
) -> NewRow:
    return NewRow(
        status=status,
        scheduled_for=slot,
        covers_from=slot if covers_from is None else covers_from,
        slots=slots,
        reason=reason,
    )


def _streak(status: str, reason: str) -> Streak:
    return Streak(row_id=9, status=status, reason=reason, scheduled_for=540)


def test_functions_that_share_a_schedule_and_a_slot_have_it_worked_out_once() -> None:
    asked: list[float] = []

    class Watched(IntervalTrigger):
        def next_after(self, at: float) -> float:
            asked.append(at)
            return super().next_after(at)

    trigger = Watched(60.0, 0.0)
    decisions = [
        decide(DueFunction(id=number, name=f"a.f{number}", trigger=trigger, next_run_at=600.0), 600)
        for number in range(100)
    ]

    assert {decision.next_run_at for decision in decisions} == {660.0}
    assert asked == [600]
