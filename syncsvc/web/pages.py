"""Answers of the page's addresses: the page itself, its files, the status as JSON and as a stream of events."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib import resources
from typing import Any

from aiohttp import web

from syncsvc.telemetry.status import builtins
from syncsvc.web import render
from syncsvc.web.actions import Viewer
from syncsvc.web.feed import Feed

#: Files the page needs, by name: their content type.
ASSETS = {"page.css": "text/css", "page.js": "text/javascript", "icon.svg": "image/svg+xml"}
#: Each open page is one stream; more than this is not a person looking.
MOST_STREAMS = 32


class Pages:
    """
    The page's handlers.

    Args:
        feed: what they show.
        viewer: who looks, of a request.
    """

    def __init__(self, feed: Feed, viewer: Callable[[web.Request], Viewer]) -> None:
        self._feed, self._viewer = feed, viewer
        self._board: tuple[float, Viewer, str] | None = None
        self._streams = 0
        folder = resources.files("syncsvc.web") / "page"
        self._frame = (folder / "page.html").read_text(encoding="utf-8")
        self._assets = {name: (folder / name).read_bytes() for name in ASSETS}

    async def page(self, request: web.Request) -> web.Response:
        """The whole page with the state of now; it is complete without its script."""
        self._feed.look()
        html = self._frame.replace("<!-- board -->", self._render(self._viewer(request)))
        return web.Response(text=html, content_type="text/html")

    async def asset(self, request: web.Request) -> web.Response:
        """One of `ASSETS`."""
        name = request.path.removeprefix("/")
        return web.Response(body=self._assets[name], content_type=ASSETS[name], charset="utf-8")

    def _render(self, viewer: Viewer) -> str:
        """The board; rendered once a sample for all who see the same."""
        if self._board is None or self._board[:2] != (self._feed.at, viewer):
            self._board = (self._feed.at, viewer, render.board(self._feed, viewer))
        return self._board[2]

    async def status(self, request: web.Request) -> web.Response:
        """The status of this worker as JSON; 503 while the service cannot give one."""
        self._feed.look()
        latest = self._feed.latest
        return _json(None if latest is None else latest.own.as_dict())

    async def fleet(self, request: web.Request) -> web.Response:
        """All workers and pipelines as JSON; 503 while the service cannot give them."""
        self._feed.look()
        return _json(self._fleet())

    def _fleet(self) -> dict[str, Any] | None:
        latest = self._feed.latest
        if latest is None:
            return None
        return {
            "instance": latest.own.instance,
            "workers": [
                {"instance": one.instance, "age_seconds": one.age_seconds, "alive": one.alive,
                 "version": one.status.version if one.status else None}
                for one in latest.workers()
            ],
            "pipelines": [
                builtins(one.whole) | {"lag": one.whole.lag, "orphans": one.orphans, "workers": one.workers,
                                                  "owners": [owned.owner for owned in one.partitions]}
                for one in self._feed.pipelines
            ],
        }  # fmt: skip

    async def events(self, request: web.Request) -> web.StreamResponse:
        """Server-sent events, every second: `board`, the page's inside; with `?data` also `fleet`, as JSON."""
        if self._streams >= MOST_STREAMS:
            raise web.HTTPServiceUnavailable(text="too many open streams", headers={"Retry-After": "5"})
        # A proxy that waits until its buffer is full would show old figures as new ones.
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "X-Accel-Buffering": "no"})
        self._streams += 1  # before anything is awaited, or some would be let in at once
        try:
            await response.prepare(request)
            while not self._feed.closed:
                self._feed.look()
                if "data" in request.query:
                    await response.write(_event("fleet", self._fleet()))
                await response.write(_event("board", self._render(self._viewer(request))))
                await self._feed.next()
        except ConnectionResetError:
            pass  # the reader closed the page
        finally:
            self._streams -= 1
        return response


def _json(found: dict[str, Any] | None) -> web.Response:
    if found is None:
        return web.json_response({"error": "the service cannot give its status now"}, status=503)
    return web.json_response(found)


def _event(name: str, data: object) -> bytes:
    # JSON keeps the board on one line, as the event stream's format needs it.
    return f"event: {name}\ndata: {json.dumps(data)}\n\n".encode()
