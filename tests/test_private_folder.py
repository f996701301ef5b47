"""The promise of the README: nothing of a visitor stays on the server's disk longer than the visit, however visit and server end."""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import pytest
from app_server import save_scan

from app.scan.handed_out import OwnFolder, out_folder, sent_folder
from app.visit.private_folder import HELD, LOCK, MARK, PREFIX, SERVED, private_folder, wipe

posix = pytest.mark.skipif(sys.platform == "win32", reason="folders of dead servers are told by their locks, which Windows has not")
ROOT = Path(__file__).parents[1]
SECONDS = 300
# Gradio makes the last one.
BEGINS_WITH = {LOCK, SERVED, HELD, "sent", "handed-out", "vibe_edit_history"}


@pytest.fixture(autouse=True)
def own_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What the folder changes for good."""
    for name in ("GRADIO_TEMP_DIR", "TMPDIR"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)


def folders(root: Path) -> list[Path]:
    return sorted(root.glob(PREFIX + "*"))


def dead(root: Path, name: str = "dead") -> Path:
    """What a killed server leaves."""
    place = root / (PREFIX + name)
    (place / SERVED).mkdir(parents=True)
    place.chmod(0o700)
    (place / LOCK).write_bytes(MARK)
    (place / SERVED / "DOE_JANE.nii.gz").write_bytes(b"voxels")
    return place


def test_files_lie_in_a_folder_that_is_closed_to_others_and_goes_at_the_end(tmp_path: Path) -> None:
    with private_folder() as place:
        assert place.parent == tmp_path and stat.S_IMODE(place.stat().st_mode) == 0o700
        assert os.environ["GRADIO_TEMP_DIR"] == str(place / SERVED)
        # Also of child processes.
        assert tempfile.gettempdir() == os.environ["TMPDIR"] == str(place / HELD)
        Path(tempfile.mkdtemp(), "scan").write_text("left behind")
    assert list(tmp_path.iterdir()) == []
    # Nor does anything that is still at work.
    for late in (tempfile.mkdtemp, lambda: OwnFolder(out_folder()), lambda: OwnFolder(sent_folder())):
        with pytest.raises(FileNotFoundError):
            late()
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_does_not_start_leaves_the_process_as_it_was(tmp_path: Path) -> None:
    def starts() -> None:
        with private_folder():
            raise ValueError("a wrong setting")

    with pytest.raises(ValueError, match="a wrong setting"):
        starts()
    assert os.environ["GRADIO_TEMP_DIR"] == os.environ["TMPDIR"] == tempfile.gettempdir() == str(tmp_path)
    assert list(tmp_path.iterdir()) == []


@posix
def test_what_a_dead_server_has_left_goes_when_the_next_one_starts(tmp_path: Path) -> None:
    dead(tmp_path)
    with private_folder(tmp_path) as place:
        assert folders(tmp_path) == [place]


@posix
def test_servers_beside_each_other_leave_each_other_alone(tmp_path: Path) -> None:
    with private_folder(tmp_path) as first:
        (first / HELD / "scan").write_text("of a visitor")
        with private_folder(tmp_path) as second:
            assert folders(tmp_path) == sorted([first, second])
        assert (first / HELD / "scan").exists()


def _no_mark(place: Path) -> None:
    (place / LOCK).write_bytes(b"somebody else's lock")


def _longer(place: Path) -> None:
    (place / LOCK).write_bytes(MARK + b"and more")


def _no_lock(place: Path) -> None:
    (place / LOCK).unlink()


def _open_to_others(place: Path) -> None:
    place.chmod(0o755)


def _linked_lock(place: Path) -> None:
    (place / LOCK).unlink()
    (place.parent / "mark").write_bytes(MARK)
    (place / LOCK).symlink_to(place.parent / "mark")


def _linked(place: Path) -> None:
    place.rename(place.with_name("elsewhere"))
    place.symlink_to(place.with_name("elsewhere"))


def _other_name(place: Path) -> None:
    place.rename(place.with_name("vqseg-work"))


@posix
@pytest.mark.parametrize("change", [_no_mark, _longer, _no_lock, _open_to_others, _linked_lock, _linked, _other_name])
def test_nothing_is_deleted_that_is_not_surely_ours(tmp_path: Path, change: Callable[[Path], None]) -> None:
    place = dead(tmp_path)
    change(place)
    assert wipe(tmp_path) == []
    assert list(tmp_path.rglob("DOE_JANE.nii.gz"))


@posix
def test_a_link_within_a_dead_folder_is_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "mine").write_text("not ours")
    (dead(tmp_path) / SERVED / "link").symlink_to(outside)
    assert len(wipe(tmp_path)) == 1 and folders(tmp_path) == []
    assert (outside / "mine").exists()


@contextmanager
def running(root: Path, checkpoint: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """app.py itself, in a process of its own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {**os.environ, "GRADIO_TEMP_DIR": str(root), "GRADIO_SERVER_PORT": str(port), "VQSEG_CHECKPOINT": str(checkpoint)}
    environment |= {"OMP_NUM_THREADS": "1", "GRADIO_SERVER_NAME": "127.0.0.1"}
    url = f"http://127.0.0.1:{port}"
    with (root.parent / "said.txt").open("ab") as said:
        process = subprocess.Popen([sys.executable, str(ROOT / "app.py")], env=environment, stdout=said, stderr=said, cwd=root.parent)
        try:
            until(lambda: _answers(url), process)
            yield url, process
        finally:
            process.kill()
            process.wait()


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/config").status_code == 200
    except httpx.TransportError:
        return False


