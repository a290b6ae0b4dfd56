"""What lies in the folders: every kind of file and import, found once and run."""

from collections.abc import Callable

from tests.process.service import Service, stop

HOURLY = "@schedule(timedelta(hours=1))\n"
IMPORTS = "from datetime import timedelta\nfrom scheduler import schedule\n"
FILES = {
    "functions/orders.py": f"{HOURLY}def sync(): return 'orders'\n",
    "functions/borrows.py": f"from orders import sync\n{HOURLY}def own(): return sync()\n",
    "functions/sibling.py": f"import words\n{HOURLY}def say(): return words.HELLO\n",
    "functions/words.py": "HELLO = 'hello'\n",
    "functions/reports/__init__.py": "TITLE = 'report'\n",
    "functions/reports/layout.py": "def dress(text): return f'<{text}>'\n",
    "functions/reports/daily.py": (
        f"from . import TITLE\nfrom .layout import dress\n{HOURLY}def sync(): return dress(TITLE)\n"
    ),
    "functions/loose/job.py": f"{HOURLY}async def wait(): return 'awaited'\n",
    "second/more.py": f"{HOURLY}def sync(): return 'second'\n",
}
FOUND = {
    "orders.sync": "'orders'",
    "borrows.own": "'orders'",
    "sibling.say": "'hello'",
    "reports.daily.sync": "'<report>'",
    "loose.job.wait": "'awaited'",
    "more.sync": "'second'",
}


def test_every_function_is_found_once_and_runs(make_service: Callable[..., Service]) -> None:
    service = make_service(scan_paths=["functions", "second"])
    for name, text in FILES.items():
        path = service.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(IMPORTS + text)
    process = service.start("run")
    ended = service.wait_rows(
        "SELECT f.name, r.result, r.status FROM run_logs r"
        " JOIN scheduled_functions f ON f.id = r.function_id WHERE r.finished_at IS NOT NULL",
        at_least=len(FOUND),
    )
    assert sorted(ended) == sorted((name, result, "success") for name, result in FOUND.items())
    assert service.rows("SELECT COUNT(*) FROM scheduled_functions") == [(len(FOUND),)]
    assert service.rows("SELECT * FROM scan_errors") == []
    assert stop(process) == 0
