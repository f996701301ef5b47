"""What nobody has foreseen: a visitor reads a sentence with an id, and the log has one line with the same id and the place in the code.

Neither holds the error's own text, which may quote a file, its name or its header. All ways into the app end here: Gradio's events
(page/page.py), questions of the views (answering.py), every other request (page/last_resort.py), and work in the background.
"""

from __future__ import annotations

import logging
import secrets
import traceback

logger = logging.getLogger(__name__)

_OURS = ("app.", "vqseg.")


def told(error: BaseException) -> str:
    """Log an error that has no message for visitors.

    Args:
        error: Any exception.

    Returns:
        What the visitor reads.
    """
    number = secrets.token_hex(4)
    logger.error("unforeseen %s: %s at %s", number, _kinds(error), _places(error))
    return f"Something went wrong (id {number}). Whoever runs this server finds more under this id."


def _kinds(error: BaseException) -> str:
    """The types of the error and of its causes, the last one first."""
    names: list[str] = []
    # Each of them once: a chain may lead back to itself.
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        names.append(type(link).__name__)
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)
    return " from ".join(names)


def _places(error: BaseException) -> str:
    """Modules and lines through which the error came: those of this app, and the very last."""
    # Errors of tasks that run together come as a group.
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    places = [(frame.f_globals.get("__name__", "?"), line) for frame, line in traceback.walk_tb(error.__traceback__)]
    kept = [place for place in places[:-1] if f"{place[0]}.".startswith(_OURS)] + places[-1:]
    return " > ".join(f"{module}:{line}" for module, line in kept) or "no place"
