"""Renders the README's pictures of the console from a real run of the examples.

Usage: python scripts/pictures.py [FOLDER] [--seconds N]   (default: docs/pictures, after 120 s)
"""

import argparse
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # the tests' terminal is not installed

from scripts.drawing import DARK, LIGHT, draw  # noqa: E402
from tests.tui.terminal import Terminal  # noqa: E402


@dataclass(frozen=True, slots=True)
class Scene:
    """One picture: the size, the keys that lead there, and what is then on the screen."""

    name: str
    width: int
    height: int
    keys: tuple[str, ...]
    shows: str
    needs: str = r"\? help"  # a pattern on the screen before the last key
    is_light: bool = False


SCENES = (
    Scene("overview_120x36", 120, 36, (), "LAST 16 RUNS"),
    Scene("overview_80x24", 80, 24, (), "Recent runs"),
    Scene("overview_200x50", 200, 50, (), "LAST ERROR"),
    Scene("light_120x36", 120, 36, (), "LAST 16 RUNS", is_light=True),
    Scene("function_120x36", 120, 36, ("/", *"fails_and", "enter", "enter", "j"), "Traceback"),
    Scene(
        "run_120x36",
        120,
        36,
        ("/", *"takes_long", "enter", "w"),
        " - live",
        r"run  states\.takes_long .* for 1\ds ",
    ),
    Scene("help_120x36", 120, 36, ("?",), "Keys and states"),
)


def main() -> int:
    """Run the examples for a while, then photograph the console on them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "docs" / "pictures")
    parser.add_argument("--seconds", type=float, default=120.0, help="let the examples run so long")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="pictures-") as temporary:
        examples = Path(temporary) / "examples"
        shutil.copytree(ROOT / "examples", examples, ignore=shutil.ignore_patterns("data"))
        config = examples / "scheduler.toml"
        service = subprocess.Popen(_command("run", config), stderr=subprocess.DEVNULL)
        try:
            _wait(service, arguments.seconds)
            for scene in SCENES:
                photograph(scene, config, arguments.folder)
        finally:
            service.send_signal(signal.SIGTERM)
            service.wait(60)
    return 0


def photograph(scene: Scene, config: Path, folder: Path) -> None:
    """Open the console, type the scene's keys and draw what is on the screen."""
    environ = {"COLORFGBG": "0;15" if scene.is_light else ""}
    with Terminal(
        _command("tui", config),
        width=scene.width,
        height=scene.height,
        environ=environ,
        folder=config.parent,
    ) as console:
        console.wait_for("live 2s", "? help")
        for key in scene.keys[:-1]:
            console.type(key)
            console.pause(0.2)
        pattern = re.compile(scene.needs)
        console.wait_until(lambda screen: bool(pattern.search(screen)), scene.needs, seconds=90.0)
        console.type(*scene.keys[-1:])
        console.wait_for(scene.shows)
        console.pause(2.0)  # until the histories are read
        console.wait_for("live 2s")  # and the header has said what it had to
        path = folder / f"{scene.name}.png"
        draw(console.screen, path, theme=LIGHT if scene.is_light else DARK)
        print(path)


def _command(name: str, config: Path) -> list[str]:
    return [sys.executable, "-m", "scheduler", name, "--config", str(config)]


def _wait(service: subprocess.Popen[bytes], seconds: float) -> None:
    try:
        code = service.wait(seconds)
    except subprocess.TimeoutExpired:
        return
    raise SystemExit(f"the examples ended with exit code {code}")


if __name__ == "__main__":
    sys.exit(main())
