"""Draws a terminal screen as a picture, in DejaVu Sans Mono, cell by cell."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageFont

CELL_WIDTH, CELL_HEIGHT, FONT_SIZE, MARGIN = 11, 22, 18, 18
FONT_FOLDERS = (
    Path("/usr/share/fonts/truetype/dejavu"),
    Path("/usr/share/fonts/dejavu-sans-mono-fonts"),
    Path("/usr/share/fonts/TTF"),
    Path("/usr/share/fonts/dejavu"),
    Path("/Library/Fonts"),
    Path.home() / "Library/Fonts",
    Path.home() / ".fonts",
    Path.home() / ".local/share/fonts",
)

Theme = Mapping[str, str]

DARK: Theme = {
    "foreground": "#d8dee9",
    "background": "#12151c",
    "black": "#1c2128",
    "red": "#c0392b",
    "green": "#4caf50",
    "brown": "#c8912a",
    "blue": "#3b6ea8",
    "magenta": "#a97fd8",
    "cyan": "#3bbccc",
    "white": "#d8dee9",
    "brightblack": "#808894",
    "brightred": "#ff6b6b",
    "brightwhite": "#ffffff",
}
LIGHT: Theme = {
    "foreground": "#1c2128",
    "background": "#ffffff",
    "black": "#1c2128",
    "red": "#c21f2f",
    "green": "#0f6b1f",
    "brown": "#946200",
    "blue": "#1f4f8f",
    "magenta": "#6b3fc4",
    "cyan": "#137a85",
    "white": "#5f6670",
    "brightblack": "#6b7280",
    "brightred": "#e03131",
    "brightwhite": "#ffffff",
}
_BLOCKS = "▁▂▃▄▅▆▇█"


class FontMissingError(Exception):
    """DejaVu Sans Mono is not installed."""


def draw(screen: Any, path: Path, *, theme: Theme) -> None:
    """Write a pyte screen as a PNG."""
    fonts = {False: _font("DejaVuSansMono.ttf"), True: _font("DejaVuSansMono-Bold.ttf")}
    size = (2 * MARGIN + screen.columns * CELL_WIDTH, 2 * MARGIN + screen.lines * CELL_HEIGHT)
    image = Image.new("RGB", size, theme["background"])
    pencil = ImageDraw.Draw(image)
    for y in range(screen.lines):
        for x in range(screen.columns):
            _cell(pencil, screen.buffer[y][x], x, y, fonts, theme)
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, optimize=True)


def _cell(pencil: ImageDraw.ImageDraw, char: Any, x: int, y: int, fonts: Any, theme: Theme) -> None:
    foreground = _color(char.fg, "foreground", theme)
    background = _color(char.bg, "background", theme)
    if char.reverse:
        foreground, background = background, foreground
    left, top = MARGIN + x * CELL_WIDTH, MARGIN + y * CELL_HEIGHT
    right, bottom = left + CELL_WIDTH - 1, top + CELL_HEIGHT - 1
    if background != theme["background"]:
        pencil.rectangle((left, top, right, bottom), fill=background)
    if char.data in _BLOCKS:
        # Fonts leave seams between blocks; terminals draw them themselves, and so do we.
        height = round(CELL_HEIGHT * (_BLOCKS.index(char.data) + 1) / 8 * 0.9)
        pencil.rectangle((left, bottom - height, right - 1, bottom), fill=foreground)
    elif char.data == "▐":
        pencil.rectangle((left + CELL_WIDTH // 2, top, right, bottom), fill=foreground)
    elif char.data.strip():
        pencil.text((left, top), char.data, fill=foreground, font=fonts[char.bold])
    if char.underscore:
        pencil.line((left, bottom - 1, right, bottom - 1), fill=foreground)


def _color(name: str, default: str, theme: Theme) -> str:
    return theme[default] if name == "default" else theme.get(name, f"#{name}")


def _font(name: str) -> ImageFont.FreeTypeFont:
    for folder in FONT_FOLDERS:
        if (folder / name).exists():
            return ImageFont.truetype(str(folder / name), FONT_SIZE)
    places = ", ".join(str(folder) for folder in FONT_FOLDERS)
    raise FontMissingError(
        f"{name} is in none of {places}; install it, e.g. apt install fonts-dejavu-core"
    )
