"""A file's report as it is kept between two scans: in a fraction of the memory of its objects."""

import pickle
import zlib

from scheduler.runner.inspection import FileReport

_FASTEST = 1  # the names and schedules of one file are much alike: more effort gains little


class PackedReport:
    """A report that is looked at when something changed, which is seldom."""

    __slots__ = ("_packed", "is_imported", "path")

    def __init__(self, report: FileReport) -> None:
        self.path = report.path
        self.is_imported = report.is_imported
        self._packed = zlib.compress(pickle.dumps(report), _FASTEST)

    def unpack(self) -> FileReport:
        """Return the report."""
        report: FileReport = pickle.loads(zlib.decompress(self._packed))
        return report

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, PackedReport):
            return NotImplemented
        return self._packed == other._packed or self.unpack() == other.unpack()

    __hash__ = None  # type: ignore[assignment]  # equal ones may be packed in different ways
