"""The Volume tab's bytes: they are the scan's and the labels' own, in the same place of the world, and reach only who has the token."""

from __future__ import annotations

import asyncio
import gzip
import json
import threading
import time
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from app_server import OBLIQUE, fake_served, save_scan, save_truth
from fake_segmenter import CLASSES, FakeSegmentedScan
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.testclient import TestClient

import app.scan.volume
from app.scan.frame_request import MODES, FrameRequest
from app.scan.open_scan import OpenScan
from app.scan.replay import Replays
from app.scan.truth import truth_labels
from app.scan.volume import class_figures, display_range, is_volume, nifti_bytes, thinning
from app.tabs.registry import TABS
from app.tabs.volume.answers import NIIVUE, NIIVUE_PATH, VOLUME_PATH, VolumeRequest, told, volume_routes
from app.visit.links import Link
from app.visit.session import SessionStore
from vqseg.data.formats.axial import axial_scan
from vqseg.data.scan import read_numbers, read_scan
from vqseg.inference import dice_by_class
from vqseg.types import Scan


@pytest.fixture(scope="module")
def scan_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_scan(tmp_path_factory.mktemp("scans") / "one.nii.gz")


@pytest.fixture
def opened(scan_file: Path) -> OpenScan:
    return OpenScan(FakeSegmentedScan(read_scan(scan_file)), fake_served())


@pytest.fixture
def store() -> SessionStore:
    return SessionStore(byte_cap=2**28)


@pytest.fixture
def client(store: SessionStore) -> TestClient:
    return TestClient(Starlette(routes=volume_routes(store)))


def scan_of(shape: tuple[int, int, int], spacing: tuple[float, float, float] = (1.0, 1.0, 1.0), affine: Any = None) -> Scan:
    # Broadcast: the shape of a large volume without its memory.
    return Scan(np.broadcast_to(np.float32(0), shape), np.diag([*spacing, 1.0]) if affine is None else affine, spacing, "made.nii")


def asked(client: TestClient, **values: Any) -> tuple[list[dict[str, Any]], bytes]:
    """The lines of an answer and the NIfTI file behind them."""
    response = client.post(VOLUME_PATH, json=values)
    assert response.status_code == 200, response.text
    assert response.headers["cache-control"] == "no-store"
    lines, rest = [], response.content
    while not lines or "bytes" not in lines[-1]:
        line, rest = rest.split(b"\n", 1)
        lines.append(json.loads(line))
    assert len(rest) == lines[-1]["bytes"]
    return lines, gzip.decompress(rest)


def labels_request(token: str, strength: float, mode: str = "resample", seed: int = 0) -> dict[str, Any]:
    return {"token": token, "part": "labels", "strength": strength, "mode": mode, "seed": seed}


def test_the_scan_arrives_as_it_is_in_the_file_on_its_own_affine(opened: OpenScan, store: SessionStore, client: TestClient) -> None:
    lines, content = asked(client, token=store.put(opened, "one"), part="scan")
    image = nib.Nifti1Image.from_bytes(content)
    np.testing.assert_array_equal(np.asarray(image.dataobj), opened.segmented.scan.voxels)
    assert image.get_data_dtype() == np.int16
    np.testing.assert_allclose(image.affine, OBLIQUE, atol=1e-5)
    assert image.header.get_xyzt_units()[0] == "mm"
    assert lines[-1]["shape"] == [40, 48, 6]
    np.testing.assert_allclose(lines[-1]["inverse"], np.linalg.inv(OBLIQUE), atol=1e-6)


def test_values_that_are_not_whole_arrive_as_float32() -> None:
    values = np.random.default_rng(0).normal(size=(5, 6, 7)).astype(np.float32)
    opened = OpenScan(FakeSegmentedScan(Scan(values, OBLIQUE, (1.4, 1.5, 8.0), "made.nii")), fake_served())
    content, _ = app.scan.volume.scan_file(opened)
    image = nib.Nifti1Image.from_bytes(content)
    assert image.get_data_dtype() == np.float32
    np.testing.assert_array_equal(np.asarray(image.dataobj), values)


