"""What the Learn tab asks the server for: the numbers and pictures of a step, and the handout."""

from __future__ import annotations

from app.scan.frame_request import RequestError
from app.scan.open_scan import OpenScan
from app.scan.render import packed
from app.tabs.learn.handout import handout_page
from app.tabs.learn.kept import KeptSteps
from app.tabs.learn.place import Place
from app.tabs.learn.steps import STEPS
from app.tabs.learn.texts import languages
from app.visit.answering import Answer, Request


class LessonAnswers:
    """The handlers of one app. They keep the latest steps, because a whole class often asks for the same ones."""

    def __init__(self) -> None:
        self._kept = KeptSteps()

    def lesson(self, scan: OpenScan, request: Request) -> Answer:
        """The numbers and pictures of a step.

        Args:
            scan: The scan on show.
            request: "step": its name. The keys of `Place.checked`.

        Returns:
            The fields of a Step, its pictures packed. "step": its name. "cell": [row, column]. "focus": as in Place.
        """
        place, name = Place.checked(request, scan), request.get("step")
        if not isinstance(name, str) or name not in STEPS:
            raise RequestError(f"step must be one of {', '.join(STEPS)}, got {name!r}")
        step = self._kept.step(name, place)
        pictures = {key: packed(picture) for key, picture in step.pictures.items()}
        return {**vars(step), "step": name, "cell": [place.row, place.column], "focus": place.focus, "pictures": pictures}

    def handout(self, scan: OpenScan, request: Request) -> Answer:
        """The handout.

        Args:
            scan: The scan on show.
            request: "language": its code. "notes": whether answers and teacher's notes follow. "address": of the page. The keys of
                `Place.checked`.

        Returns:
            "page": HTML. "name": of its file.
        """
        place, language = Place.checked(request, scan), request.get("language")
        if not isinstance(language, str) or language not in languages():
            raise RequestError(f"language must be one of {', '.join(languages())}, got {language!r}")
        notes = request.get("notes") is True
        page = handout_page(place, language, self._kept.step, notes=notes, address=str(request.get("address"))[:200])
        return {"page": page, "name": f"vq-seg-{'teacher-' if notes else ''}{language}.html"}
