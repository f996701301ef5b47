"""The app behind a reverse proxy, below a path: page, scripts, uploads, server functions, downloads, and who may ask."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import nibabel as nib
import numpy as np
import pytest
from app_browser import slide, visit, wait_painted, wait_until
from app_server import Server, save_scan, serving
from fake_segmenter import FakeSegmentedScan
from gradio_client import Client, handle_file
from proxy import proxying

from vqseg.data.scan import read_scan

# Browsers know that every name below localhost is this machine.
NAME, PREFIX = "lab.localhost", "/tool"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The app as its visitors reach it; `url` is the proxy's."""
    folder, behind = tmp_path_factory.mktemp("proxied"), list[str]()
    example = save_scan(folder / "phantom_proxied.nii.gz")
    with pytest.MonkeyPatch.context() as patch, proxying(PREFIX, behind) as port:
        patch.setenv("GRADIO_ROOT_PATH", PREFIX)
        patch.setenv("VQSEG_ALLOWED_HOSTS", NAME)
        with serving(folder / "cache", [example]) as running:
            behind.append(running.url)
            yield Server(f"http://{NAME}:{port}{PREFIX}/", running.store, running.cache)


def test_a_page_opens_asks_uploads_and_saves_below_the_path(server: Server, browser: Any, tmp_path: Path) -> None:
    scan = save_scan(tmp_path / "mine.nii.gz", seed=3)
    broken: list[str] = []
    with visit(browser, server) as page:
        page.on("response", lambda answer: broken.append(f"{answer.status} {answer.url}") if answer.status >= 400 else None)
        slide(page, "strength", 0.5)
        wait_painted(page, "axial 3 0.5 resample 0")
        page.locator("#upload input[type=file]").set_input_files(scan)
        page.get_by_role("heading", name="mine.nii.gz").wait_for()
        wait_painted(page, "axial 3 0 resample 0")
        with page.expect_download() as downloading:
            page.get_by_text("Save labels as NIfTI").click()
        saved = nib.load(downloading.value.path().rename(tmp_path / "labels.nii.gz"))
        np.testing.assert_array_equal(np.asarray(saved.dataobj), FakeSegmentedScan(read_scan(scan)).labels)
        page.get_by_role("tab", name="Volume").click()
        page.locator("#volume canvas").first.wait_for()
        asked = {urlsplit(address) for address in page.requests if address.startswith("http")}
        assert len(asked) > 20
        assert [one.geturl() for one in asked if one.hostname != NAME or not one.path.startswith(f"{PREFIX}/")] == []
        assert list(server.cache.rglob("mine_labels.nii.gz"))
        held = len(server.store)
    # The proxy tells of the end of the page's heartbeat.
    with visit(browser, server) as other:
        wait_until(other, lambda: not list(server.cache.rglob("mine_labels.nii.gz")))
        assert len(server.store) <= held
    assert broken == []


def test_a_program_calls_below_the_path(server: Server, tmp_path: Path) -> None:
    scan = save_scan(tmp_path / "heart.nii.gz")
    # Programs do not resolve names below localhost everywhere.
    client = Client(server.url.replace(NAME, "localhost"), verbose=False, download_files=str(tmp_path / "answers"))
    labels, _ = client.predict(handle_file(scan), api_name="/segment")
    np.testing.assert_array_equal(np.asarray(nib.load(labels).dataobj), FakeSegmentedScan(read_scan(scan)).labels)
    client.close()


@pytest.mark.parametrize(
    ("method", "headers", "status"),
    [
        ("GET", {"host": NAME}, 200),
        ("GET", {"host": "evil.example"}, 403),
        ("POST", {"host": NAME, "origin": f"http://{NAME}"}, 422),
        ("POST", {"host": NAME, "origin": "https://evil.example"}, 403),
        ("POST", {"host": "evil.example", "origin": "https://evil.example"}, 403),
        ("POST", {"host": NAME, "origin": "null"}, 403),
    ],
)
def test_hosts_and_origins_are_checked_by_the_name_that_the_proxy_was_asked_by(
    server: Server, method: str, headers: dict[str, str], status: int
) -> None:
    address = server.url.replace(NAME, "127.0.0.1")
    path = "config" if method == "GET" else "gradio_api/queue/join"
    assert httpx.request(method, address + path, headers=headers, json={} if method == "POST" else None).status_code == status
