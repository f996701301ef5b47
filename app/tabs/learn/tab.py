"""Learn: a guided walk through the method, on the scan on show."""

from __future__ import annotations

import re

import gradio as gr

from app.tabs.learn.answers import LessonAnswers
from app.tabs.learn.classroom import ROOM_PATH, classroom_routes
from app.tabs.learn.formulas import font_path, font_routes
from app.tabs.learn.steps import HIGH, MINUTES, STEPS, STRENGTHS
from app.tabs.learn.texts import equations, languages
from app.tabs.tab import Tab
from app.visit.answering import answering
from app.visit.links import Readable
from app.visit.session import SessionStore
from app.web import mounting, source


def build_learn(store: SessionStore) -> None:
    """Build the tab."""
    answers = LessonAnswers()
    gr.HTML(
        value={
            "steps": list(STEPS),
            "texts": languages(),
            "equations": equations(),
            "strengths": STRENGTHS,
            "high": HIGH,
            "minutes": MINUTES,
            # Relative: the page itself may be served below any path.
            "font": font_path().removeprefix("/"),
            "room": ROOM_PATH.removeprefix("/"),
        },
        html_template=source("tabs/learn/view.html"),
        css_template=source("tabs/learn/view.css"),
        js_on_load=mounting("tabs/learn/view.js"),
        server_functions=[answering(store, answers.lesson), answering(store, answers.handout)],
        apply_default_css=False,
        elem_id="learn",
    )


_SWITCHED = (lambda value: value == "1", "1")
_READABLE: Readable = {
    "step": (lambda value: value in map(str, range(1, len(STEPS) + 1)), f"a step from 1 to {len(STEPS)}"),
    "lang": (lambda value: value in languages(), f"one of {', '.join(languages())}"),
    "large": _SWITCHED,
    "notes": _SWITCHED,
    "room": (lambda value: re.fullmatch(r"\w{6}", value) is not None, "the six letters and digits of a class"),
    "cell": (lambda value: re.fullmatch(r"\d+,\d+", value) is not None, "row,column of a square"),
}

LEARN = Tab("learn", "Learn", build_learn, lambda store: [*classroom_routes(store), *font_routes(store)], _READABLE)
