"""What the worker's port answers, and when."""

from __future__ import annotations

import asyncio
import http.client
import socket
import threading
from collections.abc import Callable

import pytest
from prometheus_client.parser import text_string_to_metric_families

from syncsvc.errors import Unreachable, UsageFault
from syncsvc.telemetry.fleet import Fleet
from syncsvc.telemetry.metrics import Metrics
from syncsvc.telemetry.probes import Health
from syncsvc.web.access import Access
from syncsvc.web.feed import Feed
from syncsvc.web.pages import MOST_STREAMS
from syncsvc.web.server import WebServer
from tests.web.conftest import Site, a_status, another


def a_server(port: int, bind: str = "127.0.0.1") -> WebServer:
    """Not started."""
    return WebServer(
        bind=bind, port=port, metrics=Metrics([], version="1").render, health=Health([]),
        fleet=lambda: Fleet(a_status()), access=Access(None), decide=lambda _: None,
    )  # fmt: skip


def test_metrics_are_served_in_the_format_of_prometheus(site: Site) -> None:
    """With the content type a Prometheus server insists on."""
    answer = site.get("/metrics")

    assert answer.headers["Content-Type"].startswith("text/plain; version=")
    assert "syncsvc_freshness_seconds" in [f.name for f in text_string_to_metric_families(answer.text)]


def test_a_probe_says_why(start: Callable[..., Site]) -> None:
    """503 and the reasons as JSON, for who looks at the events of the pod."""
    site = start(health=Health(["meetings"]))

    assert site.get("/live").status == 200
    answer = site.get("/ready")
    assert (answer.status, answer.json()) == (503, {"ok": False, "reasons": ["meetings: no assignment yet"]})
    assert site.get("/startup").status == 503

    site.health.assigned("meetings")
    assert site.get("/ready").status == 200
    assert site.get("/startup").status == 200


async def test_a_busy_main_loop_is_told_and_does_not_silence_the_probes(start: Callable[..., Site]) -> None:
    """
    Liveness is answered by another thread, and tells the truth.

    A probe that shares the loop times out when the loop is busy, which looks the same as a dead machine; and one that
    only checks that its own thread answers would call a hanging worker alive.
    """
    now = [0.0]
    site = start(health=Health([], clock=lambda: now[0]))
    while_busy: list[tuple[int, int]] = []

    def a_callback_that_blocks_the_loop() -> None:
        before = site.get("/live").status
        now[0] += 31
        while_busy.append((before, site.get("/live").status))

    asyncio.get_running_loop().call_soon(a_callback_that_blocks_the_loop)
    await asyncio.sleep(0)

    assert while_busy == [(200, 503)]
    site.health.tick()
    assert site.get("/live").status == 200


def test_the_status_is_served_as_json(site: Site) -> None:
    """What is not known is null, and a pipeline's lag is null as soon as one partition's is."""
    status = site.get("/api/status").json()

    (pipeline,) = status["pipelines"]
    assert (status["instance"], pipeline["name"], pipeline["freshness_seconds"]) == ("syncsvc-0", "meetings", 12.0)
    assert pipeline["partitions"][1]["lag"] == 7
    assert pipeline["partitions"][2]["end_offset"] is None
    assert pipeline["lag"] is None


def test_events_deliver_the_fleet_and_the_board_again_and_again(site: Site) -> None:
    """A change of the status arrives without a new request."""
    events = site.events("?data")

    name, fleet = next(events)
    assert (name, fleet["pipelines"][0]["documents_written"]) == ("fleet", 1234)
    name, board = next(events)
    assert name == "board"
    assert "1\u2009234" in board

    site.status = a_status(documents_written=99)
    assert any(name == "fleet" and found["pipelines"][0]["documents_written"] == 99 for name, found in events)


def test_a_page_is_sent_the_board_alone(site: Site) -> None:
    """Half the bytes, for who only looks."""
    events = site.events()

    assert [next(events)[0] for _ in range(2)] == ["board", "board"]


def test_the_fleet_is_served_as_json(site: Site) -> None:
    """All workers with their ages, and all pipelines with the owner of each partition."""
    site.others = (another(3.0), another(700.0, "syncsvc-2"))
    events = site.events("?data")
    next(name for name, found in events if name == "fleet" and len(found["workers"]) == 3)

    fleet = site.get("/api/fleet").json()

    assert [(one["instance"], one["alive"]) for one in fleet["workers"]] == [
        ("syncsvc-0", True), ("syncsvc-1", True), ("syncsvc-2", False),
    ]  # fmt: skip
    assert fleet["pipelines"][0]["workers"] == 2
    assert set(fleet["pipelines"][0]["owners"]) <= {"syncsvc-0", "syncsvc-1"}


