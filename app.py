"""Start the app: `python app.py`, from any folder, or as a Hugging Face Space.

Settings are environment variables, with their defaults in brackets:

- GRADIO_SERVER_PORT (7860)
- GRADIO_SERVER_NAME (127.0.0.1, on a Space 0.0.0.0)
- VQSEG_CHECKPOINT (checkpoints/acdc-10): a folder, also relative to this file, or a Hub id
- VQSEG_CACHE_BYTES (2.5 GiB): memory for the scans of all visitors
- VQSEG_OPEN_CHECKPOINTS (0): 1 lets visitors open other folders of this machine and Hub ids
- VQSEG_FINE_TUNING (1 for one person at this machine, else 0): whether the Label tab fine-tunes checkpoints
- VQSEG_ALLOWED_HOSTS (none): further names under which the app is reached, as behind a proxy, separated by commas
"""

from __future__ import annotations

import logging
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from threading import Thread

HERE = Path(__file__).resolve().parent
DEFAULT_CHECKPOINT = "checkpoints/acdc-10"

logger = logging.getLogger("vqseg.app")


def main() -> int:
    """Serve until the server ends. Returns the exit status: 1 if a setting or a checkpoint is wrong or the port is taken."""
    # `app` is the package, not this file.
    from app.visit.listening import fine_tunes
    from app.visit.log import set_up_log
    from app.visit.memory import use_few_arenas
    from app.visit.private_folder import private_folder

    set_up_log()
    # No thread has been started yet: neither Gradio nor the network are imported.
    use_few_arenas()
    # Gradio reads this when it is imported. The app sends nothing to other servers.
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    # As Ctrl-C, so that the visitors' files are deleted.
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, signal.default_int_handler)
    try:
        # Read when it is asked for; a wrong value is refused now.
        fine_tunes()
        settings = port_from_environment(), host_from_environment(), checkpoint_from_environment()
        with private_folder():
            serve(*settings)
    except (OSError, ValueError) as error:
        # The message says what is wrong; a traceback would hide it.
        logger.error("%s", error)
        return 1
    except KeyboardInterrupt:
        # While it was still starting; later Gradio ends at it.
        return 0
    return 0


def serve(port: int, host: str, checkpoint: str) -> None:
    """Build the app and launch it. Gradio prints the address.

    Args:
        port: From 1 to 65535.
        host: The address on which the server listens.
        checkpoint: The default checkpoint, a folder or a Hub id.
    """
    # Imported here, because torch and Gradio take seconds and the settings are checked first.
    from app.page.zero import opening
    from app.scan.models import find_models
    from app.visit.examples import Examples, find_examples, warm_up

    models = find_models(HERE, checkpoint, opens_others=opens_checkpoints(), opening=opening())
    examples = Examples(path for folder in ("examples", "cine") for path in find_examples(HERE / "assets" / folder))

    def open_first() -> None:
        # What is wrong here is wrong again in build(), which says it.
        with suppress(Exception):
            warm_up(examples.open_first(models))

    # The network needs one core and the import of Gradio another.
    ahead = Thread(target=open_first)
    ahead.start()
    from app.page.build import build

    ahead.join()
    build(models, examples).launch(server_name=host, server_port=port)


def opens_checkpoints() -> bool:
    """VQSEG_OPEN_CHECKPOINTS, 0 or 1; 0 if it is not set. Raises ValueError for other values.

    The address on which the app listens says nothing of who asks: behind a proxy, everybody comes from this machine.
    """
    text = os.environ.get("VQSEG_OPEN_CHECKPOINTS") or "0"
    if text not in ("0", "1"):
        raise ValueError(f"VQSEG_OPEN_CHECKPOINTS must be 0 or 1, got {text!r}")
    return text == "1"


def host_from_environment() -> str:
    """GRADIO_SERVER_NAME. If it is not set, this machine only; on a Space every address."""
    return os.environ.get("GRADIO_SERVER_NAME") or ("0.0.0.0" if "SPACE_ID" in os.environ else "127.0.0.1")


def checkpoint_from_environment() -> str:
    """VQSEG_CHECKPOINT: a folder, also relative to this file, or a Hub id. If it is not set, the bundled checkpoint."""
    name = os.environ.get("VQSEG_CHECKPOINT") or str(HERE / DEFAULT_CHECKPOINT)
    beside = HERE / name
    return str(beside) if beside.is_dir() else name


def port_from_environment() -> int:
    """GRADIO_SERVER_PORT, 7860 if it is not set. Raises ValueError unless it is a port."""
    text = os.environ.get("GRADIO_SERVER_PORT") or "7860"
    if not text.isdigit() or not 0 < int(text) < 65536:
        raise ValueError(f"GRADIO_SERVER_PORT must be a port from 1 to 65535, got {text!r}")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
