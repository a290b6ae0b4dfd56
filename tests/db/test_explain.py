"""`explain`: the right verdict for every instant a person may ask about."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from scheduler.cli import main
from scheduler.cli.verdicts import Explanation, explain_instant
from scheduler.config import load_config
from scheduler.db.connection import close_database
from scheduler.db.reports import find_function
from scheduler.db.schema import init_schema
from scheduler.policy import NOT_STARTED, PAUSED, STILL_RUNNING, TO_TRY_AGAIN
from tests.db.seeding import NOW, seed_function, seed_run

ASKED_AT = NOW + 3600


@pytest.fixture(autouse=True)
def _database(tmp_path: Path) -> Iterator[None]:
    (tmp_path / "scheduler.toml").write_text('scan_paths = ["functions"]\n')
    init_schema(load_config(tmp_path / "scheduler.toml", {}))
    yield
    close_database()


def explain(at: float, *, now: float = ASKED_AT, has_ticker: bool = True) -> Explanation:
    """Explain an instant of the only function."""
    return explain_instant(find_function("reports.send"), at, now=now, has_ticker=has_ticker)


def test_a_slot_that_ran_is_explained_by_its_run() -> None:
    run = seed_run(seed_function(next_run_at=NOW + 120), at=NOW + 60)

    answer = explain(NOW + 60)

    assert (answer.verdict, answer.why) == ("success", "it ran")
    assert [one.id for one in answer.runs] == [run]
    assert answer.slot_at == NOW + 60


def test_the_last_attempt_is_the_verdict_and_all_attempts_are_shown() -> None:
    function = seed_function(next_run_at=NOW + 120)
    first = seed_run(function, "error", at=NOW, error_type="ValueError", error_message="bad")
    seed_run(function, at=NOW, attempt=2, root_id=first)

    answer = explain(NOW)

    assert answer.verdict == "success"
    assert [run.attempt for run in answer.runs] == [2, 1]


@pytest.mark.parametrize(
    ("status", "ended"),
    [
        ("error", "it failed"),
        ("lost", "it was lost"),
        ("timeout", "it took longer than its time-out"),
    ],
)
def test_a_slot_whose_retry_is_to_come_has_no_verdict_yet(status: str, ended: str) -> None:
    function = seed_function(next_run_at=NOW + 120, retries=1)
    first = seed_run(function, status, at=NOW)
    seed_run(function, "queued", at=NOW, attempt=2, root_id=first, available_at=NOW + 60)

    assert explain(NOW).why == f"{ended}; attempt 2 is queued"


def test_an_error_is_told_in_its_own_words() -> None:
    seed_run(seed_function(), "error", error_type="ValueError", error_message="bad")

    assert explain(NOW).why == "it raised: ValueError: bad"


def test_an_error_of_several_lines_stays_in_its_line() -> None:
    seed_run(seed_function(), "error", error_type="ValueError", error_message="bad\n  news")

    assert explain(NOW).why == "it raised: ValueError: bad news"


def test_a_slot_that_was_coalesced_is_answered_by_the_run_that_covers_it() -> None:
    function = seed_function(next_run_at=NOW + 300)
    run = seed_run(function, at=NOW + 240, covers_from=NOW, slots=5)

    for slot in (NOW, NOW + 120, NOW + 240):
        assert [one.id for one in explain(slot).runs] == [run]
    between = explain(NOW + 121)
    assert (between.verdict, between.runs) == ("no_slot", ())


def test_a_skipped_slot_names_the_run_that_was_still_going() -> None:
    function = seed_function(next_run_at=NOW + 120)
    long = seed_run(function, at=NOW, finished_at=NOW + 90)
    seed_run(function, "skipped", at=NOW + 60, reason=STILL_RUNNING, queued_at=None)

    answer = explain(NOW + 60)

    assert answer.verdict == "skipped"
    assert answer.blocker is not None
    assert answer.blocker.id == long


@pytest.mark.parametrize("reason", [NOT_STARTED, TO_TRY_AGAIN])
def test_a_slot_that_was_skipped_for_a_waiting_run_names_that_run(reason: str) -> None:
    function = seed_function(next_run_at=NOW + 120)
    run = seed_run(function, at=NOW, started_at=NOW + 75, finished_at=NOW + 80)
    seed_run(function, "skipped", at=NOW + 60, reason=reason, queued_at=None)

    answer = explain(NOW + 60)

    assert answer.why == f"it was skipped: {reason}"
    assert answer.blocker is not None
    assert answer.blocker.id == run


def test_a_slot_of_a_downtime_names_the_run_that_was_queued_before_it_was_decided() -> None:
    function = seed_function(next_run_at=NOW + 120)
    by_hand = seed_run(function, "queued", at=NOW + 70, trigger="manual")
    seed_run(
        function,
        "skipped",
        at=NOW + 60,
        reason=NOT_STARTED,
        queued_at=None,
        finished_at=NOW + 100,
    )

    answer = explain(NOW + 60)

    assert answer.blocker is not None
    assert answer.blocker.id == by_hand
    assert answer.why == (
        "it was skipped: no ticker was there to decide it in time, and when one came, "
        f"run {by_hand} was open, which had been queued by hand meanwhile"
    )


def test_a_slot_of_a_pause_blames_no_other_run() -> None:
    function = seed_function(next_run_at=NOW + 120)
    seed_run(function, at=NOW, finished_at=NOW + 90)
    seed_run(function, "skipped", at=NOW + 60, reason=PAUSED, queued_at=None)

    assert explain(NOW + 60).blocker is None


def test_a_missed_slot_says_why() -> None:
    seed_run(seed_function(), "missed", reason="the scheduler was not running when it was due")

    assert explain(NOW).why == "it was missed: the scheduler was not running when it was due"


def test_a_held_run_says_what_it_waits_for() -> None:
    seed_run(seed_function(), "queued", available_at=None)

    assert explain(NOW).why == "it is held until the run before it has ended"


def test_a_time_between_two_slots_names_both() -> None:
    seed_function()

    answer = explain(NOW + 90)

    assert (answer.verdict, answer.slot_at) == ("no_slot", None)
    assert (answer.previous_slot_at, answer.next_slot_at) == (NOW + 60, NOW + 120)


def test_before_the_discovery_there_were_no_slots() -> None:
    seed_function()

    answer = explain(NOW - 60)

    assert answer.verdict == "before_discovery"
    assert answer.previous_slot_at is None
    assert answer.next_slot_at == NOW


def test_the_slot_of_the_discovery_counts_although_it_is_rounded() -> None:
    seed_run(seed_function(schedule_since_at=NOW + 0.0004, next_run_at=NOW + 60))

    assert explain(NOW).verdict == "success"
    assert explain(NOW + 30).previous_slot_at == NOW


def test_an_old_grid_of_an_edited_schedule_is_known_only_by_its_rows() -> None:
    function = seed_function(schedule_since_at=NOW + 1800, anchor_at=NOW + 1800)
    seed_run(function, at=NOW + 7)

    assert explain(NOW + 7).verdict == "success"
    assert explain(NOW + 67).verdict == "unknown"


def test_what_retention_deleted_is_said_to_be_deleted() -> None:
    seed_function(pruned_until_at=NOW + 600, next_run_at=ASKED_AT)

    assert explain(NOW + 60).verdict == "pruned"
    assert explain(NOW + 660).verdict == "unknown"


def test_a_coming_slot_is_still_to_come() -> None:
    seed_function(next_run_at=ASKED_AT + 60)

    assert explain(ASKED_AT + 60).verdict == "future"
    assert explain(ASKED_AT + 61).verdict == "no_slot"


@pytest.mark.parametrize(
    ("at", "said"), [(ASKED_AT - 60, "is skipped when"), (ASKED_AT, "is skip")]
)
def test_a_slot_of_a_pause_is_skipped_when_the_function_is_resumed(at: float, said: str) -> None:
    seed_function(state="paused", paused_at=ASKED_AT - 600, next_run_at=ASKED_AT - 540)

    answer = explain(at)

    assert answer.verdict == "paused"
    assert said in answer.why


def test_a_coming_slot_of_a_paused_function_depends_on_the_pause() -> None:
    seed_function(state="paused", paused_at=NOW, next_run_at=NOW + 60)

    assert "will be skipped if it still is" in explain(ASKED_AT + 60).why


def test_a_function_that_is_switched_off_says_so() -> None:
    seed_function(enabled=False)

    assert explain(ASKED_AT + 60).verdict == "disabled"


def test_a_function_that_is_gone_has_no_slots_since_then() -> None:
    seed_run(seed_function(state="gone", gone_at=NOW + 70, next_run_at=NOW + 120), at=NOW + 60)

    assert explain(NOW + 60).verdict == "success"
    assert explain(NOW + 120).verdict == "gone"
    assert explain(ASKED_AT + 60).verdict == "gone"
    assert explain(ASKED_AT + 61).verdict == "gone"


def test_the_slots_of_a_pause_are_paused_until_its_function_is_gone_and_gone_from_then_on() -> None:
    seed_function(
        state="gone",
        paused_at=NOW + 50,
        next_run_at=NOW + 60,
        gone_at=NOW + 190,
        schedule_since_at=NOW,
    )

    answer = explain(NOW + 120)

    assert answer.verdict == "paused"
    assert answer.why == (
        "the function was paused; the slot is skipped when it is back in the code"
    )
    assert (answer.previous_slot_at, answer.next_slot_at) == (NOW + 60, NOW + 180)
    assert explain(NOW + 240).verdict == "gone"


def test_a_function_that_is_gone_has_no_next_slot_and_its_last_one_was_before_that() -> None:
    seed_run(seed_function(state="gone", gone_at=NOW + 70, next_run_at=NOW + 120), at=NOW + 60)

    answer = explain(ASKED_AT)

    assert (answer.previous_slot_at, answer.next_slot_at) == (NOW + 60, None)
    assert explain(NOW + 30).next_slot_at == NOW + 60
    assert explain(NOW + 60).next_slot_at is None


@pytest.mark.parametrize(
    ("catch_up", "grace_seconds", "said"),
    [
        ("latest", None, "one run will answer for all slots that were missed"),
        ("all", None, "each missed slot will get a run, up to the newest 100"),
        ("all", 20, "up to the newest 100, but those more than 20s late count as missed"),
        ("skip", None, "it counts as missed if it is more than 1m 00s late"),
        ("skip", 20, "it counts as missed if it is more than 20s late"),
    ],
)
def test_during_a_downtime_it_says_what_the_next_ticker_will_do(
    catch_up: str, grace_seconds: float | None, said: str
) -> None:
    seed_function(next_run_at=NOW + 60, catch_up=catch_up, grace_seconds=grace_seconds)

    answer = explain(NOW + 120, has_ticker=False)

    assert answer.verdict == "undecided"
    assert answer.why.startswith("no ticker is alive")
    assert answer.why.endswith(said)


def test_during_a_downtime_it_says_what_an_open_run_will_do_to_the_slot() -> None:
    seed_run(seed_function(next_run_at=NOW + 60), "queued", at=NOW)

    answer = explain(NOW + 120, has_ticker=False)

    assert answer.why == (
        "no ticker is alive; a run is open: should it still be when one starts, the slot is skipped"
    )


def test_with_a_ticker_a_due_slot_is_about_to_be_decided() -> None:
    seed_function(next_run_at=ASKED_AT)

    assert explain(ASKED_AT).why == "it is due; the ticker decides it in its next tick"


def test_a_cron_slot_is_found_in_its_own_time_zone() -> None:
    seed_function(
        cron="0 7 * * *",
        timezone="Europe/Berlin",
        first_seen_at=NOW - 1e6,
        schedule_since_at=NOW - 1e6,
        next_run_at=NOW + 86400,
    )

    answer = explain(NOW + 90, now=NOW + 90)

    assert answer.previous_slot_at is not None
    assert (answer.previous_slot_at - 6 * 3600) % 86400 == 0  # 07:00 in Berlin's winter
    assert explain(answer.previous_slot_at).verdict == "unknown"


@pytest.fixture
def command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Return what calls `explain reports.send` and returns what it prints."""

    def call(*arguments: str) -> str:
        config = str(tmp_path / "scheduler.toml")
        assert (
            main(
                ["explain", "reports.send", *arguments, "--config", config],
                {"SCHEDULER_CONFIG": config},
            )
            == 0
        )
        return capsys.readouterr().out

    return call


