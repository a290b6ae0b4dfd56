"""Processes and scan errors as lines."""

from scheduler.db.console_rows import ProcessRow, ScanErrorRow
from scheduler.tui.look import Look
from scheduler.tui.model.problems import is_alive, living_and_missing, scan_errors_sign
from scheduler.tui.text import Line, clean
from scheduler.tui.view import View
from scheduler.wording import short_id


def process_line(process: ProcessRow, view: View, *, place: str = "") -> Line:
    """Return a process's row: what it does, its name, its pid, its place if asked for, its run."""
    look = view.look
    label = clean(short_id(process.id))
    runs = [run for run in view.snapshot.overview.running if run.claimed_by == process.id]
    line: Line = [*_doing(process, len(runs), look)]
    line += [(None, f" {label:<6}"), ("dim", f" pid {process.pid:<6} {place}")]
    if not is_alive(process, look):
        silence = f"no heartbeat for {look.since(process.heartbeat_at)}"
        return [
            *line,
            (None, silence),
            ("dim", ", replaced" if _is_replaced(process, view) else ""),
        ]
    if process.role != "worker":
        return [*line, ("dim", clean(process.role))]
    if process.slots > 1:
        line.append(("dim", f"{len(runs)}/{process.slots} "))
    return [*line, (None, ", ".join(clean(view.board.name(run.function_id)) for run in runs))]


def scan_error_line(error: ScanErrorRow, look: Look) -> Line:
    """Return a scan error's row: the file, the line, the error."""
    where = "import" if error.line is None else f"line {error.line}"
    first = clean(error.message.strip().split("\n", 1)[0])
    return [
        scan_errors_sign([error], look),
        (None, f" {clean(look.short(error.path))} "),
        ("dim", f"{where} "),
        (None, f"{clean(error.error_type)}: {first}"),
    ]


def _is_replaced(process: ProcessRow, view: View) -> bool:
    """Tell whether another one has taken the place of a dead process."""
    living, missing = living_and_missing(view.snapshot.overview, process.role, view.look)
    return bool(living) and process not in missing


def _doing(process: ProcessRow, runs: int, look: Look) -> Line:
    glyphs = look.glyphs
    if not is_alive(process, look):
        return [("fail", f"{glyphs.fail} LOST")]
    if process.state == "draining":
        return [("warn", f"{glyphs.warn} stop")]
    if process.role != "worker":
        return [("ok", f"{glyphs.ok} live")]
    return [("run", f"{glyphs.run} busy")] if runs else [("ok", f"{glyphs.wait} idle")]
