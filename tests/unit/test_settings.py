"""What code may set for its whole Python process, and what of it an import rightly does."""

import decimal
import gc
import sys
import warnings
from collections.abc import Callable, Iterator

import pytest

from scheduler.runner.settings import Settings


class OwnWarning(Warning):
    """That of a library."""


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    threshold = gc.get_threshold()
    with warnings.catch_warnings(), decimal.localcontext():
        warnings.resetwarnings()
        warnings.simplefilter("ignore", DeprecationWarning)
        yield
    gc.set_threshold(*threshold)
    gc.set_debug(0)
    gc.enable()


CHANGES: dict[str, tuple[Callable[[], object], str]] = {
    "collector": (gc.disable, "the garbage collector was changed"),
    "debug": (lambda: gc.set_debug(gc.DEBUG_STATS), "the garbage collector was changed"),
    "threshold": (lambda: gc.set_threshold(0), "the garbage collector was changed"),
    "ignore": (lambda: warnings.simplefilter("ignore"), "the warning filters were changed"),
    "no filters": (warnings.resetwarnings, "the warning filters were changed"),
    "precision": (
        lambda: setattr(decimal.getcontext(), "prec", 3),
        "the decimal context was changed",
    ),
    "trap": (
        lambda: decimal.getcontext().traps.__setitem__(decimal.Inexact, True),
        "the decimal context was changed",
    ),
    "context": (
        lambda: decimal.setcontext(decimal.BasicContext),
        "the decimal context was changed",
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_is_told_until_it_is_accepted(change: str) -> None:
    do, told = CHANGES[change]
    settings = Settings()
    assert settings.difference() is None
    do()
    assert settings.difference() == settings.difference() == told
    settings.accept()
    assert settings.difference() is None


def test_a_filter_that_makes_all_warnings_errors_is_never_accepted() -> None:
    settings = Settings()
    warnings.simplefilter("error")
    settings.accept()
    assert settings.difference() == settings.difference() == "the warning filters were changed"


def test_one_that_makes_some_warnings_errors_is_if_an_import_adds_it() -> None:
    settings = Settings()
    warnings.filterwarnings("error", category=RuntimeWarning, module="job")
    assert settings.difference() == "the warning filters were changed"
    settings.accept()
    assert settings.difference() is None


def test_what_a_calculation_flags_is_no_change() -> None:
    settings = Settings()
    assert decimal.Decimal(1) / 3
    assert decimal.getcontext().flags[decimal.Inexact]
    assert settings.difference() is None


def test_decimals_need_not_be_loaded_and_are_looked_at_from_then_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    module = sys.modules["_decimal"]
    monkeypatch.delitem(sys.modules, "_decimal")
    settings = Settings()
    assert settings.difference() is None
    assert "_decimal" not in sys.modules
    decimal.getcontext().prec = 3
    monkeypatch.setitem(sys.modules, "_decimal", module)
    assert settings.difference() == "the decimal context was changed"


def test_filters_that_ignore_some_warnings_may_come_and_stay() -> None:
    settings = Settings()
    warnings.simplefilter("ignore", OwnWarning, append=True)
    warnings.filterwarnings("ignore", message="numpy.dtype size changed")
    assert settings.difference() is None
    warnings.resetwarnings()
    assert settings.difference() == "the warning filters were changed"


def test_a_filter_that_is_set_once_more_and_so_comes_first_is_no_change() -> None:
    warnings.simplefilter("ignore", OwnWarning)
    settings = Settings()
    warnings.simplefilter("ignore", DeprecationWarning)
    assert settings.difference() is None


@pytest.mark.parametrize("action", ["error", "ignore"])
def test_filters_for_everybody_are_a_change(action: str) -> None:
    settings = Settings()
    warnings.simplefilter(action)  # type: ignore[arg-type]
    assert settings.difference() == "the warning filters were changed"


def test_a_filter_that_was_there_is_missed() -> None:
    warnings.simplefilter("ignore", OwnWarning)
    settings = Settings()
    del warnings.filters[0]  # type: ignore[attr-defined]
    assert settings.difference() == "the warning filters were changed"
