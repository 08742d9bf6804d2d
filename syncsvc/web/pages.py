"""Answers of the page's addresses: the page itself, its files, the status as JSON and as a stream of events."""

from __future__ import annotations

import json
from importlib import resources

from aiohttp import web

from syncsvc.web import render
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
    """

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._streams = 0
        folder = resources.files("syncsvc.web") / "page"
        self._frame = (folder / "page.html").read_text(encoding="utf-8")
        self._assets = {name: (folder / name).read_bytes() for name in ASSETS}

    async def page(self, request: web.Request) -> web.Response:
        """The whole page with the state of now; it is complete without its script."""
        html = self._frame.replace("<!-- board -->", render.board(self._feed))
        return web.Response(text=html, content_type="text/html")

    async def asset(self, request: web.Request) -> web.Response:
        """One of `ASSETS`."""
        name = request.path.removeprefix("/")
        return web.Response(body=self._assets[name], content_type=ASSETS[name], charset="utf-8")

    async def status(self, request: web.Request) -> web.Response:
        """The status as JSON; 503 while the service cannot give one."""
        latest = self._feed.latest
        if latest is None:
            return web.json_response({"error": "the service cannot give its status now"}, status=503)
        return web.json_response(latest.as_dict())

    async def events(self, request: web.Request) -> web.StreamResponse:
        """Server-sent events, every second: `status` (the JSON of the status) and `board` (the page's inside)."""
        if self._streams >= MOST_STREAMS:
            raise web.HTTPServiceUnavailable(text="too many open streams", headers={"Retry-After": "5"})
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        self._streams += 1
        try:
            while not self._feed.closed:
                await response.write(self._event())
                await self._feed.next()
        except ConnectionResetError:
            pass  # the reader closed the page
        finally:
            self._streams -= 1
        return response

    def _event(self) -> bytes:
        latest = self._feed.latest
        status = json.dumps(latest.as_dict() if latest else None)
        # JSON keeps the board on one line, as the event stream's format needs it.
        return (
            f"event: status\ndata: {status}\n\nevent: board\ndata: {json.dumps(render.board(self._feed))}\n\n".encode()
        )
