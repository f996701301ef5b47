"""What is exported does reproduce what was on the screen: the lines are run, the table and the figure are read again."""

from __future__ import annotations

import base64
import gzip
import io
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from app_server import fake_served, save_scan
from fake_segmenter import CLASSES, FakeSegmentedScan
from matplotlib.figure import Figure
from PIL import Image

from app.scan.curves import CURVES, POINTS, STEPS, Curves, curve, dropout_curve
from app.scan.figures import Drawing, curve_figure, slice_figure, written
from app.scan.frame_request import FrameRequest, RequestError
from app.scan.frames import make_frame
from app.scan.models import load_served
from app.scan.open_scan import OpenScan
from app.scan.render import greyscale, label_colours, overlay
from app.scan.replay import MOST_OF_ONE, REPLAYS, Replays
from app.scan.tokens import slice_tokens
from app.tabs.export.answers import export, labels, replay_file
from app.tabs.export.lines import client_lines, configuration, python_lines
from app.tabs.see.answers import picture as see_picture
from app.visit.answering import answering
from app.visit.session import SessionStore
from vqseg.data.scan import read_labels, read_numbers, read_scan
from vqseg.inference import dice_by_class


@pytest.fixture(scope="module")
def scan_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_scan(tmp_path_factory.mktemp("scans") / "heart.nii.gz", shape=(24, 28, 3))


@pytest.fixture(scope="module")
def opened(checkpoint: Path, scan_file: Path) -> OpenScan:
    served = load_served(str(checkpoint), "Tiny", checkpoint)
    return OpenScan(served.segmenter.open(read_scan(scan_file)), served)


EDITS = ((2, 3, 5), (0, 0, 1), (2, 3, 60))


@pytest.mark.parametrize(("edits", "reach"), [((), None), (EDITS, 20.5)])
def test_the_python_lines_the_labels_file_and_the_screen_are_one_volume(
    opened: OpenScan, scan_file: Path, edits: tuple, reach: float | None, tmp_path: Path
) -> None:
    request = FrameRequest(opened.plane, 1, 0.35, "resample", 7, edits, reach)
    # The package need not be installed for the tests: the lines are run as from the repository's root, on a scan elsewhere.
    where = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parent.parent)}
    subprocess.run([sys.executable, "-c", python_lines(opened, request)], check=True, cwd=scan_file.parent, timeout=120, env=where)
    labels, view = read_labels(scan_file.with_name("labels.nii.gz")), opened.views[opened.plane]
    for index in range(3):
        shown = replace(request, index=index, edits=edits if index == 1 else ())
        np.testing.assert_array_equal(view.cut(labels, index), make_frame(opened, shown).labels)
    name, content = replay_file(opened, REPLAYS.advance(opened, request, seconds=60))
    (tmp_path / name).write_bytes(content)
    assert name == "heart_labels.nii.gz"
    assert gzip.decompress(content) == gzip.decompress(scan_file.with_name("labels.nii.gz").read_bytes())
    np.testing.assert_allclose(nib.load(tmp_path / name).affine, nib.load(scan_file).affine, atol=1e-5)


def test_labels_come_slice_by_slice_and_are_kept_by_their_settings(opened: OpenScan) -> None:
    request, replays = FrameRequest(opened.plane, 1, 0.6, "resample", 2), Replays()
    assert [replays.advance(opened, request, seconds=0).done for _ in range(4)] == [1, 2, 3, 3]
    # The slice on show does not matter, forced tokens do.
    assert replays.advance(opened, replace(request, index=2), seconds=0).done == 3
    assert replays.advance(opened, replace(request, edits=EDITS), seconds=0).done == 1
    assert replays.advance(opened, request, seconds=0).done == 3


def test_of_the_kept_volumes_the_one_used_least_recently_goes(opened: OpenScan) -> None:
    replays, requests = Replays(), [FrameRequest(opened.plane, 1, 0.6, "resample", seed) for seed in range(MOST_OF_ONE + 1)]
    *kept, newest = requests
    for request in kept:
        replays.advance(opened, request, seconds=600)
    # Asked for again, the oldest one is the youngest.
    assert replays.ready(opened, kept[0])
    replays.advance(opened, newest, seconds=600)
    assert replays.kept(opened) == MOST_OF_ONE
    assert replays.ready(opened, kept[0]) and replays.ready(opened, newest)
    assert replays.advance(opened, kept[1], seconds=0).done == 1


