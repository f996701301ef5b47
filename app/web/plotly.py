"""plotly.js in parts, each a module that the browser loads when a plot needs it (app/vendor/plotly)."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route

_FOLDER = Path(__file__).resolve().parents[1] / "vendor" / "plotly"
_KEPT = {"Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}


@cache
def plotly_parts() -> dict[str, Path]:
    """The parts and what they share, by file name."""
    return {path.name: path for path in sorted(_FOLDER.glob("*.js"))}


@cache
def plotly_path() -> str:
    """The address that all parts share, relative to that of the page. It changes with any of them, so a browser may keep them for ever."""
    digest = hashlib.sha256()
    for name, path in plotly_parts().items():
        digest.update(name.encode() + path.read_bytes())
    return f"vqseg-plotly/{digest.hexdigest()[:12]}"


def plotly_routes() -> list[Route]:
    """The route that serves the parts."""

    async def part(request: Request) -> Response:
        path = plotly_parts().get(request.path_params["name"])
        if path is None or f"vqseg-plotly/{request.path_params['version']}" != plotly_path():
            return PlainTextResponse("This page is out of date. Load it again.", 404)
        return FileResponse(path, media_type="text/javascript", headers=_KEPT)

    return [Route("/vqseg-plotly/{version}/{name}", part, methods=["GET"])]
