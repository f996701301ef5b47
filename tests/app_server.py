"""The app on a free port with the fake segmenter, and the NIfTI files it is shown. Shared by the tests of app/."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from fake_segmenter import CLASSES, CODES, FakeSegmenter

from app.page.build import build
from app.scan.handed_out import OwnFolder, sent_folder
from app.scan.models import Models, Served, load_served
from app.visit.openings import Openings
from app.visit.parcels import Parcel
from app.visit.session import SessionStore
from app.visit.uploads import Sent, Uploads
from vqseg.checkpoint import checkpoint_folder
from vqseg.codebook import CodebookStatistics

OBLIQUE = nib.affines.from_matvec(np.array([[-1.4, 0.1, 0.5], [0.1, -1.5, 0.2], [0.1, 0.2, 8.0]]), [20.0, -31.0, 7.0])


@dataclass(frozen=True)
class Server:
    """url: where it listens. store: what its visitors hold. cache: Gradio's folder of uploads and answers."""

    url: str
    store: SessionStore
    cache: Path


def save_scan(path: Path, seed: int = 0, shape: tuple[int, int, int] = (40, 48, 6), affine: np.ndarray = OBLIQUE) -> Path:
    """A small scan of nested ellipses, another one for every seed."""
    rng = np.random.default_rng(seed)
    x, y, z = np.meshgrid(*(np.linspace(-1, 1, n) for n in shape), indexing="ij")
    radius = np.hypot(x - rng.uniform(-0.2, 0.2), 0.8 * y) * (1 + 0.3 * z)
    values = 250 * (radius < 0.75) + 200 * (radius < 0.5) + 350 * (radius < 0.25) + rng.normal(0, 12, shape)
    nib.Nifti1Image(values.astype(np.int16), affine).to_filename(path)
    return path


def save_truth(path: Path, scan: Path) -> Path:
    """Labels of a saved scan that are not quite those of the fake segmenter."""
    image = nib.load(scan)
    labels = np.digitize(np.asarray(image.dataobj), (200, 380, 600)).astype(np.uint8)
    nib.Nifti1Image(labels, image.affine).to_filename(path)
    return path


def fake_statistics(classes: tuple[str, ...] = CLASSES) -> CodebookStatistics:
    rng = np.random.default_rng(len(classes))
    class_counts = rng.integers(1, 1000, (CODES, len(classes)))
    class_counts[::5] = 0
    projection = rng.normal(size=(CODES, 2)).astype(np.float32)
    return CodebookStatistics(class_counts.sum(1), class_counts, projection, classes, "made-up scans", 3, "key", {})


def rich_statistics(size: int = CODES) -> CodebookStatistics:
    """Made-up statistics with all that an explorer can show but phantom places."""
    rng = np.random.default_rng(7)
    class_counts = rng.integers(0, 1000, (size, len(CLASSES)))
    # Every second code is nearly pure, every fifth is dead.
    class_counts[1::2, 1] += 9000
    class_counts[::5] = 0
    counts = class_counts.sum(1)
    position, spread = rng.random((size, 2)).astype(np.float32), rng.random(size).astype(np.float32) / 4
    position[counts == 0], spread[counts == 0] = np.nan, np.nan
    partners = np.array([rng.permutation(size)[:8] for _ in range(size)], np.int32)
    partners[:, 6:] = -1
    evolution_counts = rng.integers(0, 9, (4, size)) * (rng.random((4, size)) < np.array([[0.05], [0.5], [0.8], [0.95]]))
    return CodebookStatistics(
        counts=counts,
        class_counts=class_counts,
        projection=rng.normal(size=(size, 2)).astype(np.float32),
        classes=CLASSES,
        source="made-up scans",
        scans=5,
        key=f"rich {size}",
        parameters={"n_neighbors": 15, "min_dist": 0.1, "metric": "euclidean", "seed": 0},
        projection3=rng.normal(size=(size, 3)).astype(np.float32),
        tsne=rng.normal(size=(size, 2)).astype(np.float32),
        position=position,
        spread=spread,
        partners=partners,
        partner_counts=np.sort(rng.integers(1, 99, (size, 8)))[:, ::-1].astype(np.int64),
        atoms=rng.integers(0, 256, (size, 12, 12), np.uint8),
        atom_labels=rng.integers(0, len(CLASSES), size).astype(np.uint8),
        ablation_codes=np.argsort(-counts)[:16].astype(np.int32),
        ablation_dice=-np.sort(rng.random(16))[::-1].astype(np.float32) / 50,
        drift_groups=(np.arange(size) // 8).astype(np.int32),
        drift_reference=np.array([0.01, 0.02, 0.03], np.float32),
        evolution=rng.normal(size=(4, size, 2)).astype(np.float32),
        evolution_steps=np.array([0, 100, 200, 400]),
        evolution_counts=evolution_counts,
    )


def fake_served(name: str = "fake", classes: tuple[str, ...] = CLASSES, *, statistics: bool = False) -> Served:
    """A checkpoint of the fake segmenter, with made-up statistics or without any."""
    return Served(name, name.capitalize(), None, FakeSegmenter(classes), fake_statistics(classes) if statistics else None)


def fake_models(*served: Served, opens_others: bool = False) -> Models:
    """These checkpoints, the first as the default; real folders too where others may be opened."""
    known = {one.name: one for one in served}

    def load(name: str) -> Served:
        return known.get(name) or load_served(name, Path(name).name, checkpoint_folder(name))

    return Models({one.name: one.title for one in served}, load, opens_others=opens_others)


class Arrived(Uploads):
    """Uploads that take any file that is there, as if it had come by the route."""

    def _parcel(self, paths: Sent) -> Parcel:
        given = [] if not paths else [paths] if isinstance(paths, (str, Path)) else paths
        self.arrived([path for path in given if Path(path).exists()], OwnFolder(sent_folder()))
        return super()._parcel(paths)


@contextmanager
def serving(
    folder: Path,
    examples: Sequence[Path],
    *served: Served,
    models: Models | None = None,
    openings: Openings | None = None,
    byte_cap: int = 2**28,
    **options: Any,
) -> Iterator[Server]:
    """The app, launched as app.py does, until the block ends. served: its checkpoints, one fake one if none is given."""
    # Read by Gradio when its components are built: files of this server stay in its own folder.
    former = os.environ.get("GRADIO_TEMP_DIR")
    os.environ["GRADIO_TEMP_DIR"] = str(folder)
    store = SessionStore(byte_cap)
    app = build(models or fake_models(*(served or (fake_served(),))), examples, store, openings)
    port = _free_port()
    try:
        app.launch(server_name="127.0.0.1", server_port=port, prevent_thread_lock=True, quiet=True, **options)
        yield Server(f"http://127.0.0.1:{port}", store, folder)
    finally:
        app.blocks.close(verbose=False)
        os.environ.pop("GRADIO_TEMP_DIR")
        if former is not None:
            os.environ["GRADIO_TEMP_DIR"] = former


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
