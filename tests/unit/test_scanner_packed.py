"""What a file holds survives being packed, and packed reports are equal as the reports are."""

from scheduler.decorators import ScheduleSpec
from scheduler.runner.complaint import FileError
from scheduler.runner.inspection import FileReport, FoundFunction
from scheduler.scanner.packed import PackedReport


def report(*names: str, error: FileError | None = None) -> FileReport:
    return FileReport(
        scan_path="/f",
        module_path="a.py",
        functions=tuple(
            FoundFunction(
                name=f"a.{name}",
                scan_path="/f",
                module_path="a.py",
                qualname=name,
                line=1,
                description="",
                source_hash="0",
                spec=ScheduleSpec(interval_seconds=60, name=name),
            )
            for name in names
        ),
        error=error,
        is_imported=error is None,
    )


def test_a_report_is_unpacked_as_it_was_packed() -> None:
    broken = FileError(
        path="/f/a.py", error_type="SyntaxError", message="invalid", traceback="", line=3
    )

    for original in (report("x", "y"), report(error=broken)):
        packed = PackedReport(original)

        assert packed.unpack() == original
        assert (packed.path, packed.is_imported) == (original.path, original.is_imported)


def test_reports_are_equal_however_their_objects_are_shared() -> None:
    name = b"longname".decode()  # equal to the literal, and another object

    assert PackedReport(report(name, "y")) == PackedReport(report("longname", "y"))
    assert PackedReport(report("x")) != PackedReport(report("y"))
    assert PackedReport(report("x")) != report("x")
