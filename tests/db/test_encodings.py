"""A PostgreSQL database whose encoding is not UTF-8: what `initdb` makes where no locale is set."""

from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from scheduler.db.connection import close_database
from scheduler.db.schema import init_schema, is_schema_current
from tests.db.conftest import make_config
from tests.db.rows import discover, one


def test_a_database_in_sql_ascii_speaks_text(
    postgres_url: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    name = f"{urlsplit(postgres_url).path[1:]}_ascii"
    with psycopg.connect(postgres_url, autocommit=True) as server:
        server.execute(
            f"CREATE DATABASE {name} ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0".encode()
        )
        request.addfinalizer(lambda: _drop(postgres_url, name))
    url = urlsplit(postgres_url)._replace(path=f"/{name}").geturl()
    config = make_config(tmp_path, database_url=url)

    for _ in range(2):  # the second start finds the schema of the first
        init_schema(config)
        assert is_schema_current()
    discover("reports.größe")

    assert one("SELECT name FROM scheduled_functions") == "reports.größe"


def _drop(server_url: str, name: str) -> None:
    close_database()
    with psycopg.connect(server_url, autocommit=True) as server:
        server.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())
