"""The endpoints through gradio_client, as a program would call them: orders, keys, exact pictures, clear errors."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import nibabel as nib
import numpy as np
import pytest
from app_server import OBLIQUE, Server, fake_served, save_scan, serving
from fake_segmenter import CLASSES, FakeSegmentedScan
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image

from app.scan.frame_request import MODES, FrameRequest
from app.scan.frames import make_frame
from app.scan.open_scan import OpenScan
from app.scan.planes import plane_views
from app.scan.render import greyscale, label_colours, label_picture
from app.tabs.export.lines import client_lines
from vqseg.data.scan import read_scan


@pytest.fixture(scope="module")
def scan_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_scan(tmp_path_factory.mktemp("scans") / "heart.nii.gz")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("cache"), []) as running:
        yield running


@pytest.fixture(scope="module")
def client(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Client:
    return Client(server.url, verbose=False, download_files=str(tmp_path_factory.mktemp("downloads")))


def uploads_of(server: Server, name: str) -> list[Path]:
    return list(server.cache.rglob(name))


def test_segment_gives_the_label_file_on_the_scans_grid_and_a_summary(client: Client, scan_file: Path) -> None:
    label_file, summary = client.predict(handle_file(scan_file), api_name="/segment")
    labels = nib.load(label_file)
    expected = FakeSegmentedScan(read_scan(scan_file)).labels
    assert Path(label_file).name == "heart_labels.nii.gz"
    np.testing.assert_array_equal(np.asarray(labels.dataobj), expected)
    np.testing.assert_allclose(labels.affine, OBLIQUE, atol=1e-5)
    assert set(summary) == {"shape", "spacing", "voxels", "millilitres", "milliseconds", "notes"}
    assert summary["shape"] == [40, 48, 6]
    assert summary["spacing"] == pytest.approx(np.linalg.norm(OBLIQUE[:3, :3], axis=0).tolist(), rel=1e-5)
    assert summary["voxels"] == {name: int(np.sum(expected == i)) for i, name in enumerate(CLASSES) if i}
    # Not the product of the spacings: the axes of this scan are not at right angles.
    millilitres = summary["voxels"]["LV"] * abs(np.linalg.det(OBLIQUE[:3, :3])) / 1000
    assert summary["millilitres"]["LV"] == pytest.approx(millilitres, abs=1e-3)


@pytest.mark.parametrize(("plane", "index"), [("axial", 2), ("coronal", 20), ("sagittal", 11)])
def test_perturb_gives_two_exact_pictures_and_the_figures(client: Client, scan_file: Path, plane: str, index: int) -> None:
    segmentation, reconstruction, figures = client.predict(handle_file(scan_file), plane, index, 0.4, "resample", 7, api_name="/perturb")
    scan = read_scan(scan_file)
    view, volume = plane_views(scan)[plane], FakeSegmentedScan(scan).perturb_volume(0.4, "resample", 7)
    colours = label_colours(len(CLASSES))
    with Image.open(segmentation) as picture:
        assert picture.format == "PNG"
        np.testing.assert_array_equal(np.asarray(picture.convert("RGB")), label_picture(view.cut(volume.labels, index), colours))
    with Image.open(reconstruction) as picture:
        assert picture.format == "PNG"
        np.testing.assert_array_equal(np.asarray(picture.convert("L")), greyscale(view.cut(volume.reconstruction, index)))
    assert set(figures) == {"replaced_share", "dice_vs_clean", "psnr", "milliseconds", "colours"}
    assert 0.2 < figures["replaced_share"] < 0.6
    assert 0 < figures["dice_vs_clean"] < 1
    assert figures["colours"] == {"background": "#000000", "RV": "#56b4e9", "MYO": "#f0e442", "LV": "#d55e00"}


def test_nothing_is_replaced_at_strength_zero(client: Client, scan_file: Path) -> None:
    _, _, figures = client.predict(handle_file(scan_file), "axial", 0, 0, "shuffle", 0, api_name="/perturb")
    assert figures["replaced_share"] == 0
    assert figures["dice_vs_clean"] == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("axial", 6, 0.5, "resample", 0), "slice index must be a whole number from 0 to 5, got 6"),
        (("axial", -1, 0.5, "resample", 0), "from 0 to 5"),
        (("axial", 1.5, 0.5, "resample", 0), "whole number"),
        (("oblique", 0, 0.5, "resample", 0), "plane must be one of axial, coronal, sagittal"),
        (("axial", 0, 1.5, "resample", 0), "epsilon must be a number from 0 to 1"),
        (("axial", 0, 0.5, "swap", 0), f"mode must be one of {', '.join(MODES)}"),
        (("axial", 0, 0.5, "resample", -3), "seed must be a whole number from 0"),
    ],
)
def test_wrong_arguments_are_named_with_what_is_accepted(client: Client, scan_file: Path, arguments: tuple, message: str) -> None:
    with pytest.raises(AppError, match=message):
        client.predict(handle_file(scan_file), *arguments, api_name="/perturb")


@pytest.mark.parametrize(("name", "content"), [("notes.txt", b"not a scan at all"), ("broken.nii.gz", b"\x1f\x8b\x08broken")])
def test_a_file_that_is_no_scan_is_refused_by_name_without_its_folder(client: Client, tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(AppError, match=name) as caught:
        client.predict(handle_file(path), api_name="/segment")
    assert "/" not in str(caught.value).split(";")[0]


def odd_scans() -> dict[str, tuple[nib.Nifti1Image, str | None]]:
    """Files that only look like scans, with what is said of them; None where they are to be segmented all the same."""
    rng, plain = np.random.default_rng(0), np.diag([1.5, 1.5, 8.0, 1.0])
    voxels = rng.integers(0, 900, (16, 18, 4)).astype(np.float32)
    holes = voxels.copy()
    holes[2:4], holes[5] = np.nan, np.inf
    colour = np.zeros((8, 8, 2), np.dtype([("R", "u1"), ("G", "u1"), ("B", "u1")]))
    return {
        "constant": (nib.Nifti1Image(np.full((16, 18, 4), 7, np.float32), plain), None),
        "holes": (nib.Nifti1Image(holes, plain), None),
        "one-slice": (nib.Nifti1Image(voxels[..., :1], plain), None),
        "flipped": (nib.Nifti1Image(voxels, np.diag([-1.5, -1.5, 8.0, 1.0])), None),
        "five": (nib.Nifti1Image(voxels[..., None, None].repeat(2, -1), plain), "2 channels a voxel"),
        "complex": (nib.Nifti1Image(voxels.astype(np.complex64), plain), "complex"),
        "colour": (nib.Nifti1Image(colour, plain), "colour or record voxels"),
    }


@pytest.mark.parametrize("name", sorted(odd_scans()))
def test_an_odd_scan_is_segmented_or_explained(client: Client, tmp_path: Path, name: str) -> None:
    image, message = odd_scans()[name]
    image.to_filename(tmp_path / f"{name}.nii.gz")
    if message is None:
        labels, summary = client.predict(handle_file(tmp_path / f"{name}.nii.gz"), api_name="/segment")
        assert nib.load(labels).shape == tuple(summary["shape"]) == image.shape
        np.testing.assert_allclose(nib.load(labels).affine, image.affine, atol=1e-5)
    else:
        with pytest.raises(AppError, match=name) as caught:
            client.predict(handle_file(tmp_path / f"{name}.nii.gz"), api_name="/segment")
        assert message in str(caught.value)


def test_a_truncated_file_is_explained(client: Client, scan_file: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.nii.gz"
    cut.write_bytes(scan_file.read_bytes()[:4000])
    with pytest.raises(AppError, match=r"cut\.nii\.gz"):
        client.predict(handle_file(cut), api_name="/segment")


def test_uploads_are_deleted_once_they_were_read(client: Client, server: Server, tmp_path: Path) -> None:
    path = save_scan(tmp_path / "private.nii.gz", seed=5)
    client.predict(handle_file(path), api_name="/segment")
    assert uploads_of(server, "private.nii.gz") == []
    assert uploads_of(server, "private_labels.nii.gz"), "the test looks into the wrong folder"


def test_callers_with_the_same_file_do_not_delete_it_under_each_other(server: Server, tmp_path: Path) -> None:
    path = save_scan(tmp_path / "shared.nii.gz", seed=6)
    callers = [Client(server.url, verbose=False, download_files=str(tmp_path)) for _ in range(6)]

    summaries = []
    for _ in range(2):
        calls = [caller.submit(handle_file(path), api_name="/segment") for caller in callers]
        summaries += [call.result(60)[1] for call in calls]
    assert len({str(summary["voxels"]) for summary in summaries}) == 1
    assert uploads_of(server, "shared.nii.gz") == []


def test_the_lines_shown_to_a_visitor_give_the_same_picture(server: Server, scan_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(scan_file.parent)
    opened = OpenScan(FakeSegmentedScan(read_scan(scan_file)), fake_served())
    request = FrameRequest("axial", 2, 0.4, "resample", 7, ((1, 2, 63), (3, 3, 0), (1, 2, 40)), 5.0)
    answers: dict = {}
    exec(client_lines(opened, request, server.url), answers)
    expected = label_picture(make_frame(opened, request).labels, label_colours(len(CLASSES)))
    with Image.open(answers["segmentation"]) as picture:
        np.testing.assert_array_equal(np.asarray(picture.convert("RGB")), expected)
    for other in (replace(request, edits=()), replace(request, reach=None)):
        assert (make_frame(opened, other).labels != make_frame(opened, request).labels).any()


def test_forced_tokens_that_are_none_are_named(client: Client, scan_file: Path) -> None:
    for edits, message in (("1.2", "written as row.column.code"), ("0.0.64", "from 0 to 63"), ("9.0.1", "row of an edit")):
        with pytest.raises(AppError, match=message):
            client.predict(handle_file(scan_file), "axial", 2, 0.4, "resample", 7, edits, api_name="/perturb")


def test_a_checkpoint_is_chosen_by_name_and_one_that_is_not_here_is_refused(tmp_path: Path, scan_file: Path) -> None:
    with serving(tmp_path / "cache", [], fake_served("first"), fake_served("second", ("background", "nodule"))) as running:
        caller = Client(running.url, verbose=False, download_files=str(tmp_path))
        for name, classes in (("", 4), ("first", 4), ("second", 2)):
            figures = caller.predict(handle_file(scan_file), "axial", 2, 0.4, "resample", 7, "", name, api_name="/perturb")[2]
            assert len(figures["colours"]) == classes
        with pytest.raises(AppError, match="no checkpoint 'owner/model'; it has first, second"):
            caller.predict(handle_file(scan_file), "axial", 2, 0.4, "resample", 7, checkpoint="owner/model", api_name="/perturb")


def test_a_caller_may_leave_the_last_arguments_out(server: Server, client: Client, scan_file: Path) -> None:
    with scan_file.open("rb") as file:
        path = httpx.post(f"{server.url}/gradio_api/upload", files={"files": file}).json()[0]
    sent = {"data": [{"path": path, "meta": {"_type": "gradio.FileData"}}, "axial", 2, 0.4, "resample", 7]}
    event = httpx.post(f"{server.url}/gradio_api/call/perturb", json=sent).json()["event_id"]
    answer = httpx.get(f"{server.url}/gradio_api/call/perturb/{event}", timeout=60).text
    figures = json.loads(answer.split("data: ", 1)[1])[2]
    expected = FakeSegmentedScan(read_scan(scan_file)).perturb(2, 0.4, seed=7)
    assert figures["dice_vs_clean"] == pytest.approx(expected.dice_vs_clean)


def test_the_last_argument_is_the_reach_and_without_it_the_checkpoints_own_counts(client: Client, scan_file: Path) -> None:
    segmented, file = FakeSegmentedScan(read_scan(scan_file)), handle_file(scan_file)
    near = segmented.perturb(2, 0.4, seed=7, reach=5)
    figures = client.predict(file, "axial", 2, 0.4, "resample", 7, "", "", 5, api_name="/perturb")[2]
    assert figures["psnr"] == pytest.approx(near.psnr) and near.psnr != segmented.perturb(2, 0.4, seed=7).psnr
    table = np.loadtxt(client.predict(file, 2, 0.4, "resample", 7, 5, api_name="/tokens"), int, delimiter=",", skiprows=1)
    np.testing.assert_array_equal(table[:, 3], near.indices.ravel())
    curves = [client.predict(file, 2, "resample", 7, *last, api_name="/curve")["psnr"] for last in ((), (5,), (None,))]
    assert curves[1][8] == pytest.approx(near.psnr)
    assert curves[0] == curves[2] != curves[1]


@pytest.mark.parametrize("reach", [0.9, 64, -3])
def test_a_reach_that_the_codebook_does_not_have_is_named(client: Client, scan_file: Path, reach: float) -> None:
    file, message = handle_file(scan_file), f"reach must be a number from 1 to 63, .* got {reach}"
    for name, settings in (
        ("/perturb", ("axial", 2, 0.4, "resample", 7)),
        ("/tokens", (2, 0.4, "resample", 7)),
        ("/curve", (2, "resample", 7)),
    ):
        with pytest.raises(AppError, match=message):
            client.predict(file, *settings, reach=reach, api_name=name)


def test_tokens_are_a_table_of_the_slice_before_and_after(client: Client, scan_file: Path) -> None:
    path = client.predict(handle_file(scan_file), 2, 0.5, "resample", 3, api_name="/tokens")
    header, *rows = Path(path).read_text().splitlines()
    result = FakeSegmentedScan(read_scan(scan_file)).perturb(2, 0.5, seed=3)
    assert Path(path).name == "heart_tokens_2.csv"
    assert header == "row,column,code_before,code_after,replaced"
    table = np.array([row.split(",") for row in rows], int)
    np.testing.assert_array_equal(table[:, :2], np.argwhere(result.indices >= 0))
    for column, expected in ((2, result.clean_indices), (3, result.indices), (4, result.replaced)):
        np.testing.assert_array_equal(table[:, column], expected.ravel())


def test_the_curve_is_that_of_single_pictures(client: Client, scan_file: Path) -> None:
    given = client.predict(handle_file(scan_file), 2, "shuffle", 3, api_name="/curve")
    segmented = FakeSegmentedScan(read_scan(scan_file))
    results = [segmented.perturb(2, strength, "shuffle", 3) for strength in given["epsilon"]]
    assert given["epsilon"] == [i / 20 for i in range(21)]
    for name in ("replaced_share", "dice_vs_clean", "psnr"):
        assert given[name] == pytest.approx([getattr(result, name) for result in results])
    assert given["agreement"] == pytest.approx([(result.labels == results[0].labels).mean() for result in results])


def test_the_curve_over_dropout_is_that_of_single_slices(client: Client, scan_file: Path) -> None:
    given = client.predict(handle_file(scan_file), 2, "dropout", 3, api_name="/curve")
    segmented = FakeSegmentedScan(read_scan(scan_file))
    results = [segmented.dropout(2, rate, 3) for rate in given["rate"]]
    assert set(given) == {"rate", "dice_vs_clean", "agreement", "psnr"}
    assert given["rate"] == [i / 20 for i in range(21)]
    for name in ("dice_vs_clean", "psnr"):
        assert given[name] == pytest.approx([getattr(result, name) for result in results])
    assert given["agreement"] == pytest.approx([(result.labels == results[0].labels).mean() for result in results])


def test_only_the_four_endpoints_are_public(client: Client) -> None:
    described = client.view_api(return_format="dict", print_info=False)
    assert set(described["named_endpoints"]) == {"/segment", "/perturb", "/tokens", "/curve"}
    assert described["unnamed_endpoints"] == {}


def test_a_file_that_does_not_say_how_large_its_voxels_are_has_no_millilitres(client: Client, tmp_path: Path) -> None:
    np.save(tmp_path / "array.npy", np.random.default_rng(0).random((40, 48, 3)).astype(np.float32))
    _, summary = client.predict(handle_file(str(tmp_path / "array.npy")), api_name="/segment")
    assert set(summary["millilitres"].values()) == {None} and set(summary["voxels"]) == set(summary["millilitres"])
