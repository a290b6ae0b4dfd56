"""The top of every screen: who we are, how fresh the data is, what is wrong, seven figures."""

from collections.abc import Sequence
from dataclasses import replace

from scheduler.tui.model.problems import (
    Problem,
    living_and_missing,
    problems,
    scan_errors_sign,
)
from scheduler.tui.text import Line, Run, clean, cut, ends, exact, fit, line_width
from scheduler.tui.view import View
from scheduler.wording import plural, span

NARROW = 72
WIDE = 110
STALE_INTERVALS = 3
FIGURES = 6


def header(view: View, width: int, *, height: int = 3) -> list[Line]:
    """Return the overview's header: one sentence when it is narrow or low, else three lines."""
    found = all_problems(view)
    if width < NARROW or height < 3:
        return [_sentence(view, found, width)]
    return [title_line(view, width, [], found), *_figures(view, width)]


def title_line(view: View, width: int, crumbs: Sequence[str], found: Sequence[Problem]) -> Line:
    """Return the badge, the crumbs, what is up, and at the right the database and the time."""
    look = view.look
    clock: Line = [(None, f"{look.time(look.now)} {look.zone_name()} ")]
    left = _left(view, width - line_width(clock) - 2, crumbs, found)
    right: Line = [("dim", clean(look.database)), (None, "  "), *clock]
    fits = line_width(left) + line_width(right) + 2 <= width
    return ends(left, right if fits else clock, width, gap=2, ellipsis=look.glyphs.ellipsis)


def _left(view: View, room: int, crumbs: Sequence[str], found: Sequence[Problem]) -> Line:
    """Return the badge, the crumbs and what is up; the outer crumbs go first, then the status.

    What the user must not miss pushes all crumbs away.
    """
    badge: Run = ("badge", " scheduler ")
    heads = [[badge, *_trail(view, crumbs[skip:])] for skip in range(max(len(crumbs), 1))]
    for head in heads:
        said = status(view, found, room - line_width(head))
        if line_width(head) + line_width(said) <= room:
            return [*head, *said]
    if found and not _is_urgent(view):
        for head in heads[: len(crumbs)]:
            if line_width(head) + line_width(_count(view, found)) <= room:
                return [*head, *_count(view, found)]
    if _is_urgent(view) or not crumbs:
        return [badge, (None, " "), *status(view, found, room - line_width([badge]) - 1)]
    return next((head for head in heads if line_width(head) <= room), heads[-1])


def _count(view: View, found: Sequence[Problem]) -> Line:
    """Say only that there are problems, and the key that lists them."""
    role, sign = _tone(view, found[0])
    return [(role, f"{sign} {plural(len(found), 'problem')}"), (None, " "), ("key", "!")]


def _tone(view: View, problem: Problem) -> tuple[str, str]:
    glyphs = view.look.glyphs
    return ("fail", glyphs.fail) if problem.is_severe else ("warn", glyphs.warn)


def _trail(view: View, crumbs: Sequence[str]) -> Line:
    """Return the way to a screen, its last step strong."""
    if not crumbs:
        return [(None, " ")]
    outer = "".join(f"{clean(crumb)} {view.look.glyphs.crumb} " for crumb in crumbs[:-1])
    return [("dim", f"  {outer}"), ("strong", clean(crumbs[-1])), (None, "   ")]


def all_problems(view: View) -> list[Problem]:
    """Return the problems of a view; none while there is no data to tell."""
    if not view.badge.has_data:
        return []
    snapshot = view.snapshot
    found = problems(snapshot.overview, view.board, view.look, disk_free=snapshot.disk_free)
    return [replace(problem, remedy=view.look.advised(problem.remedy)) for problem in found]


def status(view: View, found: Sequence[Problem], room: int) -> Line:
    """Return what is up, the most urgent only: an answer, frozen, trouble, a problem."""
    badge, look = view.badge, view.look
    if badge.message:
        role = badge.message.role
        signs = {"ok": look.glyphs.ok, "fail": look.glyphs.fail, "run": look.glyphs.run}
        return [(role, f"{signs[role]} {clean(badge.message.text)}")]
    if badge.frozen_at is not None:
        moment = look.time(badge.frozen_at)
        text = f"{look.glyphs.frozen} FROZEN {moment}, collecting {look.glyphs.dot} space resumes"
        return [("warn", text)]
    if badge.trouble:
        return [_trouble(view, room)]
    return _live(view, found, room)


def _is_urgent(view: View) -> bool:
    """Tell whether the status is an answer, a freeze or trouble, which nothing may push away."""
    badge = view.badge
    return bool(badge.message or badge.trouble) or badge.frozen_at is not None


def _trouble(view: View, room: int) -> Run:
    """Say what is the matter; the driver's words are cut rather than how old the data is."""
    trouble, look = view.badge.trouble, view.look
    assert trouble is not None
    age = span(look.now - view.snapshot.read_at)
    data = f"data is {age} old, retrying" if view.badge.has_data else "waiting"
    if trouble.kind == "missing":
        return "fail", f"{look.glyphs.fail} no database: {clean(look.database)} - {data}"
    ellipsis = look.glyphs.ellipsis
    words = cut([(None, clean(trouble.text))], room - len(data) - 5, ellipsis=ellipsis)
    return "warn", f"{look.glyphs.warn} {''.join(text for _, text in words)} - {data}"


