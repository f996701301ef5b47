"""Projections of codebooks. A checkpoint's own are there at once. Others are computed in the background.

A projection belongs to a codebook, never to a visitor: all visitors share it.
"""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np

from app.scan.frame_request import RequestError
from app.scan.lru import Lru
from app.scan.open_scan import OpenScan
from app.scan.render import packed
from vqseg.codebook import METHODS, METRICS, kept_layout, layout
from vqseg.types import Array

logger = logging.getLogger(__name__)

_ROOT = Path(__file__).resolve().parents[3]
# One projection is computed at a time. More than these may not wait.
_MOST_JOBS = 8
_KEPT = 16
_FAILED = "this projection could not be computed; the server's log says why"
_LIMITS: dict[str, tuple[type, float, float]] = {"n_neighbors": (int, 2, 200), "min_dist": (float, 0.0, 1.0), "seed": (int, 0, 2**31 - 1)}


class Layouts:
    """The projections that are being computed, and the latest results."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, "layout")
        self._jobs: dict[str, Job] = {}
        self._done: Lru[str, Array] = Lru(_KEPT)
        self._lock = Lock()

    def layout(self, scan: OpenScan, request: dict[str, Any]) -> dict[str, Any]:
        """A projection, or its progress.

        Args:
            scan: The scan on show.
            request: "method"; "dimensions", 2 or 3; "parameters", None for the checkpoint's own projection. With "cancel" the visitor
                no longer waits for it.

        Returns:
            "points": packed (K, dimensions) float32. Until it is computed: "share", None if it is unknown; "seconds" since it began;
            "waiting", whether another one is computed first. {"cancelled": True} after "cancel".

        Raises:
            RequestError: If the request is wrong, if the projection has failed, or if too many are waiting.
        """
        settings = checked_settings(request)
        brought = _brought(scan, settings) if request.get("parameters") is None else None
        if brought is not None:
            return {"points": packed(brought)}
        key = json.dumps([scan.model.statistics.key if scan.model.statistics else scan.model.name, settings], sort_keys=True)
        who = str(request.get("token"))
        if request.get("cancel"):
            return self._cancel(key, who)
        places = self._known(key, scan, settings)
        return {"points": packed(places)} if places is not None else self._ask_after(key, who, scan, settings)

    def _known(self, key: str, scan: OpenScan, settings: dict[str, Any]) -> Array | None:
        with self._lock:
            done = self._done.get(key)
            if done is not None:
                return done
            if key in self._jobs:
                return None
        if settings["method"] == "pca":
            return layout(scan.segmented.codewords, **settings)
        return kept_layout(scan.segmented.codewords, **settings)

    def _ask_after(self, key: str, who: str, scan: OpenScan, settings: dict[str, Any]) -> dict[str, Any]:
        with self._lock:
            job = self._jobs.get(key)
            if job is None:
                if len(self._jobs) >= _MOST_JOBS:
                    # Whoever asked for those that failed may have left.
                    self._jobs = {name: one for name, one in self._jobs.items() if one.error is None}
                if len(self._jobs) >= _MOST_JOBS:
                    raise RequestError("this server is computing several projections; try again in a minute")
                job = self._jobs[key] = Job(scan.segmented.codewords, settings)
                self._pool.submit(self._run, key, job)
            job.visitors.add(who)
            if job.error is not None:
                del self._jobs[key]
                raise RequestError(job.error)
            return {"share": job.share, "seconds": job.seconds, "waiting": job.started is None}

    def _run(self, key: str, job: Job) -> None:
        places = job.run()
        with self._lock:
            if places is not None:
                self._done.put(key, places)
            # A failed job stays until a visitor has got its message.
            if job.error is None and self._jobs.get(key) is job:
                del self._jobs[key]

    def _cancel(self, key: str, who: str) -> dict[str, Any]:
        with self._lock:
            job = self._jobs.get(key)
            if job is not None:
                job.visitors.discard(who)
                # Another visitor may still wait for it.
                if not job.visitors:
                    job.cancel()
                    del self._jobs[key]
        return {"cancelled": True}


class Job:
    """One projection, computed in a process of its own.

    Attributes:
        started: When it began, None while it waits.
        share: How much is done, None while that is unknown.
        error: A message if it has failed.
        visitors: Tokens of those who wait for it.
    """

    def __init__(self, codewords: Array, settings: dict[str, Any]) -> None:
        """Begin to wait.

        Args:
            codewords: (K, D) float32.
            settings: Keyword arguments of vqseg.codebook.layout.
        """
        self._codewords, self._settings = codewords, settings
        self._asked = time.monotonic()
        self.started: float | None = None
        self.share: float | None = None
        self.error: str | None = None
        self.visitors: set[str] = set()
        self._cancelled = False
        self._process: subprocess.Popen[str] | None = None
        self._lock = Lock()

    @property
    def seconds(self) -> float:
        """Since it began; while it waits, since it was requested."""
        return time.monotonic() - (self._asked if self.started is None else self.started)

    def run(self) -> Array | None:
        """The layout (K, dimensions). None if it was cancelled or has failed."""
        try:
            return self._run()
        except Exception:
            # Else its visitors would ask for its progress for ever. The details name paths of this machine: they go to the log.
            logger.exception("a projection failed")
            self.error = _FAILED
            return None

    def _run(self) -> Array | None:
        with tempfile.TemporaryDirectory(prefix="vqseg-layout-") as name:
            folder = Path(name)
            np.save(folder / "codewords.npy", self._codewords)
            (folder / "settings.json").write_text(json.dumps(self._settings), encoding="utf-8")
            with self._lock:
                if self._cancelled:
                    return None
                command = [sys.executable, "-m", "app.tabs.codebook.layout_worker", name]
                self.started = time.monotonic()
                # Warnings go to a file. A pipe that nobody reads would fill up and block the process.
                with (folder / "said.txt").open("w") as said:
                    self._process = subprocess.Popen(
                        command, cwd=_ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=said, text=True
                    )
            for line in self._process.stdout or ():
                self.share = float(line)
            self._process.wait()
            if (folder / "places.npy").exists():
                return np.load(folder / "places.npy", allow_pickle=False)
            if not self._cancelled:
                logger.warning("a projection failed: %s", (folder / "said.txt").read_text(encoding="utf-8", errors="replace").strip())
                self.error = _FAILED
            return None

    def cancel(self) -> None:
        """End the process, or never start it."""
        with self._lock:
            self._cancelled = True
            if self._process is not None:
                self._process.kill()


def checked_settings(request: Mapping[str, Any]) -> dict[str, Any]:
    """The keyword arguments of vqseg.codebook.layout that a request names. Raises RequestError for wrong ones."""
    method, dimensions, parameters = request.get("method"), request.get("dimensions"), request.get("parameters") or {}
    if method not in METHODS:
        raise RequestError(f"method must be one of {', '.join(METHODS)}, got {method!r}")
    if dimensions not in (2, 3) or isinstance(dimensions, bool):
        raise RequestError(f"dimensions must be 2 or 3, got {dimensions!r}")
    if not isinstance(parameters, Mapping):
        raise RequestError("parameters must be an object")
    settings: dict[str, Any] = {"method": method, "dimensions": dimensions}
    for name, (kind, low, high) in _LIMITS.items():
        value = parameters.get(name)
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high or kind(value) != value:
            raise RequestError(f"{name} must be a {'whole ' if kind is int else ''}number from {low:g} to {high:g}, got {value!r}")
        settings[name] = kind(value)
    metric = parameters.get("metric")
    if metric is not None:
        if metric not in METRICS:
            raise RequestError(f"metric must be one of {', '.join(METRICS)}, got {metric!r}")
        settings["metric"] = metric
    return settings


def _brought(scan: OpenScan, settings: dict[str, Any]) -> Array | None:
    """The layout in the checkpoint's own statistics, None if there is none."""
    statistics = scan.model.statistics
    if statistics is None:
        return None
    name = {("umap", 2): "projection", ("umap", 3): "projection3", ("tsne", 2): "tsne"}.get((settings["method"], settings["dimensions"]))
    places = getattr(statistics, name, None) if name else None
    return None if places is None else np.asarray(places, dtype=np.float32)
