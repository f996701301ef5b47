"""A class in a real browser: a teacher's page and two students' follow each other, and the lesson goes by keyboard alone.

Every wait is for a condition.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
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
def code(teacher: Any) -> Iterator[str]:
    """The code of a class that the teacher has just opened, at the first step."""
    teacher.locator(".progress button").first.click()
    wait_step(teacher, "pixels")
    given = open_class(teacher)
    yield given
    teacher.locator("[data-do=end]").click()
    teacher.get_by_role("button", name=UI["teach"]).wait_for()


@pytest.fixture(scope="module")
def pupil(browser: Any, server: Server) -> Iterator[Any]:
    with a_page(browser, f"{server.url}/?tab=learn") as page:
        yield page


def open_class(page: Any) -> str:
    page.get_by_role("button", name=UI["teach"]).click()
    page.wait_for_selector("dialog[open] .qr svg")
    page.keyboard.press("Escape")
    return str(page.locator(".invite .code").text_content())


def join(page: Any, code: str) -> None:
    page.locator("[data-do=join] input").fill(code.lower())
    page.locator("[data-do=join] button").click()
    text(page, "class_code", code)


def wait_step(page: Any, name: str) -> None:
    wait_for_module(page, VIEW, "(m, name) => m.state()?.step === name", name)
    page.wait_for_selector(f"{READY}, .sent")


def text(page: Any, name: str, expected: str) -> None:
    page.locator(f"[data-text={name}]", has_text=expected).wait_for()


def answer(page: Any, guess: str) -> None:
    page.locator(".ask input").fill(guess)
    page.locator(".ask .primary").click()
    page.wait_for_selector(".sent")


def drawn_columns(page: Any) -> list[str]:
    """The numbers above the columns of what the class said, which stand on one line, side by side; those without one have no height."""
    columns = page.locator(".said .columns > *")
    boxes = [one.bounding_box() for one in columns.all()]
    assert len({round(box["y"]) for box in boxes}) == 1
    assert all(left["x"] + left["width"] <= right["x"] for left, right in pairwise(boxes))
    heights = columns.locator("i").evaluate_all("(bars) => bars.map((bar) => bar.getBoundingClientRect().height)")
    numbers = columns.locator("b").all_inner_texts()
    assert [bool(number) for number in numbers] == [height > 10 for height in heights]
    return list(numbers)


def fits(page: Any) -> bool:
    """Whether all of a step is on the screen: nothing of the page or of its text has to be scrolled."""
    return page.evaluate(
        """() => {
          const [root, say] = [".lesson", ".say"].map((one) => document.querySelector(one));
          const edge = document.querySelector("#disclaimer").getBoundingClientRect().top;
          const end = root.querySelector(".tools").getBoundingClientRect().bottom;
          return end <= edge + 1 && say.scrollHeight <= say.clientHeight + 1;
        }"""
    )


def test_two_students_predict_and_see_the_answer_when_the_teacher_shows_it(
    browser: Any, server: Server, teacher: Any, pupil: Any, code: str
) -> None:
    # One comes by the code, the other by the link.
    join(pupil, code)
    with a_page(browser, f"{server.url}/?tab=learn&room={code}") as other:
        text(other, "class_code", code)
        text(teacher, "here", "Students: 2")
        answer(pupil, "10")
        answer(other, "90")
        text(teacher, "answered", "Predictions: 2")
        # Nobody has seen the answer.
        assert [page.locator(".outcome").count() for page in (teacher, pupil, other)] == [0, 0, 0]
        pupil.get_by_role("button", name=UI["amend"]).click()
        answer(pupil, "95")
        teacher.locator(".ask .primary").click()
        teacher.locator(".said .columns[aria-label='90–98: 2']").wait_for()
        assert drawn_columns(teacher) == ["", "", "", "", "", "", "", "", "", "", "2", ""]
        for page, said in ((pupil, "95"), (other, "90")):
            page.wait_for_selector(".outcome")
            assert page.locator(".compared .guess dd").inner_text() == said
            # What is the teacher's stays hers.
            assert page.locator(".said, .note, [data-do=presenter]:visible, .on .quiet").count() == 0
        teacher.keyboard.press("n")
        for page in (pupil, other):
            wait_step(page, "features")


def test_a_page_follows_the_view_until_its_student_leaves_the_way_and_from_when_they_come_back(teacher: Any, pupil: Any, code: str) -> None:
    join(pupil, code)
    slide(teacher, "slice", 4)
    slide(teacher, "strength", 0.6)
    wait_for_module(pupil, "web/store.js", "({ store }) => store.state.index === 4 && store.state.strength === 0.6")
    pupil.locator("[data-do=follow]").uncheck()
    pick(teacher, "case", "Phantom zoomed")
    wait_for_module(teacher, "web/store.js", "({ store }) => store.state.scan.name === 'Phantom zoomed'")
    assert module(pupil, "web/store.js", "({ store }) => store.state.scan.name") == "Phantom small heart"
    pupil.locator("[data-do=follow]").check()
    wait_for_module(pupil, "web/store.js", "({ store }) => store.state.scan.name === 'Phantom zoomed'")
    pick(teacher, "case", "Phantom small heart")
    wait_for_module(pupil, "web/store.js", "({ store }) => store.state.scan.name === 'Phantom small heart'")


def test_pages_that_are_loaded_again_keep_the_class_the_place_and_the_reply(browser: Any, server: Server, teacher: Any, code: str) -> None:
    teacher.keyboard.press("n")
    wait_step(teacher, "features")
    with a_page(browser, f"{server.url}/?tab=learn&room={code}") as other:
        wait_step(other, "features")
        answer(other, "7")
        text(teacher, "answered", "Predictions: 1")
        for page in (teacher, other):
            go(page, page.url)
            text(page, "class_code", code)
            wait_step(page, "features")
        other.locator(".sent", has_text="7").wait_for()
        text(teacher, "answered", "Predictions: 1")
        teacher.locator("[data-do=end]").click()
        text(other, "class_notice", "this class has ended")
        assert other.locator(".note").count() == 1
        open_class(teacher)


def test_the_lesson_is_taught_by_keyboard_alone(teacher: Any, code: str) -> None:
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


@pytest.mark.parametrize("large", [False, True])
def test_what_a_class_has_said_fits_into_a_projectors_window(teacher: Any, pupil: Any, code: str, large: bool) -> None:
    join(pupil, code)
    if large:
        teacher.locator("[data-do=large]").click()
    for name in ("pixels", "features", "codeword"):
        wait_step(teacher, name)
        wait_step(pupil, name)
        choices = pupil.locator(".ask input")
        choices.first.check() if choices.first.get_attribute("type") == "radio" else choices.first.fill("3")
        pupil.locator(".ask .primary").click()
        text(teacher, "answered", "Predictions: 1")
        teacher.locator(".ask .primary").click()
        teacher.wait_for_selector(".outcome .said dl, .outcome .said .columns")
        assert fits(teacher), name
        teacher.keyboard.press("n")
    if large:
        teacher.keyboard.press("Escape")


def test_the_keyboard_stays_with_the_class_when_its_window_and_the_class_are_closed(teacher: Any, code: str) -> None:
    def focused() -> str:
        return str(teacher.evaluate("document.activeElement.dataset.do"))

    # The fixture has closed the invitation by Escape.
    assert focused() == "invite"
    teacher.locator("[data-do=end]").press("Enter")
    teacher.get_by_role("button", name=UI["teach"]).wait_for()
    assert focused() == "teach"
    open_class(teacher)


def test_options_of_a_question_stand_once_beside_what_the_class_said(teacher: Any, pupil: Any, code: str) -> None:
    join(pupil, code)
    last = len(NAMES) - 1
    teacher.locator(".progress button").nth(last).click()
    wait_step(pupil, NAMES[last])
    pupil.locator(".ask input").first.check()
    pupil.locator(".ask .primary").click()
    text(teacher, "answered", "Predictions: 1")
    teacher.locator(".ask .primary").click()
    teacher.wait_for_selector(".outcome .said dl")
    options = languages()["en"]["steps"][NAMES[last]]["options"]
    assert teacher.locator(".outcome .said dt").count() == len(options)
    assert teacher.locator(".outcome .chosen").count() == 0
    assert teacher.locator(".outcome .said dt.truth b").inner_text() == UI["right"]


def test_notes_and_minutes_have_a_window_that_the_projector_does_not_show(teacher: Any, code: str) -> None:
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
