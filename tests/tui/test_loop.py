"""The console in urwid's main loop, with a scripted screen in the place of the terminal."""

import urwid
from urwid.testing import ScriptedScreen

from scheduler.tui.palette import palette
from scheduler.tui.widgets import Surface
from tests.tui.stage import Stage


def _run(stage: Stage, *batches: list[str], size: tuple[int, int] = (120, 36)) -> ScriptedScreen:
    screen = ScriptedScreen(size=size, inputs=batches)
    urwid.MainLoop(Surface(stage.console), palette("dark"), screen=screen).run()
    return screen


def test_keys_reach_the_console_and_the_screen_follows(stage: Stage) -> None:
    screen = _run(stage, ["2"], ["?"], ["esc"])
    shown = ["\n".join(frame.decoded_text) for frame in screen.canvases]
    assert "━ 1  Functions" in shown[0]
    assert "━ 2  Recent runs" in shown[1]
    assert "Keys and states" in shown[2]
    assert "Keys and states" not in shown[3]


def test_a_frame_in_which_nothing_changed_is_the_same_frame(stage: Stage) -> None:
    assert len(_run(stage, ["F9"], ["F9"]).canvases) == 1


def test_a_new_snapshot_is_drawn_when_the_surface_is_told(stage: Stage) -> None:
    surface = Surface(stage.console)
    screen = ScriptedScreen(size=(120, 36))
    loop = urwid.MainLoop(surface, palette("dark"), screen=screen)
    loop.draw_screen()
    stage.clock.advance(3)
    surface.refresh()
    loop.draw_screen()
    assert "08:00:00 UTC" in screen.canvases[0].decoded_text[0]
    assert "08:00:03 UTC" in screen.last_text[0]


def test_a_resize_is_drawn_at_the_new_size(stage: Stage) -> None:
    screen = ScriptedScreen(size=(120, 36))
    loop = urwid.MainLoop(Surface(stage.console), palette("dark"), screen=screen)
    for size in ((120, 36), (80, 24), (20, 5), (1, 1), (120, 36)):
        screen.size = size
        loop.screen_size = None
        loop.draw_screen()
        canvas = screen.canvases[-1]
        assert (canvas.cols(), canvas.rows()) == size


def test_mouse_events_reach_the_console(stage: Stage) -> None:
    screen = ScriptedScreen(size=(120, 36))
    loop = urwid.MainLoop(Surface(stage.console), palette("dark"), screen=screen)
    loop.process_input([("mouse press", 1, 20, 8)])
    assert "sync_user_sessions" in stage.selected_row()
