"""The app's smaller rooms without a browser: frames, server functions, uploads, examples, figures, and app.py's settings."""

from __future__ import annotations

import base64
import importlib.util
import json
import zlib
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from app_server import Arrived, fake_models, fake_served, fake_statistics, save_scan, save_truth
from fake_segmenter import CLASSES, FakeSegmentedScan

from app.page.sidebar import slice_slider
from app.page.visits import Visits
from app.scan.branches import BOTH, NEITHER, RECONSTRUCTION, SEGMENTATION, branch_changes
from app.scan.code_colours import code_colours
from app.scan.description import describe
from app.scan.edits import edits_as_text, edits_from_text
from app.scan.frame_request import LARGEST_SEED, FrameRequest, RequestError
from app.scan.frames import make_frame
from app.scan.models import load_served
from app.scan.open_scan import OpenScan
from app.scan.render import greyscale
from app.scan.replay import REPLAYS
from app.scan.truth import truth_labels
from app.tabs.perturb.answers import candidates, dropout, neighbours, palette
from app.tabs.registry import TABS
from app.tabs.see.answers import frame as see_frame
from app.tabs.see.answers import results as see_results
from app.visit.answering import answering
from app.visit.examples import Examples, find_examples
from app.visit.links import OWN_REACH, Link
from app.visit.openings import Openings
from app.visit.session import SessionStore
from vqseg.data.scan import ScanError, read_scan


@pytest.fixture
def scan(tmp_path: Path) -> OpenScan:
    return OpenScan(FakeSegmentedScan(read_scan(save_scan(tmp_path / "heart.nii.gz"))), fake_served(statistics=True))


@pytest.fixture
def held(scan: OpenScan) -> tuple[SessionStore, dict[str, Any]]:
    """A store that holds the scan, and a request for one of its pictures."""
    store = SessionStore(byte_cap=2**24)
    token = store.put(scan, "me")
    return store, {"token": token, "plane": "axial", "index": 2, "strength": 0.5, "mode": "resample", "seed": 1}


TAB_NAMES = tuple(tab.name for tab in TABS)


def test_a_slice_looks_the_same_alone_and_cut_from_its_volume_with_a_real_network(checkpoint: Path, tmp_path: Path) -> None:
    served = load_served("tiny", "Tiny", checkpoint)
    segmented = served.segmenter.open(read_scan(save_scan(tmp_path / "a.nii.gz", shape=(32, 24, 3))))
    opened = OpenScan(segmented, served)
    frame = make_frame(opened, FrameRequest(opened.plane, 1, 0.5, "resample", 3))
    volume, view = segmented.perturb_volume(0.5, "resample", 3), opened.views[opened.plane]
    np.testing.assert_array_equal(frame.labels, view.cut(volume.labels, 1))
    np.testing.assert_allclose(frame.reconstruction, view.cut(volume.reconstruction, 1), atol=1e-5)
    across = make_frame(opened, FrameRequest("sagittal", 7, 0.5, "resample", 3))
    np.testing.assert_array_equal(across.labels, opened.views["sagittal"].cut(volume.labels, 7))
    assert across.replaced_share == pytest.approx(volume.replaced_share)


def test_the_same_request_is_not_computed_twice(scan: OpenScan) -> None:
    request = FrameRequest("axial", 0, 0.5, "resample", 0)
    first = make_frame(scan, request)
    assert make_frame(scan, replace(request)) is first
    assert make_frame(scan, replace(request, seed=1)) is not first


