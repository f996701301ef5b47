"""One visitor, who asks the app as a page and as a program do, through Gradio's own routes."""

from __future__ import annotations

import asyncio
import gzip
import json
import random
import secrets
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx

from crowd.tally import RefusedError, Tally

EPSILONS = (0.0, 0.2, 0.4, 0.6, 0.8)
EXAMPLES = 3
API = "/gradio_api"
# What differs from call to call, and says nothing of the scan.
VOLATILE = ("token", "identity", "milliseconds")


class Page:
    """What the app's own description says of its controls and events."""

    def __init__(self, config: dict[str, Any]) -> None:
        self._components, self._events = {part["id"]: part for part in config["components"]}, config["dependencies"]
        self.checkpoint = self.control("checkpoint")["props"]["value"]
        cases = self.control("case")["props"]["props"]["cases"]
        self.titles = [file["title"] for case in cases for file in case["files"]][:EXAMPLES]
        self.viewer, self.learn = self.control("viewer")["id"], self.control("learn")["id"]
        self.segment = next(event["id"] for event in self._events if event["api_name"] == "segment")
        self.example, self.upload = self._event("case", "input"), self._event("upload", "upload")

    def control(self, name: str) -> dict[str, Any]:
        """The component with this elem_id."""
        return next(part for part in self._components.values() if part["props"].get("elem_id") == name)

    def _event(self, name: str, kind: str) -> int:
        """The number of the event of a control."""
        return next(event["id"] for event in self._events if [self.control(name)["id"], kind] in event["targets"])


