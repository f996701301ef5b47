"""Who may ask the served app: names of the host, origins, closed addresses, and the headers that every answer has."""

from __future__ import annotations

import importlib.util
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from app_browser import go, visit, wait_painted
from app_server import Server, save_scan, serving
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from app.page.guard import Guard, allowed_hosts
from app.visit.listening import is_local

LOCAL, NETWORK = "127.0.0.1", "0.0.0.0"


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("VQSEG_ALLOWED_HOSTS", "SPACE_HOST", "GRADIO_ROOT_PATH"):
        monkeypatch.delenv(name, raising=False)


def client(server_name: str) -> TestClient:
    async def answer(request: Any) -> PlainTextResponse:
        return PlainTextResponse("served")

    routes = [Route(path, answer, methods=["GET", "POST"]) for path in ("/", "/upload", "/monitoring", "/monitoring/summary")]
    guard = Middleware(Guard, hosts=allowed_hosts(server_name), local=is_local(server_name))
    return TestClient(Starlette(routes=routes, middleware=[guard]))


@pytest.mark.parametrize(
    ("server_name", "host", "status"),
    [
        (LOCAL, "127.0.0.1:7860", 200),
        (LOCAL, "localhost:7860", 200),
        (LOCAL, "[::1]:7860", 200),
        (LOCAL, "evil.example:7860", 403),
        (LOCAL, "127.0.0.1.evil.example", 403),
        (LOCAL, "192.168.1.5", 403),
        (LOCAL, "", 403),
        (LOCAL, "[::1", 403),
        (NETWORK, "192.168.1.5:7860", 200),
        (NETWORK, "[fe80::1]:7860", 200),
        (NETWORK, f"{socket.gethostname()}:7860", 200),
        (NETWORK, "teacher.local", 200),
        (NETWORK, "teacher", 200),
        (NETWORK, "evil.example", 403),
    ],
)
def test_a_server_answers_under_its_own_names(server_name: str, host: str, status: int) -> None:
    assert client(server_name).get("/", headers={"host": host}).status_code == status


@pytest.mark.parametrize(
    ("variable", "value"),
    [("VQSEG_ALLOWED_HOSTS", "one.example, Lab.Example"), ("SPACE_HOST", "lab.example"), ("GRADIO_ROOT_PATH", "https://lab.example/vqseg")],
)
def test_further_names_come_from_the_environment(monkeypatch: pytest.MonkeyPatch, variable: str, value: str) -> None:
    assert client(LOCAL).get("/", headers={"host": "lab.example"}).status_code == 403
    monkeypatch.setenv(variable, value)
    assert client(LOCAL).get("/", headers={"host": "lab.example"}).status_code == 200
    assert client(LOCAL).get("/", headers={"host": "other.example"}).status_code == 403
    monkeypatch.setenv("VQSEG_ALLOWED_HOSTS", "*")
    assert client(LOCAL).get("/", headers={"host": "other.example"}).status_code == 200


@pytest.mark.parametrize(
    ("forwarded", "status"),
    [
        ("lab.example", 200),
        ("Lab.Example:443", 200),
        ("lab.example, 10.0.0.1", 200),
        ("evil.example", 403),
        ("evil.example, lab.example", 403),
    ],
)
def test_a_proxy_is_believed_only_for_names_that_are_configured(monkeypatch: pytest.MonkeyPatch, forwarded: str, status: int) -> None:
    headers = {"host": "127.0.0.1:7860", "x-forwarded-host": forwarded}
    assert client(LOCAL).get("/", headers=headers).status_code == 403
    monkeypatch.setenv("VQSEG_ALLOWED_HOSTS", "lab.example")
    assert client(LOCAL).get("/", headers=headers).status_code == status
    assert client(LOCAL).post("/upload", headers={**headers, "origin": "https://lab.example"}).status_code == status
    assert client(LOCAL).post("/upload", headers={**headers, "origin": "https://evil.example"}).status_code == 403


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        (None, 200),
        ("http://127.0.0.1:7860", 200),
        ("http://localhost:7860", 200),
        ("https://evil.example", 403),
        ("null", 403),
        ("http://127.0.0.1.evil.example", 403),
    ],
)
def test_pages_of_other_sites_send_nothing(origin: str | None, status: int) -> None:
    headers = {"host": "127.0.0.1:7860"} | ({"origin": origin} if origin else {})
    assert client(LOCAL).post("/upload", headers=headers).status_code == status
    # Reading does no harm: the browser keeps the answer from the other page.
    assert client(LOCAL).get("/", headers=headers).status_code == 200


@pytest.mark.parametrize("path", ["/monitoring", "/monitoring/", "/monitoring/summary"])
def test_statistics_of_visitors_are_closed(path: str) -> None:
    assert client(LOCAL).get(path, headers={"host": "localhost"}, follow_redirects=False).status_code == 404


def test_every_answer_has_the_headers_even_a_refusal() -> None:
    for host in ("localhost", "evil.example"):
        headers = client(LOCAL).get("/", headers={"host": host}).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert "frame-ancestors 'self'" in headers["content-security-policy"]
        assert "connect-src 'self'" in headers["content-security-policy"]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("guarded")
    example = save_scan(folder / "phantom_guarded.nii.gz")
    with serving(folder / "cache", [example]) as running:
        yield running


@pytest.mark.parametrize(("headers", "status"), [({}, 200), ({"Host": "evil.example"}, 403), ({"Origin": "https://evil.example"}, 403)])
def test_the_app_itself_is_guarded(server: Server, headers: dict[str, str], status: int) -> None:
    sending = b"{}" if "Origin" in headers else None
    request = urllib.request.Request(f"{server.url}/config", headers=headers, data=sending)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            found = answer.status
    except urllib.error.HTTPError as error:
        found = error.code
    assert found == status


def test_a_page_loads_without_breaking_its_own_policy(server: Server, browser: Any) -> None:
    broken: list[str] = []
    with visit(browser, server) as page:
        page.on("console", lambda message: broken.append(message.text) if "Content Security Policy" in message.text else None)
        go(page, server.url)
        # Before the page is alive, a click is lost.
        wait_painted(page, "axial 3 0 resample 0")
        for name in ("Codebook", "Volume", "Learn", "See"):
            page.get_by_role("tab", name=name).click()
            page.locator("[role=tab][aria-selected=true]", has_text=name).first.wait_for()
    assert broken == []


@pytest.mark.parametrize(("text", "opens"), [("", False), ("0", False), ("1", True), ("yes", None)])
def test_other_checkpoints_are_opened_by_a_setting_alone(monkeypatch: pytest.MonkeyPatch, text: str, opens: bool | None) -> None:
    place = Path(__file__).parents[1] / "app.py"
    spec = importlib.util.spec_from_file_location("the_app", place)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setenv("VQSEG_OPEN_CHECKPOINTS", text)
    if opens is None:
        with pytest.raises(ValueError, match="must be 0 or 1"):
            module.opens_checkpoints()
    else:
        assert module.opens_checkpoints() is opens
