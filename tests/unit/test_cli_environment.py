"""`check`: what around the configuration must be right, told without starting anything."""

import json
import os
import signal
import stat
import sys
from pathlib import Path

import pytest

from scheduler.cli import main
from scheduler.cli.environment import examine, file_system_of
from scheduler.config import load_config
from scheduler.stopping import STOP_SIGNALS


def findings(folder: Path, text: str = "") -> list[str]:
    """Return what is wrong around a configuration, errors with a `!` in front."""
    file = folder / "scheduler.toml"
    file.write_text('scan_paths = ["functions"]\n' + text)
    return [f"{'! ' * found.is_error}{found.text}" for found in examine(load_config(file, {}))]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "functions").mkdir()
    return tmp_path


def test_a_good_environment_has_nothing_to_tell_and_nothing_is_left_behind(folder: Path) -> None:
    assert findings(folder) == []
    assert sorted(path.name for path in folder.iterdir()) == ["functions", "scheduler.toml"]


def test_a_missing_scan_path_is_an_error(tmp_path: Path) -> None:
    (found,) = findings(tmp_path)

    assert found == f"! scan_paths: {tmp_path / 'functions'} does not exist; create it or " + (
        "correct the path"
    )


def test_a_scan_path_that_is_a_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "functions").write_text("")

    (found,) = findings(tmp_path)

    assert "is not a folder" in found


def test_a_scan_path_that_everybody_may_write_to_is_a_warning(folder: Path) -> None:
    (folder / "functions").chmod(0o777)

    (found,) = findings(folder)

    assert found.startswith("scan_paths: everybody may write to ")
    assert found.endswith(f"chmod o-w {folder / 'functions'}")


