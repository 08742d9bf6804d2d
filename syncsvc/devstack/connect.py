"""
Kafka Connect with Debezium's connectors: one worker in distributed mode, as production runs it.

It keeps its own state (connectors, source offsets) in three topics of the broker, so it may be killed and started
again, or lose its folder.  May be started while the broker still starts: it waits for it.
"""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from syncsvc.devstack import cache, jars, jvm, server

SETTINGS = """\
bootstrap.servers={bootstrap}
group.id=syncsvc-connect
listeners=http://{host}:{port}
plugin.path={plugins}
plugin.discovery=service_load
key.converter=org.apache.kafka.connect.json.JsonConverter
value.converter=org.apache.kafka.connect.json.JsonConverter
key.converter.schemas.enable=false
value.converter.schemas.enable=false
value.converter.replace.null.with.default=false
config.storage.topic=syncsvc-connect.configs
offset.storage.topic=syncsvc-connect.offsets
status.storage.topic=syncsvc-connect.status
config.storage.replication.factor=1
offset.storage.replication.factor=1
status.storage.replication.factor=1
offset.storage.partitions=1
status.storage.partitions=1
offset.flush.interval.ms=1000
exactly.once.source.support={exactly_once}
scheduled.rebalance.max.delay.ms=0
session.timeout.ms=6000
heartbeat.interval.ms=1000
topic.creation.enable=true
config.providers=directory
config.providers.directory.class=org.apache.kafka.common.config.provider.DirectoryConfigProvider
connector.client.config.override.policy=All
task.shutdown.graceful.timeout.ms=3000
"""


class Connect(jvm.JavaServer):
    """
    One Kafka Connect worker.

    Args:
        bootstrap: `host:port` of the broker it works for; the broker must be started by the time `start` returns.
        exactly_once: source offsets and records in one Kafka transaction, so that a kill of the worker repeats nothing.
    """

    name: ClassVar[str] = "connect"
    main: ClassVar[str] = "org.apache.kafka.connect.cli.ConnectDistributed"
    # The first compiler is enough for what a laptop sends through it; the second takes seconds of the start.
    options: ClassVar[Sequence[str]] = ("-XX:TieredStopAtLevel=1",)

    def __init__(
        self,
        store: cache.Cache,
        folder: Path,
        bootstrap: str,
        port: int | None = None,
        *,
        exactly_once: bool = True,
        heap_mb: int = 512,
    ) -> None:
        super().__init__(store, folder, port, heap_mb=heap_mb)
        self.bootstrap = bootstrap
        self.exactly_once = exactly_once

    @property
    def url(self) -> str:
        """Of its REST API, without a slash at the end."""
        return f"http://{self.address}"

    def _prepare(self) -> None:
        self.jars = sorted(jars.kafka(self.store).glob("*.jar"))
        plugins = jars.connectors(self.store)
        self.folder.mkdir(parents=True, exist_ok=True)
        self._settings.write_text(
            SETTINGS.format(
                bootstrap=self.bootstrap,
                host=server.HOST,
                port=self.port,
                plugins=plugins,
                exactly_once="enabled" if self.exactly_once else "disabled",
            )
        )

    @property
    def _settings(self) -> Path:
        return self.folder / "connect.properties"

    def _command(self) -> Sequence[str]:
        return self._java(str(self._settings))

    def _answers(self) -> bool:
        # /connectors is answered only after the worker has joined its group and read its topics.
        try:
            with urllib.request.urlopen(f"{self.url}/connectors", timeout=5) as answer:  # noqa: S310
                return bool(answer.status == 200)
        except (OSError, urllib.error.URLError):
            return False
