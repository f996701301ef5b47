"""The route by which files arrive, in place of Gradio's: every upload has a folder of its own, which is deleted if it fails."""

from __future__ import annotations

import math

from gradio.route_utils import upload_fn
from gradio.routes import file_upload_statuses
from starlette.formparsers import MultiPartException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from app.page.busy import BUSY
from app.scan.handed_out import OwnFolder, sent_folder
from app.visit.limits import TOO_MANY, UPLOADS, Limiter
from app.visit.parcels import MOST_BYTES
from app.visit.uploads import Uploads

# Besides the files a request has their names and its own boundaries.
_MOST_REQUEST_BYTES = MOST_BYTES + 2**24
TOO_LARGE = f"too much was sent at once; at most {MOST_BYTES >> 30} GiB are taken"
UPLOAD_PATH = "/gradio_api/upload"


def upload_route(uploads: Uploads, limiter: Limiter | None = None) -> Route:
    """The route, which comes before Gradio's own of the same address.

    Args:
        uploads: Is told of the files.
        limiter: Limits the requests of an address; by default as `UPLOADS` says.

    Returns:
        The route, for POST.
    """
    limiter = limiter or Limiter(UPLOADS)

    async def upload(request: Request) -> Response:
        if not limiter.allows(_address(request)):
            return PlainTextResponse(TOO_MANY, 429)
        if refused := _refused(request):
            return refused
        with uploads.room(int(request.headers["content-length"])) as fits:
            return await _stored(request, uploads) if fits else PlainTextResponse(BUSY, 503)

    return Route(UPLOAD_PATH, upload, methods=["POST"])


async def _stored(request: Request, uploads: Uploads) -> Response:
    """The paths of the files, as Gradio's route answers, or why there are none."""
    upload_id, most = request.query_params.get("upload_id"), request.app.get_blocks().max_file_size
    folder, paths = OwnFolder(sent_folder()), list[str]()
    try:
        progress = file_upload_statuses if upload_id else None
        paths, _, _ = await upload_fn(request, str(folder.path), most or math.inf, upload_id, upload_progress=progress)
    except MultiPartException as error:
        return PlainTextResponse(error.message, 413 if "maximum allowed size" in error.message else 400)
    finally:
        # Also if the sender has gone: what has arrived so far would stay.
        _keep(paths, folder)
    # Pages give their uploads a number, to ask for the progress. Other programs may send files well before they call.
    uploads.arrived(paths, folder, _address(request) if upload_id else None)
    return JSONResponse(paths)


def _address(request: Request) -> str:
    return request.client.host if request.client else ""


def _keep(paths: list[str], folder: OwnFolder) -> None:
    """Delete what lies in the folder of an upload besides its files."""
    if not paths:
        folder.delete()
        return
    # Gradio stores a file in a folder by its content, and writes it beside these until it is complete.
    for stray in folder.path.iterdir():
        if stray.is_file():
            stray.unlink()


def _refused(request: Request) -> Response | None:
    """The refusal of a request that is too large, or does not say how large it is, as browsers and Gradio's clients do."""
    length = request.headers.get("content-length", "")
    if not (length.isascii() and length.isdigit()):
        return PlainTextResponse("the request does not say how large it is", 411)
    return PlainTextResponse(TOO_LARGE, 413) if int(length) > _MOST_REQUEST_BYTES else None
