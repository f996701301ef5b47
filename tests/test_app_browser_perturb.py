"""The tab Perturb in a real browser. Every wait is for a condition."""

from __future__ import annotations

import re
import time
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
import pytest
from app_browser import PIXELS, module, pixels, slide, state, wait_painted, wait_state, wait_until
from fake_segmenter import FakeSegmentedScan
from perturb_page import wait_for_card, wait_for_curves, wait_perturbed

from app.scan.planes import plane_views
from app.scan.render import greyscale
from vqseg.data.scan import read_scan
from vqseg.inference import label_agreement


def click_cell(page: Any, row: float, column: float) -> list[int]:
    """Click a place of the "after" grid, given as shares; the cell in detail: row, column, code before, code after."""
    box = page.locator("[data-panel=after] canvas").bounding_box()
    page.mouse.click(box["x"] + column * box["width"], box["y"] + row * box["height"])
    return wait_for_card(page)


def test_a_cell_tells_its_swap_and_can_be_forced_undone_and_cleared(page: Any, example: Path) -> None:
    segmented = FakeSegmentedScan(read_scan(example))
    slide(page, "strength", 0.5)
    wait_painted(page, "axial 3 0.5 resample 0")
    page.get_by_role("tab", name="Perturb").click()
    wait_perturbed(page, "3 0.5 0 0")
    row, column, before, after = click_cell(page, 0.5, 0.5)
    result = segmented.perturb(3, 0.5)
    assert (before, after) == (result.clean_indices[row, column], result.indices[row, column])
    assert str(before) in page.locator("[data-text=move]").inner_text()
    neighbours = segmented.neighbours(before, 6)
    assert page.locator(".card tbody td:nth-child(1)").all_inner_texts() == [str(code) for code in neighbours.codes]
    code = 63 if after != 63 else 0
    page.get_by_label("Code to force the cell to").fill(str(code))
    page.locator(".card form button").click()
    wait_perturbed(page, "3 0.5 0 1")
    view, forced = plane_views(segmented.scan)["axial"], segmented.perturb(3, 0.5, forced={(row, column): code})
    expected = greyscale(view.orient(forced.reconstruction))
    values = str(expected.ravel().tolist()).replace(" ", "")
    # Grey: one channel of four says it all.
    page.wait_for_function(f"JSON.stringify(({PIXELS})('picture').slice(2).filter((_, i) => i % 4 < 1)) === {values!r}")
    page.locator(".card tbody button").first.click()
    wait_perturbed(page, "3 0.5 0 2")
    page.locator("[data-do=undo]").click()
    wait_perturbed(page, "3 0.5 0 1")
    page.locator("[data-do=clear]").click()
    wait_perturbed(page, "3 0.5 0 0")
    assert page.locator("[data-do=clear]").is_disabled()


WHITE = """() => {
  const c = document.querySelector("[data-panel=after] canvas"), scale = c.width / c.getBoundingClientRect().width / devicePixelRatio;
  const data = c.getContext("2d").getImageData(0, 0, c.width, c.height).data;
  let white = 0;
  for (let o = 0; o < data.length; o += 4) white += data[o] + data[o + 1] + data[o + 2] === 765;
  return [scale, c.width, c.height, white];
}"""


def test_replaced_cells_are_outlined_by_lines_of_one_screen_pixel(page: Any, example: Path) -> None:
    slide(page, "strength", 1)
    # On another slice no cell is chosen.
    slide(page, "slice", 2)
    wait_painted(page, "axial 2 1 resample 0")
    page.get_by_role("tab", name="Perturb").click()
    wait_perturbed(page, "2 1 0 0")
    page.wait_for_function(f"Math.abs(({WHITE})()[0] - 1) < 0.02")
    _, columns, rows, white = page.evaluate(WHITE)
    result = FakeSegmentedScan(read_scan(example)).perturb(2, 1.0)
    assert (result.indices != result.clean_indices).all()
    cells = sorted(result.indices.shape)
    assert rows > columns
    # Shared lines between the cells, and those at the edges that lie inside of the canvas.
    lines_across, lines_down = (count + 1 for count in cells)
    assert white <= lines_down * columns + lines_across * rows
    assert white >= (lines_down - 1) * columns + (lines_across - 1) * rows - lines_down * lines_across