@pytest.mark.parametrize(
    "text", ["1800000060", "1800000060.25", "2027-01-15T08:01:00", "2027-01-15 08:01"]
)
def test_a_time_without_a_fraction_means_the_slot_within_it(
    command: Callable[..., str], text: str
) -> None:
    function = seed_function(anchor_at=NOW + 0.25, schedule_since_at=NOW, next_run_at=NOW + 120)
    run = seed_run(function, at=NOW + 60.25)

    out = command(text)

    assert out.splitlines()[1] == "2027-01-15 08:01:00.250 UTC: ✓ ok"
    assert f"  run {run}, attempt 1, success" in out


def test_a_time_with_seconds_is_not_taken_for_the_minute(command: Callable[..., str]) -> None:
    seed_function(anchor_at=NOW + 30, schedule_since_at=NOW, next_run_at=NOW + 120)

    assert "08:01:00 UTC: - no slot" in command("2027-01-15T08:01:00")
    assert "08:01:30 UTC: " in command("2027-01-15T08:01")


def test_a_slot_of_an_older_grid_is_found_by_its_second(command: Callable[..., str]) -> None:
    function = seed_function(schedule_since_at=NOW + 1800, anchor_at=NOW + 1800)
    run = seed_run(function, at=NOW + 7.123)

    assert f"run {run}, " in command("1800000007")


