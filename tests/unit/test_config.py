"""The configuration: file, environment, defaults, and every fault at once in one line each."""

import os
from dataclasses import fields
from pathlib import Path

import pytest

from scheduler.cli.setup import config_text
from scheduler.config import Config, Reading, load_config, read_config
from scheduler.config_keys import KEYS
from scheduler.errors import ConfigError
from scheduler.redaction import safe_url

SCAN = 'scan_paths = ["functions"]\n'


def read(folder: Path, text: str = "", **environ: str) -> Reading:
    """Read a file with this text, as `scheduler --config` would."""
    file = folder / "scheduler.toml"
    file.write_text(SCAN + text)
    return read_config(file, environ)


def problems(folder: Path, text: str = "", **environ: str) -> list[str]:
    """Return the faults of a file, without the path that each begins with."""
    with pytest.raises(ConfigError) as caught:
        read(folder, text, **environ)
    return [line.removeprefix(f"{folder / 'scheduler.toml'}: ") for line in caught.value.problems]


def test_what_is_not_set_has_the_default_of_the_table(tmp_path: Path) -> None:
    config = read(tmp_path).config

    assert config.path == tmp_path / "scheduler.toml"
    assert config.scan_paths == (tmp_path / "functions",)
    assert config.db_path == tmp_path / "scheduler.db"
    assert config.queue_path == tmp_path / "scheduler-queue.db"
    assert config.worker_concurrency >= 1
    assert (config.heartbeat_seconds, config.dead_after_seconds) == (2.0, 15.0)
    assert (config.database_url, config.timezone, config.durability) == (None, "UTC", "normal")


def test_the_table_of_keys_is_the_configuration_and_nothing_else() -> None:
    assert {key.name for key in KEYS} == {field.name for field in fields(Config)} - {"path"}


def test_the_queue_lies_beside_the_database(tmp_path: Path) -> None:
    config = read(tmp_path, 'db_path = "data/jobs.sqlite"').config

    assert config.queue_path == tmp_path / "data" / "jobs-queue.db"


def test_relative_paths_are_relative_to_the_file_also_from_the_environment(tmp_path: Path) -> None:
    config = read(tmp_path, 'db_path = "../x.db"', SCHEDULER_QUEUE_PATH="q/queue.db").config

    assert config.db_path == tmp_path.parent / "x.db"
    assert config.queue_path == tmp_path / "q" / "queue.db"


def test_a_relative_path_to_the_file_gives_absolute_paths(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "scheduler.toml").write_text(SCAN)

    config = load_config(None, {})

    assert config.path == tmp_path / "scheduler.toml"
    assert config.scan_paths == (tmp_path / "functions",)


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    config = read(tmp_path, "heartbeat_seconds = 3", SCHEDULER_HEARTBEAT_SECONDS="1.5").config

    assert config.heartbeat_seconds == 1.5


def test_an_empty_variable_counts_as_not_set(tmp_path: Path) -> None:
    config = read(tmp_path, 'timezone = "Europe/Berlin"', SCHEDULER_TIMEZONE=" ").config

    assert config.timezone == "Europe/Berlin"


def test_lists_in_the_environment_are_separated_as_their_kind_is(tmp_path: Path) -> None:
    config = read(
        tmp_path, SCHEDULER_SCAN_PATHS=os.pathsep.join(["a", "/b"]), SCHEDULER_PRELOAD="json, csv"
    ).config

    assert config.scan_paths == (tmp_path / "a", Path("/b"))
    assert config.preload == ("json", "csv")


def test_a_scan_path_named_twice_is_scanned_once(tmp_path: Path) -> None:
    config = read(tmp_path, SCHEDULER_SCAN_PATHS="a:a/../a").config

    assert config.scan_paths == (tmp_path / "a",)


def test_the_environment_alone_is_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    config = load_config(None, {"SCHEDULER_SCAN_PATHS": "functions"})

    assert config.path is None
    assert config.db_path == tmp_path / "scheduler.db"


def test_a_variable_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "other.toml").write_text(SCAN)

    config = load_config(None, {"SCHEDULER_CONFIG": str(tmp_path / "other.toml")})

    assert config.path == tmp_path / "other.toml"