@pytest.mark.parametrize("mode", ["resample", "shuffle"])
def test_labels_are_those_of_the_whole_volume_at_that_strength(
    opened: OpenScan, store: SessionStore, client: TestClient, mode: str
) -> None:
    lines, content = asked(client, **labels_request(store.put(opened, "one"), 0.5, mode, 7))
    image, expected = nib.Nifti1Image.from_bytes(content), opened.segmented.perturb_volume(0.5, mode, 7)
    np.testing.assert_array_equal(np.asarray(image.dataobj), expected.labels)
    assert image.get_data_dtype() == np.uint8
    np.testing.assert_allclose(image.affine, OBLIQUE, atol=1e-5)
    assert lines[-1]["replaced_share"] == pytest.approx(expected.replaced_share)
    assert lines[0].keys() <= {"progress", "figures"}


def test_labels_at_zero_are_the_scans_own_for_every_seed(opened: OpenScan, store: SessionStore, client: TestClient) -> None:
    token = store.put(opened, "one")
    contents = [asked(client, **labels_request(token, 0, seed=seed))[1] for seed in (0, 3)]
    assert contents[0] == contents[1]
    np.testing.assert_array_equal(np.asarray(nib.Nifti1Image.from_bytes(contents[0]).dataobj), opened.segmented.labels)


def test_the_voxels_of_lit_codes_are_those_of_their_tokens(opened: OpenScan, store: SessionStore, client: TestClient) -> None:
    token, segmented = store.put(opened, "one"), opened.segmented
    codes = [int(code) for code in np.unique(segmented.indices)[::3]]
    mask = np.asarray(nib.Nifti1Image.from_bytes(asked(client, token=token, part="lit", codes=codes)[1]).dataobj)
    rows, columns = segmented.slice_size
    for index in range(segmented.slice_count):
        cells = np.kron(np.isin(segmented.indices[index], codes), np.ones((8, 8), np.uint8))[:rows, :columns]
        np.testing.assert_array_equal(mask.take(index, segmented.axis), cells)
    assert mask.any() and not mask.all()


@pytest.mark.parametrize("codes", [None, [-1], [64], ["3"], [0] * 65, {"0": 1}])
def test_codes_that_are_none_are_refused(opened: OpenScan, store: SessionStore, client: TestClient, codes: object) -> None:
    response = client.post(VOLUME_PATH, json={"token": store.put(opened, "one"), "part": "lit", "codes": codes})
    assert response.status_code == 400 and "code" in response.json()["error"]


def test_no_text_of_the_file_travels_to_the_browser(tmp_path: Path, store: SessionStore, client: TestClient) -> None:
    path = save_scan(tmp_path / "Doe_Jane_1961.nii.gz")
    image = nib.load(path)
    image.header["descrip"], image.header["aux_file"], image.header["db_name"] = b"Jane Doe", b"hospital", b"1961-04-01"
    image.header.extensions.append(nib.nifti1.Nifti1Extension("comment", b"Jane Doe, born 1961"))
    nib.Nifti1Image(np.asarray(image.dataobj), image.affine, image.header).to_filename(path)
    assert nib.load(path).header["descrip"] == b"Jane Doe"
    token = store.put(OpenScan(FakeSegmentedScan(read_scan(path)), fake_served()), "one")
    for request in ({"token": token, "part": "scan"}, labels_request(token, 0.4)):
        lines, content = asked(client, **request)
        header = nib.Nifti1Image.from_bytes(content).header
        assert not any(bytes(header[field]).strip(b"\0") for field in ("descrip", "aux_file", "db_name", "intent_name", "data_type"))
        assert not header.extensions
        assert not any(word in content or word in json.dumps(lines).encode() for word in (b"Jane", b"Doe", b"1961", b"hospital"))


