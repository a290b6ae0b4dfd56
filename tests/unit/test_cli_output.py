"""Following an output of which only the head and the tail are kept."""

from scheduler.cli.output import Tail


def test_each_call_tells_only_what_is_new() -> None:
    tail = Tail()

    assert tail.news("one\n", 4) == "one\n"
    assert tail.news("one\n", 4) == ""
    assert tail.news("one\ntwo\n", 8) == "two\n"


def test_nothing_printed_is_nothing_new() -> None:
    assert Tail().news(None, 0) == ""


def test_letters_of_several_bytes_are_not_cut() -> None:
    tail = Tail()
    tail.news("größe ", len("größe ".encode()))

    assert tail.news("größe 好\n", len("größe 好\n".encode())) == "好\n"


def test_of_an_output_that_was_cut_the_new_end_is_shown() -> None:
    tail = Tail()
    tail.news("head", 4)

    assert tail.news("head\n... cut ...\ntail", 4000).endswith("tail")
    assert tail.news("head\n... cut ...\ntailing", 4003) == "ing"


def test_what_was_not_kept_is_said() -> None:
    tail = Tail()
    tail.news("abcdef", 6)

    assert "bytes not kept" in tail.news("ab\n... cut ...\nz", 1000)


def test_an_output_that_could_not_be_written_is_said_to_be_left_out() -> None:
    tail = Tail()
    tail.news("abc", 3)

    assert tail.news(None, 5) == "\n[... 2 bytes not kept ...]\n"


def test_bytes_that_are_no_letters_cut_nothing() -> None:
    tail = Tail()  # each of them was replaced by a letter of three bytes

    assert tail.news("caf\ufffd\ufffd\n", 6) == "caf\ufffd\ufffd\n"
    assert tail.news("caf\ufffd\ufffd\ncaf\ufffd\ufffd\n", 12) == "caf\ufffd\ufffd\n"
