"""A running web server on a free port, with a status that a test can change."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from syncsvc.telemetry.metrics import Metrics, PipelineLabels
from syncsvc.telemetry.probes import Health
from syncsvc.telemetry.status import ParkedStatus, PartitionStatus, PipelineStatus, Status
from syncsvc.web.server import WebServer

TOPIC, KEYED = "meetup.meetup.event", "syncsvc.meetings.g2.keyed"


def a_status(**changed: Any) -> Status:
    """One worker with one pipeline that is a little behind; `changed` are fields of the pipeline."""
    pipeline: dict[str, Any] = {
        "name": "meetings",
        "generation": 2,
        "collection": "meetings__g2",
        "state": "running",
        "freshness_seconds": 12.0,
        "objective": 10.0,
        "partitions": (
            PartitionStatus("router", TOPIC, 0, 1200, 1200, 0, 0.0, "live"),
            PartitionStatus("router", TOPIC, 1, 500, 507, 7, 12.0, "behind"),
            PartitionStatus("joiner", KEYED, 3, 90, None, None, None, "unknown"),
        ),
        "documents_written": 1234,
        "parked": 1,
        "parked_list": (ParkedStatus(f"{TOPIC}[1]@499", "decode.bad_decimal", 1000.0),),
    }
    return Status("1.2.3", "syncsvc-0", 1000.0, (PipelineStatus(**{**pipeline, **changed}),))


@dataclass
class Answer:
    """An HTTP answer."""

    status: int
    headers: dict[str, str]
    text: str

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.text)


@dataclass
class Site:
    """A running server and what it shows."""

    health: Health
    metrics: Metrics
    status: Status = field(default_factory=a_status)
    broken: bool = False
    server: WebServer | None = None

    @property
    def port(self) -> int:
        """Where it listens."""
        assert self.server is not None
        return self.server.port

    def give(self) -> Status:
        """The status provider."""
        if self.broken:
            raise ValueError("row content")
        return self.status

    def get(self, path: str, method: str = "GET") -> Answer:
        """One request over a real connection."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request(method, path)
            answer = connection.getresponse()
            return Answer(answer.status, dict(answer.getheaders()), answer.read().decode())
        finally:
            connection.close()

    def events(self) -> Iterator[tuple[str, Any]]:
        """`(name, decoded data)` of the server-sent events, until the reader has enough."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request("GET", "/events")
            answer = connection.getresponse()
            assert answer.headers["Content-Type"] == "text/event-stream"
            while name := answer.readline().decode().removeprefix("event: ").strip():
                yield name, json.loads(answer.readline().decode().removeprefix("data: "))
                assert answer.readline() == b"\n"
        finally:
            connection.close()


@pytest.fixture
def start() -> Iterator[Callable[..., Site]]:
    """Starts a server with this status; all are stopped at the end of the test."""
    sites: list[Site] = []

    def starting(status: Status | None = None, health: Health | None = None) -> Site:
        labels = PipelineLabels("meetings", "meetings__g2", "3f9a", "view", ("meetup.event",), (TOPIC, KEYED), 10)
        site = Site(health or Health([]), Metrics([labels], version="1.2.3"), status or a_status())
        site.server = WebServer(
            bind="127.0.0.1", port=0, metrics=site.metrics.render, health=site.health, status=site.give
        )
        site.server.start()
        sites.append(site)
        return site

    yield starting
    for site in sites:
        assert site.server is not None
        site.server.stop()


@pytest.fixture
def site(start: Callable[..., Site]) -> Site:
    """A server with `a_status`."""
    return start()
