"""The tab Learn in a real browser: steps predicted and revealed, links, language, large text, keys, handout.

Every wait is for a condition.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from app_browser import module, pick, slide, visit, wait_for_module
from app_server import Server, fake_served, save_scan
from fake_segmenter import CODES, STRIDE, FakeSegmentedScan

from app.scan.open_scan import OpenScan
from app.scan.render import greyscale
from app.tabs.learn.handout import handout_page
from app.tabs.learn.place import Place
from app.tabs.learn.steps import STEPS, Step
from app.tabs.learn.texts import fill, languages, number
from vqseg.data.scan import read_scan

NAMES = list(STEPS)
VIEW = "tabs/learn/view.js"
ENGLISH = languages()["en"]
BEYOND = """[...document.querySelectorAll(".lesson *")].filter((node) => node.getBoundingClientRect().right > innerWidth)
  .map((node) => node.outerHTML.slice(0, 200))"""


@pytest.fixture(scope="module")
def opened(example: Path) -> OpenScan:
    """What the server holds of the example."""
    return OpenScan(FakeSegmentedScan(read_scan(example)), fake_served(statistics=True), example="Phantom small heart")


@pytest.fixture
def lesson(page: Any) -> Iterator[Any]:
    """The lesson at its first step, in English, that step not answered."""
    page.get_by_role("tab", name="Learn").click()
    turn_to(page, "pixels")
    yield page
    page.locator(".lesson [data-do=language]").select_option("en")
    page.keyboard.press("Escape")


def turn_to(page: Any, name: str) -> None:
    """Go to a step whose question is open."""
    page.locator(".progress button").nth(NAMES.index(name)).click()
    wait_step(page, name)
    if page.locator(".outcome").count():
        page.locator(".outcome .quiet").click()
        page.wait_for_selector(".ask")


def wait_step(page: Any, name: str) -> None:
    wait_shown(page, step=name)
    page.wait_for_selector(".lesson:not([data-waiting])")
    page.wait_for_selector(".lesson .ask .primary:not([disabled]), .lesson .outcome")


def wait_shown(page: Any, **expected: Any) -> None:
    """Until the tab shows this: of step, cell, revealed and strength what is named."""
    same = "(m, expected) => Object.entries(expected).every(([key, value]) => String(m.state()?.[key]) === String(value))"
    wait_for_module(page, VIEW, same, expected)


def mark_of(page: Any) -> tuple[int, int]:
    row, column = module(page, VIEW, "m => m.state().cell")
    return row, column


def slice_of(page: Any) -> int:
    return module(page, "web/store.js", "m => m.store.state.index")


def wait_slice(page: Any, index: int) -> None:
    wait_for_module(page, "web/store.js", "(m, index) => m.store.state.index === index", index)


def wait_scan(page: Any, name: str) -> None:
    wait_for_module(page, "web/store.js", "(m, name) => m.store.state.scan.name === name", name)


def step_of(opened: OpenScan, name: str, cell: tuple[int, int], index: int = 3) -> Step:
    values = {"plane": "axial", "index": index, "strength": 0, "mode": "resample", "seed": 0, "cell": cell}
    return STEPS[name](Place.checked(values, opened))


def predict(page: Any, name: str, guess: float | str) -> None:
    if "options" in ENGLISH["steps"][name]:
        page.locator(f".ask input[value={guess}]").check()
    else:
        # A question of several parts gets the same guess for all.
        for field in page.locator(".ask input").all():
            field.fill(str(guess))
    page.locator(".ask .primary").click()
    wait_shown(page, step=name, revealed=True)


def wrong(step: Step, name: str) -> float | str:
    """A prediction that is not the answer."""
    options = ENGLISH["steps"][name].get("options", {})
    if options:
        return next(key for key in options if key != step.truth)
    return next(guess for guess in range(step.bounds[0], step.bounds[1]) if guess not in truths(step))


def truths(step: Step) -> list[float | str]:
    """The answers to all parts of a question."""
    return list(step.truth.values()) if isinstance(step.truth, dict) else [step.truth]


@pytest.mark.parametrize("name", NAMES)
def test_every_step_is_predicted_before_it_is_revealed(lesson: Any, opened: OpenScan, name: str) -> None:
    turn_to(lesson, name)
    step, words = step_of(opened, name, mark_of(lesson)), ENGLISH["steps"][name]
    assert lesson.locator(".say h2").inner_text() == words["title"]
    assert lesson.locator(".say .idea").inner_text() == fill(words["idea"], step.facts, "en")
    assert lesson.locator(".say .question").inner_text() == fill(words["question"], step.facts, "en")
    revealed = fill(words["reveal"], step.facts, "en")
    assert lesson.locator(".outcome, .equation, .lesson .scrub:not([hidden])").count() == 0
    assert revealed not in lesson.locator(".lesson").inner_text()
    guess = wrong(step, name)
    predict(lesson, name, guess)
    assert lesson.locator(".outcome .reveal").inner_text() == revealed
    if "options" in words:
        assert lesson.locator(".chosen .truth > span").inner_text() == words["options"][step.truth]
        chosen = lesson.locator(".chosen li", has_text=ENGLISH["ui"]["chosen"]).locator("> span")
        assert chosen.inner_text() == words["options"][guess]
    else:
        said = [number(guess, "en")] * len(truths(step))
        assert lesson.locator(".compared .guess dd").all_inner_texts() == said
        assert lesson.locator(".compared .truth dd").all_inner_texts() == [number(truth, "en") for truth in truths(step)]
    assert lesson.locator(".progress button").nth(NAMES.index(name)).get_attribute("class") == "done"
    lesson.get_by_role("button", name="Ask again").click()
    lesson.wait_for_selector(".lesson .ask")
    assert lesson.locator(".outcome").count() == 0


def test_a_prediction_must_be_made(lesson: Any) -> None:
    lesson.locator(".ask .primary").click()
    assert lesson.locator(".ask input:invalid").count() == 1
    lesson.locator(".ask input").fill("101")
    lesson.locator(".ask input").press("Enter")
    assert lesson.locator(".ask input:invalid").count() == 1
    lesson.locator(".ask input").fill("40")
    lesson.locator(".ask input").press("Enter")
    lesson.wait_for_selector(".outcome")


def test_the_marked_square_follows_clicks_and_keys_and_the_numbers_follow_it(lesson: Any, opened: OpenScan) -> None:
    predict(lesson, "pixels", 0)
    whole(lesson)
    box = lesson.locator("[data-stage=slice]").bounding_box()
    view = opened.views["axial"]
    rows, columns = view.shape
    lesson.mouse.click(box["x"] + box["width"] * 4 / columns, box["y"] + box["height"] * 4 / rows)
    corner = Place.checked({"plane": "axial", "index": 3, "strength": 0, "mode": "resample", "seed": 0, "cell": None}, opened)
    expected = next(
        (row, column) for row in range(5) for column in range(6) if view.orient(Place(opened, corner.request, row, column).inside)[4, 4]
    )
    wait_shown(lesson, step="pixels", cell=expected, revealed=True)
    step = step_of(opened, "pixels", expected)
    assert lesson.locator(".outcome .reveal").inner_text() == fill(ENGLISH["steps"]["pixels"]["reveal"], step.facts, "en")
    assert lesson.locator(".patch td.inside").all_inner_texts() == [
        str(value)
        for row, inside in zip(step.data["values"], step.data["inside"], strict=True)
        for value, is_in in zip(row, inside, strict=True)
        if is_in
    ]
    assert lesson.locator(".moved").is_visible()
    # The arrows move the mark while the picture has the focus, and the slices elsewhere.
    lesson.locator("[data-stage=slice]").focus()
    lesson.keyboard.press("ArrowRight")
    moved = next(
        (row, column)
        for row in range(5)
        for column in range(6)
        if view.orient(Place(opened, corner.request, row, column).inside)[4, 4 + STRIDE]
    )
    wait_shown(lesson, step="pixels", cell=moved, revealed=True)
    assert lesson.evaluate("document.activeElement.dataset.stage") == "slice"
    assert slice_of(lesson) == 3
    lesson.locator(".say h2").click()
    lesson.keyboard.press("ArrowRight")
    wait_slice(lesson, 4)
    lesson.keyboard.press("ArrowLeft")
    wait_slice(lesson, 3)


def whole(page: Any) -> None:
    """Look at the whole slice."""
    button = page.locator(".whole", has_text=ENGLISH["ui"]["whole"])
    if button.count():
        button.click()
    wait_for_module(
        page,
        "web/store.js",
        """({ store }) => {
          const [rows, columns] = store.state.scan.planes[store.state.plane].shape, canvas = document.querySelector(".lesson canvas");
          return canvas.width === columns && canvas.height === rows;
        }""",
    )


def test_keys_turn_the_pages_in_this_tab_only(lesson: Any) -> None:
    lesson.locator(".say h2").click()
    for key, name in (("n", "features"), ("PageDown", "codeword"), ("p", "features"), ("PageUp", "pixels"), ("PageUp", "pixels")):
        lesson.keyboard.press(key)
        wait_step(lesson, name)
    lesson.locator(".ask input").press("n")
    assert lesson.locator(".progress [aria-current] span").inner_text() == ENGLISH["steps"]["pixels"]["name"]
    lesson.get_by_role("tab", name="See").click()
    prevented = lesson.evaluate(
        """() => ["n", "PageDown"].map((key) => {
          const event = new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true });
          document.body.dispatchEvent(event);
          return event.defaultPrevented;
        })"""
    )
    assert prevented == [False, False]
    lesson.get_by_role("tab", name="Learn").click()
    wait_step(lesson, "pixels")


def test_buttons_turn_the_pages_and_stop_at_both_ends(lesson: Any) -> None:
    back, forward = lesson.locator(".lesson [data-do=back]"), lesson.locator(".lesson [data-do=next]")
    assert back.is_disabled()
    for name in NAMES[1:]:
        forward.click()
        wait_step(lesson, name)
    assert forward.is_disabled()
    back.click()
    wait_step(lesson, NAMES[-2])
    assert all(one.get_attribute("class") in ("visited", "done") for one in lesson.locator(".progress button").all())


def scrub(page: Any, name: str, value: float) -> None:
    """Move one of the lesson's own sliders."""
    page.locator(f".lesson [data-moves={name}] input").fill(str(value))


