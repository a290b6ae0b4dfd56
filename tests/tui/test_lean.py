"""What the console loads: of urwid no more than it uses, and nothing is left behind of that."""

import subprocess
import sys


def _printed(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_urwid_comes_without_event_loops_and_encryption() -> None:
    code = (
        "import sys; from scheduler.tui.lean import load_urwid; load_urwid();"
        "print({'urwid', 'asyncio', 'ssl', 'secrets', 'hashlib'} & {*sys.modules})"
    )
    assert _printed(code) == "{'urwid'}"


def test_what_urwid_did_without_is_there_for_others() -> None:
    code = (
        "from scheduler.tui.lean import load_urwid; load_urwid();"
        "import asyncio, secrets; asyncio.run(asyncio.sleep(0)); print(len(secrets.token_hex(4)))"
    )
    assert _printed(code) == "8"


def test_modules_that_were_loaded_before_stay_as_they_are() -> None:
    code = (
        "import asyncio, secrets, sys; from scheduler.tui.lean import load_urwid; load_urwid();"
        "print(sys.modules['asyncio'] is asyncio and sys.modules['secrets'] is secrets)"
    )
    assert _printed(code) == "True"


def test_an_urwid_that_minds_what_is_missing_is_loaded_as_it_is() -> None:
    code = (
        "import sys; from scheduler.tui import lean; lean.UNUSED = ('asyncio', 'urwid.vterm');"
        "lean.load_urwid(); import urwid; print(urwid.Terminal.__module__)"
    )
    assert _printed(code) == "urwid.vterm"
