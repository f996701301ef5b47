"""Files of visitors on the server: whose they are, who may fetch or name them, and when they go. Rates, and what Gradio would keep."""

from __future__ import annotations

import json
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from app_server import Arrived, Server, fake_models, fake_served, save_scan, serving
from cines import beating, save_cine
from clocks import Clock
from starlette.applications import Starlette
from starlette.testclient import TestClient

from app.page.closed import is_closed
from app.page.uploading import UPLOAD_PATH, upload_route
from app.page.visits import Visits
from app.scan.handed_out import OwnFolder, out_folder, sent_folder
from app.visit.examples import Examples
from app.visit.handed_out import HandedOut
from app.visit.limits import ANSWERS, UNCLAIMED_SECONDS, UNFETCHED_SECONDS, Limiter, Rate, TooManyError
from app.visit.openings import CalledOffError, Openings
from app.visit.presence import Presence
from app.visit.session import SessionStore
from app.visit.uploads import Uploads
from vqseg.data.scan import ScanError


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """From where Gradio serves."""
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "served"))
    return tmp_path / "served"


def sent(*names: str) -> tuple[OwnFolder, list[Path]]:
    """Files as an upload stores them, each in a folder by its content."""
    own = OwnFolder(sent_folder())
    paths = [own.path / str(number) / name for number, name in enumerate(names)]
    for path in paths:
        path.parent.mkdir()
        path.write_bytes(b"\x1f\x8bnot gzip")
    return own, paths


# One server's uploads, without a server


@pytest.mark.usefixtures("folder")
def test_an_upload_is_read_once_and_goes_with_its_folders() -> None:
    uploads = Uploads()
    own, (first, second) = sent("a.nii.gz", "b.nii.gz")
    uploads.arrived([str(first), str(second)], own)
    with pytest.raises(ScanError, match=r"a\.nii\.gz"):
        uploads.read(first)
    assert not first.parent.exists() and second.exists()
    with pytest.raises(ScanError, match="were read already"):
        uploads.read(first)
    uploads.discard(str(second))
    assert not own.path.exists() and len(uploads) == 0


def test_a_file_that_is_no_upload_is_neither_read_nor_deleted_and_none_of_those_beside_it_stays(folder: Path, tmp_path: Path) -> None:
    uploads, labels = Uploads(), OwnFolder(out_folder()).path / "heart_labels.nii.gz"
    labels.parent.mkdir(parents=True, exist_ok=True)
    save_scan(labels)
    own, (mine,) = sent("mine.nii.gz")
    uploads.arrived([mine], own)
    for given in (str(labels), [mine, labels], [labels, folder / ".." / "served" / "x"]):
        with pytest.raises(ScanError, match="send them again"):
            uploads.read(given)
        uploads.discard(given)
    assert labels.exists() and not mine.exists()
    with pytest.raises(ScanError, match="no file was sent"):
        uploads.read(None)


@pytest.mark.usefixtures("folder")
def test_an_upload_that_nobody_asks_for_is_deleted_in_time(clock: Clock) -> None:
    uploads = Uploads(clock)
    (early, (first,)), (late, (second,)) = sent("a.nii.gz"), sent("b.nii.gz")
    uploads.arrived([first], early)
    clock.now += UNCLAIMED_SECONDS - 1
    uploads.arrived([second], late)
    uploads.sweep()
    assert first.exists()
    clock.now += 1
    uploads.sweep()
    assert not early.path.exists() and second.exists()
    uploads.close()
    assert not late.path.exists()


@pytest.mark.usefixtures("folder")
def test_what_a_page_has_sent_goes_when_nobody_of_its_address_is_here(clock: Clock) -> None:
    uploads, presence = Uploads(clock), Presence()
    sendings = {page: sent("a.nii.gz") for page in ("1.2.3.4", "5.6.7.8", None)}
    for page, (own, paths) in sendings.items():
        uploads.arrived(paths, own, page)
    for owner in ("me", "you"):
        presence.arrive(owner, "1.2.3.4")
    presence.leave("me", "1.2.3.4")
    assert presence.anybody_at("1.2.3.4")
    presence.leave("you", "1.2.3.4")
    assert not presence.anybody_at("1.2.3.4")
    uploads.forsake("1.2.3.4")
    assert [own.path.exists() for own, _ in sendings.values()] == [False, True, True]


