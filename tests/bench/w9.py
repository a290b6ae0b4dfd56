"""W9: how long the command and the package take to load, against Python itself."""

import sys
from pathlib import Path

from tests.bench.measuring import time_commands
from tests.bench.stage import make_folder
from tests.bench.workload import Measure, Numbers, Setting, Workload

REPEATS = 30


def run(setting: Setting) -> Numbers:
    """Measure the three commands in turn, so that a busy machine slows all of them."""
    python = sys.executable
    script = Path(python).with_name("scheduler")
    commands = (
        [python, "-c", "pass"],
        [str(script), "--help"],
        [python, "-c", "import scheduler"],
    )
    with make_folder() as folder:
        bare, help_, package = time_commands(commands, setting.choose(REPEATS, 3), folder)
    return {
        "`scheduler --help` / `python -c pass`": help_ / bare,
        "`import scheduler` / `python -c pass`": package / bare,
        "`python -c pass`": bare,
        "`scheduler --help`": help_,
    }


WORKLOAD = Workload(
    "W9",
    "the command and the package",
    (
        Measure("`scheduler --help` / `python -c pass`", "x", at_most=8),
        Measure("`import scheduler` / `python -c pass`", "x", at_most=3.5),
        Measure("`scheduler --help`", "s"),
        Measure("`python -c pass`", "s"),
    ),
    run,
)
