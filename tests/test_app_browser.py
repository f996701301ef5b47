"""The page as a visitor uses it, in a real browser. Every wait is for a condition."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from app_server import OBLIQUE, Server, fake_statistics, save_scan, save_truth, serving
from fake_segmenter import CLASSES, FakeSegmentedScan

from app.planes import plane_views
from app.render import absolute_difference, greyscale, label_colours, overlay
from app.session import SessionError
from app.sidebar import OPACITY
from vqseg.data.scan import read_labels, read_scan
from vqseg.inference import dice_by_class

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install -r requirements-dev.txt")
CHROMIUM = Path("/usr/bin/chromium")
pytestmark = pytest.mark.skipif(not CHROMIUM.exists(), reason=f"{CHROMIUM} is missing: apt-get install chromium")

FLAGS = "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update"
PIXELS = """name => {
  const c = document.querySelector(`[data-panel=${name}] canvas`);
  return [c.height, c.width, ...c.getContext("2d").getImageData(0, 0, c.width, c.height).data];
}"""


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = save_scan(tmp_path_factory.mktemp("examples") / "phantom_small-heart.nii.gz")
    save_truth(path.with_name("phantom_small-heart_truth.nii.gz"), path)
    return path


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, example: Path) -> Iterator[Server]:
    other = save_scan(example.with_name("phantom_zoomed.nii.gz"), seed=1)
    with serving(tmp_path_factory.mktemp("cache"), [example, other], fake_statistics()) as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as engine:
        chromium = engine.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS.split())
        yield chromium
        chromium.close()


@contextmanager
def visit(browser: Any, server: Server, address: str = "", painted: str = "axial 3 0 resample 0") -> Iterator[Any]:
    context = browser.new_context(viewport={"width": 1280, "height": 720}, accept_downloads=True)
    page = context.new_page()
    page.set_default_timeout(30_000)
    page.requests = []
    page.on("request", lambda request: page.requests.append(request.url))
    page.goto(address or server.url)
    page.wait_for_selector(f".viewer[data-painted='{painted}']", state="attached")
    yield page
    context.close()


@pytest.fixture(scope="module")
def shared_page(browser: Any, server: Server) -> Iterator[Any]:
    with visit(browser, server) as page:
        yield page


@pytest.fixture
def page(shared_page: Any) -> Any:
    """The page with the first example, as it opens. Loading it anew for every test would take most of the time."""
    shared_page.get_by_role("tab", name="See").click()
    shared_page.locator("#reset").click()
    wait_painted(shared_page, "axial 3 0 resample 0")
    return shared_page


def pixels(page: Any, panel: str) -> np.ndarray:
    rows, columns, *values = page.evaluate(PIXELS, panel)
    return np.array(values, np.uint8).reshape(rows, columns, 4)[..., :3]


def slide(page: Any, control: str, value: float) -> None:
    page.locator(f"#{control} input[type=range]").fill(str(value))


def wait_painted(page: Any, painted: str) -> None:
    page.wait_for_selector(f".viewer[data-painted='{painted}']")


def wait_until(page: Any, condition: Callable[[], bool], seconds: float = 30) -> None:
    """For conditions of the server; the page's clock lets the browser's events through meanwhile."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true"
        page.wait_for_timeout(20)


def test_the_page_opens_with_a_segmented_example_pixel_by_pixel(page: Any, example: Path) -> None:
    segmented = FakeSegmentedScan(read_scan(example))
    view = plane_views(segmented.scan)["axial"]
    grey = greyscale(view.cut(segmented.normalised, 3))
    expected = overlay(grey, view.cut(segmented.labels, 3), label_colours(len(CLASSES)), opacity=OPACITY)
    assert page.locator(".viewer h2").inner_text() == "Phantom small heart"
    np.testing.assert_array_equal(pixels(page, "image"), np.repeat(grey[..., None], 3, -1))
    np.testing.assert_array_equal(pixels(page, "labels"), expected)
    np.testing.assert_array_equal(pixels(page, "reconstruction")[..., 0], greyscale(view.cut(segmented.reconstruction, 3)))
    np.testing.assert_array_equal(
        pixels(page, "difference")[..., 0], absolute_difference(grey, greyscale(view.cut(segmented.reconstruction, 3)))
    )
    assert page.locator("[data-panel=image] .stage i").all_inner_texts() == list(view.letters)
    assert page.get_by_text("Research demo, not for clinical use").is_visible()


