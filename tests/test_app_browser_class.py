"""A class in a real browser: a teacher's page and two students' follow each other, and the lesson goes by keyboard alone.

Every wait is for a condition.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from app_browser import go, module, pick, slide, unfold, wait_for_module
from app_server import Server

from app.tabs.learn.steps import STEPS
from app.tabs.learn.texts import languages

NAMES = list(STEPS)
VIEW = "tabs/learn/view.js"
UI = languages()["en"]["ui"]
READY = ".lesson:not([data-waiting]) .ask .primary:not([disabled]), .lesson:not([data-waiting]) .outcome"


@contextmanager
def a_page(browser: Any, address: str) -> Iterator[Any]:
    """A page of a computer of its own: sessions and cookies are not shared."""
    context = browser.new_context(viewport={"width": 1280, "height": 720})
    page = context.new_page()
    page.set_default_timeout(90_000)
    unfold(page)
    go(page, address)
    page.wait_for_selector(READY)
    yield page
    context.close()


@pytest.fixture(scope="module")
def teacher(browser: Any, server: Server) -> Iterator[Any]:
    with a_page(browser, f"{server.url}/?tab=learn") as page:
        yield page


@pytest.fixture
def room(teacher: Any) -> Iterator[tuple[Any, str]]:
    """The teacher's page with a class that has just been opened, and its code."""
    teacher.get_by_role("button", name=UI["teach"]).click()
    teacher.wait_for_selector("dialog[open] .qr svg")
    code = teacher.locator(".invite .code").inner_text()
    teacher.keyboard.press("Escape")
    yield teacher, code
    if teacher.locator("[data-do=end]").is_visible():
        teacher.locator("[data-do=end]").click()
    teacher.get_by_role("button", name=UI["teach"]).wait_for()
    teacher.locator(".progress button").first.click()
    wait_step(teacher, "pixels")


def wait_step(page: Any, name: str) -> None:
    wait_for_module(page, VIEW, "(m, name) => m.state()?.step === name", name)
    page.wait_for_selector(READY)


def text(page: Any, name: str, expected: str) -> None:
    page.locator(f"[data-text={name}]", has_text=expected).wait_for()


def answer(page: Any, guess: str) -> None:
    options = page.locator(f".ask input[type=radio][value={guess}]") if not guess.isdigit() else page.locator(".never")
    if options.count():
        options.check()
    else:
        for field in page.locator(".ask input").all():
            field.fill(guess)
    page.locator(".ask .primary").click()
    page.wait_for_selector(".sent")


def test_a_class_follows_predicts_and_sees_the_answer_when_the_teacher_shows_it(browser: Any, server: Server, room: Any) -> None:
    teacher, code = room
    link = f"{server.url}/?tab=learn&room={code}"
    with a_page(browser, link) as first, a_page(browser, f"{server.url}/?tab=learn") as second:
        # One comes by the link, the other by the code.
        text(first, "class_code", code)
        second.locator("[data-do=join] input").fill(code.lower())
        second.locator("[data-do=join] button").click()
        text(second, "class_code", code)
        text(teacher, "here", "2 here")
        answer(first, "10")
        answer(second, "90")
        text(teacher, "answered", "2 have answered")
        # Nobody has seen the answer.
        for page in (teacher, first, second):
            assert page.locator(".outcome").count() == 0
        first.get_by_role("button", name=UI["amend"]).click()
        answer(first, "95")
        teacher.locator(".ask .primary").click()
        teacher.wait_for_selector(".said .columns")
        heights = teacher.locator(".columns b").all_inner_texts()
        assert [value for value in heights if value] == ["2"]
        assert teacher.locator(".columns").get_attribute("aria-label") == "90–98: 2"
        for page, said in ((first, "95"), (second, "90")):
            page.wait_for_selector(".outcome")
            assert page.locator(".compared .guess dd").inner_text() == said
            # What is the teacher's stays hers.
            assert page.locator(".said, .note, [data-do=presenter]:visible, .on .quiet").count() == 0
        teacher.keyboard.press("n")
        for page in (first, second):
            wait_step(page, "features")
        slide(teacher, "slice", 4)
        slide(teacher, "strength", 0.6)
        for page in (first, second):
            wait_for_module(page, "web/store.js", "({ store }) => store.state.index === 4 && store.state.strength === 0.6")
        # Who leaves the teacher's way stays, and comes back.
        second.locator("[data-do=follow]").uncheck()
        pick(teacher, "case", "Phantom zoomed")
        wait_for_module(first, "web/store.js", "({ store }) => store.state.scan.name === 'Phantom zoomed'")
        assert module(second, "web/store.js", "({ store }) => store.state.scan.name") == "Phantom small heart"
        second.locator("[data-do=follow]").check()
        wait_for_module(second, "web/store.js", "({ store }) => store.state.scan.name === 'Phantom zoomed'")
        # A page that is loaded again has its place and its reply.
        first.wait_for_selector(READY)
        answer(first, "7")
        go(first, first.url)
        first.wait_for_selector(".sent")
        assert "7" in first.locator(".sent").inner_text()
        wait_for_module(first, "web/store.js", "({ store }) => store.state?.scan.name === 'Phantom zoomed'")
        pick(teacher, "case", "Phantom small heart")
        teacher.locator("[data-do=end]").click()
        for page in (first, second):
            text(page, "class_notice", "this class has ended")
            assert page.locator(".note").count() == 1


