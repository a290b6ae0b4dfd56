"""Writes the files of functions that the workloads schedule."""

from dataclasses import dataclass

from tests.process.service import Service

EACH_SLOT = ", overlap='allow', catch_up='all'"
"""Options by which each slot has a run of its own, however busy the machine is."""
IMPORT_NOTE = "from tests.bench.journal import note"
NOTE = "note({journal!r}, number, current_run().scheduled_for)"
"""A body that notes its own time; `{journal}` is the path of the notes; needs IMPORT_NOTE."""

_FILE = """\
from datetime import UTC, datetime
{imports}

def _make(number):
    start = datetime.fromtimestamp({first_at!r} + number * {step_seconds!r}, UTC)

    @schedule(timedelta(seconds={interval_seconds!r}), start=start{options})
    def work():
        {body}

    return work

for _number in range({begin}, {end}):
    globals()[f"work_{{_number}}"] = _make(_number)
"""


@dataclass(frozen=True, slots=True)
class Functions:
    """`files` files of `per_file` functions; number n has the slots first_at + n·step + k·interval.

    body: the lines of each function; imports: lines at the top of each file; options: further
    arguments of the decorator, beginning with a comma.
    """

    files: int
    per_file: int
    interval_seconds: float
    first_at: float
    step_seconds: float = 0.0
    body: str = "pass"
    imports: str = ""
    options: str = ""

    @property
    def count(self) -> int:
        """Return how many functions these are."""
        return self.files * self.per_file

    def write(self, service: Service) -> None:
        """Write them into a service's folder."""
        for file in range(self.files):
            begin = file * self.per_file
            text = _FILE.format(
                begin=begin,
                end=begin + self.per_file,
                interval_seconds=self.interval_seconds,
                first_at=self.first_at,
                step_seconds=self.step_seconds,
                body=self.body,
                imports=self.imports,
                options=self.options,
            )
            service.write(f"file_{file:04}.py", text)
