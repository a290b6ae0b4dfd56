"""Reads README.md: its sections, their tables and their shell commands."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"


def section(title: str) -> str:
    """Return the text below a heading of the second level, up to the next one."""
    _, _, rest = README.read_text().partition(f"\n## {title}\n")
    assert rest, f"README.md has no section {title!r}"
    return rest.partition("\n## ")[0]


def table(text: str) -> list[list[str]]:
    """Return the cells of the first table in `text`, without its heading."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [re.split(r"\s*(?<!\\)\|\s*", line.strip().strip("|").strip()) for line in lines[2:]]


def code(text: str) -> list[str]:
    """Return what stands between backticks."""
    return re.findall(r"`([^`]+)`", text)


def blocks(text: str, language: str) -> list[str]:
    """Return the fenced blocks of one language."""
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)