def test_all_faults_are_told_at_once_each_with_file_key_and_remedy(tmp_path: Path) -> None:
    found = problems(
        tmp_path,
        """
        heartbeat_second = 3
        max_rss_mb = true
        log_level = "loud"
        timezone = "Europe/Berln"
        preload = "json"
        """,
        SCHEDULER_WORKER_CONCURRENCY="x",
    )

    assert sorted(found) == [
        "environment: SCHEDULER_WORKER_CONCURRENCY: must be a whole number from 1 to 1000, not 'x'",
        "heartbeat_second: unknown key; did you mean 'heartbeat_seconds'?",
        "log_level: must be debug, info, warning or error, not 'loud'",
        "max_rss_mb: must be a whole number from 0 to 1000000, not True",
        "preload: must be a list of module names, not 'json'",
        "timezone: unknown time zone 'Europe/Berln'; did you mean 'Europe/Berlin'?",
    ]


@pytest.mark.parametrize(
    "setting",
    [
        "heartbeat_seconds = 0",
        "heartbeat_seconds = nan",
        "heartbeat_seconds = inf",
        "runner_poll_seconds = -1",
        "worker_concurrency = 1.5",
        "worker_concurrency = 0",
        "retention_days = 0",
        'output_limit_kb = "64"',
        'db_path = ""',
        'db_path = "/"',
        'db_path = "~nobody-of-this-name/scheduler.db"',
        "db_path = 3",
        "scan_paths = []",
        'timezone = "../etc/passwd"',
        "log_format = 1979-05-27",
    ],
)
def test_a_value_out_of_bounds_or_of_another_type_is_refused(tmp_path: Path, setting: str) -> None:
    file = tmp_path / "scheduler.toml"
    file.write_text(setting if setting.startswith("scan_paths") else SCAN + setting)

    with pytest.raises(ConfigError) as caught:
        load_config(file, {})

    (problem,) = caught.value.problems
    assert problem.startswith(f"{file}: {setting.split()[0]}: ")


def test_scan_paths_are_required(tmp_path: Path) -> None:
    (tmp_path / "scheduler.toml").write_text("heartbeat_seconds = 1\n")

    with pytest.raises(ConfigError, match="scan_paths: missing; for example scan_paths = "):
        load_config(tmp_path / "scheduler.toml", {})


def test_a_section_is_explained(tmp_path: Path) -> None:
    assert problems(tmp_path, "[scheduler]\nheartbeat_seconds = 1") == [
        "scheduler: unknown key; keys stand at the top of the file, without a [section]"
    ]


def test_a_process_may_not_count_as_dead_before_three_heartbeats(tmp_path: Path) -> None:
    assert problems(tmp_path, "heartbeat_seconds = 10") == [
        "dead_after_seconds: must be at least 3 x heartbeat_seconds; set 30 or more"
    ]


def test_a_key_that_is_wrong_by_itself_is_not_compared_with_others(tmp_path: Path) -> None:
    found = problems(tmp_path, 'heartbeat_seconds = 10\ndead_after_seconds = "soon"')

    assert [line.split(":")[0] for line in found] == ["dead_after_seconds"]
    assert len(found) == 1


def test_database_and_queue_may_not_be_one_file(tmp_path: Path) -> None:
    (found,) = problems(tmp_path, 'db_path = "a.db"\nqueue_path = "./a.db"')

    assert found.startswith("queue_path: must not be the file of db_path")


@pytest.mark.parametrize(
    ("key", "url"),
    [
        ("database_url", "mysql://me:secret@host/db"),
        ("database_url", "me:secret@host"),
        ("queue_url", "amqp://me:secret@host"),
        ("queue_url", "redis://me:secret@host:port/0"),
    ],
)
def test_a_wrong_url_is_refused_without_telling_its_password(
    tmp_path: Path, key: str, url: str
) -> None:
    (found,) = problems(tmp_path, f'{key} = "{url}"')

    assert found.startswith(f"{key}: ")
    assert "secret" not in found


def test_urls_of_known_kinds_are_taken(tmp_path: Path) -> None:
    config = read(
        tmp_path,
        'database_url = "postgresql://me:secret@host/db"',
        SCHEDULER_QUEUE_URL="redis://host:6379/0",
    ).config

    assert config.database_url == "postgresql://me:secret@host/db"
    assert config.queue_url == "redis://host:6379/0"


