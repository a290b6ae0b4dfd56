"""The details of functions and runs: facts, lateness, texts, and lists of any length."""

from scheduler.config import Config
from scheduler.tui.model.states import NEW
from tests.tui.conftest import StageMaker
from tests.tui.seed import writing
from tests.tui.stage import NOW, Stage


def test_a_functions_details_say_what_it_is_and_how_it_does(stage: Stage) -> None:
    text = stage.press("enter")
    for part in (
        "✗ FAIL  for 5 runs in a row",
        "/srv/jobs/accounts/user_sessions.py:10",
        "every 30 s",
        "@schedule timedelta(seconds=30)",
        "overlap skip, catch-up latest, 3 retries",
        "then 08:00:30, 08:01:00, 08:01:30",
        "runs, 5 failed",
        "p50 ",
        "max ",
        "of it in the queue p95 ",
        "runs of the last 24 h",
        "HTTPError: 502 Bad Gateway",
        "Traceback (most recent call last):",
    ):
        assert part in text


def test_a_cron_function_says_its_schedule_in_words_and_as_written(stage: Stage) -> None:
    text = stage.press("/", *"notify_audit", "enter", "enter")
    assert "07:00 on Monday to Friday, Europe/Berlin" in text
    assert '@schedule cron="0 7 * * MON-FRI", timezone="Europe/B' in text


def test_the_text_below_belongs_to_the_selected_run(stage: Stage) -> None:
    stage.press("enter", "G")
    assert "Output 39 B" in stage.text()
    assert "Traceback (most recent call last):" not in stage.text()


def test_a_run_tells_its_lateness_apart_by_ticker_and_queue(stage: Stage) -> None:
    text = stage.press("2", "j", "j", "j", "enter")
    assert "late 67ms = tick " in text
    assert "verdict   ✓ ok" in text
    assert "attempt   1   by its schedule" in text
    assert "cost      cpu " in text


def test_a_run_by_hand_answers_for_no_slot_unless_for_that_of_an_earlier_run(
    own: Config, stage_of: StageMaker
) -> None:
    with writing(own) as connection:
        connection.execute(
            "UPDATE run_logs SET trigger = 'manual', scheduled_for = queued_at"
            " WHERE queued_at IS NOT NULL"
        )
    stage = stage_of(own)
    assert "  by hand 2027-01-15 " in stage.press("2", "j", "j", "j").split("\n")[-2]
    assert "slot      none: triggered by hand at 2027-01-15 " in stage.press("enter")
    with writing(own) as connection:
        connection.execute("UPDATE run_logs SET scheduled_for = scheduled_for - 60")
    assert "slot      2027-01-15 " in stage.show()


def test_the_output_of_a_running_run_is_live(own: Config, stage_of: StageMaker) -> None:
    stage = stage_of(own)
    text = stage.press("2", "j", "enter")
    assert "Output 45 B - live" in text
    assert "follows the end" in text
    with writing(own) as connection:
        connection.execute(
            "UPDATE run_logs SET output = output || 'reading page 4', output_bytes = 60"
            " WHERE status = 'running'"
        )
    assert "reading page 4" in stage.show()


def test_a_stack_that_was_asked_for_appears_when_it_comes(
    own: Config, stage_of: StageMaker
) -> None:
    stage = stage_of(own)
    stage.press("2", "j", "w")
    with writing(own) as connection:
        connection.execute("UPDATE run_logs SET stack_requested_at = ? WHERE status = 'running'",
                           [NOW])  # fmt: skip
    assert "waiting for the answer" in stage.show()
    with writing(own) as connection:
        connection.execute("UPDATE run_logs SET stack = 'Thread 0x1:\n  File \"a.py\", line 3'"
                           " WHERE status = 'running'")  # fmt: skip
    assert 'File "a.py", line 3' in stage.show()


def test_a_skipped_streak_is_one_row_with_its_reason(stage: Stage) -> None:
    stage.press("2", "G")
    while "- skip" not in stage.text():
        stage.press("page up")
    assert "still running  3 slots" in stage.text()


