"""Events as lines: readable text for people, one JSON object a line for machines."""

import io
import json
import logging
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from scheduler import logs
from scheduler.logs import configure_logging, event, mute_logging
from scheduler.testing import SettableClock

STAMP = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}Z "


@dataclass(frozen=True)
class Settings:
    """The two keys that concern logs."""

    log_level: str = "info"
    log_format: str = "text"


Configure = Callable[[Settings], io.StringIO]


@pytest.fixture
def configure() -> Iterator[Configure]:
    """Return what configures logging onto a stream; the log is as before after the test."""
    handlers, level = logging.getLogger().handlers, logging.getLogger().level

    def set_up(settings: Settings) -> io.StringIO:
        stream = io.StringIO()
        configure_logging(settings, stream)
        return stream

    yield set_up
    configure_logging(Settings())
    logging.getLogger().handlers = handlers
    logging.getLogger().setLevel(level)


def said(stream: io.StringIO) -> str:
    """Return the only line without its time."""
    (line,) = stream.getvalue().splitlines()
    assert re.match(STAMP, line)
    return re.sub(STAMP, "", line)


def test_a_line_says_time_level_event_and_fields(configure: Configure) -> None:
    stream = configure(Settings())

    event("run.finished", run_id=7, status="success", seconds=0.123456789)

    assert said(stream) == "INFO: run.finished run_id=7 status=success seconds=0.123457"


@pytest.mark.parametrize(
    ("name", "fields", "line"),
    [
        ("scan.finished", {"functions": 1}, "INFO: discovered 1 scheduled function(s)"),
        ("ticker.started", {}, "INFO: runner loop started"),
    ],
)
def test_what_people_wait_for_is_said_in_words(
    configure: Configure, name: str, fields: dict[str, Any], line: str
) -> None:
    stream = configure(Settings())

    event(name, **fields)

    assert said(stream) == line


def test_fields_that_a_sentence_does_not_use_follow_it(configure: Configure) -> None:
    stream = configure(Settings())

    event("scan.finished", functions=2, files=3)

    assert said(stream) == "INFO: discovered 2 scheduled function(s) files=3"


def test_a_sentence_without_its_field_falls_back_to_the_name(configure: Configure) -> None:
    stream = configure(Settings())

    event("scan.finished", files=3)

    assert said(stream) == "INFO: scan.finished files=3"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("two words", '"two words"'),
        ("", '""'),
        ("a=b", '"a=b"'),
        ('a"b', '"a\\"b"'),
        ("two\nlines", '"two\\nlines"'),
        ("\x1b[31m", '"\\u001b[31m"'),
        ("größe", "größe"),
        (ValueError("bad value"), '"ValueError: bad value"'),
    ],
)
def test_a_value_never_breaks_the_line_or_the_pairs(
    configure: Configure, value: object, shown: str
) -> None:
    stream = configure(Settings())

    event("x.happened", value=value)

    assert said(stream) == f"INFO: x.happened value={shown}"


def test_instants_are_times_and_absent_values_are_left_out(configure: Configure) -> None:
    stream = configure(Settings())

    event("run.queued", scheduled_for=1_700_000_000.25, retry_at=None, sent_at=float("inf"))

    assert said(stream) == "INFO: run.queued scheduled_for=2023-11-14T22:13:20.250Z sent_at=inf"


def test_what_is_below_the_level_is_not_said(configure: Configure) -> None:
    stream = configure(Settings(log_level="warning"))

    event("run.finished")
    event("run.lost", "warning")

    assert said(stream) == "WARNING: run.lost"


def test_json_has_one_object_a_line_with_the_plain_values(configure: Configure) -> None:
    stream = configure(Settings(log_format="json"))

    event("scan.finished", functions=1, took_seconds=0.5)

    record = json.loads(stream.getvalue())
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", record.pop("at"))
    assert record == {
        "level": "info",
        "event": "scan.finished",
        "message": "discovered 1 scheduled function(s)",
        "functions": 1,
        "took_seconds": 0.5,
    }


