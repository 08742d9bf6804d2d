"""
`syncsvc doctor` on servers that are fit, each of them made unfit in one way.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient

from syncsvc import mapping
from syncsvc.devstack import connectors as rest
from syncsvc.devstack.stack import Stack
from syncsvc.engine.settings import EngineSettings
from syncsvc.engine.topics import Topics, TopicWish
from syncsvc.source import connectors
from tests.cli.conftest import Outcome, Run

pytestmark = pytest.mark.servers


def _states(outcome: Outcome, area: str = "") -> dict[str, str]:
    """`{check: worst state}`, of one area or of all."""
    order = ("ok", "warn", "unreachable", "fail")
    found: dict[str, str] = {}
    for finding in outcome.json["findings"]:
        if not area or finding["area"] == area:
            worst = max(found.get(finding["check"], "ok"), finding["state"], key=order.index)
            found[finding["check"]] = worst
    return found


@pytest.fixture
def applied(run: Run, stack: Stack, named: Path) -> Path:
    """A mapping file whose topics, collections and connector have been made, and whose connector has begun to talk."""
    assert run("apply", named).code == 0
    until = time.monotonic() + 60
    while _states(run("doctor", named, "-o", "json"), "connector").get("connector.heartbeat") != "ok":
        assert time.monotonic() < until, "no heartbeat has come"
    return named


def test_servers_that_are_fit_have_nothing_that_fails(run: Run, applied: Path) -> None:
    """Exit code 0; what is small for production is a warning; every area is looked at, nothing secret is shown."""
    outcome, told = run("doctor", applied, "-o", "json"), run("doctor", applied)

    assert (outcome.code, told.code) == (0, 0)
    assert outcome.json["counts"]["fail"] == outcome.json["counts"]["unreachable"] == 0
    areas = {finding["area"] for finding in outcome.json["findings"]}
    assert areas == {"source", "connector", "kafka", "mongo", "local"}
    assert _states(outcome)["connector.running"] == "ok"
    assert "kafka.copies" in told.out, "one broker on a laptop"
    assert "loopback" not in outcome.out + told.out


def test_looking_changes_nothing(run: Run, applied: Path, stack: Stack) -> None:
    """Neither settings of the connector nor anything in MongoDB; nothing is made either."""

    def everything() -> Any:
        with MongoClient[dict[str, Any]](stack.mongod.uri) as opened:
            names = sorted(opened["meetup"].list_collection_names())
            held = [list(opened["meetup"][name].find()) for name in names]
        prefix = mapping.load(applied).topic_prefix
        config = connectors.config(stack.connect.url, connectors.name_for(prefix))
        return names, held, config, rest.names(stack.connect.url)

    before = everything()
    run("doctor", applied)

    assert everything() == before


def test_a_connector_made_lossy_by_hand_is_caught(run: Run, applied: Path, stack: Stack) -> None:
    """The setting, what it does, and what to set."""
    name = connectors.name_for(mapping.load(applied).topic_prefix)
    config = dict(connectors.config(stack.connect.url, name) or {})
    rest.register(stack.connect.url, name, {**config, "decimal.handling.mode": "double", "heartbeat.interval.ms": "0"})

    outcome = run("doctor", applied, "-o", "json")

    assert outcome.code == 1
    failing = [finding for finding in outcome.json["findings"] if finding["state"] == "fail"]
    assert [finding["where"] for finding in failing] == [f"{name}: decimal.handling.mode"]
    assert failing[0]["fix"] == "set decimal.handling.mode=string"
    assert _states(outcome)["connector.heartbeat"] == "warn"


def test_a_connector_that_is_paused_is_caught(run: Run, applied: Path, stack: Stack) -> None:
    """It exists and everything about it is right, and no change arrives."""
    name = connectors.name_for(mapping.load(applied).topic_prefix)
    rest._ask(stack.connect.url, "PUT", f"/connectors/{name}/pause")
    until = time.monotonic() + 30
    while (rest.status(stack.connect.url, name) or {})["connector"]["state"] != "PAUSED":
        assert time.monotonic() < until

    outcome = run("doctor", applied, "-o", "json")

    assert (outcome.code, _states(outcome)["connector.running"]) == (1, "fail")


def test_topics_that_lose_records_are_caught(run: Run, stack: Stack, named: Path) -> None:
    """A source topic that is compacted at once, and a keyed topic of other partitions."""
    pipeline = mapping.load(named)

    async def make() -> None:
        async with Topics(EngineSettings(stack.kafka.bootstrap)) as topics:
            compacted = TopicWish(pipeline.source_topic("meetup.user"), 1, 1, {"cleanup.policy": "compact"})
            await topics.create([compacted, TopicWish(pipeline.keyed_topic, 5, 1)])

    asyncio.run(make())
    states = _states(run("doctor", named, "-o", "json"), "kafka")

    assert (states["kafka.compaction"], states["kafka.topic.partitions"]) == ("fail", "fail")


@pytest.mark.parametrize(
    ("spoil", "check"),
    [
        (lambda database, pipeline: database[pipeline.collection].insert_one({}), "mongo.name_taken"),
        (lambda database, pipeline: database[pipeline.target_collection].insert_one({}), "mongo.target"),
    ],
    ids=["a plain collection where readers get a view", "documents of somebody else"],
)
def test_names_that_are_somebody_elses_are_caught(
    run: Run, stack: Stack, named: Path, spoil: Callable[..., Any], check: str
) -> None:
    """Before anything is written over."""
    with MongoClient[dict[str, Any]](stack.mongod.uri) as opened:
        spoil(opened["meetup"], mapping.load(named))

    outcome = run("doctor", named, "-o", "json")

    assert (outcome.code, _states(outcome)[check]) == (1, "fail")


def test_a_cascade_that_is_not_logged_is_caught(run: Run, stack: Stack, named: Path) -> None:
    """MariaDB deletes the applications of a meeting without a word."""
    stack.sql.execute(
        "ALTER TABLE meetup.application ADD FOREIGN KEY (meeting_id) REFERENCES meetup.meeting (id) ON DELETE CASCADE"
    )

    states = _states(run("doctor", named, "-o", "json"), "source")

    assert states["source.unlogged_cascade"] == "fail"


def test_one_server_that_is_away_hides_no_other(
    run: Run, stack: Stack, named: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit code 4, and what the others say is told all the same."""
    monkeypatch.setenv("SYNCSVC_MONGO_URI", "mongodb://127.0.0.1:9/?serverSelectionTimeoutMS=200")

    outcome = run("doctor", named, "-o", "json")

    states = _states(outcome)
    assert (outcome.code, states["mongo.unreachable"]) == (4, "unreachable")
    assert (states["source.binlog"], states["kafka.reachable"]) == ("ok", "ok")