def test_a_visitor_reaches_their_own_scan_and_no_released_one(scan_file: Path, store: SessionStore, client: TestClient) -> None:
    other_file = save_scan(scan_file.with_name("other.nii.gz"), seed=5)
    scans = [OpenScan(FakeSegmentedScan(read_scan(path)), fake_served()) for path in (scan_file, other_file)]
    tokens = [store.put(scan, owner) for scan, owner in zip(scans, ("one", "other"), strict=True)]
    for token, scan in zip(tokens, scans, strict=True):
        content = asked(client, token=token, part="scan")[1]
        np.testing.assert_array_equal(np.asarray(nib.Nifti1Image.from_bytes(content).dataobj), scan.segmented.scan.voxels)
    store.release("other")
    for wrong in (tokens[1], tokens[0][:-1], "", None, 3):
        response = client.post(VOLUME_PATH, json={"token": wrong, "part": "scan"})
        assert response.status_code == 404
        assert response.headers["cache-control"] == "no-store"
        assert response.json() == {"error": "this scan is no longer held on the server; choose or upload it again"}
    assert asked(client, token=tokens[0], part="scan")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"part": "header"}, "part must be one of scan, labels, truth, lit, got 'header'"),
        ({"part": "truth"}, "this scan has no ground truth"),
        ({"part": "labels", "strength": 1.5}, "epsilon must be a number from 0 to 1, got 1.5"),
        ({"part": "labels", "strength": "1"}, "epsilon must be a number from 0 to 1, got '1'"),
        ({"part": "labels", "mode": "flip"}, f"mode must be one of {', '.join(MODES)}, got 'flip'"),
        ({"part": "labels", "seed": -1}, "seed must be a whole number from 0 to 2147483647, got -1"),
    ],
)
def test_a_wrong_request_is_answered_with_what_is_accepted(
    opened: OpenScan, store: SessionStore, client: TestClient, values: dict[str, Any], message: str
) -> None:
    response = client.post(VOLUME_PATH, json={"token": store.put(opened, "one"), **values})
    assert (response.status_code, response.json()) == (400, {"error": message})


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"[1]", "the request must be a JSON object"),
        (b"\xff{", "the request must be a JSON object"),
        (b" " * 300_000, "a request may have at most 262144 bytes"),
    ],
)
def test_a_body_that_is_no_request_is_refused(client: TestClient, body: bytes, message: str) -> None:
    response = client.post(VOLUME_PATH, content=body)
    assert (response.status_code, response.json()) == (400, {"error": message})
    assert client.get(VOLUME_PATH).status_code == 405


def test_a_single_slice_has_no_volume(tmp_path: Path, store: SessionStore, client: TestClient) -> None:
    flat = read_scan(save_scan(tmp_path / "flat.nii.gz", shape=(20, 24, 1)))
    assert not is_volume(flat)
    response = client.post(VOLUME_PATH, json={"token": store.put(OpenScan(FakeSegmentedScan(flat), fake_served()), "one"), "part": "scan"})
    assert (response.status_code, response.json()) == (400, {"error": "this is a single picture: it has no volume"})


def test_the_truth_is_given_where_there_is_one(scan_file: Path, store: SessionStore, client: TestClient) -> None:
    scan = read_scan(scan_file)
    truth = truth_labels(read_numbers(save_truth(scan_file.with_name("truth.nii.gz"), scan_file)), scan, CLASSES)
    opened = OpenScan(FakeSegmentedScan(scan), fake_served(), truth)
    lines, content = asked(client, token=store.put(opened, "one"), part="truth")
    np.testing.assert_array_equal(np.asarray(nib.Nifti1Image.from_bytes(content).dataobj), truth)
    assert [figures["truth"] for figures in lines[-1]["figures"]] == [1.0, 1.0, 1.0]


