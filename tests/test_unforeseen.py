"""What nobody has foreseen, on every way into the app: a message with an id, one line in the log with the same id, and nothing personal."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from app_server import Server, fake_models, fake_served, save_scan, serving
from fake_segmenter import FakeSegmenter
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

import app.page.uploading
from app.page.last_resort import LastResort
from app.scan.open_scan import OpenScan
from app.visit.answering import answering
from app.visit.limits import Limiter, Rate
from app.visit.log import OriginAlone, log_hook
from app.visit.session import SessionStore
from app.visit.unforeseen import told
from vqseg.data.scan import read_scan

SECRET = "/tmp/held/DOE_JANE.nii.gz: PatientName DOE^JANE"
NUMBER = re.compile(r"\(id ([0-9a-f]{8})\)")


class StrangeError(Exception):
    """An error that no handler knows."""


def fail(*_: Any, **__: Any) -> Any:
    """What no handler foresees, with what no log may have."""
    try:
        raise KeyError(SECRET)
    except KeyError as error:
        raise StrangeError(SECRET) from error


def assert_told(message: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> None:
    """One line with the id of a message, the error's type and its place, and nobody's name anywhere."""
    found = NUMBER.search(message)
    assert found, message
    (line,) = [one.getMessage() for one in caplog.records if one.name == "app.visit.unforeseen"]
    assert re.fullmatch(rf"unforeseen {found[1]}: StrangeError from KeyError at (\S+:\d+ > )*test_unforeseen:\d+", line), line
    printed = capfd.readouterr()
    for text in (message, line, caplog.text, printed.out, printed.err):
        assert not re.search("DOE|Traceback|/tmp/", text), text


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    return save_scan(tmp_path / "DOE_JANE.nii.gz")


def test_the_line_names_our_modules_and_lines_and_only_the_last_of_others(caplog: pytest.LogCaptureFixture) -> None:
    store = SessionStore(2**20)
    try:
        json.loads("{")
    except ValueError as error:
        told(error)
    try:
        store.get("x")
    except LookupError as error:
        told(ExceptionGroup("of tasks", [error]))
    library, ours = (one.getMessage().partition(" at ")[2] for one in caplog.records)
    assert re.fullmatch(r"json\.decoder:\d+", library)
    assert re.fullmatch(r"app\.visit\.session:\d+", ours)


def test_a_chain_of_causes_that_leads_back_to_itself_ends(caplog: pytest.LogCaptureFixture) -> None:
    first, second = StrangeError(SECRET), KeyError(SECRET)
    first.__cause__, second.__cause__ = second, first
    told(first)
    assert "StrangeError from KeyError at no place" in caplog.text


def test_a_question_of_a_view(scan: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> None:
    store = SessionStore(2**26)
    token = store.put(OpenScan(FakeSegmenter().open(read_scan(scan)), fake_served()), "me")
    assert_told(answering(store, fail)({"token": token})["error"], caplog, capfd)


def test_a_flood_of_questions_is_told_to_wait_and_other_visits_are_not(scan: Path) -> None:
    store = SessionStore(2**26)
    store.asked = Limiter(Rate(3, 0), lambda: 0.0)
    opened = OpenScan(FakeSegmenter().open(read_scan(scan)), fake_served())
    mine, theirs = store.put(opened, "me"), store.put(opened, "they")

    def handler(*_: Any) -> dict[str, Any]:
        return {"answer": 1}

    ask: Callable[[object], Any] = answering(store, handler)
    assert [ask({"token": mine}) for _ in range(3)] == [{"answer": 1}] * 3
    assert "wait a few seconds" in ask({"token": mine})["error"]
    # Nor by asking for another frame.
    assert "error" in ask({"token": f"{mine}.0"})
    assert ask({"token": theirs}) == {"answer": 1}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("cache"), [], models=fake_models(fake_served())) as running:
        yield running


def upload(server: Server, path: Path) -> httpx.Response:
    with path.open("rb") as file:
        return httpx.post(f"{server.url}/gradio_api/upload", files={"files": (path.name, file)})


def call(server: Server, name: str, *settings: object) -> str:
    event = httpx.post(f"{server.url}/gradio_api/call/{name}", json={"data": list(settings)}).json()["event_id"]
    return httpx.get(f"{server.url}/gradio_api/call/{name}/{event}", timeout=60).text


@pytest.mark.parametrize("where", ["opening", "handler"])
def test_an_endpoint(
    server: Server,
    scan: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    where: str,
) -> None:
    if where == "opening":
        monkeypatch.setattr(FakeSegmenter, "open", fail)
    else:
        monkeypatch.setattr("app.page.endpoints.write_labels", fail)
    (path,) = upload(server, scan).json()
    answer = call(server, "segment", {"path": path, "meta": {"_type": "gradio.FileData"}}, None, "", None)
    assert answer.startswith("event: error")
    assert_told(answer, caplog, capfd)
    assert not list(server.cache.rglob("DOE*"))


def test_what_gradio_itself_refuses(server: Server, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> None:
    # Another name of a field makes Gradio's own reading of the data fail, with the data in its error.
    answer = call(server, "segment", {"file": SECRET}, None, "", None)
    assert answer.startswith("event: error") and NUMBER.search(answer) and "DOE" not in answer
    printed = capfd.readouterr()
    assert not re.search("DOE|Traceback", caplog.text + printed.err + printed.out)


def test_loading_the_page(server: Server, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, capfd: Any) -> None:
    monkeypatch.setattr("app.page.visits.Visits.linked", fail)
    config = httpx.get(f"{server.url}/config").json()
    number = next(one["id"] for one in config["dependencies"] if any(event == "load" for _, event in one["targets"]))
    httpx.post(f"{server.url}/gradio_api/queue/join", json={"data": [{}, "ticket"], "fn_index": number, "session_hash": "me"})
    with httpx.stream("GET", f"{server.url}/gradio_api/queue/data?session_hash=me", timeout=60) as answer:
        told_all = "".join(answer.iter_lines())
    assert_told(told_all, caplog, capfd)


def test_an_upload(server: Server, scan: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, capfd: Any) -> None:
    monkeypatch.setattr(app.page.uploading, "upload_fn", fail)
    answer = upload(server, scan)
    assert answer.status_code == 500
    assert_told(answer.text, caplog, capfd)
    assert not list((server.cache / "sent").iterdir())


def test_a_server_function_that_gets_nonsense(server: Server, capfd: pytest.CaptureFixture[str]) -> None:
    answer = httpx.post(f"{server.url}/gradio_api/component_server", json={"data": SECRET, "component_id": 10**9})
    assert answer.status_code >= 400 and not re.search("DOE|Traceback", answer.text.replace(SECRET, ""))
    printed = capfd.readouterr()
    assert not re.search("DOE|Traceback", printed.err + printed.out)


def client(route: Callable[[Request], Any]) -> TestClient:
    return TestClient(Starlette(routes=[Route("/", route)], middleware=[Middleware(LastResort)]))


def test_a_thread_of_the_background(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, capfd: Any) -> None:
    monkeypatch.setattr(threading, "excepthook", log_hook)
    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()
    (line,) = [one.getMessage() for one in caplog.records]
    assert_told(f"(id {line.split()[1].rstrip(':')})", caplog, capfd)


def test_any_other_request(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> None:
    async def broken(_: Request) -> Any:
        fail()

    answer = client(broken).get("/")
    assert answer.status_code == 500
    assert_told(answer.json()["detail"], caplog, capfd)


def test_an_answer_that_has_begun_breaks_off(caplog: pytest.LogCaptureFixture) -> None:
    sent: list[Any] = []

    async def broken(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"first", "more_body": True})
        fail()

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(LastResort(broken)({"type": "http"}, None, send))  # type: ignore[arg-type]
    # The server ends the connection of an answer without an end.
    assert [one.get("more_body") for one in sent] == [None, True]
    assert "unforeseen" in caplog.text and "DOE" not in caplog.text


def test_refusals_and_senders_who_go_are_not_unforeseen(caplog: pytest.LogCaptureFixture) -> None:
    async def refuses(_: Request) -> Any:
        raise HTTPException(418, "a teapot")

    async def gone(_: Request) -> Any:
        raise ClientDisconnect

    async def answers(_: Request) -> Any:
        return PlainTextResponse("fine")

    assert client(refuses).get("/").status_code == 418
    assert client(answers).get("/").text == "fine"
    with pytest.raises(AssertionError):
        client(gone).get("/")
    assert caplog.records == []


def test_of_a_librarys_words_the_log_has_the_origin_alone() -> None:
    def record(name: str) -> logging.LogRecord:
        return logging.LogRecord(name, logging.WARNING, "/site-packages/pydicom/values.py", 7, "name %s", (SECRET,), None)

    foreign, own = record("pydicom"), record("vqseg.app")
    assert OriginAlone().filter(foreign) and OriginAlone().filter(own)
    assert foreign.getMessage() == "warning of pydicom (values:7)"
    assert own.getMessage() == f"name {SECRET}"
