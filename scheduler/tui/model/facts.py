"""Facts as a block: a dim label and what there is to say, in one or two columns."""

from collections.abc import Sequence

from scheduler.tui.text import Line, beside, block, cut, exact

LABEL_WIDTH = 10
TWO_COLUMNS = 100

Fact = tuple[str, Line]


def fact_lines(
    left: Sequence[Fact],
    right: Sequence[Fact],
    width: int,
    ellipsis: str,
    *,
    leading: int | None = None,
) -> list[Line]:
    """Lay out two groups of facts, side by side when there is room.

    leading: how many of the left ones stand before the right ones where there is not; None: all.
    """
    if width < TWO_COLUMNS:
        rest = [] if leading is None else left[leading:]
        return [_line(fact, width, ellipsis) for fact in (*left[:leading], *right, *rest)]
    half = width // 2
    rows = max(len(left), len(right))
    blocks = (
        block([_line(fact, columns, ellipsis) for fact in facts], columns, rows)
        for facts, columns in ((left, half), (right, width - half))
    )
    return beside(*blocks)


def _line(fact: Fact, width: int, ellipsis: str) -> Line:
    label, content = fact
    line: Line = [("dim", f" {label:<{LABEL_WIDTH}}"), *content]
    return exact(cut(line, width - 1, ellipsis=ellipsis), width)
