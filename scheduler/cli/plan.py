"""`plan`: every coming fire time, with the overlaps that measured durations predict."""

from itertools import islice

from scheduler.cli.context import Context
from scheduler.cli.forecast import Fire, Forecast, busiest, forecast, in_order
from scheduler.cli.screen import Cell, Column
from scheduler.cli.times import Times
from scheduler.db.reports import list_functions, measure_durations
from scheduler.errors import EXIT_OK
from scheduler.phrases import short
from scheduler.wording import duration, plural

# A function that fires more often than this in the window gets one line instead of one each.
_OFTEN = 24
_LOOKED_AT = 200_000
_LISTED = 10_000  # of one function, as JSON
_OFTEN_COLUMNS = (
    Column("OFTEN", flexible=True),
    Column("EVERY"),
    Column("TIMES", right=True),
    Column("TAKES", right=True),
    Column("OVERLAP", flexible=True),
)
_FIRE_COLUMNS = (
    Column("TIME", right=True),
    Column("IN", right=True),
    Column("FUNCTION", flexible=True),
    Column("TAKES", right=True),
    Column("OVERLAP", flexible=True),
)


def plan(context: Context) -> int:
    """Print what will fire in the coming hours."""
    context.open_database()
    times = context.times
    functions = list_functions()
    measured = measure_durations([function.id for function in functions])
    until = times.now + context.args.hours * 3600
    forecasts = forecast(functions, measured, now=times.now, until=until)
    if context.args.json:
        context.screen.json([_as_json(one) for one in forecasts])
    else:
        _print(context, forecasts, times)
    return EXIT_OK


def _print(context: Context, forecasts: list[Forecast], times: Times) -> None:
    screen = context.screen
    total = sum(one.count for one in forecasts)
    hours = f"{context.args.hours:g} hour{'' if context.args.hours == 1 else 's'}"
    screen.line(f"{plural(total, 'run')} in the next {hours}, times in {times.zone_name}")
    if not forecasts:
        return
    # So many that only the next ones are played through: an hour of them tells as much as a year.
    most, when = busiest(islice(in_order(forecasts), _LOOKED_AT))
    slots = context.config.worker_concurrency
    role = "warn" if most > slots else "dim"
    at_once = f"at most {plural(most, 'run')} at once, from {times.clock(when)}"
    screen.line(screen.paint(f"{at_once}; one worker here has {plural(slots, 'slot')}", role))
    often = [one for one in forecasts if one.count > _OFTEN]
    if often:
        screen.line()
        screen.table(_OFTEN_COLUMNS, [_often_row(one) for one in often])
    rare = [one for one in forecasts if one.count <= _OFTEN]
    if rare:
        screen.line()
        screen.table(_FIRE_COLUMNS, [_fire_row(fire, times) for fire in in_order(rare)])


def _often_row(one: Forecast) -> list[Cell]:
    function = one.function
    meets = f"with itself: {function.overlap}" if one.meets_itself else ""
    return [
        Cell(function.name),
        Cell(short(interval_seconds=function.interval_seconds, cron=function.cron), "dim"),
        Cell(f"{one.count:,}"),
        Cell(_takes(one.expected_seconds)),
        Cell(meets, "warn"),
    ]


def _fire_row(fire: Fire, times: Times) -> list[Cell]:
    return [
        Cell(times.clock(fire.at)),
        Cell(times.until(fire.at).removeprefix("in "), "dim"),
        Cell(fire.name),
        Cell(_takes(fire.expected_seconds)),
        Cell(f"run before still goes: {fire.meets}" if fire.meets else "", "warn"),
    ]


def _takes(seconds: float | None) -> str:
    return "" if seconds is None else duration(seconds)


def _as_json(one: Forecast) -> dict[str, object]:
    """Return a function's fires, the first ten thousand of however many there are."""
    fires = list(islice(one.fires(), _LISTED))
    return {
        "name": one.function.name,
        "overlap": one.function.overlap,
        "count": one.count,
        "expected_seconds": one.expected_seconds,
        "fires_at": [fire.at for fire in fires],
        "overlaps_at": [fire.at for fire in fires if fire.meets],
    }