def wait_reach(page: Any, reach: float) -> None:
    wait_for_module(page, "web/frames.js", "(m, reach) => m.frames.shown.request.reach === reach", reach)


def test_a_token_is_swapped_near_and_far_side_by_side(lesson: Any, opened: OpenScan) -> None:
    turn_to(lesson, "swap")
    predict(lesson, "swap", 50)
    # What was asked is what is seen next.
    wait_shown(lesson, strength=0.7)
    step = step_of(opened, "swap", mark_of(lesson))
    first, second = (lesson.locator(f".fates tbody tr:nth-child({row}) td").all_inner_texts() for row in (1, 2))
    kept = str(step.facts["kept"])
    assert first == ["30", kept, "30", kept]
    expected = []
    for name in ("near", "far"):
        share = number(round(70 * step.data["probabilities"][name][0], 1), "en")
        expected += [share, str(step.data["drawn"][name][0])]
    assert second == expected
    atoms = lesson.locator(".tiles dd")
    assert [row.locator("canvas").count() for row in atoms.all()] == [len(codes) for codes in step.data["atoms"].values()]
    assert atoms.nth(1).locator("canvas").first.get_attribute("aria-label") == str(step.data["atoms"]["near"][0])
    scrub(lesson, "strength", 0.4)
    wait_shown(lesson, strength=0.4)
    assert lesson.locator(".fates tbody td").first.inner_text() == "60"