def test_the_answer_carries_exact_pictures_and_the_input_only_when_asked(held: tuple[SessionStore, dict]) -> None:
    store, request = held
    frame = make_frame(store.get(request["token"]), FrameRequest("axial", 2, 0.5, "resample", 1))
    given = answering(store, see_frame)({**request, "with_image": True})
    for key, picture in (("labels", frame.labels), ("reconstruction", greyscale(frame.reconstruction)), ("image", greyscale(frame.image))):
        assert zlib.decompress(base64.b64decode(given[key])) == picture.tobytes()
    assert answering(store, see_frame)(request)["image"] is None
    json.dumps(given, allow_nan=False)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"token": "guessed"}, "no longer held"),
        ({"token": None}, "no longer held"),
        ({"plane": ["axial"]}, "plane must be one of"),
        ({"index": 10**9}, "0 to 5"),
        ({"index": "2"}, "whole number"),
        ({"index": True}, "whole number"),
        ({"strength": float("nan")}, "epsilon"),
        ({"strength": "0.5"}, "epsilon"),
        ({"mode": None}, "mode must be one of"),
        ({"seed": 2**31}, "seed"),
        ({"seed": float("inf")}, "seed"),
        ({"edits": "all"}, "written as row.column.code"),
        ({"edits": 7}, "edits must be a list"),
        ({"edits": "0.0.64"}, "code of an edit must be a whole number from 0 to 63"),
        ({"edits": [[0, 0]]}, "edits must be a list"),
        ({"edits": [[0, 99, 1]]}, "column of an edit must be a whole number from 0 to 5"),
        ({"edits": [[0, 0, 64]]}, "code of an edit must be a whole number from 0 to 63"),
        ({"edits": [[0, 0, 1]], "plane": "coronal"}, "acquired slices only"),
    ],
)
def test_server_functions_trust_nothing_in_a_request(held: tuple[SessionStore, dict], change: dict, message: str) -> None:
    store, request = held
    for handler in (see_frame, dropout):
        assert message in answering(store, handler)({**request, **change})["error"]
        assert "must be an object" in answering(store, handler)([request])["error"]


def test_a_picture_across_the_slices_comes_when_all_are_decoded(held: tuple[SessionStore, dict], monkeypatch: pytest.MonkeyPatch) -> None:
    store, request = held
    scan, across = store.get(request["token"]), {**request, "plane": "coronal", "index": 20, "mode": "shuffle"}
    monkeypatch.setattr(REPLAYS, "advance", partial(REPLAYS.advance, seconds=0))
    assert [answering(store, see_frame)(across) for _ in range(5)] == [{"done": n, "of": 6} for n in range(1, 6)]
    given = answering(store, see_frame)(across)
    volume, view = scan.segmented.perturb_volume(0.5, "shuffle", 1), scan.views["coronal"]
    assert zlib.decompress(base64.b64decode(given["labels"])) == view.cut(volume.labels, 20).tobytes()
    assert given["replaced_share"] == pytest.approx(volume.replaced_share)
    assert given["milliseconds"] > 0
    # Another slice, a picture at strength 0 and one of an acquired slice need nothing more.
    for change in ({"index": 3}, {"strength": 0}, {"plane": "axial", "index": 1}):
        assert "labels" in answering(store, see_frame)({**across, **change})
    # Who stops asking and asks for other settings begins with those.
    assert answering(store, see_frame)({**across, "strength": 0.7}) == {"done": 1, "of": 6}


def test_the_input_travels_with_the_values_of_its_file(held: tuple[SessionStore, dict]) -> None:
    store, request = held
    scan = store.get(request["token"])
    given = answering(store, see_frame)({**request, "with_image": True})
    assert given["values_type"] == "int16"
    raw = np.frombuffer(zlib.decompress(base64.b64decode(given["values"])), np.int16)
    np.testing.assert_array_equal(raw, scan.views["axial"].cut(scan.segmented.scan.voxels, 2).ravel())
    clean = np.frombuffer(zlib.decompress(base64.b64decode(given["clean_labels"])), np.uint8)
    np.testing.assert_array_equal(clean, scan.views["axial"].cut(scan.segmented.labels, 2).ravel())
    scan.segmented.scan.voxels[0, 0, 2] += 0.5
    assert answering(store, see_frame)({**request, "with_image": True})["values_type"] == "float32"


