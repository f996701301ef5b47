"""What the pages of a class ask the server for: the teacher's opens a room and leads it, the students' join, follow and answer.

They ask by a route of its own, a small question a second each: no connection is held open, so any proxy lets it through, and a page
whose connection was lost goes on where it was.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from starlette.requests import Request as Arriving
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from app.scan.frame_request import RequestError, whole_number
from app.tabs.learn.code_picture import qr_rows
from app.tabs.learn.steps import STEPS
from app.tabs.learn.texts import languages
from app.visit.answering import Answer, Request, request_object
from app.visit.limits import TooManyError
from app.visit.rooms import Lead, Reply, RoomError
from app.visit.session import SessionStore

ROOM_PATH = "/vqseg/room"
VIEWED = ("case", "checkpoint", "plane", "slice", "eps", "mode", "seed", "edits", "reach", "frame", "tab", "step", "cell")
"""What of the teacher's address the students' pages follow. Her language, her large text and her notes stay hers."""
_LARGEST_REQUEST = 1 << 14
_LONGEST_VALUE, _LONGEST_ADDRESS = 4000, 1000
_MOST_ROUNDS, _LARGEST_NUMBER = 9999, 1 << 16
_UNKEPT = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


class Classroom:
    """The answers of one server, by what is asked. Each raises RoomError, RequestError or TooManyError."""

    def __init__(self, store: SessionStore) -> None:
        """Take the rooms.

        Args:
            store: What visitors hold, also the rooms of classes.
        """
        self._store, self._rooms = store, store.rooms
        self.does: Mapping[str, Callable[[Request, str], Answer]] = {
            "open": self.open,
            "lead": self.lead,
            "end": self.end,
            "picture": self.picture,
            "join": self.join,
            "news": self.news,
            "answer": self.answer,
        }

    def open(self, request: Request, _: str) -> Answer:
        """Open a room. "token": of the scan on the teacher's page, which tells her visit. Returns "code" and "key"."""
        owner = self._store.owner(request.get("token"))
        if not owner:
            raise RequestError("a class can be opened while a scan is on show")
        code, key = self._rooms.open(owner)
        return {"code": code, "key": key}

    def lead(self, request: Request, _: str) -> Answer:
        """Lead a class.

        Args:
            request: "code" and "key"; "token" as for `open`; "lead", if something is new: "view", "follows", "rounds" and "revealed" as
                in Lead; "question": the name of the step about whose replies the teacher wants to hear.

        Returns:
            "lead": what the room holds. "here", "answered" and "counts" as in Report.
        """
        lead, owner = request.get("lead"), self._store.owner(request.get("token"))
        asked = _step(request.get("question")) if request.get("question") else ""
        code, key = _text(request, "code"), _text(request, "key")
        held, report = self._rooms.lead(code, key, None if lead is None else _lead(lead), owner=owner, question=asked)
        counts = {part: list(one.items()) for part, one in report.counts.items()}
        return {"lead": _told(held), "here": report.here, "answered": report.answered, "counts": counts}

    def end(self, request: Request, _: str) -> Answer:
        """End a class. "code", "key"."""
        self._rooms.end(_text(request, "code"), _text(request, "key"))
        return {}

    def picture(self, request: Request, _: str) -> Answer:
        """The QR code of the room's link. "code" and "key"; "link". Returns "rows"."""
        self._rooms.lead(_text(request, "code"), _text(request, "key"))
        link = _text(request, "link")
        if not link.startswith(("http://", "https://")) or len(link) > _LONGEST_ADDRESS:
            raise RequestError(f"link must be a web address of at most {_LONGEST_ADDRESS} characters")
        return {"rows": qr_rows(link)}

    def join(self, request: Request, address: str) -> Answer:
        """Join a class. "code"; "student", the key of a page that was loaded again. Returns "student", "mine" (its replies)."""
        code, student = _text(request, "code"), request.get("student")
        if isinstance(student, str):
            try:
                return {"student": student, "mine": self._rooms.replies(code, student)}
            except RoomError:
                # It was away for too long, and is a new one.
                pass
        return {"student": self._rooms.join(code, address), "mine": {}}

    def news(self, request: Request, _: str) -> Answer:
        """What a student's page follows. "code", "student"; "seen": the version that it has. Returns "version", and "lead" if it is new."""
        seen = request.get("seen")
        version, lead = self._rooms.news(_text(request, "code"), _text(request, "student"), seen if isinstance(seen, int) else -1)
        return {"version": version} if lead is None else {"version": version, "lead": _told(lead)}

    def answer(self, request: Request, _: str) -> Answer:
        """Reply. "code", "student"; "question": a step; "round": as the page knows it; "reply". Returns "counts": whether it does."""
        question = _step(request.get("question"))
        turn, reply = whole_number("round", request.get("round"), _MOST_ROUNDS), _reply(question, request.get("reply"))
        return {"counts": self._rooms.answer(_text(request, "code"), _text(request, "student"), question, turn, reply)}