def test_a_password_is_in_no_representation(tmp_path: Path) -> None:
    config = read(tmp_path, 'database_url = "postgresql://me:secret@host/db"').config

    assert "secret" not in repr(config)
    assert config.database_label == "postgresql://me:***@host/db"


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me:secret@host/db",
        "postgresql://me:se/secret?secret@host/db",
        "postgresql://me:se@secret@host/db",
        "redis://:secret@host",
        "postgresql://host/db?user=me&password=secret&sslmode=require",
    ],
)
def test_a_safe_url_keeps_the_host_and_hides_the_password(url: str) -> None:
    shown = safe_url(url)

    assert "secret" not in shown
    assert "host" in shown


def test_broken_toml_names_the_file_and_the_line(tmp_path: Path) -> None:
    (found,) = problems(tmp_path, "\nheartbeat_seconds = = 3")
    assert found.startswith("line 3: not valid TOML: ")

    (found,) = problems(tmp_path, "\npreload = [")
    assert found.startswith("line 3: not valid TOML: ")


def test_a_missing_file_is_told_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.toml: no such file; `scheduler init`"):
        load_config(tmp_path / "nowhere.toml", {})


def test_a_named_file_must_exist_even_if_the_environment_would_do(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such file"):
        load_config(tmp_path / "nowhere.toml", {"SCHEDULER_SCAN_PATHS": "x"})


def test_a_folder_or_a_binary_file_is_no_configuration(tmp_path: Path) -> None:
    with pytest.raises(
        ConfigError, match=r"is a folder; name the file in it, such as .*/scheduler\.toml"
    ):
        load_config(tmp_path, {})
    (tmp_path / "binary.toml").write_bytes(b"a = '\xff'")
    with pytest.raises(ConfigError, match="not UTF-8 at byte 5"):
        load_config(tmp_path / "binary.toml", {})


def test_a_byte_order_mark_is_no_fault(tmp_path: Path) -> None:
    (tmp_path / "scheduler.toml").write_text(SCAN, encoding="utf-8-sig")

    assert load_config(tmp_path / "scheduler.toml", {}).scan_paths == (tmp_path / "functions",)


def test_an_unknown_variable_is_a_warning_and_our_own_are_none(tmp_path: Path) -> None:
    reading = read(tmp_path, SCHEDULER_HEARTBEATS="1", SCHEDULER_CONFIG="x", SCHEDULER_LIFELINE="3")

    (warning,) = reading.warnings
    assert warning.startswith("environment: SCHEDULER_HEARTBEATS: unknown variable, ignored; ")
    assert warning.endswith("did you mean 'SCHEDULER_HEARTBEAT_SECONDS'?")


def test_a_variable_that_is_like_none_of_ours_gets_no_guess(tmp_path: Path) -> None:
    (warning,) = read(tmp_path, SCHEDULER_FOO="1").warnings

    assert warning == "environment: SCHEDULER_FOO: unknown variable, ignored; unset it"


def test_a_path_that_a_url_makes_useless_is_a_warning(tmp_path: Path) -> None:
    reading = read(tmp_path, 'db_path = "a.db"\ndatabase_url = "postgresql://host/db"')

    (warning,) = reading.warnings
    assert warning.endswith("db_path: not used, because database_url is set")


def test_the_file_that_init_writes_sets_the_defaults_and_explains_every_key(tmp_path: Path) -> None:
    file = tmp_path / "scheduler.toml"
    file.write_text(config_text())
    plain = load_config(file, {})
    settings = [f"# {key.name} = " for key in KEYS if key.default is None]
    lines = [
        line.removeprefix("# ")
        for line in config_text().splitlines()
        if line.startswith(tuple(settings))
    ]
    file.write_text(SCAN + "\n".join(lines))
    uncommented = load_config(file, {})

    assert len(lines) == len(settings)
    assert plain.scan_paths == (tmp_path / "functions",)
    assert all(f"{key.name} = " in config_text() for key in KEYS)
    for key in KEYS:
        if key.default is None:
            assert getattr(uncommented, key.name) == getattr(plain, key.name)
