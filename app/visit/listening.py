"""To whom this server listens: to this machine alone, or to others; and what follows from it."""

from __future__ import annotations

import os

THIS_MACHINE = ("127.0.0.1", "localhost", "::1")
FINE_TUNING = "VQSEG_FINE_TUNING"
"""Environment variable: 1 or 0, whether the Label tab fine-tunes. By default it does where the server is for one person."""
# Set where others come by another server, a proxy: to this one they all seem to be at this machine.
_BEHIND_A_PROXY = ("SPACE_ID", "GRADIO_ROOT_PATH", "VQSEG_ALLOWED_HOSTS")


def is_local(server_name: str) -> bool:
    """Whether a server that listens there serves this machine only."""
    return server_name in THIS_MACHINE


def serves_one_person() -> bool:
    """Whether the environment says that the app is for whoever sits at this machine: it listens there alone, and behind no proxy."""
    return is_local(os.environ.get("GRADIO_SERVER_NAME") or THIS_MACHINE[0]) and not any(map(os.environ.get, _BEHIND_A_PROXY))


def fine_tunes() -> bool:
    """Whether this server fine-tunes. Raises ValueError if VQSEG_FINE_TUNING is set to anything but 0 and 1."""
    text = os.environ.get(FINE_TUNING) or ""
    if text not in ("", "0", "1"):
        raise ValueError(f"{FINE_TUNING} must be 0 or 1, got {text!r}")
    return text == "1" if text else serves_one_person()
