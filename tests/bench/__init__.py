"""The benchmarks: `python -m tests.bench`."""

import sys
from importlib.util import find_spec

if find_spec("pytest") is None:
    sys.exit("tests.bench: pytest is not installed; pip install -e '.[dev]' in the checkout")