def classroom_routes(store: SessionStore) -> list[Route]:
    """The route of the classes: POST an object whose "do" is a name of `Classroom.does`."""
    classroom = Classroom(store)

    async def room(arriving: Arriving) -> Response:
        try:
            request = await request_object(arriving, _LARGEST_REQUEST)
            handler = classroom.does.get(str(request.get("do")))
            if handler is None:
                raise RequestError(f"do must be one of {', '.join(classroom.does)}")
            address = arriving.client.host if arriving.client else ""
            return JSONResponse(handler(request, address), headers=_UNKEPT)
        except RoomError as error:
            return _refused(error, 404)
        except RequestError as error:
            return _refused(error, 400)
        except TooManyError as error:
            return _refused(error, 429)

    return [Route(ROOM_PATH, room, methods=["POST"])]


def _refused(error: Exception, status: int) -> Response:
    return JSONResponse({"error": str(error.args[0])}, status, headers=_UNKEPT)


def _told(lead: Lead) -> dict[str, Any]:
    return {**asdict(lead), "revealed": sorted(lead.revealed)}


def _lead(values: Any) -> Lead:
    if not isinstance(values, dict):
        raise RequestError("lead must be an object")
    view, rounds, revealed = (values.get(name) for name in ("view", "rounds", "revealed"))
    if not isinstance(view, dict) or not isinstance(rounds, dict) or not isinstance(revealed, list):
        raise RequestError("lead must have a view, rounds and what is revealed")
    shown = {name: str(view[name]) for name in VIEWED if isinstance(view.get(name), (str, int, float))}
    if any(len(value) > _LONGEST_VALUE for value in shown.values()):
        raise RequestError(f"a value of the view may have at most {_LONGEST_VALUE} characters")
    turns = {_step(name): whole_number("a round", turn, _MOST_ROUNDS) for name, turn in rounds.items()}
    return Lead(shown, values.get("follows") is True, turns, frozenset(_step(name) for name in revealed))


def _text(request: Request, name: str) -> str:
    value = request.get(name)
    if not isinstance(value, str):
        raise RequestError(f"{name} must be a text, got {type(value).__name__}")
    return value


def _step(name: object) -> str:
    if not isinstance(name, str) or name not in STEPS:
        raise RequestError(f"a question is one of {', '.join(STEPS)}")
    return name


def _reply(question: str, given: object) -> Reply:
    """A reply by the part of the question. It is one of the options, or a whole number for each part."""
    texts = next(iter(languages().values()))["steps"][question]
    if "options" in texts:
        if not isinstance(given, str) or given not in texts["options"]:
            raise RequestError(f"a reply to {question} is one of {', '.join(texts['options'])}")
        return {"": given}
    if "parts" not in texts:
        return {"": whole_number("a reply", given, _LARGEST_NUMBER)}
    if not isinstance(given, dict) or given.keys() != texts["parts"].keys():
        raise RequestError(f"a reply to {question} has a number for each of {', '.join(texts['parts'])}")
    return {part: whole_number("a reply", given[part], _LARGEST_NUMBER) for part in texts["parts"]}
