"""The numbers of the lesson, recomputed by hand: from the fake scan's own arrays and, for one walk, from a real network."""

from __future__ import annotations

import gc
import json
import weakref
import zlib
from base64 import b64decode
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from app_server import fake_served, save_scan
from fake_segmenter import CLASSES, CODES, STRIDE, FakeSegmentedScan

from app.scan.frame_request import RequestError
from app.scan.models import Served, load_served
from app.scan.open_scan import OpenScan
from app.tabs.learn.answers import LessonAnswers
from app.tabs.learn.kept import MOST_KEPT, KeptSteps
from app.tabs.learn.place import Place
from app.tabs.learn.steps import COMPARED, STEPS, least, near_another_label, reaches
from app.tabs.learn.texts import languages
from app.visit.answering import answering
from app.visit.session import SessionStore
from vqseg.config import BackboneConfig, ModelConfig, PreprocessConfig
from vqseg.data.scan import read_scan
from vqseg.inference import Segmenter
from vqseg.models.vqseg import VQSeg
from vqseg.quantization.perturbation import PERTURBATIONS

REQUEST = {"plane": "axial", "index": 3, "strength": 0.0, "mode": "resample", "seed": 5}


@pytest.fixture(scope="module")
def scan(tmp_path_factory: pytest.TempPathFactory) -> OpenScan:
    path = save_scan(tmp_path_factory.mktemp("scans") / "heart.nii.gz")
    served = fake_served(statistics=True)
    return OpenScan(FakeSegmentedScan(read_scan(path)), served, example="Heart")


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory, checkpoint: Path) -> OpenScan:
    """A network with random weights, and a grid that does not divide the slice: tokens of 4 x 4 network pixels over 50 x 37."""
    path = save_scan(tmp_path_factory.mktemp("scans") / "real.nii.gz", shape=(50, 37, 4))
    served = load_served("tiny", "tiny", checkpoint)
    return OpenScan(served.segmenter.open(read_scan(path)), served)


def place(scan: OpenScan, cell: tuple[int, int] | None = (2, 3), **changes: Any) -> Place:
    return Place.checked({**REQUEST, "plane": scan.plane, "cell": cell, **changes}, scan)


def block(row: int, column: int) -> tuple[slice, slice]:
    return slice(row * STRIDE, (row + 1) * STRIDE), slice(column * STRIDE, (column + 1) * STRIDE)


def majority(labels: np.ndarray) -> int:
    counts = Counter(labels.ravel().tolist())
    return min(counts, key=lambda label: (-counts[label], label))


def test_brightness_is_the_mean_of_the_squares_pixels(scan: OpenScan) -> None:
    step = STEPS["pixels"](place(scan))
    image = scan.segmented.normalised[:, :, 3]
    values = 100 * image[block(2, 3)]
    assert step.truth == round(values.mean())
    assert step.facts["pixels"] == STRIDE**2
    shown, inside = np.array(step.data["values"]), np.array(step.data["inside"])
    assert sorted(shown[inside]) == sorted(np.rint(values).astype(int).ravel())
    # The part is cut out of the picture as displayed, with two pixels around the square.
    displayed = np.rint(100 * scan.views["axial"].orient(image)).astype(int)
    assert shown.shape == (STRIDE + 4, STRIDE + 4)
    windows = np.lib.stride_tricks.sliding_window_view(displayed, shown.shape)
    assert (windows == shown).all((2, 3)).sum() == 1


def test_the_most_alike_squares_are_those_with_the_nearest_features(scan: OpenScan) -> None:
    step = STEPS["features"](place(scan))
    means = np.array([[scan.segmented.normalised[block(r, c)][..., 3].mean() for c in range(6)] for r in range(5)])
    labels = np.array([[majority(scan.segmented.labels[block(r, c)][..., 3]) for c in range(6)] for r in range(5)])
    others = [(abs(means[r, c] - means[2, 3]), r, c) for r in range(5) for c in range(6) if (r, c) != (2, 3)]
    nearest = [(r, c) for _, r, c in sorted(others)[:20]]
    assert {tuple(cell) for cell in step.data["alike"]} == set(nearest)
    assert step.truth == sum(labels[cell] == labels[2, 3] for cell in nearest)
    assert step.facts["label"] == CLASSES[labels[2, 3]]
    assert step.facts["chance"] == round(20 * (np.sum(labels == labels[2, 3]) - 1) / 29, 1)
    assert step.data["feature"] == pytest.approx([means[2, 3] * (CODES - 1) * 3**-0.5] * 3, abs=1e-3)
    assert step.pictures["likeness"].shape == scan.views["axial"].shape
    assert step.pictures["likeness"].max() == 255


