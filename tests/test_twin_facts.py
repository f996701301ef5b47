"""Arithmetic that Python and the browser both do: each gives what the files in tests/fixtures say. tests/web checks JavaScript.

To write the files anew from Python: python -m tests.test_twin_facts
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from app.page.build import facts
from app.page.sidebar import Sidebar
from app.scan.axes import DECIBELS, SHARES, axis_title, fitted
from app.scan.edits import edits_as_text
from app.scan.open_scan import label_file_name
from app.scan.planes import PlaneView
from app.scan.render import label_colours, overlay
from app.tabs.learn.handout import strip
from app.visit.links import OWN_REACH, Link
from vqseg.shares import percent, ratio

FIXTURES = Path(__file__).resolve().parent / "fixtures"
CLASSES = ["background", "RV", "MYO", "LV"]


def edits() -> list[dict[str, Any]]:
    """Forced tokens as text: nothing, one, several out of order, a place twice."""
    lists: list[list[tuple[int, int, int]]] = [[], [(2, 3, 17)], [(2, 3, 17), (0, 5, 1), (0, 11, 0)], [(10, 0, 4), (9, 0, 5), (10, 0, 6)]]
    return [{"edits": [list(edit) for edit in each], "text": edits_as_text(each)} for each in lists]


def owners() -> list[dict[str, Any]]:
    """Which token every displayed pixel belongs to, for every way of showing a slice whose size is no multiple of a token's."""
    voxels, cell, levels = (7, 10), (3, 4), 2
    grid = tuple(-(-size // step) for size, step in zip(voxels, cell, strict=True))
    # Without any turning: what the array itself says.
    tokens = (levels - 1) * grid[0] * grid[1] + np.add.outer(np.arange(voxels[0]) // cell[0] * grid[1], np.arange(voxels[1]) // cell[1])
    cases = []
    for transpose in (False, True):
        for flip in ((False, False), (True, False), (False, True), (True, True)):
            shape = voxels[::-1] if transpose else voxels
            shown = PlaneView("axial", 2, 1, shape, 1.0, ("", "", "", ""), transpose, *flip).orient(tokens)
            view = {"shape": list(shape), "acquired": True, "transpose": transpose, "flip": list(flip)}
            scan = {"grid_of_tokens": list(grid), "cell": list(cell), "levels": levels, "planes": {"axial": view}}
            cases.append({"scan": scan, "owners": shown.ravel().tolist()})
    return cases


def overlays() -> list[dict[str, Any]]:
    """Bytes of class colours over a picture, full and as outlines, of all and of some classes; the last one has colours of its own."""
    rng = np.random.default_rng(5)
    labels = np.kron(rng.integers(0, 4, (3, 4)), np.ones((2, 2), int)).astype(np.uint8)
    grey, colours = rng.integers(0, 256, labels.shape, dtype=np.uint8), label_colours(4)
    coloured, cases = rng.integers(0, 256, (*labels.shape, 3), dtype=np.uint8), []
    for image, opacity, outline, visible in (
        (grey, 0.55, False, [1, 2, 3]),
        (grey, 1.0, True, [1, 2, 3]),
        (grey, 0.3, True, [1, 3]),
        (grey, 0.0, False, [2]),
        (grey, 0.8, False, []),
        (coloured, 0.4, True, [1, 2]),
    ):
        drawn = np.isin(np.arange(4), visible)
        picture = overlay(image, labels, colours, opacity=opacity, outline_only=outline, visible=drawn)
        look = {"opacity": opacity, "outline": outline, "visible": [CLASSES[i] for i in visible], "shown": True}
        scan = {"classes": CLASSES, "colours": colours.tolist()}
        arrays = {"shape": list(labels.shape), "image": image.ravel().tolist(), "labels": labels.ravel().tolist()}
        cases.append({"look": {**look, "scan": scan}, **arrays, "rgb": picture.ravel().tolist()})
    return cases


def file_names() -> list[dict[str, Any]]:
    """Names of scans without the endings that files of scans have."""
    names = [
        "heart.nii.gz",
        "a.b.NII",
        "scan.JPEG",
        "p.tif",
        "no_ending",
        "archive.gz",
        "x.npy",
        ".nii",
        "Herz ä.nii",
        "x" * 250 + ".nii.gz",
    ]
    # Those of the names alone: another format is no other case.
    endings = [".nii.gz", ".nii", ".jpeg", ".tif", ".npy"]
    return [{"name": name, "stem": label_file_name(name).removesuffix("_labels.nii.gz"), "endings": endings} for name in names]


def links() -> list[dict[str, Any]]:
    """What the page shows, and the names and values of its address; null where the address has no such name."""
    scan: dict[str, Any] = {"name": "Phantom A", "own": False, "checkpoint": "checkpoints/acdc-10", "channels": []}
    clean: dict[str, Any] = {"scan": scan, "plane": "axial", "index": 3, "strength": 0, "mode": "resample", "seed": 0, "edits": []}
    clean |= {"chosenReach": 512, "channel": None}
    states = [clean, {**clean, "chosenReach": 12.6}, {**clean, "chosenReach": None}]
    states += [{**clean, "strength": 0.35, "mode": "shuffle", "seed": 7, "edits": [[2, 3, 17], [0, 0, 5]]}]
    states.append({**clean, "scan": {**scan, "name": "mine.nii.gz", "own": True}, "plane": "coronal", "index": 11})
    several = {**scan, "channels": [["As RGB", "rgb"], ["Red", "0"], ["Green", "1"], ["Blue", "2"]]}
    states += [{**clean, "scan": several, "channel": "1"}, {**clean, "scan": several, "channel": "rgb"}]
    names = {"plane": "plane", "slice": "index", "eps": "strength", "mode": "mode", "seed": "seed"}
    cases = []
    for state in states:
        case = None if state["scan"]["own"] else state["scan"]["name"]
        edits = edits_as_text([(row, column, code) for row, column, code in state["edits"]]) or None
        address = {"case": case, "checkpoint": state["scan"]["checkpoint"], **{name: state[field] for name, field in names.items()}}
        more = {"edits": edits, "reach": state["chosenReach"] or OWN_REACH, "channel": state["channel"]}
        cases.append({"state": state, "address": {**address, **more}})
    return cases


def axes() -> list[dict[str, Any]]:
    """Values on an axis, how it is fitted, and where it begins and ends."""
    lists: list[list[float | None]] = [[0.961, 1.0, None], [0.15, 0.9], [0.9999, 1.0], [0.0, 1.0], [0.04], [], [None]]
    cases = [{"values": values, "fit": asdict(SHARES), "ends": list(fitted(values, SHARES))} for values in lists]
    decibels: list[list[float | None]] = [[23.9, 41.2], [25.0], [3.2, 4.0], [], [100.0, None]]
    cases += [{"values": values, "fit": asdict(DECIBELS), "ends": list(fitted(values, DECIBELS))} for values in decibels]
    return [{**case, "title": axis_title("Dice", case["ends"][0])} for case in cases]


def shares() -> list[dict[str, Any]]:
    """Shares and ratios as text: ordinary ones, ties, and those that rounding would make nothing or everything of."""
    small = [1e-9, 3e-7, 4.1e-5, 0.00041, 0.0049, 0.0625, 0.125]
    values = [0.0, *small, 0.1234, 0.5, 0.992, *(1 - value for value in reversed(small)), 1.0]
    return [
        {"value": value, "digits": digits, "percent": percent(value, digits), "ratio": ratio(value, digits)}
        for value in values
        for digits in (0, 1, 3)
    ]


def strips() -> list[dict[str, Any]]:
    """Numbers as colours, up to the one that is full and beyond."""
    values = [*np.random.default_rng(3).normal(size=12).round(3).tolist(), 0.0, 1.5, -1.5, 9.0]
    return [{"values": values, "most": most, "rgb": strip(np.array(values), most).ravel().tolist()} for most in (0.7, 1.5)]


MADE: dict[str, Callable[[], list[dict[str, Any]]]] = {
    "axes": axes,
    "edits": edits,
    "owners": owners,
    "overlays": overlays,
    "file_names": file_names,
    "links": links,
    "shares": shares,
    "strips": strips,
}


def as_text(cases: list[dict[str, Any]]) -> str:
    """One case a line, so that a change is seen."""
    return "[\n" + ",\n".join(json.dumps(case, ensure_ascii=False) for case in cases) + "\n]\n"


@pytest.mark.parametrize("name", MADE)
def test_python_gives_what_the_browser_is_tested_with(name: str) -> None:
    assert (FIXTURES / f"{name}.json").read_text(encoding="utf-8") == as_text(MADE[name]())


@pytest.mark.parametrize("case", links())
def test_an_address_of_the_browser_leads_back_to_what_it_was_written_for(case: dict[str, Any]) -> None:
    state = case["state"]
    query = {name: str(value) for name, value in case["address"].items() if value is not None}
    link = Link.read(query, ["Phantom B", "Phantom A"], ["see"])
    assert link.case == ("Phantom B" if state["scan"]["own"] else state["scan"]["name"])
    assert (link.checkpoint, link.plane, link.index) == (state["scan"]["checkpoint"], state["plane"], state["index"])
    assert (link.strength, link.mode, link.seed) == (state["strength"], state["mode"], state["seed"])
    assert link.reach == (state["chosenReach"] or OWN_REACH)
    assert link.channel == (state["channel"] or "")
    assert sorted(link.edits) == sorted(tuple(edit) for edit in state["edits"])


def test_the_controls_have_the_names_that_the_browser_knows() -> None:
    types = (Path(__file__).resolve().parents[1] / "app/web/types.d.ts").read_text(encoding="utf-8")
    told = types.split("export interface Controls {")[1].split("}")[0]
    names = [line.split(":")[0].strip() for line in told.splitlines() if ": " in line and not line.strip().startswith("/")]
    controls = Sidebar.view.fget(SimpleNamespace(**dict.fromkeys(Sidebar.__annotations__)))  # type: ignore[attr-defined]
    assert names == ["scan", *controls]


def test_the_page_tells_the_facts_that_the_browser_knows() -> None:
    types = (Path(__file__).resolve().parents[1] / "app/web/types.d.ts").read_text(encoding="utf-8")
    told = types.split("export interface Facts {")[1].split("\n}")[0]
    names = {line.split(":")[0].strip() for line in told.splitlines() if line.startswith("  ") and ": " in line and "/**" not in line}
    assert names == set(facts())


@pytest.mark.parametrize("case", [case for case in shares() if 0 < case["value"] < 1])
def test_rounding_makes_neither_nothing_nor_everything_of_a_share(case: dict[str, Any]) -> None:
    for text, end in ((case["percent"].removesuffix(" %"), 100), (case["ratio"], 1)):
        assert 0 < float(text.lstrip("<> ")) < end


if __name__ == "__main__":
    FIXTURES.mkdir(exist_ok=True)
    for name, make in MADE.items():
        (FIXTURES / f"{name}.json").write_text(as_text(make()), encoding="utf-8")