class Visitor:
    """One visit, from its first request until its page is closed."""

    def __init__(self, client: httpx.AsyncClient, page: Page, tally: Tally, rng: random.Random, pause: float) -> None:
        """Begin.

        Args:
            client: Its connections.
            page: The app's page.
            tally: Takes what comes of the requests.
            rng: Chooses.
            pause: Mean seconds between two requests.
        """
        self._client, self._page, self._tally, self._rng, self._pause = client, page, tally, rng, pause
        self._session = secrets.token_hex(8)

    async def stay(self, stop: asyncio.Event) -> None:
        """Keep the visit alive, as a page does. The app ends it when this connection is closed."""
        async with self._client.stream("GET", f"{API}/heartbeat/{self._session}", timeout=None):
            await stop.wait()

    async def everything(self, scan: Path) -> None:
        """Ask all that may be asked, once."""
        for title in self._page.titles:
            await self.open_example(title, EPSILONS)
        await self.open_own(scan, EPSILONS)
        await self.segment(scan)

    async def until(self, deadline: float, scan: Path) -> None:
        """Ask everything in another order, again and again, until the time is over; at least once."""
        while True:
            for kind in self._rng.sample(("example", "own", "segment"), 3):
                if kind == "example":
                    await self.open_example(self._rng.choice(self._page.titles), self._rng.sample(EPSILONS, 3))
                elif kind == "own":
                    await self.open_own(scan, self._rng.sample(EPSILONS, 3))
                else:
                    await self.segment(scan)
            if time.monotonic() >= deadline:
                return

    async def open_example(self, title: str, epsilons: Sequence[float]) -> None:
        """Open an example and move epsilon."""
        shown: dict[str, Any] = {}
        async with self._tally.timed("example"):
            shown = await self._opened(self._page.example, [title, self._page.checkpoint, self._ticket()])
        await self._look(title, shown, epsilons)

    async def open_own(self, scan: Path, epsilons: Sequence[float]) -> None:
        """Upload a scan, open it and move epsilon."""
        shown: dict[str, Any] = {}
        async with self._tally.timed("upload"):
            sent = await self._send(scan)
            shown = await self._opened(self._page.upload, [[sent], self._page.checkpoint, self._ticket()])
        await self._look(scan.name, shown, epsilons)

    async def segment(self, scan: Path) -> None:
        """Send a scan to /segment, as programs do."""
        async with self._tally.timed("segment"):
            labels, summary = await self._call(self._page.segment, [await self._send(scan), None, "", None])
            answer = await self._client.get(labels["url"])
            answer.raise_for_status()
            self._tally.compare(("labels", scan.name), gzip.decompress(answer.content))
            self._tally.compare(("summary", scan.name), _lasting(summary))
        await self._rest()

    async def _look(self, name: str, shown: dict[str, Any], epsilons: Sequence[float]) -> None:
        if not shown:
            return
        self._tally.compare(("scan", name), _lasting(shown))
        for epsilon in epsilons:
            async with self._tally.timed("epsilon"):
                answer = await self.frame(shown, epsilon, with_image=True)
                self._tally.compare(("frame", name, epsilon), _lasting(answer))
            await self._rest()

    async def shown(self, scan: Path | None) -> dict[str, Any]:
        """Open a scan of one's own, or the first example."""
        if scan is None:
            return await self._opened(self._page.example, [self._page.titles[0], self._page.checkpoint, self._ticket()])
        return await self._opened(self._page.upload, [[await self._send(scan)], self._page.checkpoint, self._ticket()])

    async def frame(self, shown: dict[str, Any], epsilon: float, *, with_image: bool = False) -> dict[str, Any]:
        """The answer for the middle slice, as the page asks for it. Raises RuntimeError with the server's message."""
        plane, told = next((plane, told) for plane, told in shown["planes"].items() if told["acquired"])
        asked = {"plane": plane, "index": told["count"] // 2, "strength": epsilon, "mode": "resample", "seed": 0, "with_image": with_image}
        asked |= {"token": shown["token"], "for": "shown", "reach": shown["reach"]["opening"]}
        return await self._served("frame", self._page.viewer, asked)

    async def step(self, shown: dict[str, Any], name: str) -> dict[str, Any]:
        """The numbers and pictures of a step of the lesson, for the middle slice. Raises RuntimeError as `frame` does."""
        plane, told = next((plane, told) for plane, told in shown["planes"].items() if told["acquired"])
        asked = {"plane": plane, "index": told["count"] // 2, "strength": 0, "mode": "resample", "seed": 0}
        return await self._served("lesson", self._page.learn, {**asked, "token": shown["token"], "step": name, "cell": None})

    async def in_class(self, do: str, **values: Any) -> dict[str, Any]:
        """What the server answers about a class. Raises RuntimeError with its message."""
        return _right((await self._client.post("/vqseg/room", json={"do": do, **values})).json())

    async def _served(self, function: str, component: int, asked: dict[str, Any]) -> dict[str, Any]:
        request = {"data": asked, "fn_name": function, "component_id": component}
        response = await self._client.post(f"{API}/component_server", json={**request, "session_hash": self._session})
        return _right(response.raise_for_status().json())

    async def _opened(self, event: int, inputs: list[Any]) -> dict[str, Any]:
        value = (await self._call(event, inputs))[0]
        shown: dict[str, Any] = value.get("value", value) if value.get("__type__") == "update" else value
        if "token" not in shown:
            raise RuntimeError("nothing was opened")
        return shown

    async def _send(self, scan: Path) -> dict[str, Any]:
        response = await self._client.post(f"{API}/upload", files={"files": (scan.name, scan.read_bytes())})
        path = response.raise_for_status().json()[0]
        return {"path": path, "orig_name": scan.name, "size": scan.stat().st_size, "meta": {"_type": "gradio.FileData"}}

    async def _call(self, event: int, inputs: list[Any]) -> list[Any]:
        """The outputs of an event. Raises RefusedError if the server is busy."""
        body = {"data": inputs, "fn_index": event, "session_hash": self._session}
        joined = await self._client.post(f"{API}/queue/join", json=body)
        if joined.status_code in (429, 503):
            raise RefusedError
        wanted = joined.raise_for_status().json()["event_id"]
        async with self._client.stream("GET", f"{API}/queue/data", params={"session_hash": self._session}, timeout=None) as stream:
            outputs: list[Any] | None = None
            async for line in stream.aiter_lines():
                told = json.loads(line.removeprefix("data: ")) if line.startswith("data: ") else {}
                if told.get("event_id") != wanted:
                    continue
                self._tally.waits += told["msg"] == "progress" and "waiting" in str(told)
                if told["msg"] in ("process_generating", "process_completed") and told["output"].get("data"):
                    outputs = told["output"]["data"]
                if told["msg"] == "process_completed":
                    return _outputs(told, outputs)
        raise RuntimeError("the answer did not come")

    def _ticket(self) -> str:
        return secrets.token_hex(16)

    async def _rest(self) -> None:
        await asyncio.sleep(self._rng.uniform(0, 2 * self._pause))


def _outputs(told: dict[str, Any], outputs: list[Any] | None) -> list[Any]:
    """The outputs of a completed event. A refusal is an error of our own words."""
    if told["success"] and outputs is not None:
        return outputs
    message = str(told["output"].get("error"))
    if "busy" in message:
        raise RefusedError
    raise RuntimeError(message)


def _right(answer: dict[str, Any]) -> dict[str, Any]:
    if "error" in answer:
        raise RuntimeError(answer["error"])
    return answer


def _lasting(answer: Any) -> Any:
    """An answer without what differs from call to call."""
    return {name: value for name, value in answer.items() if name not in VOLATILE}
