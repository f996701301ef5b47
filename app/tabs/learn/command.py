"""`python -m app.lesson --output handout.html`: writes the handout for one slice of a scan, without the app."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import tyro

from app.scan.frame_request import RequestError
from app.scan.models import load_served, public_name, title_of
from app.tabs.learn.handout import handout_page
from app.tabs.learn.place import Place
from app.tabs.learn.texts import languages
from app.visit.examples import Examples, find_examples
from vqseg.checkpoint import CheckpointError, checkpoint_folder
from vqseg.data.scan import ScanError
from vqseg.outputs import OutputError, Outputs

HOME = Path(__file__).resolve().parents[3]
logger = logging.getLogger("app.lesson")


@dataclass(frozen=True, kw_only=True)
class Handout:
    """Write the lesson's handout: one HTML page. Print it from a browser, or save it there as PDF."""

    output: Path
    """HTML file to write."""
    overwrite: bool = False
    """Replace a file of this name that this command did not write."""
    checkpoint: str = str(HOME / "checkpoints" / "acdc-10")
    """Checkpoint folder or Hub id."""
    scan: Path | None = None
    """The scan that the questions are about. By default the first bundled example."""
    slice: int | None = None
    """Acquired slice, counted from 0. By default the middle one."""
    cell: tuple[int, int] | None = None
    """Row and column of the marked square. By default one amid the labelled structures."""
    seed: int = 0
    """Seed of all random draws."""
    language: str = "en"
    """Code of the language, that of its file texts.CODE.yaml."""
    notes: bool = False
    """Add the answers and the teacher's notes."""
    address: str = ""
    """Address of a running app, for links to the steps of a bundled example."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the handout. Returns the exit status: 0 if it was written, 2 for a wrong or missing input."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    asked = tyro.cli(Handout, prog="python -m app.lesson", args=arguments)
    outputs = Outputs(asked.output.parent, "lesson", overwrite=asked.overwrite)
    try:
        if asked.language not in languages():
            raise RequestError(f"language must be one of {', '.join(languages())}, got {asked.language!r}")
        page = handout_page(_place(asked), asked.language, notes=asked.notes, address=asked.address)
        outputs.write_text(asked.output, page)
    except (OSError, CheckpointError, OutputError, ScanError, RequestError) as error:
        logger.error("%s", error)
        return 2
    logger.info("%s", asked.output)
    return 0


def _place(asked: Handout) -> Place:
    folder = checkpoint_folder(asked.checkpoint)
    served = load_served(public_name(asked.checkpoint, folder, HOME), title_of(folder), folder)
    files = find_examples(HOME / "assets" / "examples")
    if not files and asked.scan is None:
        raise ScanError("there is no bundled example; name a scan with --scan")
    path = asked.scan or files[0]
    cases = Examples([path])
    opened = cases.open(cases.titles[0], served)
    if opened is None:
        raise ScanError(f"{path} cannot be opened")
    if path.resolve() not in {one.resolve() for one in files}:
        # A scan that is not bundled is in no app, so a link to it would lead nowhere.
        opened.example = None
    index = opened.opening_index(opened.plane) if asked.slice is None else asked.slice
    values = {"plane": opened.plane, "index": index, "strength": 0.0, "mode": "resample", "seed": asked.seed, "cell": asked.cell}
    return Place.checked(values, opened)
