"""Latency of the live epsilon, measured in a real browser: python benchmarks/latency.py [--scan FILE] [--moves 60] [--port 7899]

Starts the app, opens it in headless Chromium, uploads a scan and moves epsilon. This needs Debian's /usr/bin/chromium, and playwright
from requirements-dev.txt. Without --scan it takes the first scan of ACDC below ../shared/data, or a bundled phantom of the same size.
Prints medians and 95th percentiles in milliseconds:

- server: perturb and decode, as the server itself measures it, for frames that were not fetched ahead;
- painted: from the slider's input event to the frame after the canvases were drawn, for epsilon fetched ahead (0, 0.05 .. 1) and not;
- first picture: from opening the address, with an empty cache, to the first slice on the canvases, once;
- codebook: from the first click on the tab to the frame after the map of the shipped codewords was drawn, once.

The times mean something only on an idle machine. The load average is printed beside them.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path
from typing import Any

import numpy as np
from crowd.running import ROOT, app
from playwright.sync_api import sync_playwright

CHROMIUM = "/usr/bin/chromium"
FLAGS = "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update"
# A module of the page, whatever its version.
MODULE = """import(new URL("../web/{name}.js", document.querySelector("script[src$='/page/page.js']").src))"""
# See draws in the first frame after the event. The next frame's callback and a task after it: by then the canvases are on the screen.
MOVE = f"""async (epsilon) => {{
  const {{ frames }} = await {MODULE.format(name="frames")}, {{ setSlider }} = await {MODULE.format(name="keys")};
  const begun = performance.now();
  const shown = await new Promise((resolve) => {{
    const leave = frames.subscribe((event) => {{
      if (event.shown?.request.strength !== epsilon) return;
      queueMicrotask(() => leave());
      resolve(event.shown);
    }});
    setSlider("strength", epsilon);
  }});
  await new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)));
  await new Promise((done) => {{
    const {{ port1, port2 }} = new MessageChannel();
    port1.onmessage = done;
    port2.postMessage(0);
  }});
  return [performance.now() - begun, shown.frame.milliseconds];
}}"""
READY = f"""async () => {{
  const {{ frames }} = await {MODULE.format(name="frames")};
  while (frames.readyAhead !== 21) await new Promise((again) => setTimeout(again, 20));
}}"""

FIRST_PAINT = """() => new Promise((resolve) => {
  const begun = performance.now();
  const watcher = new MutationObserver(() => {
    if (!document.querySelector("#codewords .js-plotly-plot .main-svg")) return;
    watcher.disconnect();
    requestAnimationFrame(() => resolve(performance.now() - begun));
  });
  watcher.observe(document.body, { subtree: true, childList: true });
  [...document.querySelectorAll("[role=tab]")].find((tab) => tab.textContent.trim() === "Codebook").click();
})"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scan", type=Path, default=None)
    parser.add_argument("--moves", type=int, default=60)
    parser.add_argument("--port", type=int, default=7899)
    arguments = parser.parse_args()
    scan = arguments.scan or default_scan()
    with app(arguments.port) as (url, _), sync_playwright() as engine:
        browser = engine.chromium.launch(executable_path=CHROMIUM, args=FLAGS.split())
        page = browser.new_page(viewport={"width": 1280, "height": 720})
        page.set_default_timeout(300_000)
        begun = time.perf_counter()
        page.goto(url)
        page.wait_for_selector(".viewer[data-painted]")
        first = 1000 * (time.perf_counter() - begun)
        upload(page, scan)
        ahead = np.array([move(page, epsilon) for epsilon in values(arguments.moves, ahead=True)])
        fresh = np.array([move(page, epsilon) for epsilon in values(arguments.moves, ahead=False)])
        grid = page.locator(".viewer [data-text=grid]").inner_text()
        codebook = page.evaluate(FIRST_PAINT)
        browser.close()
    print(f"{scan.name}, {grid}; {os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f}, {arguments.moves} moves each")
    print("| milliseconds | median | 95th percentile |\n|---|---|---|")
    for name, times in (
        ("server, a frame", fresh[:, 1]),
        ("event to painted, fetched ahead", ahead[:, 0]),
        ("event to painted, not fetched ahead", fresh[:, 0]),
    ):
        print(f"| {name} | {np.median(times):.0f} | {np.percentile(times, 95):.0f} |")
    print(f"| first picture of the page, once | {first:.0f} | |")
    print(f"| codebook, first paint, once | {codebook:.0f} | |")


def default_scan() -> Path:
    """The first scan of ACDC, or a bundled phantom of the same size."""
    images = sorted((ROOT.parent / "shared" / "data" / "ACDC" / "imagesTr").glob("*.nii.gz"))
    return images[0] if images else ROOT / "assets" / "examples" / "phantom_wide-right-ventricle.nii.gz"


def upload(page: Any, scan: Path) -> None:
    """Upload a scan, and wait until its middle slice is painted and all frames are fetched ahead.

    Args:
        page: Playwright's page.
        scan: The file.
    """
    page.wait_for_selector("#upload input[type=file]", state="attached")
    page.locator("#upload input[type=file]").set_input_files(scan)
    page.wait_for_function("name => document.querySelector('.viewer h2').textContent === name", arg=scan.name)
    page.evaluate(READY)


def values(count: int, *, ahead: bool) -> list[float]:
    """Values of epsilon, each different from the one before.

    Args:
        count: How many.
        ahead: Multiples of 0.05, which are fetched ahead; else distinct values between them.

    Returns:
        The values.
    """
    rng, every = np.random.default_rng(0), np.arange(1, 100)
    if not ahead:
        return (rng.permutation(every[every % 5 != 0])[:count] / 100).tolist()
    steps = rng.integers(1, 20, count)
    return (np.cumsum(steps) % 21 * 5 / 100).round(2).tolist()


def move(page: Any, epsilon: float) -> tuple[float, float]:
    """Move the slider and measure.

    Args:
        page: Playwright's page.
        epsilon: The new value.

    Returns:
        Milliseconds from the slider's event to the painted frame, and those of the server for this frame.
    """
    painted, server = page.evaluate(MOVE, epsilon)
    return float(painted), float(server)


if __name__ == "__main__":
    main()
