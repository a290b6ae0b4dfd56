"""The pictures of the README and of the console's page are those that the script makes."""

import re

import pytest

from scripts.pictures import SCENES
from tests.docs.readme import ROOT

README = {"overview_120x36", "overview_80x24", "function_120x36", "run_120x36"}


@pytest.mark.parametrize("page", ["README.md", "docs/console.md"])
def test_the_pictures_are_made_by_the_script_and_are_there(page: str) -> None:
    shown = set(re.findall(r"pictures/(\w+)\.png\)", (ROOT / page).read_text()))
    assert shown >= README
    assert shown <= {scene.name for scene in SCENES}
    assert all((ROOT / "docs" / "pictures" / f"{name}.png").exists() for name in shown)


def test_every_picture_is_one_of_a_scene() -> None:
    drawn = {path.stem for path in (ROOT / "docs" / "pictures").glob("*.png")}
    assert drawn == {scene.name for scene in SCENES}