def test_what_draws_is_served_from_here_and_may_be_kept(client: TestClient) -> None:
    response = client.get(NIIVUE_PATH)
    assert response.content == NIIVUE.read_bytes()
    assert response.headers["content-type"].startswith("text/javascript")
    assert "immutable" in response.headers["cache-control"]
    assert NIIVUE.with_name("LICENSE").read_text(encoding="utf-8").startswith("NiiVue (BSD 2-Clause License)")


@given(
    shape=st.tuples(*[st.integers(2, 900)] * 3),
    spacing=st.tuples(*[st.floats(0.1, 9)] * 3),
    place=st.tuples(*[st.floats(0, 1)] * 3),
)
def test_a_thinned_volume_is_small_enough_and_lies_where_it_was(
    shape: tuple[int, int, int], spacing: tuple[float, float, float], place: tuple[float, float, float]
) -> None:
    scan = scan_of(shape, spacing, OBLIQUE)
    thin = thinning(scan)
    taken = thin.take(scan.voxels).shape
    assert np.prod(taken) <= app.scan.volume.MOST_VOXELS
    assert min(taken) >= 2
    voxel = np.array([round(share * (count - 1)) for share, count in zip(place, taken, strict=True)])
    whole = voxel * thin.steps + thin.offsets
    assert (whole < shape).all()
    np.testing.assert_allclose(thin.affine @ [*voxel, 1], OBLIQUE @ [*whole, 1], atol=1e-8)


def test_a_large_ct_is_thinned_towards_even_voxels_and_a_cardiac_scan_is_not() -> None:
    assert thinning(scan_of((512, 512, 400), (0.7, 0.7, 1.0))).steps == (3, 3, 2)
    assert thinning(scan_of((256, 232, 12), (1.4, 1.4, 10.0))).steps == (1, 1, 1)
    assert thinning(scan_of((5000, 4, 4))).steps == (5, 1, 1)


def test_every_part_of_a_thinned_scan_is_thinned_alike(opened: OpenScan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app.scan.volume, "MOST_VOXELS", 2000)
    thin = thinning(opened.segmented.scan)
    assert thin.steps == (3, 3, 1)
    content, about = app.scan.volume.scan_file(opened)
    np.testing.assert_array_equal(np.asarray(nib.Nifti1Image.from_bytes(content).dataobj), opened.segmented.scan.voxels[1::3, 1::3])
    labels = app.scan.volume.label_file(opened, opened.segmented.labels)
    np.testing.assert_array_equal(np.asarray(nib.Nifti1Image.from_bytes(labels).dataobj), opened.segmented.labels[1::3, 1::3])
    assert (about["steps"], about["offsets"]) == ([3, 3, 1], [1, 1, 0])
    assert all(0 <= voxel < count for voxel, count in zip(about["start"], about["shape"], strict=True))


def test_the_figures_count_voxels_millilitres_and_dice(opened: OpenScan) -> None:
    labels = opened.segmented.perturb_volume(0.6, "resample", 1).labels
    figures = class_figures(opened, labels)
    for label, one in enumerate(figures, start=1):
        count = int((labels == label).sum())
        assert one["voxels"] == count
        assert one["millilitres"] == pytest.approx(count * abs(np.linalg.det(OBLIQUE[:3, :3])) / 1000)
        assert one["truth"] is None
    assert [one["dice"] for one in figures] == dice_by_class(labels, opened.segmented.labels, len(CLASSES))
    assert [one["dice"] for one in class_figures(opened, opened.segmented.labels)] == [1.0, 1.0, 1.0]


def test_an_array_without_geometry_has_no_millilitres() -> None:
    values = np.random.default_rng(0).integers(0, 900, (12, 12, 4)).astype(np.float32)
    opened = OpenScan(FakeSegmentedScan(axial_scan("made.npy", values)), fake_served())
    assert {one["millilitres"] for one in class_figures(opened, opened.segmented.labels)} == {None}


