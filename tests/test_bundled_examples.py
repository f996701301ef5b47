"""The bundled examples: complete, licensed and small, and read by the embedded checkpoints as their README says."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from runpy import run_path

import nibabel as nib
import numpy as np
import pytest
from PIL import Image

from app.scan.frame_request import FrameRequest
from app.scan.frames import make_frame
from app.scan.models import Models, load_served
from app.scan.open_scan import OpenScan
from app.scan.truth import named_truth, truth_dice
from app.visit.examples import Examples, find_examples
from app.visit.manifest import Example, read_manifest
from vqseg.cardiac import paired
from vqseg.checkpoint import checkpoint_folder, load_model
from vqseg.data.phantom import phantom_volume
from vqseg.data.phantom_cine import phantom_cine
from vqseg.data.scan import read_labels, read_numbers, read_scan
from vqseg.inference import Cine, SegmentedScan, Segmenter, dice_by_class, labelled_frames, segment_cine

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "assets" / "examples"
ALL = read_manifest(FOLDER)
PHANTOMS = [example for example in ALL if example.group == "Phantoms" and "nodule" not in example.name]
REAL = [example for example in ALL if example.group != "Phantoms"]
README = (FOLDER / "README.md").read_text(encoding="utf-8")


@cache
def segmenter(checkpoint: str) -> Segmenter:
    return Segmenter(load_model(ROOT / checkpoint))


@cache
def opened(example: Example) -> SegmentedScan:
    return segmenter(example.checkpoint or "").open(read_scan(example.path))


class Judged:
    """What `truth_dice` reads of an open scan."""

    def __init__(self, segmented: object, judged: tuple[int, ...]) -> None:
        self.segmented, self.judged = segmented, judged


def scores_of(example: Example) -> list[float]:
    """Dice of each structure that the ground truth tells of, by the checkpoint that the manifest names."""
    reader = segmenter(example.checkpoint or "")
    scan = read_scan(example.path)
    truth = named_truth(read_numbers(example.truth), scan, example.classes or (), reader.classes)
    labels = opened(example).labels
    return [score for score in truth_dice(Judged(reader, truth.judged), labels, truth.labels) if score is not None]  # type: ignore[arg-type]


def title_of(example: Example) -> str:
    return example.title


@pytest.mark.parametrize("example", PHANTOMS, ids=title_of)
def test_the_embedded_checkpoint_fails_on_the_trap_alone(example: Example) -> None:
    scores = scores_of(example)
    if "trap" in example.name:
        assert np.mean(scores) < 0.75
    else:
        assert min(scores) > 0.85


def test_the_checkpoint_for_nodules_finds_the_phantoms_nodule() -> None:
    example = next(example for example in ALL if example.title == "Phantom lung nodule")
    assert scores_of(example)[0] > 0.7


@pytest.mark.parametrize("example", REAL, ids=title_of)
def test_a_real_example_is_read_as_the_readme_says(example: Example) -> None:
    told = re.search(rf"^\| {re.escape(example.title)} \|[^|]+\| (\.\d+) \|", README, re.MULTILINE)
    assert told is not None, "the README has no row for it"
    (score,) = scores_of(example)
    assert score == pytest.approx(float(told[1]), abs=0.01)


def test_what_is_bundled_is_listed_with_its_licence_its_truth_and_its_picture() -> None:
    listed = {path for example in ALL for path in (example.path, example.truth)}
    assert listed == {path for path in FOLDER.iterdir() if path.suffix in (".gz", ".png")}
    pictures = {example.thumbnail for example in ALL if example.thumbnail.exists()}
    assert len(pictures) == len({example.name for example in ALL})
    for example in ALL:
        assert example.classes is not None
        assert example.readable_by(segmenter(example.checkpoint or "").classes)
        assert read_labels(example.truth).max() == len(example.classes) - 1
        assert read_scan(example.path).shape == read_scan(example.truth).shape
        index = example.opening.index
        assert index is None or index < read_scan(example.path).shape[2]
    licences = {example.path.name.split("_")[0]: example.licence for example in ALL}
    assert licences == {"sunnybrook": "CC0 1.0", "lidc": "CC BY 3.0", "phantom": "CC0 1.0"}
    assert {example.credit.split(",")[0] for example in REAL} == {"Sunnybrook Cardiac Data", "LIDC-IDRI"}


@pytest.mark.parametrize("example", [*ALL, *read_manifest(ROOT / "assets" / "cine")], ids=title_of)
def test_the_script_draws_the_picture_that_lies_there(example: Example) -> None:
    part = run_path(str(ROOT / "assets" / "make_examples.py"), run_name="imported")["thumbnail"](example)
    assert part.dtype == np.uint8 and part.shape[0] == part.shape[1]
    # Of both phases of a heart, the first one is drawn.
    if "es" not in example.path.name.removesuffix(".nii.gz").split("_"):
        with Image.open(example.thumbnail) as there:
            drawn = Image.fromarray(part).resize(there.size, Image.Resampling.LANCZOS)
            np.testing.assert_allclose(np.asarray(there.convert("L"), float), np.asarray(drawn, float), atol=40)
            assert np.corrcoef(np.asarray(there.convert("L")).ravel(), np.asarray(drawn).ravel())[0, 1] > 0.98


def test_every_heart_is_there_in_both_phases_and_the_first_one_opens_with_an_effect() -> None:
    hearts = [example for example in ALL if example.group == "Hearts"]
    assert [example.phase for example in hearts] == ["ED", "ES"] * (len(hearts) // 2)
    assert all(pair[0].name == pair[1].name for pair in zip(hearts[::2], hearts[1::2], strict=True))
    assert ALL[0] is hearts[0]
    assert ALL[0].opening.strength > 0
    assert [example.title for example in Examples(find_examples(FOLDER)).all] == [example.title for example in ALL]


def test_links_to_the_phantoms_of_before_still_lead_to_them() -> None:
    titles = {f"Phantom {name}" for name in ("dilated left ventricle", "end systole thick wall", "lung nodule", "small heart low contrast")}
    assert titles | {"Phantom trap cyst beside the heart", "Phantom wide right ventricle"} <= {example.title for example in ALL}


def test_the_first_heart_holds_its_labels_at_the_strength_that_it_opens_with_while_its_picture_breaks_up() -> None:
    first = ALL[0]
    scan, index, strength = opened(first), first.opening.index or 0, first.opening.strength
    clean, shown = (scan.perturb(index, one, reach=0.75 * scan.codebook_size) for one in (0.0, strength))
    assert 0.9 < shown.dice_vs_clean < 0.99
    assert shown.psnr < clean.psnr - 3


def test_the_assets_are_small() -> None:
    files = [path for path in (ROOT / "assets").rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 12e6
    assert max(path.stat().st_size for path in files if path.suffix == ".webp") < 8000


def test_no_file_carries_more_than_voxels_and_geometry() -> None:
    for path in sorted(FOLDER.glob("sunnybrook_*.nii.gz")):
        header = nib.load(path).header
        assert not header.extensions
        assert all(not bytes(header[field]).strip(b"\0") for field in ("descrip", "aux_file", "db_name", "intent_name"))


def test_the_trap_leaves_the_heart_as_it_was() -> None:
    example = next(example for example in PHANTOMS if "trap" in example.name)
    image, labels, _ = phantom_volume(2010, "ED")
    voxels = read_scan(example.path).voxels
    np.testing.assert_array_equal(read_labels(example.truth), labels)
    np.testing.assert_array_equal(voxels[labels > 0], image[labels > 0])
    assert (voxels != image).any()


def test_the_embedded_checkpoint_finds_the_beating_hearts_ejection_fraction() -> None:
    reader = segmenter("checkpoints/acdc-10")
    file = ROOT / "assets" / "cine" / "phantom_beating-heart.nii.gz"
    cine, truth = Cine(file), Cine(file.with_name("phantom_beating-heart_truth.nii.gz"))
    true = segment_cine(reader, truth, segment=lambda scan: scan.voxels.astype(np.uint8)).function
    phases = (true.ed_frame, true.es_frame)
    # All twenty frames take a minute: the two that make the ejection fraction do.
    labels = dict(labelled_frames(reader, cine, wanted=phases))
    for phase in phases:
        assert dice_by_class(labels[phase], truth.read(phase).voxels.astype(np.uint8), 4)[2] > 0.95
    found = paired(*(labels[phase] for phase in phases), reader.classes, cine.grid, cine.grid)
    assert found.lv.ejection_fraction_percent == pytest.approx(true.lv.ejection_fraction_percent, abs=1)
    assert found.lv.stroke_volume_ml == pytest.approx(true.lv.stroke_volume_ml, rel=0.1)


def test_the_bundled_cine_is_small_and_is_made_again_from_its_seed() -> None:
    file = ROOT / "assets" / "cine" / "phantom_beating-heart.nii.gz"
    assert file.stat().st_size < 1.2e6
    again = phantom_cine(3033)
    for name, expected in ((file.name, again.image), ("phantom_beating-heart_truth.nii.gz", again.labels)):
        np.testing.assert_array_equal(read_scan(file.with_name(name), 7).voxels, expected[..., 7])


# What the tour of the page claims (app/page/tour_steps.js), measured on the slice that the page opens with: at this epsilon and reach,
# the share of the structures' pixels that change and the PSNR of the reconstruction. Without a swap it is 27.0 dB.
TOUR = [(1.0, 1, 0.008, 24.9), (0.4, 4095, 0.071, 16.9), (0.5, 4095, 0.505, 15.3)]


@pytest.mark.parametrize(("strength", "reach", "share", "psnr"), TOUR)
def test_the_tour_shows_what_it_claims_on_the_heart_that_the_page_opens_with(
    strength: float, reach: int, share: float, psnr: float
) -> None:
    scan = _default()
    plane, index = scan.plane, scan.opening_index(scan.plane)
    frame = make_frame(scan, FrameRequest(plane, index, strength, "resample", 0, reach=reach))
    assert frame.changed_share is not None
    assert frame.changed_share == pytest.approx(share, abs=0.01)
    assert frame.psnr == pytest.approx(psnr, abs=0.2)
    # Lookalikes change next to nothing; then the picture goes while the labels hold; then both go.
    clean = make_frame(scan, FrameRequest(plane, index, 0, "resample", 0)).psnr
    assert (clean - frame.psnr > 8) == (reach > 1)
    assert (frame.changed_share > 0.1) == (strength == 0.5)


@cache
def _default() -> OpenScan:
    models = Models({"acdc-10": "acdc-10"}, lambda name: load_served(name, name, checkpoint_folder(str(ROOT / "checkpoints" / name))))
    scan = Examples(find_examples(FOLDER)).open(ALL[0].title, models.default)
    assert scan is not None
    return scan
