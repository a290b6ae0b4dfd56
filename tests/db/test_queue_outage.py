"""A queue that cannot be written to, and one that others keep locked."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from scheduler import outages
from scheduler.errors import QueueUnavailableError
from scheduler.queue import open_queue
from tests.db.conftest import make_config


def test_a_queue_that_can_only_be_read_is_not_said_to_be_usable_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    queue = open_queue(make_config(tmp_path), "installation")
    queue.storage.conn.execute("PRAGMA query_only = 1")  # as on a full disk
    with pytest.raises(QueueUnavailableError):
        queue.send([(1, 0)])
    monkeypatch.setattr(outages, "CALM_SECONDS", 0.0)

    assert queue.size() == 0
    assert queue.take_now() is None
    assert "can be used again" not in capsys.readouterr().err

    queue.storage.conn.execute("PRAGMA query_only = 0")
    queue.send([(1, 0)])
    assert "INFO: the queue can be used again" in capsys.readouterr().err
    queue.storage.close()


def test_who_must_not_wait_does_not_wait_for_a_locked_queue(tmp_path: Path) -> None:
    config = make_config(tmp_path)
    queue = open_queue(config, "installation")
    queue.send([(number, 0) for number in range(4)])
    with closing(sqlite3.connect(config.queue_path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        queue.send_now([(4, 0)])
        assert queue.take_chunk(100, 100, is_patient=False) == []
        other.execute("ROLLBACK")

    assert queue.take_chunk(100, 100, is_patient=False) == [0, 1, 2, 3]
    queue.storage.close()


@pytest.mark.parametrize("send", ["send", "send_now"])
def test_what_a_locked_queue_kept_from_being_sent_goes_with_the_next(
    tmp_path: Path, send: str
) -> None:
    config = make_config(tmp_path)
    queue = open_queue(config, "installation")
    with closing(sqlite3.connect(config.queue_path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        queue.send_now([(1, 0)])
        queue.send_now([(2, 0)])
        other.execute("ROLLBACK")

    getattr(queue, send)([])
    assert queue.take_chunk(100, 100) == [1, 2]
    queue.send_now([])
    assert queue.size() == 0
    queue.storage.close()
