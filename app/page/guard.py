"""Who may ask this server, and what a page of it may do: names of the host, origins, security headers, closed addresses.

A page of another site could otherwise send files here, or reach a server on the visitor's own machine under a name of its own
(DNS rebinding).
"""

from __future__ import annotations

import ipaddress
import os
import socket
from collections.abc import Collection, Iterable
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.page.closed import is_closed
from app.visit.listening import THIS_MACHINE

ALLOWED_HOSTS = "VQSEG_ALLOWED_HOSTS"
"""Environment variable: further names under which the server is reached, separated by commas, as behind a proxy."""
ANY = "*"
_SAFE = ("GET", "HEAD", "OPTIONS")
_POLICY = {
    "default-src": "'self'",
    # Gradio's page holds scripts of its own, and its library of figures compiles some.
    "script-src": "'self' 'unsafe-inline' 'unsafe-eval' blob:",
    "style-src": "'self' 'unsafe-inline'",
    "img-src": "'self' data: blob:",
    "media-src": "'self' data: blob:",
    "font-src": "'self' data:",
    "connect-src": "'self' data: blob:",
    "worker-src": "'self' blob:",
    "object-src": "'none'",
    "base-uri": "'self'",
    "form-action": "'self'",
}


def allowed_hosts(server_name: str) -> frozenset[str]:
    """The names under which a server may be asked, lower case, without ports.

    Args:
        server_name: The address on which it listens.

    Returns:
        Of a server of this machine its own names; of one that listens to the network this machine's names and addresses, which `ANY`
        among them stands for. Further ones by VQSEG_ALLOWED_HOSTS, GRADIO_ROOT_PATH and, on a Space, SPACE_HOST.
    """
    given = [*os.environ.get(ALLOWED_HOSTS, "").split(","), *os.environ.get("SPACE_HOST", "").split(",")]
    given.append(urlsplit(os.environ.get("GRADIO_ROOT_PATH", "")).hostname or "")
    names = {name.strip().lower() for name in given if name.strip()}
    # An explicit "*" switches the check off.
    if ANY in names:
        return frozenset({ANY})
    own = {server_name.lower(), *THIS_MACHINE}
    if server_name not in THIS_MACHINE:
        own |= {socket.gethostname().lower(), socket.getfqdn().lower()}
    return frozenset(names | own)


class Guard:
    """ASGI middleware. Refuses strangers' hosts and origins, closes addresses, and adds security headers."""

    def __init__(self, app: ASGIApp, hosts: Collection[str], local: bool, frames: str = "'self'") -> None:
        """Wrap an app.

        Args:
            app: The app.
            hosts: As `allowed_hosts` gives them.
            local: Whether it serves this machine only. One that serves a network is also asked by its addresses, and by names that no
                stranger can own: those without a dot, and those under .local.
            frames: Which sites may show the page in a frame.
        """
        self._app, self._hosts, self._local = app, hosts, local
        policy = "; ".join(f"{name} {value}" for name, value in {**_POLICY, "frame-ancestors": frames}.items())
        self._headers = [
            (b"content-security-policy", policy.encode()),
            (b"x-content-type-options", b"nosniff"),
            (b"referrer-policy", b"same-origin"),
            (b"permissions-policy", b"camera=(), microphone=(), geolocation=(), payment=(), usb=()"),
            (b"cross-origin-opener-policy", b"same-origin-allow-popups"),
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        refusal = self._refusal(scope)

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                there = {name.lower() for name, _ in message["headers"]}
                message = {**message, "headers": [*message["headers"], *(one for one in self._headers if one[0] not in there)]}
            await send(message)

        if refusal is None:
            await self._app(scope, receive, guarded)
            return
        status, text = refusal
        await guarded({"type": "http.response.start", "status": status, "headers": [(b"content-type", b"text/plain; charset=utf-8")]})
        await send({"type": "http.response.body", "body": text.encode()})

    def _refusal(self, scope: Scope) -> tuple[int, str] | None:
        """Status and message for a request that is not served."""
        host, forwarded = _name(_header(scope, b"host")), _header(scope, b"x-forwarded-host")
        # Gradio makes the addresses in its answers of the name that a proxy was asked by, the first one of several.
        if not self._is_known(host) or (forwarded and not self._is_known(_name(forwarded.partition(",")[0].strip()))):
            return 403, f"This server is not reached under that name. Whoever runs it can add the name to {ALLOWED_HOSTS}.\n"
        origin = _header(scope, b"origin")
        if origin and scope["method"] not in _SAFE and not self._is_own(origin, host):
            return 403, "Pages of other sites may not send anything to this server.\n"
        if is_closed(scope["path"]):
            return 404, "There is nothing here.\n"
        return None

    def _is_own(self, origin: str, host: str) -> bool:
        name = urlsplit(origin).hostname or ""
        return name == host or name in self._hosts or ANY in self._hosts

    def _is_known(self, name: str) -> bool:
        if ANY in self._hosts or name in self._hosts:
            return True
        return not self._local and (_is_address(name) or (bool(name) and "." not in name) or name.endswith(".local"))


def _header(scope: Scope, wanted: bytes) -> str:
    headers: Iterable[tuple[bytes, bytes]] = scope["headers"]
    return next((value.decode("latin-1").strip().lower() for name, value in headers if name.lower() == wanted), "")


def _name(host: str) -> str:
    """The name in a Host header, without its port: "[::1]:7860" -> "::1"."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
