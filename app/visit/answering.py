"""How a view's question reaches its handler: the scan is found by the visit's token, and what is wrong becomes a message."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from app.scan.frame_request import RequestError
from app.scan.open_scan import OpenScan
from app.visit.session import SessionError, SessionStore

Answer = dict[str, Any]
Request = dict[str, Any]
Handler = Callable[[OpenScan, Request], Answer]


def answering(store: SessionStore, handler: Handler) -> Callable[[Any], Answer]:
    """A server function for a component of the page.

    It is called past the queue and without a session: request["token"] is the only key, and nothing in the request is trusted.

    Args:
        store: Holds the visitors' scans.
        handler: Answers a request about one of them. May raise RequestError.

    Returns:
        A function of the handler's name, by which the browser calls it. A wrong request is answered by {"error": message}.
    """

    def function(request: Any) -> Answer:
        if not isinstance(request, dict):
            return {"error": "the request must be an object"}
        try:
            return handler(store.get(request.get("token")), request)
        except (SessionError, RequestError) as error:
            return {"error": str(error.args[0])}

    # Not functools.wraps: Gradio would read the handler's signature.
    function.__name__ = handler.__name__
    return function
