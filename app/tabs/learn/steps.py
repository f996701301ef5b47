"""The numbers of each step of the lesson. They all come from the open scan and its checkpoint, never from a text.

Each step is a function from a Place to a Step: the values that its texts name, the answer to its question, and its pictures. Pictures
are (rows, columns) as displayed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from app.scan.code_colours import code_colours
from app.scan.radii import TWO_RADII
from app.scan.render import greyscale
from app.tabs.learn.place import Place
from vqseg.inference import psnr
from vqseg.types import Array

Facts = Mapping[str, int | float | str]

# Strengths of the questions: the one in the paper, and one at which dropout is said to fail.
STRENGTH, HIGH = 0.7, 0.9
DRAWS, ALIKE, NEAR = 100, 20, 4
# Two Dice scores that differ by less count as about the same.
SAME = 0.02
STRENGTHS = tuple(round(0.1 * i, 1) for i in range(11))
_MARGIN = 2
_BORDER = 2


@dataclass(frozen=True)
class Step:
    """What a step of the lesson shows.

    Attributes:
        facts: The values that the step's texts name.
        truth: The answer to the question.
        bounds: Smallest and largest answer, if it is a number.
        data: Lists and numbers for drawing.
        pictures: (rows, columns) or (rows, columns, 3) uint8 as displayed.
    """

    facts: Facts
    truth: float | str
    bounds: tuple[int, int] | None = None
    data: dict[str, Any] = field(default_factory=dict)
    pictures: dict[str, Array] = field(default_factory=dict)


def pixels(place: Place) -> Step:
    """The brightness of the marked square in percent of the network's scale, and the pixels around it."""
    image, inside = place.taken(place.scan.segmented.normalised), place.inside
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


def swap(place: Place) -> Step:
    """What replaces the marked token: pi(j|i), and the counts of independent draws."""
    segmented, code = place.scan.segmented, place.code
    near = segmented.neighbours(code, NEAR, reach=place.request.reach)
    drawn = segmented.fates(code, STRENGTH, DRAWS, place.request.seed, place.request.reach)
    counts = [int((drawn == one).sum()) for one in near.codes]
    kept = int((drawn == code).sum())
    facts: Facts = {
        "draws": DRAWS,
        "strength": STRENGTH,
        "truth": kept,
        "expected": round(DRAWS * (1 - STRENGTH)),
        "code": str(code),
        "nearest": str(near.codes[0]),
        "nearest_drawn": counts[0],
    }
    data = {
        "codes": near.codes.tolist(),
        "distances": near.distances.astype(float).tolist(),
        "probabilities": near.probabilities.astype(float).tolist(),
        "drawn": counts,
    }
    return Step(facts, kept, (0, DRAWS), data)


def decoders(place: Place) -> Step:
    """The answers of both decoders to the tokens of the scan, and what stays the same at STRENGTH."""
    segmented, request = place.scan.segmented, place.request
    after = segmented.perturb(request.index, STRENGTH, request.mode, request.seed, reach=request.reach)
    before, picture = place.taken(segmented.labels), place.taken(segmented.reconstruction)
    counted = before > 0 if (before > 0).any() else np.ones_like(before, bool)
    kept = round(100 * float((after.labels == before)[counted].mean()))
    facts: Facts = {
        "strength": STRENGTH,
        "truth": kept,
        "replaced": round(100 * after.replaced_share),
        "psnr_before": round(psnr(picture, after.image), 1),
        "psnr_after": round(after.psnr, 1),
    }
    pictures = {"labels": place.view.orient(before), "reconstruction": place.view.orient(greyscale(picture))}
    return Step(facts, kept, (0, 100), {}, pictures)


def consistency(place: Place) -> Step:
    """The consistency loss at STRENGTH inside the structures, at their borders and in the background."""
    request = place.request
    found = place.scan.segmented.consistency(request.index, STRENGTH, request.mode, request.seed, request.reach)
    border = near_another_label(found.pseudo_labels, _BORDER)
    regions = {"inside": ~border & (found.pseudo_labels > 0), "border": border, "background": ~border & (found.pseudo_labels == 0)}
    losses = {name: float(found.loss[region].mean()) for name, region in regions.items() if region.any()}
    facts: Facts = {
        "strength": STRENGTH,
        **{name: losses.get(name, "–") for name in regions},
        "mean": float(found.loss.mean()),
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
    """The slice under the QPM and under feature dropout at every strength, and the KL radii of both."""
    segmented, request, found = place.scan.segmented, place.request, TWO_RADII.radii(place.scan, {"reach": place.request.reach})
    many = {
        "qpm": [segmented.perturb(request.index, one, request.mode, request.seed, reach=request.reach) for one in STRENGTHS],
        "dropout": [segmented.dropout(request.index, strength, request.seed) for strength in STRENGTHS],
    }
    dice = {name: [one.dice_vs_clean for one in results] for name, results in many.items()}
    qpm, dropout = (dice[name][STRENGTHS.index(HIGH)] for name in many)
    lines = {"strengths": found["strengths"], "qpm": found["quantized"], "dropout": found["dropout"]}
    radius = {name: lines[name][found["strengths"].index(HIGH)] for name in many}
    facts: Facts = {
        "strength": HIGH,
        "qpm": qpm,
        "dropout": dropout,
        "qpm_radius": radius["qpm"],
        "dropout_radius": radius["dropout"],
    }
    truth = "same" if abs(qpm - dropout) < SAME else "qpm" if qpm > dropout else "dropout"
    data = {"strengths": list(STRENGTHS), "dice": dice, "radii": lines, "top": math.ceil(max(radius.values()))}
    pictures = {name: np.stack([place.view.orient(one.labels) for one in results]) for name, results in many.items()}
    return Step(facts, truth, None, data, pictures)


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
