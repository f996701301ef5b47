"""A scan opened once and replayed: slices against their volume, any axis order, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock, get_ident

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage

from tests.tiny import tiny_model
from vqseg.config import PreprocessConfig
from vqseg.data.regions import of_usual_size, surroundings
from vqseg.inference import SegmentedScan, Segmenter, changed_share, dice_by_class, label_agreement, psnr, side_by_side
from vqseg.models.slicewise import decode_features
from vqseg.models.vqseg import VQSeg
from vqseg.types import Scan

SHAPE = (50, 37, 6)


@pytest.fixture(scope="module")
def model() -> VQSeg:
    return tiny_model(image_side=48)


def scan_of(axis: int = 2, *, shape: tuple[int, int, int] = SHAPE, seed: int = 0) -> Scan:
    """A smooth volume whose slices lie across `axis`."""
    voxels = 300 * ndimage.gaussian_filter(np.random.default_rng(seed).random(shape), (2, 2, 0)).astype(np.float32)
    spacing = [1.5, 1.25, 8.0]
    order = [0, 1]
    order.insert(axis, 2)
    voxels, spacing = voxels.transpose(order), [spacing[one] for one in order]
    return Scan(voxels=np.ascontiguousarray(voxels), affine=np.diag([*spacing, 1.0]), spacing=tuple(spacing), name="scan.nii.gz")


@pytest.fixture(scope="module")
def opened(model: VQSeg) -> SegmentedScan:
    return Segmenter(model).open(scan_of())


def test_a_segmenter_says_what_its_network_knows(model: VQSeg, opened: SegmentedScan) -> None:
    segmenter = Segmenter(model)
    assert segmenter.classes == model.config.classes
    assert segmenter.indexed
    assert segmenter.temperature == model.config.temperature
    assert segmenter.codebook_size == len(segmenter.codewords) == 64
    np.testing.assert_array_equal(segmenter.codewords, opened.codewords)
    assert segmenter.preprocess == model.preprocess
    assert segmenter.pixels_per_token == 4


def test_an_opened_scan_lies_on_its_own_grid(opened: SegmentedScan) -> None:
    assert opened.axis == 2
    assert opened.slice_count == 6
    assert opened.slice_size == (50, 37)
    assert opened.codebook_size == 64
    assert opened.labels.shape == opened.normalised.shape == opened.reconstruction.shape == SHAPE
    assert opened.labels.dtype == np.uint8
    assert opened.reconstruction.dtype == opened.normalised.dtype == np.float32
    # 50 x 37 is read at 48 x 36, padded to 48 x 48: 12 x 12 tokens of 4 x 4 pixels.
    assert opened.indices.shape == (6, 12, 12)
    assert opened.indices.dtype == np.int32
    for picture in (opened.normalised, opened.reconstruction):
        assert 0 <= picture.min() <= picture.max() <= 1


def test_labels_are_the_networks_own(model: VQSeg) -> None:
    # At the network's own size nothing is resized, so that the plain network is the oracle.
    scan = scan_of(shape=(48, 48, 3))
    opened = Segmenter(model).open(scan)
    low, high = np.percentile(scan.voxels, (0.5, 99.5))
    images = torch.from_numpy(np.clip((scan.voxels - low) / (high - low), 0, 1)).float().permute(2, 0, 1)[:, None]
    with torch.no_grad():
        out = model(images)
    assert (opened.indices == out.indices.numpy()).mean() > 0.99
    assert (opened.labels.transpose(2, 0, 1) == out.logits.argmax(1).numpy()).mean() > 0.99
    np.testing.assert_allclose(opened.normalised.transpose(2, 0, 1), images[:, 0], atol=1e-5)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_the_arrays_order_does_not_matter(model: VQSeg, opened: SegmentedScan, axis: int) -> None:
    turned = Segmenter(model).open(scan_of(axis))
    assert turned.axis == axis
    assert turned.slice_size == (50, 37)
    np.testing.assert_array_equal(turned.indices, opened.indices)
    np.testing.assert_array_equal(np.moveaxis(turned.labels, axis, 2), opened.labels)
    first, second = turned.perturb(4, 0.6, seed=2), opened.perturb(4, 0.6, seed=2)
    np.testing.assert_array_equal(first.labels, second.labels)
    np.testing.assert_array_equal(first.image, scan_slice(turned, 4))


def scan_slice(opened: SegmentedScan, index: int) -> np.ndarray:
    return np.moveaxis(opened.normalised, opened.axis, 0)[index]


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("largest", [False, True])
def test_labels_alone_are_those_of_the_opened_scan(axis: int, largest: bool) -> None:
    model = tiny_model(image_side=48)
    model.preprocess = PreprocessConfig(image_side=48, largest_region=largest)
    segmenter = Segmenter(model)
    told: list[float] = []
    labels = segmenter.labels(scan_of(axis), told.append)
    np.testing.assert_array_equal(labels, segmenter.open(scan_of(axis)).labels)
    assert labels.dtype == np.uint8 and len(np.unique(labels)) > 1
    assert told == sorted(told) and told[-1] == 1.0


def test_strength_zero_gives_the_clean_labels(opened: SegmentedScan) -> None:
    for mode in ("resample", "shuffle"):
        for index in range(opened.slice_count):
            result = opened.perturb(index, 0.0, mode, seed=5)
            np.testing.assert_array_equal(result.indices, opened.indices[index])
            np.testing.assert_array_equal(result.clean_indices, opened.indices[index])
            assert result.replaced_share == 0.0
            assert not result.replaced.any()
            # One slice or four at once: sums may differ in their last bit, and a tie of two classes with them.
            assert (result.labels == opened.labels[:, :, index]).mean() > 0.999
            assert result.dice_vs_clean > 0.99
            np.testing.assert_allclose(result.reconstruction, opened.reconstruction[:, :, index], atol=1e-4)


@pytest.mark.parametrize("mode", ["resample", "shuffle"])
def test_a_slice_alone_equals_its_slice_of_the_volume(opened: SegmentedScan, mode: str) -> None:
    volume = opened.perturb_volume(0.6, mode, seed=9)
    slices = [opened.perturb(index, 0.6, mode, seed=9) for index in range(opened.slice_count)]
    assert volume.labels.shape == volume.reconstruction.shape == SHAPE
    assert volume.labels.dtype == np.uint8
    for index, one in enumerate(slices):
        assert (volume.labels[:, :, index] == one.labels).mean() > 0.999
        np.testing.assert_allclose(volume.reconstruction[:, :, index], one.reconstruction, atol=1e-4)
    assert volume.replaced_share == pytest.approx(np.mean([one.replaced_share for one in slices]), abs=1e-6)


@pytest.mark.parametrize("taken", [False, True])
def test_both_decoders_at_the_same_time_give_what_they_give_one_after_the_other(
    model: VQSeg, monkeypatch: pytest.MonkeyPatch, taken: bool
) -> None:
    threads, decode = set(), model.image_decoder.forward
    monkeypatch.setattr(model.image_decoder, "forward", lambda features: threads.add(get_ident()) or decode(features))
    monkeypatch.setattr(side_by_side.torch, "get_num_threads", lambda: 2)
    features = torch.randn(1, model.config.codebook_dim, 6, 5, generator=torch.Generator().manual_seed(0))
    expected = decode_features(model, features, (24, 20))
    assert threads == {get_ident()}
    if taken:
        monkeypatch.setattr(side_by_side, "_FREE", busy := Lock())
        busy.acquire()
    found = side_by_side.decode_side_by_side(model, features, (24, 20))
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other, strict=True)
    assert len(threads) == (1 if taken else 2)


def test_slices_and_seeds_draw_differently_and_repeat(opened: SegmentedScan) -> None:
    first, again = opened.perturb(1, 0.5, seed=3), opened.perturb(1, 0.5, seed=3)
    np.testing.assert_array_equal(first.indices, again.indices)
    np.testing.assert_array_equal(first.labels, again.labels)
    assert (opened.perturb(1, 0.5, seed=4).replaced != first.replaced).any()
    assert (opened.perturb(2, 0.5, seed=3).replaced != first.replaced).any()
    assert opened.perturb(1, 0.5, seed=-7).replaced_share > 0


def test_a_larger_strength_only_adds_replacements_whatever_the_order_of_asking(opened: SegmentedScan) -> None:
    results = {strength: opened.perturb(0, strength, seed=1) for strength in (0.9, 0.1, 1.0, 0.5)}
    for smaller, larger in ((0.1, 0.5), (0.5, 0.9), (0.9, 1.0)):
        kept = results[smaller].replaced
        assert results[larger].replaced[kept].all()
        np.testing.assert_array_equal(results[smaller].indices[kept], results[larger].indices[kept])
    assert results[1.0].replaced.all()


def test_many_seeds_do_not_hold_memory(opened: SegmentedScan) -> None:
    for seed in range(100):
        opened.perturb(0, 0.5, seed=seed)
    assert len(opened._swaps.drawn) <= 64
    first = opened.perturb(0, 0.5, seed=0)
    np.testing.assert_array_equal(first.indices, opened.perturb(0, 0.5, seed=0).indices)


def test_replaced_marks_the_changed_indices_and_their_share(opened: SegmentedScan) -> None:
    result = opened.perturb(3, 0.4, seed=1)
    np.testing.assert_array_equal(result.replaced, result.indices != result.clean_indices)
    assert result.replaced_share == pytest.approx(result.replaced.mean())
    assert result.psnr == pytest.approx(psnr(result.reconstruction, result.image))
    assert result.milliseconds > 0
    np.testing.assert_array_equal(result.image, opened.normalised[:, :, 3])


def test_a_constant_volume_is_no_error(model: VQSeg) -> None:
    voxels = np.full((40, 40, 2), 7.0, np.float32)
    opened = Segmenter(model).open(Scan(voxels=voxels, affine=np.eye(4), spacing=(1.0, 1.0, 1.0), name="flat.npy"))
    assert (opened.normalised == 0).all()
    assert np.isfinite(opened.reconstruction).all()
    assert np.isfinite(opened.perturb(0, 1.0).psnr)


@pytest.mark.parametrize("shape", [(5, 7, 1), (200, 9, 2), (1, 1, 1)])
def test_odd_sizes_come_back(model: VQSeg, shape: tuple[int, int, int]) -> None:
    voxels = np.random.default_rng(0).random(shape).astype(np.float32)
    opened = Segmenter(model).open(Scan(voxels=voxels, affine=np.eye(4), spacing=(1.0, 1.0, 1.0), name="odd.npy"))
    assert opened.labels.shape == shape
    assert opened.perturb(0, 0.5).labels.shape == shape[:2]


def test_byte_size_is_that_of_its_arrays(opened: SegmentedScan) -> None:
    voxels = int(np.prod(SHAPE))
    assert opened.byte_size == voxels * (4 + 4 + 4 + 1) + 6 * 12 * 12 * (4 + 4) + 6 * 8 * 8 * 16 * 4


@pytest.mark.parametrize("index", [-1, 6, 100])
def test_a_slice_outside_the_scan_is_refused(opened: SegmentedScan, index: int) -> None:
    with pytest.raises(ValueError, match=f"slice {index} is outside the scan; expected 0 to 5"):
        opened.perturb(index, 0.5)


@pytest.mark.parametrize("strength", [-0.01, 1.5, float("nan")])
@pytest.mark.parametrize("mode", ["resample", "shuffle"])
def test_a_strength_outside_its_range_is_refused(opened: SegmentedScan, strength: float, mode: str) -> None:
    with pytest.raises(ValueError, match=r"strength must lie in \[0, 1\]"):
        opened.perturb(0, strength, mode)
    with pytest.raises(ValueError, match=r"strength must lie in \[0, 1\]"):
        opened.perturb_volume(strength, mode)


def test_an_unknown_mode_is_refused(opened: SegmentedScan) -> None:
    with pytest.raises(ValueError, match="got 'swap'"):
        opened.perturb(0, 0.5, "swap")


def test_progress_is_told_and_may_cancel(model: VQSeg) -> None:
    shares: list[float] = []
    Segmenter(model).open(scan_of(), shares.append)
    assert shares == sorted(shares)
    assert shares[-1] == 1.0

    def cancel_after(limit: float) -> Callable[[float], None]:
        def cancel(share: float) -> None:
            if share > limit:
                raise KeyboardInterrupt

        return cancel

    # While encoding and while decoding.
    for limit in (0.0, shares[len(shares) // 2]):
        with pytest.raises(KeyboardInterrupt):
            Segmenter(model).open(scan_of(), cancel_after(limit))


def test_a_perturbed_volume_tells_its_progress_too(model: VQSeg) -> None:
    shares: list[float] = []
    Segmenter(model).open(scan_of()).perturb_volume(0.5, progress=shares.append)
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


def test_agreement_is_the_mean_dice_of_the_structures_in_either() -> None:
    reference = np.array([[0, 1, 1, 2]], np.uint8)
    assert label_agreement(reference, reference) == 1.0
    # 1: 2 x 1 / (1 + 2); 2 is missing: 0; 3 appears: 0.
    assert label_agreement(np.array([[0, 1, 0, 3]], np.uint8), reference) == pytest.approx((2 / 3) / 3)
    assert label_agreement(np.zeros((2, 2)), np.zeros((2, 2))) == 1.0


@given(
    hnp.arrays(np.uint8, (3, 4), elements=st.integers(0, 3)),
    hnp.arrays(np.uint8, (3, 4), elements=st.integers(0, 3)),
)
def test_the_changed_share_counts_among_the_pixels_of_either_pictures_structures(one: np.ndarray, other: np.ndarray) -> None:
    pairs = list(zip(one.ravel(), other.ravel(), strict=True))
    structures = [(a, b) for a, b in pairs if a or b]
    expected = sum(a != b for a, b in structures) / len(structures) if structures else None
    assert changed_share(one, other) == changed_share(other, one) == expected
    assert changed_share(one, one) in (0.0, None)


def test_psnr_is_its_formula_and_bounded() -> None:
    reference = np.zeros((4, 4), np.float32)
    assert psnr(reference + 0.1, reference) == pytest.approx(20, abs=1e-4)
    assert psnr(reference, reference) == 100.0


def test_dice_by_class_is_none_where_neither_picture_has_the_structure() -> None:
    one, other = np.array([[0, 1, 1, 2]]), np.array([[1, 1, 0, 0]])
    assert dice_by_class(one, other, 4) == [0.5, 0.0, None]


def test_cells_of_tokens_cover_the_slice(opened: SegmentedScan) -> None:
    rows, columns = opened.indices.shape[1] // opened.levels, opened.indices.shape[2]
    a, b = opened.slice_size
    # 50 x 37 is read at 48 x 36, one token for 4 x 4 pixels of that.
    assert opened.cell_size == (4 * 50 / 48, 4 * 37 / 36)
    assert a <= rows * opened.cell_size[0] and b <= columns * opened.cell_size[1]


def test_forced_tokens_get_their_code_and_nothing_else_changes(opened: SegmentedScan) -> None:
    free, forced = opened.perturb(1, 0.4), opened.perturb(1, 0.4, forced={(2, 3): 7, (0, 0): 5})
    changed = np.argwhere(free.indices != forced.indices)
    assert {tuple(place) for place in changed.tolist()} <= {(2, 3), (0, 0)}
    assert (forced.indices[2, 3], forced.indices[0, 0]) == (7, 5)
    np.testing.assert_array_equal(forced.replaced, forced.indices != forced.clean_indices)
    for wrong, message in (({(12, 0): 1}, "outside the grid"), ({(0, 0): 64}, "outside the codebook")):
        with pytest.raises(ValueError, match=message):
            opened.perturb(1, 0.4, forced=wrong)


def test_neighbours_are_the_nearest_codewords_with_their_share_of_equation_4(model: VQSeg, opened: SegmentedScan) -> None:
    codewords = model.quantizer.codewords().detach().double().numpy()
    distances = np.linalg.norm(codewords - codewords[9], axis=1)
    order = np.argsort(distances)[1:6]
    found = opened.neighbours(9, 5, also=(9, 40))
    np.testing.assert_array_equal(found.codes, [*order, 9, 40])
    np.testing.assert_allclose(found.distances, distances[found.codes], rtol=2e-7)
    nearest = np.linalg.norm(codewords[:, None] - codewords[None], axis=-1)
    np.fill_diagonal(nearest, np.inf)
    temperature = model.config.temperature
    scale = np.median(nearest.min(1) ** 2) if temperature == "adaptive" else temperature
    weights = np.exp(-(nearest[9] ** 2) / scale)
    np.testing.assert_allclose(found.probabilities, (weights / weights.sum())[found.codes], rtol=2e-2, atol=1e-6)
    with pytest.raises(ValueError, match="outside the codebook"):
        opened.neighbours(64, 5)


def test_near_codewords_are_told_apart_far_from_the_origin(opened: SegmentedScan, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    codewords = rng.normal(0, 100, opened.codewords.shape).astype(np.float32)
    codewords[10:20] = codewords[9] + rng.normal(0, 0.01, codewords[10:20].shape).astype(np.float32)
    monkeypatch.setattr(opened._swaps, "codewords", torch.from_numpy(codewords))
    distances = np.linalg.norm(codewords.astype(np.float64) - codewords[9], axis=1)
    found = opened.neighbours(9, 10)
    np.testing.assert_array_equal(found.codes, np.argsort(distances)[1:11])
    np.testing.assert_allclose(found.distances, distances[found.codes], rtol=1e-5)


@pytest.mark.parametrize("each", [False, True])
def test_an_organ_in_one_piece_stays_so_in_every_slice_and_at_every_strength(each: bool) -> None:
    # The random weights of this seed leave several islands.
    model = tiny_model(6, image_side=48)
    loose = Segmenter(model).open(scan_of())
    model.preprocess = PreprocessConfig(image_side=48, largest_region=True, largest_of_each=each)
    opened = Segmenter(model).open(scan_of())
    pieces = [ndimage.label(opened.labels == structure)[1] for structure in (1, 2, 3)]
    if each:
        assert max(pieces) == 1
    else:
        assert max(pieces) > 1
        assert ndimage.label(opened.labels > 0)[1] == 1
    assert np.count_nonzero(opened.labels) < np.count_nonzero(loose.labels)
    volume = opened.perturb_volume(0.6, "resample", 3)
    for index in range(opened.slice_count):
        np.testing.assert_array_equal(opened.perturb(index, 0.0).labels, opened.labels[:, :, index])
        assert opened.perturb(index, 0.0).dice_vs_clean == 1.0
        np.testing.assert_array_equal(opened.perturb(index, 0.6, "resample", 3).labels, volume.labels[:, :, index])


def test_pieces_of_an_unusual_size_are_dropped_in_the_scan_and_stay_so_in_every_replay_of_a_slice() -> None:
    model = tiny_model(6, image_side=48)
    loose = Segmenter(model).open(scan_of())
    model.preprocess = PreprocessConfig(image_side=48, usual_size=(0.001, 0.02))
    opened = Segmenter(model).open(scan_of())
    dropped = (loose.labels != opened.labels).any((0, 1))
    assert dropped.any() and (opened.labels > 0).any((0, 1)).all()
    np.testing.assert_array_equal(opened.labels, Segmenter(model).labels(scan_of()))
    np.testing.assert_array_equal(opened.labels, np.moveaxis(of_usual_size(np.moveaxis(loose.labels, 2, 0), (0.001, 0.02)), 0, 2))
    volume, far = opened.perturb_volume(0.6, "resample", 3), 0
    for index in range(opened.slice_count):
        np.testing.assert_array_equal(opened.perturb(index, 0.0).labels, opened.labels[:, :, index])
        replayed = opened.perturb(index, 0.6, "resample", 3).labels
        np.testing.assert_array_equal(replayed, volume.labels[:, :, index])
        pieces, count = ndimage.label(replayed > 0)
        near = surroundings(opened.labels[:, :, index][None])[0]
        assert all(near[pieces == piece].any() for piece in range(1, count + 1))
        far += np.count_nonzero(loose.perturb(index, 0.6, "resample", 3).labels != replayed)
    assert far > 0


def test_where_no_piece_was_found_the_size_of_what_swaps_bring_up_is_judged() -> None:
    model = tiny_model(6, image_side=48)
    model.preprocess = PreprocessConfig(image_side=48, usual_size=(0.001, 0.02))
    opened = Segmenter(model).open(scan_of())
    opened.labels[:] = 0
    for index in range(opened.slice_count):
        replayed = opened.perturb(index, 0.6, "resample", 3).labels
        assert replayed.any()
        np.testing.assert_array_equal(replayed, of_usual_size(replayed[None], (0.001, 0.02))[0])


def test_dropout_at_rate_zero_is_the_clean_slice_and_at_rate_one_says_nothing_of_the_scan(opened: SegmentedScan) -> None:
    clean, none = opened.perturb(2, 0.0), opened.dropout(2, 0.0, seed=5)
    np.testing.assert_array_equal(none.labels, clean.labels)
    np.testing.assert_allclose(none.reconstruction, clean.reconstruction, atol=1e-5)
    assert (none.replaced_share, none.dice_vs_clean) == (0.0, 1.0)
    np.testing.assert_array_equal(opened.dropout(2, 1.0).reconstruction, opened.dropout(0, 1.0).reconstruction)
    for rate in (-0.1, 1.5, float("nan")):
        with pytest.raises(ValueError, match=r"rate must lie in \[0, 1\]"):
            opened.dropout(2, rate)
    with pytest.raises(ValueError, match="outside the scan"):
        opened.dropout(6, 0.5)


def test_dropout_zeroes_single_features_of_the_codewords_and_scales_the_rest(model: VQSeg, opened: SegmentedScan) -> None:
    seen: list[torch.Tensor] = []
    handle = model.image_decoder.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    again = opened.dropout(1, 0.3, seed=4)
    opened.dropout(1, 0.8, seed=4)
    handle.remove()
    few, many = (features[0].numpy() for features in seen)
    codewords = model.quantizer.codewords().detach().numpy()[opened.indices[1]].transpose(2, 0, 1)
    np.testing.assert_allclose(few[few != 0], codewords[few != 0] / 0.7, rtol=1e-4)
    assert (few == 0).mean() == pytest.approx(0.3, abs=0.05)
    assert (many[few == 0] == 0).all()
    np.testing.assert_array_equal(opened.dropout(1, 0.3, seed=4).labels, again.labels)


@pytest.mark.parametrize("mode", ["resample", "shuffle", "dropout", "channel_dropout"])
def test_labels_alone_are_those_of_a_whole_answer(opened: SegmentedScan, mode: str) -> None:
    strengths, forced = (0.0, 0.4, 1.0), {(2, 3): 7}
    labels = opened.labels_at(1, strengths, mode, 5, forced, reach=9.0)
    assert (labels.dtype, labels.shape) == (np.uint8, (3, *opened.slice_size))
    for one, strength in zip(labels, strengths, strict=True):
        np.testing.assert_array_equal(one, opened.perturb(1, strength, mode, 5, forced, reach=9.0).labels)
    with pytest.raises(ValueError, match="outside the scan"):
        opened.labels_at(99, strengths)


def test_forced_tokens_are_dropped_out_like_the_others(opened: SegmentedScan) -> None:
    forced = opened.dropout(1, 0.0, forced={(2, 3): 7})
    np.testing.assert_allclose(forced.reconstruction, opened.perturb(1, 0.0, forced={(2, 3): 7}).reconstruction, atol=1e-5)


# Labels alone


def refuse(*_: object) -> None:
    pytest.fail("something was decoded that nobody asked for")


def test_labels_and_pictures_that_are_asked_for_later_are_those_of_an_opened_scan(model: VQSeg, monkeypatch: pytest.MonkeyPatch) -> None:
    segmenter, scan = Segmenter(model), scan_of(1)
    opened = segmenter.open(scan)
    monkeypatch.setattr(model.image_decoder, "forward", refuse)
    read = segmenter.label(scan)
    np.testing.assert_array_equal(read.labels, opened.labels)
    np.testing.assert_array_equal(segmenter.labels(scan), opened.labels)
    monkeypatch.undo()
    monkeypatch.setattr(model.segmentation_decoder, "forward", refuse)
    np.testing.assert_array_equal(read.pictures([4, 1]), np.moveaxis(opened.reconstruction, 1, 0)[[4, 1]])
    np.testing.assert_array_equal(read.reconstruction, opened.reconstruction)
    for name in ("normalised", "distances", "pooled"):
        np.testing.assert_array_equal(getattr(read, name), getattr(opened, name))


def test_the_consistency_needs_no_reconstruction(model: VQSeg, opened: SegmentedScan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model.image_decoder, "forward", refuse)
    np.testing.assert_array_equal(opened.consistency(2, 0.0).pseudo_labels, np.moveaxis(opened.labels, opened.axis, 0)[2])
