"""A running web server on a free port, with a fleet that a test can change."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from syncsvc import mapping
from syncsvc.errors import SyncError
from syncsvc.telemetry import shape
from syncsvc.telemetry.fleet import Fleet, Seen
from syncsvc.telemetry.metrics import Metrics, PipelineLabels
from syncsvc.telemetry.probes import Health
from syncsvc.telemetry.recent import Timing
from syncsvc.telemetry.status import ParkedStatus, PartitionStatus, PipelineStatus, Status, TopicStatus
from syncsvc.web.access import Access
from syncsvc.web.actions import Decision
from syncsvc.web.server import WebServer
from tests.web.browser import chromium

__all__ = ["chromium"]

TOPIC, KEYED = "meetup.meetup.event", "syncsvc.meetings.g2.keyed"


ROOT = Path(__file__).parents[2]
TOKEN = "a-token-that-is-long-enough"
HANDLE = "00c0ffee00c0ffee"


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
        "parked_list": (ParkedStatus(f"{TOPIC}[1]@499", "decode.bad_decimal", 1000.0, HANDLE),),
        "documents_per_second": 3.5,
        "timings": (Timing("commit", (0.01, 0.1), (90, 10, 0)), Timing("end to end", (0.1, 1.0), (50, 49, 1))),
        "shape": shape.of(mapping.load(ROOT / "pipelines/meetings.yaml")),
        "mapping_hash": "3f9a",
    }
    return Status("1.2.3", "syncsvc-0", 1000.0, (PipelineStatus(**{**pipeline, **changed}),))


def another(age_seconds: float, instance: str = "syncsvc-1", **changed: Any) -> Seen:
    """A second worker, as it told so long ago; `changed` are fields of its pipeline."""
    return Seen(instance, age_seconds, replace(a_status(**changed), instance=instance))


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
    others: tuple[Seen, ...] = ()
    broken: bool = False
    server: WebServer | None = None
    #: What was decided through it, and how that ends.
    decided: list[Decision] = field(default_factory=list)
    refusal: SyncError | None = None
    unread_seconds: float = 0.0

    @property
    def port(self) -> int:
        """Where it listens."""
        assert self.server is not None
        return self.server.port

    @property
    def url(self) -> str:
        """Of the page."""
        return f"http://127.0.0.1:{self.port}/"

    def give(self) -> Fleet:
        """The fleet provider."""
        if self.broken:
            raise ValueError("row content")
        return Fleet(self.status, self.others, self.unread_seconds)

    def decide(self, decision: Decision) -> None:
        """What carries decisions out."""
        self.decided.append(decision)
        if self.refusal is not None:
            raise self.refusal

    def get(self, path: str, method: str = "GET") -> Answer:
        """One request over a real connection."""
        return self.ask(method, path)

    def ask(
        self, method: str, path: str, form: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """One request with a form's fields."""
        body = None if form is None else urlencode(form)
        kind = {} if form is None else {"Content-Type": "application/x-www-form-urlencoded"}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request(method, path, body, {**kind, **(headers or {})})
            answer = connection.getresponse()
            return Answer(answer.status, dict(answer.getheaders()), answer.read().decode())
        finally:
            connection.close()

    def events(self, query: str = "") -> Iterator[tuple[str, Any]]:
        """`(name, decoded data)` of the server-sent events, until the reader has enough."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request("GET", f"/events{query}")
            answer = connection.getresponse()
            assert answer.headers["Content-Type"] == "text/event-stream"
            while name := answer.readline().decode().removeprefix("event: ").strip():
                yield name, json.loads(answer.readline().decode().removeprefix("data: "))
                assert answer.readline() == b"\n"
        finally:
            connection.close()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Site]]:
    """Starts a server with this status; all are stopped at the end of the test."""
    sites: list[Site] = []

    def starting(status: Status | None = None, health: Health | None = None, *, token: bool = False) -> Site:
        labels = PipelineLabels("meetings", "meetings__g2", "3f9a", "view", ("meetup.event",), (TOPIC, KEYED), 10)
        site = Site(health or Health([]), Metrics([labels], version="1.2.3"), status or a_status())
        file = tmp_path / "token"
        file.write_text(TOKEN + "\n")
        site.server = WebServer(
            bind="127.0.0.1", port=0, metrics=site.metrics.render, health=site.health, fleet=site.give,
            access=Access(file if token else None), decide=site.decide,
        )  # fmt: skip
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


def many_topics(count: int) -> tuple[TopicStatus, ...]:
    """The topics of `a_status`, so many partitions each."""
    return (TopicStatus("router", TOPIC, count), TopicStatus("joiner", KEYED, count))
