"""How a view's request reaches its handler, and how an error becomes a message.

A handler is a function of the scan on show and of a request, for example `where` of tabs/codebook/answers.py. The request is what
the browser sent: an object with "token", the visit's key to the scan, and with the keys that the handler's docstring names. The
handler checks them and raises RequestError for a wrong value. Its answer is an object for JSON, and the docstring names its keys.
Arrays in it are packed, see app/scan/render.py. A handler for a slice reads the keys of a FrameRequest, see
app/scan/frame_request.py.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from starlette.requests import Request as Arriving

from app.scan.computing import asking
from app.scan.frame_request import RequestError
from app.scan.open_scan import OpenScan
from app.visit.limits import TOO_MANY
from app.visit.session import FRAME, SessionError, SessionStore
from app.visit.unforeseen import told

Answer = dict[str, Any]
Request = dict[str, Any]
Handler = Callable[[OpenScan, Request], Answer]


def answering(store: SessionStore, handler: Handler) -> Callable[[object], Answer]:
    """Make a handler a server function of a component.

    Gradio calls a server function without its queue and without a session. The token is the only key, and nothing in the request
    is trusted.

    Args:
        store: Holds the visitors' scans.
        handler: Answers a request about one of them.

    Returns:
        A function with the handler's name, which the browser calls. Its answer to a wrong request, to one of too many, or if the
        handler fails, is {"error": message}.
    """

    def function(request: object) -> Answer:
        if not isinstance(request, dict):
            return {"error": "the request must be an object"}
        try:
            scan = store.get(token := request.get("token"))
            visit = str(token).partition(FRAME)[0]
            if not store.asked.allows(visit):
                return {"error": TOO_MANY}
            with asking(visit):
                return handler(scan, request)
        except (SessionError, RequestError) as error:
            return {"error": str(error.args[0])}
        except Exception as error:
            return {"error": told(error)}

    # functools.wraps would show Gradio the signature of the handler, which has another number of arguments.
    function.__name__ = handler.__name__
    return function


async def request_object(arriving: Arriving, most_bytes: int) -> Request:
    """Read the request of a view that asks by a route of its own.

    Args:
        arriving: What arrives.
        most_bytes: A longer one is refused while it arrives.

    Returns:
        The object that it holds.

    Raises:
        RequestError: If it is too long or no JSON object.
    """
    body = b""
    async for part in arriving.stream():
        body += part
        if len(body) > most_bytes:
            raise RequestError(f"a request may have at most {most_bytes} bytes")
    try:
        values = json.loads(body)
    except (ValueError, RecursionError):
        values = None
    if not isinstance(values, dict):
        raise RequestError("the request must be a JSON object")
    return values
