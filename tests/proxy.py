"""A reverse proxy as a lab has it: it serves an app below a path of its own name, and passes the rest of the path on."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from threading import Event, Thread

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

# They concern one connection only, or are made anew.
_OWN = {"connection", "transfer-encoding", "keep-alive", "host"}


def proxy(prefix: str, behind: list[str]) -> Starlette:
    """The proxy.

    Args:
        prefix: The path below which the app is reached, as "/tool".
        behind: Its only entry is the address of the app; it may be given later.
    """
    client = httpx.AsyncClient(timeout=120)

    async def passed_on(request: Request) -> Response:
        if not request.url.path.startswith(f"{prefix}/"):
            return PlainTextResponse("not below the tool", 404)
        headers = [(name, value) for name, value in request.headers.raw if name.decode() not in _OWN]
        headers += [(b"x-forwarded-host", request.headers["host"].encode()), (b"x-forwarded-proto", b"http")]
        headers += [(b"x-forwarded-for", (request.client.host if request.client else "").encode())]
        raw = request.scope["raw_path"].decode().removeprefix(prefix)
        address = httpx.URL(behind[0]).copy_with(raw_path=raw.encode() + (b"?" + request.scope["query_string"]))
        body = request.stream() if "content-length" in request.headers else None
        answer = await client.send(client.build_request(request.method, address, headers=headers, content=body), stream=True)

        async def parts() -> AsyncIterator[bytes]:
            try:
                async for part in answer.aiter_raw():
                    yield part
            finally:
                await answer.aclose()

        kept = {name: value for name, value in answer.headers.items() if name not in _OWN}
        return StreamingResponse(parts(), answer.status_code, kept)

    methods = ["GET", "HEAD", "POST"]
    return Starlette(routes=[Route("/{path:path}", passed_on, methods=methods)])


@contextmanager
def proxying(prefix: str, behind: list[str]) -> Iterator[int]:
    """The proxy, running. Yields its port."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(proxy(prefix, behind), log_level="warning", lifespan="off"))
        ended = Event()

        def work() -> None:
            server.run(sockets=[listening])
            ended.set()

        Thread(target=work, daemon=True).start()
        try:
            yield int(listening.getsockname()[1])
        finally:
            server.should_exit = server.force_exit = True
            ended.wait(20)
