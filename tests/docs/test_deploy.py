"""The Procfile, the container files and the systemd units are what their own tools accept."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from honcho.environ import parse_procfile

from tests.docs.readme import ROOT
from tests.needs import need

_DEPLOY = ROOT / "deploy"
_BIN = Path(sys.executable).parent


def test_the_procfile_has_the_two_processes_of_scheduler_run() -> None:
    processes = parse_procfile((ROOT / "Procfile").read_text()).processes

    assert list(processes) == ["ticker", "worker"]
    assert all(f"scheduler {name} " in command for name, command in processes.items())


def test_the_dockerfile_has_no_complaint_of_hadolint() -> None:
    assert _output(_BIN / "hadolint", _DEPLOY / "Dockerfile") == ""


@pytest.mark.parametrize("file", sorted(_DEPLOY.glob("compose*.yaml")), ids=lambda file: file.name)
def test_the_compose_files_obey_the_compose_schema(file: Path) -> None:
    schema = ("--builtin-schema", "vendor.compose-spec")

    assert "validation done" in _output(_BIN / "check-jsonschema", *schema, file)


def test_the_image_installs_what_the_project_and_its_servers_need() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]

    listed = _output(sys.executable, _DEPLOY / "dependencies.py", "metrics", "postgres", "redis")

    servers = [*extras["metrics"], *extras["postgres"], *extras["redis"]]
    expected = [*project["dependencies"], *servers]
    assert listed.splitlines() == expected


def test_the_systemd_units_have_no_complaint_of_systemd(tmp_path: Path) -> None:
    units = []
    for unit in (_DEPLOY / "systemd").glob("*.service"):
        copy = tmp_path / unit.name.replace("@", "@1")
        copy.write_text(unit.read_text().replace("/opt/scheduler/bin/scheduler", "/bin/true"))
        units.append(copy)

    assert len(units) == 2
    assert _output(need("systemd-analyze"), "verify", "--man=no", *units) == ""


def _output(*command: str | Path) -> str:
    done = subprocess.run(
        command, check=False, cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr
