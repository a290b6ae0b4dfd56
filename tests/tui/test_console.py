"""How the console behaves while somebody works with it: order, cursor, freezing, asking."""

import re
from dataclasses import replace
from datetime import UTC

import pytest

from scheduler.config import Config
from scheduler.errors import DatabaseUnavailableError
from scheduler.tui.console import HOLD_SECONDS, MESSAGE_SECONDS
from scheduler.tui.keys import commands
from scheduler.tui.model.states import LEGEND
from scheduler.tui.popups import Help, Problems
from scheduler.tui.screens.run import RunScreen
from scheduler.tui.snapshot import EMPTY, Trouble
from tests.tui.conftest import StageMaker
from tests.tui.seed import writing
from tests.tui.stage import NOW, Stage


def test_the_functions_that_need_attention_come_first(stage: Stage) -> None:
    rows = stage.text().split("\n")[5:16]
    words = [row[3:7].strip() for row in rows]
    assert words == ["FAIL", "LOST", "TIME", "MISS", "LATE", "LATE", "run", "run", "wait", "new",
                     "new"]  # fmt: skip


def test_the_order_is_held_for_five_seconds_after_a_key(own: Config, stage_of: StageMaker) -> None:
    stage = stage_of(own)
    stage.press("j")
    order = [row[9:40] for row in stage.text().split("\n")[5:24]]
    with writing(own) as connection:
        connection.execute("UPDATE scheduled_functions SET last_status = 'error' WHERE id > 20")
    held = stage.show()
    assert [row[9:40] for row in held.split("\n")[5:24]] == order
    assert "✗ FAIL" in held.split("\n")[20]
    stage.clock.advance(HOLD_SECONDS + 1)
    stage.press("g")
    stage.clock.advance(HOLD_SECONDS + 1)
    assert all("✗" in row[:3] for row in stage.show().split("\n")[5:24])


def test_the_cursor_follows_the_function_when_the_order_changes(
    own: Config, stage_of: StageMaker
) -> None:
    stage = stage_of(own)
    stage.press("j", "j", "j", "j")
    selected = stage.selected_row()[9:30]
    with writing(own) as connection:
        connection.execute("UPDATE scheduled_functions SET last_status = 'error' WHERE id > 20")
    stage.clock.advance(HOLD_SECONDS + 1)
    stage.show()
    assert stage.selected_row()[9:30] == selected


def _let_another_come_first(own: Config, stage: Stage) -> None:
    with writing(own) as connection:
        connection.execute(
            "UPDATE scheduled_functions SET last_status = 'error', name = 'aaa.first',"
            " last_seen_at = 9 WHERE id = 30"
        )
    stage.clock.advance(HOLD_SECONDS + 1)
    stage.show()


def test_before_anybody_moved_the_cursor_stays_on_the_first_row(
    own: Config, stage_of: StageMaker
) -> None:
    stage = stage_of(own)
    _let_another_come_first(own, stage)
    assert "aaa.first" in stage.selected_row()


def test_the_cursor_stays_on_a_function_that_was_acted_on(
    own: Config, stage_of: StageMaker
) -> None:
    stage = stage_of(own)
    stage.press("p")
    acted_on = stage.selected_row()[9:40]
    _let_another_come_first(own, stage)
    assert stage.selected_row()[9:40] == acted_on
    assert "aaa.first" in stage.press("k")


def test_recent_runs_go_on_while_keys_are_pressed_in_another_panel(
    own: Config, stage_of: StageMaker
) -> None:
    stage = stage_of(own)
    stage.press("j")
    with writing(own) as connection:
        connection.execute(
            "INSERT INTO run_logs (function_id, status, trigger, attempt, slots, scheduled_for,"
            " covers_from, sends, output_bytes, reason, finished_at)"
            " VALUES (1, 'missed', 'manual', 1, 1, ?, ?, 0, 0, 'newer than all', ?)",
            [NOW, NOW, NOW],
        )
    assert "newer than all" in stage.press("j")


def test_a_frozen_console_keeps_everything_still_and_says_since_when(
    own: Config, stage_of: StageMaker
) -> None:
    stage = stage_of(own)
    frozen = stage.press(" ")
    with writing(own) as connection:
        connection.execute("UPDATE scheduled_functions SET last_status = 'error'")
    stage.clock.advance(60)
    assert stage.show() == frozen
    assert "‖ FROZEN 08:00:00, collecting · space resumes" in frozen
    assert "FROZEN" not in stage.press(" ")
    stage.clock.advance(HOLD_SECONDS + 1)
    assert stage.show().count("✗ FAIL") > 10


