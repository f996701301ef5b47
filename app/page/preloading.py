"""What a page must have before Gradio's own script: the modules of the first picture as a header, and a module that runs first.

Gradio adds what a page gives as its head by that script. Links in there come half a second later, and listeners behind Gradio's.
"""

from __future__ import annotations

from collections.abc import Sequence

from starlette.types import ASGIApp, Message, Receive, Scope, Send

# Modules run in the order in which the page names them.
_SCRIPT = b'<script type="module"'


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


class RunFirst:
    """ASGI middleware that has every page run a module before Gradio's script. It must see pages before they are compressed."""

    def __init__(self, app: ASGIApp, address: str) -> None:
        """Wrap an app.

        Args:
            app: The app that serves the pages.
            address: Of the module, relative to the page.
        """
        self._app = app
        self._script = f'<script type="module" src="{address}"></script>'.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        start: Message | None = None
        body = bytearray()

        async def added(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start" and _is_page(message):
                start = message
            elif start is None:
                await send(message)
            else:
                body.extend(message.get("body", b""))
                if not message.get("more_body", False):
                    await self._send(start, bytes(body), send)

        await self._app(scope, receive, added if scope["type"] == "http" else send)

    async def _send(self, start: Message, page: bytes, send: Send) -> None:
        page = page.replace(_SCRIPT, self._script + _SCRIPT, 1)
        others = [(name, value) for name, value in start["headers"] if name.lower() != b"content-length"]
        await send({**start, "headers": [*others, (b"content-length", str(len(page)).encode())]})
        await send({"type": "http.response.body", "body": page})


def _is_page(message: Message) -> bool:
    kinds = [value for name, value in message["headers"] if name.lower() == b"content-type"]
    return message["status"] == 200 and any(kind.startswith(b"text/html") for kind in kinds)
