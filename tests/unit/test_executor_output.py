"""The head and the tail of what a run printed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.executor.output import Output


def collect(chunks: list[bytes], limit_bytes: int = 100) -> Output:
    output = Output(limit_bytes)
    for chunk in chunks:
        output.add(chunk)
    return output


def test_no_output_is_none() -> None:
    assert Output(100).text() is None


@given(st.lists(st.binary(max_size=300).map(lambda chunk: chunk.hex().encode()), max_size=30))
def test_nothing_is_lost_below_the_limit_and_both_ends_are_kept_above(chunks: list[bytes]) -> None:
    whole = b"".join(chunks).decode()
    output = collect(chunks)
    text = output.text() or ""
    assert output.total_bytes == len(whole)
    if len(whole) <= 100:
        assert text == whole
    else:
        assert text == f"{whole[:50]}\n... {len(whole) - 100} bytes left out ...\n{whole[-50:]}"


@pytest.mark.parametrize("raw", [b"\xff\xfe", b"a\0b", "é".encode()[:1]])
def test_any_bytes_become_text_a_database_takes(raw: bytes) -> None:
    text = collect([raw]).text() or ""
    assert "\0" not in text
    assert text.encode()


def test_gigabytes_do_not_stay_in_memory() -> None:
    output = Output(1000)
    for _ in range(10_000):
        output.add(b"x" * 10_000)
    assert output.total_bytes == 100_000_000
    assert len(output._head) + len(output._tail) <= 3_000