@pytest.mark.usefixtures("folder")
def test_uploads_that_arrive_and_wait_have_a_limit_together() -> None:
    uploads = Uploads()
    own, (path,) = sent("a.nii.gz")
    size = path.stat().st_size
    with uploads.room(60, 100) as first, uploads.room(60, 100) as second, uploads.room(40, 100) as third:
        assert (first, second, third) == (True, False, True)
    uploads.arrived([path], own)
    for most, expected in ((100 + size, True), (99 + size, False)):
        with uploads.room(100, most) as fits:
            assert fits is expected
    uploads.discard(path)
    with uploads.room(100, 100) as fits:
        assert fits


# What is handed out


@pytest.mark.usefixtures("folder")
def test_what_is_handed_out_goes_with_its_visit_or_in_time_and_comes_too_late_after_it(clock: Clock) -> None:
    presence = Presence()
    handed_out = HandedOut(presence, clock)
    presence.arrive("mine")
    mine, theirs, nobodys = (handed_out.folder(owner) for owner in ("mine", "theirs", ""))
    assert presence.leave("mine")
    handed_out.release("mine")
    assert not mine.exists() and theirs.exists() and nobodys.exists()
    with pytest.raises(CalledOffError):
        handed_out.folder("mine")
    handed_out.release("")
    assert nobodys.exists()
    # A connection that broke down is taken up again.
    presence.arrive("mine")
    clock.now += UNFETCHED_SECONDS
    again = handed_out.folder("mine")
    handed_out.sweep()
    assert again.exists() and not theirs.exists() and not nobodys.exists()
    handed_out.close()
    assert not again.exists() and len(handed_out) == 0


def test_a_visit_lasts_as_long_as_one_of_its_heartbeats() -> None:
    presence = Presence()
    assert not presence.has_left("me")
    presence.arrive("me")
    presence.arrive("me")
    assert not presence.leave("me") and not presence.has_left("me")
    assert presence.leave("me") and presence.has_left("me") and len(presence) == 0


@pytest.mark.usefixtures("folder")
def test_a_scan_that_opens_after_its_visitor_has_left_is_not_kept(tmp_path: Path) -> None:
    store, presence = SessionStore(2**26), Presence()
    visits = Visits(fake_models(fake_served()), store, Arrived(), Examples([]), Openings(), presence)
    presence.arrive("me")
    visits.upload(save_scan(tmp_path / "a.nii.gz"), "fake", None, "me")
    assert len(store) == 1
    presence.leave("me")
    visits.end("me")
    with pytest.raises(CalledOffError):
        visits.upload(save_scan(tmp_path / "b.nii.gz"), "fake", None, "me")
    assert len(store) == 0


@pytest.mark.usefixtures("folder")
def test_no_file_of_a_visit_is_left_when_it_has_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    held = tmp_path / "held"
    held.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(held))
    visits = Visits(fake_models(fake_served()), SessionStore(2**28), Arrived(), Examples([]), Openings())
    found = visits.upload(save_cine(tmp_path / "cine.nii.gz", beating()), "fake", None, "me")
    labels = found.scan.label_file()
    for thread in threading.enumerate():
        if thread.name == "cine":
            thread.join(60)
    # Another checkpoint would read all frames again.
    assert labels.exists() and list(held.iterdir())
    visits.end("me")
    assert not labels.exists() and list(held.iterdir()) == []


# Rates


def test_a_bucket_is_emptied_by_a_flood_and_fills_up_again(clock: Clock) -> None:
    limiter = Limiter(Rate(3, 0.5), clock)
    assert [limiter.allows("a") for _ in range(5)] == [True] * 3 + [False] * 2
    assert limiter.allows("b")
    clock.now += 1.9
    assert not limiter.allows("a")
    clock.now += 0.1
    assert limiter.allows("a")
    with pytest.raises(TooManyError, match="wait a few seconds"):
        limiter.check("a")
    # Never fuller than full.
    clock.now += 3600
    assert [limiter.allows("a") for _ in range(4)] == [True] * 3 + [False]


