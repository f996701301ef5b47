"""Take the README's screenshots, its animation over epsilon and the pictures of docs/codebook.md from a running app.

    python app.py &
    python assets/make_pictures.py http://127.0.0.1:7860 FOLDER

This needs playwright and Debian's chromium, as the browser tests do. Every file has less than 1 MB, those of docs/codebook.md less than
300 kB.
"""

from __future__ import annotations

import io
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from PIL import Image
from playwright.sync_api import ViewportSize, sync_playwright

CHROMIUM = "/usr/bin/chromium"
LARGEST = 1_000_000
WAIT = 120_000
WINDOW: ViewportSize = {"width": 1280, "height": 720}
# The page's own module of frames, whatever its version.
FRAMES = """import(new URL("../web/frames.js", document.querySelector("script[src$='/page/page.js']").src))"""
PHANTOM = Path(__file__).parent / "examples" / "phantom_wide-right-ventricle.nii.gz"


def main(address: str, folder: Path) -> None:
    """Write see.png, perturb.png, codebook.png, epsilon.gif, and codebook_*.png for each view of the tab.

    Args:
        address: Of the running app.
        folder: Is created if it is missing.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as engine:
        browser = engine.chromium.launch(executable_path=CHROMIUM, args=["--headless", "--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport=WINDOW, color_scheme="light")
        page.set_default_timeout(WAIT)
        page.goto(f"{address}/?eps=0.3&__theme=light")
        _wait_for_frames(page, "frames.readyAhead === 21")
        page.screenshot(path=folder / "see.png")
        _scrub(page, folder / "epsilon.gif")
        page.locator("#strength input[type=range]").fill("0.3")
        page.get_by_role("tab", name="Perturb").click()
        # Both kinds of curves with all their points: a line between a few of them would tell something else.
        page.wait_for_function("[0, 4].every((i) => document.querySelector('#curves .js-plotly-plot')?.data?.[i].x.length === 21)")
        page.screenshot(path=folder / "perturb.png")
        page.get_by_role("tab", name="Codebook").click()
        page.wait_for_selector("#codewords .plot-container")
        _views_of_the_codebook(page, folder)
        browser.close()
    for path in folder.iterdir():
        if path.stat().st_size > LARGEST:
            raise SystemExit(f"{path.name} has {path.stat().st_size} bytes; the README takes files of up to {LARGEST} bytes")


def _views_of_the_codebook(page: Any, folder: Path) -> None:
    """The map with a selection and a card beside it (codebook.png includes the sidebar), then the other views."""
    page.locator("[name=codes-tool][value=lasso]").check()
    box = page.locator("#codewords").bounding_box()
    # The left end of the map, where the heart's codes lie.
    path = [(0.03, 0.55), (0.2, 0.53), (0.2, 0.77), (0.05, 0.77), (0.03, 0.55)]
    corners = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in path]
    page.mouse.move(*corners[0])
    page.mouse.down()
    for corner in corners[1:]:
        page.mouse.move(*corner, steps=8)
    page.mouse.up()
    page.wait_for_selector(".lens .strip button")
    page.mouse.move(0, 0)
    page.wait_for_selector(".tip", state="hidden")
    page.locator("#codewords").press("ArrowRight")
    # The page fetches them last.
    page.locator(".codes .card .patches").wait_for(state="attached")
    _leave_focus(page)
    page.screenshot(path=folder / "codebook.png")
    _shoot(page, folder / "codebook_map.png")
    page.get_by_role("button", name="Clear the selection").click()
    # Only a large window has a column for the card. On the page it scrolls; the picture shows the whole of it, over what stands below.
    page.set_viewport_size({"width": 1680, "height": 1400})
    page.wait_for_function("document.querySelector('.codes .card').getBoundingClientRect().height > 700")
    whole = "#codes .side { grid-template-rows: auto max-content; } #codes .card { overflow: visible; } #cine { display: none; }"
    _shoot(page, folder / "codebook_card.png", ".codes .card", whole)
    page.set_viewport_size(WINDOW)
    for view, drawn in (
        ("usage", "document.querySelector('#classes .heatmaplayer image') !== null"),
        ("evolution", "document.querySelector('[data-part=evolution-legend] span') !== null"),
        # Both curves with all their points.
        ("radii", "document.querySelector('#cost').data?.every(curve => curve.x.length === 21)"),
    ):
        page.locator(f"[name=codes-view][value={view}]").check()
        page.wait_for_function(drawn)
        _shoot(page, folder / f"codebook_{view}.png")
    _outside(page, folder / "codebook_outside.png")


def _outside(page: Any, path: Path) -> None:
    """An inverted phantom: the distribution of its codes is unlike that of any training scan."""
    phantom = nib.load(PHANTOM)
    voxels = phantom.get_fdata(dtype=np.float32)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "inverted_phantom.nii.gz"
        nib.save(nib.Nifti1Image(voxels.max() - voxels, phantom.affine), file)
        page.locator("#upload input[type=file]").set_input_files(file)
        page.wait_for_selector(".codes .banner:not([hidden])")
    page.locator("[name=codes-view][value=map]").check()
    page.locator("#codewords").press("Escape")
    _leave_focus(page)
    page.locator("[data-set=colour]").select_option("scan")
    page.locator(".codes .legend").get_by_text("tokens in this scan").wait_for()
    page.locator(".lens").get_by_text(re.compile(r"slice \d+ · \d+ codes")).wait_for()
    _shoot(page, path)


def _leave_focus(page: Any) -> None:
    page.evaluate("document.activeElement.blur()")


def _shoot(page: Any, path: Path, part: str = ".codes", style: str = "") -> None:
    """Take a picture of a part of the page, by default of the tab without the sidebar."""
    # All pixels are opaque. Without the alpha channel the file is a third smaller.
    Image.open(io.BytesIO(page.locator(part).screenshot(style=style))).convert("RGB").save(path, optimize=True)


def _wait_for_frames(page: Any, condition: str) -> None:
    """Until it is true of the frames, and drawn."""
    page.wait_for_selector(".viewer[data-painted]")
    page.evaluate(f"""async () => {{
        const {{ frames }} = await {FRAMES};
        const frame = () => new Promise((drawn) => requestAnimationFrame(drawn));
        while (!({condition})) await frame();
        await frame();
        await frame();
    }}""")


def _scrub(page: Any, path: Path) -> None:
    """Write an animation: epsilon goes from 0 to 1 and back, over the frames that were fetched ahead."""
    frames = []
    for step in [*range(0, 21, 2), *range(18, 0, -2)]:
        strength = step / 20
        page.locator("#strength input[type=range]").fill(str(strength))
        _wait_for_frames(page, f"frames.shown.request.strength === {strength}")
        shot = Image.open(io.BytesIO(page.locator(".viewer").screenshot())).convert("RGB")
        frames.append(shot.resize((640, round(640 * shot.height / shot.width)), Image.Resampling.LANCZOS))
    # One palette for all frames. It has to cover the rare colours, because the common ones are all grey.
    palette = frames[len(frames) // 2].quantize(192, Image.Quantize.MAXCOVERAGE)
    frames = [frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames]
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=200, loop=0, optimize=True)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        raise SystemExit(__doc__)
    main(sys.argv[1].rstrip("/"), Path(sys.argv[2]))
