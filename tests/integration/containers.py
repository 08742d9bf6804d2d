"""
Kafka and mongod in containers, by testcontainers: the same servers to a test as those of `syncsvc.devstack`.

Chosen with `SYNCSVC_TEST_SERVERS=containers`, where a Docker engine is; images by `SYNCSVC_TEST_IMAGE_KAFKA` and
`SYNCSVC_TEST_IMAGE_MONGO`.  A server keeps its port inside and outside, so that what it says of itself is true on both
sides, and its container over a kill, so that its data is there when it starts again.
"""

from __future__ import annotations

import os
from typing import Any

from testcontainers.core.container import DockerContainer

from syncsvc.devstack import kafka, mongod
from tests.integration.waiting import wait_until

KAFKA_IMAGE = os.environ.get("SYNCSVC_TEST_IMAGE_KAFKA", "apache/kafka:4.1.0")
MONGO_IMAGE = os.environ.get("SYNCSVC_TEST_IMAGE_MONGO", "mongo:8")
#: Not from the broker's settings of the stack: they differ inside of a container.
OF_THE_PLACE = {"controller.quorum.voters", "listeners", "advertised.listeners", "log.dirs"}


class _Boxed:
    """What `start`, `stop` and `kill` mean for a container; mixed into a server of the stack before it."""

    _box: DockerContainer | None = None
    _up = False

    def start(self: Any) -> None:
        """Starts the container, or the same one again, and waits until the server answers."""
        if self._up:
            return
        if self._box is None:
            self._box = self._container().with_bind_ports(self.port, self.port)
            self._box.start()
        else:
            self._box.get_wrapped_container().start()
        self._up = True
        wait_until(self._answers, lambda: f"{self.name} does not answer\n{self._said()}", self.start_seconds)
        self._settle()

    def stop(self: Any) -> None:
        """Removes the container; called once, at the end."""
        if self._box is not None:
            self._box.stop()
            self._box, self._up = None, False

    def kill(self: Any) -> None:
        """Ends it as a power cut would; its data and its port stay."""
        if self._up:
            self._box.get_wrapped_container().kill()
            self._box.get_wrapped_container().wait()
            self._up = False

    @property
    def running(self) -> bool:
        """Whether the container is there; the server may not answer yet."""
        return self._up

    def _said(self: Any) -> str:
        out, error = self._box.get_logs()
        return str((out + error).decode()[-3000:])


class BoxedKafka(_Boxed, kafka.Kafka):
    """A broker from the image, with the settings of the stack's own and as small a Java machine."""

    def _container(self) -> DockerContainer:
        settings = dict(line.split("=", 1) for line in kafka.SETTINGS.splitlines() if "=" in line) | self.settings
        given = {name: value for name, value in settings.items() if name not in OF_THE_PLACE} | {
            "listeners": f"PLAINTEXT://:{self.port},CONTROLLER://:9093",
            "advertised.listeners": f"PLAINTEXT://{self.address}",
            "controller.quorum.voters": "1@localhost:9093",
            "log.dirs": "/var/lib/kafka/data",
        }
        variables = {"KAFKA_" + name.upper().replace(".", "_"): value for name, value in given.items()}
        java = {
            "KAFKA_HEAP_OPTS": f"-Xms64m -Xmx{self.heap_mb}m",
            "KAFKA_JVM_PERFORMANCE_OPTS": " ".join(["-XX:+UseSerialGC", *self.options]),
        }
        return DockerContainer(KAFKA_IMAGE, env={"CLUSTER_ID": kafka.CLUSTER_ID, **java, **variables})


class BoxedMongod(_Boxed, mongod.Mongod):
    """A replica set of one from the image."""

    def _container(self) -> DockerContainer:
        command = ["mongod", "--port", str(self.port), "--bind_ip_all", "--replSet", mongod.REPLICA_SET]
        command += ["--wiredTigerCacheSizeGB", str(self.cache_gb), "--oplogSize", "512"]
        return DockerContainer(MONGO_IMAGE, command=command)

    def _settle(self) -> None:
        self._be_a_replica_set()
        wait_until(self._takes_writes, lambda: f"not primary\n{self._said()}")