def test_somebody_who_drags_a_slider_for_minutes_with_frames_ahead_never_waits(clock: Clock) -> None:
    limiter = Limiter(ANSWERS, clock)
    for _ in range(180):
        # A second: thirty positions on show, and thirty frames ahead of them.
        assert all(limiter.allows("me") for _ in range(60))
        clock.now += 1
    assert not all(limiter.allows("me") for _ in range(2 * ANSWERS.burst))


def test_a_visit_that_opens_scans_without_end_is_told_to_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clock: Clock) -> None:
    example = save_scan(tmp_path / "phantom_a.nii.gz")
    visits = Visits(fake_models(fake_served()), SessionStore(2**26), Arrived(), Examples([example]), Openings())
    monkeypatch.setattr(visits, "_limiter", Limiter(Rate(2, 1), clock))
    for _ in range(2):
        assert visits.example("Phantom a", "fake", None, "me")
    with pytest.raises(TooManyError):
        visits.example("Phantom a", "fake", None, "me")
    assert visits.example("Phantom a", "fake", None, "somebody else")


@pytest.mark.parametrize(("length", "status"), [("99999999999", 413), ("", 411), ("²", 411)])
def test_an_upload_that_is_too_large_or_one_of_too_many_is_refused_unread(clock: Clock, length: str, status: int) -> None:
    client = TestClient(Starlette(routes=[upload_route(Uploads(), Limiter(Rate(1, 1), clock))]))

    def body() -> Iterator[bytes]:
        yield b""

    headers = [(b"content-length", length.encode("latin-1"))] if length else []
    assert client.post(UPLOAD_PATH, content=body(), headers=headers).status_code == status
    assert client.post(UPLOAD_PATH, content=b"").status_code == 429


# The server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("cache"), []) as running:
        yield running


def upload(server: Server, path: Path, field: str = "files") -> list[str]:
    with path.open("rb") as file:
        return list(httpx.post(f"{server.url}/gradio_api/upload", files={field: (path.name, file)}).json())


def call(server: Server, name: str, path: str, *settings: object) -> str:
    """What an endpoint answers to a program without a visit, as its event tells it."""
    asked = {"data": [{"path": path, "meta": {"_type": "gradio.FileData"}}, *settings]}
    event = httpx.post(f"{server.url}/gradio_api/call/{name}", json=asked).json()["event_id"]
    return httpx.get(f"{server.url}/gradio_api/call/{name}/{event}", timeout=60).text


def labels_of(server: Server, scan: Path) -> str:
    answer = call(server, "segment", *upload(server, scan), None, "", None)
    assert answer.startswith("event: complete"), answer
    return str(json.loads(answer.split("data: ", 1)[1])[0]["path"])


def fetched(server: Server, path: str) -> int:
    return httpx.get(f"{server.url}/gradio_api/file={path}").status_code


def test_the_same_file_twice_is_two_uploads_that_nobody_may_fetch(server: Server, tmp_path: Path) -> None:
    scan = save_scan(tmp_path / "same.nii.gz")
    (first,), (second,) = upload(server, scan), upload(server, scan)
    assert first != second and Path(first).read_bytes() == Path(second).read_bytes() == scan.read_bytes()
    assert fetched(server, first) == fetched(server, second) == 404
    assert "complete" in call(server, "segment", first, None, "", None)
    assert Path(second).exists()
    assert "complete" in call(server, "segment", second, None, "", None)
    assert not list(server.cache.rglob("same.nii.gz"))


def test_a_page_that_sends_a_file_and_goes_leaves_nothing(server: Server, tmp_path: Path) -> None:
    scan = save_scan(tmp_path / "gone.nii.gz")
    with httpx.stream("GET", f"{server.url}/gradio_api/heartbeat/gone") as heartbeat, scan.open("rb") as file:
        beats = heartbeat.iter_lines()
        next(beats)
        (path,) = httpx.post(f"{server.url}/gradio_api/upload?upload_id=x", files={"files": file}).json()
        assert Path(path).exists()
    # Whoever comes next is answered after the end of that visit.
    deadline = time.monotonic() + 60
    while Path(path).exists() and time.monotonic() < deadline:
        httpx.get(f"{server.url}/config")
    assert not Path(path).exists() and not list(server.cache.rglob("gone.nii.gz"))