def test_a_teachers_page_that_is_loaded_again_keeps_its_class(browser: Any, server: Server) -> None:
    with a_page(browser, f"{server.url}/?tab=learn") as teacher:
        teacher.get_by_role("button", name=UI["teach"]).click()
        code = teacher.locator(".invite .code", has_text="").inner_text()
        teacher.wait_for_selector("dialog[open] .qr svg")
        code = teacher.locator(".invite .code").inner_text()
        teacher.keyboard.press("Escape")
        teacher.locator(".ask .primary").click()
        teacher.wait_for_selector(".outcome")
        wait_for_module(teacher, "web/store.js", "() => document.querySelector('[data-text=here]').textContent !== ''")
        teacher.wait_for_timeout(600)
        go(teacher, teacher.url)
        text(teacher, "class_code", code)
        teacher.wait_for_selector(".outcome")
        teacher.locator("[data-do=end]").click()
        teacher.get_by_role("button", name=UI["teach"]).wait_for()


def test_the_lesson_is_taught_by_keyboard_alone(room: Any) -> None:
    teacher, _ = room
    teacher.locator(".question").focus()
    for name in NAMES:
        wait_step(teacher, name)
        for _ in range(12):
            if teacher.evaluate("document.activeElement.matches('.ask .primary')"):
                break
            teacher.keyboard.press("Tab")
        teacher.keyboard.press("Enter")
        teacher.wait_for_selector(".outcome")
        assert teacher.evaluate("document.activeElement.closest('.lesson') !== null"), name
        if name != NAMES[-1]:
            teacher.keyboard.press("PageDown")
    assert teacher.locator(".progress .done").count() == len(NAMES)


def test_notes_and_minutes_have_a_window_that_the_projector_does_not_show(room: Any) -> None:
    teacher, _ = room
    with teacher.expect_popup() as opening:
        teacher.locator("[data-do=presenter]").click()
    notes = opening.value
    words = languages()["en"]["steps"]
    notes.get_by_text(words["pixels"]["note"]).wait_for()
    assert not teacher.locator(".note p").is_visible()
    assert "minute 0 to 4" in notes.locator(".minutes").inner_text()
    notes.keyboard.press("PageDown")
    notes.get_by_text(words["features"]["note"]).wait_for()
    wait_step(teacher, "features")
    notes.close()


def test_a_code_that_is_no_class_is_said(browser: Any, server: Server) -> None:
    with a_page(browser, f"{server.url}/?tab=learn&room=AAAAAA") as page:
        text(page, "class_notice", "there is no such class now")
        assert page.locator("[data-do=teach]").is_visible()
