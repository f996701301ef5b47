"""What is exported does reproduce what was on the screen: the lines are run, the table and the figure are read again."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from app_server import save_scan

from app.export import Drawing, client_lines, configuration, figure, python_lines, slice_tokens
from app.frames import FrameRequest, RequestError, make_frame
from app.models import load_served
from app.session import OpenScan, SessionStore
from app.tabs.export import exported
from vqseg.data.scan import read_labels, read_scan


@pytest.fixture(scope="module")
def scan_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_scan(tmp_path_factory.mktemp("scans") / "heart.nii.gz", shape=(24, 28, 3))


@pytest.fixture(scope="module")
def opened(checkpoint: Path, scan_file: Path) -> OpenScan:
    served = load_served(str(checkpoint), "Tiny", checkpoint)
    return OpenScan(served.segmenter.open(read_scan(scan_file)), served)


def test_the_python_lines_give_the_labels_on_the_screen(opened: OpenScan, scan_file: Path) -> None:
    request = FrameRequest(opened.plane, 1, 0.35, "resample", 7, ((2, 3, 5), (0, 0, 1)))
    script = python_lines(opened, request)
    # The package need not be installed for the tests: the lines are run as from the repository's root, on a scan elsewhere.
    where = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parent.parent)}
    subprocess.run([sys.executable, "-c", script], check=True, cwd=scan_file.parent, timeout=120, env=where)
    labels, view = read_labels(scan_file.with_name("labels.nii.gz")), opened.views[opened.plane]
    np.testing.assert_array_equal(view.cut(labels, 1), make_frame(opened, request).labels)
    others = opened.segmented.perturb_volume(0.35, "resample", 7).labels
    for index in (0, 2):
        np.testing.assert_array_equal(labels.take(index, view.axis), others.take(index, view.axis))


def test_the_configuration_is_the_request(opened: OpenScan, checkpoint: Path) -> None:
    request = FrameRequest("coronal", 4, 0.5, "shuffle", 3)
    values = json.loads(configuration(opened, request))
    assert FrameRequest.checked({**values, "index": values["slice"], "strength": values["epsilon"]}, opened) == request
    assert values["checkpoint"] == str(checkpoint)
    assert values["scan"] == "heart.nii.gz"


def test_the_lines_for_a_client_name_what_they_leave_out(opened: OpenScan) -> None:
    plain = client_lines(opened, FrameRequest("axial", 1, 0.5, "resample", 2), "http://127.0.0.1:7860")
    assert "handle_file('heart.nii.gz'), 'axial', 1, 0.5, 'resample', 2, api_name=\"/perturb\"" in plain
    assert "forced" not in plain
    assert "forced by hand are left out" in client_lines(opened, FrameRequest("axial", 1, 0.5, "resample", 2, ((0, 0, 1),)), "http://x")
    compile(plain, "lines", "exec")


def test_tokens_of_a_plane_across_the_slices_are_refused(opened: OpenScan) -> None:
    across = next(plane for plane in opened.views if plane != opened.plane)
    with pytest.raises(RequestError, match=f"choose plane {opened.plane}"):
        slice_tokens(opened, FrameRequest(across, 1, 0.5, "resample", 2))


@pytest.mark.parametrize(("file_format", "start"), [("png", b"\x89PNG"), ("svg", b"<?xml")])
def test_the_figure_is_of_the_format_asked_for(opened: OpenScan, file_format: str, start: bytes) -> None:
    content = figure(opened, FrameRequest("coronal", 4, 0.5, "resample", 2), Drawing(0.5, True, ("LV",)), file_format)
    assert content.startswith(start)
    assert len(content) < 2**20


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
    given = exported(store, {**request, "kind": "tokens"})
    assert base64.b64decode(given["bytes"]).startswith(b"row,column")
    assert "heart.nii.gz" in exported(store, {**request, "kind": "lines", "address": ""})["configuration"]
    for change, message in (
        ({"kind": "../etc"}, "kind must be"),
        ({"kind": "png", "opacity": "1"}, "opacity"),
        ({"kind": "svg", "visible": "LV"}, "visible"),
        ({"token": "x"}, "no longer"),
    ):
        assert message in exported(store, {**request, **change})["error"]
    assert "must be an object" in exported(store, [])["error"]
