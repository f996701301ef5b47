"""Scans of several channels, from their files to a trained network's answer, and back to one channel bit for bit."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import torch
from coloured import coloured, write_coloured, write_modalities
from PIL import Image

from app.scan import fine_tuning
from app.scan.channels import RGB, channel_choices
from app.scan.corrections import Corrections
from app.scan.disagreement import Disagreements
from app.scan.fine_tuning import FineTuning
from app.scan.frame_request import FrameRequest, RequestError
from app.scan.frames import make_frame
from app.scan.models import load_served
from app.scan.open_scan import OpenScan
from app.scan.render import packed
from app.scan.volume import scan_file
from app.tabs.label.answers import corrected
from tests.tiny import tiny_config, tiny_model
from vqseg.checkpoint import load_model, save_model
from vqseg.cli import main
from vqseg.config import AugmentationConfig, Config, ConfigError, DataConfig, ModelConfig, PreprocessConfig, ReadsConfig, load_config
from vqseg.data.apart import read_apart
from vqseg.data.augmentation import draw_crops, draw_recolouring, recolour, warp
from vqseg.data.case_files import read_image
from vqseg.data.channels import are_channels, case_and_channel
from vqseg.data.checking import check_folder
from vqseg.data.datasets import DatasetError, channel_names, find_cases
from vqseg.data.loaders import SlicePool, TrainingPools
from vqseg.data.neighbours import alone, missing_channels, neighbours, with_neighbours
from vqseg.data.preprocess import normalise, normalised_slices, to_network
from vqseg.data.sampler import ViewSampler
from vqseg.data.scan import ScanError, read_labels, read_scan
from vqseg.data.sources import joined_channels, sources_of
from vqseg.evaluation import evaluate_split
from vqseg.inference import Segmenter
from vqseg.models.foundation import FoundationModel
from vqseg.models.vqseg import VQSeg
from vqseg.planning import make_plan, plan
from vqseg.training.start import TrainingError
from vqseg.training.trainer import Trainer

NAMES = ("red", "green", "blue")


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "polyp.png"
    Image.fromarray(coloured(3)[0]).save(path)
    return path


def rgb_model(seed: int = 0, **changes: object) -> VQSeg:
    made = tiny_model(seed, in_channels=3, classes=("background", "disc"), **changes)
    return VQSeg(made.config, PreprocessConfig(intensity="window", window=(0, 255), image_side=None), ReadsConfig(channels=NAMES)).eval()


# Files


def test_a_picture_has_its_colours_or_its_grey_as_whoever_reads_it_asks(picture: Path) -> None:
    stored = np.asarray(Image.open(picture))
    scan = read_scan(picture, channels=3)
    assert (scan.shape, scan.channels, scan.notes) == ((64, 64, 1), 3, ())
    np.testing.assert_array_equal(scan.voxels[:, :, 0], stored)
    grey = read_scan(picture)
    assert grey.notes == ("colour was read as grey",)
    np.testing.assert_allclose(grey.voxels[..., 0], stored @ [0.299, 0.587, 0.114], atol=1e-4)
    apart = read_apart(picture, channels=3)
    np.testing.assert_array_equal(apart.voxels, scan.voxels)


def test_a_fourth_axis_holds_moments_or_channels_as_whoever_reads_it_asks(tmp_path: Path) -> None:
    stored = np.arange(4 * 5 * 3 * 2, dtype=np.int16).reshape(4, 5, 3, 2)
    path = tmp_path / "brain.nii.gz"
    nib.Nifti1Image(stored, np.eye(4)).to_filename(path)
    moment, both = read_scan(path), read_scan(path, channels=2)
    assert (moment.frames, moment.channels) == (2, 1)
    assert (both.frames, both.channels) == (1, 2)
    np.testing.assert_array_equal(both.voxels, stored)
    assert "the 2 volumes of the file were read as channels" in both.notes
    with pytest.raises(ScanError, match=r"has 2 volumes, and 4 are read here: expected a file of 4 volumes, or 4 files NAME_0000"):
        read_scan(path, channels=4)
    with pytest.raises(ScanError, match="has no frame 1 besides"):
        read_scan(path, 1, channels=2)


@pytest.mark.parametrize("zipped", [False, True])
def test_files_of_one_case_become_its_channels_on_one_grid(tmp_path: Path, zipped: bool) -> None:
    folder = write_modalities(tmp_path / "data", 1)
    one, other = (folder / "imagesTr" / f"p0_a_{channel:04d}.nii.gz" for channel in range(2))
    # The second one is stored mirrored: its header says so.
    image = nib.load(other)
    turned = image.affine @ np.diag([-1.0, 1, 1, 1])
    turned[:3, 3] = (image.affine @ [63, 0, 0, 1])[:3]
    expected = np.stack([nib.load(one).get_fdata(), image.get_fdata()], -1)
    nib.Nifti1Image(np.asarray(image.dataobj)[::-1], turned).to_filename(other)
    if zipped:
        import zipfile

        with zipfile.ZipFile(tmp_path / "case.zip", "w") as archive:
            for file in (one, other):
                archive.write(file, file.name)
    scan = read_scan(tmp_path / "case.zip" if zipped else [other, one][::-1], channels=2)
    np.testing.assert_array_equal(scan.voxels, expected)
    assert scan.name == "p0_a.nii.gz"
    nib.Nifti1Image(expected[:-1, ..., 1], image.affine).to_filename(other)
    with pytest.raises(ScanError, match=r"the channels of p0_a\.nii\.gz lie on different grids: p0_a_0001\.nii\.gz has 63"):
        read_scan([one, other], channels=2)


def test_what_has_other_channels_is_refused_in_words(picture: Path, tmp_path: Path) -> None:
    Image.fromarray(coloured(3)[0][..., 0]).save(tmp_path / "grey.png")
    with pytest.raises(ScanError, match=r"grey.png has 1 channel, and 3 are read here: expected a picture in colour"):
        read_scan(tmp_path / "grey.png", channels=3)
    with pytest.raises(ScanError, match=r"polyp.png has 3 channels, and 2 are read here"):
        read_scan(picture, channels=2)
    segmenter = Segmenter(tiny_model(image_side=None))
    for work in (segmenter.open, segmenter.labels, segmenter.label, segmenter.average_views):
        with pytest.raises(ScanError, match=r"was read with 3 channels, and this checkpoint reads 1; read it again with 1 channel, or"):
            work(read_scan(picture, channels=3))
    with pytest.raises(ScanError, match="was read with 1 channel, and this checkpoint reads 3"):
        Segmenter(rgb_model()).open(read_scan(picture))


def test_only_a_whole_set_of_marked_files_is_one_case(tmp_path: Path) -> None:
    assert case_and_channel("heart_0001.nii.gz") == ("heart", 1)
    assert case_and_channel("heart.nii.gz") == ("heart", None)
    assert are_channels(["a_0000.png", "a_0001.png"], 2)
    for names in (["a_0001.png", "a_0002.png"], ["a_0000.png", "b_0001.png"], ["a.png", "b.png"], ["a_0000.png"]):
        assert not are_channels(names, 2)
    for number in range(3):
        Image.fromarray(coloured(number)[0]).save(tmp_path / f"frame_{number:04d}.png")
        Image.fromarray(coloured(number)[0][..., 0]).save(tmp_path / f"stain_{number:04d}.png")
    sources = sources_of([tmp_path])
    assert joined_channels(sources, 1) == sources
    # Pictures in colour have their channels in one file, whatever they are called.
    names = [source.name for source in joined_channels(sources, 3)]
    assert names == ["frame_0000.png", "frame_0001.png", "frame_0002.png", "stain.png"]


# A data set


def test_a_data_set_says_its_channels_by_files_or_by_name(tmp_path: Path) -> None:
    folder = write_modalities(tmp_path / "two-files", 2)
    assert [len(case.images) for case in find_cases(folder)] == [2, 2]
    assert channel_names(folder) == ("T1", "T2")
    one_file = write_modalities(tmp_path / "one-file", 2, one_file=True)
    for data in (folder, one_file, write_coloured(tmp_path / "colours", 4)):
        assert not check_folder(data).problems
    case, whole = find_cases(folder)[0], find_cases(one_file)[0]
    np.testing.assert_array_equal(read_image(case, 2).voxels, read_image(whole, 2).voxels)
    with pytest.raises(DatasetError, match=r"p0_a has 2 files, one for each channel; 1 channel expected\. Set model\.in_channels to 2"):
        read_image(case)
    with pytest.raises(DatasetError, match=r"or set model\.in_channels to 2 if they are channels"):
        read_image(whole)


# Preprocessing


@pytest.mark.parametrize("intensity", ["percentile", "window"])
def test_each_channel_is_normalised_as_if_it_were_alone(intensity: str) -> None:
    config = PreprocessConfig(intensity=intensity, window=(-1.0, 2.5), image_side=20)  # type: ignore[arg-type]
    rng = np.random.default_rng(0)
    voxels = rng.normal(size=(9, 8, 5, 3)).astype(np.float32) * [1.0, 40.0, 0.0] + [0.0, 900.0, 7.0]
    found = normalise(voxels, config)
    for channel in range(3):
        np.testing.assert_array_equal(found[..., channel], normalise(voxels[..., channel], config))
        if intensity == "percentile" and channel < 2:
            low, high = np.percentile(voxels[..., channel], (0.5, 99.5))
            oracle = np.clip((voxels[..., channel] - low) / (high - low), 0, 1)
            np.testing.assert_allclose(found[..., channel], oracle, atol=1e-4)
    slices = np.moveaxis(voxels, 2, 0)
    np.testing.assert_array_equal(normalised_slices(slices, config)[1:3], np.moveaxis(found, 2, 0)[1:3])
    images = to_network(np.moveaxis(found, 2, 0), config)
    assert images.shape == (5, 3, 20, 18)
    torch.testing.assert_close(images[:, 1:2], to_network(np.moveaxis(found[..., 1], 2, 0), config))


def test_neighbours_bring_all_their_channels() -> None:
    images = torch.arange(8.0).reshape(4, 2, 1, 1)
    inputs = with_neighbours(images, neighbours(4, 2))[:, :, 0, 0]
    config = ModelConfig(in_channels=2, context_slices=2)
    assert inputs.shape[1] == config.input_channels == 14
    # The slice; before and behind, and which of them is missing; the same two steps further.
    assert inputs[1].tolist() == [2, 3, 0, 1, 4, 5, 0, 0, 2, 3, 6, 7, 1, 0]
    assert missing_channels(2, 2) == [6, 7, 12, 13]
    single = alone(images[:1], 2)[0, :, 0, 0].tolist()
    assert single == [0, 1, 0, 1, 0, 1, 1, 1, 0, 1, 0, 1, 1, 1]


# Views


def _pools(channels: int) -> TrainingPools:
    images = torch.rand(6, channels, 64, 64, generator=torch.Generator().manual_seed(1)).half()
    labels = (images[:, 0] > 0.5).to(torch.uint8)
    sizes = torch.tensor([[64, 64]] * 6)
    return TrainingPools(SlicePool(images, labels, sizes), None, SlicePool(images, None, sizes))


def _drawn(channels: int, config: AugmentationConfig) -> torch.Tensor:
    sampler = ViewSampler(_pools(channels), config, DataConfig(), torch.device("cpu"))
    return sampler.draw(1000, 4, 0, torch.Generator().manual_seed(5)).images


def test_a_view_of_one_channel_is_what_it_was_before_there_were_several() -> None:
    config, generator = AugmentationConfig(crop=32), torch.Generator().manual_seed(5)
    pool = _pools(1).labelled
    picks = torch.randint(6, (4,), generator=generator)
    positions = draw_crops(pool.sizes[picks], 64, config, generator)
    expected = recolour(warp(pool.images[picks], positions), draw_recolouring(4, config, generator, amount=0.7))
    assert torch.equal(_drawn(1, config), expected)


def test_channels_share_their_geometry_and_have_intensities_of_their_own() -> None:
    still = AugmentationConfig(crop=32, gamma=(1, 1), contrast=0, brightness=0, bias_field=0, noise=0, blur=0)
    equal = _pools(1).labelled.images.repeat(1, 3, 1, 1)

    def drawn(config: AugmentationConfig) -> torch.Tensor:
        pools = replace(_pools(1), labelled=replace(_pools(1).labelled, images=equal))
        return ViewSampler(pools, config, DataConfig(), torch.device("cpu")).draw(1000, 4, 0, torch.Generator().manual_seed(5)).images

    same = drawn(still)
    assert torch.equal(same[:, 0], same[:, 1]) and torch.equal(same[:, 0], same[:, 2])
    loud = drawn(AugmentationConfig(crop=32))
    assert float((loud[:, 0] - loud[:, 1]).abs().mean((1, 2)).min()) > 0.01


# Networks


def test_settings_of_channels_are_checked() -> None:
    with pytest.raises(ConfigError, match=r"in_channels must lie in \[1, 4\], got 5"):
        ModelConfig(in_channels=5)
    with pytest.raises(ConfigError, match=r"reads.channels names 3 channels, model.in_channels is 1; name all of them or none"):
        Config(reads=ReadsConfig(channels=NAMES))
    assert ReadsConfig().channel_names(2) == ("channel 1", "channel 2")


BEFORE_CHANNELS = {"acdc-10", "acdc-05", "lidc-10", "scd-10"}


def test_earlier_configurations_and_checkpoints_have_one_channel_and_nothing_new(tmp_path: Path) -> None:
    root = Path(__file__).resolve().parents[1]
    for path in sorted((root / "configs").glob("*.yaml")):
        if ".recipe" not in path.name:
            config = load_config(path)
            assert (config.model.in_channels, config.reads.channels) == (1, ())
            assert config.model.input_channels == 1 + 4 * config.model.context_slices
    for path in sorted((root / "checkpoints").glob("*/config.json")):
        told = json.loads(path.read_text())
        model = load_model(path.parent)
        assert told.get("reads", {}).get("channels", []) == []
        if path.parent.name in BEFORE_CHANNELS:
            assert "channels" not in told.get("reads", {})
        assert model.config.in_channels == 1
        save_model(model, tmp_path / path.parent.name)
        again = load_model(tmp_path / path.parent.name)
        assert all(torch.equal(value, again.state_dict()[name]) for name, value in model.state_dict().items())


def test_a_checkpoint_of_several_channels_comes_back_and_reconstructs_all(tmp_path: Path, picture: Path) -> None:
    model = rgb_model()
    save_model(model, tmp_path / "rgb")
    again = load_model(tmp_path / "rgb")
    assert (again.config, again.reads) == (model.config, model.reads)
    scan = read_scan(picture, channels=3)
    one, other = (Segmenter(network).open(scan) for network in (model, again))
    assert one.channel_names == NAMES
    assert one.reconstruction.shape == one.normalised.shape == (64, 64, 1, 3)
    np.testing.assert_array_equal(one.reconstruction, other.reconstruction)
    # All channels count for the PSNR.
    result = one.perturb(0, 0.5)
    error = np.mean((result.reconstruction.astype(float) - result.image) ** 2)
    assert result.psnr == pytest.approx(-10 * np.log10(error), abs=1e-4)
    np.testing.assert_array_equal(Segmenter(model).labels(scan), one.labels)


def test_weights_of_other_channels_are_no_start(tmp_path: Path, phantoms: Path) -> None:
    save_model(rgb_model(), tmp_path / "rgb")
    config = tiny_config(phantoms, tmp_path / "run", initial=str(tmp_path / "rgb"))
    with pytest.raises(TrainingError, match=r"rgb reads 3 channel\(s\), the configuration 1; set model.in_channels to 3"):
        Trainer(config)
    doubled = replace(config, model=replace(config.model, in_channels=2), data=replace(config.data, phantom_patients=1))
    fresh = Trainer(replace(doubled, train=replace(doubled.train, initial=None)))
    with pytest.raises(TrainingError, match=r"the phantoms have one channel, model\.in_channels is 2"):
        fresh.run()


def test_a_foundation_model_sees_three_channels_as_colours_and_others_as_their_mean() -> None:
    pytest.importorskip("transformers")
    torch.manual_seed(0)
    foundation, images = FoundationModel("random"), torch.rand(1, 4, 64, 64)
    torch.testing.assert_close(foundation(images), foundation(images.mean(1, keepdim=True)))
    assert not torch.allclose(foundation(images[:, :3]), foundation(images[:, :3].flip(1)))


def _run(folder: Path, output: Path, channels: int, steps: int) -> Path:
    train = {"steps": steps, "batch_labelled": 4, "batch_unlabelled": 4, "codebook_start": 20, "revive_every": 20, "checkpoint_every": 500}
    config = tiny_config(folder, output, learning_rate=3e-3, **train)
    fixed = {"intensity": "window", "window": (0.0, 255.0)} if channels == 3 else {}
    config = replace(
        config,
        model=replace(config.model, in_channels=channels, classes=("background", "disc")),
        preprocess=replace(config.preprocess, image_side=64, **fixed),
        data=replace(config.data, labelled="50%"),
        objective=replace(config.objective, unlabelled_start=steps // 2, unlabelled_ramp=10),
    )
    Trainer(config).run()
    return output / "checkpoint"


def test_a_network_learns_from_hue_what_no_grey_shows_and_predicts_files(tmp_path: Path) -> None:
    data = write_coloured(tmp_path / "data", 16)
    picture, labels = coloured(0)
    grey = picture @ [0.299, 0.587, 0.114]
    assert abs(grey[labels == 1].mean() - grey[labels == 0].mean()) < grey.std() / 2
    checkpoint = _run(data, tmp_path / "run", 3, 60)
    scores = evaluate_split(load_model(checkpoint), data, "val")
    assert scores["mean"]["dice"] > 0.75
    command = ["predict", "--checkpoint", str(checkpoint), str(data / "images"), "--output", str(tmp_path / "found")]
    assert main(command) == 0
    found, truth = (np.asarray(Image.open(folder / "p15_a.png")) for folder in (tmp_path / "found", data / "labels"))
    assert 2 * (found & truth).sum() / (found.sum() + truth.sum()) > 0.5


def test_a_run_on_two_modalities_predicts_pairs_of_files_under_one_name(tmp_path: Path) -> None:
    data = write_modalities(tmp_path / "data", 3)
    checkpoint = _run(data, tmp_path / "run", 2, 4)
    assert load_model(checkpoint).config.in_channels == 2
    for inputs in ([data / "imagesTr"], sorted((data / "imagesTr").glob("p1*"))):
        output = tmp_path / f"found-{len(inputs)}"
        assert main(["predict", "--checkpoint", str(checkpoint), *map(str, inputs), "--output", str(output)]) == 0
        names = {path.name for path in output.glob("*.nii.gz")}
        assert names == ({"p0_a.nii.gz", "p1_a.nii.gz", "p2_a.nii.gz"} if len(inputs) == 1 else {"p1_a.nii.gz"})


# A plan


def test_a_plan_sees_colours_files_and_names_of_channels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "steps_per_second", lambda config: 1.0)
    coloured_data = write_coloured(tmp_path / "colours", 4)
    (coloured_data / "dataset.json").unlink()
    made = make_plan(coloured_data, tmp_path / "plan-rgb")
    config = load_config(made.output / "config.yaml")
    assert (config.model.in_channels, config.reads.channels) == (3, NAMES)
    assert config.preprocess.window == (0.0, 255.0)
    assert channel_names(made.output) == NAMES
    two = make_plan(write_modalities(tmp_path / "two", 3), tmp_path / "plan-two").output
    assert load_config(two / "config.yaml").reads.channels == ("T1", "T2")
    for folder in (made.output, two):
        assert not check_folder(folder).problems
    assert [len(case.images) for case in find_cases(two)] == [2, 2, 2]
    one = make_plan(write_modalities(tmp_path / "one", 3, one_file=True), tmp_path / "plan-one")
    assert one.config.model.in_channels == 2
    assert make_plan(coloured_data, tmp_path / "plan-grey", channels=1).config.model.in_channels == 1


# The app


@pytest.fixture
def opened(tmp_path: Path, picture: Path) -> OpenScan:
    save_model(rgb_model(), tmp_path / "rgb")
    served = load_served("rgb", "rgb", tmp_path / "rgb")
    return OpenScan(served.segmenter.open(read_scan(picture, channels=3)), served)


def test_a_frame_shows_the_channel_that_is_asked_for(opened: OpenScan) -> None:
    assert channel_choices(opened) == [("As RGB", RGB), ("Red", "0"), ("Green", "1"), ("Blue", "2")]
    values = {"plane": opened.plane, "index": 0, "strength": 0.4, "mode": "resample", "seed": 1}
    frames = {name: make_frame(opened, FrameRequest.checked({**values, "channel": name}, opened)) for name in ("0", "1", "2", RGB, None)}
    view = opened.views[opened.plane]
    for channel in range(3):
        frame = frames[str(channel)]
        assert frame.colours is None
        np.testing.assert_array_equal(frame.image, view.cut(opened.segmented.normalised, 0)[..., channel])
        np.testing.assert_array_equal(frame.labels, frames["0"].labels)
        # What does not depend on the picture does not depend on the picker.
        assert frame.psnr == frames["0"].psnr
        np.testing.assert_array_equal(frame.changes, frames["0"].changes)
    image, reconstruction = frames[RGB].colours or ()
    np.testing.assert_array_equal(image[..., 2], frames["2"].image)
    np.testing.assert_array_equal(reconstruction[..., 1], frames["1"].reconstruction)
    np.testing.assert_array_equal(frames[None].image, frames[RGB].image)
    with pytest.raises(RequestError, match="channel must be one of rgb, 0, 1, 2, got '3'"):
        FrameRequest.checked({**values, "channel": "3"}, opened)


def test_the_volume_tab_gets_the_channel_on_show(opened: OpenScan) -> None:
    content, _ = scan_file(opened, "1")
    volume = nib.Nifti1Image.from_bytes(content)
    np.testing.assert_array_equal(volume.get_fdata(), opened.segmented.scan.voxels[..., 1])


@pytest.mark.timeout(300)
def test_labels_of_several_channels_are_measured_saved_and_learnt_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # At the lowest priority it would wait for all other tests.
    monkeypatch.setattr(fine_tuning.shutil, "which", lambda _: None)
    data = write_modalities(tmp_path / "data", 2)
    model = tiny_model(in_channels=2, classes=("background", "disc"), image_side=64)
    save_model(model, tmp_path / "two")
    served = load_served("two", "two", tmp_path / "two")
    files = [data / "imagesTr" / f"p0_a_{channel:04d}.nii.gz" for channel in range(2)]
    scan = OpenScan(served.segmenter.open(read_scan(files, channels=2)), served)
    assert np.isfinite(Disagreements().advance(scan, 1, 60).scores).all()
    wanted = np.ascontiguousarray(coloured(1)[1])
    sent = [{"index": 1, "labels": packed(scan.views[scan.plane].orient(wanted))}]
    for ending in (one.ending for one in scan.formats):
        answer = corrected(scan, {"ending": ending, "slices": sent})
        (file := tmp_path / answer["name"]).write_bytes(base64.b64decode(answer["bytes"]))
        np.testing.assert_array_equal(read_labels(file)[..., 1], wanted)
    work = FineTuning(scan, Corrections({1: wanted}), tmp_path / "run", 6)
    work.prepare()
    assert work.train(240) == ""
    assert work.step == 6 and work.labels().shape == scan.segmented.labels.shape
    assert load_model(work.checkpoint).config.in_channels == 2