def test_the_answer_among_the_codewords_is_the_argmin_over_all(scan: OpenScan, real: OpenScan) -> None:
    for one, cell in ((scan, (2, 3)), (real, (5, 1)), (real, (11, 8))):
        here = place(one, cell)
        step = STEPS["codeword"](here)
        z = one.segmented.features(3)[cell].astype(np.float64)
        away = np.sqrt(((one.segmented.codewords - z) ** 2).sum(1))
        choices = {choice["letter"]: choice for choice in step.data["choices"]}
        assert len(choices) == 4 and len({choice["code"] for choice in choices.values()}) == 4
        assert choices[step.truth]["code"] == away.argmin() == int(step.facts["nearest"]) == one.segmented.indices[3][cell]
        assert step.facts["code"] == step.facts["nearest"]
        assert step.facts["distance"] == pytest.approx(away.min(), rel=1e-4, abs=1e-5)
        assert step.facts["second"] == pytest.approx(np.sort(away)[1], rel=1e-4, abs=1e-5)
        for choice in choices.values():
            assert choice["distance"] == pytest.approx(away[choice["code"]], rel=1e-4, abs=1e-5)
            np.testing.assert_allclose(choice["values"], one.segmented.codewords[choice["code"]], atol=1e-4)


def test_the_four_strips_come_in_an_order_that_does_not_give_the_answer_away(scan: OpenScan) -> None:
    truths = {STEPS["codeword"](place(scan, (row, column))).truth for row in range(5) for column in range(6)}
    assert truths == {"a", "b", "c", "d"}
    assert STEPS["codeword"](place(scan)).data == STEPS["codeword"](place(scan)).data


def test_tokens_are_counted_over_the_slice_and_the_scan(scan: OpenScan) -> None:
    step = STEPS["tokens"](place(scan))
    codes, code = scan.segmented.indices[3], scan.segmented.indices[3, 2, 3]
    assert step.truth == len(set(codes.ravel().tolist()))
    assert (step.facts["tokens"], step.bounds) == (30, (1, 30))
    assert step.facts["here"] == len(step.data["same"]) == np.sum(codes == code)
    assert all(codes[row, column] == code for row, column in step.data["same"])
    assert step.facts["everywhere"] == np.sum(scan.segmented.indices == code)
    assert step.pictures["tokens"].shape == (*scan.views["axial"].shape, 3)


def test_draws_of_the_marked_token_are_counted_by_what_became_of_it_near_and_far(real: OpenScan) -> None:
    here = place(real, (5, 1))
    step, code = STEPS["swap"](here), int(real.segmented.indices[3, 5, 1])
    codewords = real.segmented.codewords.astype(np.float64)
    squared = ((codewords[:, None] - codewords) ** 2).sum(-1)
    np.fill_diagonal(squared, np.inf)
    assert step.data["codes"] == np.argsort(squared[code])[:3].tolist()
    for name, reach in (("near", 32), ("far", len(codewords) - 1)):
        fates = real.segmented.fates(code, 0.7, 100, 5, reach)
        assert step.facts["kept"] == np.sum(fates == code)
        swapped = fates[fates != code]
        assert step.truth[name] == len(set(swapped.tolist()))
        assert step.data["drawn"][name] == [np.sum(fates == one) for one in step.data["codes"]]
        assert step.facts[f"away_{name}"] == pytest.approx(np.mean(np.sqrt(squared[code, swapped])), rel=1e-4)
        # pi(j|i) over the other codewords, by hand.
        weights = np.exp(-squared[code] / real.model.segmenter.temperature_at(reach))
        np.testing.assert_allclose(step.data["probabilities"][name], (weights / weights.sum())[step.data["codes"]], rtol=1e-3)
        assert step.data["atoms"][name] == swapped[:8].tolist()
    assert step.truth["near"] < step.truth["far"]
    codes = [one for row in ("own", "near", "far") for one in step.data["atoms"][row]]
    np.testing.assert_array_equal(step.pictures["atoms"], real.segmented.atoms(codes))
    assert step.pictures["atoms"].shape == (len(codes), step.data["side"], step.data["side"])


def test_a_token_that_is_never_swapped_has_no_distance(scan: OpenScan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scan.segmented, "fates", lambda code, strength, count, seed, reach: np.full(count, code), raising=False)
    step = STEPS["swap"](place(scan))
    assert step.truth == {"near": 0, "far": 0}
    assert step.facts["away_near"] == step.facts["away_far"] == "–"