def test_both_decoders_are_shown_near_and_live(lesson: Any, opened: OpenScan) -> None:
    turn_to(lesson, "decoders")
    predict(lesson, "decoders", 50)
    wait_shown(lesson, strength=1)
    wait_reach(lesson, CODES - 1)
    lesson.get_by_text("reach 63").first.wait_for()
    captions = [text.replace("\xa0", " ") for text in lesson.locator(".pieces figcaption").all_inner_texts()]
    near, live = "ε = 1, reach 32", "Live: ε = 1, reach 63"
    assert captions == ["Segmentation, ε = 0", near, live, "Reconstruction, ε = 0", near, live]
    whole(lesson)
    assert drawn(lesson, "reconstruction_near") == reconstruction(opened, 1, 32)
    assert drawn(lesson, "reconstruction_after") == reconstruction(opened, 1, CODES - 1)
    # The sliders move the live pictures; the answer stays that of the question.
    revealed = lesson.locator(".outcome .reveal").inner_text()
    scrub(lesson, "reach", 0)
    wait_reach(lesson, 1)
    lesson.locator(".pieces figcaption", has_text="reach\xa01").last.wait_for()
    assert drawn(lesson, "reconstruction_after") == reconstruction(opened, 1, 1)
    assert lesson.locator(".outcome .reveal").inner_text() == revealed
    assert lesson.locator(".moved").count() == 0


