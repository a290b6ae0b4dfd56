"""Which columns the table of functions has at a width, and where each one stands."""

from dataclasses import dataclass
from functools import lru_cache

_FUNCTION_MIN = 24
_FILE_MIN, _FILE_MAX = 14, 36
_ERROR_MIN = 20
_WIDE = 150

_WIDTHS = {"STATE": 7, "EVERY": 9, "NEXT RUN": 13, "LAST RUN": 12, "TOOK": 7}
_RIGHT = {"NEXT RUN", "LAST RUN", "TOOK"}
_ORDER = (
    "STATE", "FUNCTION", "FILE", "EVERY", "NEXT RUN", "LAST RUN", "TOOK", "HISTORY", "LAST ERROR",
)  # fmt: skip

# What goes first when it gets narrow; an entry is what remains dropped.
_DROPS: tuple[tuple[int, tuple[str, ...]], ...] = (
    (16, ()),
    (8, ()),
    (8, ("FILE",)),
    (8, ("FILE", "LAST RUN")),
    (0, ("FILE", "LAST RUN")),
    (0, ("FILE", "LAST RUN", "TOOK")),
    (0, ("FILE", "LAST RUN", "TOOK", "EVERY")),
)


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its title, where it starts, how wide it is."""

    name: str
    x: int
    width: int
    is_right: bool

    @property
    def title(self) -> str:
        """The heading's text."""
        if self.name != "HISTORY":
            return self.name
        return f"LAST {self.width} RUNS" if self.width >= 12 else "RUNS"


@lru_cache(maxsize=4)
def columns(width: int, *, longest_name: int, longest_file: int) -> tuple[Column, ...]:
    """Choose the columns for a table `width` wide, one blank between them.

    The widths depend on the terminal and the names only, so nothing moves on a refresh.
    """
    has_error = width >= _WIDE
    function_min = min(_FUNCTION_MIN, max(longest_name, 8))
    for history, dropped in _DROPS:
        names = [name for name in _ORDER if name not in dropped]
        if not history:
            names.remove("HISTORY")
        if not has_error:
            names.remove("LAST ERROR")
        fixed = {**_WIDTHS, "HISTORY": history}
        room = width - sum(fixed.get(name, 0) for name in names) - (len(names) - 1)
        need = function_min + (_FILE_MIN if "FILE" in names else 0)
        need += _ERROR_MIN if has_error else 0
        if room >= need:
            break
    fixed |= _shares(max(room, 1), names, longest_name, longest_file)
    return _placed(names, fixed)


def _shares(room: int, names: list[str], longest_name: int, longest_file: int) -> dict[str, int]:
    """Names first: a file is told in full by the inspector, a cut name is a riddle."""
    if "FILE" not in names:
        return {"FUNCTION": room}
    name, wanted = max(longest_name, len("FUNCTION")), min(max(longest_file, _FILE_MIN), _FILE_MAX)
    error = max(room - name - wanted, room * 3 // 10, _ERROR_MIN)
    error = error if "LAST ERROR" in names else 0
    file = min(max(min(longest_file, room - error - longest_name), _FILE_MIN), _FILE_MAX)
    widths = {"FUNCTION": room - error - file, "FILE": file, "LAST ERROR": error}
    return {name: width for name, width in widths.items() if width}


def _placed(names: list[str], widths: dict[str, int]) -> tuple[Column, ...]:
    placed = []
    x = 0
    for name in names:
        placed.append(Column(name, x, widths[name], name in _RIGHT))
        x += widths[name] + 1
    return tuple(placed)
