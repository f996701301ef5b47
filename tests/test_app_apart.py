"""A server whose readers loop, eat memory or crash: the visitor reads why, the files are gone, and the next file is answered."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from threading import Event, Thread

import numpy as np
import pytest
from app_server import Server, save_scan, serving
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError

from app.visit.openings import CalledOffError, Openings
from app.visit.parcels import Parcel, SentFrames
from vqseg.data.apart import asking
from vqseg.data.apart.processes import Nursery
from vqseg.data.scan import read_scan

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are copied where the system can fork")


@pytest.fixture(scope="module")
def faulty() -> Iterator[Nursery]:
    """Processes with readers that fail as the file's name says, in place of the server's own, with two seconds for each file."""
    nursery = Nursery([str(Path(__file__).with_name("faulty_template.py"))])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(asking, "processes", nursery)
        limits = asking.Bounds.of
        patch.setattr(asking.Bounds, "of", lambda bounds, *rest: limits(replace(bounds, memory=1 << 28, seconds=2.0), *rest))
        yield nursery
    nursery.close()


@pytest.fixture(scope="module")
def server(faulty: Nursery, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("cache"), []) as running:
        yield running


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("loops.nii.gz", "loops.nii.gz took more than 2 s to read; it was given up"),
        ("eats.nii.gz", "eats.nii.gz takes more than 256 MiB of memory to read; it was given up"),
        ("aborts.nii.gz", "aborts.nii.gz has ended the process that read it"),
    ],
)
def test_the_server_says_what_became_of_a_file_and_answers_the_next_one(server: Server, tmp_path: Path, name: str, said: str) -> None:
    client = Client(server.url, verbose=False, download_files=str(tmp_path / "downloads"))
    bad, good = save_scan(tmp_path / name), save_scan(tmp_path / "good.nii.gz")
    with pytest.raises(AppError, match=said):
        client.predict(handle_file(bad), api_name="/segment")
    _, summary = client.predict(handle_file(good), api_name="/segment")
    assert summary["shape"] == [40, 48, 6]
    assert not list(server.cache.rglob(name))


def test_a_cancelled_opening_ends_the_process_that_reads_for_it(faulty: Nursery, tmp_path: Path) -> None:
    openings, raised, reading = Openings(), [], Event()
    path = save_scan(tmp_path / "rests.nii.gz")

    def read() -> None:
        with openings.opening("ticket", "me") as opening:

            def wanted() -> None:
                reading.set()
                opening.tell()

            parcel = Parcel([path])
            try:
                parcel.read(wanted=wanted)
            except CalledOffError as error:
                raised.append(error)
            finally:
                parcel.close()

    thread = Thread(target=read)
    thread.start()
    assert reading.wait(30)
    openings.cancel("ticket")
    thread.join(30)
    assert len(raised) == 1 and not thread.is_alive()
    # Copies that are still there would be the children of the one that makes them.
    assert faulty._process is not None
    children = Path(f"/proc/{faulty._process.pid}/task/{faulty._process.pid}/children")
    assert not children.exists() or children.read_text() == ""


def test_frames_of_a_cine_are_read_apart_too(faulty: Nursery, tmp_path: Path) -> None:
    path = save_scan(tmp_path / "good.nii.gz")
    parcel, started = Parcel([path]), []
    with pytest.MonkeyPatch.context() as patch:
        real = faulty.start
        patch.setattr(faulty, "start", lambda: started.append(1) or real())
        np.testing.assert_array_equal(SentFrames(parcel, 1, 2**20).read(0).voxels, read_scan(path, 0).voxels)
    assert started == [1]
    parcel.close()
