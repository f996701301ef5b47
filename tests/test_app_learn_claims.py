"""What the lesson's sentences claim is so on every bundled example, at the slice and the square that it opens with."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.scan.models import Served, load_served
from app.scan.open_scan import OpenScan
from app.tabs.learn.place import Place
from app.tabs.learn.steps import MINUTES, STEPS, Step
from app.visit.examples import Examples
from app.visit.manifest import Example, read_manifest

ROOT = Path(__file__).resolve().parents[1]
ALL = read_manifest(ROOT / "assets" / "examples")
HEARTS = [one for one in ALL if "nodule" not in one.title.lower()]
every_example = pytest.mark.parametrize("example", ALL, ids=lambda one: one.title)
every_heart = pytest.mark.parametrize("example", HEARTS, ids=lambda one: one.title)


@cache
def served(name: str) -> Served:
    return load_served(name, name, ROOT / name)


@cache
def opened(title: str) -> OpenScan:
    example = next(one for one in ALL if one.title == title)
    scan = Examples([one.path for one in ALL]).open(title, served(example.checkpoint or ""))
    assert scan is not None
    return scan


@cache
def step(title: str, name: str) -> Step:
    scan = opened(title)
    values = {"plane": scan.plane, "index": scan.opening_index(scan.plane), "strength": 0, "mode": "resample", "seed": 0, "cell": None}
    return STEPS[name](Place.checked(values, scan))


def facts(example: Example, name: str) -> dict[str, Any]:
    return dict(step(example.title, name).facts)


@every_example
def test_a_brightness_is_worth_a_guess(example: Example) -> None:
    # At either end of the scale nobody is wrong.
    assert 3 <= step(example.title, "pixels").truth <= 97


@every_example
def test_similar_features_mean_the_same_kind_of_place(example: Example) -> None:
    given = facts(example, "features")
    assert given["truth"] >= 10
    assert given["truth"] > 5 * given["chance"]


@every_example
def test_the_network_took_the_nearest_codeword_and_the_others_are_farther(example: Example) -> None:
    given, choices = facts(example, "codeword"), step(example.title, "codeword").data["choices"]
    assert given["code"] == given["nearest"]
    distances = sorted(choice["distance"] for choice in choices)
    assert distances[0] == pytest.approx(given["distance"])
    # By eye the strips differ.
    assert distances[1] > 1.3 * distances[0]


@every_example
def test_tokens_repeat_and_stand_for_many_pixels(example: Example) -> None:
    given = facts(example, "tokens")
    assert 1 < given["truth"] < given["tokens"]
    assert given["values"] > 5 * given["tokens"]


@every_example
def test_the_reach_says_how_many_and_how_far(example: Example) -> None:
    given = facts(example, "swap")
    assert 3 <= given["near"] <= given["far"] / 2
    assert given["away_near"] < given["away_far"] / 2
    assert abs(given["kept"] - given["expected"]) <= 10


@every_heart
def test_lookalikes_are_synonyms_and_any_codeword_is_not(example: Example) -> None:
    given = facts(example, "decoders")
    assert given["near"] >= 90
    assert given["far"] <= 10
    assert given["psnr_before"] - given["psnr_near"] < 4 < given["psnr_near"] - given["psnr_far"]


@every_heart
def test_swaps_that_change_nothing_leave_no_loss_and_those_that_destroy_leave_much(example: Example) -> None:
    given = facts(example, "consistency")
    assert given["mean_near"] < given["mean_middle"] < given["mean_far"]
    assert given["background"] < min(given["inside"], given["border"])


@every_heart
def test_neither_strength_nor_radius_gives_the_order_of_the_scores(example: Example) -> None:
    made = step(example.title, "radii")
    dice, radius = (made.data[name] for name in ("dice", "radius"))
    at = made.data["strengths"].index(0.95)
    scores = {name: values[at] for name, values in dice.items()}
    assert made.truth == "far"
    # The smallest radius, and the lowest score.
    assert radius["far"] == min(radius.values())
    assert scores["near"] > 0.9


def test_the_minutes_of_the_steps_are_those_of_a_lesson() -> None:
    assert list(MINUTES) == list(STEPS)
    assert sum(MINUTES.values()) == 45
    assert np.all(np.array(list(MINUTES.values())) >= 3)