@given(low=st.floats(-1000, 0), width=st.floats(1, 3000), seed=st.integers(0, 99))
def test_the_window_is_found_again_from_what_the_network_reads(low: float, width: float, seed: int) -> None:
    voxels = np.random.default_rng(seed).uniform(low - width, low + 2 * width, 500).astype(np.float32)
    normalised = np.clip((voxels - np.float32(low)) / np.float32(width), 0, 1)
    np.testing.assert_allclose(display_range(voxels, normalised), [low, low + width], atol=2e-3 * width)


@pytest.mark.parametrize(
    ("voxels", "normalised", "expected"), [([5, 5], [0, 0], [5, 6]), ([3, 9], [0, 1], [3, 9]), ([1, 2, 3], [0, 0.5, 1], [1, 3])]
)
def test_a_window_of_few_values_is_their_range(voxels: list[float], normalised: list[float], expected: list[float]) -> None:
    assert display_range(np.array(voxels, np.float32), np.array(normalised, np.float32)) == expected


def test_nifti_bytes_are_uncompressed_and_little(opened: OpenScan) -> None:
    content = nifti_bytes(opened.segmented.labels, OBLIQUE)
    assert len(content) == 352 + opened.segmented.labels.size


def test_a_decoded_volume_is_kept_and_decoding_it_leaves_the_scan_free(opened: OpenScan) -> None:
    shares: list[float] = []

    def progress(share: float) -> None:
        shares.append(share)
        assert opened.lock.acquire(blocking=False)
        opened.lock.release()

    replays, request = Replays(), FrameRequest(opened.plane, 0, 0.5, "resample", 1)
    first = replays.decoded(opened, request, progress)
    assert replays.decoded(opened, request, progress).labels is first.labels
    assert shares == [pytest.approx((index + 1) / 6) for index in range(6)]


def test_figures_are_told_while_the_volume_is_decoded(opened: OpenScan) -> None:
    asked = VolumeRequest.checked({"part": "labels", "strength": 0.9, "mode": "resample", "seed": 11}, opened)
    heard: list[tuple[float, Any]] = []
    about, _ = asked.answer(opened, lambda share, figures: heard.append((share, figures)))
    # The first slice is decoded, the others are as at epsilon 0.
    labels, segmented = opened.segmented.labels.copy(), opened.segmented
    np.moveaxis(labels, segmented.axis, 0)[0] = segmented.perturb(0, 0.9, "resample", 11).labels
    assert heard[0] == (pytest.approx(1 / 6), class_figures(opened, labels))
    assert heard[0][1] not in (about["figures"], class_figures(opened, segmented.labels))
    assert heard[-1] == (1, None)


def test_a_volume_that_nobody_waits_for_is_given_up(opened: OpenScan) -> None:
    class Gone:
        async def is_disconnected(self) -> bool:
            return True

    decoded, ended = [], threading.Event()

    def work(progress: Any) -> tuple[dict[str, Any], bytes]:
        until = time.monotonic() + 60
        try:
            # Ends by what progress raises.
            while time.monotonic() < until:
                decoded.append(opened.segmented.perturb(0, 0.5))
                progress(0.5)
            return {}, b""
        except Exception:
            ended.set()
            raise

    async def listen() -> list[bytes]:
        return [line async for line in told(Gone(), asyncio.Semaphore(1), work)]

    assert asyncio.run(asyncio.wait_for(listen(), 30)) == []
    assert ended.wait(30)
    assert decoded


def test_a_browser_that_stops_reading_holds_up_no_other() -> None:
    class There:
        async def is_disconnected(self) -> bool:
            return False

    async def listen() -> list[bytes]:
        decoders = asyncio.Semaphore(1)
        stopped = told(There(), decoders, lambda progress: ({}, b"one"))
        await anext(stopped)
        return [line async for line in told(There(), decoders, lambda progress: ({}, b"another"))]

    assert asyncio.run(asyncio.wait_for(listen(), 30))[-1] == b"another"


def test_a_link_may_name_the_tab() -> None:
    assert Link.read({"tab": "volume"}, ["One"], [tab.name for tab in TABS]).tab == "volume"
