"""Reading in a process of its own: the same scans for every format, and an error in plain words whatever becomes of the process."""

from __future__ import annotations

import io
import json
import logging
import os
import select
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bad_files import nifti, voxels
from dicom_files import cine, folder, pixels
from every_format import FILES

from vqseg.data.apart import Bounds, asking, read_apart, series_apart, wire
from vqseg.data.apart.processes import FreshProcesses, Nursery
from vqseg.data.formats.nifti import NiftiGrid
from vqseg.data.label_files import is_dicom
from vqseg.data.scan import ScanError, label_name, list_series, read_scan, write_labels
from vqseg.types import Scan

forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are copied where the system can fork")


@pytest.fixture(scope="module")
def faulty() -> Iterator[Nursery]:
    """Processes with readers that fail as the file's name says."""
    nursery = Nursery([str(Path(__file__).with_name("faulty_template.py"))])
    yield nursery
    nursery.close()


@pytest.fixture
def failing(faulty: Nursery, monkeypatch: pytest.MonkeyPatch) -> Nursery:
    monkeypatch.setattr(asking, "processes", faulty)
    return faulty


def require_equal(one: Scan, other: Scan) -> None:
    assert one.voxels.dtype == other.voxels.dtype == np.float32
    np.testing.assert_array_equal(one.voxels, other.voxels)
    assert one.voxels.strides == other.voxels.strides
    np.testing.assert_array_equal(one.affine, other.affine)
    for field in fields(Scan):
        if field.name not in ("voxels", "affine", "header"):
            assert getattr(one, field.name) == getattr(other, field.name)
    if isinstance(other.header, NiftiGrid):
        assert isinstance(one.header, NiftiGrid) and one.header.shape == other.header.shape
        assert type(one.header.header) is type(other.header.header)
        assert one.header.header.binaryblock == other.header.header.binaryblock
    else:
        assert one.header == other.header


@pytest.mark.parametrize("name", FILES)
def test_a_scan_is_the_same_whichever_process_has_read_it(tmp_path: Path, name: str) -> None:
    FILES[name](tmp_path / name, 8)
    require_equal(read_apart(tmp_path / name), read_scan(tmp_path / name))


def test_frames_series_and_notes_come_as_they_are(tmp_path: Path) -> None:
    folder(tmp_path / "heart", cine(np.stack([pixels(3, seed) for seed in range(4)])))
    folder(tmp_path / "heart", cine(pixels(2)[None], SeriesInstanceUID="1.2.9", SeriesNumber=7), names="OTHER{}")
    for series, frame in ((None, 3), (2, None), (1, 0)):
        require_equal(read_apart(tmp_path / "heart", frame, series=series), read_scan(tmp_path / "heart", frame, series=series))
    assert series_apart(tmp_path / "heart") == (list_series(tmp_path / "heart"), 1)
    moments = nifti(tmp_path / "four.nii.gz", voxels((8, 9, 3, 4)))
    require_equal(read_apart(moments), read_scan(moments))
    require_equal(read_apart(moments, 2), read_scan(moments, 2))
    assert read_apart(moments).notes
    assert series_apart(moments) == ((), 0)
    together = sorted((tmp_path / "heart").iterdir())
    require_equal(read_apart(together), read_scan(together))


@pytest.mark.parametrize("name", ["plain.nii.gz", "series"])
def test_labels_of_such_a_scan_are_written_on_its_grid(tmp_path: Path, name: str) -> None:
    FILES[name](tmp_path / name, 8)
    scans = [read_apart(tmp_path / name), read_scan(tmp_path / name)]
    written = []
    for number, scan in enumerate(scans):
        path = tmp_path / f"{number}-{label_name('labels.nii')}"
        write_labels(np.ones(scan.shape, np.uint8), scan, path)
        written.append(path.read_bytes())
    assert written[0] == written[1] and is_dicom(scans[0]) == (name == "series")


def test_what_a_reader_refuses_is_said_in_its_words(tmp_path: Path) -> None:
    path = tmp_path / "letter.pdf"
    path.write_bytes(b"%PDF-1.7 no scan")
    for wrong, how in ((path, {}), (tmp_path / "missing.nii", {}), (nifti(tmp_path / "a.nii.gz", voxels()), {"most_bytes": 1000})):
        with pytest.raises(ScanError) as here:
            read_scan(wrong, **how)  # type: ignore[arg-type]
        with pytest.raises(ScanError) as there:
            read_apart(wrong, **how)  # type: ignore[arg-type]
        assert str(there.value) == str(here.value)


@forks
@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("loops.nii", r"loops\.nii took more than 0 s to read; it was given up"),
        ("rests.nii", r"rests\.nii took more than 0 s to read; it was given up"),
        ("eats.nii", r"eats\.nii takes more than 256 MiB of memory to read; it was given up"),
        ("aborts.nii", r"aborts\.nii has ended the process that read it"),
        ("crashes.nii", r"crashes\.nii has ended the process that read it"),
        ("exits.nii", r"exits\.nii has ended the process that read it"),
        ("raises.nii", r"raises\.nii could not be read: it is damaged in a way that its reader does not expect"),
    ],
)
def test_whatever_a_reader_does_is_an_error_in_words_and_the_next_file_is_read(
    tmp_path: Path, failing: Nursery, caplog: pytest.LogCaptureFixture, name: str, said: str
) -> None:
    bad, good = nifti(tmp_path / name, voxels()), nifti(tmp_path / "good.nii.gz", voxels())
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    with caplog.at_level(logging.ERROR), pytest.raises(ScanError, match=said):
        read_apart(bad, bounds=Bounds(memory=1 << 28, seconds=0.4 if name[0] in "lr" and name != "raises.nii" else 60), scratch=scratch)
    told = " ".join(record.getMessage() for record in caplog.records)
    assert "JANE" not in told and "/" not in told and name not in told
    assert name != "raises.nii" or "a reader failed: TypeError at faulty_template.py:" in told
    assert list(scratch.iterdir()) == []
    np.testing.assert_array_equal(read_apart(good).voxels, voxels())


