"""Many short runs at once, of functions that note their calls, and what became of them."""

import os
import signal
import subprocess
from collections import Counter

from scheduler.config import load_config
from scheduler.db.connection import close_database
from scheduler.db.runs import insert_run_log
from scheduler.db.schema import installation_id, open_existing
from scheduler.db.statements import rows, transaction
from scheduler.queue import open_queue
from tests.process.service import Service, wait_for

FUNCTIONS = """
from datetime import datetime

FOLDER = {folder!r}
never = schedule(timedelta(days=1), start=datetime(2100, 1, 1), overlap="allow")

@never
def note():
    run = current_run()
    with open(f"{{FOLDER}}/journal", "a") as journal:
        journal.write(f"{{run.run_id}} {{run.attempt}}\\n")

@never
def wait():
    note()
    while not os.path.exists(f"{{FOLDER}}/release"):
        time.sleep(0.01)

@never
def talk():
    note()
    print("words of", current_run().run_id)
"""
UNFINISHED = "SELECT 1 FROM run_logs WHERE status IN ('queued', 'running') LIMIT 1"


class Burst:
    """A service with functions of which no slot is due."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._journal = service.folder / "journal"
        self._journal.touch()
        service.write("notes.py", FUNCTIONS.format(folder=str(service.folder)))
        assert service.run("scan").returncode == 0

    def enqueue(self, *names: str) -> list[int]:
        """Queue a run of each function, as its slots and requests would; return their ids."""
        config = load_config(self._service.folder / "scheduler.toml", os.environ)
        open_existing(config)
        queue = open_queue(config, installation_id())
        ids = dict(rows("SELECT qualname, id FROM scheduled_functions"))
        run_ids, messages = [], []
        with transaction():
            for name in names:
                run_id, message = insert_run_log(ids[name], 1.0, now=1.0, is_held_while_open=False)
                run_ids.append(run_id)
                messages += message
        queue.send(messages)
        queue.storage.close()
        close_database()
        return run_ids

    def feed_until_it_dies(self, worker: subprocess.Popen[bytes], count: int = 400) -> None:
        """Feed a worker until its crash point: on a busy machine no run may be short."""
        while worker.poll() is None:
            self.enqueue(*["note"] * count)
            wait_for(lambda: worker.poll() is not None or self.is_over(), "its death")
        assert worker.returncode == -signal.SIGKILL, self._service.read_log()

    def release(self) -> None:
        """Let `wait` end."""
        (self._service.folder / "release").touch()

    def is_over(self) -> bool:
        """Tell whether no run is open."""
        return not self._service.rows(UNFINISHED)

    def wait_over(self) -> None:
        """Wait until no run is open."""
        wait_for(self.is_over, f"the end of all; log:\n{self._service.read_log()}")

    def calls(self) -> Counter[int]:
        """Return how often each run was begun, by its id."""
        return Counter(int(line.split()[0]) for line in self._journal.read_text().splitlines())

    def assert_each_ran_once(self) -> None:
        """Assert that each run has a verdict, that it is true, and that nothing ran twice."""
        self.wait_over()
        calls = self.calls()
        statuses = dict(self._service.rows("SELECT id, status FROM run_logs"))
        assert set(calls.values()) == {1}
        assert {id_ for id_, status in statuses.items() if status == "success"} <= calls.keys()
        lost = [run_id for run_id, status in statuses.items() if status != "success"]
        assert len(lost) <= 2, "only what was in a slot may be lost"
        assert set(statuses.values()) <= {"success", "lost"}
