"""Loads urwid without what the console never uses of it: a fifth of the time, 7 MB of memory."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import ModuleType

# asyncio: one of urwid's event loops, ours is another; it loads ssl. secrets: for hyperlinks in
# texts that wcwidth wraps, which we leave to nobody; it loads OpenSSL.
UNUSED = ("asyncio", "secrets")


def load_urwid() -> None:
    """Import urwid; should it mind what is missing, as it is."""
    with suppress(Exception), _empty(UNUSED):
        import urwid
    import urwid  # noqa: F401


@contextmanager
def _empty(names: tuple[str, ...]) -> Iterator[None]:
    """Let modules that nobody has loaded yet be empty for what is imported meanwhile."""
    unknown = [name for name in names if name not in sys.modules]
    before = set(sys.modules)
    sys.modules.update({name: ModuleType(name) for name in unknown})
    try:
        yield
    except Exception:
        for name in set(sys.modules) - before:
            del sys.modules[name]
        raise
    finally:
        for name in unknown:
            sys.modules.pop(name, None)
