"""How an error of an import is told: in one line, with what to do about it."""

from scheduler.runner.complaint import complain_of


def test_a_file_that_may_not_be_read_is_told_with_the_whole_remedy() -> None:
    error = PermissionError(13, "Permission denied", "/f/np.py")
    told = complain_of(error, path="/f/np.py", scan_path="/f").message
    assert told == (
        "[Errno 13] Permission denied: '/f/np.py': give the scheduler's user the right to read it"
    )
