"""Where a selftest keeps its record: its folder, or a schema of its own on a server."""

from pathlib import Path

from scheduler.selftest.place import Place

FOLDER = Path("/tmp/scheduler-selftest-a1")


def test_without_servers_all_is_in_the_folder() -> None:
    place = Place(FOLDER, database_url=None, queue_url=None)

    assert place.environment() == {}
    assert place.text == ""


def test_on_postgresql_every_connection_sees_the_schema_of_the_trial_alone() -> None:
    url = "postgresql://me:secret@db/x?sslmode=require"

    place = Place(FOLDER, database_url=url, queue_url="redis://queue/0")

    assert place.environment() == {
        "SCHEDULER_DATABASE_URL": f"{url}&options=-csearch_path%3Dscheduler_selftest_a1",
        "SCHEDULER_QUEUE_URL": "redis://queue/0",
    }
    assert place.text == " and schema scheduler_selftest_a1"
