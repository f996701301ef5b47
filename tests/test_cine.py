"""Cines frame by frame: from files to labels, curves and tables, on the input's own grid."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from tests.tiny import tiny_model
from vqseg.cardiac import NoLeftVentricleError, cardiac_function, count_voxels, curves_of, read_curves, read_summary
from vqseg.checkpoint import save_model
from vqseg.cli import main
from vqseg.data.phantom_cine import CinePhantom, contraction_at, phantom_cine, write_cine
from vqseg.data.scan import ScanError, read_scan, write_labels
from vqseg.inference import Cine, Segmenter, labelled_frames, segment_cine
from vqseg.types import Array, Scan

CLASSES = ("background", "RV", "MYO", "LV")
SIZE = {"phases": 12, "side": 80, "slices": 7}


@pytest.fixture(scope="module")
def phantom() -> CinePhantom:
    return phantom_cine(3033, **SIZE)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory, phantom: CinePhantom) -> Path:
    """heart.nii.gz and heart_truth.nii.gz. Read only."""
    folder = tmp_path_factory.mktemp("cines")
    write_cine(phantom, folder / "heart")
    return folder


@pytest.fixture(scope="module")
def segmenter() -> Segmenter:
    return Segmenter(tiny_model())


def as_it_is(scan: Scan) -> Array:
    """Segments a scan of labels: they are what it shows."""
    return scan.voxels.astype(np.uint8)


def test_a_phantoms_truth_beats_as_the_phases_say(phantom: CinePhantom) -> None:
    counts = [count_voxels(phantom.labels[..., frame], CLASSES) for frame in range(12)]
    size = {name: np.array([count[name] for count in counts], float) for name in CLASSES[1:]}
    share = np.array([contraction_at(frame / 12) for frame in range(12)])
    # Volume follows contraction, the first frame is the fullest, and the muscle keeps its volume while its wall thickens.
    assert np.corrcoef(size["LV"], share)[0, 1] < -0.99 and np.corrcoef(size["RV"], share)[0, 1] < -0.99
    assert np.abs(size["MYO"] / size["MYO"].mean() - 1).max() < 0.06
    assert size["LV"].argmax() == 0 and 45 < 100 * (1 - size["LV"].min() / size["LV"].max()) < 65
    assert contraction_at(0) == contraction_at(1) == 0 and max(contraction_at(time / 1000) for time in range(1000)) > 0.999
    steps = np.diff([contraction_at(time / 1000) for time in range(1001)])
    assert np.abs(np.diff(steps)).max() < 1e-4


def test_a_seed_always_gives_the_same_cine_and_its_frames_one_body(phantom: CinePhantom) -> None:
    again = phantom_cine(3033, **SIZE)
    np.testing.assert_array_equal(phantom.image, again.image)
    # Far from the heart nothing moves but the noise.
    edge = phantom.image[:, -12:].astype(float)
    assert np.abs(edge[..., 0] - edge[..., 4]).mean() < 2 < phantom.image.std()
    for wrong in ({"seed": -1}, {"phases": 1}, {"side": 10}, {"slices": 2}):
        with pytest.raises(ValueError, match="expected at least"):
            phantom_cine(**({"seed": 0} | wrong))


def test_frames_come_one_by_one_in_the_wanted_order(files: Path, phantom: CinePhantom, segmenter: Segmenter) -> None:
    cine, shares = Cine(files / "heart_truth.nii.gz"), list[float]()
    assert cine.shape == phantom.labels.shape and cine.frame_seconds == pytest.approx(1 / 12)
    found = labelled_frames(segmenter, cine, wanted=(7, 0, 3), segment=as_it_is, progress=shares.append)
    assert isinstance(found, Iterator) and shares == []
    for index, labels in found:
        np.testing.assert_array_equal(labels, phantom.labels[..., index])
    assert shares == pytest.approx([1 / 3, 2 / 3, 1])


def test_labels_are_those_of_every_frame_opened_alone(files: Path, segmenter: Segmenter) -> None:
    shares: list[float] = []
    for index, labels in labelled_frames(segmenter, Cine(files / "heart.nii.gz"), wanted=(5,), progress=shares.append):
        np.testing.assert_array_equal(labels, segmenter.open(read_scan(files / "heart.nii.gz", index)).labels)
    assert len(shares) > 2 and shares == sorted(shares) and shares[-1] == 1


def test_an_exception_of_the_progress_cancels(files: Path, segmenter: Segmenter) -> None:
    class CancelledError(Exception):
        pass

    def cancel(share: float) -> None:
        if share > 0.2:
            raise CancelledError

    seen = []
    with pytest.raises(CancelledError):
        seen += [index for index, _ in labelled_frames(segmenter, Cine(files / "heart.nii.gz"), progress=cancel)]
    with pytest.raises(CancelledError):
        segment_cine(segmenter, Cine(files / "heart_truth.nii.gz"), progress=cancel, segment=as_it_is)
    assert seen == []


def test_a_segmented_cine_is_measured(files: Path, phantom: CinePhantom, segmenter: Segmenter) -> None:
    found = segment_cine(segmenter, Cine(files / "heart_truth.nii.gz"), segment=as_it_is)
    np.testing.assert_array_equal(found.labels, phantom.labels)
    counts = [count_voxels(phantom.labels[..., frame], CLASSES) for frame in range(12)]
    true = 100 * (1 - min(count["LV"] for count in counts) / max(count["LV"] for count in counts))
    assert found.function.lv.ejection_fraction_percent == pytest.approx(true)
    assert found.curves.ml("LV")[0] == pytest.approx(counts[0]["LV"] * abs(np.linalg.det(phantom.affine[:3, :3])) / 1000)
    assert found.function.heart_rate_bpm == pytest.approx(60) and found.function.ed_frame == 0


def test_a_network_without_a_left_ventricle_is_refused_before_anything_is_read(files: Path) -> None:
    lungs = Segmenter(tiny_model(classes=("background", "nodule")))
    with pytest.raises(NoLeftVentricleError, match="nodule"):
        segment_cine(lungs, Cine(files / "heart.nii.gz"), segment=lambda _: pytest.fail("segmented"))


def test_a_cine_is_more_than_one_frame_and_not_too_many(files: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "still.npy", np.ones((8, 8, 3)))
    with pytest.raises(ScanError, match=r"still\.npy holds one frame"):
        Cine(tmp_path / "still.npy")
    with pytest.raises(ScanError, match="too large: 12 frames"):
        Cine(files / "heart.nii.gz", most_bytes=4 * 80 * 69 * 7)


@pytest.mark.parametrize(
    ("pixdim", "known"),
    [([1, 1.25, 1.25, 8, 0, 0, 0, 0], True), ([1, 1, 1, 1, 0, 0, 0, 0], False), ([1, 1.25, 1.25, 0, 0, 0, 0, 0], False)],
)
def test_a_scan_says_whether_its_spacing_is_known(pixdim: list[float], known: bool, tmp_path: Path) -> None:
    header = nib.Nifti1Header()
    header["pixdim"] = pixdim
    image = nib.Nifti1Image(np.ones((4, 4, 4), np.uint8), None, header)
    image.header["pixdim"] = pixdim
    image.to_filename(tmp_path / "scan.nii")
    assert read_scan(tmp_path / "scan.nii").spacing_known is known
    np.save(tmp_path / "array.npy", np.ones((4, 4, 4)))
    assert read_scan(tmp_path / "array.npy").spacing_known is False


@pytest.mark.parametrize("units", [("mm", "sec"), ("mm", "msec"), (None, None)])
def test_the_labels_of_a_cine_keep_its_grid_and_its_time(units: tuple[str | None, str | None], tmp_path: Path) -> None:
    affine = np.array([[0, -1.25, 0.3, 10], [1.25, 0, 0.1, -20], [0, 0.2, 8, 5], [0, 0, 0, 1]])
    source = nib.Nifti1Image(np.arange(4 * 5 * 3 * 6, dtype=np.int16).reshape(4, 5, 3, 6), affine)
    source.header.set_xyzt_units(*units)
    source.header["pixdim"][4] = 42.5
    source.to_filename(tmp_path / "cine.nii")
    labels = np.random.default_rng(0).integers(0, 4, (4, 5, 3, 6)).astype(np.uint8)
    write_labels(labels, Cine(tmp_path / "cine.nii").grid, tmp_path / "labels.nii.gz")
    written = nib.load(tmp_path / "labels.nii.gz")
    np.testing.assert_array_equal(np.asarray(written.dataobj), labels)
    np.testing.assert_allclose(written.affine, source.affine, rtol=1e-6)
    for field in ("pixdim", "xyzt_units", "sform_code", "qform_code"):
        np.testing.assert_array_equal(written.header[field], nib.load(tmp_path / "cine.nii").header[field])


def test_a_picture_takes_no_frames_and_a_wrong_shape_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "cine.npy", np.ones((8, 8, 1, 5)))
    grid = Cine(tmp_path / "cine.npy").grid
    with pytest.raises(ScanError, match="a PNG holds one slice, the scan has 5"):
        write_labels(np.zeros((8, 8, 1, 5), np.uint8), grid, tmp_path / "labels.png")
    for shape in ((8, 8, 2, 5), (8, 8)):
        with pytest.raises(ScanError, match="the grid of cine"):
            write_labels(np.zeros(shape, np.uint8), grid, tmp_path / "labels.npy")


def test_predict_writes_labels_curves_and_a_summary_of_cines(
    files: Path, phantom: CinePhantom, checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.save(tmp_path / "array.npy", phantom.image[:, :, 2:5, :3])
    np.save(tmp_path / "still.npy", phantom.image[..., 0])
    words = [files / "heart.nii.gz", tmp_path / "array.npy", tmp_path / "still.npy"]
    output = tmp_path / "out"
    assert main(["predict", *map(str, words), "--cine", "--checkpoint", str(checkpoint), "--output", str(output)]) == 1
    text = capsys.readouterr()
    assert "skipped still.npy: still.npy holds one frame" in text.err and "2 of 3 cines segmented" in text.out
    assert {file.name for file in output.iterdir()} == {"heart.nii.gz", "heart.csv", "array.npy", "array.csv", "summary.csv"}
    labels = np.asarray(nib.load(output / "heart.nii.gz").dataobj)
    counts = [count_voxels(labels[..., frame], CLASSES) for frame in range(12)]
    curves = read_curves(output / "heart.csv")
    assert curves.voxels == curves_of(counts, 1.0).voxels and curves.frame_seconds == pytest.approx(1 / 12, rel=1e-5)
    assert np.load(output / "array.npy").shape == (69, 80, 3, 3)
    heart, array = read_summary(output / "summary.csv")
    assert (heart.name, array.name) == ("heart", "array")
    assert heart.function.spacing_known and not array.function.spacing_known
    assert heart.function.ed_frame == cardiac_function(curves).ed_frame


def test_predict_pairs_files_of_two_phases(files: Path, checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, output = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    series = nib.load(files / "heart.nii.gz")
    for name, frame in (("p1_ed_0000", 0), ("p1_es_0000", 4), ("p2_ES", 5), ("p2_ED", 1)):
        nib.Nifti1Image(np.asarray(series.dataobj)[..., frame], series.affine).to_filename(folder / f"{name}.nii.gz")
    words = ["predict", str(folder), "--pair", "--checkpoint", str(checkpoint), "--output", str(output)]
    assert main(words) == 0
    assert "2 of 2 pairs segmented" in capsys.readouterr().out
    assert [row.name for row in read_summary(output / "summary.csv")] == ["p1", "p2"]
    diastole, systole = (np.asarray(nib.load(output / f"p2_{phase}.nii.gz").dataobj) for phase in ("ED", "ES"))
    assert read_curves(output / "p2.csv").voxels["MYO"] == ((diastole == 2).sum(), (systole == 2).sum())
    two = [str(folder / "p2_ED.nii.gz"), str(folder / "p1_ed_0000.nii.gz"), "--phases", "rest", "stress"]
    assert main(["predict", *two, "--pair", "--checkpoint", str(checkpoint), "--output", str(tmp_path / "two")]) == 0
    assert [row.name for row in read_summary(tmp_path / "two" / "summary.csv")] == ["p2_ED-p1_ed"]
    assert main([*words, "--cine"]) == 2 and "exclude each other" in capsys.readouterr().err
    assert main([*words, "--phases", "rest", "stress"]) == 2 and "has neither 'rest' nor 'stress'" in capsys.readouterr().err


def test_predict_refuses_results_of_one_name_and_networks_of_other_organs(
    files: Path, tmp_path: Path, checkpoint: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.save(tmp_path / "summary.npy", np.ones((16, 16, 3, 2)))
    output = ["--output", str(tmp_path / "out")]
    assert main(["predict", str(tmp_path / "summary.npy"), "--cine", "--checkpoint", str(checkpoint), *output]) == 1
    assert "would overwrite others" in capsys.readouterr().err and not (tmp_path / "out" / "summary.csv").exists()
    save_model(tiny_model(classes=("background", "nodule")), tmp_path / "lungs")
    assert main(["predict", str(files / "heart.nii.gz"), "--cine", "--checkpoint", str(tmp_path / "lungs"), "--output", "none"]) == 2
    assert "no class 'LV'" in capsys.readouterr().err and not Path("none").exists()


def test_the_phantom_command_writes_cines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["phantom", "--cine", "--output", str(tmp_path / "p"), "--patients", "1", "--seed", "4", "--phases", "3"]) == 0
    assert {file.name for file in (tmp_path / "p").iterdir()} == {"phantom001.nii.gz", "phantom001_truth.nii.gz"}
    scan = read_scan(tmp_path / "p" / "phantom001.nii.gz", 2)
    assert scan.frames == 3 and scan.frame_seconds == pytest.approx(1 / 3) and scan.spacing_known
    np.testing.assert_array_equal(scan.voxels, phantom_cine(4, 3).image[..., 2])
    assert main(["phantom", "--cine", "--output", str(tmp_path / "q"), "--patients", "0"]) == 2
    assert "expected at least" in capsys.readouterr().err