def test_a_truth_must_lie_on_the_scans_grid_and_know_its_classes(tmp_path: Path) -> None:
    path = save_scan(tmp_path / "scan.nii.gz")
    scan, truth = read_scan(path), read_scan(save_truth(tmp_path / "truth.nii.gz", path))
    np.testing.assert_array_equal(truth_labels(truth, scan, CLASSES), truth.voxels)
    with pytest.raises(ScanError, match=r"truth.nii.gz has 40 × 48 × 5 voxels; the scan scan.nii.gz has 40 × 48 × 6"):
        truth_labels(replace(truth, voxels=truth.voxels[..., 1:]), scan, CLASSES)
    with pytest.raises(ScanError, match="lies elsewhere"):
        truth_labels(replace(truth, affine=truth.affine + 1), scan, CLASSES)
    for wrong in (truth.voxels + 1, truth.voxels - 1, truth.voxels / 2):
        with pytest.raises(ScanError, match="whole numbers from 0 to 3"):
            truth_labels(replace(truth, voxels=wrong), scan, CLASSES)


def test_the_codeword_that_came_stands_after_the_nearest(held: tuple[SessionStore, dict]) -> None:
    store, request = held
    found = answering(store, neighbours)({"token": request["token"], "code": 10, "to": 50})
    assert found["codes"][-1] == 50
    assert found["distances"] == sorted(found["distances"])
    json.dumps(found, allow_nan=False)
    for wrong in ({"code": 64, "to": 1}, {"code": "1", "to": 1}, {"code": 1}):
        assert "must be a whole number from 0 to 63" in answering(store, neighbours)({"token": request["token"], **wrong})["error"]
    assert "no longer held" in answering(store, neighbours)({"token": "guessed"})["error"]


def test_the_card_of_a_cell_has_the_atoms_of_all_its_codes(held: tuple[SessionStore, dict]) -> None:
    store, request = held
    found = answering(store, neighbours)({"token": request["token"], "code": 10, "to": 50})
    atoms = np.frombuffer(zlib.decompress(base64.b64decode(found["atoms"])), np.uint8).reshape(-1, found["side"], found["side"])
    np.testing.assert_array_equal(atoms, store.get(request["token"]).segmented.atoms([10, *found["codes"]]))


def test_a_point_of_the_dropout_curve_has_the_figures_of_that_slice(held: tuple[SessionStore, dict], tmp_path: Path) -> None:
    store, request = held
    scan = store.get(request["token"])
    given = answering(store, dropout)({**request, "rate": 0.4, "edits": [[0, 0, 60]]})
    result = scan.segmented.dropout(2, 0.4, 1, {(0, 0): 60})
    assert (given["dice_vs_clean"], given["psnr"], given["truth"]) == (result.dice_vs_clean, result.psnr, None)
    assert given["agreement"] == (result.labels == scan.segmented.labels[..., 2]).mean() < 1
    scan.truth = result.labels[..., None].repeat(6, -1)
    assert set(answering(store, dropout)({**request, "rate": 0.4, "edits": [[0, 0, 60]]})["truth"]) <= {1.0, None}
    for rate in (None, "0.4", True, -0.1, 1.1, float("nan")):
        assert "rate must be a number from 0 to 1" in answering(store, dropout)({**request, "rate": rate})["error"]
    assert "choose plane axial" in answering(store, dropout)({**request, "plane": "coronal", "rate": 0.4})["error"]


def test_the_branches_disagree_where_only_one_of_them_answers() -> None:
    labels, clean = np.array([[0, 1, 1, 2]]), np.array([[0, 1, 2, 1]])
    pictures = np.array([[0.5, 0.5, 0.5, 0.5]]), np.array([[0.54, 0.6, 0.46, 0.44]])
    np.testing.assert_array_equal(branch_changes(labels, clean, *pictures), [[NEITHER, RECONSTRUCTION, SEGMENTATION, BOTH]])


@pytest.mark.parametrize(("plane", "index"), [("axial", 2), ("sagittal", 20)])
def test_a_frame_tells_what_changed_against_strength_zero(scan: OpenScan, plane: str, index: int) -> None:
    assert not make_frame(scan, FrameRequest(plane, index, 0.0, "resample", 1)).changes.any()
    clean, frame = (make_frame(scan, FrameRequest(plane, index, strength, "resample", 1)) for strength in (0.0, 0.6))
    np.testing.assert_array_equal(frame.changes % 2 == 1, frame.labels != clean.labels)
    np.testing.assert_array_equal(frame.changes >= 2, np.abs(frame.reconstruction - clean.reconstruction) > 0.05)
    assert frame.agreement == pytest.approx((frame.changes % 2 == 0).mean())
    assert frame.changed_share == pytest.approx((frame.labels != clean.labels).sum() / ((frame.labels > 0) | (clean.labels > 0)).sum())


