"""Start the app: `python app.py`, from any folder, or as a Hugging Face Space.

Settings are environment variables: GRADIO_SERVER_PORT (7860), GRADIO_SERVER_NAME (127.0.0.1, on a Space 0.0.0.0),
VQSEG_CHECKPOINT (checkpoints/acdc-10; a folder beside this file, any other folder, or a Hub id), VQSEG_CACHE_BYTES.
"""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vqseg.codebook import CodebookStatistics

HERE = Path(__file__).resolve().parent
DEFAULT_CHECKPOINT = "checkpoints/acdc-10"

logger = logging.getLogger("vqseg.app")


def main() -> int:
    """Load, build, launch; returns the exit status when the server ends."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    # Read by gradio when it is imported: the app asks nothing of other servers.
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    try:
        serve(port_from_environment(), host_from_environment(), checkpoint_from_environment())
    except (OSError, ValueError) as error:
        # A port that is taken, a checkpoint or a setting that is wrong: the message says it, a traceback would hide it.
        logger.error("%s", error)
        return 1
    return 0


def serve(port: int, host: str, checkpoint: str) -> None:
    """Build the app on a checkpoint and launch it. Gradio prints the URL."""
    # Imported once the settings are known to be right; app is the package, which wins over this file's name.
    from app.build import build
    from app.examples import find_examples
    from vqseg.checkpoint import checkpoint_folder, load_model
    from vqseg.inference import Segmenter

    folder = checkpoint_folder(checkpoint)
    app = build(
        Segmenter(load_model(folder)),
        statistics_of(folder),
        find_examples(HERE / "assets" / "examples"),
        checkpoint=name_of(checkpoint, folder),
    )
    app.launch(server_name=host, server_port=port)


def name_of(checkpoint: str, folder: Path) -> str:
    """What a visitor may know of a checkpoint: a Hub id or the path beside this file, else the folder's name alone."""
    if not Path(checkpoint).is_dir():
        return checkpoint
    resolved = folder.resolve()
    return str(resolved.relative_to(HERE)) if resolved.is_relative_to(HERE) else resolved.name


def host_from_environment() -> str:
    """GRADIO_SERVER_NAME; unset, this machine only, or every address on a Space."""
    return os.environ.get("GRADIO_SERVER_NAME") or ("0.0.0.0" if "SPACE_ID" in os.environ else "127.0.0.1")


def checkpoint_from_environment() -> str:
    """VQSEG_CHECKPOINT, a folder (relative to this file) or a Hub id; unset, the embedded checkpoint."""
    name = os.environ.get("VQSEG_CHECKPOINT") or str(HERE / DEFAULT_CHECKPOINT)
    beside = HERE / name
    return str(beside) if beside.is_dir() else name


def port_from_environment() -> int:
    """GRADIO_SERVER_PORT, 7860 if unset. Raises ValueError unless it is a port."""
    text = os.environ.get("GRADIO_SERVER_PORT") or "7860"
    if not text.isdigit() or not 0 < int(text) < 65536:
        raise ValueError(f"GRADIO_SERVER_PORT must be a port from 1 to 65535, got {text!r}")
    return int(text)


def statistics_of(checkpoint: Path) -> CodebookStatistics | None:
    """The checkpoint's codebook statistics, or None, said in the log, if it has none that fit."""
    from vqseg.codebook import CodebookError, read_statistics

    try:
        return read_statistics(checkpoint)
    except (FileNotFoundError, CodebookError) as error:
        logger.warning("the Codebook tab stays empty: %s", error)
        return None


if __name__ == "__main__":
    sys.exit(main())
