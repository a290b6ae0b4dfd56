"""The signs the console draws with, each one column wide and without an emoji form."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Glyphs:
    """One set of signs; `bars` rise from empty to full, `history` is the lower half of them."""

    ok: str
    fail: str
    warn: str
    run: str
    wait: str
    new: str
    off: str
    down: str
    up: str
    live: str
    frozen: str
    crumb: str
    ellipsis: str
    thin: str
    thick: str
    upright: str
    tee_down: str
    tee_right: str
    corners: tuple[str, str, str, str]
    thumb: str
    caret: str
    bars: str
    arrows: str
    dot: str

    @property
    def history(self) -> str:
        """Bars for the last runs: low, so that two rows never touch."""
        return self.bars[:5]


UNICODE = Glyphs(
    ok="✓",
    fail="✗",
    warn="!",
    run="▸",
    wait="·",
    new="+",
    off="-",
    down="▾",
    up="▴",
    live="●",
    frozen="‖",
    crumb="›",
    ellipsis="…",
    thin="─",
    thick="━",
    upright="│",
    tee_down="┬",
    tee_right="├",
    corners=("┌", "┐", "└", "┘"),
    thumb="▐",
    caret="█",
    bars="▁▂▃▄▅▆▇█",
    arrows="↑↓",
    dot="·",
)

ASCII = Glyphs(
    ok="v",
    fail="x",
    warn="!",
    run=">",
    wait=".",
    new="+",
    off="-",
    down="v",
    up="^",
    live="*",
    frozen="=",
    crumb=">",
    ellipsis="~",
    thin="-",
    thick="=",
    upright="|",
    tee_down="+",
    tee_right="+",
    corners=("+", "+", "+", "+"),
    thumb="#",
    caret="_",
    bars="._-~=+*#",
    arrows="^v",
    dot="-",
)