def test_epsilon_changes_both_pictures_and_the_last_value_of_a_drag_wins(page: Any, example: Path) -> None:
    labels, reconstruction, image = pixels(page, "labels"), pixels(page, "reconstruction"), pixels(page, "image")
    for value in (0.1, 0.35, 0.9, 0.62):
        slide(page, "strength", value)
    wait_painted(page, "axial 3 0.62 resample 0")
    assert (pixels(page, "labels") != labels).any()
    assert (pixels(page, "reconstruction") != reconstruction).any()
    np.testing.assert_array_equal(pixels(page, "image"), image)
    result = FakeSegmentedScan(read_scan(example)).perturb(3, 0.62)
    assert page.locator("[data-text=replaced]").inner_text() == f"{100 * result.replaced_share:.1f} %"
    assert page.locator("[data-text=dice]").inner_text() == f"{result.dice_vs_clean:.3f}"
    assert page.locator("[data-text=psnr]").inner_text() == f"{result.psnr:.1f} dB"


def test_outline_opacity_and_classes_are_drawn_as_in_python(page: Any, example: Path) -> None:
    segmented = FakeSegmentedScan(read_scan(example))
    view = plane_views(segmented.scan)["axial"]
    page.get_by_label("Outline only").check()
    page.locator("#visible").get_by_label("MYO").uncheck()
    slide(page, "opacity", 1)
    visible = np.array([True, True, False, True])
    grey, labels = greyscale(view.cut(segmented.normalised, 3)), view.cut(segmented.labels, 3)
    expected = overlay(grey, labels, label_colours(len(CLASSES)), opacity=1, outline_only=True, visible=visible)
    page.wait_for_function(
        f"JSON.stringify(({PIXELS})('labels').slice(2).filter((_, i) => i % 4 < 3)) === {str(expected.ravel().tolist()).replace(' ', '')!r}"
    )


def test_keys_move_slice_epsilon_and_seed_hide_the_overlay_and_reset(page: Any) -> None:
    page.locator(".viewer h2").click()
    page.keyboard.press("ArrowRight")
    wait_painted(page, "axial 4 0 resample 0")
    page.keyboard.press("]")
    wait_painted(page, "axial 4 0.05 resample 0")
    page.keyboard.press("h")
    page.wait_for_function(
        f"(() => {{ const p = ({PIXELS})('labels').slice(2); return p.every((v, i) => i % 4 > 1 || v === p[i + 1]); }})()"
    )
    page.keyboard.press("r")
    page.wait_for_function("!document.querySelector('.viewer').dataset.painted.endsWith(' 0')")
    page.keyboard.press("0")
    wait_painted(page, "axial 3 0 resample 0")
    assert page.get_by_label("Show overlay").is_checked()


def test_keys_are_left_alone_while_typing(page: Any) -> None:
    seed = page.locator("#seed input")
    seed.fill("12")
    seed.press("0")
    seed.press("ArrowUp")
    seed.press("Tab")
    page.wait_for_function("document.querySelector('.viewer').dataset.painted.startsWith('axial 3 0 resample 12')")


def test_another_plane_starts_at_its_middle_slice(page: Any) -> None:
    page.get_by_label("Coronal").check()
    wait_painted(page, "coronal 24 0 resample 0")
    assert pixels(page, "labels").shape[:2] == (6, 40)
    slide(page, "strength", 0.5)
    wait_painted(page, "coronal 24 0.5 resample 0")


def test_upload_shows_the_scan_and_download_gives_its_labels_on_its_grid(page: Any, server: Server, tmp_path: Path) -> None:
    """Ends as it began, by choosing the example again."""
    scan_file = save_scan(tmp_path / "mine.nii.gz", seed=9, shape=(32, 36, 8))
    page.locator("#upload input[type=file]").set_input_files(scan_file)
    page.get_by_role("heading", name="mine.nii.gz").wait_for()
    wait_painted(page, "axial 4 0 resample 0")
    assert not list(server.cache.rglob("mine.nii.gz"))
    with page.expect_download() as downloading:
        page.get_by_text("Save labels as NIfTI").click()
    saved = tmp_path / downloading.value.suggested_filename
    downloading.value.save_as(saved)
    assert saved.name == "mine_labels.nii.gz"
    labels = nib.load(saved)
    np.testing.assert_allclose(labels.affine, OBLIQUE, atol=1e-5)
    np.testing.assert_array_equal(np.asarray(labels.dataobj), FakeSegmentedScan(read_scan(scan_file)).labels)
    page.locator("#case input").click()
    page.get_by_role("option", name="Phantom small heart").click()
    page.get_by_role("heading", name="Phantom small heart").wait_for()