def test_a_volume_that_was_called_off_goes_on_where_it_was(opened: OpenScan) -> None:
    replays, request = Replays(), FrameRequest(opened.plane, 1, 0.6, "resample", 2)

    def impatient(share: float) -> None:
        raise TimeoutError(str(share))

    with pytest.raises(TimeoutError):
        replays.decoded(opened, request, impatient)
    shares: list[float] = []
    whole = replays.decoded(opened, request, shares.append)
    assert shares == [pytest.approx(2 / 3), 1.0]
    np.testing.assert_array_equal(whole.labels, opened.segmented.perturb_volume(0.6, "resample", 2).labels)


def test_a_volume_is_decoded_to_its_end_though_others_take_its_place(opened: OpenScan) -> None:
    replays, request = Replays(), FrameRequest(opened.plane, 1, 0.6, "resample", 2)
    shares: list[float] = []

    def crowded(share: float) -> None:
        shares.append(share)
        assert len(shares) <= 3
        for seed in range(3, 3 + MOST_OF_ONE):
            replays.advance(opened, replace(request, seed=seed), seconds=0)

    whole = replays.decoded(opened, request, crowded)
    np.testing.assert_array_equal(whole.labels, opened.segmented.perturb_volume(0.6, "resample", 2).labels)


def test_labels_are_sent_with_the_last_slice(opened: OpenScan) -> None:
    store = SessionStore(byte_cap=2**26)
    request = {"token": store.put(opened, "me", shared=True), "plane": "coronal", "index": 1, "strength": 0.8, "mode": "shuffle", "seed": 1}
    answers = [answering(store, labels)(request)]
    while "bytes" not in answers[-1]:
        answers.append(answering(store, labels)(request))
        assert len(answers) <= 3
    assert answers[-1]["done"] == answers[-1]["of"] == 3
    assert base64.b64decode(answers[-1]["bytes"])[:2] == b"\x1f\x8b"
    assert "no longer" in answering(store, labels)({**request, "token": "x"})["error"]
    assert "must be an object" in answering(store, labels)(None)["error"]


def test_the_configuration_is_the_request(opened: OpenScan, checkpoint: Path) -> None:
    for request in (FrameRequest("coronal", 4, 0.5, "resample", 3, (), 7.5), FrameRequest("coronal", 4, 0.5, "shuffle", 3)):
        values = json.loads(configuration(opened, request))
        assert FrameRequest.checked({**values, "index": values["slice"], "strength": values["epsilon"]}, opened) == request
    assert values["checkpoint"] == str(checkpoint)
    assert values["scan"] == "heart.nii.gz"


def test_the_lines_for_a_client_name_forced_tokens_and_checkpoint(opened: OpenScan, checkpoint: Path) -> None:
    plain = client_lines(opened, FrameRequest("axial", 1, 0.5, "resample", 2), "http://127.0.0.1:7860")
    assert "handle_file('heart.nii.gz'), 'axial', 1, 0.5, 'resample', 2,\n" in plain
    assert f"checkpoint={str(checkpoint)!r}" in plain
    assert "edits" not in plain
    assert "edits='0.0.1_2.3.60'" in client_lines(opened, FrameRequest("axial", 1, 0.5, "resample", 2, EDITS), "http://x")
    compile(plain, "lines", "exec")


def test_tokens_of_a_plane_across_the_slices_are_refused(opened: OpenScan) -> None:
    across = next(plane for plane in opened.views if plane != opened.plane)
    with pytest.raises(RequestError, match=f"choose plane {opened.plane}"):
        slice_tokens(opened, FrameRequest(across, 1, 0.5, "resample", 2))


@pytest.mark.parametrize(("file_format", "start"), [("png", b"\x89PNG"), ("svg", b"<?xml")])
def test_figures_are_of_the_format_asked_for(opened: OpenScan, file_format: str, start: bytes) -> None:
    content = written(slice_figure(opened, FrameRequest("coronal", 4, 0.5, "resample", 2), Drawing(0.5, True, ("LV",))), file_format)
    assert content.startswith(start)
    assert len(content) < 2**20