def drawn(page: Any, name: str) -> list[int]:
    """The grey values of a picture."""
    return page.evaluate(
        """(name) => { const c = document.querySelector(`[data-stage=${name}] canvas`);
          return [...c.getContext("2d").getImageData(0, 0, c.width, c.height).data].filter((_, i) => i % 4 === 0); }""",
        name,
    )


def reconstruction(opened: OpenScan, strength: float, reach: float) -> list[int]:
    return opened.views["axial"].orient(greyscale(opened.segmented.perturb(3, strength, reach=reach).reconstruction)).ravel().tolist()


def test_the_slider_of_the_last_step_sets_all_perturbations(lesson: Any, opened: OpenScan) -> None:
    turn_to(lesson, "radii")
    assert lesson.locator(".measures thead th").all_inner_texts() == ["Radius", "Effect"]
    predict(lesson, "radii", "same")
    assert lesson.locator(".measures thead th").all_inner_texts() == ["Radius", "Effect", "Dice"]
    step = step_of(opened, "radii", mark_of(lesson))
    scores = lesson.locator(".measures tbody tr td:nth-child(4)").all_inner_texts()
    assert scores == [number(step.facts[name], "en") for name in ("near", "far", "dropout", "channels")]
    assert lesson.locator("[data-moves=all] output").inner_text() == "0.95"
    # The second of the strengths.
    scrub(lesson, "all", 1)
    lesson.get_by_text("Single features, p\xa0=\xa00.3").wait_for()
    assert lesson.locator("[data-stage=far]").get_attribute("aria-label") == "Any codeword, ε\xa0=\xa00.3"


def test_another_slice_or_scan_asks_anew_of_its_own(lesson: Any, opened: OpenScan) -> None:
    predict(lesson, "pixels", 10)
    cell = mark_of(lesson)
    slide(lesson, "slice", 4)
    expected = fill(ENGLISH["steps"]["pixels"]["reveal"], step_of(opened, "pixels", cell, 4).facts, "en")
    lesson.locator(".reveal", has_text=expected).wait_for()
    lesson.locator(".moved").wait_for()
    pick(lesson, "case", "Phantom zoomed")
    lesson.wait_for_selector(".lesson .ask .primary:not([disabled])")
    pick(lesson, "case", "Phantom small heart")
    wait_scan(lesson, "Phantom small heart")
    wait_step(lesson, "pixels")


def test_other_planes_have_no_squares_and_one_click_leads_back(lesson: Any) -> None:
    lesson.get_by_label("Coronal").check()
    lesson.get_by_text("Show the Axial slices").click()
    wait_step(lesson, "pixels")
    assert module(lesson, "web/store.js", "m => m.store.state.plane") == "axial"


