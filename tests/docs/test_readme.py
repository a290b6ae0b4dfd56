"""What the README says of commands, arguments and files is so."""

import ast
import inspect
import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from scheduler import schedule
from scheduler.decorators import ScheduleSpec
from tests.docs.readme import README, ROOT, blocks, code, section, table

_SCHEDULER = [sys.executable, "-m", "scheduler"]


def test_the_readme_has_two_commands_that_set_everything_up() -> None:
    run, _, tests = blocks(section("Two commands"), "sh")

    assert run.startswith("python3 -m venv .venv && .venv/bin/pip install -e . && ")
    assert tests.startswith("python3 -m venv .venv && .venv/bin/pip install -e '.[dev]' && ")
    assert run.count("\n") == tests.count("\n") == 1


def test_the_checks_find_their_one_test_command_in_the_readme() -> None:
    lines = [line for line in README.read_text().splitlines() if "'.[dev]'" in line]

    assert lines == [blocks(section("Two commands"), "sh")[2].rstrip()]


def test_the_arguments_of_the_readme_are_those_of_the_decorator() -> None:
    documented = [
        name.rstrip("=")
        for cells in table(section("Your first function"))
        for name in code(cells[0])
    ]

    assert sorted(documented) == sorted(inspect.signature(schedule).parameters)


def test_the_defaults_of_the_argument_table_are_those_of_the_decorator() -> None:
    defaults = {cells[0]: cells[1] for cells in table(section("Your first function"))}
    spec = ScheduleSpec(interval_seconds=1)

    assert defaults["`overlap=`"] == f'`"{spec.overlap}"`'
    assert defaults["`catch_up=`"] == f'`"{spec.catch_up}"`'
    assert defaults["`isolated=`"] == f"`{spec.isolated}`"
    assert defaults["`enabled=`"] == f"`{spec.enabled}`"
    assert defaults["`priority=`"] == str(spec.priority)
    assert defaults["`retries=`, `retry_delay=`, `retry_backoff=`"] == (
        f"{spec.retries}, {spec.retry_delay_seconds:g} s, {spec.retry_backoff}"
    )


@pytest.mark.parametrize("source", blocks(README.read_text(), "python"))
def test_the_python_of_the_readme_is_accepted_by_the_decorator(source: str, tmp_path: Path) -> None:
    names = [
        node.name
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    file = tmp_path / "functions.py"
    file.write_text(source)

    module = runpy.run_path(str(file))

    marked = [name for name in names if any("schedule" in key for key in vars(module[name]))]
    assert marked == names != []


def test_every_file_that_a_page_links_to_exists() -> None:
    pages = [README, *(ROOT / "docs").glob("*.md")]
    missing = [
        (page.name, target)
        for page in pages
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text())
        if not (page.parent / target).exists()
    ]

    assert missing == []


def test_init_writes_a_service_that_check_and_scan_accept(tmp_path: Path) -> None:
    service = tmp_path / "my-service"

    _run("init", str(service))
    _run("check", "--config", str(service / "scheduler.toml"))
    found = _run("scan", "--config", str(service / "scheduler.toml"))

    assert "discovered 1 scheduled function(s)" in found


def _run(*arguments: str) -> str:
    environ = {**os.environ, "COLUMNS": "200"}
    command = [*_SCHEDULER, *arguments]
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, env=environ, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr
