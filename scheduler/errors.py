"""Every error the scheduler raises on purpose, and the exit code each one leads to."""

EXIT_OK = 0
EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_INTERRUPTED = 130  # what a shell reports for a command that Ctrl-C ended


class SchedulerError(Exception):
    """The command could not do what it was asked."""

    exit_code = EXIT_FAILED

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or (type(self).__doc__ or "").strip())


class UsageError(SchedulerError):
    """The command was called in a way it does not understand."""

    exit_code = EXIT_USAGE


class ConfigError(UsageError):
    """The configuration is wrong; `problems` holds one line for each fault, all found at once."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class ScheduleError(SchedulerError, ValueError):
    """An argument of @schedule is wrong; the message names it."""

    __module__ = "scheduler"  # what people read in an error


class NotFoundError(SchedulerError):
    """There is no such function or run."""


class DatabaseUnavailableError(SchedulerError):
    """The database cannot be reached."""


class QueueUnavailableError(SchedulerError):
    """The queue cannot be reached."""


class SchemaMissingError(DatabaseUnavailableError):
    """The database has no schema yet; `scheduler run`, `ticker` or `scan` makes it."""


class ForeignDatabaseError(DatabaseUnavailableError):
    """The database is another application's; name one of the scheduler's own."""

    exit_code = EXIT_USAGE  # no restart mends it


class SchemaTooNewError(DatabaseUnavailableError):
    """The database was written by a newer scheduler; upgrade this one."""


class MissingDriverError(UsageError):
    """What the configuration asks for needs a package that is not installed."""


class ZygoteGoneError(SchedulerError):
    """The process that forks the executors has died."""
