"""
Real servers that are set up wrongly are caught, each by its name.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from syncsvc import mapping
from syncsvc.devstack import cache, children
from syncsvc.devstack.connect import Connect
from syncsvc.devstack.kafka import Kafka
from syncsvc.devstack.mariadb import MariaDb
from syncsvc.devstack.mongod import Mongod
from syncsvc.devstack.server import Server
from syncsvc.doctor import examine
from syncsvc.doctor.finding import Finding
from syncsvc.settings import Settings
from tests.verify import world

pytestmark = pytest.mark.servers


class WithoutBinlog(MariaDb):
    """A server that logs nothing."""

    own_settings = [*MariaDb.own_settings, "--skip-log-bin"]  # noqa: RUF012 (a list as in its parent)


class WithMinimalRows(MariaDb):
    """A server that logs only what has changed of a row, and not for long."""

    own_settings = [  # noqa: RUF012
        *MariaDb.own_settings, "--binlog-row-image=MINIMAL", "--binlog-format=MIXED", "--expire-logs-days=1",
    ]  # fmt: skip


@dataclass(frozen=True)
class Wrong:
    """Servers none of which is fit."""

    silent: WithoutBinlog
    minimal: WithMinimalRows
    mongod: Mongod
    kafka: Kafka
    connect: Connect

    def settings(self, folder: Path, source: MariaDb, dsn: str | None = None) -> Settings:
        """The environment of a command that uses them."""
        return Settings(
            kafka_bootstrap=self.kafka.bootstrap, mongo_uri=self.mongod.uri, connect_url=self.connect.url,
            source_dsn=dsn or source.dsn, state_dir=folder, replication_factor=3,
        )  # fmt: skip


@pytest.fixture(scope="module")
def wrong(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wrong]:
    """Started side by side."""
    root, nursery = tmp_path_factory.mktemp("wrong"), children.Nursery()
    store = cache.Cache(nursery, print)
    kafka = Kafka(store, root / "kafka")
    found = Wrong(
        WithoutBinlog(store, root / "silent"), WithMinimalRows(store, root / "minimal"),
        Mongod(store, root / "mongod", standalone=True, cache_gb=0.25), kafka,
        Connect(store, root / "connect", kafka.bootstrap, exactly_once=False),
    )  # fmt: skip
    servers: list[Server] = [found.connect, found.kafka, found.mongod, found.silent, found.minimal]
    try:
        with ThreadPoolExecutor(len(servers)) as pool:
            list(pool.map(lambda server: server.start(), servers))
        for source in (found.silent, found.minimal):
            source.execute(*world.SCHEMA)
        yield found
    finally:
        for server in servers:
            server.stop()
        nursery.close()


def examined(settings: Settings, file: Path) -> dict[tuple[str, str], Finding]:
    """`{(check, last word of its place): finding}`."""
    found = examine.examine(examine.looks([mapping.load(file)], settings), 60)
    return {(finding.check, finding.where.split(" ")[-1]): finding for finding in found}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A mapping of the tables that the servers have."""
    path = tmp_path / "meetings.yaml"
    path.write_text(world.MAPPING)
    return path


def test_servers_that_would_lose_changes_are_caught(wrong: Wrong, file: Path, tmp_path: Path) -> None:
    """Rows that are not whole, a binlog that is soon gone, no transactions, repeated changes, copies that cannot be."""
    found = examined(wrong.settings(tmp_path, wrong.minimal), file)

    states = {place: str(finding.state) for place, finding in found.items()}
    assert states["source.binlog", "binlog_row_image"] == "fail"
    assert states["source.binlog", "binlog_format"] == "fail"
    assert ("source.binlog", "log_bin") not in states
    assert {check: state for (check, _), state in states.items() if check == "source.binlog_expiry"} == {
        "source.binlog_expiry": "warn"
    }
    (standalone,) = [finding for (check, _), finding in found.items() if check == "mongo.no_transactions"]
    assert (standalone.state, "--replSet" in standalone.fix) == ("fail", True)
    assert states["connector.exactly_once", "syncsvc-meetup"] == "warn"
    assert states["connector.exists", "syncsvc-meetup"] == "fail"
    assert states["kafka.brokers", wrong.kafka.bootstrap] == "fail"
    assert all(finding.fix for finding in found.values() if finding.state != "ok")
    assert "loopback" not in str(found)


def test_a_server_without_a_binlog_is_caught(wrong: Wrong, file: Path, tmp_path: Path) -> None:
    """No change would ever arrive."""
    found = examined(wrong.settings(tmp_path, wrong.silent), file)

    assert found["source.binlog", "log_bin"].state == "fail"


def test_a_user_who_may_only_read_is_caught(wrong: Wrong, file: Path, tmp_path: Path) -> None:
    """And one who may not even read one of the tables, by the names of rights and table."""
    wrong.minimal.execute(
        "CREATE OR REPLACE USER reader IDENTIFIED BY 'loopback'",
        "GRANT SELECT ON meetup.meeting TO reader", "GRANT SELECT ON meetup.application TO reader",
    )  # fmt: skip
    dsn = wrong.minimal.dsn.replace("//syncsvc:", "//reader:")
    settings = wrong.settings(tmp_path, wrong.minimal, dsn)
    found = {check: finding for (check, _), finding in examined(settings, file).items()}

    assert found["source.select"].what == "no SELECT on meetup.user"
    assert "REPLICATION SLAVE" in found["source.replication_rights"].what
    assert found["source.snapshot_rights"].state == "fail"
    assert found["source.unknown_table"].state == "fail"
