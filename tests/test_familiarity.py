"""Whether a checkpoint knows a scan: the verdict, its reference as a file, and the shipped checkpoints on bundled scans."""

from __future__ import annotations

import importlib.util
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_segmenter import FakeSegmentedScan

from tests.tiny import tiny_model
from vqseg.checkpoint import CheckpointError, load_model, read_config, save_model
from vqseg.cli import main
from vqseg.cli.known import KnownScans
from vqseg.codebook import FamiliarityError, Reference, codebook_key, judge, read_reference, write_reference
from vqseg.codebook.familiarity import MEASURES, TURNS, SliceMeasures, TrainingScan, fit, trained_on_turned, training
from vqseg.codebook.familiarity.card import in_plane, unlike_the_card
from vqseg.config import Config, ConfigError, ReadsConfig
from vqseg.data.phantom import write_phantoms
from vqseg.data.scan import read_scan
from vqseg.data.splits import unlabelled_of
from vqseg.experiments.methods import changed
from vqseg.experiments.runs import cell_key
from vqseg.inference import LabelledScan, Segmenter
from vqseg.models.slicewise import encode_slices, encode_with_measures
from vqseg.models.vqseg import VQSeg
from vqseg.types import Array, Scan

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "assets" / "examples"
D = 5


def drawn(rng: np.random.Generator, slices: int = 6) -> SliceMeasures:
    """Slices as training shows them: features about 0, a layout that rises along the rows, and 30 dB."""
    layout = rng.normal(0, 0.3, (slices, 4, 4, D)) + np.linspace(-1, 1, 4)[:, None, None] + np.linspace(0, 0.5, 4)[:, None]
    return SliceMeasures(
        rng.normal(30, 1, slices), rng.random((slices, 50)), rng.normal(0, 1, (slices, D)), layout.astype(np.float32)
    )  # fmt: skip


def training_scan(rng: np.random.Generator, patient: str) -> TrainingScan:
    slices = drawn(rng)
    # Turning a slice of these turns its layout.
    return TrainingScan(patient, slices, {name: turn(slices.layout) for name, turn in TURNS.items()}, rng.normal(8, 1, (1, D)))


@pytest.fixture(scope="module")
def reference() -> Reference:
    rng = np.random.default_rng(0)
    scans = [training_scan(rng, str(number)) for number in range(30)]
    return fit(scans, {"noise": rng.normal(-8, 1, (20, D))}, source="made up", key="k")


def steps(reference: Reference, slices: SliceMeasures) -> dict[str, float]:
    return {one.name: one.steps for one in reference.compare(slices)}


def test_the_verdict_is_monotone_in_every_measure(reference: Reference) -> None:
    slices = drawn(np.random.default_rng(1))
    moved: dict[str, list[SliceMeasures]] = {
        "psnr": [replace(slices, psnr=slices.psnr - loss) for loss in range(0, 20, 2)],
        "far": [replace(slices, distances=slices.distances + shift) for shift in np.linspace(0, 1, 10)],
        "texture": [replace(slices, texture=slices.texture * factor) for factor in np.linspace(1, 9, 10)],
        "kind": [replace(slices, texture=slices.texture * 0.1 - shift) for shift in np.linspace(0, 9, 10)],
        "turned": [replace(slices, layout=slices.layout * (1 - share) + slices.layout[:, ::-1] * share) for share in np.linspace(0, 1, 10)],
    }
    assert set(moved) == set(MEASURES)
    for name, further in moved.items():
        found = [steps(reference, one)[name] for one in further]
        assert found == sorted(found) and found[-1] > MEASURES[name].foreign and found[0] < MEASURES[name].doubtful, (name, found)


def test_each_way_to_turn_a_scan_is_named(reference: Reference) -> None:
    slices = drawn(np.random.default_rng(2))
    for name, turn in TURNS.items():
        found = {one.name: one for one in reference.compare(replace(slices, layout=turn(slices.layout)))}["turned"]
        assert found.foreign and found.reason() == f"its pictures look {name}"


def test_few_slices_are_allowed_more_than_many(reference: Reference) -> None:
    slices = replace(drawn(np.random.default_rng(3)), psnr=np.full(6, 27.5))
    one = steps(reference, slices.of(np.array([0])))["psnr"]
    assert 0 < one < steps(reference, slices)["psnr"]


def test_a_slice_of_another_kind_is_the_one_that_lies_far(reference: Reference) -> None:
    slices = drawn(np.random.default_rng(4))
    slices.texture[2] = -8
    far = reference.compare_slices(slices)
    assert far.shape == (6,) and far.argmax() == 2 and far[2] > 1 and np.delete(far, 2).max() < 1


