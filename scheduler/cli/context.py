"""What a command is called with: its arguments, the environment, and the way to everything else."""

import sys
from argparse import Namespace
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from scheduler.cli.screen import Screen
    from scheduler.config import Config


class Context:
    """One call of one command; the configuration is read and the database opened when asked for."""

    def __init__(self, args: Namespace, environ: Mapping[str, str]) -> None:
        self.args = args
        self.environ = environ

    @cached_property
    def config(self) -> "Config":
        """The configuration, its warnings printed; raises ConfigError."""
        from scheduler.config import read_config

        reading = read_config(self.config_path, self.environ)
        for warning in reading.warnings:
            print(f"warning: {warning}", file=sys.stderr)
        return reading.config

    @property
    def config_path(self) -> "Path | None":
        """The file named by --config, None where the default applies."""
        from pathlib import Path

        return Path(self.args.config) if self.args.config else None

    @cached_property
    def screen(self) -> "Screen":
        """Standard output, with or without colours."""
        from scheduler.cli.screen import Screen

        return Screen(sys.stdout, self.environ)

    def open_database(self) -> None:
        """Open the database for reading; raises DatabaseUnavailableError with the remedy."""
        from scheduler.db.connection import open_database

        open_database(self.config, read_only=True)
