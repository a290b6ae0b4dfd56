"""The module map of docs/architecture.md has every module, and no other."""

from tests.docs.readme import ROOT, code, table


def test_the_map_has_every_module_of_the_package() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text().partition("\n## The modules\n")[2]
    parts = (ROOT / "scheduler").glob("[!.]*")
    modules = {
        part.stem
        for part in parts
        if part.suffix == ".py" or any(file.suffix == ".py" for file in part.glob("*"))
    }

    mapped = {word for cells in table(page) for word in code(cells[1]) if word.isidentifier()}

    assert mapped == modules - {"__init__"}