def test_a_network_that_was_trained_on_turned_scans_does_not_ask_how_they_lie() -> None:
    rng = np.random.default_rng(5)
    scans = [replace(training_scan(rng, str(number)), turned={}) for number in range(6)]
    found = fit(scans, {"noise": rng.normal(-8, 1, (20, D))}, source="", key="")
    assert found.turns is None and "turned" not in steps(found, drawn(rng))
    assert [trained_on_turned({"config": {"augmentation": {"flip": flip}}}) for flip in (True, False)] == [True, False]
    assert trained_on_turned({})


def test_one_patient_is_too_few() -> None:
    with pytest.raises(ValueError, match="1 training patients are too few"):
        fit([training_scan(np.random.default_rng(0), "a")] * 3, {}, source="", key="")


def test_encoding_with_measures_gives_the_same_indices_and_what_they_were_chosen_by() -> None:
    model, slices = tiny_model(), np.random.default_rng(0).random((5, 40, 48), np.float32)
    encoded = encode_with_measures(model, slices)
    assert (encoded.indices == encode_slices(model, slices)).all()
    opened = Segmenter(model).open(scan_of(np.moveaxis(slices, 0, 2) * 255))
    codewords = opened.codewords
    for index in range(5):
        z = opened.features(index)
        expected = np.linalg.norm(z - codewords[opened.indices[index]], axis=-1)
        np.testing.assert_allclose(opened.distances[index], expected, rtol=1e-3, atol=1e-4)
        # 20 x 24 tokens over 8 x 8 cells of 2.5 rows: the mean over all of them is that of the slice, but for shared rows.
        np.testing.assert_allclose(opened.pooled[index].mean((0, 1)), z.mean((0, 1)), atol=0.1)


def scan_of(voxels: Array, spacing: tuple[float, float, float] = (1.0, 1.0, 1.0)) -> Scan:
    return Scan(voxels.astype(np.float32), np.eye(4), spacing, "scan.nii.gz")


def test_the_card_names_what_speaks_against_a_scan_and_nothing_where_it_is_silent() -> None:
    card = ReadsConfig(modality="MR", spacing=(0.5, 3.0), field=(100.0, 500.0), pixels=(64, 640), values=(0.0, 1000.0))
    good = scan_of(np.full((128, 128, 4), 20), (1.5, 1.5, 8.0))
    assert unlike_the_card(good, 2, card) == []
    cases = {
        "values run from -900 to -900": scan_of(good.voxels * 0 - 900, good.spacing),
        "pixels are 5 mm wide": replace(good, spacing=(3.5, 5.0, 8.0)),
        "pictures are 67 mm wide": replace(good, spacing=(0.52, 0.52, 8.0)),
        "32 pixels a side": scan_of(np.ones((32, 20, 4)), (3.0, 4.9, 8.0)),
    }
    for words, scan in cases.items():
        assert any(words in reason for reason in unlike_the_card(scan, 2, card)), words
        assert unlike_the_card(scan, 2, ReadsConfig()) == []
    # Lost spacings are all 1; they say nothing.
    assert in_plane(scan_of(good.voxels), 2) is None


def test_without_a_reference_nothing_is_known_but_the_card_still_speaks() -> None:
    read = FakeSegmentedScan(scan_of(np.random.default_rng(0).random((16, 16, 3))))
    found = judge(read, ReadsConfig(), None)
    assert found.verdict == "unknown" and "python -m vqseg familiarity" in found.reasons[0]
    assert judge(read, ReadsConfig(values=(5.0, 9.0)), None).verdict == "doubtful"


@pytest.fixture
def folder(reference: Reference, tmp_path: Path) -> Path:
    write_reference(reference, tmp_path)
    return tmp_path


def test_a_round_trip_keeps_the_verdict(reference: Reference, folder: Path) -> None:
    loaded = read_reference(folder)
    assert [path.name for path in folder.iterdir()] == ["familiarity.npz"]
    assert (loaded.source, loaded.scans, loaded.key, loaded.other_kinds) == (
        reference.source, reference.scans, reference.key, reference.other_kinds,
    )  # fmt: skip
    slices = drawn(np.random.default_rng(6))
    assert steps(loaded, slices) == pytest.approx(steps(reference, slices), abs=0.02)


def test_a_reference_belongs_to_one_codebook(reference: Reference, tmp_path: Path) -> None:
    model = tiny_model()
    write_reference(replace(reference, key=codebook_key(model)), tmp_path)
    read_reference(tmp_path, Segmenter(model))
    with pytest.raises(FamiliarityError, match="belongs to another codebook"):
        read_reference(tmp_path, tiny_model(5))