PINK = """() => ["before", "after"].map((panel) => {
  const c = document.querySelector(`[data-panel=${panel}] canvas`);
  const data = c.getContext("2d").getImageData(0, 0, c.width, c.height).data;
  let count = 0;
  for (let o = 0; o < data.length; o += 4) count += data[o] === 255 && data[o + 1] === 92 && data[o + 2] === 200;
  return count;
})"""


def test_lit_codes_are_marked_in_both_grids_and_lit_in_both_pictures(page: Any, example: Path) -> None:
    page.get_by_role("tab", name="Perturb").click()
    wait_perturbed(page, "3 0 0 0")
    segmented = FakeSegmentedScan(read_scan(example))
    plain = {name: pixels(page, name) for name in ("segmentation", "picture")}
    code = int(np.bincount(segmented.indices[3].ravel()).argmax())
    module(page, "web/store.js", "(m, codes) => m.store.light(codes)", [code])
    page.wait_for_function(f"({PINK})().every((count) => count > 0)")
    cells = np.kron(segmented.indices[3] == code, np.ones((8, 8), bool))[:40, :48]
    expected = plane_views(segmented.scan)["axial"].orient(cells)
    for name, before in plain.items():
        assert ((pixels(page, name) != before).any(-1) == expected).all()
    module(page, "web/store.js", "m => m.store.light([])")
    page.wait_for_function(f"({PINK})().every((count) => count === 0)")