def _freshness(view: View) -> Run:
    look, badge = view.look, view.badge
    if not badge.has_data:
        return "dim", f"{look.glyphs.wait} reading"
    age = look.now - view.snapshot.read_at
    if age > STALE_INTERVALS * badge.refresh_seconds + 1:
        return "warn", f"{look.glyphs.warn} data is {span(age)} old"
    read_only = " read-only" if badge.is_read_only else ""
    return "ok", f"{look.glyphs.live} live {badge.refresh_seconds:g}s{read_only}"


def _live(view: View, found: Sequence[Problem], room: int) -> Line:
    """Return how fresh the data is and the worst problem.

    When it is tight the remedy gives way first, then the freshness, then the count of the others.
    """
    live = [_freshness(view)]
    if not found:
        return live
    worst = found[0]
    role, sign = _tone(view, worst)
    line: Line = [(role, f"{sign} {worst.text}")]
    remedy: Line = [("dim", f" - {worst.remedy}")]
    more: Line = [(None, "  "), ("key", "!"), ("dim", f" {len(found) - 1} more")]
    more = more if len(found) > 1 else []
    gap: Line = [(None, "  ")]
    variants = (
        [*live, *gap, *line, *remedy, *more],
        [*live, *gap, *line, *more],
        [*line, *more],
    )
    return next((each for each in variants if line_width(each) <= room), line)


def _sentence(view: View, found: Sequence[Problem], width: int) -> Line:
    """Say what is up, and unless something is wrong as many figures as there is room for."""
    line = status(view, found, width)
    if _is_urgent(view) or found or not view.badge.has_data:
        return exact(cut(line, width, ellipsis=view.look.glyphs.ellipsis), width)
    cells = dict(_cells(view, is_wide=False, room=width))
    for label in ("failed 24h", "workers", "functions", "runs 24h"):
        part: Line = [(None, "  "), *cells[label], ("dim", f" {label.removesuffix(' 24h')}")]
        if line_width(line) + line_width(part) <= width:
            line = [*line, *part]
    return exact(cut(line, width, ellipsis=view.look.glyphs.ellipsis), width)


def _figures(view: View, width: int) -> list[Line]:
    is_wide = width >= WIDE
    step = 15 if is_wide else (width - 2) // FIGURES
    cells = _cells(view, is_wide=is_wide, room=step - 1)
    labels: Line = [(None, " ")]
    figures: Line = [(None, " ")]
    for label, runs in cells:
        labels.append(("dim", fit(label, step)))
        figures += exact(cut(runs, step - 1), step)
    if is_wide:
        labels.append(("dim", "runs per hour, 24h"))
        figures.append(("bars", _sparkline(view)))
    return [exact(labels, width), exact(figures, width)]


def _cells(view: View, *, is_wide: bool, room: int) -> list[tuple[str, Line]]:
    overview = view.snapshot.overview
    ready = sum(queued.ready for queued in overview.queued.values())
    runs, failed = _counted(view)
    cells: list[tuple[str, Line]] = [
        ("last scan", _scan_figure(view, room)),
        ("functions", [("figure", f"{len(overview.functions):,}")]),
        ("runs 24h", [runs]),
        ("failed 24h", [failed]),
        ("workers", workers_figure(view, is_wide=is_wide)),
        ("queue", [("figure", f"{ready:,}{' waiting' if is_wide else ''}")]),
    ]
    return cells if view.badge.has_data else [(label, [_unknown(view)]) for label, _ in cells]


def _unknown(view: View) -> Run:
    return "dim", view.look.glyphs.ellipsis


def _counted(view: View) -> tuple[Run, Run]:
    counts = view.snapshot.overview.counts
    if counts is None:
        return _unknown(view), _unknown(view)
    runs: Run = ("figure", f"{counts.runs_24h:,}")
    if not counts.failed_24h:
        return runs, ("figure", "0")
    share = _percent(counts.failed_24h, counts.runs_24h)
    return runs, ("fail", f"{counts.failed_24h:,} ({share})")


def workers_figure(view: View, *, is_wide: bool) -> Line:
    """Return how many workers live of how many there should be; who was replaced does not count."""
    living, missing = living_and_missing(view.snapshot.overview, "worker", view.look)
    if not living:
        return [("warn", "none")] if view.badge.has_data else []
    alive, wanted = len(living), len(living) + len(missing)
    role = "warn" if missing else "figure"
    return [(role, f"{alive}/{wanted}{' alive' if is_wide else ''}")]


def _scan_figure(view: View, room: int) -> Line:
    """Return when the last scan was, and how many errors or else warnings, with every digit."""
    scan, errors = view.snapshot.overview.last_scan, view.snapshot.overview.scan_errors
    if scan is None:
        return [("figure", "never")]
    past = view.look.past(scan.finished_at)
    whens = (past, past.removesuffix(" ago"), past.split(" ")[0], "")
    role, sign = scan_errors_sign(errors, view.look)
    worst = [error for error in errors if not error.is_warning] or errors
    count: Line = [(role, f" {sign}{len(worst):,}")] if errors else []
    lines: list[Line] = [[("figure", when), *count] for when in whens]
    return next((line for line in lines if line_width(line) <= room), lines[-1])


def _percent(part: int, whole: int) -> str:
    share = 100 * part / max(whole, part, 1)
    return f"{share:.2f}%" if share < 1 else f"{share:.0f}%"


def _sparkline(view: View) -> str:
    bars = view.look.glyphs.bars
    counts = view.snapshot.overview.counts
    hours = counts.hourly if counts else ()
    top = max(hours, default=0)
    return "".join(
        bars[min(hour * len(bars) // top, len(bars) - 1)] if hour else " " for hour in hours
    )
