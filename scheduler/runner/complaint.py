"""Says in one line why a file cannot be scanned, and what to do about it."""

import inspect
import re
from dataclasses import dataclass
from pathlib import Path

from scheduler.decorators import schedule
from scheduler.runner.failure import describe
from scheduler.runner.text import clean, with_known_names
from scheduler.wording import did_you_mean

ERROR = "error"
WARNING = "warning"
DUPLICATE_NAME = "DuplicateNameError"
_MESSAGE_LIMIT = 500  # characters
_OUR_PACKAGE = re.escape(str(Path(__file__).parents[1]))
_OUR_FRAMES = re.compile(rf'^  File "(?:<frozen |{_OUR_PACKAGE}/).*\n?(?:    .*\n)*', re.MULTILINE)
_UNKNOWN_ARGUMENT = re.compile(r"schedule\(\) got an unexpected keyword argument '(\w+)'")


@dataclass(frozen=True, slots=True, kw_only=True)
class FileError:
    """Why one file, or one scan path, could not be scanned; as a warning, what it did besides."""

    path: str
    error_type: str
    message: str
    traceback: str
    line: int | None
    severity: str = ERROR  # or WARNING: it was scanned, and its functions run

    @property
    def text(self) -> str:
        """Type and message, in one line."""
        kind = self.error_type.rpartition(".")[2]
        return kind if self.message == kind else f"{kind}: {self.message}"


def complain(
    path: str,
    error_type: str,
    message: str,
    *,
    traceback: str = "",
    line: int | None = None,
    severity: str = ERROR,
) -> FileError:
    """Make an error of texts that may hold anything.

    The message becomes one line; the traceback, of `traceback` or `faulthandler`, loses the frames
    that are the scheduler's or importlib's.
    """
    one_line = " ".join(with_known_names(clean(message)).split())
    if len(one_line) > _MESSAGE_LIMIT:
        one_line = one_line[: _MESSAGE_LIMIT - 1] + "\N{HORIZONTAL ELLIPSIS}"
    return FileError(
        path=clean(path),
        error_type=with_known_names(clean(error_type)),
        message=one_line,
        traceback=with_known_names(_OUR_FRAMES.sub("", clean(traceback))),
        line=line,
        severity=severity,
    )


def complain_of(error: BaseException, *, path: str, scan_path: str) -> FileError:
    """Make an error of what importing the file at `path` raised."""
    failure = describe(error, file=path)
    return complain(
        path,
        failure.error_type,
        _message(error, failure.message, scan_path),
        traceback=failure.traceback,
        line=failure.line,
    )


def _message(error: BaseException, message: str, scan_path: str) -> str:
    if isinstance(error, SystemExit):
        return (
            f"it calls sys.exit({error.code!r}) when it is imported:"
            " move the call below `if __name__ == '__main__':`"
        )
    if isinstance(error, ModuleNotFoundError):
        return (
            f"{message}: install it into the scheduler's environment, or put it below {scan_path}"
        )
    if isinstance(error, TypeError) and (misspelt := _UNKNOWN_ARGUMENT.fullmatch(message)):
        known = list(inspect.signature(schedule).parameters)
        remedy = did_you_mean(misspelt[1], known) or f"there are {', '.join(known)}"
        return f"{message}: {remedy}"
    if isinstance(error, PermissionError):
        return f"{message}: give the scheduler's user the right to read it"
    if isinstance(error, RecursionError):
        return f"{message}: something calls itself without end when it is imported"
    return message or type(error).__name__
