"""The font of the formulas (app/vendor/math). A browser fetches it when it first draws one."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from app.visit.session import SessionStore

_FONT = Path(__file__).resolve().parents[2] / "vendor" / "math" / "formulas.woff2"
FAMILY = "VQ-Seg formulas"
"""Its name in style sheets."""
_KEPT = {"Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}


@cache
def font_path() -> str:
    """Its address, which changes with the file."""
    return f"/vqseg-math/{hashlib.sha256(_FONT.read_bytes()).hexdigest()[:12]}/formulas.woff2"


@cache
def font_face() -> str:
    """A style that brings the font along, for a page that needs no other file."""
    data = base64.b64encode(_FONT.read_bytes()).decode("ascii")
    return f'@font-face {{ font-family: "{FAMILY}"; src: url(data:font/woff2;base64,{data}) format("woff2"); }}'


def font_routes(store: SessionStore) -> list[Route]:
    """The route that serves it."""

    async def font(request: Request) -> Response:
        return FileResponse(_FONT, media_type="font/woff2", headers=_KEPT)

    return [Route(font_path(), font, methods=["GET"])]