def until(condition: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    """For conditions of a server that runs."""
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true"
        with suppress(subprocess.TimeoutExpired):
            raise AssertionError(f"the server has ended with {process.wait(0.05)}")


def files(root: Path) -> set[str]:
    """Names of all files and folders below a server's folder but those that it begins with."""
    return {path.name for place in folders(root) for path in place.rglob("*")} - BEGINS_WITH


def fetched(url: str, path: str) -> int:
    return httpx.get(f"{url}/gradio_api/file={path}").status_code


def upload(url: str, path: Path) -> str:
    with path.open("rb") as file:
        return str(httpx.post(f"{url}/gradio_api/upload", files={"files": file}).json()[0])


@contextmanager
def visiting(url: str) -> Iterator[Callable[..., str]]:
    """A visit, as a page's: it holds a heartbeat open. Yields a function that calls an endpoint and gives its first file's path."""
    session = secrets.token_hex(8)
    named = {one["api_name"]: one["id"] for one in httpx.get(f"{url}/config").json()["dependencies"]}

    def ask(name: str, scan: Path, *settings: object) -> str:
        sent = [{"path": upload(url, scan), "meta": {"_type": "gradio.FileData"}}, *settings]
        asked = {"data": sent, "fn_index": named[name], "session_hash": session}
        httpx.post(f"{url}/gradio_api/queue/join", json=asked).raise_for_status()
        with httpx.stream("GET", f"{url}/gradio_api/queue/data?session_hash={session}", timeout=SECONDS) as answer:
            told = (json.loads(line.removeprefix("data: ")) for line in answer.iter_lines() if line)
            output = next(one["output"] for one in told if one["msg"] == "process_completed")
        assert "data" in output, output
        return str(output["data"][0]["path"])

    with httpx.stream("GET", f"{url}/gradio_api/heartbeat/{session}", timeout=SECONDS) as heartbeat:
        # Held: without it the connection ends.
        beats = heartbeat.iter_lines()
        next(beats)
        yield ask


@posix
def test_nothing_outlives_the_visit_nor_the_server(tmp_path: Path, checkpoint: Path) -> None:
    root, scan = tmp_path / "temporary", save_scan(tmp_path / "DOE_JANE.nii.gz")
    root.mkdir()
    with running(root, checkpoint) as (url, process):
        with visiting(url) as ask:
            labels, waiting = ask("segment", scan), upload(url, scan)
            assert fetched(url, labels) == 200
            # Nobody reads what somebody has sent, not even its sender.
            assert fetched(url, waiting) == 404 and Path(waiting).exists()
        until(lambda: not Path(labels).exists(), process)
        assert fetched(url, labels) == 404
        with visiting(url) as ask:
            labels = ask("segment", scan)
            process.send_signal(signal.SIGKILL)
            process.wait()
    assert {"DOE_JANE.nii.gz", "DOE_JANE_labels.nii.gz"} <= files(root)
    with running(root, checkpoint) as (url, process):
        assert files(root) == set() and len(folders(root)) == 1
        assert fetched(url, labels) == fetched(url, waiting) == 404
        with visiting(url) as ask:
            ask("perturb", scan, "axial", 2, 0.4, "resample", 7)
            assert {"segmentation.png", "reconstruction.png"} <= files(root)
        until(lambda: files(root) == set(), process)
        upload(url, scan)
        process.send_signal(signal.SIGTERM)
        assert process.wait(SECONDS) == 0
        assert list(root.iterdir()) == []
    assert "DOE_JANE" not in (tmp_path / "said.txt").read_text()