def test_labels_that_stay_are_counted_among_those_of_a_structure(scan: OpenScan) -> None:
    step = STEPS["decoders"](place(scan))
    before = scan.segmented.labels[:, :, 3]
    structure = before > 0
    view = scan.views["axial"]
    for name, reach in (("near", 32), ("far", CODES - 1)):
        after = scan.segmented.perturb(3, 1.0, "resample", 5, reach=reach)
        assert step.truth[name] == round(100 * np.mean(after.labels[structure] == before[structure]))
        assert step.facts[f"psnr_{name}"] == round(after.psnr, 1)
        assert step.facts[f"reach_{name}"] == reach
    near = scan.segmented.perturb(3, 1.0, "resample", 5, reach=32)
    np.testing.assert_array_equal(step.pictures["labels"], view.orient(before))
    np.testing.assert_array_equal(step.pictures["labels_near"], view.orient(near.labels))
    # The live pictures begin at what was asked last.
    assert (step.facts["strength"], step.facts["reach"]) == (1, CODES - 1)


def test_a_codebook_smaller_than_the_lookalikes_has_reaches_too(scan: OpenScan, monkeypatch: pytest.MonkeyPatch) -> None:
    assert reaches(place(scan)) == {"near": 32, "middle": 42, "far": 63}
    for size, expected in ((2, (1, 1, 1)), (20, (19, 13, 19))):
        monkeypatch.setattr(scan.segmented, "codebook_size", size, raising=False)
        assert tuple(reaches(place(scan)).values()) == expected


def test_a_slice_without_a_structure_is_asked_about_all_its_pixels(tmp_path: Path) -> None:
    opened = OpenScan(FakeSegmentedScan(read_scan(save_scan(tmp_path / "a.nii.gz"))), fake_served())
    opened.segmented.labels[:] = 0
    here = place(opened, None)
    assert (here.row, here.column) == (2, 3)
    assert here.focus == (0, 0, *opened.views["axial"].shape[::-1])
    for name, reach in (("near", 32), ("far", CODES - 1)):
        after = opened.segmented.perturb(3, 1.0, "resample", 5, reach=reach).labels
        assert STEPS["decoders"](here).truth[name] == round(100 * np.mean(after == 0))


def test_the_consistency_loss_is_highest_where_its_mean_is(scan: OpenScan, real: OpenScan) -> None:
    for one in (scan, real):
        step = STEPS["consistency"](place(one))
        last = one.segmented.codebook_size - 1
        found = one.segmented.consistency(3, 0.7, "resample", 5, round(2 / 3 * last))
        labels = found.pseudo_labels
        border = np.array([[is_border(labels, a, b) for b in range(labels.shape[1])] for a in range(labels.shape[0])])
        regions = {"border": border, "inside": ~border & (labels > 0), "background": ~border & (labels == 0)}
        means = {name: found.loss[region].mean() for name, region in regions.items() if region.any()}
        for name in regions:
            assert step.facts[name] == (pytest.approx(means[name]) if name in means else "–")
        assert step.truth == max(means, key=lambda name: means[name])
        assert step.facts["mean_middle"] == pytest.approx(found.loss.mean())
        for name, reach in (("near", 32), ("far", last)):
            assert step.facts[f"mean_{name}"] == pytest.approx(one.segmented.consistency(3, 0.7, "resample", 5, reach).loss.mean())
        assert step.facts["differing"] == round(100 * np.mean(found.labels != labels), 1)


def is_border(labels: np.ndarray, a: int, b: int) -> bool:
    """Whether a pixel at most two steps away has another label on the way: brute force."""
    steps = ((1, 0), (-1, 0), (0, 1), (0, -1))

    def changes(a: int, b: int) -> bool:
        return any(0 <= a + i < len(labels) and 0 <= b + j < len(labels[0]) and labels[a + i, b + j] != labels[a, b] for i, j in steps)

    around = [(a, b)] + [(a + i, b + j) for i, j in steps if 0 <= a + i < len(labels) and 0 <= b + j < len(labels[0])]
    return any(changes(*pixel) for pixel in around)


def test_a_picture_of_one_label_has_no_border() -> None:
    assert not near_another_label(np.zeros((5, 7), np.uint8), 2).any()


STRENGTHS = (0, 0.3, 0.5, 0.7, 0.9, 0.95, 1)


