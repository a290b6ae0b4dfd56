"""What a narrow terminal shows is shorter, never wrong: no figure there loses a digit."""

import re

import pytest

from scheduler.config import Config
from tests.tui.conftest import StageMaker
from tests.tui.seed import writing
from tests.tui.stage import NOW


@pytest.mark.parametrize("width", [72, 80, 100, 120])
@pytest.mark.parametrize("age", [40, 3599, 86399])
def test_the_number_of_scan_errors_is_never_cut(
    own: Config, stage_of: StageMaker, width: int, age: int
) -> None:
    with writing(own) as connection:
        connection.execute("UPDATE scans SET finished_at = ?", [NOW - age])
        for index in range(10):
            connection.execute(
                "INSERT INTO scan_errors SELECT 'f' || ?, error_type, message, traceback, line,"
                " severity, first_seen_at, last_seen_at FROM scan_errors WHERE path LIKE 'ml%'",
                [index],
            )
    figures = stage_of(own, width=width, height=24).text().split("\n")[2]
    assert re.search(r"[hmso] ✗12 ", figures[:18])


def test_warnings_are_not_counted_among_the_errors(own: Config, stage_of: StageMaker) -> None:
    with writing(own) as connection:
        connection.execute("UPDATE scan_errors SET severity = 'warning' WHERE path LIKE 'old/%'")
    assert "✗1 " in stage_of(own).text().split("\n")[2]
    with writing(own) as connection:
        connection.execute("UPDATE scan_errors SET severity = 'warning'")
    assert "!2 " in stage_of(own).text().split("\n")[2]


def test_the_inspector_gives_up_the_source_before_the_error(
    own: Config, stage_of: StageMaker
) -> None:
    wide, narrow = stage_of(own), stage_of(own, width=80, height=24)
    assert "user_sessions  accounts/user_sessions.py:10  5 in a row" in wide.text().split("\n")[-2]
    said = narrow.text().split("\n")[-2]
    assert said.startswith(" ✗ accounts.archive_user_sessions  5 in a row: HTTPError: 502 Bad Gate")


def test_the_inspector_tells_the_slot_of_a_run_in_short_before_it_cuts_its_lateness(
    own: Config, stage_of: StageMaker
) -> None:
    wide, narrow = stage_of(own), stage_of(own, width=80, height=24)
    assert "slot 2027-01-15 " in wide.press("2", "j", "j", "j").split("\n")[-2]
    said = narrow.press("2", "j", "j", "j").split("\n")[-2]
    assert "slot 2027" not in said
    assert re.search(r"late \d+ms = tick \d+ms \+ queue \d+ms ", said)


def test_the_list_of_problems_breaks_what_is_too_long_for_a_line(
    own: Config, stage_of: StageMaker
) -> None:
    with writing(own) as connection:
        connection.execute("UPDATE scheduled_functions SET last_seen_at = ?", [NOW - 600])
        connection.execute("UPDATE run_logs SET source_hash = 'other' WHERE status = 'running'")
    rows = stage_of(own, width=50, height=30).press("!").split("\n")
    start = next(index for index, row in enumerate(rows) if "runs another" in row)
    assert "│ ! worker web-1:4123 runs another version of" in rows[start]
    assert "│   crm.purge_leads than the scan saw" in rows[start + 1]
    assert "│     bring the same files to all hosts" in rows[start + 2]


def test_the_advice_of_an_empty_database_is_there_in_full(
    empty: Config, stage_of: StageMaker
) -> None:
    words = " ".join(stage_of(empty, width=50, height=16).text().split())
    assert "Decorate one with @schedule(timedelta(minutes=5))" in words
    assert "in a scanned folder," in words


def test_a_run_that_goes_on_says_so_where_others_say_their_end(
    own: Config, stage_of: StageMaker
) -> None:
    text = stage_of(own, width=80, height=24).press("2", "j", "enter")
    assert re.search(r" finished  not yet, it runs for 1[34]s", text)