def test_a_figure_says_its_settings_edges_and_scale(opened: OpenScan) -> None:
    request = FrameRequest(opened.plane, 1, 0.5, "resample", 2, EDITS, 12.5)
    sheet, frame = slice_figure(opened, request, Drawing(0.5, True, ("RV", "LV"))), make_frame(opened, request)
    caption = sheet.get_supxlabel()
    assert f"{opened.plane} slice 1, ε = 0.5, resample, reach 12.5, seed 2, forced tokens 0.0.1_2.3.60" in caption
    assert f"Dice {frame.dice_vs_clean:.3f} against ε = 0, PSNR {frame.psnr:.1f} dB" in caption
    # 24 pixels of about 1.4 mm across: 5 mm are the longest bar within a quarter of the picture.
    letters = list(opened.views[opened.plane].letters)
    assert [[text.get_text() for text in axes.texts] for axes in sheet.axes] == [[*letters, "5 mm"], letters, letters, letters]
    bar = sheet.axes[0].lines[0].get_xdata()
    millimetres = (bar[1] - bar[0]) * opened.views[opened.plane].shape[1] * opened.segmented.scan.spacing[0]
    assert millimetres == pytest.approx(5)
    assert [text.get_text() for text in sheet.legends[0].texts] == ["RV", "LV"]


def figure_of_curves(opened: OpenScan, request: FrameRequest) -> Figure:
    return curve_figure(request, *CURVES.advance(opened, request, seconds=600).curves())


def test_the_points_of_the_curves_come_a_few_at_a_time_and_are_kept_by_their_settings(opened: OpenScan) -> None:
    curves, request = Curves(), FrameRequest(opened.plane, 1, 0.25, "resample", 4)
    assert [curves.advance(opened, request, seconds=0).done for _ in range(3)] == [1, 2, 3]
    # Epsilon moves no curve.
    assert curves.advance(opened, replace(request, strength=0.5), seconds=0).done == 4
    assert curves.advance(opened, replace(request, seed=5), seconds=0).done == 1
    whole = curves.advance(opened, request, seconds=600)
    assert whole.done == POINTS
    assert whole.curves() == (curve(opened, request, STEPS), dropout_curve(opened, request, STEPS))


def test_the_figure_of_curves_has_both_perturbations(opened: OpenScan) -> None:
    sheet = figure_of_curves(opened, FrameRequest(opened.plane, 1, 0.25, "resample", 2))
    dice, drawn = [opened.segmented.perturb(1, e / 20, seed=2).dice_vs_clean for e in range(21)], sheet.axes[0].lines
    np.testing.assert_allclose(drawn[0].get_ydata(), dice)
    np.testing.assert_allclose(drawn[2].get_ydata(), [opened.segmented.dropout(1, p / 20, 2).dice_vs_clean for p in range(21)])
    assert [drawn[i].get_linestyle() for i in (0, 2)] == ["-", "--"]
    assert drawn[-1].get_xdata() == [0.25, 0.25]
    assert [text.get_text() for text in sheet.legends[0].texts][:3] == ["Dice vs ε = 0", "agreement", "PSNR"]


def test_curves_go_against_the_truth_where_there_is_one(checkpoint: Path, scan_file: Path) -> None:
    served = load_served(str(checkpoint), "Tiny", checkpoint)
    opened = OpenScan(served.segmenter.open(read_scan(scan_file)), served)
    opened.truth = opened.segmented.perturb_volume(0.4, "resample", 3).labels
    request, steps = FrameRequest(opened.plane, 1, 0.0, "resample", 3), np.array([0.0, 0.4, 1.0])
    given = curve(opened, request, steps)["dice_vs_truth"]
    # Each structure counts alike, as in the status strip.
    scores = dice_by_class(opened.segmented.perturb(1, 1.0, seed=3).labels, opened.truth[..., 1], len(served.classes))
    assert given[1] == 1.0 > given[2] == pytest.approx(np.mean([score for score in scores if score is not None]))
    assert "Dice vs truth" in [text.get_text() for text in figure_of_curves(opened, request).legends[0].texts]


def test_finished_curves_hold_the_truth_that_they_were_measured_against(checkpoint: Path, scan_file: Path) -> None:
    served = load_served(str(checkpoint), "Tiny", checkpoint)
    opened = OpenScan(served.segmenter.open(read_scan(scan_file)), served)
    curves, request = Curves(), FrameRequest(opened.plane, 1, 0.0, "resample", 3)
    measured = []
    # Each next truth may come to lie where the former one was.
    for share in (0.2, 0.6, 1.0):
        opened.truth = opened.segmented.perturb_volume(share, "resample", 3).labels
        measured.append(curves.advance(opened, request, seconds=0))
        assert measured[-1].truth is opened.truth
    assert len({id(replay) for replay in measured}) == 3