def test_the_language_is_switched_and_large_text_fills_the_window(lesson: Any) -> None:
    german = languages()["de"]
    lesson.locator(".lesson [data-do=language]").select_option("de")
    lesson.get_by_role("heading", name=german["steps"]["pixels"]["title"]).wait_for()
    assert lesson.locator(".lesson").get_attribute("lang") == "de"
    assert lesson.locator(".progress span").all_inner_texts() == [words["name"] for words in german["steps"].values()]
    lesson.wait_for_url(lambda url: "lang=de" in url)
    before = lesson.evaluate("parseFloat(getComputedStyle(document.querySelector('.say .idea')).fontSize)")
    lesson.locator(".lesson [data-do=large]").click()
    lesson.wait_for_selector(".lesson.large")
    assert lesson.evaluate("parseFloat(getComputedStyle(document.querySelector('.say .idea')).fontSize)") > 1.25 * before
    box = lesson.locator(".lesson").bounding_box()
    assert (box["x"], box["y"], box["width"]) == (0, 0, 1280)
    # The page speaks the lesson's language.
    assert lesson.locator("#disclaimer").get_by_text("Forschungsdemo, nicht für die Klinik").is_visible()
    lesson.wait_for_url(lambda url: "large=1" in url)
    lesson.keyboard.press("Escape")
    lesson.wait_for_selector(".lesson:not(.large)")


@pytest.mark.parametrize("name", ["consistency", "radii"])
def test_large_text_in_a_window_720_pixels_high_ends_above_the_last_line(lesson: Any, opened: OpenScan, name: str) -> None:
    lesson.locator(".lesson [data-do=large]").click()
    lesson.wait_for_selector(".lesson.large")
    turn_to(lesson, name)
    predict(lesson, name, str(step_of(opened, name, mark_of(lesson)).truth))
    said, frame = lesson.locator(".say").bounding_box(), lesson.locator(".lesson").bounding_box()
    assert said["y"] + said["height"] <= frame["y"] + frame["height"]


def test_the_labels_of_the_curves_lie_within_their_picture(lesson: Any, opened: OpenScan) -> None:
    turn_to(lesson, "radii")
    predict(lesson, "radii", str(step_of(opened, "radii", mark_of(lesson)).truth))
    ends = lesson.evaluate("""() => {
      const box = (node) => { const { top, right, bottom, left } = node.getBoundingClientRect(); return { top, right, bottom, left }; };
      const svg = document.querySelector(".curves svg");
      return [box(svg), ...[...svg.querySelectorAll("text")].map(box)];
    }""")
    whole, *labels = ends
    assert len(labels) == 7
    assert all(one[side] >= whole[side] for one in labels for side in ("top", "left"))
    assert all(one[side] <= whole[side] for one in labels for side in ("bottom", "right"))


def test_the_teachers_note_is_closed_until_it_is_opened_and_stays_so(lesson: Any) -> None:
    note = lesson.locator(".note p")
    assert not note.is_visible()
    lesson.locator(".note summary").click()
    note.wait_for()
    turn_to(lesson, "tokens")
    assert lesson.locator(".note p").inner_text() == ENGLISH["steps"]["tokens"]["note"]
    lesson.wait_for_url(lambda url: "notes=1" in url)
    lesson.locator(".note summary").click()
    lesson.wait_for_url(lambda url: "notes=1" not in url)


@pytest.mark.parametrize("language", sorted(languages()))
def test_no_step_needs_a_scroll_bar_in_a_window_720_pixels_high(lesson: Any, language: str) -> None:
    lesson.locator(".lesson [data-do=language]").select_option(language)
    for name in NAMES:
        turn_to(lesson, name)
        lesson.wait_for_function("document.documentElement.scrollHeight <= innerHeight")
        predict(lesson, name, next(iter(ENGLISH["steps"][name].get("options", {"1": ""}))))
        lesson.wait_for_function("document.documentElement.scrollHeight <= innerHeight")
        strips = lesson.evaluate(
            "[...document.querySelectorAll('.lesson .strip')].map(one => one.getBoundingClientRect()).map(box => [box.left, box.right])"
        )
        assert all(strip == strips[0] for strip in strips)


