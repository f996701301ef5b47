"""The README's screenshots and the GIF of the epsilon scrub, taken from a running app.

    python app.py &
    python assets/make_pictures.py http://127.0.0.1:7860 FOLDER

Needs playwright and Debian's chromium, as the browser tests do. Every file stays below 1 MB.
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
    """see.png, perturb.png, codebook.png and epsilon.gif into the folder."""
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
        browser.close()
    for path in folder.iterdir():
        if path.stat().st_size > LARGEST:
            raise SystemExit(f"{path.name} has {path.stat().st_size} bytes; the README takes files of up to {LARGEST}")


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
