"""The page of all races, in Markdown."""

from __future__ import annotations

import datetime
import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
import torch

from contest.race import OURS, Race, Times

ROOT = Path(__file__).resolve().parents[2]
_NAMED = ("torch", "numpy", "gradio", "umap-learn", "vector-quantize-pytorch", "faiss-cpu", "medpy")


_EXPLAINED = (
    "The entries of a table took turns, {rounds} each, in random order, so their ratios hold although others used the machine; the times "
    "themselves do not carry over. Milliseconds are those of the processor, over all threads and child processes of a piece of work; in "
    "brackets, what half of the turns lie between. By the clock it may be less, with threads, or more, if others work. Ratios have the "
    "first line below them. A floor is what the task takes at the least. The slowest races have a third of the turns."
)


_VIEWED = (
    "1280 x 720, empty cache, server and browser on the same machine, which draws WebGL without a GPU: the longest block is the Volume "
    "tab's first drawing in 3D."
)
_DRAGGING = (
    "Over HTTP, each asks for the next frame when it has the one before. A visit may ask 120 times a second; beyond that it is told to "
    "wait, which counts as no frame."
)


def page(
    command: str, results: Sequence[tuple[Race, Sequence[Times]]], view: Mapping[str, Sequence[float]], visitors: str, rounds: int
) -> str:
    """Write everything down.

    Args:
        command: That makes this page.
        results: Races with what their entries took.
        view: As `processes.first_view` gives it; empty if there is no browser.
        visitors: The table of those who drag; empty if none did.
        rounds: Turns of each entry.

    Returns:
        The page.
    """
    parts = [
        "# Benchmarks",
        f"Written by `{command}`. {_machine()}",
        _EXPLAINED.format(rounds=rounds),
    ]
    parts += [_table(race, times) for race, times in results]
    if view:
        parts.append(_view(view))
    if visitors:
        parts.append(f"## Visitors who drag epsilon\n{_DRAGGING}\n\n{visitors}")
    return "\n\n".join(parts) + "\n"


def _table(race: Race, times: Sequence[Times]) -> str:
    first = times[0].median
    lines = [f"## {race.title}", f"{race.what}.", "", "| | ms | by the clock | ratio |", "|---|---|---|---|"]
    for one in times:
        low, high = one.quartiles
        name = f"**{one.name}**" if one.kind == OURS else one.name + (" (floor)" if one.kind == "floor" else "")
        spread = f"{_number(one.median)} ({_number(low)} to {_number(high)})"
        lines.append(f"| {name} | {spread} | {_number(float(np.median(one.clock)))} | {one.median / first:.2f} |")
    return "\n".join(lines)


def _view(view: Mapping[str, Sequence[float]]) -> str:
    lines = [
        "## First view in Chromium",
        _VIEWED,
        "",
        "| | median | least | most |",
    ]
    lines.append("|---|---|---|---|")
    lines += [f"| {name} | {np.median(values):.0f} | {min(values):.0f} | {max(values):.0f} |" for name, values in view.items()]
    return "\n".join(lines)


def _number(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def _machine() -> str:
    versions = ", ".join(f"{name} {found}" for name in _NAMED if (found := _version(name)))
    load = " ".join(f"{value:.1f}" for value in os.getloadavg())
    threads = torch.get_num_threads()
    return (
        f"{datetime.date.today().isoformat()}, commit {_commit()}, {processor()}, {os.cpu_count()} cores, "
        f"{threads} thread{'s' * (threads > 1)}, load average {load} at the end. Python {platform.python_version()}, {versions}."
    )


def processor() -> str:
    """Its name, as the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _commit() -> str:
    try:
        return subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True, cwd=ROOT).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
