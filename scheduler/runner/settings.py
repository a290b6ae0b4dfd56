"""What Python lets any code set for its whole process: the collector, warning filters, decimals."""

import sys
import warnings
from gc import get_threshold, isenabled  # may be patched
from operator import attrgetter
from typing import Any

_values = attrgetter("prec", "rounding", "Emin", "Emax", "capitals", "clamp", "traps")


class Settings:
    """Compares these settings with what they were; costs about half a microsecond."""

    def __init__(self) -> None:
        self._accept_filters()
        self.accept()

    def accept(self) -> None:
        """Take them, as they are now, for normal, but not filters that make warnings errors."""
        self._collector = (isenabled(), get_threshold())
        if all(action != "error" for action, *_ in self._added_filters()):
            self._accept_filters()
        self._context: Any = None  # while nobody has loaded `decimal`
        if (decimal := sys.modules.get("_decimal")) is not None:
            self._accept_context(decimal.getcontext())

    def difference(self) -> str | None:
        """Say in words what is not as it was, None if all is."""
        if (isenabled(), get_threshold()) != self._collector:
            return "the garbage collector was changed"
        if warnings.filters != self._filters:
            if not self._came_with_an_import():
                return "the warning filters were changed"
            self._accept_filters()
        self._module_count = len(sys.modules)
        return self._difference_in_decimals()

    def _difference_in_decimals(self) -> str | None:
        decimal: Any = sys.modules.get("_decimal")
        if decimal is None:
            return None
        if self._context is None:
            self._accept_context(decimal.Context())  # as the run that has loaded it found it
        is_same = _values(decimal.getcontext()) == self._context_values
        return None if is_same else "the decimal context was changed"

    def _accept_filters(self) -> None:
        self._filters = list(warnings.filters)
        self._module_count = len(sys.modules)

    def _accept_context(self, context: Any) -> None:
        self._context = context.copy()  # kept: its traps are void without it
        self._context_values = _values(self._context)

    def _came_with_an_import(self) -> bool:
        """Tell whether the filters are those that a library adds for its own warnings.

        Many do, and a function that imports one when it runs would cost an executor each time.
        """
        if len(sys.modules) == self._module_count:
            return False
        before = self._filters
        is_none_lost = [one for one in warnings.filters if one in before] == before
        return is_none_lost and all(map(_is_narrow, self._added_filters()))

    def _added_filters(self) -> list[Any]:
        return [one for one in warnings.filters if one not in self._filters]


def _is_narrow(warning_filter: tuple[Any, ...]) -> bool:
    action, message, category, module, _ = warning_filter
    is_for_all = category is Warning and message is None and module is None
    return action != "error" and not is_for_all
