"""What runs in the browser: native modules, which are served as they are, and the texts of templates and style sheets.

All modules share one base address with a version in it. The version changes with any module, so a browser may keep them for ever.
Modules import each other by relative address, and a page evaluates each of them once.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

_APP = Path(__file__).resolve().parents[1]
_FOLDERS = ("web/*.js", "page/*.js", "tabs/*/*.js")
_IMPORTED = re.compile(r'\bfrom "(\.[^"]+\.js)";')
_KEPT = {"Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}


def source(*names: str) -> str:
    """The text of files below app/, one after the other."""
    return "\n".join((_APP / name).read_text(encoding="utf-8") for name in names)


@cache
def modules() -> Mapping[str, bytes]:
    """The content of every module, by its path below app/."""
    paths = sorted(path for pattern in _FOLDERS for path in _APP.glob(pattern))
    return {path.relative_to(_APP).as_posix(): path.read_bytes() for path in paths}


@cache
def version() -> str:
    """A hash of the names and contents of all modules."""
    digest = hashlib.sha256()
    for path, content in modules().items():
        digest.update(f"{path} {len(content)} ".encode() + content)
    return digest.hexdigest()[:12]


def module_path(path: str) -> str:
    """The address of a module, relative to that of the page. Raises KeyError if there is no such module."""
    if path not in modules():
        raise KeyError(f"app/{path} is not a module of the page; the modules are {', '.join(modules())}")
    return f"vqseg/{version()}/{path}"


def preloads(*paths: str) -> list[str]:
    """Addresses of modules and of all that they import, so that a page can ask for them at once and not one after the other.

    Raises KeyError if there is no such module.
    """
    found, waiting = dict.fromkeys(paths), list(paths)
    while waiting:
        path = waiting.pop()
        folder = (_APP / path).parent
        for imported in _IMPORTED.findall(modules()[path].decode("utf-8")):
            name = (folder / imported).resolve().relative_to(_APP).as_posix()
            if name not in found:
                found[name] = None
                waiting.append(name)
    return [module_path(path) for path in found]


def module_routes() -> list[Route]:
    """The route that serves all modules."""

    async def module(request: Request) -> Response:
        content = modules().get(request.path_params["path"])
        if content is None or request.path_params["version"] != version():
            return PlainTextResponse("This page is out of date. Load it again.", 404)
        return Response(content, media_type="text/javascript", headers=_KEPT)

    return [Route("/vqseg/{version}/{path:path}", module, methods=["GET"])]


# Without a module nothing on the page may answer: it has to be said where everybody sees it, once.
_FAILED = """(error) => {
  const text = "This page did not load completely. Load it again.";
  document.getElementById("incomplete") ||
    document.body.append(Object.assign(document.createElement("p"), { id: "incomplete", role: "alert", textContent: text }));
  throw error;
}"""


def _importing(path: str) -> str:
    return f"import(new URL({json.dumps(module_path(path))}, document.baseURI)).catch({_FAILED})"


def mounting(path: str) -> str:
    """The js_on_load of a component: it calls mount(element, props, server, trigger) of a module.

    trigger("submit") begins the event of that name of the component, if it is bound to anything.
    Until mount is called, the component is inert: its buttons are there before what answers them, and a click would be lost.
    """
    mounted = "(module) => { element.inert = false; module.mount(element, props, server, trigger); }"
    return f"element.inert = true; {_importing(path)}.then({mounted});"


def calling(path: str, function: str, fields: Sequence[str] = (), *, given: Sequence[str] = ()) -> str:
    """The js= of a Gradio event: it calls a function of a module with the event's inputs. The function returns the event's outputs.

    Args:
        path: Of the module, below app/.
        function: Its name; the module exports it.
        fields: Names of the inputs. If there are any, the function gets one object with these names instead of single values.
        given: Constants that come before the inputs.

    Returns:
        JavaScript.

    Raises:
        KeyError: If there is no such module.
    """
    constants = "".join(json.dumps(value) + ", " for value in given)
    values = f"Object.fromEntries({json.dumps(list(fields))}.map((name, i) => [name, values[i]]))" if fields else "...values"
    return f"(...values) => {_importing(path)}.then((module) => module.{function}({constants}{values}) ?? [])"
