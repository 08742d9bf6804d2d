"""
The exporter's process: looks again and again, and answers scrapes in between.

A look that fails is told once and tried again, with a new connection to Kafka; meanwhile `/ready` fails and no old
number is served.  `/live` says that the process answers.  Clients keep the secrets that they were made with, so changed
ones end the process, as they end a worker.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import time
from collections.abc import Sequence

from aiohttp import web

from syncsvc.engine.groups import Groups
from syncsvc.engine.settings import EngineSettings
from syncsvc.errors import SyncError, Unreachable
from syncsvc.lagexporter.watch import Watch
from syncsvc.telemetry.group_lag import GroupLags
from syncsvc.telemetry.logs import explain
from syncsvc.wiring.credentials import START_AGAIN, Secrets
from syncsvc.wiring.watched import watched

LOG = logging.getLogger("syncsvc")
#: A look is shown for so many intervals: one that is late must not empty a board.
VALID_INTERVALS = 3


class Exporter:
    """
    Looks and serves.

    Args:
        watch: what is looked at.
        kafka: how to reach the brokers.
        cluster: value of the label `cluster_name`.
        every: seconds between two looks.
        secrets: made before the first of them was used.
    """

    def __init__(self, watch: Watch, kafka: EngineSettings, *, cluster: str, every: float, secrets: Secrets) -> None:
        self._watch, self._kafka, self._every, self._secrets = watch, kafka, every, secrets
        self._lags = GroupLags(cluster, VALID_INTERVALS * every)

    async def once(self) -> str:
        """One look, as a scrape would show it; seconds need a second look and are NaN unless the lag is 0."""
        async with Groups(self._kafka) as groups:
            self._lags.see(await self._watch.look(groups))
        return self._lags.render("", time.time())[0].decode()

    async def run(self, host: str, port: int) -> int:
        """
        Serves until TERM, INT or a change of credentials; the exit code: `START_AGAIN` after the last.

        Raises:
            Unreachable: `web.port_in_use`, the port cannot be listened on.
        """
        over, loop = asyncio.Event(), asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, over.set)
        runner = web.AppRunner(self._app(), access_log=None, shutdown_timeout=2.0)
        await runner.setup()
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            await runner.cleanup()
            raise Unreachable(
                code="web.port_in_use",
                where=f"SYNCSVC_HTTP_PORT={port}",
                what=f"cannot listen on {host}:{port}: {error.strerror}",
                fix="stop the process that has the port, or set SYNCSVC_HTTP_PORT to a free one",
            ) from None
        LOG.info("exporter_started", extra={"fields": {"http_port": port, "every_seconds": self._every}})
        renewed: list[str] = []
        died: list[BaseException] = []

        def renew(files: Sequence[str]) -> None:
            LOG.info("exporter_credentials_changed", extra={"fields": {"files": list(files)}})
            renewed.extend(files)
            over.set()

        def failed(error: BaseException) -> None:
            died.append(error)
            over.set()

        tasks = [watched(self._keep_looking(), failed), watched(self._secrets.watch(renew), failed)]
        await over.wait()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await runner.cleanup()
        if died:
            raise died[0]
        return START_AGAIN if renewed else 0

    async def _keep_looking(self) -> None:
        told = False
        while True:
            try:
                async with Groups(self._kafka) as groups:
                    while True:
                        began = time.monotonic()
                        self._lags.see(await self._watch.look(groups))
                        if told:
                            told = False
                            LOG.info("looking_again", extra={"fields": {}})
                        await asyncio.sleep(max(0.0, began + self._every - time.monotonic()))
            except Exception as error:  # Kafka's or MongoDB's: both come back, and the next look says so
                self._lags.failed()
                if not told or not isinstance(error, SyncError):
                    LOG.warning("look_failed", extra={"fields": explain(error)})
                told = True
            await asyncio.sleep(min(self._every, 5.0))

    def _app(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/metrics", self._serve)
        app.router.add_get("/live", self._live)
        app.router.add_get("/ready", self._ready)
        return app

    async def _serve(self, request: web.Request) -> web.Response:
        body, content_type = self._lags.render(request.headers.get("Accept", ""), time.time())
        return web.Response(body=body, headers={"Content-Type": content_type})

    async def _live(self, request: web.Request) -> web.Response:
        return web.json_response({"ok": True})

    async def _ready(self, request: web.Request) -> web.Response:
        up = self._lags.up(time.time())
        return web.json_response({"ok": up}, status=200 if up else 503)