def test_a_function_that_had_no_slot_yet_is_explained_by_its_first(
    command: Callable[..., str],
) -> None:
    seed_function(anchor_at=4e9, schedule_since_at=NOW, interval_seconds=86400.0, next_run_at=4e9)

    assert ": · to come" in command().splitlines()[1]


def test_what_is_paused_says_that_its_next_slot_will_be_skipped(
    command: Callable[..., str],
) -> None:
    seed_function(state="paused", interval_seconds=86400.0, anchor_at=1e9, schedule_since_at=1e9)

    out = command()

    assert "paused, its slots are skipped until `scheduler resume reports.send`" in out
    assert out.endswith(", to be skipped\n")


def test_a_slot_of_the_last_absence_says_from_when_to_when_the_function_was_gone(
    command: Callable[..., str],
) -> None:
    seed_function(
        gone_at=NOW + 70, back_at=NOW + 200.5, next_run_at=NOW + 240, schedule_since_at=NOW
    )

    out = command("2027-01-15T08:02:00")

    assert out.splitlines()[1:4] == [
        "2027-01-15 08:02:00 UTC: - gone",
        "  the function was gone from the code then and had no slots",
        "  gone from 2027-01-15 08:01:10 UTC to 2027-01-15 08:03:20.500 UTC",
    ]