def test_a_missing_file_says_how_to_make_it(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="python -m vqseg familiarity"):
        read_reference(tmp_path)


def arrays_of(folder: Path) -> dict[str, Any]:
    with np.load(folder / "familiarity.npz") as content:
        return {name: content[name] for name in content}


@pytest.mark.parametrize(
    "damage",
    [
        {"ranges": np.zeros((1, 3, 3), np.float32)},
        {"texture_mean": np.full(D, np.nan, np.float32)},
        {"texture_mean": np.zeros(D + 1, np.float32)},
        {"texture_mean": None},
        {"turns": None},
        {"notes": np.array("[]")},
        {"notes": np.array("no JSON")},
        {"notes": np.array('{"version": 1}')},
        {"kinds": np.zeros((7, 1 + D), np.float32)},
        {"texture_mean": np.array([{}] * D, object)},
    ],
)
def test_damaged_files_are_refused_as_a_broken_checkpoint(folder: Path, damage: dict[str, Any]) -> None:
    arrays = {name: value for name, value in (arrays_of(folder) | damage).items() if value is not None}
    np.savez(folder / "familiarity.npz", **arrays)
    with pytest.raises(CheckpointError, match=r"familiarity\.npz of checkpoint .* is broken"):
        read_reference(folder)


@pytest.mark.parametrize("cut", [0, 1, 100, -1, -200])
def test_cut_files_are_refused(folder: Path, cut: int) -> None:
    path = folder / "familiarity.npz"
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(CheckpointError, match="is broken"):
        read_reference(folder)


def test_another_version_is_named(folder: Path) -> None:
    arrays = arrays_of(folder)
    notes = json.loads(str(arrays["notes"])) | {"version": 99}
    np.savez(folder / "familiarity.npz", **(arrays | {"notes": np.array(json.dumps(notes))}))
    with pytest.raises(CheckpointError, match="has version 99"):
        read_reference(folder)


def test_the_card_is_kept_with_the_weights_and_an_unknown_key_is_refused(tmp_path: Path) -> None:
    config = tiny_model().config
    save_model(VQSeg(config, None, ReadsConfig(modality="MR", spacing=(0.5, 2.0))), tmp_path / "told")
    save_model(VQSeg(config), tmp_path / "silent")
    assert load_model(tmp_path / "told").reads == ReadsConfig(modality="MR", spacing=(0.5, 2.0))
    assert "reads" not in read_config(tmp_path / "silent") and load_model(tmp_path / "silent").reads == ReadsConfig()
    values = read_config(tmp_path / "told")
    (tmp_path / "told" / "config.json").write_text(json.dumps(values | {"reads": {"organ": "heart"}}))
    with pytest.raises(CheckpointError, match=r"organ: unknown key"):
        load_model(tmp_path / "told")
    with pytest.raises(ConfigError, match=r"reads\.spacing must have its lower bound first"):
        ReadsConfig(spacing=(2.0, 1.0))


def test_a_card_changes_no_key_of_a_published_result() -> None:
    assert cell_key(changed(Config(), {"reads.modality": "MR"})) == cell_key(Config())


