"""Which of the dead nobody has replaced: the others are over and done with."""

from collections.abc import Sequence
from typing import Protocol, TypeVar


class Lived(Protocol):
    """Anything that tells when a process began and when it last beat, in UTC epoch seconds."""

    @property
    def started_at(self) -> float:
        """When it began."""

    @property
    def heartbeat_at(self) -> float:
        """When it last beat."""


P = TypeVar("P", bound=Lived)


def unreplaced(dead: Sequence[P], living: Sequence[P]) -> list[P]:
    """Return the dead of one role in whose place none has been started since.

    One that took a place and died as well has left it to the next. Of a role that has nobody left
    none: that is a problem of its own.
    """
    if not living:
        return []
    missing = []
    starts = sorted(process.started_at for process in (*dead, *living))
    for process in sorted(dead, key=lambda process: process.heartbeat_at):
        replaced_at = next((at for at in starts if at >= process.heartbeat_at), None)
        if replaced_at is None:
            missing.append(process)
        else:
            starts.remove(replaced_at)
    return missing
