"""The blows of a selftest: the same seed, the same order; journals that were cut off."""

from pathlib import Path

from scheduler.selftest.chaos import Chaos
from scheduler.selftest.journal import Entry, read_journal


def dealt(seed: int) -> dict[str, int]:
    chaos = Chaos(seed, longest_pause=1.0, find=dict)
    for second in range(0, 600, 3):
        chaos.step(float(second))
    return chaos.dealt


def test_where_nobody_lives_no_blow_is_dealt() -> None:
    assert dealt(1) == {}


def test_a_worker_is_also_paused_together_with_who_would_kill_its_executors() -> None:
    nobody = (2**22 + 1, 2**22 + 2)  # above the highest pid
    chaos = Chaos(1, longest_pause=1.0, find=lambda: {"worker with zygote": [nobody]})
    for second in range(0, 600, 3):
        chaos.step(float(second))
    assert set(chaos.dealt) == {"pause worker with zygote", "pause all"}


def test_the_same_seed_chooses_the_same_blows() -> None:
    def chosen(seed: int) -> list[str]:
        chaos = Chaos(seed, longest_pause=1.0, find=dict)
        return [chaos.choose().text for _ in range(50)]

    assert chosen(4) == chosen(4)
    assert chosen(4) != chosen(5)
    assert {"kill worker", "kill ticker", "kill executor"} <= set(chosen(4))


def test_a_line_that_a_kill_cut_off_is_passed_over(tmp_path: Path) -> None:
    journal = tmp_path / "journal.jsonl"
    whole = (
        '{"what": "start", "name": "f", "run_id": 1, "slot": 2, "attempt": 1, "pid": 3, "at": 4}'
    )
    journal.write_text(f'\n{whole}\n\n{{"what": "st\n{whole}\n')

    entry = Entry(what="start", name="f", run_id=1, slot=2, attempt=1, pid=3, at=4)
    assert read_journal(journal) == [entry, entry]


def test_a_journal_that_nobody_wrote_is_empty(tmp_path: Path) -> None:
    assert read_journal(tmp_path / "none") == []
