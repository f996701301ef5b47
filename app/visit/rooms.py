"""Rooms of classes: a teacher leads, students follow and predict, and the teacher sees how many have predicted what.

Nothing is written anywhere, and nobody is named: a reply is known by a random key of the page that sent it, and the teacher gets counts.
A room ends with the visit of its teacher, who may load the page again within a grace, and after a lesson's time. Every number of a room
has its bound.
"""

from __future__ import annotations

import secrets
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from threading import Lock

from app.visit.limits import JOINS, ROOM_REQUESTS, TOO_MANY, Limiter, TooManyError

MOST_ROOMS = 16
MOST_STUDENTS = 120
LASTS_SECONDS = 3 * 3600.0
GRACE_SECONDS = 120.0
"""So long a room waits for a teacher whose visit has ended: a page that is loaded again is another visit."""
HERE_SECONDS = 15.0
"""Whose page has not asked for so long does not count as here. Its replies stay."""
GONE_SECONDS = 900.0
"""Whose page has not asked for so long makes room for others, and its replies go."""
# Without letters and digits that look alike on a projector.
_SIGNS = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
_LENGTH = 6

Reply = Mapping[str, str | int]
"""What was predicted, by the part of the question; "" for a question of one part."""


class RoomError(LookupError):
    """There is no such room, or its key or the student's is wrong."""


@dataclass(frozen=True)
class Lead:
    """What a teacher says of the class.

    Attributes:
        view: What her page shows: names and values of an address.
        follows: Whether the students' pages follow it.
        rounds: How often a question was asked anew, by its name; 0 for one that is left out. Replies to an earlier round do not count.
        revealed: The questions whose answer everybody may see.
    """

    view: Mapping[str, str] = field(default_factory=dict)
    follows: bool = True
    rounds: Mapping[str, int] = field(default_factory=dict)
    revealed: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Report:
    """What a teacher is told.

    Attributes:
        here: How many students are here.
        answered: How many have replied to the question.
        counts: How often each reply was given, by the part of the question.
    """

    here: int
    answered: int
    counts: Mapping[str, Mapping[str | int, int]]


@dataclass
class _Student:
    seen: float
    # By question: the round, and the reply.
    replies: dict[str, tuple[int, Reply]] = field(default_factory=dict)


@dataclass
class _Room:
    key: str
    owner: str
    until: float
    lead: Lead = field(default_factory=Lead)
    version: int = 0
    left: float | None = None
    students: dict[str, _Student] = field(default_factory=dict)


