"""Prints what pyproject.toml depends on, one requirement a line: `dependencies.py [EXTRA...]`."""

import sys
import tomllib
from pathlib import Path

project = tomllib.loads(Path("pyproject.toml").read_text())["project"]
extras = [project["optional-dependencies"][extra] for extra in sys.argv[1:]]
print("\n".join(sum(extras, project["dependencies"])))