def test_details_of_a_function_without_runs_are_opened_once(stage: Stage) -> None:
    stage.show()
    entries = stage.console.view().board.entries.values()
    name = next(entry.function.name for entry in entries if entry.state is NEW)
    stage.press("/", *name, "enter", "enter", "enter", "enter")
    assert len(stage.console.screens) == 2


def test_going_to_the_oldest_run_twice_goes_there_twice(stage: Stage) -> None:
    stage.press("2", "G")
    oldest = stage.selected_row()
    stage.press("k", "k")
    assert stage.selected_row() != oldest
    stage.press("G")
    assert stage.selected_row() == oldest


def test_copying_in_the_details_copies_the_traceback(stage: Stage) -> None:
    text = stage.press("enter", "c")
    assert stage.terminal.copied[0].startswith("Traceback (most recent call last):")
    assert "copied 9 lines" in text


def test_failing_only_shows_the_failing_runs_of_a_function(stage: Stage) -> None:
    text = stage.press("enter", "f")
    assert "Runs  failing only" in text
    assert "✓ ok" not in text


def test_next_failing_goes_from_details_to_details(stage: Stage) -> None:
    assert "functions › audit.export_audit_log" in stage.press("enter", "n")
    assert "functions › media.compact_thumbnails" in stage.press("n")
    assert "━ 1  Functions" in stage.press("esc")


def test_a_scan_error_opens_its_traceback(stage: Stage) -> None:
    text = stage.press("3", "j", "enter")
    assert "scan errors › old/report.py" in text
    assert "SyntaxError: invalid syntax" in text
    assert "first seen 1h 56m ago" in text


def test_from_a_worker_one_gets_to_what_it_runs(stage: Stage) -> None:
    assert "ops.poll_backups › run 3001" in stage.press("4", "j", "enter")


def test_a_list_of_runs_goes_on_to_the_oldest_and_back(stage: Stage) -> None:
    stage.press("2", "G")
    assert "run 1 " in stage.text().split("\n")[-2]
    for _ in range(60):
        stage.press("page up")
    assert "run 3003 " not in stage.text().split("\n")[-2]
    stage.press("g")
    assert "search.rebuild_search_index" in stage.selected_row()


def test_paging_down_reaches_every_run_exactly_once(stage: Stage, seeded: Config) -> None:
    stage.press("2", "z")
    seen = []
    for _ in range(3003):
        run = stage.console.overview.runs.selected_run()
        assert run is not None
        seen.append(run.id)
        stage.console.press("j")
        stage.lines()
        if stage.source.interest.recent != stage.console.view().snapshot.interest.recent:
            stage.show()
    with writing(seeded) as connection:
        expected = connection.execute(
            "SELECT id FROM run_logs ORDER BY status = 'queued' DESC,"
            " coalesce(started_at, scheduled_for) DESC, id DESC"
        ).fetchall()
    assert seen == [run_id for (run_id,) in expected]


def test_the_cursor_stays_on_its_run_while_newer_ones_arrive(
    own: Config, stage_of: StageMaker
) -> None:
    stage = stage_of(own)
    stage.press("2", "j", "j", "j", "j")
    selected, row = stage.selected_row(), stage.row_of(stage.selected_row().strip(" ▐│"))
    with writing(own) as connection:
        connection.execute(
            "INSERT INTO run_logs (function_id, status, trigger, attempt, slots, scheduled_for,"
            " covers_from, sends, output_bytes) SELECT function_id, 'missed', 'manual', 1, 1,"
            " scheduled_for, covers_from, 0, 0 FROM run_logs LIMIT 3"
        )
    stage.clock.advance(10)
    stage.show()
    assert stage.selected_row()[:60] == selected[:60]
    assert stage.row_of(selected[:60].strip()) >= row


def test_while_one_reads_the_text_of_a_run_a_newer_run_does_not_replace_it(
    own: Config, stage_of: StageMaker
) -> None:
    stage = stage_of(own)
    stage.press("enter", "tab")
    title = next(row for row in stage.text().split("\n") if "━ Run " in row)
    with writing(own) as connection:
        connection.execute(
            "INSERT INTO run_logs (function_id, status, trigger, attempt, slots, scheduled_for,"
            " covers_from, sends, output_bytes) VALUES (1, 'missed', 'manual', 1, 1, 0, 0, 0, 0)"
        )
    stage.clock.advance(60)
    assert title in stage.show()