def test_only_so_many_streams_are_served(site: Site) -> None:
    """A forgotten script cannot take all of the worker's time."""
    streams = []
    for _ in range(MOST_STREAMS):
        connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=20)
        connection.request("GET", "/events")
        streams.append((connection, connection.getresponse()))

    refused = site.get("/events")

    assert {answer.status for _, answer in streams} == {200}
    assert (refused.status, refused.headers["Retry-After"]) == (503, "5")
    for connection, answer in streams:
        answer.close()
        connection.close()


@pytest.mark.parametrize("path", ["/", "/metrics", "/live", "/api/status", "/page.js"])
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_nothing_can_be_changed_through_the_port(site: Site, path: str, method: str) -> None:
    """Whoever reaches the port can look, no more."""
    assert site.get(path, method).status == 405


@pytest.mark.parametrize("path", ["/", "/metrics", "/live", "/api/status", "/page.js", "/page.css", "/events", "/none"])
def test_every_answer_forbids_outside_content_and_caching(site: Site, path: str) -> None:
    """Also a 404 and the event stream."""
    connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=20)
    connection.request("GET", path)
    headers = connection.getresponse().headers
    connection.close()

    assert headers["Content-Security-Policy"].startswith("default-src 'none';")
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert (headers["X-Content-Type-Options"], headers["Cache-Control"]) == ("nosniff", "no-store")
    assert headers["Server"] is None


def test_a_service_that_cannot_give_its_status_keeps_its_probes(site: Site) -> None:
    """The page says so, without the text of the error."""
    site.broken = True
    assert any(name == "fleet" and found is None for name, found in site.events("?data"))

    assert site.get("/api/status").status == 503
    assert "cannot give its status" in site.get("/").text
    assert "row content" not in site.get("/").text + site.get("/api/status").text
    assert site.get("/live").status == 200


def test_a_port_in_use_is_one_problem_with_its_fix() -> None:
    """Found by `start`, before the worker joins anything."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(Unreachable) as refused:
            a_server(port).start()

    (problem,) = refused.value.problems
    assert (problem.code, problem.where) == ("web.port_in_use", f"SYNCSVC_HTTP_PORT={port}")
    assert "free port" in problem.fix


@pytest.mark.parametrize(
    ("bind", "port"),
    [
        pytest.param("203.0.113.7", 0, id="an address of another machine"),
        pytest.param("127.0.0.1", 70000, id="no port at all"),
    ],
)
def test_an_address_that_cannot_be_ours_is_a_fault_of_the_settings(bind: str, port: int) -> None:
    """Exit code 2: who wrote the settings must act."""
    with pytest.raises(UsageFault) as refused:
        a_server(port, bind).start()

    assert refused.value.problems[0].code == "web.bad_address"


def test_stopping_ends_open_streams_and_frees_the_port() -> None:
    """The worker's exit does not wait for people who look at the page."""
    server = a_server(0)
    server.start()
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    connection.request("GET", "/events")
    answer = connection.getresponse()

    server.stop()

    answer.read()
    connection.close()
    assert "web" not in [thread.name for thread in threading.enumerate()]
    again = a_server(server.port)
    again.start()
    again.stop()


def test_a_chart_is_true_to_time_also_where_nobody_looked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Unwatched, a worker is asked every five seconds; who opens the page sees now, and five minutes as they were."""
    now = [100.0]
    monkeypatch.setattr("syncsvc.web.feed.time.monotonic", lambda: now[0])
    told = iter((a_status(freshness_seconds=1.0), a_status(freshness_seconds=2.0), a_status(freshness_seconds=3.0)))
    feed = Feed(lambda: Fleet(next(told)))
    feed.sample()
    now[0] += 5.0
    feed.sample()
    now[0] += 3.0
    feed.look()
    feed.look()

    shown = [sample.freshness_seconds for sample in feed.history(a_status().pipelines[0])]
    assert len(shown) == 1 + 5 + 3
    feed.sample()
    assert feed.latest is None
    assert feed.history(a_status().pipelines[0])[-1].lag is None