def test_a_wrong_file_is_explained_and_the_former_scan_stays(page: Any, tmp_path: Path) -> None:
    before = pixels(page, "labels")
    wrong = tmp_path / "letter.pdf"
    wrong.write_bytes(b"%PDF-1.7 no scan")
    page.locator("#upload input[type=file]").set_input_files(wrong)
    toast = page.locator('[data-testid="toast-body"]')
    toast.wait_for()
    assert re.search(r"letter\.pdf is of an unknown type; accepted: NIfTI", toast.inner_text())
    assert str(tmp_path) not in toast.inner_text()
    assert toast.inner_text().startswith("Error")
    np.testing.assert_array_equal(pixels(page, "labels"), before)
    slide(page, "slice", 1)
    wait_painted(page, "axial 1 0 resample 0")
    page.locator("#upload input[type=file]").wait_for(state="attached")


def test_dice_against_the_truth_is_that_of_the_picture_on_show(page: Any, example: Path) -> None:
    slide(page, "strength", 0.5)
    wait_painted(page, "axial 3 0.5 resample 0")
    labels = FakeSegmentedScan(read_scan(example)).perturb(3, 0.5).labels
    truth = read_labels(example.with_name("phantom_small-heart_truth.nii.gz"))[:, :, 3]
    scores = dice_by_class(labels, truth, len(CLASSES))
    shown = [re.findall(r"[A-Z]+|[\d.]+", text) for text in page.locator("[data-text=truth] span").all_inner_texts()]
    assert shown == [[name, f"{dice:.2f}"] for name, dice in zip(CLASSES[1:], scores, strict=True)]


def test_a_truth_beside_an_own_scan_gives_dice_and_one_of_another_grid_is_refused(page: Any, tmp_path: Path) -> None:
    assert not page.locator("#truth").is_visible()
    scan = save_scan(tmp_path / "mine.nii.gz", seed=3)
    truth = save_truth(tmp_path / "truth.nii.gz", scan)
    other = save_truth(tmp_path / "small.nii.gz", save_scan(tmp_path / "other.nii.gz", shape=(16, 16, 3)))
    page.locator("#upload input[type=file]").set_input_files(scan)
    page.get_by_role("heading", name="mine.nii.gz").wait_for()
    page.locator(".figures .truth").wait_for(state="hidden")
    page.locator("#truth input[type=file]").set_input_files(other)
    toast = page.locator('[data-testid="toast-body"]', has_text="small.nii.gz has 16 × 16 × 3 voxels; the scan mine.nii.gz has 40 × 48 × 6")
    toast.wait_for()
    page.locator("#truth input[type=file]").set_input_files(truth)
    page.locator(".figures .truth").wait_for()
    assert page.locator("[data-text=truth] span").count() == 3
    page.locator("#case input").click()
    page.get_by_role("option", name="Phantom small heart").click()
    page.get_by_role("heading", name="Phantom small heart").wait_for()


def test_scrubbing_over_frames_that_were_fetched_ahead_asks_the_server_for_nothing(page: Any) -> None:
    page.wait_for_function("window.vqseg.frames.readyAhead === 21")
    asked = len(page.requests)
    for value in (0.05, 0.35, 0.7, 1, 0.55):
        slide(page, "strength", value)
        wait_painted(page, f"axial 3 {value} resample 0")
    assert [url for url in page.requests[asked:] if "component_server" in url] == []


def middle_of(page: Any, panel: str) -> tuple[float, float]:
    box = page.locator(f"[data-panel={panel}] .stage").bounding_box()
    return box["x"] + box["width"] / 2 + 1, box["y"] + box["height"] / 2 + 1


