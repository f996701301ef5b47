"""How answers travel: what is compressed, and what a browser may keep."""

from __future__ import annotations

import gzip
from pathlib import Path

import gradio as gr
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from app.page.sending import Compressing, Keeping
from app.web.plotly import plotly_parts, plotly_path, plotly_routes

TEXT = "a slice, tokens, codes. " * 200
FOR_EVER, FOR_A_DAY = "public, max-age=31536000, immutable", "public, max-age=86400"


async def answer(request: Request) -> Response:
    if "told" in request.query_params:
        return StreamingResponse(iter(["data: 1\n\n", "data: 2\n\n"]), media_type="text/event-stream")
    missing = "missing" in request.query_params
    return PlainTextResponse(TEXT, 404 if missing else 200, headers={} if missing else {"Cache-Control": "no-store"})


@pytest.fixture(scope="module")
def client() -> TestClient:
    return TestClient(Starlette(routes=[Route("/{path:path}", answer)], middleware=[Middleware(Keeping), Middleware(Compressing)]))


@pytest.mark.parametrize("path", ["/", "/config", "/tool/gradio_api/call/segment"])
def test_pages_and_answers_are_compressed_for_whoever_can_read_it(client: TestClient, path: str) -> None:
    with client.stream("GET", path, headers={"Accept-Encoding": "gzip"}) as sent:
        assert sent.headers["content-encoding"] == "gzip"
        packed = b"".join(sent.iter_raw())
    assert len(packed) < len(TEXT) / 10
    assert gzip.decompress(packed).decode() == TEXT
    plain = client.get(path, headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.text == TEXT


def test_files_are_left_to_gradio_and_what_is_told_bit_by_bit_is_not_held_back(client: TestClient) -> None:
    assert "content-encoding" not in client.get("/a/b/labels.nii.gz").headers
    # Pictures are packed already.
    assert "content-encoding" not in client.get("/gradio_api/component_server/").headers
    assert "content-encoding" not in client.get("/queue/data?told=1").headers


@pytest.mark.parametrize(
    ("path", "kept"),
    [
        ("/assets/index-DphvyggB.js", FOR_EVER),
        ("/tool/assets/Index-DAx5Uzyn2.js", FOR_EVER),
        ("/theme.css?v=5ceea91e54", FOR_EVER),
        ("/theme.css", "no-store"),
        ("/static/fonts/ui.woff2", FOR_A_DAY),
        ("/assets/index.js", "no-store"),
        ("/", "no-store"),
        ("/gradio_api/file=labels.nii.gz", "no-store"),
    ],
)
def test_only_what_never_changes_under_its_address_is_kept(client: TestClient, path: str, kept: str) -> None:
    assert client.get(path).headers["cache-control"] == kept
    joined = "&" if "?" in path else "?"
    assert "cache-control" not in client.get(f"{path}{joined}missing=1").headers


def test_the_names_of_gradio_s_scripts_have_hashes() -> None:
    served = Starlette(routes=[Route("/{path:path}", answer)], middleware=[Middleware(Keeping)])
    names = [path.name for path in (Path(gr.__file__).parent / "templates" / "frontend" / "assets").glob("index-*.js")]
    assert names
    assert all(TestClient(served).get(f"/assets/{name}").headers["cache-control"] == FOR_EVER for name in names[:20])


def test_every_part_of_plotly_is_served_as_it_is_and_kept_for_good() -> None:
    client = TestClient(Starlette(routes=plotly_routes()))
    assert {"core.js", "heatmap.js", "scattergl.js", "scatter3d.js"} <= plotly_parts().keys()
    for name, path in plotly_parts().items():
        sent = client.get(f"/{plotly_path()}/{name}")
        assert sent.content == path.read_bytes()
        assert sent.headers["content-type"].startswith("text/javascript")
        assert sent.headers["cache-control"] == FOR_EVER
    for address in (f"/{plotly_path()}/none.js", f"/{plotly_path()}/README.md", "/vqseg-plotly/000000000000/core.js"):
        assert client.get(address).status_code == 404
