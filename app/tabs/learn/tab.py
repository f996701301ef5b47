"""Learn: a guided walk through the method on the scan that is open. What it shows is in app/lesson."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradio as gr

from app.scan.frames import RequestError
from app.scan.render import packed
from app.tabs.learn.handout import handout_page
from app.tabs.learn.kept import Answers
from app.tabs.learn.place import Place
from app.tabs.learn.steps import STEPS
from app.tabs.learn.texts import equations, languages
from app.visit.session import SessionError, SessionStore
from app.web import mounting, source


def build_learn(store: SessionStore) -> None:
    """The tab."""

    answers = Answers()

    def lesson(request: Any) -> dict[str, Any]:
        return step_answer(store, answers, request)

    def handout(request: Any) -> dict[str, Any]:
        return handout_answer(store, answers, request)

    gr.HTML(
        value={"steps": list(STEPS), "texts": languages(), "equations": equations()},
        html_template=source("tabs/learn/view.html"),
        css_template=source("tabs/learn/view.css"),
        js_on_load=mounting("tabs/learn/view.js"),
        server_functions=[lesson, handout],
        apply_default_css=False,
        elem_id="learn",
    )


def step_answer(store: SessionStore, answers: Answers, request: Any) -> dict[str, Any]:
    """The Step of request["step"] at the place that the request names, as JSON; {"error": message} if there is none."""

    def answered(place: Place) -> dict[str, Any]:
        name = request.get("step")
        if not isinstance(name, str) or name not in STEPS:
            raise RequestError(f"step must be one of {', '.join(STEPS)}, got {name!r}")
        step = answers.step(name, place)
        pictures = {key: packed(picture) for key, picture in step.pictures.items()}
        return {**vars(step), "step": name, "cell": [place.row, place.column], "focus": place.focus, "pictures": pictures}

    return _at_place(store, request, answered)


def handout_answer(store: SessionStore, answers: Answers, request: Any) -> dict[str, Any]:
    """{"page": HTML, "name": of its file} in request["language"], with notes and answers where request["notes"] says so."""

    def answered(place: Place) -> dict[str, Any]:
        language = request.get("language")
        if not isinstance(language, str) or language not in languages():
            raise RequestError(f"language must be one of {', '.join(languages())}, got {language!r}")
        notes = request.get("notes") is True
        page = handout_page(place, language, answers.step, notes=notes, address=str(request.get("address"))[:200])
        return {"page": page, "name": f"vq-seg-{'teacher-' if notes else ''}{language}.html"}

    return _at_place(store, request, answered)


def _at_place(store: SessionStore, request: Any, answered: Callable[[Place], dict[str, Any]]) -> dict[str, Any]:
    if not isinstance(request, dict):
        return {"error": "the request must be an object"}
    try:
        return answered(Place.checked(request, store.get(request.get("token"))))
    except (SessionError, RequestError) as error:
        return {"error": str(error.args[0])}
