"""What a command is called with: its arguments, the environment, and the way to everything else."""

import sys
from argparse import Namespace
from collections.abc import Mapping
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING

from scheduler.clock import Clock
from scheduler.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

    from scheduler.cli.screen import Screen
    from scheduler.cli.times import Times
    from scheduler.config import Config, Reading


class Context:
    """One call of one command; the configuration is read and the database opened when asked for."""

    def __init__(self, args: Namespace, environ: Mapping[str, str], clock: Clock) -> None:
        self.args = args
        self.environ = environ
        self.clock = clock

    @cached_property
    def config(self) -> "Config":
        """The configuration, its warnings printed; raises ConfigError."""
        for warning in self._reading.warnings:
            print(f"warning: {warning}", file=sys.stderr)
        return self._reading.config

    def server_urls(self) -> tuple[str, ...]:
        """Return the URLs of the servers that the command is to talk to: its own, or configured.

        Only its own where the configuration cannot be read; whoever needs it says what is wrong.
        """
        named = tuple(getattr(self.args, key, None) for key in ("database_url", "queue_url"))
        with suppress(ConfigError):
            named += (self._reading.config.database_url, self._reading.config.queue_url)
        return tuple(filter(None, named))

    @cached_property
    def _reading(self) -> "Reading":
        from scheduler.config import read_config

        return read_config(self.config_path, self.environ)

    @property
    def config_path(self) -> "Path | None":
        """The file named by --config, None where the default applies."""
        from pathlib import Path

        return Path(self.args.config) if self.args.config else None

    def advised(self, text: str) -> str:
        """Return a remedy whose commands find the configuration of this one."""
        from scheduler.advice import config_flag, with_flag

        return with_flag(text, config_flag(self.args.config, self.environ))

    @cached_property
    def screen(self) -> "Screen":
        """Standard output, with or without colours."""
        from scheduler.cli.screen import Screen

        return Screen(sys.stdout, self.environ)

    @property
    def times(self) -> "Times":
        """The moment now, to say instants relative to it in the configured time zone."""
        from scheduler.cli.times import Times

        return Times(self.clock.now(), self.config.timezone)

    def open_database(self, *, read_only: bool = True) -> None:
        """Open the database that the service has made; raises DatabaseUnavailableError."""
        from scheduler.db.schema import open_existing

        open_existing(self.config, read_only=read_only)
