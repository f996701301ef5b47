"""How answers travel: compressed where Gradio leaves them as they are, and kept by browsers where an address never changes its content."""

from __future__ import annotations

import re

from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# Smaller answers fit into one packet anyway.
_SMALLEST = 1000
# Of the page itself, 480 kB, it leaves a quarter; higher levels gain little for their time.
_LEVEL = 5
_PICTURES = "/component_server"
_HASHED = re.compile(r"/assets/[^/]+-[\w-]{8}\d?\.\w+$")
_FOR_EVER = b"public, max-age=31536000, immutable"
_FOR_A_DAY = b"public, max-age=86400"


class Compressing:
    """ASGI middleware that compresses pages and answers of events. Gradio compresses only files, which it knows by their endings.

    Pictures are compressed already, as text of 64 signs: a quarter could be saved, for as much of the processor's time as a known frame
    takes.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._compressed = GZipMiddleware(app, minimum_size=_SMALLEST, compresslevel=_LEVEL)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        left_alone = "." in path.rpartition("/")[2] or path.rstrip("/").endswith(_PICTURES)
        await (self._app if left_alone else self._compressed)(scope, receive, send)


class Keeping:
    """ASGI middleware that lets browsers keep what never changes under its address: Gradio's scripts and style sheets, and its fonts."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        kept = _kept(scope) if scope["type"] == "http" else None

        async def told(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == 200:
                others = [(name, value) for name, value in message["headers"] if name.lower() != b"cache-control"]
                message = {**message, "headers": [*others, (b"cache-control", kept)]}
            await send(message)

        await self._app(scope, receive, told if kept else send)


def _kept(scope: Scope) -> bytes | None:
    """The Cache-Control of an address; None leaves it to the app."""
    path = scope["path"]
    # The name has a hash of the content, or the page asks with one.
    if _HASHED.search(path) or (path.endswith("/theme.css") and scope["query_string"].startswith(b"v=")):
        return _FOR_EVER
    return _FOR_A_DAY if "/static/" in path else None