def test_in_a_frozen_console_one_can_still_look_around(own: Config, stage_of: StageMaker) -> None:
    stage = stage_of(own)
    stage.press(" ", "j", "enter")
    assert "functions ›" in stage.text()
    assert "p50" in stage.text()


def test_filtering_takes_effect_with_every_letter_and_escape_clears_it(stage: Stage) -> None:
    text = stage.press("/", "b", "i", "l", "l")
    assert "Functions 4 of 60" in text
    assert "/ bill█" in text
    assert "Functions 4 of 60  /bill" in stage.press("enter")
    assert "Functions 60" in stage.press("esc")


def test_the_filter_finds_names_files_and_states(stage: Stage) -> None:
    assert "of 60" in stage.press("/", *"export_audit", "enter")
    assert "of 60" in stage.press("/", "ctrl u", *"hooks/webhooks.py", "enter")
    assert "Functions 2 of 60" in stage.press("/", "ctrl u", *"late", "enter")


def test_escape_in_the_filter_clears_it_and_never_quits(stage: Stage) -> None:
    stage.press("/", "x", "y", "esc", "esc", "esc", "esc")
    assert "Functions 60" in stage.text()
    assert not stage.terminal.has_quit


def test_pasted_text_is_no_command(stage: Stage) -> None:
    before = stage.text()
    stage.press("begin paste", "q", "r", "p", "x", "enter", "end paste")
    assert not stage.terminal.has_quit
    assert stage.actions.asked == []
    assert stage.text() == before


def test_text_pasted_into_the_filter_is_typed(stage: Stage) -> None:
    text = stage.press("/", "begin paste", *"billing", "enter", "end paste")
    assert "/ billing █" in text


def test_cancelling_asks_first_and_only_y_means_yes(stage: Stage) -> None:
    stage.press("2", "j", "x", "n")
    assert stage.actions.asked == []
    text = stage.press("x", "y")
    assert stage.actions.asked == [("cancel", 3001)]
    assert "asked to stop: run 3001" in text


def test_cancelling_where_nothing_runs_says_so(stage: Stage) -> None:
    assert "nothing runs here" in stage.press("x")
    assert stage.console.prompt is None


def test_a_paused_function_is_resumed_by_the_same_key(stage: Stage) -> None:
    stage.press("/", *"off", "enter", "p")
    assert stage.actions.asked[0][0] == "resume"


@pytest.mark.parametrize("key", ["r", "p"])
def test_nothing_is_asked_of_a_function_that_is_gone(stage: Stage, key: str) -> None:
    assert " is gone: put it back" in stage.press("/", *"gone", "enter", key)
    assert stage.actions.asked == []


def test_an_answer_is_shown_for_five_seconds(stage: Stage) -> None:
    assert "queued run 4711" in stage.press("r")
    stage.clock.advance(MESSAGE_SECONDS + 0.1)
    assert "queued run 4711" not in stage.show()


def test_a_run_whose_message_cannot_be_sent_is_said_to_wait(stage: Stage) -> None:
    stage.actions.fault = "queue_url: refused"
    assert "it waits: queue_url: refused" in stage.press("r")


def test_on_a_run_its_slot_is_run_again(stage: Stage) -> None:
    text = stage.press("2", "j", "j", "j", "r")
    run = stage.console.overview.runs.selected_run()
    assert run is not None
    assert stage.actions.asked == [("run", ("tax.sync_tax_tables", run.scheduled_for))]
    assert f"queued run 4711 of tax.sync_tax_tables for the slot of run {run.id}" in text


def test_a_request_that_fails_says_why(stage: Stage) -> None:
    stage.actions.error = DatabaseUnavailableError("the disk is full")
    assert "✗ the disk is full" in stage.press("r")


def test_the_help_performs_the_selected_line(stage: Stage) -> None:
    assert "sort: name" in stage.press("?", "j", "j", "enter")
    assert stage.console.popup is None


def test_the_help_opens_the_list_of_problems(stage: Stage) -> None:
    actions = [line.action for line in commands("functions") if line.is_command]
    stage.press("?", *"j" * actions.index("problems"), "enter")
    assert isinstance(stage.console.popup, Problems)


def test_the_help_has_two_columns_that_tab_crosses(stage: Stage) -> None:
    assert "✓ refreshed" in stage.press("?", "tab", "enter")