def test_perturbations_are_compared_by_their_dice_scores(real: OpenScan) -> None:
    step = STEPS["radii"](place(real))
    segmented, last = real.segmented, real.segmented.codebook_size - 1
    kinds = {"near": ("resample", 32), "far": ("resample", last), "dropout": ("dropout", None), "channels": ("channel_dropout", None)}
    assert step.data["strengths"] == list(STRENGTHS)
    for name, (mode, reach) in kinds.items():
        results = [segmented.perturb(3, strength, mode, 5, reach=reach) for strength in STRENGTHS]
        np.testing.assert_allclose(step.data["dice"][name], [one.dice_vs_clean for one in results])
        assert step.facts[name] == step.data["dice"][name][5]
        shown = real.views[real.plane].orient(results[2].labels)
        np.testing.assert_array_equal(step.pictures[name][2], shown)
        assert step.pictures[name].shape == (7, *real.views[real.plane].shape)
    # At strength 0 all are the slice itself, and at rate 1 nothing is left to tell both dropouts apart.
    np.testing.assert_array_equal(step.pictures["dropout"][6], step.pictures["channels"][6])


@pytest.mark.parametrize(
    ("left", "answer"),
    [
        ({"near": 0.99, "far": 0.0, "dropout": 0.91, "channels": 0.61}, "far"),
        ({"near": 0.99, "far": 0.7, "dropout": 0.91, "channels": 0.61}, "channels"),
        ({"near": 1.0, "far": 0.01, "dropout": 0.91, "channels": 0.0}, "same"),
        ({"near": 1.0, "far": 1.0, "dropout": 1.0, "channels": 1.0}, "same"),
    ],
)
def test_the_least_that_is_left_is_named_unless_another_leaves_about_as_little(left: dict[str, float], answer: str) -> None:
    assert least(left) == answer


def test_what_the_lesson_compares_are_perturbations() -> None:
    assert {mode for mode, _ in COMPARED.values()} <= PERTURBATIONS.keys()


def test_radius_and_effect_are_those_of_the_loaded_codebook_and_the_slice(real: OpenScan) -> None:
    data = STEPS["radii"](place(real)).data
    codewords, tokens = real.segmented.codewords.astype(np.float64), real.segmented.indices[3].ravel()
    size = len(codewords)
    squared = ((codewords[:, None] - codewords) ** 2).sum(-1)
    own = codewords[tokens]
    variance = np.mean(((own - own.mean(0)) ** 2).sum(1))
    for name, reach in (("near", 32), ("far", size - 1)):
        weights = np.exp(-squared / real.model.segmenter.temperature_at(reach)) * (1 - np.eye(size))
        swaps = weights / weights.sum(1, keepdims=True)
        marginal = (0.95 * swaps + 0.05 * np.eye(size)).mean(0)
        assert data["radius"][name] == pytest.approx(np.mean(np.log(1 / size / marginal)), abs=6e-4)
        assert data["effect"][name] == pytest.approx(0.95 * np.mean((swaps * squared).sum(1)[tokens]) / variance, rel=1e-3)
    for name in ("dropout", "channels"):
        assert data["radius"][name] == pytest.approx(0.5 * (0.95 / 0.05 + np.log(0.05)), abs=6e-4)
        assert data["effect"][name] == pytest.approx(np.mean((own**2).sum(1)) * 0.95 / 0.05 / variance, rel=1e-3)


def test_a_closer_look_holds_the_structures_and_the_mark(scan: OpenScan) -> None:
    rows, columns = scan.views["axial"].shape
    for cell in (None, (0, 0), (4, 5)):
        here = place(scan, cell)
        left, top, width, height = here.focus
        assert 0 <= left <= left + width <= columns and 0 <= top <= top + height <= rows
        marked = here.view.orient(here.inside)
        assert marked[top : top + height, left : left + width].sum() == STRIDE**2


def test_every_step_travels_as_json_and_its_pictures_as_bytes_of_the_view(real: OpenScan) -> None:
    store = SessionStore(byte_cap=2**26)
    token = store.put(real, "me")
    rows, columns = real.views[real.plane].shape
    for name in STEPS:
        given = answering(store, LessonAnswers().lesson)({**REQUEST, "plane": real.plane, "token": token, "step": name, "cell": None})
        json.dumps(given, allow_nan=False)
        assert given["step"] == name
        for key, picture in given["pictures"].items():
            size = given["data"]["side"] ** 2 if key == "atoms" else rows * columns
            assert len(zlib.decompress(b64decode(picture))) % size == 0