def test_details_of_a_function_that_vanished_say_so(own: Config, stage_of: StageMaker) -> None:
    stage = stage_of(own)
    stage.press("enter")
    with writing(own) as connection:
        connection.execute("DELETE FROM run_logs")
        connection.execute("DELETE FROM scheduled_functions")
    assert "this function is gone" in stage.show()


def test_details_of_a_run_that_retention_removed_say_so(own: Config, stage_of: StageMaker) -> None:
    stage = stage_of(own)
    stage.press("2", "enter")
    with writing(own) as connection:
        connection.execute("DELETE FROM run_logs")
    assert "is not there any more" in stage.show()


def test_a_file_that_printed_at_import_is_a_warning_among_the_scan_errors(
    own: Config, stage_of: StageMaker
) -> None:
    with writing(own) as connection:
        connection.execute("UPDATE scan_errors SET severity = 'warning' WHERE path LIKE 'old/%'")
    stage = stage_of(own)
    text = stage.press("3")
    assert "! old/report.py" in text
    assert "✗ ml/train.py" in text
    assert "1 file printed or forked when imported" in stage.press("!")


def test_names_and_errors_cannot_break_out_of_their_row(own: Config, stage_of: StageMaker) -> None:
    evil = "a\x1b[2J\x07\tb\n日本語e\u0301\u202e\ud800".encode("utf-8", "replace").decode()
    with writing(own) as connection:
        connection.execute("UPDATE scheduled_functions SET name = name || ?, module_path = ?",
                           [evil, evil])  # fmt: skip
        connection.execute("UPDATE run_logs SET error_message = ?, output = ?, traceback = ?,"
                           " reason = ?, claimed_by = ?", [evil] * 5)  # fmt: skip
        connection.execute("UPDATE scan_errors SET message = ?, path = path || ?", [evil, evil])
    stage = stage_of(own)
    for keys in ((), ("enter",), ("enter",), ("esc", "esc", "3", "enter"), ("esc", "2", "enter")):
        text = stage.press(*keys) if keys else stage.show()
        assert "\x1b" not in text
        assert stage.is_exact()


def test_a_stack_stands_above_any_output_where_it_was_asked_for(
    own: Config, stage_of: StageMaker
) -> None:
    stage = stage_of(own)
    with writing(own) as connection:
        connection.execute(
            "UPDATE run_logs SET output = ?, stack_requested_at = ?, stack = 'Thread 0x1:'"
            " WHERE status = 'running'",
            ["a step\n" * 100, NOW],
        )
    assert "Thread 0x1:" in stage.press("2", "j", "w")
    assert "Thread 0x1:" not in stage.press("G")
    assert "Thread 0x1:" in stage.press("w")


def test_zoomed_a_run_shows_nothing_but_what_it_said(stage: Stage) -> None:
    assert "lateness" in stage.press("2", "enter")
    text = stage.press("z")
    assert "lateness" not in text
    assert text.split("\n")[1].startswith("━ What it said ━")
    assert "lateness" in stage.press("z")


def test_a_worker_that_was_replaced_is_not_missing(own: Config, stage_of: StageMaker) -> None:
    stage = stage_of(own)
    assert "3/4 alive" in stage.text()
    with writing(own) as connection:
        connection.execute(
            "UPDATE processes SET started_at = ? WHERE id = (SELECT min(id) FROM processes"
            " WHERE role = 'worker' AND state != 'lost' AND heartbeat_at > ?)",
            [NOW - 30, NOW - 15],
        )
    assert "3/3 alive" in stage.show()
    assert ", replaced" in stage.press("4", "z")


def test_a_worker_does_not_say_twice_how_busy_it_is(own: Config, stage_of: StageMaker) -> None:
    with writing(own) as connection:
        connection.execute("UPDATE processes SET detail = '1 busy; restarted 2 times'")
    said = stage_of(own, width=200).press("4", "j").split("\n")[-2]
    assert "1/2 ops.poll_backups  restarted 2 times" in said
    assert "busy;" not in said
