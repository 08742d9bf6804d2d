"""
A Kafka broker that is its own controller (KRaft), with topics made only on request.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from syncsvc.devstack import cache, jars, jvm, probes, server

#: The same for every broker of the stack: the formatted log folder is made once and copied.
CLUSTER_ID = "c3luY3N2Yy1kZXZzdGFjaw"

SETTINGS = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@{host}:{controller_port}
listeners=PLAINTEXT://{host}:{port},CONTROLLER://{host}:{controller_port}
advertised.listeners=PLAINTEXT://{host}:{port}
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={logs}
auto.create.topics.enable=false
num.partitions=8
default.replication.factor=1
min.insync.replicas=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
log.segment.bytes=67108864
num.network.threads=2
num.io.threads=4
log.cleaner.dedupe.buffer.size=16777216
num.recovery.threads.per.data.dir=2
initial.broker.registration.timeout.ms=60000
controlled.shutdown.max.retries=1
{extra}
"""


class Kafka(jvm.JavaServer):
    """
    One broker.

    Args:
        settings: broker settings added to ours, for example `{"message.max.bytes": "2000000"}`.
    """

    name: ClassVar[str] = "kafka"
    main: ClassVar[str] = "kafka.Kafka"
    # The first compiler is enough for what a laptop sends through it; the second takes seconds of the start.
    options: ClassVar[Sequence[str]] = ("-XX:TieredStopAtLevel=1",)

    def __init__(
        self,
        store: cache.Cache,
        folder: Path,
        port: int | None = None,
        *,
        settings: dict[str, str] | None = None,
        heap_mb: int = 512,
    ) -> None:
        super().__init__(store, folder, port, heap_mb=heap_mb)
        self.settings = dict(settings or {})
        self._controller_port = server.free_port()

    @property
    def bootstrap(self) -> str:
        """`host:port`, for clients."""
        return self.address

    def _prepare(self) -> None:
        self.jars = sorted(jars.kafka(self.store).glob("*.jar"))
        formatted = self.store.folder(f"kafka-{jars.KAFKA_VERSION}-formatted", self._format)
        logs = self.folder / "logs"
        if not logs.exists():
            shutil.copytree(formatted / "logs", logs)
        self._write_settings(self.folder, logs)

    def _write_settings(self, folder: Path, logs: Path) -> Path:
        extra = "\n".join(f"{name}={text}" for name, text in self.settings.items())
        file = folder / "server.properties"
        file.write_text(
            SETTINGS.format(
                host=server.HOST, port=self.port, controller_port=self._controller_port, logs=logs, extra=extra
            )
        )
        return file

    def _format(self, stage: Path) -> None:
        settings = self._write_settings(stage, stage / "logs")
        arguments = ["format", "-t", CLUSTER_ID, "-c", str(settings)]
        self.store.nursery.run(
            "kafka-storage",
            jvm.command(stage, self.jars, "kafka.tools.StorageTool", *arguments, heap_mb=128),
            log=self.store.log(self.name),
            fix=f"read {self.store.log(self.name)}",
        )

    def _command(self) -> Sequence[str]:
        return self._java(str(self.folder / "server.properties"))

    def _answers(self) -> bool:
        return probes.kafka_brokers(server.HOST, self.port) > 0