@pytest.mark.parametrize("notes", [False, True])
def test_the_handout_is_saved_with_one_click(lesson: Any, opened: OpenScan, tmp_path: Path, notes: bool) -> None:
    if notes:
        lesson.locator(".note summary").click()
    with lesson.expect_download() as downloading:
        lesson.locator(".lesson [data-do=handout]").click()
    assert downloading.value.suggested_filename == ("vq-seg-teacher-en.html" if notes else "vq-seg-en.html")
    downloading.value.save_as(tmp_path / "handout.html")
    saved = (tmp_path / "handout.html").read_text(encoding="utf-8")
    values = {"plane": "axial", "index": 3, "strength": 0, "mode": "resample", "seed": 0, "cell": mark_of(lesson)}
    expected = handout_page(Place.checked(values, opened), "en", notes=notes)
    # All but the links, which name this server and its checkpoint.
    assert saved.split("<section>")[1:] == expected.split("<section>")[1:]
    if notes:
        lesson.locator(".note summary").click()


def test_a_link_leads_to_a_step_a_square_and_a_language(browser: Any, server: Server) -> None:
    address = f"{server.url}/?tab=learn&step=5&lang=de&cell=1,2&notes=1&large=1&seed=3"
    with visit(browser, server, address, "axial 3 0 resample 3") as other:
        wait_step(other, "swap")
        assert mark_of(other) == (1, 2)
        assert other.locator(".say h2").inner_text() == languages()["de"]["steps"]["swap"]["title"]
        assert other.locator(".lesson.large .note p").is_visible()
        other.keyboard.press("n")
        wait_step(other, "decoders")
        other.wait_for_url(lambda url: "step=6" in url and "cell=1%2C2" in url and "lang=de" in url)


def test_what_a_link_says_wrongly_is_left_out(browser: Any, server: Server) -> None:
    address = f"{server.url}/?tab=learn&step=-3&lang=toString&cell=99,99&notes=maybe"
    with visit(browser, server, address) as other:
        wait_step(other, "pixels")
        assert other.locator(".say h2").inner_text() == ENGLISH["steps"]["pixels"]["title"]
        assert not other.locator(".note p").is_visible()
        assert mark_of(other)[0] < 5


def test_every_step_fits_a_phone(browser: Any, server: Server) -> None:
    with visit(browser, server, f"{server.url}/?tab=learn&lang=de") as phone:
        phone.set_viewport_size({"width": 390, "height": 844})
        german = languages()["de"]["steps"]
        for name in NAMES:
            turn_to(phone, name)
            for _ in ("before", "after"):
                assert phone.evaluate("document.documentElement.scrollWidth") <= 390, name
                assert phone.evaluate(BEYOND) == [], name
                # First what it is about, then the picture, then the question.
                tops = [phone.locator(one).first.bounding_box()["y"] for one in (".say h2", ".pieces", ".ask, .outcome")]
                assert tops == sorted(tops)
                if phone.locator(".ask").count():
                    predict(phone, name, next(iter(german[name].get("options", {"1": ""}))))


def test_the_lesson_asks_nothing_of_other_servers(lesson: Any, server: Server) -> None:
    outside = [url for url in lesson.requests if not url.startswith((server.url, "data:", "blob:"))]
    assert outside == []


def test_a_server_that_is_gone_is_said_and_the_next_try_works(browser: Any, server: Server, tmp_path: Path) -> None:
    with visit(browser, server, f"{server.url}/?tab=learn") as other:
        wait_step(other, "pixels")
        other.locator("#upload input[type=file]").set_input_files(save_scan(tmp_path / "mine.nii.gz", seed=8))
        wait_scan(other, "mine.nii.gz")
        wait_step(other, "pixels")
        token = module(other, "web/store.js", "m => m.store.state.scan.token")
        server.store.get(token)
        server.store.release(next(entry.owner for held, entry in server.store._entries.items() if held == token))
        other.locator(".lesson [data-do=next]").click()
        other.locator(".say .notice", has_text="no longer held").wait_for()