def test_the_crosshair_tells_value_label_and_token_of_the_same_pixel_in_all_pictures(page: Any, example: Path) -> None:
    slide(page, "strength", 1)
    wait_painted(page, "axial 3 1 resample 0")
    page.mouse.move(*middle_of(page, "difference"))
    segmented = FakeSegmentedScan(read_scan(example))
    view, result = plane_views(segmented.scan)["axial"], segmented.perturb(3, 1.0)
    row, column = (n // 2 for n in view.shape)
    places = np.dstack(np.meshgrid(*(np.arange(n) for n in result.labels.shape), indexing="ij"))
    a, b = (int(view.orient(places[..., i])[row, column]) for i in range(2))
    token = a // 8, b // 8
    expected = f"row {row}, column {column} · value {segmented.scan.voxels[a, b, 3]:g} · {CLASSES[result.labels[a, b]]}"
    expected += f" · token {token[0]}, {token[1]}: code {result.clean_indices[token]} → {result.indices[token]}"
    assert page.locator("[data-text=readout]").inner_text() == expected


def test_zoom_and_pan_are_linked_and_reset(page: Any) -> None:
    transforms = "[...document.querySelectorAll('.stage canvas')].map(c => getComputedStyle(c).transform)"
    before = page.evaluate(transforms)
    x, y = middle_of(page, "labels")
    page.mouse.move(x, y)
    page.mouse.wheel(0, -400)
    page.wait_for_selector(".viewer[data-zoomed]")
    zoomed = page.evaluate(transforms)
    page.mouse.down()
    page.mouse.move(x + 20, y + 10)
    page.mouse.up()
    moved = page.evaluate(transforms)
    assert len(set(zoomed)) == len(set(moved)) == 1
    assert zoomed != moved
    page.locator("#reset").click()
    page.wait_for_selector(".viewer:not([data-zoomed])")
    assert page.evaluate(transforms) == before


def test_the_window_is_chosen_and_dragged_over_the_values_of_the_file(page: Any, example: Path) -> None:
    reconstruction = pixels(page, "reconstruction")
    page.locator("#window input").click()
    page.get_by_role("option", name="CT soft tissue").click()
    page.wait_for_selector(".viewer[data-window='-160 240']")
    scan = read_scan(example)
    expected = greyscale(plane_views(scan)["axial"].cut(scan.voxels, 3), -160, 240)
    assert np.abs(pixels(page, "image")[..., 0].astype(int) - expected).max() <= 1
    np.testing.assert_array_equal(pixels(page, "reconstruction"), reconstruction)
    x, y = middle_of(page, "image")
    page.mouse.move(x, y)
    page.keyboard.down("Shift")
    page.mouse.down()
    page.mouse.move(x + 100, y + 50)
    page.mouse.up()
    page.keyboard.up("Shift")
    page.wait_for_selector(".viewer[data-window='-160 440']")
    page.locator("#reset").click()
    page.wait_for_selector(".viewer[data-window=network]")


def test_neurological_pictures_are_mirrored_with_their_letters(page: Any) -> None:
    letters = page.locator("[data-panel=labels] .stage i")
    top, right, bottom, left = letters.all_inner_texts()
    page.get_by_label("Neurological").check()
    page.wait_for_function("getComputedStyle(document.querySelector('.viewer canvas')).transform.startsWith('matrix(-1')")
    assert letters.all_inner_texts() == [top, left, bottom, right]
    page.get_by_label("Sagittal").check()
    page.wait_for_function("getComputedStyle(document.querySelector('.viewer canvas')).transform.startsWith('matrix(1')")


def click_cell(page: Any, row: float, column: float) -> list[int]:
    """Click a place of the "after" grid, given as shares; the cell in detail: row, column, code before, code after."""
    box = page.locator("[data-panel=after] canvas").bounding_box()
    page.mouse.click(box["x"] + column * box["width"], box["y"] + row * box["height"])
    page.wait_for_selector(".perturb[data-cell]")
    return [int(n) for n in page.locator(".perturb").get_attribute("data-cell").split()]


def test_a_cell_tells_its_swap_and_can_be_forced_undone_and_cleared(page: Any, example: Path) -> None:
    segmented = FakeSegmentedScan(read_scan(example))
    slide(page, "strength", 0.5)
    wait_painted(page, "axial 3 0.5 resample 0")
    page.get_by_role("tab", name="Perturb").click()
    page.wait_for_selector(".perturb[data-painted='3 0.5 0 0']")
    row, column, before, after = click_cell(page, 0.5, 0.5)
    result = segmented.perturb(3, 0.5)
    assert (before, after) == (result.clean_indices[row, column], result.indices[row, column])
    assert str(before) in page.locator("[data-text=move]").inner_text()
    neighbours = segmented.neighbours(before, 6)
    assert page.locator(".card tbody td:nth-child(1)").all_inner_texts() == [str(code) for code in neighbours.codes]
    code = 63 if after != 63 else 0
    page.get_by_label("Code that the cell is forced to").fill(str(code))
    page.locator(".card form button").click()
    page.wait_for_selector(".perturb[data-painted='3 0.5 0 1']")
    view, forced = plane_views(segmented.scan)["axial"], segmented.perturb(3, 0.5, forced={(row, column): code})
    expected = greyscale(view.orient(forced.reconstruction))
    values = str(expected.ravel().tolist()).replace(" ", "")
    # Grey: one channel of four says it all.
    page.wait_for_function(f"JSON.stringify(({PIXELS})('picture').slice(2).filter((_, i) => i % 4 < 1)) === {values!r}")
    page.locator(".card tbody button").first.click()
    page.wait_for_selector(".perturb[data-painted='3 0.5 0 2']")
    page.locator("[data-do=undo]").click()
    page.wait_for_selector(".perturb[data-painted='3 0.5 0 1']")
    page.locator("[data-do=clear]").click()
    page.wait_for_selector(".perturb[data-painted='3 0.5 0 0']")
    assert page.locator("[data-do=undo]").is_disabled()


def test_curves_are_drawn_from_the_frames_and_the_present_epsilon_is_marked(page: Any, example: Path) -> None:
    page.get_by_role("tab", name="Perturb").click()
    page.wait_for_selector("#curves .js-plotly-plot[data-points='21']")
    slide(page, "strength", 0.4)
    page.wait_for_selector("#curves .js-plotly-plot[data-present='0.4']")
    shapes, x, dice = page.evaluate(
        "(() => { const g = document.querySelector('#curves .js-plotly-plot'); return [g.layout.shapes, g.data[0].x, g.data[0].y]; })()"
    )
    assert shapes[0]["x0"] == 0.4
    segmented = FakeSegmentedScan(read_scan(example))
    np.testing.assert_allclose(dice, [segmented.perturb(3, strength).dice_vs_clean for strength in x])


def test_sensitivity_is_measured_over_seeds_and_taken_away_again(page: Any, example: Path) -> None:
    slide(page, "strength", 0.3)
    wait_painted(page, "axial 3 0.3 resample 0")
    page.get_by_role("tab", name="Perturb").click()
    page.wait_for_selector(".perturb[data-painted='3 0.3 0 0']")
    page.locator("[data-do=sensitivity]").click()
    page.get_by_text("Sensitivity", exact=True).wait_for()
    segmented = FakeSegmentedScan(read_scan(example))
    labels = np.stack([segmented.perturb(3, 0.3, seed=seed).labels for seed in range(8)])
    changing = float((labels != labels[0]).any(0).mean())
    assert float(page.locator(".perturb").get_attribute("data-sensitivity")) == pytest.approx(changing, abs=1e-3)
    page.locator("[data-do=sensitivity]").click()
    page.locator("[data-panel=segmentation] figcaption", has_text="Segmentation").wait_for()


def test_what_is_on_the_screen_is_saved_with_one_click_each(page: Any, example: Path, tmp_path: Path) -> None:
    slide(page, "strength", 0.5)
    wait_painted(page, "axial 3 0.5 resample 0")
    page.get_by_role("tab", name="Export").click()
    page.wait_for_selector(".export[data-shown='axial 3 0.5 resample 0 0']")
    assert "strength=0.5, mode='resample', seed=0" in page.locator(".export [data-text=python]").inner_text()
    names = {"tokens": "_axial3_tokens.csv", "configuration": "_axial3.json", "png": "_axial3.png", "svg": "_axial3.svg"}
    for kind, ending in names.items():
        with page.expect_download() as downloading:
            page.locator(f".export [data-kind={kind}]").click()
        assert downloading.value.suggested_filename == f"Phantom_small_heart{ending}"
        downloading.value.save_as(tmp_path / kind)
    result = FakeSegmentedScan(read_scan(example)).perturb(3, 0.5)
    table = np.loadtxt(tmp_path / "tokens", int, delimiter=",", skiprows=1)
    np.testing.assert_array_equal(table[:, 3], result.indices.ravel())
    assert json.loads((tmp_path / "configuration").read_text())["epsilon"] == 0.5


def test_visitors_see_their_own_scans_until_they_leave(page: Any, browser: Any, server: Server, tmp_path: Path) -> None:
    with visit(browser, server) as other:
        other.locator("#upload input[type=file]").set_input_files(save_scan(tmp_path / "other.nii.gz", seed=21))
        other.get_by_role("heading", name="other.nii.gz").wait_for()
        wait_painted(other, "axial 3 0 resample 0")
        assert page.locator(".viewer h2").inner_text() == "Phantom small heart"
        mine, others = (visitor.evaluate("window.vqseg.state.scan.token") for visitor in (page, other))
        assert server.store.get(mine) is not server.store.get(others)
        held = len(server.store)
    wait_until(page, lambda: len(server.store) == held - 1)
    with pytest.raises(SessionError):
        server.store.get(others)
    assert server.store.get(mine)


def test_the_codebook_tab_draws_the_codewords_and_marks_those_in_view(page: Any) -> None:
    page.get_by_role("tab", name="Codebook").click()
    page.wait_for_selector("#codewords .js-plotly-plot[data-marked]")
    traces = page.evaluate("document.querySelector('#codewords .js-plotly-plot')._fullData.map(t => t._length)")
    statistics = fake_statistics()
    assert traces[:2] == [int(np.sum(statistics.counts == 0)), int(np.sum(statistics.counts > 0))]
    assert traces[2] > 0
    assert traces[3] == 0
    assert page.locator("#codes [data-text=utilisation]").inner_text() == f"{100 * statistics.utilisation:.1f} %"
    page.get_by_label("majority class").check()
    page.wait_for_selector("#codewords .js-plotly-plot[data-colour=majority]")
    slide(page, "strength", 1)
    page.wait_for_function("document.querySelector('#codewords .js-plotly-plot')._fullData[3]._length > 0")
    in_view, opacity = page.evaluate(
        "(() => { const d = document.querySelector('#codewords .js-plotly-plot').data; return [d[2].customdata, d[1].marker.opacity]; })()"
    )
    active = np.flatnonzero(statistics.counts > 0)
    np.testing.assert_array_equal(np.array(opacity) == 1, np.isin(active, in_view))


@pytest.mark.parametrize("tab", ["See", "Perturb", "Codebook", "Export"])
def test_the_page_fits_the_smallest_window_without_a_scroll_bar(page: Any, tab: str) -> None:
    page.get_by_role("tab", name=tab).click()
    page.wait_for_function("document.documentElement.scrollHeight <= innerHeight && document.documentElement.scrollWidth <= innerWidth")


def test_a_link_reproduces_the_view_and_the_address_follows_it(browser: Any, server: Server) -> None:
    address = f"{server.url}/?case=Phantom+zoomed&plane=coronal&slice=7&eps=0.35&mode=shuffle&seed=11&tab=codebook"
    with visit(browser, server, address, "coronal 7 0.35 shuffle 11") as other:
        assert other.locator(".viewer h2").text_content() == "Phantom zoomed"
        assert other.get_by_role("tab", name="Codebook").get_attribute("aria-selected") == "true"
        other.get_by_role("tab", name="See").click()
        slide(other, "strength", 0.4)
        other.wait_for_url(lambda url: "eps=0.4&" in url and url.endswith("tab=see"))
        assert "case=Phantom+zoomed&plane=coronal&slice=7&" in other.url


def test_nothing_is_requested_from_outside(page: Any, server: Server) -> None:
    page.get_by_role("tab", name="Codebook").click()
    page.wait_for_selector("#codewords .js-plotly-plot[data-marked]")
    outside = [url for url in page.requests if not url.startswith((server.url, "data:", "blob:"))]
    assert outside == []
