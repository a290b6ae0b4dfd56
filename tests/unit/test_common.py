"""Which modules are imported ahead: common ones that somebody has imported, and no other."""

import subprocess
import sys


def in_fresh_python(*lines: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)], check=True, capture_output=True, text=True
    )
    return done.stdout


def test_a_common_module_is_told_of_once_when_it_has_been_imported() -> None:
    assert in_fresh_python(
        "import sys",
        "from scheduler.runner.common import Newcomers",
        "newcomers = Newcomers()",
        "print(newcomers.take())",
        "import decimal, colorsys",
        "print(newcomers.take(), newcomers.take())",
    ).splitlines() == ["[]", "['decimal'] []"]


def test_only_common_modules_are_imported_ahead_and_only_once() -> None:
    assert (
        in_fresh_python(
            "import sys",
            "from scheduler.runner.common import import_ahead",
            "names = ['decimal', 'colorsys', 'no_such_module']",
            "print(import_ahead(names), [name in sys.modules for name in names])",
            "print(import_ahead(names[:2]))",
        )
        == "True [True, False, False]\nFalse\n"
    )


def test_a_module_that_only_has_the_name_of_a_common_one_is_not_told_of() -> None:
    assert (
        in_fresh_python(
            "import sys, types",
            "from scheduler.runner.common import Newcomers",
            "newcomers = Newcomers()",
            "sys.modules['decimal'] = types.ModuleType('decimal')",
            "sys.modules['uuid'] = types.SimpleNamespace(__file__='/jobs/uuid.py')",
            "print(newcomers.take())",
        )
        == "[]\n"
    )


def test_a_common_module_that_is_not_installed_is_left_to_whoever_needs_it() -> None:
    assert (
        in_fresh_python(
            "import sys",
            "from scheduler.runner.common import import_ahead",
            "sys.modules['_decimal'] = sys.modules['_pydecimal'] = None",
            "print(import_ahead(['decimal']), import_ahead(['decimal', 'csv']))",
        )
        == "False True\n"
    )