@pytest.mark.parametrize("size", [(200, 50), (120, 36), (80, 24), (76, 20), (50, 16), (45, 8)])
def test_the_help_can_be_read_to_its_last_word_at_any_size(
    seeded: Config, stage_of: StageMaker, size: tuple[int, int]
) -> None:
    width, height = size
    stage = stage_of(seeded, width=width, height=height)
    seen = stage.press("?") + stage.press("down")
    for _ in range(50):
        seen += stage.press("down")
    seen += stage.press("g")
    wanted = [line.does for line in commands("functions")] + [state.meaning for state in LEGEND]
    assert [text for text in wanted if not re.search(f" {re.escape(text)}[ │▐]", seen)] == []


def test_the_cursor_of_the_help_stands_on_lines_that_can_be_performed_only() -> None:
    chosen: list[str] = []
    help_box = Help("functions", chosen.append, is_read_only=False)
    help_box.press("enter")
    help_box.press("last")
    help_box.press("enter")
    assert chosen == ["back", "redraw"]


def test_a_click_selects_and_a_double_click_opens(stage: Stage) -> None:
    row = stage.row_of("crm.purge_leads ")
    stage.click(20, row)
    assert "crm.purge_leads" in stage.selected_row()
    stage.clock.advance(0.1)
    assert "functions › crm.purge_leads" in stage.click(20, row)


def test_two_slow_clicks_do_not_open(stage: Stage) -> None:
    row = stage.row_of("crm.purge_leads ")
    stage.click(20, row)
    stage.clock.advance(2)
    assert "functions ›" not in stage.click(20, row)


def test_a_click_on_a_title_sorts_and_again_reverses(stage: Stage) -> None:
    row = stage.row_of("STATE ▾")
    x = stage.text().split("\n")[row].index("LAST RUN")
    assert "sort: last run" in stage.click(x + 3, row)
    assert "sort: last run reversed" in stage.click(x + 3, row)


def test_a_click_on_a_tab_shows_its_panel(seeded: Config, stage_of: StageMaker) -> None:
    stage = stage_of(seeded, width=80, height=24)
    row = stage.row_of("Workers 3/4")
    x = stage.text().split("\n")[row].index("Workers")
    assert "━ 4 " in stage.click(x, row)
    assert "ticker" in stage.text()


def test_the_wheel_scrolls_the_list_under_the_mouse(stage: Stage) -> None:
    before = stage.selected_row()
    stage.console.mouse("mouse press", 5, 20, 8)
    stage.show()
    assert stage.selected_row() != before
    assert "━ 1 " in stage.text()


def test_without_focus_the_data_is_read_every_thirty_seconds(stage: Stage) -> None:
    stage.press("focus out", "focus in")
    assert stage.source.paces == [30.0, 2.0]


@pytest.mark.parametrize(
    ("trouble", "text"),
    [
        (Trouble("locked", "locked"), "! locked - data is 14s old, retrying"),
        (Trouble("unreadable", "file is not a database"), "! file is not a database - data is 14s"),
        (Trouble("missing", "gone"), "✗ no database: "),
    ],
)
def test_old_data_stays_on_the_screen_and_its_age_is_told(
    stage: Stage, trouble: Trouble, text: str
) -> None:
    stage.clock.advance(14)
    stage.console.receive(trouble)
    assert text in stage.text()
    assert "billing.notify_invoices" in stage.text()


def test_a_long_message_of_a_driver_does_not_hide_how_old_the_data_is(stage: Stage) -> None:
    stage.console.receive(Trouble("unreadable", "no connection: " + "words " * 40))
    stage.clock.advance(14)
    first = stage.text().split("\n")[0]
    assert "! no connection: words" in first
    assert "… - data is 14s old, retrying" in first


def test_a_missing_database_is_explained_before_the_first_look(
    empty: Config, stage_of: StageMaker
) -> None:
    stage = Stage(replace(empty, db_path=empty.db_path.with_name("none.db")))
    stage.console.receive(Trouble("missing", "not found"))
    assert "Database not found:" in stage.text()
    assert "This console connects by itself." in stage.text()
    assert "- waiting" in stage.text()


@pytest.mark.parametrize(("kind", "text", "said"), [
    ("locked", "locked", ("Database locked: ", "Another program keeps it to itself.")),
    ("schema", "a newer schema - upgrade", ("none.db", "a newer schema - upgrade")),
    ("unreadable", "file is not a database", ("cannot be read: ", "file is not a database")),
])  # fmt: skip
def test_before_the_first_data_only_the_trouble_is_told(
    empty: Config, kind: str, text: str, said: tuple[str, str]
) -> None:
    stage = Stage(replace(empty, db_path=empty.db_path.with_name("none.db")))
    stage.console.receive(Trouble(kind, text))
    header, *body = stage.text().split("\n")
    assert f"! {text} - waiting" in header
    assert all(part in "\n".join(body) for part in said)
    for claim in ("never", " 0", "none -", "no runs yet", "no worker", "reading"):
        assert claim not in "\n".join(body)


def test_an_empty_database_explains_how_to_begin(empty: Config, stage_of: StageMaker) -> None:
    stage = stage_of(empty)
    assert "No scheduled functions yet." in stage.text()
    assert "Decorate one with @schedule(timedelta(minutes=5))" in stage.text()
    assert "no runs yet" in stage.text()
    assert "the service is not running - start it: scheduler run" in stage.text()
    stage.console.around = replace(stage.console.around, flag=" --config own.toml")
    assert "then run: scheduler scan --config own.toml" in stage.text()
    assert "start it: scheduler run --config own.toml" in stage.text()


def test_stale_data_is_said_to_be_stale(stage: Stage) -> None:
    stage.clock.advance(30)
    assert "! data is 30s old" in stage.text()


def test_a_fault_of_ours_is_shown_instead_of_a_frozen_screen(stage: Stage) -> None:
    stage.console.receive(replace(EMPTY, overview=None))  # type: ignore[arg-type]
    assert "AttributeError" in stage.text()
    assert "esc goes back, q quits" in stage.text()


def test_the_inspector_shows_the_row_in_full(seeded: Config, stage_of: StageMaker) -> None:
    stage = stage_of(seeded, width=200, height=50)
    inspector = stage.text().split("\n")[-2]
    assert "accounts/user_sessions.py:10" in inspector
    assert "HTTPError: 502 Bad Gateway" in inspector
    assert "5 in a row: HTTPError" in inspector


def test_only_the_visible_functions_ask_for_their_history(stage: Stage) -> None:
    assert len(stage.source.interest.visible) == 19
    stage.press("z")
    assert 19 < len(stage.source.interest.visible) < 40


def test_clock_times_go_through_utc_and_local(stage: Stage) -> None:
    assert "08:00:00 UTC" in stage.text()
    assert "clock times, UTC" in stage.press("t")
    assert "17:00:00 JST" in stage.press("t")
    assert "relative times, JST" in stage.press("t")
    assert "relative times, UTC" in stage.press("t")


def test_where_local_is_utc_the_clock_has_two_modes_only(stage: Stage) -> None:
    stage.console.around = replace(stage.console.around, local_zone=UTC)
    assert "clock times, UTC" in stage.press("t")
    assert "relative times, UTC" in stage.press("t")


def test_what_does_not_fail_is_told_of_what_is_shown_only(stage: Stage) -> None:
    assert "nothing that is shown fails" in stage.press("/", *"new", "enter", "n")


def test_the_source_opens_at_the_line_of_the_function(stage: Stage) -> None:
    stage.terminal.edit_answer = "$EDITOR nope: not found"
    assert "$EDITOR nope: not found" in stage.press("e")


def test_now_is_the_time_of_the_clock(stage: Stage) -> None:
    assert stage.console.view().look.now == NOW


def test_one_problem_is_shown_at_a_time_the_worst_first(own: Config, stage_of: StageMaker) -> None:
    stage = stage_of(own)
    assert "! worker worker lost, silent 3m 04s - see its log  ! 2 more" in stage.text()
    stage.disk_free = 0.01
    with writing(own) as connection:
        connection.execute("DELETE FROM processes WHERE role = 'ticker'")
    assert "✗ no ticker is alive: nothing becomes due" in stage.show()
    listed = stage.press("!")
    assert "the database's disk is nearly full: 1.0% free" in listed


def test_only_what_is_new_asks_for_a_drawing(own: Config, stage_of: StageMaker) -> None:
    stage = stage_of(own)
    snapshot = stage.lookout.look(stage.source.interest, is_due=True)
    stage.clock.advance(2)
    assert not stage.console.receive(replace(snapshot, read_at=snapshot.read_at + 2))
    trouble = Trouble("locked", "locked")
    assert stage.console.receive(trouble)
    assert not stage.console.receive(trouble)
    assert stage.console.receive(snapshot)
    with writing(own) as connection:
        connection.execute("UPDATE scheduled_functions SET state = 'paused' WHERE id = 1")
    assert stage.console.receive(stage.lookout.look(stage.source.interest, is_due=True))


@pytest.mark.parametrize("size", [(120, 28), (120, 24), (120, 20), (110, 18), (150, 30)])
def test_each_of_the_four_panels_has_its_heading(
    seeded: Config, empty: Config, stage_of: StageMaker, size: tuple[int, int]
) -> None:
    width, height = size
    for config in (seeded, empty):
        text = stage_of(config, width=width, height=height).text()
        for heading in ("1  Functions", "2  Recent runs", "3  Scan errors", "4  Workers"):
            assert heading in text


@pytest.mark.parametrize("width", range(20, 72, 6))
def test_the_sentence_of_a_narrow_header_has_whole_figures_only(
    own: Config, stage_of: StageMaker, width: int
) -> None:
    with writing(own) as connection:
        connection.execute("DELETE FROM processes WHERE heartbeat_at < ?", [NOW - 60])
        connection.execute("UPDATE scheduled_functions SET next_run_at = ?", [NOW + 60])
        connection.execute("DELETE FROM scan_errors")
    said = stage_of(own, width=width, height=16).text().split("\n")[0].strip().split("  ")
    assert said[0] == "● live 2s"
    labels = [figure.rpartition(" ")[2] for figure in said[1:]]
    assert labels == [label for label in ("failed", "workers", "functions", "runs")
                      if label in labels]  # fmt: skip
    assert "runs" in labels or width < 60


@pytest.mark.parametrize(("width", "crumbs"), [
    (120, "functions › accounts.archive_user_sessions › run 1 "),
    (106, "   accounts.archive_user_sessions › run 1 "),
    (72, "   run 1   ! worker worker lost"),
])  # fmt: skip
def test_the_outer_crumbs_give_way_to_the_inner_ones(
    seeded: Config, stage_of: StageMaker, width: int, crumbs: str
) -> None:
    stage = stage_of(seeded, width=width, height=24)
    stage.console.push(RunScreen(1))
    assert crumbs in stage.show().split("\n")[0]


def test_a_request_is_seen_to_be_under_way_until_it_is_answered(stage: Stage) -> None:
    answers = []
    stage.console.around = replace(
        stage.console.around, in_background=lambda work, done: answers.append((work, done))
    )
    assert "▸ asking" in stage.press("r").split("\n")[0]
    stage.clock.advance(MESSAGE_SECONDS + 1)
    assert "▸ asking" in stage.text().split("\n")[0]
    work, done = answers[0]
    done(work(), False)
    assert "✓ queued run 4711" in stage.text().split("\n")[0]


def test_the_problems_scroll_when_there_are_many_and_follow_what_happens(
    own: Config, stage_of: StageMaker
) -> None:
    stage = stage_of(own, width=80, height=16)
    with writing(own) as connection:
        for index in range(20):
            connection.execute(
                "INSERT INTO processes SELECT 'x' || ?, role, host, pid, ?, beat, heartbeat_at,"
                " slots, 'lost', detail FROM processes WHERE id = 'worker-00000002'",
                [index, NOW - 99 + index],
            )
    stage.look()
    text = stage.press("!")
    assert "worker x0 lost" in text
    assert "2 files cannot be scanned" not in text
    for _ in range(5):
        text = stage.press("page down")
    assert "2 files cannot be scanned" in text
    with writing(own) as connection:
        connection.execute("DELETE FROM scan_errors")
    assert "cannot be scanned" not in stage.show()
    stage.press("esc")
    assert stage.console.popup is None


def test_details_in_a_narrow_window_still_tell_that_there_are_problems(
    seeded: Config, stage_of: StageMaker
) -> None:
    stage = stage_of(seeded, width=80, height=24)
    first = stage.press("enter").split("\n")[0]
    assert "accounts.archive_user_sessions   ! 3 problems !" in first


def test_freezing_is_told_at_once_also_after_an_answer(stage: Stage) -> None:
    stage.press("u")
    assert "FROZEN" in stage.press(" ").split("\n")[0]


def test_the_wheel_moves_in_the_help_and_a_click_does_nothing_there(stage: Stage) -> None:
    stage.press("?")
    stage.console.mouse("mouse press", 5, 50, 10)
    stage.console.mouse("mouse press", 5, 50, 10)
    assert not stage.console.mouse("mouse press", 1, 50, 10)
    assert "sort: name" in stage.press("enter")