def test_the_command_makes_a_reference_that_predict_reads(
    checkpoint: Path, phantoms: Path, tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Two phantoms of either kind instead of twelve.
    monkeypatch.setattr(training, "PHANTOMS", range(1000, 1002))
    folder = tmp_path / "own"
    save_model(load_model(checkpoint), folder)
    scans = str(phantoms / "imagesTr" / "phantom001_frame01_0000.nii.gz")
    assert main(["predict", scans, "--checkpoint", str(folder), "--output", str(tmp_path / "out")]) == 0
    assert "python -m vqseg familiarity" in capsys.readouterr().err
    assert main(["familiarity", "--checkpoint", str(folder), "--data", str(phantoms), "--split", "all", "--turned", "True"]) == 0
    capsys.readouterr()
    assert read_reference(folder, load_model(folder)).turns is not None
    assert main(["predict", scans, "--checkpoint", str(folder), "--output", str(tmp_path / "out")]) == 0
    assert "familiarity" not in capsys.readouterr().err


def test_scans_of_further_data_sets_that_a_run_has_seen_are_known(phantoms: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "PHANTOMS", range(1000, 1002))
    write_phantoms(tmp_path / "other", 3, 0)
    for file in [*(tmp_path / "other").glob("*/phantom*"), tmp_path / "other" / "splits.json"]:
        if file.name == "splits.json":
            file.write_text(file.read_text().replace("phantom", "visitor"))
        else:
            file.rename(file.with_name(file.name.replace("phantom", "visitor")))
    alone = training.make_reference(tiny_model(), phantoms)
    both = training.make_reference(tiny_model(), phantoms, unlabelled_folders=[tmp_path / "other"])
    assert both.scans == alone.scans + len(unlabelled_of([tmp_path / "other"], []))
    assert both.source == f"{phantoms.name} and other (train)"


@pytest.fixture(scope="module")
def shipped() -> dict[str, tuple[Segmenter, Reference]]:
    found = {}
    for name in ("acdc-10", "lidc-10"):
        segmenter = Segmenter(load_model(ROOT / "checkpoints" / name))
        found[name] = segmenter, read_reference(ROOT / "checkpoints" / name, segmenter)
    return found


def verdict_of(shipped: dict[str, tuple[Segmenter, Reference]], name: str, scan: Scan) -> str:
    segmenter, reference = shipped[name]
    few = replace(scan, voxels=np.ascontiguousarray(scan.voxels[..., 1::3]), header=None)
    return judge(segmenter.open(few), segmenter.reads, reference).verdict


def test_the_shipped_checkpoints_know_their_own_examples_and_no_others(shipped: dict[str, tuple[Segmenter, Reference]]) -> None:
    for example, own, other in (
        ("phantom_trap-cyst-beside-the-heart", "acdc-10", "lidc-10"),
        ("phantom_lung-nodule", "lidc-10", "acdc-10"),
    ):
        scan = read_scan(EXAMPLES / f"{example}.nii.gz")
        assert verdict_of(shipped, own, scan) == "known", example
        assert verdict_of(shipped, other, scan) == "foreign", example


def test_noise_and_turned_and_inverted_hearts_are_foreign_to_a_shipped_checkpoint(shipped: dict[str, tuple[Segmenter, Reference]]) -> None:
    heart = read_scan(EXAMPLES / "phantom_wide-right-ventricle.nii.gz")
    voxels = heart.voxels
    others = {
        "noise": np.random.default_rng(0).random(voxels.shape, np.float32) * 255,
        "inverted": voxels.max() - voxels,
        "turned": voxels[::-1, ::-1],
        "mirrored": voxels[:, ::-1],
    }
    assert verdict_of(shipped, "acdc-10", heart) == "known"
    assert {
        name: verdict_of(shipped, "acdc-10", replace(heart, voxels=changed)) != "known" for name, changed in others.items()
    } == dict.fromkeys(others, True)


def test_predict_rebuilds_few_slices_of_a_known_scan_and_warns_as_an_opened_one_is_judged(
    shipped: dict[str, tuple[Segmenter, Reference]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    segmenter, reference = shipped["acdc-10"]
    heart = read_scan(EXAMPLES / "phantom_wide-right-ventricle.nii.gz")
    heart = replace(heart, voxels=np.ascontiguousarray(heart.voxels[..., 1::2]), header=None)
    noise = replace(heart, voxels=np.random.default_rng(0).random(heart.shape, np.float32) * 255, name="noise.nii.gz")
    rebuilt: list[int] = []
    pictures = LabelledScan.pictures
    monkeypatch.setattr(LabelledScan, "pictures", lambda self, wanted: rebuilt.extend(wanted) or pictures(self, wanted))
    known = KnownScans(segmenter, ROOT / "checkpoints" / "acdc-10", average_views=False)
    np.testing.assert_array_equal(known.segment(heart), segmenter.open(heart).labels)
    assert len(rebuilt) == 3 < heart.shape[2]
    known.segment(noise)
    known.tell()
    found = judge(segmenter.open(noise), segmenter.reads, reference)
    said = capsys.readouterr().err
    assert said.startswith(f"warning: noise.nii.gz is {found.verdict} to this checkpoint: ") and "phantom" not in said
    assert all(reason in said for reason in found.reasons) and found.places in said


def test_the_published_rates_follow_from_the_published_measures_and_the_present_limits() -> None:
    spec = importlib.util.spec_from_file_location("familiarity_benchmark", ROOT / "benchmarks" / "familiarity.py")
    assert spec is not None and spec.loader is not None
    benchmark = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(benchmark)
    results = ROOT / "docs" / "results"
    known = json.loads((results / "familiarity.json").read_text(encoding="utf-8"))["checkpoints"]
    assert set(known) == set(benchmark.CHECKPOINTS)
    # If a limit has changed: python benchmarks/familiarity.py --again
    assert benchmark.page(known) == (results / "familiarity.md").read_text(encoding="utf-8")


def test_what_is_shipped_is_small() -> None:
    for name in ("acdc-10", "acdc-05", "lidc-10"):
        assert (ROOT / "checkpoints" / name / "familiarity.npz").stat().st_size < 30_000
