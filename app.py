"""Start the app: `python app.py`, from any folder, or as a Hugging Face Space.

Settings are environment variables: GRADIO_SERVER_PORT (7860), GRADIO_SERVER_NAME (127.0.0.1, on a Space 0.0.0.0),
VQSEG_CHECKPOINT (checkpoints/acdc-10; a folder beside this file, any other folder, or a Hub id), VQSEG_CACHE_BYTES,
VQSEG_OPEN_CHECKPOINTS (whether visitors may open other folders and Hub ids; 1 where only this machine is served).
"""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path

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
    """Build the app on the checkpoints and launch it. Gradio prints the URL."""
    # Imported once the settings are known to be right; app is the package, which wins over this file's name.
    from app.page.build import build
    from app.scan.models import find_models
    from app.visit.examples import find_examples

    models = find_models(HERE, checkpoint, opens_others=opens_checkpoints(host))
    build(models, find_examples(HERE / "assets" / "examples")).launch(server_name=host, server_port=port)


def opens_checkpoints(host: str) -> bool:
    """VQSEG_OPEN_CHECKPOINTS, 0 or 1; unset, whether only this machine's own users are served. Raises ValueError otherwise."""
    text = os.environ.get("VQSEG_OPEN_CHECKPOINTS", "")
    if text not in ("", "0", "1"):
        raise ValueError(f"VQSEG_OPEN_CHECKPOINTS must be 0 or 1, got {text!r}")
    return text == "1" if text else "SPACE_ID" not in os.environ and host in ("127.0.0.1", "localhost", "::1")


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


if __name__ == "__main__":
    sys.exit(main())
