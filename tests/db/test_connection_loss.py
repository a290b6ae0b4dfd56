"""A lost connection to PostgreSQL takes the whole transaction with it, and nothing else."""

import select

import psycopg
import pytest

from scheduler.config import Config
from scheduler.db.connection import reopen_database
from scheduler.db.statements import change, change_many, reading, rows, transaction
from scheduler.errors import DatabaseUnavailableError
from scheduler.maintenance.bells import ticker_bell

INSERT = "INSERT INTO settings (key, value) VALUES (?, '')"


def cut(config: Config) -> None:
    """End all connections to the database from the server's side."""
    with psycopg.connect(str(config.database_url), autocommit=True) as other:
        other.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid != pg_backend_pid()"
        )


def keys() -> list[str]:
    """Return what the tests have written."""
    with reading():
        return [key for (key,) in rows("SELECT key FROM settings WHERE value = '' ORDER BY key")]


def test_what_began_before_the_loss_is_undone_and_the_next_transaction_works(
    server: Config,
) -> None:
    with pytest.raises(DatabaseUnavailableError), transaction():  # noqa: PT012 - one story
        change(INSERT, ["before"])
        cut(server)
        change(INSERT, ["after"])
    with transaction():
        change(INSERT, ["later"])
    assert keys() == ["later"]


def test_a_loss_inside_a_nested_transaction_leaves_later_ones_whole(server: Config) -> None:
    with pytest.raises(DatabaseUnavailableError), transaction(), transaction():  # noqa: PT012
        change(INSERT, ["before"])
        cut(server)
        change(INSERT, ["lost"])
    with pytest.raises(ValueError, match="both"), transaction():  # noqa: PT012 - one story
        with transaction():
            change(INSERT, ["inner"])
        raise ValueError("both are undone")
    assert keys() == []


def test_statements_after_a_loss_do_not_run_outside_of_their_transaction(server: Config) -> None:
    with pytest.raises(DatabaseUnavailableError), transaction():  # noqa: PT012 - one story
        change(INSERT, ["before"])
        cut(server)
        with pytest.raises(DatabaseUnavailableError), transaction():
            change(INSERT, ["inner"])
        change(INSERT, ["outer"])
    assert keys() == []


def test_a_loss_between_transactions_is_not_noticed(server: Config) -> None:
    cut(server)
    with transaction():
        change(INSERT, ["written"])
    cut(server)
    with transaction():
        change_many(INSERT, [["by"], ["many"]])
    assert keys() == ["by", "many", "written"]


def test_a_transaction_begins_with_its_first_statement_and_is_undone_with_it(
    server: Config,
) -> None:
    with pytest.raises(psycopg.errors.UniqueViolation), transaction():  # noqa: PT012 - one story
        change(INSERT, ["once"])
        change(INSERT, ["once"])
    with pytest.raises(DatabaseUnavailableError, match="nowhere"), transaction():
        rows("SELECT 1 FROM nowhere")
    with transaction():
        pass
    with transaction():
        change(INSERT, ["later"])
    assert keys() == ["later"]


def test_a_ring_is_heard_from_another_connection_and_again_after_a_loss(server: Config) -> None:
    ringing, hearing = ticker_bell(server), ticker_bell(server)
    hearing.reopen_if_replaced()
    ringing.ring()
    assert select.select(hearing.fds(), [], [], 10)[0]
    assert hearing.drain()
    assert not hearing.drain()
    cut(server)
    while fds := hearing.fds():  # the server's last words come first, then the end
        assert select.select(fds, [], [], 10)[0]
        hearing.drain()
    hearing.reopen_if_replaced()
    ringing.ring()
    assert select.select(hearing.fds(), [], [], 10)[0]
    hearing.close()


def test_a_database_set_to_serialize_transactions_does_not_change_ours(server: Config) -> None:
    with psycopg.connect(str(server.database_url), autocommit=True) as other:
        name = other.info.dbname
        other.execute(
            f"ALTER DATABASE {name} SET default_transaction_isolation = 'serializable'".encode()
        )
    reopen_database()
    with reading():
        assert rows("SHOW transaction_isolation") == [("read committed",)]
