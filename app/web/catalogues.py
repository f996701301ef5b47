"""The page's texts in other languages, a file each: texts/<code>.yaml. The English text in the code is the key.

A browser fetches the catalogue of the language that its visitor reads; translation.js finds texts in it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

TEXTS = Path(__file__).with_name("texts")
_KEPT = {"Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}


@dataclass(frozen=True)
class Catalogue:
    """The texts of a language.

    Attributes:
        name: Of the language, in itself.
        numbers: The signs within numbers: "thousands" and "decimal".
        texts: The texts by the English ones. A part that varies is a name in braces, as {name}, or {#name} for a number.
    """

    name: str
    numbers: Mapping[str, str]
    texts: Mapping[str, str]

    @classmethod
    def read(cls, path: Path) -> Catalogue:
        """Read a file. Raises ValueError if a text stands in two of its sections."""
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        texts: dict[str, str] = {}
        for section in content["texts"].values():
            if twice := texts.keys() & section.keys():
                raise ValueError(f"{path.name} has {sorted(twice)} more than once")
            texts |= section
        return cls(content["language"], content["numbers"], texts)

    @property
    def content(self) -> bytes:
        """What the browser gets: `Catalogue` of types.d.ts."""
        return json.dumps({"numbers": self.numbers, "texts": self.texts}, ensure_ascii=False).encode()


@cache
def catalogues() -> Mapping[str, Catalogue]:
    """The catalogues by the code of their language."""
    return {path.stem: Catalogue.read(path) for path in sorted(TEXTS.glob("*.yaml"))}


def catalogue_facts() -> dict[str, dict[str, Any]]:
    """What the page knows of each language: its name, and the address of its catalogue, which changes with the content."""
    return {code: {"name": one.name, "address": _path(code, one).removeprefix("/")} for code, one in catalogues().items()}


def catalogue_routes() -> list[Route]:
    """A route for each catalogue."""

    def route(code: str, catalogue: Catalogue) -> Route:
        async def texts(request: Request) -> Response:
            return Response(catalogue.content, media_type="application/json", headers=_KEPT)

        return Route(_path(code, catalogue), texts, methods=["GET"])

    return [route(code, catalogue) for code, catalogue in catalogues().items()]


def _path(code: str, catalogue: Catalogue) -> str:
    return f"/vqseg-texts/{hashlib.sha256(catalogue.content).hexdigest()[:12]}/{code}.json"
