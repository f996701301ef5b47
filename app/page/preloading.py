"""Tells the browser of the modules of the first picture in the header of the page itself.

Gradio adds what a page gives as its head by a script of its own. Links in there come half a second later.
"""

from __future__ import annotations

from collections.abc import Sequence

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class PreloadModules:
    """ASGI middleware that adds a header `Link: rel=modulepreload` to every page."""

    def __init__(self, app: ASGIApp, addresses: Sequence[str]) -> None:
        """Wrap an app.

        Args:
            app: The app that serves the pages.
            addresses: Of the modules, relative to the page.
        """
        self._app = app
        self._link = ", ".join(f"<{address}>; rel=modulepreload" for address in addresses).encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def linked(message: Message) -> None:
            if message["type"] == "http.response.start" and _is_page(message):
                message = {**message, "headers": [*message["headers"], (b"link", self._link)]}
            await send(message)

        await self._app(scope, receive, linked if scope["type"] == "http" else send)


def _is_page(message: Message) -> bool:
    kinds = [value for name, value in message["headers"] if name.lower() == b"content-type"]
    return message["status"] == 200 and any(kind.startswith(b"text/html") for kind in kinds)
