"""The numbers of each step of the lesson. They all come from the open scan and its checkpoint, never from a text.

Each step is a function from a Place to a Step: the values that its texts name, the answer to its question, and its pictures. Pictures
are (rows, columns) as displayed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from app.scan.code_colours import code_colours
from app.scan.frame_request import MODES
from app.scan.render import greyscale
from app.tabs.learn.measures import effect_at, radius_at
from app.tabs.learn.place import LOOKALIKES, Place
from vqseg.inference import label_agreement, psnr
from vqseg.types import Array

Facts = Mapping[str, int | float | str]

# The questions have strengths and reaches of their own, so that a class sees the same numbers wherever the sliders are. 0.7 is the strength
# in the paper, 1 swaps every token, and at 0.95 dropout is felt.
STRENGTH, EVERY, HIGH = 0.7, 1.0, 0.95
# How the lesson swaps, whatever mode is on show: among the modes, this one has a reach.
SWAPS = MODES[0]
DRAWS, ALIKE, NEAR, DRAWN = 100, 20, 3, 8
# What the last step compares, in the order of its pictures: the names of its texts, a perturbation, and the name of its reach.
COMPARED = {"near": (SWAPS, "near"), "far": (SWAPS, "far"), "dropout": ("dropout", None), "channels": ("channel_dropout", None)}
# Two Dice scores that differ by less count as about the same.
SAME = 0.02
STRENGTHS = (0.0, 0.3, 0.5, 0.7, 0.9, HIGH, 1.0)
_MARGIN = 2
_BORDER = 2


@dataclass(frozen=True)
class Step:
    """What a step of the lesson shows.

    Attributes:
        facts: The values that the step's texts name.
        truth: The answer to the question: a number, the name of an option, or a number for each of the question's parts.
        bounds: Smallest and largest answer, if it is a number.
        data: Lists and numbers for drawing.
        pictures: (rows, columns) or (rows, columns, 3) uint8 as displayed, or several of these; "atoms": (n, side, side) uint8.
    """

    facts: Facts
    truth: float | str | dict[str, int]
    bounds: tuple[int, int] | None = None
    data: dict[str, Any] = field(default_factory=dict)
    pictures: dict[str, Array] = field(default_factory=dict)


def pixels(place: Place) -> Step:
    """The brightness of the marked square in percent of the network's scale, and the pixels around it."""
    image, inside = place.grey(place.taken(place.scan.segmented.normalised)), place.inside
    brightness = round(100 * float(image[inside].mean()))
    shown, marked = place.view.orient(100 * image), place.view.orient(inside)
    rows, columns = (np.flatnonzero(marked.any(axis)) for axis in (1, 0))
    top, left = max(0, rows[0] - _MARGIN), max(0, columns[0] - _MARGIN)
    part = (slice(top, rows[-1] + _MARGIN + 1), slice(left, columns[-1] + _MARGIN + 1))
    data = {"values": np.rint(shown[part]).astype(int).tolist(), "inside": marked[part].tolist()}
    return Step({"pixels": int(inside.sum()), "truth": brightness}, brightness, (0, 100), data)


def features(place: Place) -> Step:
    """The features of the marked square, and the squares with the most similar features."""
    z, labels = place.features, place.token_labels
    mine, label = z[place.row, place.column], labels[place.row, place.column]
    away = np.linalg.norm(z - mine, axis=-1)
    away[place.row, place.column] = np.inf
    count = min(ALIKE, away.size - 1)
    places = np.stack(np.unravel_index(np.argsort(away, axis=None, kind="stable")[:count], away.shape), -1)
    alike = int((labels[places[:, 0], places[:, 1]] == label).sum())
    away[place.row, place.column] = 0
    # White is the square itself. Squares beyond the median distance are black.
    likeness = 1 - away / max(float(np.median(away)), 1e-6)
    facts: Facts = {
        "dimension": z.shape[-1],
        "neighbours": count,
        "truth": alike,
        "label": place.scan.segmented.classes[label],
        "chance": round(count * float((labels == label).sum() - 1) / (labels.size - 1), 1),
    }
    data = {"feature": mine.astype(float).round(4).tolist(), "alike": places.tolist()}
    return Step(facts, alike, (0, count), data, {"likeness": place.spread(greyscale(likeness))})


