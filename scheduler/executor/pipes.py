"""Pipes between a parent and what a zygote forks for it."""

import os
from contextlib import ExitStack


def open_pipe(reader: ExitStack, writer: ExitStack) -> tuple[int, int]:
    """Return a pipe's read end, which `reader` closes, and its write end, which `writer` does."""
    read_fd, write_fd = os.pipe()
    reader.callback(os.close, read_fd)
    writer.callback(os.close, write_fd)
    return read_fd, write_fd
