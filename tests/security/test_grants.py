"""The users of `deploy/security/mysql.sql`: enough for the commands and for Debezium, over TLS, and nothing more."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pymysql
import pytest
from confluent_kafka import Consumer, KafkaException, TopicPartition

from syncsvc import mapping, settings
from syncsvc.changes import connector
from syncsvc.devstack import cache, connectors, server
from syncsvc.devstack.connect import Connect
from syncsvc.devstack.sqlserver import SERVICE_USER
from syncsvc.source import connection
from tests.integration.waiting import PATIENCE_SECONDS, wait_until
from tests.integration.worker import ROOT
from tests.security.authority import Authority
from tests.security.guarded import GuardedConnect, GuardedKafka, GuardedMariaDb, GuardedMySql, GuardedSql

pytestmark = pytest.mark.servers
FEED = ROOT / "pipelines" / "feed.yaml"
GRANTS = ROOT / "deploy" / "security" / "mysql.sql"
TABLES = (
    "CREATE TABLE meetup.author (id int unsigned PRIMARY KEY, name varchar(100) NOT NULL, bio varchar(500))",
    "CREATE TABLE meetup.post (id bigint unsigned PRIMARY KEY, author_id int unsigned, title varchar(200) NOT NULL, "
    "body text NOT NULL, created_at datetime(3) NOT NULL, FOREIGN KEY (author_id) REFERENCES meetup.author (id))",
    "INSERT INTO meetup.author VALUES (1, 'Ada', NULL)",
    "INSERT INTO meetup.post VALUES (1, 1, 'first', '', '2026-01-01')",
)


def statements(text: str) -> list[str]:
    """The statements of a file, without comments."""
    lines = "\n".join(line.partition("--")[0] for line in text.splitlines())
    return [statement for part in lines.split(";") if (statement := part.strip())]


@pytest.fixture(scope="module", params=[GuardedMariaDb, GuardedMySql], ids=lambda kind: kind.kind)
def sql(
    request: pytest.FixtureRequest, store: cache.Cache, place: Path, authority: Authority
) -> Iterator[GuardedSql]:
    """A source with the tables of the example and with those two users, who must come over TLS."""
    kind = request.param
    made: GuardedSql = kind(store, place / f"grants-{kind.kind}", authority, authority.issue(f"grants-{kind.kind}"))
    made.start()
    made.execute(f"DROP USER '{SERVICE_USER}'@'%'", *TABLES)  # the stack's own, which may more
    made.execute(*statements(GRANTS.read_text()))
    yield made
    made.stop()


def environment(sql: GuardedSql, authority: Authority, place: Path, user: str) -> dict[str, str]:
    """Settings of a command as one of the users."""
    password = place / f"password-of-{user}"
    password.write_text(f"<password of {user}>")
    return {
        "SYNCSVC_SOURCE_DSN": f"mysql://{sql.address}/meetup",
        "SYNCSVC_SOURCE_USERNAME": user,
        "SYNCSVC_SOURCE_PASSWORD_FILE": str(password),
        "SYNCSVC_SOURCE_CA_FILE": str(authority.file),
    }


def test_commands_that_read_rows_do_with_select(sql: GuardedSql, authority: Authority, tmp_path: Path) -> None:
    """`validate --live`, `preview` and `init` with a user that may read one database."""
    given = environment(sql, authority, tmp_path, "syncsvc")
    out = str(tmp_path / "out")
    proposing = ["init", "--root", "meetup.post", "--out", out]
    for words in (["validate", "--live", str(FEED)], ["preview", str(FEED), "--key", "1"], proposing):
        ran = subprocess.run(
            [sys.executable, "-m", "syncsvc.cli", *words], env={**os.environ, **given}, cwd=ROOT,
            timeout=PATIENCE_SECONDS, text=True, capture_output=True,
        )  # fmt: skip
        assert ran.returncode == 0, f"{words}\n{ran.stdout}{ran.stderr}"


def test_that_user_may_do_nothing_else(sql: GuardedSql, authority: Authority, tmp_path: Path) -> None:
    """Not write, and not read the binlog; nor may it come without TLS."""
    dsn = settings.read(environment(sql, authority, tmp_path, "syncsvc")).source_addresses()[""]
    with closing(connection.connect(dsn)) as opened, opened.cursor() as cursor:
        for forbidden in ("DELETE FROM meetup.post", "SHOW BINARY LOGS", "CREATE TABLE meetup.more (id INT)"):
            with pytest.raises(pymysql.err.MySQLError):
                cursor.execute(forbidden)
    with pytest.raises(pymysql.err.MySQLError):
        pymysql.connect(
            host=server.HOST, port=sql.port, user="syncsvc", password="<password of syncsvc>", ssl_disabled=True
        )


@pytest.fixture(scope="module")
def connect(store: cache.Cache, place: Path, kafka: GuardedKafka) -> Iterator[Connect]:
    """Kafka Connect, with the ACLs of the script for topic prefixes that begin with `grants_`."""
    kafka.user("connect", "of-connect")
    kafka.allow(place / "connect-tool", "connect", "User:connect", "grants_", "syncsvc-connect")
    worker = GuardedConnect(store, place / "connect", kafka, "connect", "of-connect")
    worker.start()
    yield worker
    worker.stop()


def test_debezium_snapshots_and_follows_with_its_rights(sql: GuardedSql, connect: Connect, kafka: GuardedKafka) -> None:
    """The connector as `apply` makes it, in a Connect that has the ACLs of the script and nothing more: rows come."""
    pipeline = replace(mapping.load(FEED), topic_prefix=f"grants_{sql.kind}")
    config = connector.connector_config(
        name=f"grants-{sql.kind}", kind=sql.kind, pipelines=[pipeline], host=server.HOST, port=sql.port,
        user="debezium", password="<password of debezium>", kafka_bootstrap=kafka.secure,
        server_id=5600 + len(sql.kind), replication_factor=1,
    )  # fmt: skip
    config["database.ssl.mode"] = "required" if sql.kind == "mysql" else "trust"
    for side in ("producer", "consumer"):
        config |= kafka.client("connect", "of-connect", f"schema.history.internal.{side}.")
    connectors.register(connect.url, config["name"], config)
    topic = pipeline.source_topic("meetup.post")
    places = [TopicPartition(topic, number) for number in range(pipeline.source_partitions)]
    asking = Consumer({"bootstrap.servers": kafka.bootstrap, "group.id": "grants", "log_level": 0})

    def records() -> int:
        try:
            return sum(asking.get_watermark_offsets(place, timeout=30, cached=False)[1] for place in places)
        except KafkaException:  # the snapshot has not made the topic yet
            return 0

    wait_until(lambda: records() >= 1, lambda: "the snapshot brings no row")
    before = records()
    sql.execute("INSERT INTO meetup.post VALUES (2, 1, 'second', '', '2026-01-02')")
    wait_until(lambda: records() > before, lambda: "a new row does not come")
    asking.close()
    connectors.delete(connect.url, config["name"])
