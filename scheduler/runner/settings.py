"""What any code may set for its whole process: collector, locale, warning filters, decimals."""

import sys
import warnings
from _locale import LC_ALL, setlocale  # without a second argument it tells
from gc import get_debug, get_threshold, isenabled  # may be patched
from operator import attrgetter
from typing import Any

_values = attrgetter("prec", "rounding", "Emin", "Emax", "capitals", "clamp", "traps")


class Settings:
    """Compares these settings with what they were; costs about a microsecond."""

    def __init__(self) -> None:
        self._filters = list(warnings.filters)
        self.accept()

    def accept(self) -> None:
        """Take them, as they are now, for normal, but not a filter that makes all warnings errors.

        That one concerns every file the process serves.
        """
        self._collector = (isenabled(), get_threshold(), get_debug())
        self._locale = setlocale(LC_ALL)
        if not any(_is_error(one) and _is_for_all(one) for one in self._added_filters()):
            self._filters = list(warnings.filters)
        self._context: Any = None  # while nobody has loaded `decimal`
        if (decimal := sys.modules.get("_decimal")) is not None:
            self._accept_context(decimal.getcontext())

    def difference(self) -> str | None:
        """Say in words what is not as it was, None if all is.

        Filters that ignore a warning of one kind, message or module may come: many libraries add
        them, and a function that imports one when it runs would cost an executor each time.
        """
        if (isenabled(), get_threshold(), get_debug()) != self._collector:
            return "the garbage collector was changed"
        if setlocale(LC_ALL) != self._locale:
            return "the locale was changed"
        if warnings.filters != self._filters:
            is_one_lost = any(one not in warnings.filters for one in self._filters)
            if is_one_lost or any(
                _is_error(one) or _is_for_all(one) for one in self._added_filters()
            ):
                return "the warning filters were changed"
            self._filters = list(warnings.filters)
        return self._difference_in_decimals()

    def _difference_in_decimals(self) -> str | None:
        decimal: Any = sys.modules.get("_decimal")
        if decimal is None:
            return None
        if self._context is None:
            self._accept_context(decimal.Context())  # as the run that has loaded it found it
        is_same = _values(decimal.getcontext()) == self._context_values
        return None if is_same else "the decimal context was changed"

    def _accept_context(self, context: Any) -> None:
        self._context = context.copy()  # kept: its traps are void without it
        self._context_values = _values(self._context)

    def _added_filters(self) -> list[tuple[Any, ...]]:
        return [one for one in warnings.filters if one not in self._filters]


def _is_error(warning_filter: tuple[Any, ...]) -> bool:
    return bool(warning_filter[0] == "error")


def _is_for_all(warning_filter: tuple[Any, ...]) -> bool:
    _, message, category, module, _ = warning_filter
    return category is Warning and message is None and module is None
