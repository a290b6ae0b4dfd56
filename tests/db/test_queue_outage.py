"""A queue that cannot be written to: that it can be again is told when a message goes through."""

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