def test_curves_are_refused_across_the_slices(opened: OpenScan) -> None:
    across = next(plane for plane in opened.views if plane != opened.plane)
    with pytest.raises(RequestError, match=f"choose plane {opened.plane}"):
        CURVES.advance(opened, FrameRequest(across, 1, 0.5, "resample", 2))


def test_an_export_trusts_nothing_in_its_request(opened: OpenScan) -> None:
    store = SessionStore(byte_cap=2**26)
    token = store.put(opened, "me", shared=True)
    request = {
        "token": token,
        "plane": opened.plane,
        "index": 1,
        "strength": 0.5,
        "mode": "resample",
        "seed": 1,
        "opacity": 0.5,
        "visible": [],
    }
    given = answering(store, export)({**request, "kind": "tokens"})
    assert base64.b64decode(given["bytes"]).startswith(b"row,column")
    assert "heart.nii.gz" in answering(store, export)({**request, "kind": "lines", "address": ""})["configuration"]
    for change, message in (
        ({"kind": "../etc"}, "kind must be"),
        ({"kind": "png", "opacity": "1"}, "opacity"),
        ({"kind": "svg", "visible": "LV"}, "visible"),
        ({"token": "x"}, "no longer"),
    ):
        assert message in answering(store, export)({**request, **change})["error"]
    assert "must be an object" in answering(store, export)([])["error"]


@pytest.fixture
def photograph(tmp_path: Path) -> OpenScan:
    """A picture that a visitor sent, wider than high."""
    path = tmp_path / "heart.png"
    Image.fromarray(np.add.outer(np.arange(24), np.arange(36)).astype(np.uint8) * 4).save(path)
    return OpenScan(FakeSegmentedScan(read_scan(path)), fake_served())


LOOK = {"opacity": 0.5, "outline": False, "shown": True, "visible": list(CLASSES[1:])}


def sent(scan: OpenScan, kind: str, **more: Any) -> Image.Image:
    """A picture of the slice as both tabs send it."""
    request = {"kind": kind, "plane": scan.plane, "index": 0, "strength": 0.6, "mode": "resample", "seed": 2, **LOOK, **more}
    content = base64.b64decode(export(scan, request)["bytes"])
    assert content == base64.b64decode(see_picture(scan, request)["bytes"])
    return Image.open(io.BytesIO(content))


def test_a_picture_gives_its_labels_as_a_picture_of_its_own_size_in_the_palettes_colours(photograph: OpenScan, tmp_path: Path) -> None:
    drawn, colours = sent(photograph, "map-png"), label_colours(len(CLASSES))
    labels = photograph.segmented.perturb(0, 0.6, "resample", 2).labels
    assert (drawn.format, drawn.mode, drawn.size) == ("PNG", "P", (36, 24))
    assert labels.max() > 0
    np.testing.assert_array_equal(np.asarray(drawn), photograph.views[photograph.plane].orient(labels))
    np.testing.assert_array_equal(np.asarray(drawn.convert("RGB")), colours[np.asarray(drawn)])
    # The labels can be read back, as a ground truth for example.
    drawn.save(tmp_path / "labels.png")
    np.testing.assert_array_equal(read_numbers(tmp_path / "labels.png").voxels.squeeze(), labels.squeeze())


def test_the_overlay_is_what_see_draws(photograph: OpenScan) -> None:
    frame = make_frame(photograph, FrameRequest(photograph.plane, 0, 0.6, "resample", 2))
    grey, colours = greyscale(frame.image), label_colours(len(CLASSES))
    drawn = sent(photograph, "overlay-png")
    assert (drawn.mode, drawn.size) == ("RGB", (36, 24))
    np.testing.assert_array_equal(np.asarray(drawn), overlay(grey, frame.labels, colours, opacity=0.5))
    bare = np.asarray(sent(photograph, "overlay-png", shown=False))
    np.testing.assert_array_equal(bare, np.repeat(grey[..., None], 3, -1))


def test_a_volumes_slice_is_a_picture_too(opened: OpenScan) -> None:
    for plane, view in opened.views.items():
        rows, columns = view.shape
        assert sent(opened, "map-png", plane=plane).size == (columns, rows)


def test_no_other_kind_of_picture_is_made(photograph: OpenScan) -> None:
    with pytest.raises(RequestError, match="kind must be one of map-png, overlay-png"):
        see_picture(
            photograph, {"kind": "gif", "plane": photograph.plane, "index": 0, "strength": 0, "mode": "resample", "seed": 0, **LOOK}
        )