def test_no_endpoint_takes_or_deletes_a_file_that_is_no_upload(server: Server, tmp_path: Path) -> None:
    labels = labels_of(server, save_scan(tmp_path / "heart.nii.gz"))
    assert fetched(server, labels) == 200
    beside = server.cache / "beside.nii.gz"
    save_scan(beside)
    settings: dict[str, tuple[Any, ...]] = {
        "segment": (None, "", None),
        "perturb": ("axial", 2, 0.4, "resample", 7),
        "tokens": (2, 0.4, "resample", 7),
        "curve": (2, "resample", 7),
    }
    for name, given in settings.items():
        for path in (labels, str(beside), "/etc/hostname", "http://127.0.0.1:9/scan.nii.gz", f"{labels}/../heart_labels.nii.gz"):
            answer = call(server, name, path, *given)
            assert "event: error" in answer and "send them again" in answer, (name, path, answer)
    assert Path(labels).exists() and beside.exists() and fetched(server, labels) == 200


def test_a_call_that_fails_keeps_nothing_and_no_empty_file_is_left(server: Server, tmp_path: Path) -> None:
    scan = save_scan(tmp_path / "wrong.nii.gz")
    for settings in ((None, "", -1), (None, ".png", None), ("no number", "", None), (7, "", None)):
        assert "event: error" in call(server, "segment", *upload(server, scan), *settings)
    labels_of(server, scan)
    assert not [path for path in server.cache.rglob("*") if path.is_file() and path.stat().st_size == 0]
    assert not list(server.cache.rglob("wrong.nii.gz")) and not list((server.cache / "sent").iterdir())


def test_what_is_no_file_of_an_upload_is_not_stored(server: Server, tmp_path: Path) -> None:
    assert upload(server, save_scan(tmp_path / "stray.nii.gz"), field="others") == []
    # A sender who goes before all has arrived.
    host, _, port = server.url.removeprefix("http://").partition(":")
    head = b"POST /gradio_api/upload HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100000\r\n"
    head += b"Content-Type: multipart/form-data; boundary=x\r\n\r\n"
    part = b'--x\r\nContent-Disposition: form-data; name="files"; filename="half.nii.gz"\r\n\r\n' + bytes(5000)
    with socket.create_connection((host, int(port)), timeout=20) as line:
        line.sendall(head + part)
        line.shutdown(socket.SHUT_WR)
        line.recv(1000)
    # The next upload comes after it.
    (path,) = upload(server, save_scan(tmp_path / "last.nii.gz"))
    assert [one for one in (server.cache / "sent").rglob("*") if one.is_file()] == [Path(path)]
    assert "complete" in call(server, "segment", path, None, "", None)


@pytest.mark.parametrize("root", ["", "/tool"])
def test_what_gradio_would_keep_or_fetch_is_closed(root: str) -> None:
    for path in (
        "/gradio_api/deep_link",
        "/gradio_api/process_recording",
        "/gradio_api/vibe-edit/",
        "/gradio_api/stream/event",
        "/gradio_api/dev/reload",
        "/gradio_api/run-history/records",
        "/gradio_api/proxy=https://example.org",
        "/gradio_api/file=https://example.org/x",
        "/gradio_api/file=/etc/passwd",
        "/gradio_api/file/etc/passwd",
        f"/gradio_api/file={out_folder()}/../x",
        "/gradio_api/file=\0",
        "/monitoring/summary",
    ):
        assert is_closed(root + path), path
    for path in ("/", "/config", "/gradio_api/upload", "/gradio_api/queue/join", "/gradio_api/heartbeat/abc", "/vqseg/abc/web/store.js"):
        assert not is_closed(root + path), path


def test_of_a_server_only_what_it_hands_out_can_be_fetched(server: Server, tmp_path: Path) -> None:
    labels = labels_of(server, save_scan(tmp_path / "heart.nii.gz"))
    assert fetched(server, labels) == fetched(server, labels.replace("/", "%2F")) == 200
    for path in (str(server.cache), str(server.cache / "handed-out"), str(Path(__file__)), f"{labels}/../../../beside.nii.gz"):
        assert fetched(server, path) == 404, path
    assert httpx.get(f"{server.url}/gradio_api/deep_link?session_hash=x").status_code == 404
