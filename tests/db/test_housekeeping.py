"""Retention, processes, scans, and the schema that they live in."""

import stat
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest
from playhouse.migrations import Runner

from scheduler.config import Config
from scheduler.db import processes, scans
from scheduler.db.connection import close_database, open_database
from scheduler.db.finishes import finish
from scheduler.db.processes import ProcessRow
from scheduler.db.retention import FIRST_BATCH, OldRuns, fitting_size
from scheduler.db.schema import init_schema, installation_id, open_existing
from scheduler.db.statements import change, change_many, is_sqlite, rows, transaction
from scheduler.db.versions import MIGRATIONS_FOLDER
from scheduler.errors import ForeignDatabaseError, SchemaMissingError, SchemaTooNewError
from scheduler.executor.call import Outcome
from scheduler.models import TABLES
from scheduler.models import database as models_database
from scheduler.runner.complaint import DUPLICATE_NAME, WARNING, FileError, complain
from scheduler.testing import SettableClock
from tests.db import rows as table
from tests.db.conftest import make_config
from tests.db.rows import (
    NOW,
    WORKER,
    count_steps,
    delete_old_runs,
    discover,
    insert_finished,
    one,
    run_one,
    start_run,
    tick,
)


def process(process_id: str, role: str = "worker") -> ProcessRow:
    return ProcessRow(process_id, role, "host", 7, NOW, 0, NOW, 2, "running", None)


def finish_slots(count: int) -> None:
    for number in range(count):
        at = NOW + 60 * number
        finish(run_one(at), Outcome(status="success"), WORKER, at)


@pytest.mark.usefixtures("database")
class TestRetention:
    def test_old_runs_go_and_the_newest_verdict_stays(self) -> None:
        discover("a.f")
        finish_slots(5)
        assert delete_old_runs(NOW + 10_000, 100) == 4
        assert delete_old_runs(NOW + 10_000, 100) == 0
        assert table.runs("scheduled_for") == [(NOW + 240,)]
        assert one("SELECT pruned_until_at FROM scheduled_functions") == NOW + 180

    def test_a_batch_that_another_process_deleted_meanwhile_is_not_the_end(self) -> None:
        class Overtaken(OldRuns):
            """Finds its first batch just before somebody else deletes that."""

            is_overtaken = False

            def _fetch_expired(self) -> list[int]:
                found = super()._fetch_expired()
                if not self.is_overtaken:
                    self.is_overtaken = True
                    with transaction():
                        change("DELETE FROM run_logs WHERE id <= ?", [FIRST_BATCH])
                return found

        discover("a.f")
        insert_finished(FIRST_BATCH + 10)
        old_runs = Overtaken(before=NOW, runs_per_function=100_000, clock=SettableClock())
        assert [old_runs.delete_batch() for _ in range(3)] == [0, 9, None]

    def test_runs_are_counted_in_pieces_and_excess_is_found_across_them(self) -> None:
        discover("a.f", "b.f", "c.f")
        for function_id in (1, 2, 3):
            insert_finished(9_000, function_id=function_id)
        assert delete_old_runs(0, 8_500) == 3 * 500

    @pytest.mark.parametrize("config", ["sqlite"], indirect=True)  # which alone counts its steps
    def test_a_tick_waits_for_a_piece_of_the_count_however_many_runs_there_are(self) -> None:
        discover("a.f")
        insert_finished(10_000)
        few = self._steps_of_count()
        insert_finished(20_000)
        assert self._steps_of_count() < few + 1000

    def _steps_of_count(self) -> int:
        old_runs = OldRuns(before=0, runs_per_function=100_000, clock=SettableClock())
        return count_steps(old_runs.delete_batch)

    def test_a_batch_that_held_the_lock_for_long_is_followed_by_a_smaller_one(self) -> None:
        assert fitting_size(100, 0.008) == 50
        assert fitting_size(100, 60.0) == 25
        assert fitting_size(100, 0.004) == 100
        assert fitting_size(100, 0.0) == 200
        assert fitting_size(500, 0.0) == 500

    def test_a_function_keeps_its_newest_runs(self) -> None:
        discover("a.f")
        finish_slots(5)
        assert delete_old_runs(0, 3) == 2
        assert [slot for (slot,) in table.runs("scheduled_for")] == [
            NOW + 120,
            NOW + 180,
            NOW + 240,
        ]

    def test_a_run_goes_with_all_its_attempts_or_not_at_all(self) -> None:
        discover("a.f", retries=1)
        finish_slots(1)
        failed = run_one(NOW + 60)
        retry_at = finish(failed, Outcome(status="error"), WORKER, NOW + 60).retry_at
        assert retry_at is not None
        finish(start_run(3, retry_at), Outcome(status="error"), WORKER, retry_at)
        finish(run_one(NOW + 120), Outcome(status="success"), WORKER, NOW + 120)
        assert delete_old_runs(0, 2) == 1
        assert table.runs("root_id", "attempt") == [(2, 1), (2, 2), (4, 1)]
        assert delete_old_runs(0, 1) == 2

    def test_the_excess_of_many_functions_goes_in_one_batch(self) -> None:
        discover("a.f", "b.f", "c.f")
        for slot in range(5):
            for run_id, _ in tick(NOW + 60 * slot):
                run = start_run(run_id, NOW + 60 * slot)
                finish(run, Outcome(status="success"), WORKER, NOW + 60 * slot)
        old_runs = OldRuns(before=0, runs_per_function=3, clock=SettableClock())
        assert [old_runs.delete_batch() for _ in range(2)] == [6, None]

    def test_open_runs_and_the_attempts_before_them_stay(self) -> None:
        discover("a.f", retries=1)
        finish(run_one(NOW), Outcome(status="error"), WORKER, NOW)
        with transaction():
            change(
                "INSERT INTO run_logs (function_id, root_id, attempt, status, trigger, "
                "scheduled_for, covers_from, slots, finished_at, sends, output_bytes) "
                "VALUES (1, 99, 1, 'skipped', 'schedule', 5, 5, 1, 5, 0, 0)"
            )
        assert delete_old_runs(NOW + 10_000, 100) == 0
        assert len(table.runs("id")) == 3


