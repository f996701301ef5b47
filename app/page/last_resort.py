"""Around all requests: what nobody has foreseen becomes an answer with an id, and a visit ends with its heartbeat."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.visit.presence import Presence
from app.visit.unforeseen import told

_HEARTBEAT = "/heartbeat/"


class LastResort:
    """ASGI middleware that lets no exception out. The server would log it with its text, and a file's name may be in it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = False

        async def watched(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except ClientDisconnect:
            # Whoever asked has gone; nothing is wrong.
            return
        except Exception as error:
            if scope["type"] != "http":
                raise
            message = told(error)
            # An answer that has begun breaks off, and its reader notices that it is too short.
            if not begun:
                await JSONResponse({"detail": message, "error": message}, 500)(scope, receive, send)


class Heartbeats:
    """ASGI middleware that tells of the end of visits."""

    def __init__(self, app: ASGIApp, presence: Presence, end: Callable[[str, str], None]) -> None:
        """Wrap an app.

        Args:
            app: Gradio's app, or what already wraps it.
            presence: Counts the heartbeats.
            end: Is called, on another thread, with a visit that has ended and its address.
        """
        self._app, self._presence, self._end = app, presence, end

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or _HEARTBEAT not in scope["path"]:
            await self._app(scope, receive, send)
            return
        owner, address = scope["path"].rpartition("/")[2], (scope.get("client") or ("",))[0]
        self._presence.arrive(owner, address)
        try:
            await self._app(scope, receive, send)
        finally:
            if self._presence.leave(owner, address):
                # Not awaited: when the server stops, this task is cancelled.
                asyncio.get_running_loop().run_in_executor(None, self._end, owner, address)