def codeword(place: Place) -> Step:
    """Four codewords, one of which is the nearest to the features of the marked square."""
    z, codewords = place.features[place.row, place.column], place.scan.segmented.codewords
    away = np.linalg.norm(codewords - z, axis=1)
    order, size = np.argsort(away, kind="stable"), len(codewords)
    # The ranks are far apart, so that the eye can tell the codewords apart. The smallest codebooks have fewer than four.
    ranks = [rank for rank in (0, max(1, size // 50), max(2, size // 8), max(3, size // 2)) if rank < size]
    shown = np.random.default_rng([place.request.index, place.row, place.column]).permutation(order[ranks])
    letters = "abcd"[: len(shown)]
    facts: Facts = {
        "dimension": codewords.shape[1],
        "codebook": size,
        "distance": float(away[order[0]]),
        "second": float(away[order[1]]),
        "nearest": str(order[0]),
        "code": str(place.code),
    }
    choices = [
        {"letter": letter, "code": int(code), "distance": float(away[code]), "values": codewords[code].astype(float).round(4).tolist()}
        for letter, code in zip(letters, shown, strict=True)
    ]
    truth = letters[int(np.flatnonzero(shown == order[0])[0])]
    return Step(facts, truth, None, {"feature": z.astype(float).round(4).tolist(), "choices": choices})


def tokens(place: Place) -> Step:
    """The slice as a grid of codes, and where the code of the marked square occurs."""
    codes, code = place.codes, place.code
    same = np.argwhere(codes == code)
    facts: Facts = {
        "tokens": codes.size,
        "codebook": place.scan.segmented.codebook_size,
        "truth": len(np.unique(codes)),
        "code": str(code),
        "here": len(same),
        "everywhere": int((place.scan.segmented.indices == code).sum()),
        "values": int(np.prod(place.scan.segmented.slice_size)),
    }
    return Step(facts, len(np.unique(codes)), (1, codes.size), {"same": same.tolist()}, {"tokens": token_picture(place)})


def token_picture(place: Place) -> Array:
    """(rows, columns, 3) uint8: every pixel in the colour of its token's code."""
    return _code_colours(place)[place.spread(place.codes)]


def _code_colours(place: Place) -> Array:
    """(K, 3) uint8: codes that are close on the checkpoint's map have similar colours. Without a map the colours mean nothing."""
    statistics = place.scan.model.statistics
    if statistics is not None:
        return code_colours(statistics)
    turns = np.arange(place.scan.segmented.codebook_size)[:, None] * 0.381966 + np.array([0, 1 / 3, 2 / 3])
    return np.rint(130 + 90 * np.cos(2 * np.pi * turns)).astype(np.uint8)


def reaches(place: Place) -> dict[str, float]:
    """The lesson's reaches in the open scan's codebook: a few lookalikes, two thirds of all codewords, any of them."""
    last = place.scan.segmented.codebook_size - 1
    return {"near": float(min(LOOKALIKES, last)), "middle": float(max(1, round(2 / 3 * last))), "far": float(last)}


def _reach_facts(place: Place) -> dict[str, int]:
    """The reaches as the texts name them."""
    return {f"reach_{name}": round(reach) for name, reach in reaches(place).items()}


def swap(place: Place) -> Step:
    """What replaces the marked token, near and far: pi(j|i), independent draws, and how many different codewords came up."""
    segmented, code = place.scan.segmented, place.code
    both = {name: reaches(place)[name] for name in ("near", "far")}
    # One seed: at both reaches the same draws keep the token.
    drawn = {name: segmented.fates(code, STRENGTH, DRAWS, place.request.seed, reach) for name, reach in both.items()}
    swapped = {name: codes[codes != code] for name, codes in drawn.items()}
    near = {name: segmented.neighbours(code, NEAR, reach=reach) for name, reach in both.items()}
    counts = {name: [int((drawn[name] == one).sum()) for one in near[name].codes] for name in both}
    different = {name: len(np.unique(codes)) for name, codes in swapped.items()}
    facts: Facts = {
        **_reach_facts(place),
        **different,
        "draws": DRAWS,
        "strength": STRENGTH,
        "kept": DRAWS - len(swapped["near"]),
        "expected": round(DRAWS * (1 - STRENGTH)),
        "code": str(code),
        "nearest": str(near["near"].codes[0]),
        **{f"nearest_{name}": counts[name][0] for name in both},
        **{f"away_{name}": _mean_distance(place, swapped[name]) for name in both},
    }
    shown = {name: codes[:DRAWN].tolist() for name, codes in swapped.items()}
    data = {
        "codes": near["near"].codes.tolist(),
        "distances": near["near"].distances.astype(float).tolist(),
        "probabilities": {name: near[name].probabilities.astype(float).tolist() for name in both},
        "drawn": counts,
        "atoms": {"own": [code], **shown},
    }
    atoms = segmented.atoms([code, *shown["near"], *shown["far"]])
    return Step(facts, different, (0, DRAWS), {**data, "side": atoms.shape[-1]}, {"atoms": atoms})


def _mean_distance(place: Place, codes: Array) -> float | str:
    """Of codewords from the marked square's own; a dash if there are none."""
    codewords = place.scan.segmented.codewords
    return float(np.linalg.norm(codewords[codes] - codewords[place.code], axis=1).mean()) if len(codes) else "–"


def decoders(place: Place) -> Step:
    """The answers of both decoders to the tokens of the scan, and what stays the same if every token is swapped, near and far."""
    segmented, request = place.scan.segmented, place.request
    before, picture = place.taken(segmented.labels), place.taken(segmented.reconstruction)
    counted = before > 0 if (before > 0).any() else np.ones_like(before, bool)
    both = {name: segmented.perturb(request.index, EVERY, SWAPS, request.seed, reach=reaches(place)[name]) for name in ("near", "far")}
    kept = {name: round(100 * float((after.labels == before)[counted].mean())) for name, after in both.items()}
    facts: Facts = {
        **_reach_facts(place),
        **kept,
        "strength": EVERY,
        # The live pictures begin there.
        "reach": reaches(place)["far"],
        "psnr_before": round(psnr(picture, next(iter(both.values())).image), 1),
        **{f"psnr_{name}": round(after.psnr, 1) for name, after in both.items()},
    }
    pictures = {
        "labels": before,
        "reconstruction": greyscale(place.grey(picture)),
        "labels_near": both["near"].labels,
        "reconstruction_near": greyscale(place.grey(both["near"].reconstruction)),
    }
    return Step(facts, kept, (0, 100), {}, {name: place.view.orient(shown) for name, shown in pictures.items()})


def consistency(place: Place) -> Step:
    """The consistency loss at STRENGTH and a middle reach, inside the structures, at their borders and in the background."""
    request, segmented = place.request, place.scan.segmented
    by_reach = {name: segmented.consistency(request.index, STRENGTH, SWAPS, request.seed, reach) for name, reach in reaches(place).items()}
    found = by_reach["middle"]
    border = near_another_label(found.pseudo_labels, _BORDER)
    regions = {"inside": ~border & (found.pseudo_labels > 0), "border": border, "background": ~border & (found.pseudo_labels == 0)}
    losses = {name: float(found.loss[region].mean()) for name, region in regions.items() if region.any()}
    facts: Facts = {
        **_reach_facts(place),
        "strength": STRENGTH,
        **{name: losses.get(name, "–") for name in regions},
        **{f"mean_{name}": float(one.loss.mean()) for name, one in by_reach.items()},
        "differing": round(100 * float((found.labels != found.pseudo_labels).mean()), 1),
    }
    # Scaled to the maximum, a few pixels would leave all others black.
    peak = max(float(np.percentile(found.loss, 99.5)), 1e-3)
    pictures = {"teacher": found.pseudo_labels, "student": found.labels, "loss": greyscale(found.loss, 0, peak)}
    truth = max(losses, key=lambda name: losses[name])
    return Step(facts, truth, None, {"peak": peak}, {name: place.view.orient(picture) for name, picture in pictures.items()})


def near_another_label(labels: Array, steps: int) -> Array:
    """Pixels that are close to a different label.

    Args:
        labels: (A, B) int.
        steps: How many steps up, down, left or right may lead to the other label; at least 1.

    Returns:
        (A, B) bool.
    """
    near = np.zeros(labels.shape, bool)
    for axis in (0, 1):
        change = np.diff(labels, axis=axis) != 0
        before, after = [slice(None)] * 2, [slice(None)] * 2
        before[axis], after[axis] = slice(None, -1), slice(1, None)
        near[tuple(before)] |= change
        near[tuple(after)] |= change
    for _ in range(steps - 1):
        around = np.pad(near, 1)
        near = near | around[:-2, 1:-1] | around[2:, 1:-1] | around[1:-1, :-2] | around[1:-1, 2:]
    return near


def against_dropout(place: Place) -> Step:
    """The slice under near swaps, far swaps and both dropouts at every strength; at HIGH also radius and effect of each."""
    segmented, index, seed = place.scan.segmented, place.request.index, place.request.seed
    reach_of = {name: None if reach is None else reaches(place)[reach] for name, (_, reach) in COMPARED.items()}
    # At strength 0 all of them leave the slice as it is.
    clean = place.taken(segmented.labels)
    labels = {
        name: [clean, *segmented.labels_at(index, STRENGTHS[1:], mode, seed, reach=reach_of[name])] for name, (mode, _) in COMPARED.items()
    }
    dice = {name: [label_agreement(one, clean) for one in pictures] for name, pictures in labels.items()}
    left = {name: scores[STRENGTHS.index(HIGH)] for name, scores in dice.items()}
    near, far = (radius_at(place, reaches(place)[name], HIGH) for name in ("near", "far"))
    measured = {
        "radius": {"near": near.swaps, "far": far.swaps, "dropout": near.dropout, "channels": near.dropout},
        "effect": {name: effect_at(place, mode, reach_of[name], HIGH) for name, (mode, _) in COMPARED.items()},
    }
    facts: Facts = {**_reach_facts(place), **left, "strength": HIGH}
    data = {"strengths": list(STRENGTHS), "dice": dice, **measured}
    pictures = {name: np.stack([place.view.orient(one) for one in pictures]) for name, pictures in labels.items()}
    return Step(facts, least(left), None, data, pictures)


def least(left: Mapping[str, float]) -> str:
    """The name of the smallest value, or "same" if another one is less than SAME above it."""
    first, second = sorted(left, key=lambda name: left[name])[:2]
    return "same" if left[second] - left[first] < SAME else first


STEPS: dict[str, Callable[[Place], Step]] = {
    "pixels": pixels,
    "features": features,
    "codeword": codeword,
    "tokens": tokens,
    "swap": swap,
    "decoders": decoders,
    "consistency": consistency,
    "radii": against_dropout,
}

MINUTES = dict(zip(STEPS, (4, 6, 5, 5, 6, 8, 5, 6), strict=True))
"""How long each step takes in a lesson of 45 minutes, with its argument and its answer."""
