"""The configuration table of the README is that of the code."""

import dataclasses
from typing import Any

from scheduler.config import Config
from scheduler.config_keys import KEYS, Key
from tests.docs.readme import section

_CONSTANTS = {field.name: field.default for field in dataclasses.fields(Config)}


def test_the_readme_has_every_key_with_its_default_and_meaning() -> None:
    expected = "\n".join(["| key | default | says |", "|---|---|---|", *map(_row, KEYS)])

    assert expected in section("Configuration"), f"the table should be:\n{expected}"


def _row(key: Key) -> str:
    default = key.default or _shown(_CONSTANTS[key.name])
    return f"| `{key.name}` | {default} | {key.meaning} |".replace("<", "&lt;")


def _shown(default: Any) -> str:
    if isinstance(default, tuple):
        return str(list(default))
    return f"{default:g}" if isinstance(default, float) else str(default)