def test_the_slots_around_an_absence_are_outside_it() -> None:
    seed_function(gone_at=NOW + 70, back_at=NOW + 200.5, next_run_at=NOW + 240)

    for instant in (NOW + 65, NOW + 150, NOW + 210):
        answer = explain(instant, now=NOW + 210)
        assert (answer.previous_slot_at, answer.next_slot_at) == (NOW + 60, NOW + 240)
    assert explain(NOW + 150, now=NOW + 210).verdict == "gone"
    assert explain(NOW + 210, now=NOW + 210).verdict == "no_slot"


def test_what_is_gone_names_no_next_slot(command: Callable[..., str]) -> None:
    long_ago = 1_700_000_000.0
    seed_function(
        state="gone",
        gone_at=long_ago + 70,
        next_run_at=long_ago + 120,
        anchor_at=long_ago,
        schedule_since_at=long_ago,
        first_seen_at=long_ago,
    )

    out = command()

    assert "reports.send has been gone for" in out
    assert "2023-11-14 22:14:20 UTC: " in out
    assert "next slot" not in out
    later = command("2025-01-15T09:00:30")
    assert "  gone since 2023-11-14 22:14:30 UTC\n" in later
    assert "nearest slot after" not in later


def test_the_command_shows_both_zones_and_reads_a_time_of_day_in_the_functions_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    seed_function(cron="0 7 * * *", timezone="Europe/Berlin", anchor_at=None)

    code = main(
        [
            "explain",
            "reports.send",
            "2027-01-16T07:00",
            "--config",
            str(tmp_path / "scheduler.toml"),
        ],
        {},
    )

    lines = capsys.readouterr().out.splitlines()
    assert code == 0
    assert lines[0] == "reports.send, at 07:00 every day, Europe/Berlin"
    assert lines[1].startswith("2027-01-16 07:00:00 CET (2027-01-16 06:00:00 UTC): · ")


def test_the_command_says_that_the_clock_skips_a_time_that_does_not_exist(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    seed_function(cron="30 2 * * *", timezone="Europe/Berlin", anchor_at=None)

    config = str(tmp_path / "scheduler.toml")
    assert main(["explain", "reports.send", "2027-03-28 02:30", "--config", config], {}) == 0

    out = capsys.readouterr().out
    assert "the clock skips this time on that day" in out
    assert "nearest slot before: 2027-03-28 03:00:00 CEST" in out


def test_the_command_without_a_time_explains_the_last_slot(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    seed_function(interval_seconds=86400.0, anchor_at=1e9, schedule_since_at=1e9, next_run_at=4e9)

    main(["explain", "reports.send", "--config", str(tmp_path / "scheduler.toml"), "--json"], {})

    answer = json.loads(capsys.readouterr().out)
    assert answer["slot_at"] == answer["at"]
    assert (answer["at"] - 1e9) % 86400 == 0
    assert answer["verdict"] == "unknown"


def test_the_command_refuses_what_is_no_time_with_exit_code_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    seed_function()

    code = main(
        ["explain", "reports.send", "yesterday", "--config", str(tmp_path / "scheduler.toml")], {}
    )

    assert code == 2
    assert "cannot read the time 'yesterday'" in capsys.readouterr().err
