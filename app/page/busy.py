"""What is said when Gradio's own queue takes no more events: the same as when too many scans wait, instead of Gradio's figures."""

from __future__ import annotations

import json
from typing import Any

BUSY = "The server is busy: too many visitors are waiting already. Please try again in a minute."


class BusyMessage:
    """ASGI middleware that words the refusal of a full queue.

    Gradio's page has words of its own for status 503 and shows what comes with any other: browsers, which send an origin, get 429.
    Programs keep 503, by which gradio_client knows a full queue.
    """

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or not scope["path"].rstrip("/").endswith("/queue/join"):
            await self._app(scope, receive, send)
            return
        from_browser = any(name == b"origin" for name, _ in scope["headers"])
        refused: dict[str, Any] | None = None

        async def reworded(message: Any) -> None:
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
