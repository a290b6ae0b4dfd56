"""The exceptions that are shown with one, its causes and the members of groups, in any number."""

from collections.abc import Callable, Generator
from itertools import pairwise
from traceback import TracebackException
from types import TracebackType
from typing import Any

_MOST = 100  # exceptions that are told of: about what fits into the text that is kept
_MOST_IN_CHAIN = 30
_MOST_IN_GROUP = 15  # more the standard library does not show

_Trim = Callable[[TracebackType | None], TracebackType | None]


def summarize(error: BaseException, trim: _Trim) -> TracebackException:
    """Return `error` with what is shown with it, ready to be formatted; it says what is left out.

    `trim(traceback)` returns the frames to show. The standard library alone would summarize
    everything before it shows a part, and ask exceptions whether they are true.
    """
    return _Narrator(trim).tell(error, _MOST)[0]


class _Told(TracebackException):
    """One exception by itself, and a remark below its message."""

    def __init__(self, error: BaseException, frames: TracebackType | None) -> None:
        super().__init__(type(error), error, frames, _seen=set())  # which is: without its causes
        self.__cause__ = self.__context__ = self.exceptions = None
        self.remark = ""

    def format_exception_only(self, *args: Any, **options: Any) -> Generator[str, None, None]:
        yield from super().format_exception_only(*args, **options)
        if self.remark:
            yield f"... {self.remark} left out ...\n"


class _Narrator:
    """Tells of exceptions within the room there is, and of the causes of each once."""

    def __init__(self, trim: _Trim) -> None:
        self._trim = trim
        self._seen: set[int] = set()

    def tell(self, error: BaseException, room: int) -> tuple[_Told, int]:
        """Return an exception with its first and last causes, and how many have been told."""
        links = self._links(error)
        most = min(room, _MOST_IN_CHAIN)
        left_out = max(0, len(links) - most)
        first = most - most // 2
        chosen = links[:first] + links[first + left_out :]
        told = [_Told(link, self._trim(link.__traceback__)) for link in chosen]
        are_causes = [inner is outer.__cause__ for outer, inner in pairwise(links)]
        del are_causes[first : first + left_out]
        for (outer, inner), is_cause in zip(pairwise(told), are_causes, strict=False):
            if is_cause:
                outer.__cause__ = inner
            else:
                outer.__context__ = inner
        if left_out:
            told[first - 1].remark = f"{left_out:,} of the {len(links):,} exceptions of this chain"
        count = len(told)
        for one, link in zip(told, chosen, strict=True):
            if isinstance(link, BaseExceptionGroup):
                count += self._tell_members(one, link, room - count)
        return told[0], count

    def _tell_members(self, told: _Told, group: BaseExceptionGroup[Any], room: int) -> int:
        """Add the members to what is told; each but the last leaves half of the room to others."""
        members, count = group.exceptions, 0
        shown: list[TracebackException] = []
        last = min(len(members), _MOST_IN_GROUP) - 1
        for place, member in enumerate(members[: last + 1]):
            if count == room:
                break
            share = room - count if place == last else (room - count + 1) // 2
            one, used = self.tell(member, share)
            shown.append(one)
            count += used
        told.exceptions = shown or None
        if left_out := len(members) - len(shown):
            told.remark = ", ".join(
                filter(None, (told.remark, f"{left_out:,} of its {len(members):,} exceptions"))
            )
        return count

    def _links(self, error: BaseException) -> list[BaseException]:
        """Return an exception and those that led to it, the innermost last."""
        links: list[BaseException] = []
        link: BaseException | None = error
        while link is not None:
            links.append(link)
            self._seen.add(id(link))
            link = self._before(link)
        return links

    def _before(self, error: BaseException) -> BaseException | None:
        context = None if error.__suppress_context__ else error.__context__
        for link in (error.__cause__, context):
            if link is not None and id(link) not in self._seen:
                return link
        return None