def test_codes_that_lie_together_look_alike() -> None:
    statistics = fake_statistics()
    colours, order = code_colours(statistics).astype(int), np.argsort(statistics.projection[:, 0])
    assert colours.shape == (len(statistics.counts), 3)
    assert (np.diff(colours[order, 0]) >= 0).all()


def test_nobody_can_send_a_truth_for_an_example_that_others_see(tmp_path: Path) -> None:
    examples, models = Examples([save_scan(tmp_path / "phantom_a.nii.gz")]), fake_models(fake_served())
    store, opened = SessionStore(byte_cap=2**24), examples.open("Phantom a", models.default)
    token, truth = store.put(opened, "me", shared=True), save_truth(tmp_path / "mine.nii.gz", tmp_path / "phantom_a.nii.gz")
    with pytest.raises(ScanError, match="has its own ground truth"):
        Visits(models, store, Arrived(), examples, Openings()).truth(str(truth), {"token": token})
    assert opened.truth is None
    assert not truth.exists()


def test_what_a_link_says_wrongly_is_taken_as_not_said() -> None:
    said = {
        "case": "B",
        "plane": "sagittal",
        "slice": "3",
        "eps": "0.35",
        "mode": "shuffle",
        "seed": "7",
        "tab": "codebook",
        "checkpoint": "tiny",
        "edits": "2.3.17_0.0.5",
        "reach": "40.5",
    }
    edits = ((2, 3, 17), (0, 0, 5))
    assert Link.read(said, ["A", "B"], TAB_NAMES) == Link("B", "tiny", "sagittal", 3, 0.35, "shuffle", 7, "codebook", edits, 40.5)
    wrong = {
        "case": "C",
        "plane": "up",
        "slice": "-1",
        "eps": "nan",
        "mode": "x",
        "seed": "1e99",
        "tab": ["see"],
        "checkpoint": "",
        "edits": "1.2",
        "reach": "far",
    }
    link = Link.read(wrong, ["A", "B"], TAB_NAMES)
    assert link == Link.read({}, ["A", "B"], TAB_NAMES) == Link("A")
    # Each of them is named with its value, except the empty one.
    assert [words.split(" (")[0] for words in link.unread] == [f"{name}={value}" for name, value in sorted_as_read(wrong) if value]
    assert Link.read(said, ["A", "B"], TAB_NAMES).unread == ()
    assert len(Link.read({"case": "x" * 5000}, ["A"], TAB_NAMES).unread[0]) < 120


def sorted_as_read(query: dict[str, Any]) -> list[tuple[str, Any]]:
    order = ("case", "plane", "slice", "eps", "mode", "seed", "tab", "edits", "reach", "frame")
    return [(name, query[name]) for name in order if name in query]


@pytest.mark.parametrize(
    ("name", "text", "field", "expected"),
    [
        ("eps", "0", "strength", 0.0),
        ("eps", "1", "strength", 1.0),
        ("eps", "1.0001", "strength", None),
        ("eps", "-0.0001", "strength", None),
        ("seed", str(LARGEST_SEED), "seed", LARGEST_SEED),
        ("seed", str(LARGEST_SEED + 1), "seed", 0),
        ("slice", "0", "index", 0),
        ("slice", "2.5", "index", None),
        ("tab", TAB_NAMES[-1], "tab", TAB_NAMES[-1]),
        ("tab", "other", "tab", ""),
        ("reach", "1", "reach", 1.0),
        ("reach", "0.9", "reach", None),
        ("reach", "inf", "reach", None),
        ("reach", "own", "reach", OWN_REACH),
    ],
)
def test_a_link_is_read_up_to_its_bounds_and_not_beyond(name: str, text: str, field: str, expected: object) -> None:
    assert getattr(Link.read({name: text}, ["A"], TAB_NAMES), field) == expected


