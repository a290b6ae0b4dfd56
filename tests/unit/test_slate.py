"""What a forked process writes on the page that it shares, the one that forked it reads."""

import os

from scheduler.runner import slate
from scheduler.runner.slate import Slate


def write_in_a_fork(page: Slate, paths: list[str]) -> None:
    pid = os.fork()
    if pid == 0:
        page.note_needs(paths)
        page.state = slate.ANSWERED
        os._exit(0)
    os.waitpid(pid, 0)


def test_the_state_and_the_files_outlive_their_writer() -> None:
    page = Slate()
    assert (page.state, page.take_needs()) == (slate.WAITING, [])
    write_in_a_fork(page, ["/jobs/a.py", "/jobs/bär\udcff.py"])
    assert page.state == slate.ANSWERED
    assert page.take_needs() == ["/jobs/a.py", "/jobs/bär\udcff.py"]
    assert page.take_needs() == []


def test_files_for_which_there_is_no_room_are_left_out() -> None:
    page = Slate()
    paths = [f"/jobs/{number:0200}.py" for number in range(200)]
    write_in_a_fork(page, paths)
    noted = page.take_needs()
    assert 50 < len(noted) < 200
    assert noted == paths[: len(noted)]
    assert page.state == slate.ANSWERED


def test_a_shorter_list_replaces_a_longer_one() -> None:
    page = Slate()
    write_in_a_fork(page, ["/jobs/long_name.py", "/jobs/b.py"])
    write_in_a_fork(page, ["/a.py"])
    assert page.take_needs() == ["/a.py"]
