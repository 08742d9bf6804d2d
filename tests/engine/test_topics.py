"""Topics are made with the settings that were asked for, and a difference is told with the way out."""

from __future__ import annotations

import asyncio
import uuid
from pathlib import Path

import pytest

from syncsvc import errors
from syncsvc.devstack import cache, children, server
from syncsvc.devstack.kafka import Kafka
from syncsvc.engine.settings import EngineSettings
from syncsvc.engine.topics import Topics, TopicState, TopicWish, check_topic

WISH = TopicWish("orders", 8, config={"retention.ms": "-1", "cleanup.policy": "delete"})


def test_a_topic_as_wished_has_no_problems() -> None:
    """Settings that were not asked for do not matter."""
    state = TopicState("orders", 8, 3, {"retention.ms": "-1", "cleanup.policy": "delete", "segment.ms": "1"})

    assert check_topic(WISH, state) == []


def test_every_difference_is_told_with_a_way_out() -> None:
    """Partition count and settings, all at once."""
    state = TopicState("orders", 4, 3, {"retention.ms": "604800000", "cleanup.policy": "compact"})

    problems = check_topic(WISH, state)

    assert [problem.code for problem in problems] == ["topic.partitions", "topic.retention.ms", "topic.cleanup.policy"]
    assert "raise its generation" in problems[0].fix
    assert "--add-config retention.ms=-1" in problems[1].fix
    assert [problem.code for problem in check_topic(WISH, None)] == ["topic.missing"]


@pytest.mark.servers
async def test_missing_topics_are_made_and_asking_for_one_does_not_make_it(settings: EngineSettings) -> None:
    """Made once, as wished; made again: nothing. A question about another leaves no topic behind."""
    name, absent = f"made.{uuid.uuid4().hex[:8]}", f"absent.{uuid.uuid4().hex[:8]}"
    wish = TopicWish(name, 3, config={"retention.ms": "1234567", "max.message.bytes": "2000000"})

    async with Topics(settings) as topics:
        assert await topics.create([wish]) == [name]
        assert await topics.create([wish]) == []
        found = await topics.describe([name, absent])
        assert absent not in await topics.describe([absent])

    assert list(found) == [name]
    assert found[name].partitions == 3
    assert check_topic(wish, found[name]) == []


@pytest.mark.servers
async def test_a_topic_the_broker_refuses_is_told(settings: EngineSettings) -> None:
    """Three copies on one broker, for example."""
    async with Topics(settings) as topics:
        with pytest.raises(errors.Unreachable, match="InvalidReplicationFactor"):
            await topics.create([TopicWish(f"refused.{uuid.uuid4().hex[:8]}", 1, replication=3)])


async def test_a_broker_that_is_not_there_is_told_within_the_bound() -> None:
    """Exit code 4, the address and the setting."""
    settings = EngineSettings(f"127.0.0.1:{server.free_port()}", reach_timeout_seconds=5)

    with pytest.raises(errors.Unreachable) as raised:
        async with asyncio.timeout(15), Topics(settings):
            pass

    (problem,) = raised.value.problems
    assert problem.code == "kafka.unreachable"
    assert problem.where == settings.bootstrap
    assert "SYNCSVC_KAFKA_BOOTSTRAP" in problem.fix


@pytest.mark.servers
async def test_wrong_credentials_and_a_wrong_protocol_are_told_as_refusals(
    nursery: children.Nursery, tmp_path: Path
) -> None:
    """Someone answers, so the address is right: the message points at TLS, user and password; the right ones work."""
    broker = Kafka(cache.Cache(nursery, print), tmp_path / "kafka")
    port = server.free_port()
    plain, secure = f"PLAINTEXT://{broker.bootstrap}", f"SECURE://{server.HOST}:{port}"
    login = 'org.apache.kafka.common.security.plain.PlainLoginModule required user_ann="right";'
    broker.settings.update(
        {
            "listeners": f"{plain},{secure},CONTROLLER://{server.HOST}:{broker._controller_port}",
            "advertised.listeners": f"{plain},{secure}",
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,SECURE:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT",
            "sasl.enabled.mechanisms": "PLAIN",
            "listener.name.secure.plain.sasl.jaas.config": login,
        }
    )
    broker.start()

    async def enter(password: str | None, **more: bool) -> None:
        (tmp_path / "password").write_text(f"{password}\n")
        credentials = {"sasl_username": "ann", "sasl_mechanism": "PLAIN", "sasl_password_file": tmp_path / "password"}
        settings = EngineSettings(
            f"{server.HOST}:{port}", reach_timeout_seconds=4, **(credentials if password else {}), **more
        )
        async with Topics(settings):
            pass

    await enter("right")
    for wrong, code in (
        (enter("wrong"), "kafka.login"), (enter(None), "kafka.refused"), (enter(None, use_tls=True), "tls.not_spoken")
    ):  # fmt: skip
        with pytest.raises(errors.Unreachable) as raised:
            await wrong
        assert raised.value.problems[0].code == code
    broker.stop()


def test_a_secret_file_that_is_not_there_is_a_fault_of_usage(tmp_path: Path) -> None:
    """Before anything is connected, with the setting's name."""
    settings = EngineSettings("x:1", sasl_username="ann", sasl_password_file=tmp_path / "absent")

    with pytest.raises(errors.UsageFault) as raised:
        settings.connection()

    assert raised.value.problems[0].where == str(tmp_path / "absent")