def test_forced_tokens_are_read_back_from_their_text() -> None:
    assert edits_as_text([(2, 3, 17), (0, 0, 5), (2, 3, 4)]) == "0.0.5_2.3.4"
    assert edits_from_text("0.0.5_2.3.4") == [(0, 0, 5), (2, 3, 4)]
    assert (edits_as_text([]), edits_from_text("")) == ("", [])
    for wrong in ("1.2", "1.2.3_", "1.2.-3", "1.2.3,4.5.6", "a.b.c", "1.2.3\n", "٣.1.2", "1.2.3_" * 3, "1.2." + "9" * 30):
        with pytest.raises(ValueError, match=r"written as row\.column\.code"):
            edits_from_text(wrong)


def test_what_the_browser_knows_of_a_scan_has_no_path(scan: OpenScan) -> None:
    described = describe("token", scan, "heart.nii.gz")
    assert described["outside"] is None
    assert described["planes"]["axial"]["count"] == 6
    assert len(described["colours"]) == len(CLASSES)
    assert "/" not in json.dumps(described)


def test_examples_are_found_without_their_truth_and_opened_once(tmp_path: Path) -> None:
    for name in ("phantom_b.nii.gz", "phantom_a-thick-wall.nii.gz"):
        save_scan(tmp_path / name)
    save_truth(tmp_path / "phantom_b_truth.nii.gz", tmp_path / "phantom_b.nii.gz")
    examples, served, other = Examples(find_examples(tmp_path)), fake_served(), fake_served("other", ("background", "nodule"))
    assert examples.titles == ["Phantom a thick wall", "Phantom b"]
    first = examples.open("Phantom b", served)
    assert first is examples.open("Phantom b", served)
    assert first.example == "Phantom b"
    assert first.truth is not None
    # Another checkpoint encodes it anew; the truth's classes are not its own.
    again = examples.open("Phantom b", other)
    assert again.model is other
    assert again.truth is None
    assert examples.open("Phantom b truth", served) is None
    assert Examples(find_examples(tmp_path / "nowhere")).titles == []


def test_a_bad_upload_is_deleted_too(tmp_path: Path) -> None:
    path = tmp_path / "bad.nii.gz"
    path.write_bytes(b"\x1f\x8bnot gzip")
    with pytest.raises(ScanError, match=r"bad\.nii\.gz"):
        Arrived().read(path)
    assert not path.exists()
    with pytest.raises(ScanError, match="no file was sent"):
        Arrived().read(None)