class Rooms:
    """The rooms of one server, by code. All methods may be called from any thread."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Start without a room.

        Args:
            clock: Gives seconds.
        """
        self._clock, self._lock, self._rooms = clock, Lock(), dict[str, _Room]()
        self._asked, self._joins = Limiter(ROOM_REQUESTS, clock), Limiter(JOINS, clock)

    def open(self, owner: str) -> tuple[str, str]:
        """Open a room. The visit's former one ends.

        Args:
            owner: The teacher's visit.

        Returns:
            Its code, for the students, and its key, for the teacher alone.

        Raises:
            TooManyError: If the server has no more rooms.
        """
        with self._lock:
            self._sweep()
            self._rooms = {code: room for code, room in self._rooms.items() if room.owner != owner}
            if len(self._rooms) >= MOST_ROOMS:
                raise TooManyError("all rooms of this server are taken; try again later")
            code = next(code for code in iter(_new_code, "") if code not in self._rooms)
            room = _Room(secrets.token_urlsafe(24), owner, self._clock() + LASTS_SECONDS)
            self._rooms[code] = room
            return code, room.key

    def lead(self, code: str, key: str, lead: Lead | None = None, *, owner: str = "", question: str = "") -> tuple[Lead, Report]:
        """Say what the students' pages follow, and hear what they have replied.

        Args:
            code: Of the room.
            key: The teacher's.
            lead: What is new; None leaves it as it is.
            owner: The teacher's present visit, if it is known.
            question: About which she wants to hear.

        Returns:
            What the room holds, for a page that was loaded again, and the report.

        Raises:
            RoomError: If there is no such room, or the key is another one.
            TooManyError: If she asks too often.
        """
        with self._lock:
            room = self._taught(code, key)
            if owner:
                room.owner, room.left = owner, None
            if lead is not None and lead != room.lead:
                room.lead, room.version = lead, room.version + 1
            return room.lead, self._report(room, question)

    def end(self, code: str, key: str) -> None:
        """End a room. Raises RoomError as `lead` does."""
        with self._lock:
            self._taught(code, key)
            del self._rooms[code.upper()]

    def join(self, code: str, address: str) -> str:
        """Join a class.

        Args:
            code: Of the room, in capital letters or not.
            address: Where the request comes from. A whole class may share one.

        Returns:
            The student's key, which says nothing of the person.

        Raises:
            RoomError: If there is no such room.
            TooManyError: If the room is full, or if too many try to join from this address.
        """
        self._joins.check(address)
        with self._lock:
            room, now = self._rooms.get(code.upper()), self._clock()
            if room is None or self._is_over(room):
                raise RoomError("there is no such class now; ask your teacher for the code")
            room.students = {key: one for key, one in room.students.items() if one.seen > now - GONE_SECONDS}
            if len(room.students) >= MOST_STUDENTS:
                raise TooManyError(f"this room is full: it takes {MOST_STUDENTS} students")
            student = secrets.token_urlsafe(12)
            room.students[student] = _Student(now)
            return student

    def news(self, code: str, student: str, seen: int = -1) -> tuple[int, Lead | None]:
        """What a student's page follows.

        Args:
            code: Of the room.
            student: The student's key.
            seen: The version that the page has.

        Returns:
            The present version, and what it says; None if the page has it.

        Raises:
            RoomError: If there is no such room, or no such student.
            TooManyError: If the page asks too often.
        """
        with self._lock:
            room, _ = self._attended(code, student)
            return room.version, None if room.version == seen else room.lead

    def answer(self, code: str, student: str, question: str, turn: int, reply: Reply) -> bool:
        """Reply to a question, in place of a former reply.

        Args:
            code: Of the room.
            student: The student's key.
            question: Its name. Whoever calls has checked that there is such a question, and the reply.
            turn: The round that the page knows.
            reply: The reply.

        Returns:
            Whether it counts: not if the answer is revealed, nor if the question was asked anew.

        Raises:
            RoomError: As for `news`, like TooManyError.
        """
        with self._lock:
            room, one = self._attended(code, student)
            if question in room.lead.revealed or turn != room.lead.rounds.get(question, 0):
                return False
            one.replies[question] = turn, reply
            return True

    def replies(self, code: str, student: str) -> dict[str, Reply]:
        """A student's own replies that count, for a page that was loaded again. Raises RoomError and TooManyError as `news` does."""
        with self._lock:
            room, one = self._attended(code, student)
            return {name: reply for name, (turn, reply) in one.replies.items() if turn == room.lead.rounds.get(name, 0)}

    def left(self, owner: str) -> None:
        """A visit has ended. If it was a teacher's, the room waits a little for the next one."""
        with self._lock:
            for room in self._rooms.values():
                if room.owner == owner:
                    room.left = self._clock()

    def sweep(self) -> None:
        """Forget the rooms that have ended."""
        with self._lock:
            self._sweep()

    def close(self) -> None:
        """End all rooms."""
        with self._lock:
            self._rooms.clear()

    def __len__(self) -> int:
        return len(self._rooms)

    def _sweep(self) -> None:
        self._rooms = {code: room for code, room in self._rooms.items() if not self._is_over(room)}

    def _is_over(self, room: _Room) -> bool:
        now = self._clock()
        return now >= room.until or (room.left is not None and now >= room.left + GRACE_SECONDS)

    def _taught(self, code: str, key: str) -> _Room:
        room = self._rooms.get(code.upper())
        if room is None or self._is_over(room) or not secrets.compare_digest(room.key.encode(), key.encode()):
            raise RoomError("this room has ended")
        if not self._asked.allows(key):
            raise TooManyError(TOO_MANY)
        return room

    def _attended(self, code: str, student: str) -> tuple[_Room, _Student]:
        room = self._rooms.get(code.upper())
        one = None if room is None or self._is_over(room) else room.students.get(student)
        if room is None or one is None:
            raise RoomError("this class has ended, or you have been away for long; join again")
        if not self._asked.allows(student):
            raise TooManyError(TOO_MANY)
        one.seen = self._clock()
        return room, one

    def _report(self, room: _Room, question: str) -> Report:
        turn, now = room.lead.rounds.get(question, 0), self._clock()
        given = [one.replies[question] for one in room.students.values() if question in one.replies]
        counted = [reply for asked, reply in given if asked == turn]
        counts: dict[str, Counter[str | int]] = {}
        for reply in counted:
            for part, value in reply.items():
                counts.setdefault(part, Counter())[value] += 1
        return Report(sum(one.seen > now - HERE_SECONDS for one in room.students.values()), len(counted), counts)


def _new_code() -> str:
    return "".join(secrets.choice(_SIGNS) for _ in range(_LENGTH))