@pytest.mark.usefixtures("database")
class TestProcesses:
    def test_a_heartbeat_of_a_process_declared_lost_is_refused(self) -> None:
        processes.register(process("one"))
        assert processes.beat("one", NOW + 1)
        assert not processes.mark_lost("one", "silent", 0), "it has beaten since it was seen"
        assert processes.mark_lost("one", "silent", 1)
        assert not processes.mark_lost("one", "silent", 1)
        assert not processes.beat("one", NOW + 2)

    def test_the_scan_lease_is_held_by_one_living_process(self) -> None:
        processes.register(process("one", "ticker"))
        processes.register(process("two", "ticker"))
        assert scans.take_lease("one")
        assert not scans.take_lease("two")
        processes.mark_lost("one", "killed", 0)
        assert scans.take_lease("two")
        scans.release_lease("two")
        assert scans.take_lease("two")

    def test_a_mended_file_leaves_the_scan_errors(self) -> None:
        broken = FileError(path="a.py", error_type="E", message="m", traceback="t", line=1)
        for errors, expected in (([broken], 1), ([broken], 1), ([], 0)):
            scans.record_scan(started_at=NOW, finished_at=NOW, files=1, functions=0, errors=errors)
            assert one("SELECT COUNT(*) FROM scan_errors") == expected
        assert scans.is_outdated(NOW, NOW + 1)
        assert not scans.is_outdated(NOW + 1, NOW + 1)

    def test_a_scan_that_was_made_before_the_clock_was_set_back_is_no_newer_one(self) -> None:
        for at in (NOW + 7200, NOW):
            assert not scans.is_outdated(at, at)
            scans.record_scan(started_at=at, finished_at=at, files=1, functions=0, errors=[])
        assert rows("SELECT started_at FROM scans") == [(NOW,)]

    def test_one_file_is_written_and_mended_ahead_of_the_whole_scan(self) -> None:
        broken = FileError(path="a.py", error_type="E", message="m", traceback="t", line=1)
        double = FileError(
            path="b.py", error_type=DUPLICATE_NAME, message="m", traceback="", line=1
        )
        scans.record_file_errors([broken], NOW)
        scans.record_file_errors([double], NOW)
        assert scans.fetch_error_paths() == {"a.py", "b.py"}
        scans.forget_file_error("a.py")
        scans.forget_file_error("b.py")
        assert scans.fetch_error_paths() == {"b.py"}  # whose the name is tells only the whole scan

    def test_a_warning_is_listed_but_is_no_error_of_the_scan(self) -> None:
        warning = complain("a.py", "ImportOutput", "it prints", severity=WARNING)
        scans.record_scan(started_at=NOW, finished_at=NOW, files=1, functions=0, errors=[warning])
        assert one("SELECT COUNT(*) FROM scan_errors WHERE severity = 'warning'") == 1
        assert one("SELECT errors FROM scans") == 0


