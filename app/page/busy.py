"""The message of a full queue. It replaces Gradio's own and reads like that of app/visit/openings.py."""

from __future__ import annotations

import json

from starlette.types import ASGIApp, Message, Receive, Scope, Send

BUSY = "The server is busy: too many visitors are waiting already. Please try again in a minute."


class BusyMessage:
    """ASGI middleware that replaces the message with which Gradio refuses an event when its queue is full.

    Gradio's page shows a fixed text for status 503, and the server's message for any other status. Browsers, which send an origin,
    therefore get 429. Programs still get 503, because gradio_client knows a full queue by it.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].rstrip("/").endswith("/queue/join"):
            await self._app(scope, receive, send)
            return
        from_browser = any(name == b"origin" for name, _ in scope["headers"])
        refused: Message | None = None

        async def reworded(message: Message) -> None:
            nonlocal refused
            if message["type"] == "http.response.start" and message["status"] == 503:
                refused = message
            elif refused is None:
                await send(message)
            elif message["type"] == "http.response.body" and not message.get("more_body"):
                body = json.dumps({"detail": BUSY}).encode()
                lengths = (b"content-length", str(len(body)).encode())
                headers = [header for header in refused["headers"] if header[0].lower() != b"content-length"]
                await send({**refused, "status": 429 if from_browser else 503, "headers": [*headers, lengths]})
                await send({"type": "http.response.body", "body": body})

        await self._app(scope, receive, reworded)
