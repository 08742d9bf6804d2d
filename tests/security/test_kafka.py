"""TLS and logins to Kafka: what goes through, and what a user is told where it does not."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import admin as confluent

from syncsvc import settings
from syncsvc.engine.topics import Topics
from syncsvc.errors import Unreachable, UsageFault
from syncsvc.wiring.connections import engine_settings
from tests.security.authority import Authority
from tests.security.guarded import GuardedKafka

pytestmark = pytest.mark.servers


@pytest.fixture(scope="module")
def password(kafka: GuardedKafka, place: Path) -> Path:
    """The file with the password of the user `ann`, who may see the topic `open`; so may the client `mutual`."""
    kafka.user("ann", "of-ann")
    admin = kafka.admin()
    for made in admin.create_topics([confluent.NewTopic("open", 1, 1)]).values():
        made.result(30)
    may_see = [
        confluent.AclBinding(
            confluent.ResourceType.TOPIC, "open", confluent.ResourcePatternType.LITERAL, user, "*", operation,
            confluent.AclPermissionType.ALLOW,
        )
        for user in ("User:ann", "User:CN=mutual,OU=clients,O=syncsvc tests")
        for operation in (confluent.AclOperation.DESCRIBE, confluent.AclOperation.DESCRIBE_CONFIGS)
    ]  # fmt: skip
    for added in admin.create_acls(may_see).values():
        added.result(30)
    file = place / "kafka-password"
    file.write_text("of-ann\n")
    return file


@pytest.fixture
def given(kafka: GuardedKafka, authority: Authority, password: Path) -> dict[str, Any]:
    """Settings that go through."""
    return {"bootstrap": kafka.secure, "ca_file": authority.file, "username": "ann", "password_file": password}


async def seen(given: dict[str, Any]) -> set[str]:
    """Topics that are seen with these settings."""
    environment = {f"SYNCSVC_KAFKA_{name.upper()}": str(value) for name, value in given.items()}
    async with Topics(engine_settings(settings.read(environment))) as topics:
        return set(await topics.describe(["open", "hidden"]))


async def test_a_password_in_a_file_over_tls_goes_through(given: dict[str, Any]) -> None:
    """SASL/SCRAM over TLS, with the authority's file, a user and the password's file."""
    assert await seen(given) == {"open"}


async def test_a_certificate_of_ours_goes_through(
    kafka: GuardedKafka, authority: Authority, given: dict[str, Any]
) -> None:
    """Mutual TLS: the subject of the certificate is the user that ACLs name."""
    pair = authority.issue("mutual", hosts=(), unit="clients")
    files = {"certificate_file": pair.certificate, "key_file": pair.key}

    assert await seen({"bootstrap": kafka.mutual, "ca_file": given["ca_file"], **files}) == {"open"}


async def test_no_certificate_a_strangers_and_an_expired_one_are_refused_by_the_broker(
    kafka: GuardedKafka, authority: Authority, stranger: Authority, given: dict[str, Any]
) -> None:
    """The user is told that it is our certificate that is not taken."""
    pairs = [None, stranger.issue("mutual", hosts=()), authority.issue("late", hosts=(), seconds=-60)]
    found = []
    for pair in pairs:
        files = {} if pair is None else {"certificate_file": pair.certificate, "key_file": pair.key}
        with pytest.raises(Unreachable) as refused:
            await seen({"bootstrap": kafka.mutual, "ca_file": given["ca_file"], **files})
        found.append(refused.value.problems[0].code)

    assert found == ["tls.client_refused"] * 3


async def test_a_broker_of_another_authority_is_refused(
    kafka: GuardedKafka, stranger: Authority, given: dict[str, Any]
) -> None:
    """Told as such, with the broker and what to do."""
    with pytest.raises(Unreachable) as refused:
        await seen(given | {"ca_file": stranger.file})

    (problem,) = refused.value.problems
    assert (problem.code, problem.where) == ("tls.unknown_authority", kafka.secure)
    assert "CA file" in problem.fix


async def test_tls_to_a_plain_listener_is_told_as_such(kafka: GuardedKafka, given: dict[str, Any]) -> None:
    """The port of another listener is a common slip."""
    with pytest.raises(Unreachable, match=r"tls\.not_spoken"):
        await seen({"bootstrap": kafka.bootstrap, "ca_file": given["ca_file"]})


@pytest.mark.parametrize(
    ("wrong", "what"),
    [
        ({"password_file": "wrong"}, "refuses user or password"),
        ({"username": "nobody"}, "refuses user or password"),
        ({"sasl_mechanism": "PLAIN"}, "has no PLAIN"),
    ],
    ids=["password", "user", "mechanism"],
)
async def test_a_wrong_login_is_told_as_such_without_the_password(
    given: dict[str, Any], tmp_path: Path, wrong: dict[str, str], what: str
) -> None:
    """User, password and mechanism; the message names the settings."""
    if "password_file" in wrong:
        (tmp_path / "wrong").write_text("c4nary")
        wrong = {"password_file": str(tmp_path / "wrong")}
    with pytest.raises(Unreachable) as refused:
        await seen(given | wrong)

    assert refused.value.problems[0].code == "kafka.login"
    assert what in refused.value.problems[0].what
    assert "c4nary" not in str(refused.value)


async def test_a_file_that_is_no_certificate_is_named(given: dict[str, Any], tmp_path: Path) -> None:
    """Before anything is tried: exit code 2."""
    (tmp_path / "ca.pem").write_text("hello")
    with pytest.raises(UsageFault) as fault:
        await seen(given | {"ca_file": tmp_path / "ca.pem"})

    (problem,) = fault.value.problems
    assert (problem.code, problem.where) == ("tls.bad_file", str(tmp_path / "ca.pem"))


@pytest.fixture
def restarting(kafka: GuardedKafka, authority: Authority) -> Iterator[GuardedKafka]:
    """The broker, to be given another certificate; its own one is back afterwards."""
    yield kafka
    kafka.show(authority.issue("broker"))
    kafka.restart()


@pytest.mark.parametrize(
    ("how", "code"),
    [({"seconds": -60}, "tls.certificate_expired"), ({"hosts": ("kafka.example",)}, "tls.wrong_host")],
    ids=["expired", "wrong host"],
)
async def test_a_bad_certificate_of_the_broker_is_refused(
    restarting: GuardedKafka, authority: Authority, given: dict[str, Any], how: dict[str, Any], code: str
) -> None:
    """Expired, or made for another host: no connection, and which of the two it is."""
    restarting.show(authority.issue("bad-broker", **how))
    restarting.restart()
    with pytest.raises(Unreachable) as refused:
        await seen(given)

    assert refused.value.problems[0].code == code


async def test_a_client_that_lives_goes_on_under_a_renewed_authority(
    restarting: GuardedKafka, stranger: Authority, given: dict[str, Any], tmp_path: Path
) -> None:
    """The CA file is replaced, the broker comes back with a certificate of the new authority: no restart is needed."""
    trusted = tmp_path / "ca.pem"
    trusted.write_bytes(given["ca_file"].read_bytes())
    renewing = given | {"ca_file": trusted}
    environment = {f"SYNCSVC_KAFKA_{name.upper()}": str(value) for name, value in renewing.items()}
    async with Topics(engine_settings(settings.read(environment))) as topics:
        assert await topics.describe(["open"])
        trusted.write_bytes(stranger.file.read_bytes())
        restarting.show(stranger.issue("renewed-broker"))
        restarting.restart()
        async with asyncio.timeout(30):
            while True:
                try:
                    assert await topics.describe(["open"])
                    break
                except Unreachable:  # connections of the old broker break one by one
                    await asyncio.sleep(0.1)
