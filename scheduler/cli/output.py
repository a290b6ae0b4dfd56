"""Follows what a run prints while it runs, on whatever machine it does."""

from scheduler.cli.screen import Screen
from scheduler.clock import sleep
from scheduler.db.report_rows import RunReport
from scheduler.db.reports import find_run, read_texts

POLL_SECONDS = 0.25  # workers write live output about once a second


class Tail:
    """Tells what is new in an output of which only the head and the tail are kept."""

    def __init__(self) -> None:
        self._seen_bytes = 0
        self._seen = ""

    def news(self, output: str | None, output_bytes: int) -> str:
        """Return what was printed since the last call; says how much of it was not kept."""
        text, seen = output or "", self._seen
        new_bytes = output_bytes - self._seen_bytes
        if new_bytes <= 0:
            return ""
        self._seen, self._seen_bytes = text, output_bytes
        if text.startswith(seen):
            return text[len(seen) :]
        kept = text.encode()  # not all of it: what is new is at the end
        if new_bytes <= len(kept):
            return kept[len(kept) - new_bytes :].decode(errors="replace")
        return f"\n[... {new_bytes - len(kept)} bytes not kept ...]\n{text}"


def follow(screen: Screen | None, run_id: int) -> RunReport:
    """Print a run's output as it comes, if there is a screen, and return the run at its end."""
    tail = Tail()
    while True:
        run = find_run(run_id)  # before its texts: what it printed last is in them
        texts = read_texts(run_id)
        if screen and (news := tail.news(texts.output, texts.output_bytes)):
            screen.text(news)
        if run.is_final:
            return run
        sleep(POLL_SECONDS)