def test_a_field_cannot_replace_the_level_or_the_event(configure: Configure) -> None:
    stream = configure(Settings(log_format="json"))

    event("x.happened", event="other")

    assert json.loads(stream.getvalue())["event"] == "x.happened"


def test_an_exception_has_its_traceback_in_json_and_when_debugging(configure: Configure) -> None:
    error = _raised()
    as_json = configure(Settings(log_format="json"))
    event("tick.failed", "error", error=error)
    assert json.loads(as_json.getvalue())["error"] == "ZeroDivisionError: division by zero"
    assert "in _raised" in json.loads(as_json.getvalue())["error_traceback"]

    when_debugging = configure(Settings(log_level="debug"))
    event("tick.failed", "error", error=error)
    assert "in _raised" in when_debugging.getvalue()

    usually = configure(Settings())
    event("tick.failed", "error", error=error)
    assert "in _raised" not in usually.getvalue()


def test_warnings_of_libraries_are_events_and_their_chatter_is_not(configure: Configure) -> None:
    stream = configure(Settings())

    logging.getLogger("huey").info("executing %s", 1)
    logging.getLogger("huey").warning("queue %s is gone", "x")

    assert said(stream) == 'WARNING: library.said logger=huey text="queue x is gone"'


def test_a_process_that_draws_logs_nothing(configure: Configure) -> None:
    stream = configure(Settings())

    mute_logging()
    event("queue.unreadable", "error", error="no answer")
    assert stream.getvalue() == ""

    stream = configure(Settings())
    event("queue.unreadable", "error", error="no answer")
    assert stream.getvalue()


def test_what_stays_wrong_is_told_every_ten_seconds(
    configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream, clock = configure(Settings()), SettableClock()
    monkeypatch.setattr(logs, "SystemClock", lambda: clock)

    for _ in range(12):
        event("queue.unreadable", "error", error="no answer")
        clock.advance(1)
    event("queue.unreadable", "error", error="another answer")

    lines = [re.sub(STAMP, "", line) for line in stream.getvalue().splitlines()]
    assert lines == [
        'ERROR: queue.unreadable error="no answer"',
        'ERROR: queue.unreadable error="no answer" repeated=9',
        'ERROR: queue.unreadable error="another answer"',
    ]


@pytest.mark.parametrize(
    ("log_level", "level"), [("info", "info"), ("debug", "error"), ("debug", "debug")]
)
def test_what_is_no_fault_is_always_told_and_all_is_when_debugging(
    configure: Configure, log_level: str, level: str
) -> None:
    stream = configure(Settings(log_level=log_level))

    for _ in range(3):
        event("queue.unreadable", level, error="no answer")

    assert len(stream.getvalue().splitlines()) == 3


def test_a_stream_that_nobody_reads_does_not_stop_the_service(configure: Configure) -> None:
    stream = configure(Settings())
    stream.close()

    event("run.finished")

    assert stream.closed


@pytest.mark.parametrize("closed", ["2>&-", "2>/dev/full"])
def test_a_closed_or_full_stderr_does_not_stop_a_process(closed: str) -> None:
    code = "from scheduler.logs import event; event('a.b'); print('alive')"
    done = subprocess.run(
        ["sh", "-c", f'"$0" -c "$1" {closed}', sys.executable, code],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stdout) == (0, "alive\n")


def test_events_work_before_anybody_configured_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert logs.LEVELS["debug"] < logs.LEVELS["info"]
    event("a.happened", n=1)

    assert capsys.readouterr().err.rstrip().endswith("INFO: a.happened n=1")


def _raised() -> ZeroDivisionError:
    try:
        1 / 0  # noqa: B018 - the point is the exception
    except ZeroDivisionError as error:
        return error
    raise AssertionError
