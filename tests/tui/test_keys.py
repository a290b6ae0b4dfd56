"""The key table: complete, free of clashes, and every key does something one can see."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from scheduler.config import Config
from scheduler.tui.commands import COMMANDS
from scheduler.tui.keys import BINDINGS, EVERYWHERE, GROUPS, binding_of, commands, hints, markdown
from scheduler.tui.model.frame import footer
from scheduler.tui.text import line_width
from tests.tui.conftest import StageMaker
from tests.tui.stage import Stage

# For each action: keys that lead to where it is tried, the key itself, and what one then sees.
Effect = Callable[[Stage, str, str], bool]


def _changed(stage: Stage, before: str, after: str) -> bool:
    return before != after


def _second_row_selected(stage: Stage, before: str, after: str) -> bool:
    return "export_audit_log" in stage.selected_row()


def _shows(*texts: str) -> Effect:
    return lambda stage, before, after: all(text in after and text not in before for text in texts)


def _asked(what: str, text: str) -> Effect:
    return lambda stage, before, after: (
        bool(stage.actions.asked) and stage.actions.asked[-1][0] == what and text in after
    )


CASES: Sequence[tuple[str, Sequence[str], str, Effect]] = (
    ("help", (), "?", _shows("Keys and states", "the last run succeeded")),
    ("quit", (), "q", lambda stage, before, after: stage.terminal.has_quit),
    ("quit", (), "ctrl c", lambda stage, before, after: stage.terminal.has_quit),
    ("up", ("j", "j"), "k", _second_row_selected),
    ("up", ("j", "j"), "up", _changed),
    ("down", (), "j", _second_row_selected),
    ("down", (), "down", _changed),
    ("page_down", (), "page down", _changed),
    ("page_down", (), "ctrl d", _changed),
    ("page_up", ("G",), "page up", _changed),
    ("page_up", ("G",), "ctrl u", _changed),
    ("first", ("G",), "g", _shows("✗ FAIL")),
    ("first", ("G",), "home", _shows("✗ FAIL")),
    ("last", (), "G", _shows("- gone")),
    ("last", (), "end", _shows("- gone")),
    ("panel_1", ("2",), "1", _shows("━ 1  Functions")),
    ("panel_2", (), "2", _shows("━ 2  Recent runs")),
    ("panel_3", (), "3", _shows("━ 3  Scan errors")),
    ("panel_4", (), "4", _shows("━ 4  Workers")),
    ("next_panel", (), "tab", _shows("━ 2  Recent runs")),
    ("filter", (), "/", _shows("substring of name, file or state")),
    ("failing", (), "f", _shows("Functions 3 of 60", "failing only")),
    ("sort", (), "s", _shows("sort: name")),
    ("reverse", (), "S", _shows("sort: attention reversed")),
    ("enter", (), "enter", _shows("functions › accounts.archive_user_sessions", "durations")),
    ("back", ("enter",), "esc", _shows("━ 1  Functions 60")),
    ("run_now", (), "r", _asked("run", "queued run 4711 of accounts.archive_user_sessions")),
    ("pause", (), "p", _asked("pause", "paused accounts.archive_user_sessions")),
    ("cancel", ("2", "j"), "x", _shows("cancel run 3001 of ops.poll_backups?", "any other key no")),
    ("stack", ("2", "j"), "w", _asked("stack", "asked run 3001 where it is")),
    ("zoom", (), "z", lambda stage, before, after: "Recent runs" not in after),
    ("freeze", (), " ", _shows("FROZEN 08:00:00, collecting")),
    ("next_failing", (), "n", _second_row_selected),
    ("copy", (), "c", lambda s, b, a: "archive_user_sessions" in s.terminal.copied[-1]
        and "copied: accounts.archive" in a),
    ("edit", (), "e", lambda s, b, a: s.terminal.edited
        == [("/srv/jobs/accounts/user_sessions.py", 10)] and "edited /srv/jobs" in a),
    ("clock", (), "t", _shows("clock times, UTC", "07:58:20")),
    ("problems", (), "!", _shows("Problems - esc", "2 files cannot be scanned")),
    ("faster", (), "+", _shows("refreshing every 1s")),
    ("faster", (), "=", _shows("refreshing every 1s")),
    ("slower", (), "-", _shows("refreshing every 5s")),
    ("refresh", (), "u", lambda s, b, a: s.source.refreshes == 1 and "refreshed" in a),
    ("mouse", (), "m", lambda s, b, a: s.terminal.mouse == [False] and "mouse off" in a),
    ("redraw", (), "ctrl l", lambda s, b, a: s.terminal.redraws == 1),
)  # fmt: skip


@pytest.mark.parametrize(("action", "before", "key", "effect"), CASES)
def test_every_key_has_an_effect_one_can_see(
    stage: Stage, action: str, before: Sequence[str], key: str, effect: Effect
) -> None:
    binding = binding_of(key)
    assert binding is not None
    assert binding.action == action
    was = stage.press(*before) if before else stage.show()
    now = stage.press(key)
    assert effect(stage, was, now), now


def test_every_key_of_the_table_is_tried_by_the_test_above() -> None:
    tried = {key for _, _, key, _ in CASES}
    known = {key for binding in BINDINGS for key in binding.keys} - {"space"} | {" "}
    assert known == tried


def test_no_key_means_two_things() -> None:
    keys = [key for binding in BINDINGS for key in binding.keys]
    assert len(keys) == len(set(keys))


def test_every_action_is_done_by_a_screen_or_by_the_console(stage: Stage) -> None:
    view = stage.console.view()
    orphans = [
        binding.action
        for binding in BINDINGS
        if binding.action not in COMMANDS and not stage.console.overview.act(binding.action, view)
    ]
    assert orphans == []


def test_every_binding_is_in_a_group_of_the_help() -> None:
    assert {binding.group for binding in BINDINGS} == set(GROUPS)


@pytest.mark.parametrize("context", EVERYWHERE)
@pytest.mark.parametrize("width", range(20, 201, 9))
def test_the_footer_starts_with_help_and_quit_and_shows_whole_hints_only(
    context: str, width: int
) -> None:
    line = footer(hints(context), width)
    text = "".join(text for _, text in line)
    assert text.startswith(" ? help  q quit")
    assert line_width(line) == width
    words = {f"{b.hint_key or b.shown.split(' ')[0]} {b.hint}" for b in hints(context)}
    assert set(text.strip().split("  ")) <= words


def test_a_read_only_console_offers_no_key_that_changes_data() -> None:
    offered = [*hints("functions", read_only=True), *commands("functions", read_only=True)]
    assert not any(binding.changes_data for binding in offered)


@pytest.mark.parametrize("key", ["r", "p", "x", "w"])
def test_a_read_only_console_refuses_to_change_data_and_says_so(
    seeded: Config, stage_of: StageMaker, key: str
) -> None:
    stage = stage_of(seeded, is_read_only=True)
    text = stage.press(key)
    assert "this console is read-only" in text
    assert stage.actions.asked == []
    assert stage.console.prompt is None


def test_the_documentation_table_has_a_line_for_every_binding() -> None:
    assert len(markdown().split("\n")) == len(BINDINGS) + 2


def test_the_documentation_has_the_table_of_the_code() -> None:
    page = (Path(__file__).parents[2] / "docs" / "console.md").read_text()
    assert markdown() in page