def test_the_grid_is_zoomed_with_the_other_views_and_the_cell_stays_in_sight(page: Any, example: Path) -> None:
    # On a slice that was left no cell is chosen.
    for index in (2, 3):
        slide(page, "slice", index)
        wait_painted(page, f"axial {index} 0 resample 0")
    page.get_by_role("tab", name="Perturb").click()
    wait_perturbed(page, "3 0 0 0")
    title = page.locator(".card [data-text=cell]")
    assert title.inner_text() == "Click a cell"
    canvas, stage = page.locator("[data-panel=after] canvas"), page.locator("[data-panel=after] .stage")
    whole, frame = canvas.bounding_box(), stage.bounding_box()
    x, y = whole["x"] + 0.3 * whole["width"], whole["y"] + 0.4 * whole["height"]
    page.mouse.move(x, y)
    page.mouse.wheel(0, -600)
    page.wait_for_selector(".perturb[data-zoomed]")
    zoomed = canvas.bounding_box()
    # What was under the pointer is there still, and a screen's pixel is one of the canvas.
    assert (x - zoomed["x"]) / zoomed["width"] == pytest.approx(0.3, abs=0.01)
    assert (y - zoomed["y"]) / zoomed["height"] == pytest.approx(0.4, abs=0.01)
    page.wait_for_function(f"Math.abs(({WHITE})()[0] - 1) < 0.02")
    # A drag moves the picture and chooses no cell, a click does.
    page.mouse.down()
    page.mouse.move(x + 15, y + 10, steps=3)
    page.mouse.up()
    dragged = canvas.bounding_box()
    assert (dragged["x"] - zoomed["x"], dragged["y"] - zoomed["y"]) == pytest.approx((15, 10), abs=0.5)
    assert title.inner_text() == "Click a cell"
    page.mouse.click(x, y)
    cell = wait_for_card(page)
    view = plane_views(FakeSegmentedScan(read_scan(example)).scan)["axial"]
    rows, columns = view.shape
    row, column = int((y - dragged["y"]) / dragged["height"] * rows), int((x - dragged["x"]) / dragged["width"] * columns)
    places = np.stack(np.meshgrid(*(np.arange(n) for n in FakeSegmentedScan(read_scan(example)).scan.voxels.shape[:2]), indexing="ij"), -1)
    token = [int(view.orient(places[..., i])[row, column]) // 8 for i in range(2)]
    assert cell[:2] == token
    for _ in range(20):
        page.keyboard.press("ArrowRight")
    # The last cell of its row: the picture has followed, its right edge is in the frame.
    page.wait_for_function(
        "([c, s]) => c.getBoundingClientRect().right <= s.getBoundingClientRect().right + 1",
        arg=[canvas.element_handle(), stage.element_handle()],
    )
    assert stage.bounding_box() == frame
    level = "s => Number(document.querySelector(s).style.getPropertyValue('--zoom'))"
    assert page.evaluate(level, ".viewer") == page.evaluate(level, ".perturb") > 2
    page.locator("#reset").click()
    page.wait_for_selector(".perturb:not([data-zoomed])")
    assert canvas.bounding_box() == whole


def test_planes_without_tokens_say_so_calmly_and_leave_no_black_squares(page: Any) -> None:
    page.get_by_label("Coronal").check()
    wait_painted(page, "coronal 24 0 resample 0")
    page.get_by_role("tab", name="Perturb").click()
    page.wait_for_selector(".perturb[data-across]")
    assert "axial plane" in page.locator(".perturb .notice").inner_text()
    assert page.locator("[data-panel=before]").is_hidden()
    assert page.locator(".perturb [data-panel=segmentation]").is_visible()
    page.get_by_label("Axial").check()
    page.wait_for_selector(".perturb:not([data-across])")
    assert page.locator(".perturb .notice").is_hidden()
    assert page.locator("[data-panel=before]").is_visible()


def test_curves_are_drawn_from_the_frames_and_the_present_epsilon_is_marked(page: Any, example: Path) -> None:
    page.get_by_role("tab", name="Perturb").click()
    wait_for_curves(page, 21)
    slide(page, "strength", 0.4)
    page.wait_for_function("document.querySelector('#curves .js-plotly-plot').layout.shapes[0].x0 === 0.4")
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
    wait_perturbed(page, "3 0.3 0 0")
    page.locator("[data-do=sensitivity]").click()
    page.locator("[data-panel=segmentation] figcaption", has_text="Sensitivity").wait_for()
    segmented = FakeSegmentedScan(read_scan(example))
    labels = np.stack([segmented.perturb(3, 0.3, seed=seed).labels for seed in range(8)])
    changing = float((labels != labels[0]).any(0).mean())
    scale = page.locator(".perturb [data-scale=sensitivity]")
    scale.wait_for()
    assert "seeds" in scale.inner_text()
    said = page.locator(".perturb [data-text=tool]").inner_text()
    assert said == f"{100 * changing:.1f} % of the pixels change their label between 8 seeds."
    page.locator("[data-do=sensitivity]").click()
    page.locator("[data-panel=segmentation] figcaption", has_text="Segmentation").wait_for()


def test_the_map_of_candidates_has_a_scale_and_no_map_where_there_is_no_reach(page: Any, example: Path) -> None:
    slide(page, "strength", 0.3)
    wait_painted(page, "axial 3 0.3 resample 0")
    page.get_by_role("tab", name="Perturb").click()
    wait_perturbed(page, "3 0.3 0 0")
    page.locator("[data-do=candidates]").click()
    scale = page.locator(".perturb [data-scale=candidates]")
    scale.wait_for()
    found = FakeSegmentedScan(read_scan(example)).candidates(3, state(page, "reach"))
    fewest, most = scale.locator("[data-text=fewest]").inner_text(), scale.locator("[data-text=most]").inner_text()
    assert [float(fewest), float(most)] == pytest.approx([found.min(), found.max()], abs=0.5)
    page.locator("[data-panel=segmentation] figcaption", has_text="Candidates").wait_for()
    module(page, "web/store.js", "({ store }) => store.update({ ...store.state, mode: 'shuffle' })")
    page.locator(".perturb [data-text=tool]", has_text="The shuffle replacement has no reach.").wait_for()
    assert scale.is_hidden()
    page.get_by_text("the code's place on the codebook's map").wait_for()
    page.locator("[data-do=candidates]").click()


BAND = """() => {
  const { data } = document.querySelector("#curves .js-plotly-plot"), [band, mean] = [data[9], data[13]];
  return [mean.x, mean.y, band.y];
}"""


def test_bands_in_the_curves_are_mean_and_spread_over_seeds_and_travel_in_the_link(page: Any, example: Path) -> None:
    slide(page, "strength", 0.3)
    wait_painted(page, "axial 3 0.3 resample 0")
    page.get_by_role("tab", name="Perturb").click()
    wait_for_curves(page, 1)
    page.get_by_label("Number of seeds for the bands").select_option("4")
    page.get_by_text("Thick lines: mean over 4 seeds.").wait_for()
    page.wait_for_function("document.querySelector('#curves .js-plotly-plot').data[13].x.length === 11")
    strengths, mean, band = page.evaluate(BAND)
    segmented, reach = FakeSegmentedScan(read_scan(example)), state(page, "reach")
    dice = np.array([[segmented.perturb(3, e, seed=seed, reach=reach).dice_vs_clean for e in strengths] for seed in range(4)])
    np.testing.assert_allclose(mean, dice.mean(0))
    np.testing.assert_allclose(band[:11], dice.mean(0) + dice.std(0, ddof=1))
    wait_until(page, lambda: "bands=4" in page.url)
    page.locator("[data-do=bands]").click()
    page.wait_for_function("document.querySelector('#curves .js-plotly-plot').data[13].x.length === 0")
    wait_until(page, lambda: "bands" not in page.url)


PHASE_CELL = """([place, column]) => {
  const plot = document.querySelector(".phase .plot"), { xaxis, yaxis, _size } = plot._fullLayout, box = plot.getBoundingClientRect();
  return [box.left + _size.l + xaxis.d2p(plot.data[0].x[column]), box.top + _size.t + yaxis.d2p(place)];
}"""
PHASE_WHOLE = "document.querySelector('.phase .work').hidden && document.querySelector('.phase .plot').data?.length > 0"


def open_phase(page: Any) -> None:
    page.get_by_role("tab", name="Perturb").click()
    wait_for_curves(page, 21)
    # A small window has it folded up.
    if page.locator(".phase .fold").get_attribute("open") is None:
        page.locator(".phase .fold > summary").click()
    page.evaluate("document.querySelector('.phase').scrollIntoView()")


def test_the_phase_diagram_shows_dice_and_leads_the_sliders_to_a_cell(page: Any, example: Path) -> None:
    open_phase(page)
    page.wait_for_function(PHASE_WHOLE)
    segmented = FakeSegmentedScan(read_scan(example))
    reach, place = 63**0.75, 0.75
    row = page.evaluate("document.querySelector('.phase .plot').data[0].text[48]")
    labels = segmented.labels_at(3, [0.5], reach=float(f"{reach:.4g}"))[0]
    assert f"Dice against ε = 0 {label_agreement(labels, segmented.labels[:, :, 3]):.3f}" in row[10]
    strips = page.evaluate("document.querySelector('.phase .plot').layout.yaxis2.ticktext")
    assert strips == ["dropout", "dropout of channels"]
    page.mouse.click(*page.evaluate(PHASE_CELL, [place, 10]))
    wait_state(page, "strength", 0.5)
    assert state(page, "chosenReach") == pytest.approx(reach, rel=1e-3)
    ring = "document.querySelector('.phase .plot').data.find(({ marker }) => marker?.symbol === 'circle')"
    page.wait_for_function(f"{ring}.x[0] === 0.5 && Math.abs({ring}.y[0] - {place}) < 0.01")
    page.locator(".phase .chart").focus()
    for key in ("ArrowRight", "ArrowUp", "Enter"):
        page.keyboard.press(key)
    wait_state(page, "strength", 0.55)
    assert state(page, "chosenReach") == pytest.approx(63 ** (49 / 64), rel=1e-3)
    # The arrows belong to the map here, not to the slices.
    assert state(page, "index") == 3
    assert re.match(r"reach [\d.]+, ε 0\.55: ", page.locator("#phase-said").inner_text())
    page.get_by_label("against truth").check(force=True)
    page.wait_for_function("document.querySelector('.phase .plot').data[0].colorbar.title.text.includes('truth')")
    page.get_by_text("As a table").click()
    table = page.locator(".phase table")
    assert table.locator("tbody tr").count() == 9 + 2
    assert table.locator("tbody tr").last.locator("th").inner_text() == "dropout of channels"


def test_the_phase_diagram_tells_how_far_it_is_and_can_be_cancelled_and_continued(page: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    labels_at = FakeSegmentedScan.labels_at

    def slowly(*arguments: Any) -> np.ndarray:
        time.sleep(0.15)
        return labels_at(*arguments)

    with monkeypatch.context() as patched:
        patched.setattr(FakeSegmentedScan, "labels_at", slowly)
        # A seed whose diagram is not kept.
        page.locator("#seed input").fill("77")
        page.locator("#seed input").press("Enter")
        wait_state(page, "seed", 77)
        open_phase(page)
        page.get_by_text(re.compile(r"^\d+ of \d+ cells decoded, from coarse to fine\.$")).wait_for()
        page.locator(".phase").get_by_role("button", name="Cancel").click()
        said = page.get_by_text(re.compile(r"^\d+ of \d+ cells decoded\. Cancelled\.$"))
        said.wait_for()
        shares = page.evaluate("document.querySelector('.phase .plot').data[0].z.flat().filter(one => one === null).length")
        # What is there stands for what is not.
        assert shares == 0
    page.locator(".phase").get_by_role("button", name="Continue").click()
    page.wait_for_function(PHASE_WHOLE)
    assert page.locator(".phase [data-text=state]").inner_text() == ""
    assert "With every token replaced, Dice against ε = 0" in page.locator(".phase [data-text=words]").inner_text()


def test_nothing_of_another_seeds_diagram_stays_while_the_new_one_is_waited_for(
    page: Any, gate: Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    labels_at, hold, held = FakeSegmentedScan.labels_at, Event(), Event()

    def slowly(*arguments: Any) -> np.ndarray:
        if hold.is_set():
            held.set()
            assert gate.wait(90)
        time.sleep(0.1)
        return labels_at(*arguments)

    monkeypatch.setattr(FakeSegmentedScan, "labels_at", slowly)
    page.locator("#seed input").fill("78")
    page.locator("#seed input").press("Enter")
    wait_state(page, "seed", 78)
    open_phase(page)
    page.wait_for_function("document.querySelector('.phase .plot').data?.length > 0")
    hold.set()
    wait_until(page, held.is_set)
    page.locator("#seed input").fill("79")
    page.locator("#seed input").press("Enter")
    wait_state(page, "seed", 79)
    # The server has not answered yet.
    page.wait_for_function("document.querySelector('.phase .plot').data.length === 0", timeout=40_000)
    gate.set()
    monkeypatch.undo()
    page.wait_for_function(PHASE_WHOLE)


def test_the_axes_of_the_curves_fit_and_say_where_they_begin(page: Any) -> None:
    page.get_by_role("tab", name="Perturb").click()
    wait_for_curves(page, 21, 21)
    layout, traces = page.evaluate("(({ layout, data }) => [layout.yaxis, data])(document.querySelector('#curves .js-plotly-plot'))")
    low, title = layout["range"][0], layout["title"]["text"]
    drawn = [
        value
        for number, trace in enumerate(traces[:7])
        for step, value in zip(trace["x"], trace["y"], strict=True)
        if number % 4 < 3 and trace["visible"] and value is not None and (number < 4 or step <= 0.9)
    ]
    assert low <= min(drawn) < low + 0.05 or low == 0.9
    assert title == ("Dice, agreement" if low == 0 else f"Dice, agreement<br>(axis from {low:g})")
