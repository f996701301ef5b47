"""The log of a served app. Libraries may quote a file in what they log, its name or its header: of theirs only the origin is kept."""

from __future__ import annotations

import logging
import sys
import threading
from typing import Any

from app.visit.unforeseen import told

_OURS = ("app", "vqseg")


class OriginAlone(logging.Filter):
    """Reduces the records of libraries, and Python's warnings, to their origin. Records of this app stay as they are."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Change a record before it is written.

        Args:
            record: Of any logger.

        Returns:
            True: every record is written.
        """
        if record.name.split(".")[0] not in _OURS:
            record.msg, record.args = f"{record.levelname.lower()} of {record.name} ({record.module}:{record.lineno})", ()
            # A traceback ends with the text of its error.
            record.exc_info = record.exc_text = record.stack_info = None
        return True


def set_up_log() -> None:
    """Log to the console from now on."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(message)s"))
    handler.addFilter(OriginAlone())
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    logging.captureWarnings(True)
    # Python would print both with the text of the error.
    threading.excepthook = sys.unraisablehook = log_hook


def log_hook(error: Any) -> None:
    """Log what no thread and no finaliser has caught, in place of Python's own hooks.

    Args:
        error: What these get; it has "exc_value".
    """
    if error.exc_value is not None:
        told(error.exc_value)
