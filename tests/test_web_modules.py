"""How the browser's modules are served: one address for all of them, which changes with each; what is preloaded; how they are called."""

from __future__ import annotations

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from app.page.preloading import PreloadModules, RunFirst
from app.web import calling, module_path, module_routes, modules, mounting, preloads, version


@pytest.fixture(scope="module")
def client() -> TestClient:
    return TestClient(Starlette(routes=module_routes()))


def test_every_module_is_served_as_it_is_and_kept_for_good(client: TestClient) -> None:
    assert {"web/store.js", "page/page.js", "tabs/see/view.js"} <= modules().keys()
    for path, content in modules().items():
        answer = client.get("/" + module_path(path))
        assert answer.content == content
        assert answer.headers["content-type"].startswith("text/javascript")
        assert "immutable" in answer.headers["cache-control"]


@pytest.mark.parametrize(
    "path", ["0/web/store.js", "{version}/web/none.js", "{version}/web/__init__.py", "{version}/../app.py", "{version}/vendor/x.js"]
)
def test_nothing_else_is_served(client: TestClient, path: str) -> None:
    answer = client.get("/vqseg/" + path.format(version=version()))
    assert answer.status_code == 404
    assert "immutable" not in answer.headers.get("cache-control", "")


def test_every_relative_import_leads_to_a_module() -> None:
    for path in modules():
        assert {address.split("/", 2)[2] for address in preloads(path)} <= modules().keys()


def test_what_the_first_picture_needs_is_preloaded_with_all_that_it_imports() -> None:
    links = [address.split("/", 2)[2] for address in preloads("tabs/see/view.js")]
    assert len(links) == len(set(links))
    assert {"tabs/see/view.js", "tabs/see/panels.js", "web/store.js", "web/packed.js"} <= set(links)
    assert not any(link.startswith("tabs/perturb") for link in links)


def test_a_module_that_is_not_there_is_named() -> None:
    for ask in (mounting, lambda path: calling(path, "update"), preloads):
        with pytest.raises(KeyError, match=r"web/none\.js"):
            ask("web/none.js")


def test_an_event_calls_with_names_or_constants() -> None:
    named, bound = calling("web/store.js", "update", ["scan", "plane"]), calling("web/links.js", "showTab", given=["see"])
    assert 'module.update(Object.fromEntries(["scan", "plane"].map(' in named
    assert 'module.showTab("see", ...values)' in bound


def test_a_page_names_its_modules_before_it_is_read_and_nothing_else_does() -> None:
    async def page(request: Request) -> Response:
        return HTMLResponse("<p>page</p>", int(request.query_params.get("status", 200)))

    async def figures(_: Request) -> Response:
        return JSONResponse({})

    middleware = [Middleware(PreloadModules, addresses=["vqseg/1/a.js", "vqseg/1/b.js"])]
    client = TestClient(Starlette(routes=[Route("/", page), Route("/figures", figures)], middleware=middleware))
    assert client.get("/").headers["link"] == "<vqseg/1/a.js>; rel=modulepreload, <vqseg/1/b.js>; rel=modulepreload"
    assert client.get("/").text == "<p>page</p>"
    assert "link" not in client.get("/?status=404").headers
    assert "link" not in client.get("/figures").headers


def test_a_module_runs_before_the_first_of_a_page_and_other_answers_stay_as_they_are() -> None:
    text = 'ä<script type="module" src="gradio.js"></script><script type="module" src="other.js"></script>'

    async def page(_: Request) -> Response:
        return HTMLResponse(text)

    async def source(_: Request) -> Response:
        return Response(text, media_type="text/plain")

    client = TestClient(
        Starlette(routes=[Route("/", page), Route("/source", source)], middleware=[Middleware(RunFirst, address="vqseg/1/a.js")])
    )
    answer = client.get("/")
    assert answer.text == "ä" + '<script type="module" src="vqseg/1/a.js"></script>' + text[1:]
    assert int(answer.headers["content-length"]) == len(answer.content)
    assert client.get("/source").text == text