def test_a_disk_that_is_full_is_an_error(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scheduler.cli.disks.LEAST_FREE_BYTES", 2**62)

    (found,) = findings(folder)

    remedy = "free some space, the service goes on by itself"
    assert found == f"! db_path: the disk of {folder} is full; {remedy}"


def test_a_folder_that_cannot_be_made_is_no_full_disk(folder: Path) -> None:
    (found,) = findings(folder, 'db_path = "/proc/nope/s.db"\n')

    assert "its folder /proc" in found
    assert " is full" not in found


@pytest.mark.parametrize("sides", [["-wal"], ["-shm"], ["-wal", "-shm"]])
def test_what_was_left_read_only_beside_the_database_is_named(
    folder: Path, sides: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = [folder / f"scheduler.db{side}" for side in sides]
    for path in closed:
        path.touch(0o400)
    is_open = os.access  # root may write to everything
    monkeypatch.setattr(
        "os.access", lambda path, mode: Path(path) not in closed and is_open(path, mode)
    )

    (found,) = findings(folder)

    fault = f"not writable by this user beside it, see `ls -l {' '.join(map(str, closed))}`"
    assert found.startswith(f"! db_path: {folder / 'scheduler.db'}: {fault}")


def test_an_address_that_nobody_has_is_a_warning_only_where_metrics_are_served(
    folder: Path,
) -> None:
    nobodys = 'metrics_host = "999.1.1.1"\n'

    assert findings(folder, nobodys) == []
    (found,) = findings(folder, f"{nobodys}metrics_port = 9771\n")
    assert found.startswith("metrics_host: 999.1.1.1 is no address here (")


def test_a_file_in_the_place_of_the_fifo_is_a_warning(folder: Path) -> None:
    (folder / "scheduler-queue.db.bell").write_text("")

    (found,) = findings(folder)

    assert found.endswith("is no FIFO, runs start up to 1 s late; remove it")


def test_python_files_and_folders_below_that_everybody_may_write_to_are_a_warning(
    folder: Path,
) -> None:
    below = folder / "functions" / "below"
    below.mkdir()
    (below / "job.py").touch()
    for path in (below / "job.py", below):
        mode = path.stat().st_mode
        path.chmod(0o777)

        (found,) = findings(folder)

        assert found.startswith(f"scan_paths: everybody may write to {path}, so everybody may run")
        path.chmod(mode)


def test_a_sticky_folder_of_functions_is_still_one_where_everybody_may_add_code(
    folder: Path,
) -> None:
    (folder / "functions").chmod(0o1777)

    (found,) = findings(folder)

    assert found.startswith("scan_paths: everybody may write to ")


def test_a_configuration_that_everybody_may_change_or_replace_is_a_warning(folder: Path) -> None:
    (folder / "scheduler.toml").touch()
    (folder / "scheduler.toml").chmod(0o666)
    (found,) = findings(folder)
    assert found.startswith(f"configuration: everybody may write to {folder / 'scheduler.toml'}, ")

    (folder / "scheduler.toml").chmod(0o600)
    folder.chmod(0o777)
    places = [found.partition(": ")[0] for found in findings(folder)]
    assert places == ["configuration", "db_path"]

    folder.chmod(0o1777)  # as /tmp: what is there stays its owner's
    assert findings(folder) == []


def test_a_password_in_a_configuration_that_everybody_may_read_is_a_warning(folder: Path) -> None:
    text = 'queue_url = "redis://me:secret@127.0.0.1:1"\n'
    warnings = [found for found in findings(folder, text) if not found.startswith("! ")]
    assert [warning.partition(" in ")[0] for warning in warnings] == [
        "queue_url: everybody may read its password"
    ]
    assert "secret" not in warnings[0]

    (folder / "scheduler.toml").chmod(0o600)
    assert [found for found in findings(folder, text) if not found.startswith("! ")] == []


def test_a_database_that_others_may_read_is_a_warning(folder: Path) -> None:
    (folder / "scheduler-queue.db").touch(0o600)
    (folder / "scheduler-queue.db").chmod(0o644)

    (found,) = findings(folder)

    assert found.startswith("queue_path: other users may open")
    assert stat.S_IMODE((folder / "scheduler-queue.db").stat().st_mode) == 0o644


@pytest.mark.parametrize("key", ["db_path", "queue_path"])
def test_a_folder_in_place_of_a_file_is_one_error(folder: Path, key: str) -> None:
    (found,) = findings(folder, f'{key} = "functions"')

    assert found.startswith(f"! {key}: {folder}/functions: is a folder")


def test_a_server_that_cannot_be_reached_is_one_line_with_a_remedy(folder: Path) -> None:
    (found,) = findings(folder, 'database_url = "postgresql://me@127.0.0.1:1/none"')

    assert found.startswith("! database_url: ")
    assert found.endswith("start the server, or correct database_url")
    assert len(found.splitlines()) == 1


def test_a_file_that_is_no_database_is_an_error(folder: Path) -> None:
    (folder / "scheduler.db").write_text("this is not a database, but it is long enough" * 99)
    (folder / "scheduler.db").chmod(0o600)

    (found,) = findings(folder)

    assert found.startswith("! ")
    assert "not a database" in found


def test_a_module_to_preload_must_exist_and_is_no_helper_of_functions(folder: Path) -> None:
    (folder / "functions" / "helper_of_test.py").write_text("raise SystemExit\n")

    helper, other = findings(folder, 'preload = ["json", "helper_of_test", "no_such_module.x"]')

    assert other == "! preload: there is no module no_such_module.x; install it or take it out"
    assert helper.startswith("! preload: there is no module helper_of_test; ")
    assert "files below scan_paths are never preloaded" in helper


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('db_path = "scheduler.toml/deep/x.db"', "db_path: {folder}/scheduler.toml/deep/x.db: "),
        ('queue_path = "functions"', "queue_path: {folder}/functions: is a folder"),
        ('queue_url = "redis://localhost"', "queue_url: the package redis is not installed; pip"),
        ('database_url = "postgres://x/y"', "database_url: the package psycopg is not installed"),
        ('db_path = "/proc/nope/s.db"', "db_path: /proc/nope/s.db: its folder /proc"),
        ('db_path = "/proc/s.db"', "db_path: /proc/s.db: no file can be made in /proc"),
        ('preload = ["no_such_module"]', "preload: there is no module no_such_module"),
        ("worker_concurrency = 0", "worker_concurrency: must be a whole number from 1 to 1000"),
        ("heartbeat_seconds = nan", "heartbeat_seconds: must be a number of seconds"),
        ("max_rss_mb = -1", "max_rss_mb: must be a whole number from 0"),
    ],
)
def test_what_no_restart_can_mend_is_refused_by_every_process_in_one_line(
    folder: Path,
    text: str,
    told: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for package in ("redis", "psycopg"):
        monkeypatch.setitem(sys.modules, package, None)  # as if it were not installed
    file = folder / "scheduler.toml"
    file.write_text(f'scan_paths = ["functions"]\n{text}\n')
    installed = {number: signal.getsignal(number) for number in STOP_SIGNALS}

    assert main(["check", "--config", str(file)], {}) == 2
    assert told.format(folder=folder) in capsys.readouterr().out
    for command in ("run", "ticker", "worker", "scan"):
        assert main([command, "--config", str(file)], {}) == 2, command
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith(f"error: {file}: {told.format(folder=folder)}")

    for number, handler in installed.items():
        signal.signal(number, handler)


def test_a_server_that_cannot_be_reached_is_an_error_without_its_password(folder: Path) -> None:
    (folder / "scheduler.toml").touch(0o600)
    found = findings(folder, 'database_url = "postgresql://me:secret@127.0.0.1:1/db"')

    assert found
    assert found[0].startswith("! ")
    assert "secret" not in "".join(found)


@pytest.mark.parametrize("scheme", ["redis", "postgresql"])
def test_a_queue_that_cannot_be_reached_is_an_error_without_its_password(
    folder: Path, scheme: str
) -> None:
    (folder / "scheduler.toml").touch(0o600)
    (found,) = findings(folder, f'queue_url = "{scheme}://me:secret@127.0.0.1:1/0"')

    assert found.startswith(f"! queue_url: {scheme}://me:***@127.0.0.1:1/0 cannot be reached: ")
    assert "secret" not in found


def test_servers_that_answer_are_fine(folder: Path, redis_url: str, postgres_url: str) -> None:
    assert findings(folder, f'queue_url = "{redis_url}"\ndatabase_url = "{postgres_url}"') == []


MOUNTS = """\
/dev/sda1 / ext4 rw 0 0
server:/x /data nfs4 rw 0 0
tmpfs /data/local tmpfs rw 0 0
//share/y /mnt/with\\040space cifs rw 0 0
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/home/me", "ext4"),
        ("/data", "nfs4"),
        ("/data/deep/er", "nfs4"),
        ("/data/local/x", "tmpfs"),
        ("/database", "ext4"),
        ("/mnt/with space/z", "cifs"),
    ],
)
def test_the_file_system_is_that_of_the_nearest_mount_point(path: str, kind: str) -> None:
    assert file_system_of(Path(path), MOUNTS) == kind


def test_check_tells_all_errors_at_once_and_exits_with_2_if_nothing_would_start(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "scheduler.toml"
    file.write_text('scan_paths = ["a", "b"]\npreload = ["no_such_module"]\n')

    assert main(["check", "--config", str(file)], {"SCHEDULER_NONSENSE": "1"}) == 2

    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines[:-1]] == ["✗ error"] * 3 + ["! warning"]
    assert lines[-1] == f"✗ {file}: 3 errors, 1 warning"


def test_check_of_a_wrong_configuration_exits_with_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "scheduler.toml"
    file.write_text("scan_path = 1\n")

    assert main(["check", "--json", "--config", str(file)], {}) == 2

    found = json.loads(capsys.readouterr().out)
    assert len(found["errors"]) == 2
    assert found["warnings"] == []


def test_check_of_what_init_wrote_is_fine_and_init_never_overwrites(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["init", str(tmp_path / "new")]) == 0
    assert main(["check", "--config", str(tmp_path / "new" / "scheduler.toml")], {}) == 0
    assert capsys.readouterr().out.endswith("0 errors, 0 warnings\n")
    (tmp_path / "new" / "scheduler.toml").write_text("mine")

    assert main(["init", str(tmp_path / "new")]) == 1

    assert "exists already" in capsys.readouterr().err
    assert (tmp_path / "new" / "scheduler.toml").read_text() == "mine"


def test_init_keeps_an_example_that_was_edited(tmp_path: Path) -> None:
    (tmp_path / "functions").mkdir()
    (tmp_path / "functions" / "hello.py").write_text("mine")

    assert main(["init", str(tmp_path)]) == 0

    assert (tmp_path / "functions" / "hello.py").read_text() == "mine"
    assert (tmp_path / "scheduler.toml").exists()


def test_init_where_a_file_stands_says_so_and_claims_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("mine")

    assert main(["init", str(tmp_path / "file")]) == 1

    told = capsys.readouterr()
    assert told.out == ""
    assert f"{tmp_path / 'file'}: cannot be made a folder" in told.err


def test_metrics_without_their_library_are_an_error(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "prometheus_client", None)

    (found,) = findings(folder, "metrics_port = 9123\n")

    assert found.startswith("! metrics_port: the package prometheus-client is not installed; pip")