class TestSchema:
    def test_the_schema_of_the_models_is_that_of_the_migrations(self, config: Config) -> None:
        init_schema(config)
        migrated = _described()
        with transaction():
            models_database.drop_tables(TABLES)
            models_database.create_tables(TABLES)
        assert _described() == migrated
        close_database()

    def test_a_database_of_a_newer_scheduler_is_refused(self, database: Config) -> None:
        with transaction():
            change(
                "INSERT INTO schema_migration (name, applied) VALUES ('0999_later', ?)",
                ["2030-01-01 00:00:00"],
            )
        with pytest.raises(SchemaTooNewError, match="0999_later"):
            init_schema(database)

    def test_a_database_without_a_schema_is_told_with_the_remedy(self, config: Config) -> None:
        with pytest.raises(SchemaMissingError, match="scheduler run"):
            open_existing(config)

    def test_a_database_that_is_another_applications_is_refused_and_left_alone(
        self, config: Config
    ) -> None:
        open_database(config)
        with transaction():
            change("CREATE TABLE settings (theirs TEXT)", [])
        for opened in (init_schema, open_existing):
            with pytest.raises(ForeignDatabaseError, match="has a table settings"):
                opened(config)
        assert models_database.get_tables() == ["settings"]
        close_database()

    @pytest.mark.parametrize("column", ["name", "version"])
    @pytest.mark.parametrize("applied", [["0001_initial"], ["0001_initial", "0002_theirs"]])
    def test_a_database_that_another_applications_migrations_have_made_is_refused(
        self, config: Config, column: str, applied: list[str]
    ) -> None:
        open_database(config)
        with transaction():
            change(f"CREATE TABLE schema_migration ({column} TEXT)", [])
            change_many("INSERT INTO schema_migration VALUES (?)", [[name] for name in applied])
        for opened in (init_schema, open_existing):
            with pytest.raises(ForeignDatabaseError, match="has a table schema_migration"):
                opened(config)
        close_database()

    def test_tables_of_another_application_beside_an_empty_record_are_left_alone(
        self, config: Config
    ) -> None:
        open_database(config)
        Runner(models_database.obj, str(MIGRATIONS_FOLDER)).History.create_table()
        with transaction():
            change("CREATE TABLE scans (theirs TEXT)", [])
        with pytest.raises(ForeignDatabaseError, match="has a table scans"):
            init_schema(config)
        close_database()

    def test_a_servers_database_may_be_shared_with_other_applications(
        self, postgres_url: str, tmp_path: Path
    ) -> None:
        config = make_config(tmp_path, database_url=postgres_url)
        open_database(config)
        with transaction():
            change("CREATE TABLE notes (text TEXT)", [])
        init_schema(config)
        assert installation_id()
        close_database()

    def test_a_database_left_with_nothing_but_the_record_of_migrations_is_gone_on_with(
        self, config: Config
    ) -> None:
        open_database(config)
        Runner(models_database.obj, str(MIGRATIONS_FOLDER)).History.create_table()
        init_schema(config)
        assert installation_id()
        close_database()

    def test_starting_again_changes_nothing(self, config: Config) -> None:
        init_schema(config)
        before = installation_id()
        init_schema(config)
        assert installation_id() == before
        assert Runner(models_database.obj, str(MIGRATIONS_FOLDER)).up() == []
        close_database()

    def test_the_files_can_be_read_by_their_owner_only(self, tmp_path: Path) -> None:
        init_schema(make_config(tmp_path))
        files = list(tmp_path.glob("scheduler.db*"))
        assert len(files) >= 2
        assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
        close_database()

    def test_a_thread_of_the_process_waits_for_anothers_transaction(self, database: Config) -> None:
        def beat_often(name: str) -> None:
            for _ in range(50):
                assert processes.beat(name, NOW)

        for name in ("one", "two", "three"):
            processes.register(process(name))
        threads = [
            threading.Thread(target=beat_often, args=[name]) for name in ("one", "two", "three")
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert rows("SELECT beat FROM processes") == [(50,)] * 3


def _described() -> Sequence[object]:
    if is_sqlite():
        return rows(
            "SELECT name, sql FROM sqlite_master WHERE tbl_name != 'schema_migration' "
            "AND name NOT LIKE 'sqlite_%' ORDER BY name"
        )
    columns = rows(
        "SELECT table_name, column_name, data_type, is_nullable FROM information_schema.columns "
        "WHERE table_schema = 'public' AND table_name != 'schema_migration' ORDER BY 1, 2"
    )
    indexes = rows(
        "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' "
        "AND tablename != 'schema_migration' ORDER BY 1"
    )
    return [*columns, *indexes]
