"""The lag exporter's process: how it ends, and why."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

from syncsvc import settings
from syncsvc.engine.settings import EngineSettings
from syncsvc.lagexporter.exporter import Exporter
from syncsvc.lagexporter.watch import Watch
from syncsvc.wiring.credentials import START_AGAIN, Secrets


class Often(Secrets):
    """Looked at often, for a test has no time."""

    async def watch(self, changed: Callable[[Sequence[str]], None], look_seconds: float = 0.02) -> None:
        """As the process does, sooner."""
        await super().watch(changed, look_seconds)


async def test_a_changed_secret_ends_it_with_the_code_by_which_it_is_started_again(tmp_path: Path) -> None:
    """
    The driver keeps user and password as long as it lives.

    After the old password was taken away every look would fail, with `/live` well and nobody to restart it.
    """
    uri = tmp_path / "mongo-uri"
    uri.write_text("mongodb://exporter:old@mongodb/")
    secrets = Often(settings.read({"SYNCSVC_MONGO_URI_FILE": str(uri)}))
    exporter = Exporter(Watch([], [], None), EngineSettings("127.0.0.1:1"), cluster="k", every=1.0, secrets=secrets)
    running = asyncio.create_task(exporter.run("127.0.0.1", 0))
    await asyncio.sleep(0.1)
    assert not running.done()

    uri.write_text("mongodb://exporter:new@mongodb/")

    assert await asyncio.wait_for(running, 10) == START_AGAIN
