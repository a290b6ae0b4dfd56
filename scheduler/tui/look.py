"""How things are said at one moment: the time, the clock mode, the signs and the periods."""

from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

from scheduler.advice import with_flag
from scheduler.config import Config
from scheduler.tui.glyphs import UNICODE, Glyphs
from scheduler.wording import ago, span, until

SOON_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Look:
    """The settings of one frame. `clock`: absolute times instead of relative ones.

    zone: None is the machine's own time zone, with its summer and winter time.
    folder: where the console was started; paths below it are told in short.
    checked_at: when somebody last looked whether the data has changed; None = now.
    """

    now: float
    config: Config
    folder: str = ""
    glyphs: Glyphs = UNICODE
    clock: bool = False
    zone: tzinfo | None = UTC
    flag: str = ""  # what a command needs to find this configuration
    checked_at: float | None = None

    @property
    def as_of(self) -> float:
        """The instant for which the data speaks: who is silent or late is judged by that."""
        return self.now if self.checked_at is None else min(self.now, self.checked_at)

    def advised(self, text: str) -> str:
        """Return a remedy whose commands find the configuration of this console."""
        return with_flag(text, self.flag)

    def past(self, instant: float) -> str:
        """Say when something was."""
        return self.moment(instant) if self.clock else ago(self.now - instant)

    def future(self, instant: float) -> str:
        """Say when something will be."""
        return self.moment(instant) if self.clock else until(instant - self.now)

    def since(self, instant: float) -> str:
        """Say how long something has been going on."""
        return span(self.now - instant)

    def moment(self, instant: float) -> str:
        """Say an instant as a clock time, with the date when it is not within a day."""
        near = abs(instant - self.now) < 86400
        return self._format(instant, "%H:%M:%S" if near else "%m-%d %H:%M")

    def time(self, instant: float) -> str:
        """Say an instant in eight columns: the clock time, further off the day or the date."""
        distance = abs(instant - self.now)
        if distance < 72000:
            return self._format(instant, "%H:%M:%S")
        if distance < 6 * 86400:
            return self._format(instant, "%a")[:2] + self._format(instant, " %H:%M")
        return self._format(instant, "%y-%m-%d")

    def exactly(self, instant: float) -> str:
        """Say an instant to the millisecond with its date."""
        milliseconds = int(instant * 1000 + 1e-4) % 1000
        return f"{self._format(instant, '%Y-%m-%d %H:%M:%S')}.{milliseconds:03}"

    def zone_name(self) -> str:
        """Name the time zone of the clock times."""
        return self._format(self.now, "%Z")

    def short(self, path: str) -> str:
        """Say a path, without the folder the console was started in."""
        return path.removeprefix(f"{self.folder}/") if self.folder else path

    @property
    def database(self) -> str:
        """What to call the database in short: its path, or its server without the password."""
        return self.short(self.config.database_label)

    def _format(self, instant: float, pattern: str) -> str:
        try:
            return datetime.fromtimestamp(instant, UTC).astimezone(self.zone).strftime(pattern)
        except (OverflowError, ValueError, OSError):
            return "?"