@pytest.fixture
def app_py() -> Any:
    # By path: the package app/ wins over the name.
    spec = importlib.util.spec_from_file_location("app_py", Path(__file__).parents[1] / "app.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_settings_come_from_the_environment(app_py: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("GRADIO_SERVER_PORT", "GRADIO_SERVER_NAME", "SPACE_ID", "VQSEG_CHECKPOINT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    assert (app_py.port_from_environment(), app_py.host_from_environment()) == (7860, "127.0.0.1")
    assert app_py.checkpoint_from_environment() == str(Path(app_py.__file__).parent / "checkpoints" / "acdc-10")
    monkeypatch.setenv("SPACE_ID", "owner/space")
    assert app_py.host_from_environment() == "0.0.0.0"
    monkeypatch.setenv("VQSEG_CHECKPOINT", "owner/model")
    assert app_py.checkpoint_from_environment() == "owner/model"
    for port in ("http", "0", "65536", "-1"):
        monkeypatch.setenv("GRADIO_SERVER_PORT", port)
        with pytest.raises(ValueError, match="from 1 to 65535"):
            app_py.port_from_environment()


def test_a_missing_checkpoint_ends_with_a_message_and_status_1(
    app_py: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("VQSEG_CHECKPOINT", "./nowhere")
    assert app_py.main() == 1
    assert "there is no checkpoint folder" in caplog.text


def test_a_scan_of_one_slice_says_so_at_the_slider_that_has_nothing_to_move(tmp_path: Path) -> None:
    flat, thick = (
        OpenScan(FakeSegmentedScan(read_scan(save_scan(tmp_path / f"{depth}.nii.gz", shape=(20, 24, depth)))), fake_served())
        for depth in (1, 3)
    )
    alone, several = slice_slider(flat, flat.plane), slice_slider(thick, thick.plane)
    assert (alone["interactive"], alone["label"]) == (False, "Slice: only one in this plane")
    assert (several["interactive"], several["label"]) == (True, "Slice")
    # Without a scan nothing is known.
    assert slice_slider(None, "axial")["label"] == "Slice"


def test_the_results_are_those_of_the_whole_scan_decoded_a_few_slices_at_a_time(
    held: tuple[SessionStore, dict], scan: OpenScan, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, request = held
    results = answering(store, see_results)
    monkeypatch.setattr(REPLAYS, "advance", partial(REPLAYS.advance, seconds=0))
    clean = scan.segmented.labels
    count = [int((clean == label).sum()) for label in range(len(CLASSES))]
    # At strength 0 nothing is left to decode.
    answer = results({**request, "strength": 0})
    assert list(answer["voxels"]) == list(answer["clean"]) == count
    assert answer["dice_vs_clean"] == [1.0 if count[label] else None for label in range(1, len(CLASSES))]
    assert answer["truth"] is None
    # The axes of this scan are not at right angles.
    assert answer["voxel_ml"] == pytest.approx(abs(np.linalg.det(scan.segmented.scan.affine[:3, :3])) / 1000)
    scan.truth = clean
    steps = [results(request)]
    while "voxels" not in steps[-1]:
        steps.append(results(request))
    assert [step.get("done") for step in steps[:-1]] == list(range(1, scan.segmented.slice_count))
    labels = scan.segmented.perturb_volume(0.5, "resample", 1).labels
    assert list(steps[-1]["voxels"]) == [int((labels == label).sum()) for label in range(len(CLASSES))]
    overlap = [
        2 * ((labels == label) & (clean == label)).sum() / ((labels == label).sum() + count[label]) for label in range(1, len(CLASSES))
    ]
    assert steps[-1]["dice_vs_clean"] == pytest.approx(overlap)
    assert steps[-1]["truth"] == pytest.approx(overlap)


def test_a_slice_brings_the_sizes_of_the_whole_scan(held: tuple[SessionStore, dict], scan: OpenScan) -> None:
    store, request = held
    answer = answering(store, see_frame)({**request, "with_image": True})
    assert sum(answer["voxels"]) == scan.segmented.labels.size
    assert answer["voxels"][1] == int((scan.segmented.labels == 1).sum())
    scan.segmented.scan = replace(scan.segmented.scan, spacing_known=False)
    assert scan.voxel_ml is None


def test_candidates_are_those_of_the_slice_at_its_reach_and_of_modes_with_a_reach(scan: OpenScan) -> None:
    asked = {"plane": "axial", "index": 2, "strength": 0.5, "mode": "resample", "seed": 1, "reach": 20}
    found = np.frombuffer(zlib.decompress(base64.b64decode(candidates(scan, asked)["candidates"])), np.float32)
    np.testing.assert_allclose(found.reshape(scan.segmented.indices.shape[1:]), scan.segmented.candidates(2, 20))
    for wrong in ({"mode": "shuffle"}, {"plane": "coronal"}):
        with pytest.raises(RequestError, match="candidates belong to"):
            candidates(scan, {**asked, **wrong})


def test_the_colours_of_the_codes_are_those_of_their_places(scan: OpenScan) -> None:
    answer = palette(scan, {})
    colours, places = (np.frombuffer(zlib.decompress(base64.b64decode(answer[name])), np.uint8) for name in ("colours", "places"))
    # Red and green grow along the two axes of the map.
    np.testing.assert_allclose(colours.reshape(-1, 3)[:, :2], 40 + 195 / 255 * places.reshape(-1, 2), atol=1)
