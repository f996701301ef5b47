"""A small stand-in for the Hugging Face Hub: the part of its HTTP interface by which models are fetched and pushed."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import unquote, urlsplit

Files = dict[str, bytes]


def blob_id(content: bytes) -> str:
    """As git names a file's content."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


@dataclass
class HubStandIn:
    """repositories: commits by revision, by Hub id. tokens: those that may write, and read what is private."""

    address: str = ""
    repositories: dict[str, dict[str, Files]] = field(default_factory=dict)
    private: set[str] = field(default_factory=set)
    tokens: set[str] = field(default_factory=lambda: {"hf_good"})
    asked: list[str] = field(default_factory=list)
    commits: dict[str, Files] = field(default_factory=dict)

    def put(self, hub_id: str, files: Files, revision: str = "main") -> str:
        """Make a commit. Returns its name."""
        self.repositories.setdefault(hub_id, {})[revision] = files
        name = hashlib.sha1(json.dumps([hub_id, revision, {one: blob_id(files[one]) for one in sorted(files)}]).encode()).hexdigest()
        self.commits[name] = files
        return name

    def put_folder(self, hub_id: str, folder: Path, revision: str = "main") -> str:
        return self.put(hub_id, {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}, revision)

    def commit_of(self, hub_id: str, revision: str) -> str | None:
        if revision in self.commits:
            return revision
        files = self.repositories.get(hub_id, {}).get(revision)
        return None if files is None else next(name for name, content in reversed(self.commits.items()) if content is files)


def _handler(hub: HubStandIn) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            pass

        @property
        def may(self) -> bool:
            return self.headers.get("Authorization", "").removeprefix("Bearer ") in hub.tokens

        def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
            self.send_response(status)
            self.send_header("Content-Length", headers.pop("Content_Length", str(len(body))))
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def say(self, values: Any) -> None:
            self.answer(200, json.dumps(values).encode(), Content_Type="application/json")

        def refuse(self, code: str, status: int = 404) -> None:
            self.answer(status, b"{}", X_Error_Code=code, X_Error_Message=code)

        def files_of(self, hub_id: str, revision: str) -> tuple[str, Files] | None:
            if hub_id not in hub.repositories or (hub_id in hub.private and not self.may):
                self.refuse("RepoNotFound")
                return None
            commit = hub.commit_of(hub_id, revision)
            if commit is None:
                self.refuse("RevisionNotFound")
                return None
            return commit, hub.commits[commit]

        def do_GET(self) -> None:
            parts = [unquote(part) for part in urlsplit(self.path).path.strip("/").split("/")]
            hub.asked.append(f"{self.command} {'/'.join(parts)}")
            if parts[:2] == ["api", "models"]:
                found = self.files_of("/".join(parts[2:4]), parts[5] if len(parts) > 5 else "main")
                if found is None:
                    return
                commit, files = found
                if parts[4:5] == ["tree"]:
                    self.say([{"type": "file", "path": name, "size": len(body), "oid": blob_id(body)} for name, body in files.items()])
                else:
                    self.say({"id": "/".join(parts[2:4]), "sha": commit, "siblings": [{"rfilename": name} for name in files]})
            elif parts[2:3] == ["resolve"]:
                found = self.files_of("/".join(parts[:2]), parts[3])
                if found is None:
                    return
                commit, files = found
                if (name := "/".join(parts[4:])) not in files:
                    self.refuse("EntryNotFound")
                    return
                self.answer(200, files[name], ETag=f'"{blob_id(files[name])}"', X_Repo_Commit=commit)
            else:
                self.refuse("NotFound")

        do_HEAD = do_GET  # noqa: N815

        def do_POST(self) -> None:
            path = urlsplit(self.path).path.strip("/")
            hub.asked.append(f"POST {path}")
            body = self.rfile.read(int(self.headers["Content-Length"])) if "Content-Length" in self.headers else self.chunks()
            if path == "api/validate-yaml":
                self.say({"errors": [], "warnings": []})
            elif not self.may:
                self.refuse("Unauthorized", 401)
            elif path == "api/repos/create":
                told = json.loads(body)
                hub_id = f"{told['organization']}/{told['name']}"
                if hub_id not in hub.repositories:
                    hub.put(hub_id, {})
                    if told.get("visibility") == "private" or told.get("private"):
                        hub.private.add(hub_id)
                self.say({"url": f"{hub.address}/{hub_id}", "name": hub_id})
            elif "/preupload/" in path:
                told = json.loads(body)["files"]
                self.say({"files": [{"path": one["path"], "uploadMode": "regular", "shouldIgnore": False} for one in told]})
            elif "/commit/" in path:
                self.commit(path.split("/"), body)
            else:
                self.refuse("NotFound")

        def chunks(self) -> bytes:
            read = b""
            while size := int(self.rfile.readline(), 16):
                read += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return read

        def commit(self, parts: list[str], body: bytes) -> None:
            hub_id, revision = "/".join(parts[2:4]), parts[5]
            if revision not in hub.repositories[hub_id]:
                self.refuse("RevisionNotFound")
                return
            files = dict(hub.repositories[hub_id][revision])
            for line in map(json.loads, body.splitlines()):
                if line["key"] == "file":
                    files[line["value"]["path"]] = base64.b64decode(line["value"]["content"])
                elif line["key"] == "deletedFile":
                    files.pop(line["value"]["path"])
            name = hub.put(hub_id, files, revision)
            self.say({"commitUrl": f"{hub.address}/{hub_id}/commit/{name}", "commitOid": name, "success": True})

    return Handler


@contextmanager
def hub_stand_in() -> Iterator[HubStandIn]:
    """A Hub on this machine."""
    hub = HubStandIn()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(hub))
    hub.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield hub
    server.shutdown()
    thread.join()
    server.server_close()
