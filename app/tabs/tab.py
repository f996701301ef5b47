"""What a tab brings to the page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from starlette.routing import Route

from app.visit.links import Readable
from app.visit.session import SessionStore


def _no_routes(store: SessionStore) -> list[Route]:
    return []


@dataclass(frozen=True)
class Tab:
    """One tab of the page.

    Attributes:
        name: Its name in links (`tab=`) and in the browser's modules.
        title: Its name, as visitors read it.
        build: Builds the tab's components inside the present Blocks. See returns the viewer, the other tabs return nothing.
        routes: Gives routes of the server that the tab's views call directly, without Gradio.
        readable: What its views understand of the page's address. They leave out other values; the page says so.
    """

    name: str
    title: str
    build: Callable[[SessionStore], Any]
    routes: Callable[[SessionStore], list[Route]] = _no_routes
    readable: Readable = field(default_factory=dict)
