"""
Metrics, probes and the page on one port, in a thread of its own.

The thread has its own event loop, so a probe is answered while the worker's loop is busy, and liveness can tell the
truth about it.  Everything is read-only unless there is a token (`access`); nothing outside is loaded by the page.  A
port that cannot be opened is an error before anything else is started.
"""

from __future__ import annotations

import asyncio
import errno
import socket
import threading
from collections.abc import Callable

from aiohttp import web

from syncsvc.errors import SyncError, Unreachable, UsageFault
from syncsvc.telemetry.probes import Health, Verdict
from syncsvc.web.access import Access
from syncsvc.web.actions import Actions, Decide
from syncsvc.web.feed import Feed, FleetProvider
from syncsvc.web.pages import ASSETS, Pages

#: Gives `(body, content type)` for an HTTP `Accept` header; see `Metrics.render`.
RenderMetrics = Callable[[str], tuple[bytes, str]]

#: Scripts, styles, pictures and connections only from this server; no frames, nothing inline; forms only with a token.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action {forms}; frame-ancestors 'none'"
)
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",  # with none at all a browser hides from us where a form comes from
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
#: Open event streams are ended after so many seconds when the server stops.
SHUTDOWN_SECONDS = 2.0
#: The largest form is a token or a decision.
MOST_BODY_BYTES = 16 << 10


class WebServer:
    """
    The worker's HTTP server.

    Args:
        bind: address to listen on, `127.0.0.1` on a laptop, `0.0.0.0` in a pod.
        port: TCP port; 0 takes a free one, see `port`.
        metrics: renders the metrics.
        health: what the probes ask.
        fleet: what the page shows; called once a second from this server's thread.
        access: who may decide something.
        decide: carries decisions out; called from threads of this server's loop.
    """

    def __init__(
        self,
        *,
        bind: str,
        port: int,
        metrics: RenderMetrics,
        health: Health,
        fleet: FleetProvider,
        access: Access,
        decide: Decide,
    ) -> None:
        self._bind = bind
        self._wanted_port = port
        self._metrics = metrics
        self._health = health
        #: What the page shows.
        self.feed = Feed(fleet)
        self._access, self._decide = access, decide
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None
        self._thread: threading.Thread | None = None
        #: The port that is listened on, 0 before `start`.
        self.port = 0

    def start(self) -> None:
        """
        Returns when requests are answered.

        Raises:
            Unreachable: `web.port_in_use`.
            UsageFault: `web.bad_address` when the address is not of this machine or the port not allowed.
        """
        listener = _listen(self._bind, self._wanted_port)
        self.port = int(listener.getsockname()[1])
        up = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(listener, up), name="web", daemon=True)
        self._thread.start()
        up.wait()
        if self._stopping is None:
            raise RuntimeError("the web server's thread ended before it answered; its traceback is above")

    def stop(self) -> None:
        """Ends open streams and the thread; returns when the port is free.  Without `start` it does nothing."""
        if self._thread is None or self._loop is None or self._stopping is None:
            return
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join()
        self._thread = None

    def _run(self, listener: socket.socket, up: threading.Event) -> None:
        try:
            asyncio.run(self._serve(listener, up))
        finally:
            up.set()

    async def _serve(self, listener: socket.socket, up: threading.Event) -> None:
        runner = web.AppRunner(self._app(), access_log=None, shutdown_timeout=SHUTDOWN_SECONDS)
        await runner.setup()
        await web.SockSite(runner, listener).start()
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        sampling = asyncio.create_task(self.feed.sample_forever())
        up.set()
        await self._stopping.wait()
        self.feed.close()
        sampling.cancel()
        await runner.cleanup()

    def _app(self) -> web.Application:
        actions = Actions(self._access, self._decide)
        pages = Pages(self.feed, actions.viewer)
        app = web.Application(client_max_size=MOST_BODY_BYTES)
        app.on_response_prepare.append(self._add_headers)
        app.router.add_get("/metrics", self._serve_metrics)
        app.router.add_get("/startup", self._serve_startup)
        app.router.add_get("/live", self._serve_live)
        app.router.add_get("/ready", self._serve_ready)
        app.router.add_get("/", pages.page)
        app.router.add_get("/api/status", pages.status)
        app.router.add_get("/api/fleet", pages.fleet)
        app.router.add_get("/events", pages.events, allow_head=False)
        for name in ASSETS:
            app.router.add_get(f"/{name}", pages.asset)
        app.router.add_post("/sign-in", actions.sign_in)
        app.router.add_post("/sign-out", actions.sign_out)
        app.router.add_post("/parked", actions.parked)
        return app

    async def _add_headers(self, request: web.Request, response: web.StreamResponse) -> None:
        forms = "'self'" if self._access.possible else "'none'"
        response.headers.update(HEADERS, **{"Content-Security-Policy": POLICY.format(forms=forms)})
        response.headers.pop("Server", None)

    async def _serve_metrics(self, request: web.Request) -> web.Response:
        body, content_type = self._metrics(request.headers.get("Accept", ""))
        return web.Response(body=body, headers={"Content-Type": content_type})

    async def _serve_startup(self, request: web.Request) -> web.Response:
        return _probe(self._health.started())

    async def _serve_live(self, request: web.Request) -> web.Response:
        return _probe(self._health.live())

    async def _serve_ready(self, request: web.Request) -> web.Response:
        return _probe(self._health.ready())


def _probe(verdict: Verdict) -> web.Response:
    return web.json_response(verdict.as_dict(), status=200 if verdict.ok else 503)


def _listen(bind: str, port: int) -> socket.socket:
    """A listening socket, made here and not in the thread, so that the caller gets the error."""
    where = f"SYNCSVC_HTTP_PORT={port}"
    try:
        if not 0 <= port <= 65535:
            # Asked for, the system would take the number's lower 16 bits and listen somewhere else.
            raise OverflowError("no such port")
        family, kind, _, _, address = socket.getaddrinfo(bind, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(128)
        except OSError:
            listener.close()
            raise
    except (OSError, OverflowError) as error:
        raise _refusal(error, bind, port, where) from error
    return listener


def _refusal(error: OSError | OverflowError, bind: str, port: int, where: str) -> SyncError:
    if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
        return Unreachable(
            code="web.port_in_use",
            where=where,
            what=f"port {port} on {bind} is taken by another process",
            fix="stop that process, or set SYNCSVC_HTTP_PORT to a free port (0 takes any)",
        )
    return UsageFault(
        code="web.bad_address",
        where=where,
        what=f"cannot listen on {bind}:{port} ({getattr(error, 'strerror', None) or error})",
        fix="use an address of this machine (127.0.0.1, or 0.0.0.0 for all) and a port from 1024 to 65535",
    )
