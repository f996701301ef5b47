"""The README's screenshots, the GIF of the epsilon scrub and the pictures of docs/codebook.md, taken from a running app.

    python app.py &
    python assets/make_pictures.py http://127.0.0.1:7860 FOLDER

Needs playwright and Debian's chromium, as the browser tests do. Every file stays below 1 MB, those of docs/codebook.md below 300 kB.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import sync_playwright

CHROMIUM = "/usr/bin/chromium"
LARGEST = 1_000_000
WAIT = 120_000


def main(address: str, folder: Path) -> None:
    """see.png, perturb.png, codebook.png, epsilon.gif and codebook_*.png, one for each of the tab's views, into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as engine:
        browser = engine.chromium.launch(executable_path=CHROMIUM, args=["--headless", "--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1280, "height": 720}, color_scheme="light")
        page.set_default_timeout(WAIT)
        page.goto(f"{address}/?eps=0.3&__theme=light")
        page.wait_for_function("window.vqseg?.frames.readyAhead === 21")
        page.screenshot(path=folder / "see.png")
        _scrub(page, folder / "epsilon.gif")
        for tab, drawn in (("Perturb", "#curves .js-plotly-plot[data-points]"), ("Codebook", "#codewords .js-plotly-plot[data-marked]")):
            page.get_by_role("tab", name=tab).click()
            page.wait_for_selector(drawn)
            page.screenshot(path=folder / f"{tab.lower()}.png")
        _views_of_the_codebook(page, folder)
        browser.close()
    for path in folder.iterdir():
        if path.stat().st_size > LARGEST:
            raise SystemExit(f"{path.name} has {path.stat().st_size} bytes; the README takes files of up to {LARGEST}")


def _views_of_the_codebook(page: Any, folder: Path) -> None:
    """The map with a part of it drawn around, a card, and the other views."""
    page.locator("[name=codes-tool][value=lasso]").check()
    box = page.locator("#codewords").bounding_box()
    # The right end of the map, where the heart's codes lie.
    path = [(0.76, 0.3), (0.97, 0.14), (0.99, 0.5), (0.8, 0.55), (0.76, 0.3)]
    corners = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in path]
    page.mouse.move(*corners[0])
    page.mouse.down()
    for corner in corners[1:]:
        page.mouse.move(*corner, steps=8)
    page.mouse.up()
    page.wait_for_selector(".codes[data-selected]:not([data-selected='0']) .strip button")
    page.mouse.move(0, 0)
    page.wait_for_selector(".tip", state="hidden")
    _shoot(page, folder / "codebook_map.png")
    page.locator("#codewords").press("ArrowRight")
    page.wait_for_selector(".card[data-patches]")
    page.get_by_role("button", name="Clear the selection").click()
    page.locator(".card").screenshot(
        path=folder / "codebook_card.png", style=".card { max-height: none; height: auto; overflow: visible; }"
    )
    for view, drawn in (
        ("usage", "#classes[data-drawn]"),
        ("evolution", ".codes[data-moment]"),
        ("radii", "#cost[data-points='21 21']"),
    ):
        page.locator(f"[name=codes-view][value={view}]").check()
        page.wait_for_selector(drawn)
        _shoot(page, folder / f"codebook_{view}.png")


def _shoot(page: Any, path: Path) -> None:
    """The tab without the sidebar, in 256 colours: a page of documentation is to load quickly."""
    shot = Image.open(io.BytesIO(page.locator(".codes").screenshot())).convert("RGB")
    shot.quantize(256, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE).save(path, optimize=True)


def _scrub(page: Any, path: Path) -> None:
    """Epsilon from 0 to 1 and back over the frames that were fetched ahead."""
    frames = []
    for step in [*range(0, 21, 2), *range(18, 0, -2)]:
        strength = step / 20
        page.locator("#strength input[type=range]").fill(str(strength))
        page.wait_for_function(f"document.querySelector('.viewer').dataset.painted.split(' ')[2] === '{strength:g}'")
        shot = Image.open(io.BytesIO(page.locator(".viewer").screenshot())).convert("RGB")
        frames.append(shot.resize((640, round(640 * shot.height / shot.width)), Image.Resampling.LANCZOS))
    # One palette that reaches the rare colours: the common ones alone are all greys.
    palette = frames[len(frames) // 2].quantize(192, Image.Quantize.MAXCOVERAGE)
    frames = [frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames]
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=200, loop=0, optimize=True)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        raise SystemExit(__doc__)
    main(sys.argv[1].rstrip("/"), Path(sys.argv[2]))
