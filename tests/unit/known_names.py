"""The names that files have had so far, for tests of the scanner without a table."""

from collections.abc import Collection, Mapping

from scheduler.scanner.findings import Place


class Names:
    """Answers as the table does; `places` may be changed at any time."""

    def __init__(self, **places: str) -> None:
        """`places`: the path of each name's file, in whose first line it is."""
        self.places = places

    def fetch_paths(self, names: Collection[str]) -> Mapping[str, str]:
        return {name: self.places[name] for name in names if name in self.places}

    def fetch_names_in(self, files: Collection[tuple[str, str]]) -> Mapping[str, Place]:
        paths = {"/".join(file) for file in files}
        return {name: (path, 1) for name, path in self.places.items() if path in paths}