def test_a_folder_that_went_with_its_visit_is_an_error_without_its_path(tmp_path: Path) -> None:
    path = nifti(tmp_path / "good.nii.gz", voxels())
    with pytest.raises(ScanError, match=r"^cannot read good\.nii\.gz: No such file or directory$"):
        read_apart(path, scratch=tmp_path / "gone")


@forks
def test_what_a_reader_prints_is_no_answer(tmp_path: Path, failing: Nursery) -> None:
    np.testing.assert_array_equal(read_apart(nifti(tmp_path / "prints.nii.gz", voxels())).voxels, voxels())


class GoneError(Exception):
    """Nobody waits any more."""


@forks
def test_a_reading_that_nobody_wants_ends_its_process(tmp_path: Path, failing: Nursery) -> None:
    ended, looks = [], []
    real = failing.ended

    def noted(born: int, number: int) -> int:
        ended.append((number, real(born, number)))
        return ended[-1][1]

    def wanted() -> None:
        looks.append(1)
        if len(looks) > 2:
            raise GoneError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(failing, "ended", noted)
        with pytest.raises(GoneError):
            read_apart(nifti(tmp_path / "loops.nii", voxels()), wanted=wanted)
    ((number, status),) = ended
    assert status == -9
    with pytest.raises(ProcessLookupError):
        os.kill(number, 0)


@forks
def test_the_process_of_all_readers_is_started_again_if_it_was_ended(tmp_path: Path) -> None:
    nursery, path = Nursery(), nifti(tmp_path / "good.nii.gz", voxels())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(asking, "processes", nursery)
        first = read_apart(path)
        assert nursery._process is not None
        nursery._process.kill()
        nursery._process.wait()
        require_equal(read_apart(path), first)
    nursery.close()


SERVER = """
import sys
from vqseg.data.apart import asking
from vqseg.data.apart.processes import Nursery
asking.processes = nursery = Nursery([sys.argv[1]])
start = nursery.start
def told():
    running = start()
    print(nursery._process.pid, running._number, flush=True)
    return running
nursery.start = told
asking.read_apart(sys.argv[2])
"""


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="a process that is no child is waited for on Linux alone")
def test_no_process_outlives_a_server_that_is_killed(tmp_path: Path) -> None:
    path = nifti(tmp_path / "rests.nii", voxels())
    command = [sys.executable, "-c", SERVER, str(Path(__file__).with_name("faulty_template.py")), str(path)]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        watched = [os.pidfd_open(int(number)) for number in server.stdout.readline().split()]
        server.kill()
    for one in watched:
        ended, _, _ = select.select([one], [], [], 20)
        os.close(one)
        assert ended
    assert len(watched) == 2


def test_without_copies_every_request_has_a_fresh_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "processes", FreshProcesses())
    path = nifti(tmp_path / "good.nii.gz", voxels())
    require_equal(read_apart(path), read_scan(path))


def test_a_process_has_nothing_of_the_servers_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    from vqseg.data.apart.processes import environment

    monkeypatch.setenv("HF_TOKEN", "secret")
    assert "secret" not in "".join(environment().values())


def _message(scan: Scan) -> dict[str, Any]:
    stream = io.BytesIO()
    wire.send_scan(stream, scan)
    stream.seek(0)
    told = wire.receive(stream)["scan"]
    assert isinstance(told, dict)
    return told


@pytest.mark.parametrize(
    "change",
    [
        {"shape": [40, 48, 7]},
        {"shape": [40, 48]},
        {"shape": [-1, 48, 6]},
        {"shape": [2**62, 2**62, 2**62]},
        {"shape": "many"},
        {"order": "K"},
        {"affine": [[1.0] * 4] * 3},
        {"affine": [[float("nan")] * 4] * 4},
        {"spacing": [0.0, 1.0, 1.0]},
        {"notes": [3]},
        {"name": "x" * 10_000},
        {"frames": 1.5},
        {"header": {"nifti": {}, "shape": [1, 2, 3]}},
        {"header": {"nifti": {"second": False, "fields": {}}, "shape": [1, 2, 3]}},
        {"header": {"dicom": [1, 2], "images": []}},
        {"header": 7},
    ],
)
def test_an_answer_that_is_no_scan_is_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    scan = read_scan(nifti(tmp_path / "good.nii.gz", voxels()))
    told = json.loads(json.dumps({**_message(scan), **change}))
    with pytest.raises((wire.WireError, ScanError)):
        wire.receive_scan(io.BytesIO(scan.voxels.tobytes(order="F")), told, "good.nii.gz", 2**30)


def test_voxels_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    scan = read_scan(nifti(tmp_path / "good.nii.gz", voxels()))
    told, content = _message(scan), scan.voxels.copy(order="F")
    content[3, 3, 3] = np.nan
    with pytest.raises(wire.WireError):
        wire.receive_scan(io.BytesIO(content.tobytes(order="F")), told, "good.nii.gz", 2**30)