def test_the_same_step_of_the_same_square_is_computed_once(scan: OpenScan) -> None:
    answers = KeptSteps()
    first = answers.step("radii", place(scan))
    with ThreadPoolExecutor(8) as class_room:
        assert all(step is first for step in class_room.map(lambda _: answers.step("radii", place(scan, strength=0.4)), range(24)))
    # The lesson has reaches and a way to swap of its own.
    for same in (place(scan, reach=7), place(scan, mode="shuffle")):
        assert answers.step("radii", same) is first
    for other in (place(scan, (0, 0)), place(scan, seed=6), place(scan, index=2)):
        assert answers.step("radii", other) is not first
    for seed in range(MOST_KEPT):
        answers.step("pixels", place(scan, seed=seed))
    assert answers.step("radii", place(scan)) is not first


def test_what_was_computed_goes_with_its_scan(tmp_path: Path) -> None:
    opened = OpenScan(FakeSegmentedScan(read_scan(save_scan(tmp_path / "a.nii.gz"))), fake_served())
    answers, held = KeptSteps(), weakref.ref(opened)
    answers.step("tokens", place(opened))
    del opened
    gc.collect()
    assert held() is None


def test_a_picture_smaller_than_its_grid_has_squares_only_where_it_has_pixels(checkpoint: Path, tmp_path: Path) -> None:
    served = load_served("tiny", "tiny", checkpoint)
    path = tmp_path / "dot.npy"
    np.save(path, np.arange(6, dtype=np.float32).reshape(2, 3))
    opened = OpenScan(served.segmenter.open(read_scan(path)), served)
    assert opened.segmented.indices.shape[1:] > (2, 3)
    values = {"plane": opened.plane, "index": 0, "strength": 0, "mode": "resample", "seed": 0}
    here = Place.checked({**values, "cell": None}, opened)
    for step in STEPS.values():
        assert step(here).facts
    with pytest.raises(RequestError, match="row of the cell must be one that has a pixel"):
        Place.checked({**values, "cell": [0, 0]}, opened)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"token": "guessed"}, "no longer held"),
        ({"step": "ninth"}, "step must be one of pixels, features"),
        ({"step": ["pixels"]}, "step must be one of"),
        ({"plane": "coronal"}, "choose plane axial"),
        ({"index": 99}, "0 to 5"),
        ({"cell": [5, 0]}, "row of the cell must be a whole number from 0 to 4"),
        ({"cell": [0, 6]}, "column of the cell must be a whole number from 0 to 5"),
        ({"cell": [0, float("nan")]}, "column of the cell"),
        ({"cell": "0,0"}, "cell must be"),
        ({"cell": [1]}, "cell must be"),
    ],
)
def test_nothing_in_a_request_is_trusted(scan: OpenScan, change: dict[str, Any], message: str) -> None:
    store = SessionStore(byte_cap=2**26)
    request = {**REQUEST, "token": store.put(scan, "me"), "step": "pixels", "cell": [2, 3]}
    assert message in answering(store, LessonAnswers().lesson)({**request, **change})["error"]
    assert "must be an object" in answering(store, LessonAnswers().lesson)([request])["error"]
    if "step" not in change:
        assert message in answering(store, LessonAnswers().handout)({**request, "language": "en", **change})["error"]
    assert (
        f"language must be one of {', '.join(languages())}"
        in answering(store, LessonAnswers().handout)({**request, "language": ["en"]})["error"]
    )


def test_several_levels_of_tokens_are_told_by_their_deepest(tmp_path: Path) -> None:
    pytest.importorskip("transformers", reason="transformers is not installed: pip install -r requirements-dev.txt")
    backbone = BackboneConfig(hidden_size=24, layers=4, heads=2, patch=14, image_size=56, taps=(1, 2, 3, 4))
    torch.manual_seed(0)
    config = ModelConfig(encoder="vit", backbone=backbone, codebook_size=64, codebook_dim=8, decoder_width=16)
    segmenter = Segmenter(VQSeg(config, PreprocessConfig(image_side=None)).eval())
    # 50 x 37 pixels: the last row and column of tokens hang over the edge.
    scan = read_scan(save_scan(tmp_path / "levels.nii.gz", shape=(50, 37, 3)))
    opened = OpenScan(segmenter.open(scan), Served("levels", "levels", None, segmenter))
    assert opened.segmented.levels == 4
    here = place(opened, (1, 2), index=1)
    rows = opened.segmented.indices.shape[1] // 4
    assert here.code == opened.segmented.indices[1, 3 * rows + 1, 2]
    np.testing.assert_array_equal(here.features[1, 2], opened.segmented.features(1)[3 * rows + 1, 2])
    for name, step in STEPS.items():
        assert step(here).facts, name
    assert STEPS["codeword"](here).facts["nearest"] == str(here.code)
