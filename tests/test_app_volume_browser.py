"""The Volume tab as a visitor uses it, with NiiVue and without WebGL, in a real browser. Every wait is for a condition."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from app_browser import go, module, pick, reset, slide, unfold, wait_for_module, wait_painted
from app_server import OBLIQUE, Server, save_scan
from fake_segmenter import CLASSES, FakeSegmentedScan
from PIL import Image

import app.scan.volume
from app.page.sidebar import OPACITY
from app.scan.planes import plane_views
from app.scan.render import greyscale, label_colours, overlay
from app.tabs.volume.answers import NIIVUE_PATH, VOLUME_PATH
from app.web import module_path
from vqseg.data.scan import read_scan

WITHOUT_WEBGL = """(() => {
  const original = HTMLCanvasElement.prototype.getContext;
  HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {
    return kind === "webgl2" ? null : original.call(this, kind, ...rest);
  };
})()"""
PIXELS = """plane => {
  const c = document.querySelector(`.planes [data-plane=${plane}] canvas`);
  return [c.height, c.width, ...c.getContext("2d").getImageData(0, 0, c.width, c.height).data];
}"""
PERTURBED = "Perturbed, ε = "
CROSSHAIR = "nv => Array.from(nv.frac2mm(nv.scene.crosshairPos, 0, true)).slice(0, 3)"
AZIMUTH = "nv => nv.scene.renderAzimuth"
READOUT = ".volume [data-text=readout]"
VIEW, STORE = "tabs/volume/view.js", "web/store.js"


@contextmanager
def opened(browser: Any, server: Server, query: str = "?tab=volume", *, webgl: bool = True) -> Iterator[Any]:
    context = browser.new_context(viewport={"width": 1280, "height": 720})
    page = context.new_page()
    unfold(page)
    page.set_default_timeout(120_000)
    page.requests, page.problems = [], []
    page.on("request", lambda request: page.requests.append(request))
    page.on("pageerror", lambda error: page.problems.append(str(error)))
    if not webgl:
        page.add_init_script(WITHOUT_WEBGL)
    try:
        go(page, server.url + query)
        yield page
        assert page.problems == []
    finally:
        context.close()


@pytest.fixture(scope="module")
def shared_page(browser: Any, server: Server) -> Iterator[Any]:
    with opened(browser, server) as page:
        if page.evaluate("document.createElement('canvas').getContext('webgl2') === null"):
            pytest.skip("this browser has no WebGL 2, not even in software")
        wait_shown(page)
        yield page


@pytest.fixture(scope="module")
def shared_plain(browser: Any, server: Server) -> Iterator[Any]:
    with opened(browser, server, webgl=False) as page:
        wait_shown(page)
        yield page


def as_it_opens(page: Any) -> Any:
    page.get_by_role("tab", name="Volume").click()
    reset(page)
    choose(page, "Unperturbed")
    wait_shown(page, "clean")
    choose(page, PERTURBED)
    wait_shown(page)
    wait_crosshair(page, axial=3)
    return page


@pytest.fixture
def page(shared_page: Any) -> Any:
    return as_it_opens(shared_page)


@pytest.fixture
def plain(shared_plain: Any) -> Any:
    return as_it_opens(shared_plain)


def wait_shown(page: Any, kind: str = "present", share: float = 0.0) -> None:
    same = "(m, shown) => { const { kind, share } = m.state().painted ?? {}; return `${kind} ${share?.toFixed(4)}` === shown; }"
    wait_for_module(page, VIEW, same, f"{kind} {share:.4f}")


def choose(page: Any, labels: str) -> None:
    page.locator("[data-choice=labels] label").get_by_text(labels, exact=labels != PERTURBED).click()


def crosshair(page: Any) -> list[int]:
    """The voxel (X, Y, Z) that the readout names, of a scan whose axes are those of the sagittal, coronal and axial plane."""
    places = dict(re.findall(r"(axial|coronal|sagittal) (\d+)", page.locator(READOUT).inner_text()))
    return [int(places[plane]) for plane in ("sagittal", "coronal", "axial")]


def wait_crosshair(page: Any, **places: int) -> None:
    readout = page.locator(READOUT)
    for plane, place in places.items():
        readout.filter(has_text=re.compile(rf"\b{plane} {place}\b")).wait_for()


def niivue(page: Any, expression: str) -> Any:
    """The value of "nv => ..." for NiiVue, which draws to a canvas only."""
    return module(page, VIEW, f"m => ({expression})(m.state().view.nv)")


def wait_for_niivue(page: Any, expression: str, argument: Any = None) -> None:
    wait_for_module(page, VIEW, f"(m, argument) => ({expression})(m.state().view.nv, argument)", argument)


def wait_page(page: Any, condition: str, argument: Any = None) -> None:
    """Until "(state, argument) => ..." holds for what the page shows."""
    wait_for_module(page, STORE, f"(m, argument) => ({condition})(m.store.state, argument)", argument)


def drawn_labels(page: Any) -> np.ndarray:
    """(X, Y, Z, 4) uint8: the colours that NiiVue has over the scan."""
    values = niivue(page, "nv => Array.from(nv.volumes[1].img)")
    return np.array(values, np.uint8).reshape((4, 40, 48, 6), order="F").transpose(1, 2, 3, 0)


def expected_colours(labels: np.ndarray, opacity: float = OPACITY, visible: tuple[bool, ...] = (False, True, True, True)) -> np.ndarray:
    colours = np.zeros((len(CLASSES), 4), np.uint8)
    colours[1:, :3], colours[1:, 3] = label_colours(len(CLASSES))[1:], round(opacity * 255)
    return np.where(np.array(visible)[:, None], colours, 0).astype(np.uint8)[labels]


def plane_pixels(page: Any, plane: str) -> np.ndarray:
    rows, columns, *values = page.evaluate(PIXELS, plane)
    return np.array(values, np.uint8).reshape(rows, columns, 4)[..., :3]


def volume_requests(page: Any) -> list[dict[str, Any]]:
    return [json.loads(request.post_data) for request in page.requests if request.url.endswith(VOLUME_PATH)]


def test_nothing_is_fetched_before_the_tab_is_opened_and_nothing_from_outside_then(browser: Any, server: Server) -> None:
    with opened(browser, server, "?tab=see") as page:
        wait_painted(page, "axial 3 0 resample 0")
        of_the_tab = ("/tabs/volume/", VOLUME_PATH, NIIVUE_PATH)
        assert not [request.url for request in page.requests if any(path in request.url for path in of_the_tab)]
        page.get_by_role("tab", name="Volume").click()
        wait_shown(page)
        assert module(page, VIEW, "m => m.state().view.name") == "niivue"
        urls = [request.url for request in page.requests]
        assert [urls.count(server.url + path) for path in ("/" + module_path(VIEW), NIIVUE_PATH)] == [1, 1]
        assert [url for url in urls if not url.startswith((server.url, "data:", "blob:"))] == []
        page.wait_for_url(lambda url: "tab=volume" in url)
        # The token is in no address: those end up in logs.
        token = module(page, STORE, "m => m.store.state.scan.token")
        assert not [url for url in urls if token in url]


def test_the_picture_has_the_colours_of_the_labels(page: Any) -> None:
    picture = page.locator(".volume .view canvas").screenshot()
    pixels = np.asarray(Image.open(BytesIO(picture)).convert("RGB")).astype(int)
    # Each class's colour over grey: its own hue, at a little more than half of its strength.
    for colour in label_colours(len(CLASSES))[1:].astype(int):
        apart = np.abs((pixels - pixels.min(-1, keepdims=True)) - OPACITY * (colour - colour.min())).max(-1)
        assert (apart < 12).sum() > 100


def test_lit_codes_are_lit_in_all_slices(page: Any, example: Path) -> None:
    segmented = FakeSegmentedScan(read_scan(example))
    codes = [int(code) for code in np.unique(segmented.indices)[::3]]
    module(page, STORE, "(m, codes) => m.store.light(codes)", codes)
    cells = np.kron(np.isin(segmented.indices, codes), np.ones((1, 8, 8), bool))[:, :40, :48]
    lit = np.moveaxis(cells, 0, segmented.axis)
    expected = expected_colours(segmented.labels)
    expected[lit] = (255, 92, 200, round(OPACITY * 255))
    wait_for_niivue(page, "(nv, count) => nv.volumes[1].img.filter((v, i) => i % 4 === 1 && v === 92).length === count", int(lit.sum()))
    np.testing.assert_array_equal(drawn_labels(page), expected)
    module(page, STORE, "m => m.store.light([])")
    wait_for_niivue(page, "nv => !nv.volumes[1].img.some((v, i) => i % 4 === 1 && v === 92)")


def test_labels_follow_epsilon_mode_and_seed_and_the_last_value_wins(page: Any, example: Path) -> None:
    segmented = FakeSegmentedScan(read_scan(example))
    np.testing.assert_array_equal(drawn_labels(page), expected_colours(segmented.labels))
    asked = len(volume_requests(page))
    for value in (0.1, 0.35, 0.9, 0.62):
        slide(page, "strength", value)
    expected = segmented.perturb_volume(0.62, "resample", 0)
    wait_shown(page, share=expected.replaced_share)
    np.testing.assert_array_equal(drawn_labels(page), expected_colours(expected.labels))
    # A drag is one request, or few where the page was slow.
    assert volume_requests(page)[-1]["strength"] == 0.62
    assert len(volume_requests(page)) - asked <= 4
    assert (expected.labels != segmented.labels).any()
    page.locator("#seed input").fill("5")
    page.locator("#seed input").press("Tab")
    expected = segmented.perturb_volume(0.62, "resample", 5)
    wait_shown(page, share=expected.replaced_share)
    np.testing.assert_array_equal(drawn_labels(page), expected_colours(expected.labels))
    # The sidebar's button, for the seed too: the fixture's reset is the next test's.
    choose(page, "Unperturbed")
    wait_shown(page, "clean", expected.replaced_share)
    np.testing.assert_array_equal(drawn_labels(page), expected_colours(segmented.labels))


def test_what_changed_is_shown_in_its_new_colour_and_what_is_gone_in_its_own(page: Any, example: Path) -> None:
    segmented = FakeSegmentedScan(read_scan(example))
    after = segmented.perturb_volume(0.5, "resample", 0)
    slide(page, "strength", 0.5)
    choose(page, "What changed")
    wait_shown(page, "changed", after.replaced_share)
    drawn, changed = drawn_labels(page), after.labels != segmented.labels
    np.testing.assert_array_equal(drawn[..., 3] > 0, changed)
    kept = changed & (after.labels > 0)
    np.testing.assert_array_equal(drawn[kept], expected_colours(after.labels, 1)[kept])
    assert (drawn[changed & (after.labels == 0)] == [255, 43, 184, 255]).all()
    figures = page.locator(".volume .figures div").first.inner_text()
    assert f"{(after.labels == 1).sum() * abs(np.linalg.det(OBLIQUE[:3, :3])) / 1000:.1f} ml" in figures


def test_visibility_opacity_and_truth_follow_the_controls(page: Any, example: Path) -> None:
    page.locator("#visible").get_by_label("MYO").uncheck()
    slide(page, "opacity", 1)
    segmented = FakeSegmentedScan(read_scan(example))
    expected = expected_colours(segmented.labels, 1, (False, True, False, True))
    same = "(nv, values) => JSON.stringify(Array.from(nv.volumes[1].img)) === values"
    wait_for_niivue(page, same, str(expected.transpose(3, 0, 1, 2).ravel(order="F").tolist()).replace(" ", ""))
    page.locator("#visible").get_by_label("MYO").check()
    choose(page, "Truth")
    wait_shown(page, "truth")
    truth = np.digitize(read_scan(example).voxels, (200, 380, 600)).astype(np.uint8)
    wait_for_niivue(page, same, str(expected_colours(truth, 1).transpose(3, 0, 1, 2).ravel(order="F").tolist()).replace(" ", ""))
    page.locator("#shown input").uncheck()
    wait_for_niivue(page, "nv => nv.volumes[1].img.every((value) => value === 0)")


def test_the_slice_of_the_other_tabs_moves_the_crosshair(page: Any) -> None:
    before = crosshair(page)
    slide(page, "slice", 1)
    wait_crosshair(page, axial=1)
    assert crosshair(page) == [*before[:2], 1]
    np.testing.assert_allclose(niivue(page, CROSSHAIR), (OBLIQUE @ [*before[:2], 1, 1])[:3], atol=1e-2)
    page.get_by_label("Sagittal").check()
    wait_crosshair(page, sagittal=20)
    assert crosshair(page) == [20, before[1], 1]
    page.get_by_label("Axial", exact=True).check()
    wait_page(page, "state => state.plane === 'axial'")


def test_a_click_in_a_picture_moves_crosshair_and_slice(page: Any, example: Path) -> None:
    before = crosshair(page)
    # The upper half on the right is the coronal plane: down is inferior, so towards slice 0 or away from it as the affine says.
    box = page.locator(".volume .stage").bounding_box()
    for share in (0.35, 0.4, 0.3):
        page.mouse.click(box["x"] + 0.72 * box["width"], box["y"] + share * box["height"])
        voxel = crosshair(page)
        if voxel[2] != before[2]:
            break
    assert voxel[1] == before[1]
    assert voxel[2] != before[2]
    np.testing.assert_allclose(niivue(page, CROSSHAIR), (OBLIQUE @ [*voxel, 1])[:3], atol=1e-2)
    wait_page(page, "(state, index) => state.index === index", voxel[2])
    values = read_scan(example).voxels
    assert f"value {values[tuple(voxel)]:g}" in page.locator(".volume [data-text=readout]").inner_text()
    page.get_by_role("tab", name="See").click()
    wait_painted(page, f"axial {voxel[2]} 0 resample 0")


def test_arrows_move_the_crosshair_only_where_the_picture_has_the_focus(page: Any) -> None:
    before = crosshair(page)
    page.locator(".volume .stage").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("PageUp")
    # The affine points left and posterior along the first two axes: right and down in the picture.
    wait_page(page, "state => state.index === 4")
    assert crosshair(page) == [before[0] + 1, before[1] + 1, 4]
    page.keyboard.press("Shift+ArrowLeft")
    wait_crosshair(page, sagittal=before[0] - 4, coronal=before[1] + 1, axial=4)
    page.locator(".volume .readout").click()
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("ArrowRight")
    wait_crosshair(page, axial=5)
    assert crosshair(page) == [before[0] - 4, before[1] + 1, 5]


def test_layouts_are_chosen_by_button_and_the_3d_view_is_turned_by_keys(page: Any) -> None:
    tiles = "nv => (nv.getCustomLayout() ?? []).map((tile) => tile.sliceType).sort().join()"
    assert niivue(page, tiles) == "0,1,2"
    page.locator("[data-choice=layout] input").first.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_selector("[data-choice=layout] input[value=both]:checked", state="attached")
    assert niivue(page, tiles) == "0,1,2,4"
    assert page.get_by_label("Scan in 3D").is_visible()
    page.keyboard.press("ArrowRight")
    page.wait_for_selector("[data-choice=layout] input[value=render]:checked", state="attached")
    assert niivue(page, tiles) == "4"
    before, voxel = niivue(page, AZIMUTH), crosshair(page)
    page.locator(".volume .stage").focus()
    page.keyboard.press("ArrowRight")
    assert niivue(page, AZIMUTH) == before + 5
    assert crosshair(page) == voxel
    page.locator("[data-choice=layout] label").first.click()
    page.wait_for_selector("[data-choice=layout] input[value=planes]:checked", state="attached")


def test_the_page_fits_the_smallest_window_without_a_scroll_bar(page: Any) -> None:
    page.wait_for_function("document.documentElement.scrollHeight <= innerHeight && document.documentElement.scrollWidth <= innerWidth")


def test_without_webgl_the_planes_are_drawn_pixel_by_pixel(plain: Any, example: Path, server: Server) -> None:
    assert module(plain, VIEW, "m => m.state().view.name") == "planes"
    assert "no WebGL 2" in plain.locator(".volume .notice").inner_text()
    assert server.url + NIIVUE_PATH not in [request.url for request in plain.requests]
    assert plain.locator("[data-choice=layout] input[value=render]").is_disabled()
    segmented = FakeSegmentedScan(read_scan(example))
    views, voxel = plane_views(segmented.scan), crosshair(plain)
    slide(plain, "strength", 0.5)
    after = segmented.perturb_volume(0.5, "resample", 0)
    wait_shown(plain, share=after.replaced_share)
    for plane, view in views.items():
        grey = greyscale(view.cut(segmented.normalised, voxel[view.axis]))
        expected = overlay(grey, view.cut(after.labels, voxel[view.axis]), label_colours(len(CLASSES)), opacity=OPACITY)
        # The window comes as two numbers: a grey value may round the other way.
        assert np.abs(plane_pixels(plain, plane).astype(int) - expected).max() <= 1, plane
        letters = plain.locator(f".planes [data-plane={plane}] i").all_inner_texts()
        assert letters == list(view.letters)


def test_without_webgl_a_click_moves_crosshair_and_slice_and_the_slider_moves_it_back(plain: Any, example: Path) -> None:
    before, view = crosshair(plain), plane_views(read_scan(example))["coronal"]
    box = plain.locator(".planes [data-plane=coronal] .picture").bounding_box()
    rows, columns = view.shape
    places = np.dstack(np.meshgrid(np.arange(40), np.arange(6), indexing="ij"))
    x, z = (int(view.orient(places[..., i])[1, 30]) for i in range(2))
    plain.mouse.click(box["x"] + 30.5 / columns * box["width"], box["y"] + 1.5 / rows * box["height"])
    assert crosshair(plain) == [x, before[1], z]
    wait_page(plain, "(state, index) => state.index === index", z)
    slide(plain, "slice", 3)
    wait_crosshair(plain, sagittal=x, coronal=before[1], axial=3)
    plain.get_by_label("Neurological").check()
    plain.wait_for_function("document.querySelector('.planes [data-plane=coronal] i:nth-of-type(4)').textContent.startsWith('L')")
    plain.mouse.click(box["x"] + (columns - 30.5) / columns * box["width"], box["y"] + 1.5 / rows * box["height"])
    assert crosshair(plain) == [x, before[1], z]


def test_lost_graphics_give_way_to_the_planes(browser: Any, server: Server, shared_page: Any) -> None:
    with opened(browser, server) as page:
        wait_shown(page)
        place = crosshair(page)
        niivue(page, "nv => nv.gl.getExtension('WEBGL_lose_context').loseContext()")
        wait_for_module(page, VIEW, "m => m.state().view.name === 'planes'")
        assert "lost its graphics" in page.locator(".volume .notice").inner_text()
        assert plane_pixels(page, "axial").max() > 0
        assert crosshair(page) == place


def test_a_single_picture_is_told_to_have_no_volume_and_a_volume_comes_back(plain: Any, tmp_path: Path) -> None:
    plain.locator("#upload input[type=file]").set_input_files(save_scan(tmp_path / "flat.nii.gz", shape=(40, 48, 1)))
    plain.get_by_text("A single picture has no volume").wait_for()
    assert not plain.locator(".volume .figures").is_visible()
    plain.locator("#upload input[type=file]").set_input_files(save_scan(tmp_path / "mine.nii.gz", seed=4, shape=(30, 34, 5)))
    wait_page(plain, "state => state.scan.name === 'mine.nii.gz'")
    plain.locator(".volume .figures").wait_for()
    plain.wait_for_function("document.querySelector('.planes [data-plane=axial] canvas').width === 30")
    pick(plain, "case", "Phantom small heart")
    plain.wait_for_function("document.querySelector('.planes [data-plane=axial] canvas').width === 40")


def test_a_large_scan_is_thinned_which_is_told_and_its_crosshair_counts_whole_voxels(
    browser: Any, server: Server, example: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app.scan.volume, "MOST_VOXELS", 2000)
    with opened(browser, server) as page:
        wait_shown(page)
        notice = page.locator(".volume .notice").inner_text()
        assert "cannot draw all 40 × 48 × 6 voxels. It shows one of every 3 × 3 × 1." in notice
        page.locator(".volume .stage").focus()
        before = crosshair(page)
        page.keyboard.press("ArrowRight")
        voxel = crosshair(page)
        assert voxel == [before[0] + 3, before[1], before[2]]
        np.testing.assert_allclose(niivue(page, CROSSHAIR), (OBLIQUE @ [*voxel, 1])[:3], atol=1e-2)
        labels = FakeSegmentedScan(read_scan(example)).labels
        millilitres = (labels == 1).sum() * abs(np.linalg.det(OBLIQUE[:3, :3])) / 1000
        assert f"{millilitres:.1f} ml" in page.locator(".volume .figures").inner_text()


def test_another_checkpoint_brings_its_own_structures(browser: Any, server: Server, example: Path) -> None:
    with opened(browser, server, "?tab=volume&checkpoint=second", webgl=False) as page:
        wait_shown(page)
        assert page.locator(".volume .figures dt").all_inner_texts() == ["nodule"]
        segmented = server.store.get(module(page, STORE, "m => m.store.state.scan.token")).segmented
        assert segmented.labels.max() == 1
        found = segmented.labels.take(crosshair(page)[2], 2)
        assert (plane_pixels(page, "axial") != plane_pixels(page, "axial")[..., :1]).any(-1).sum() == np.count_nonzero(found)


def test_a_scan_that_the_server_no_longer_holds_is_told(browser: Any, server: Server, tmp_path: Path) -> None:
    with opened(browser, server, webgl=False) as page:
        wait_shown(page)
        page.locator("#upload input[type=file]").set_input_files(save_scan(tmp_path / "mine.nii.gz", seed=8))
        wait_page(page, "state => state.scan.name === 'mine.nii.gz'")
        page.wait_for_function("!document.querySelector('.volume .figures small').textContent.includes('truth')")
        token = module(page, STORE, "m => m.store.state.scan.token")
        with server.store._lock:
            server.store._entries.pop(token)
        slide(page, "strength", 0.5)
        page.locator(".volume .notice", has_text="this scan is no longer held on the server").wait_for()
