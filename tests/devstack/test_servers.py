"""Each server: starts, stops, survives a kill with port and data, says why when it cannot start."""

import signal
from pathlib import Path

import pytest

from syncsvc import errors
from syncsvc.devstack import (
    cache,
    connect,
    dsn,
    jars,
    kafka,
    mariadb,
    missing,
    mongod,
    mysql,
    probes,
    server,
    sqlserver,
)
from tests.devstack import processes

pytestmark = pytest.mark.servers


@pytest.mark.parametrize("kind", [kafka.Kafka, mongod.Mongod, mariadb.MariaDb, mysql.MySql])
def test_a_server_stops_and_starts_again_on_its_port(
    kind: type[server.Server], store: cache.Cache, tmp_path: Path
) -> None:
    """Start, stop, start, kill, start; every start answers on the same port, every end is an end."""
    one = kind(store, tmp_path)
    one.start()
    port, first = one.port, one.pid
    assert first is not None
    one.start()
    assert one.pid == first
    one.stop()
    assert not one.running
    assert not processes.alive(first)
    one.start()
    one.kill()
    assert not one.running
    one.start()
    assert one.port == port
    one.stop()


@pytest.mark.parametrize("kind", [mariadb.MariaDb, mysql.MySql])
def test_rows_survive_a_kill(kind: type[sqlserver.SqlServer], store: cache.Cache, tmp_path: Path) -> None:
    """A kill is not a power cut: what was committed is there."""
    one = kind(store, tmp_path)
    one.start()
    one.execute("CREATE TABLE meetup.t (n int PRIMARY KEY)", "INSERT INTO meetup.t VALUES (7)")
    one.kill()
    one.start()
    assert one.execute("SELECT n FROM meetup.t") == ((7,),)
    one.stop()


@pytest.mark.parametrize("kind", [mariadb.MariaDb, mysql.MySql])
def test_the_service_user_reads_and_cannot_write(
    kind: type[sqlserver.SqlServer], store: cache.Cache, tmp_path: Path
) -> None:
    """Debezium and the service get what the manual asks for, no more; the binlog carries whole rows with names."""
    one = kind(store, tmp_path)
    one.start()
    one.execute("CREATE TABLE meetup.t (n int PRIMARY KEY)")
    with dsn.connect(one.dsn) as connection, connection.cursor() as cursor:
        assert cursor.execute("SELECT n FROM t") == 0
        with pytest.raises(dsn.pymysql.err.OperationalError, match="denied"):
            cursor.execute("INSERT INTO t VALUES (1)")
    settings = dict(one.execute("SHOW VARIABLES LIKE 'binlog_row%'"))
    assert settings["binlog_row_image"] == "FULL"
    assert settings["binlog_row_metadata"] == "FULL"
    assert one.execute("SELECT @@log_bin, @@server_id") == ((1, 1),)
    one.stop()


def test_the_first_orderly_end_makes_later_starts_cheaper(
    store: cache.Cache, own_store: cache.Cache, tmp_path: Path
) -> None:
    """The classes of the first run are kept and used; a kill keeps nothing."""
    kafka.Kafka(store, tmp_path / "fetched")._prepare()
    own_store.root.mkdir()
    for name in (f"kafka-{jars.KAFKA_VERSION}", f"kafka-{jars.KAFKA_VERSION}-formatted"):
        (own_store.root / name).symlink_to(store.root / name)
    one = kafka.Kafka(own_store, tmp_path / "kafka")
    for end, kept in ((one.kill, 0), (one.stop, 1), (one.stop, 1)):
        one.start()
        end()
        assert len(list(own_store.root.glob("*.jsa"))) == kept
    assert any("-XX:SharedArchiveFile" in argument for argument in one._command())


def test_a_server_can_be_frozen(store: cache.Cache, tmp_path: Path) -> None:
    """SIGSTOP makes a server that is there and does not answer; SIGCONT brings it back."""
    one = mongod.Mongod(store, tmp_path)
    one.start()
    one.signal(signal.SIGSTOP)
    assert one.running
    one.signal(signal.SIGCONT)
    assert probes.mongo(server.HOST, one.port, {"ping": 1})["ok"] == 1
    one.stop()


def test_mongod_is_a_replica_set_unless_asked_not_to_be(store: cache.Cache, tmp_path: Path) -> None:
    """Transactions need a replica set; the refusal of a standalone needs a standalone."""
    member, standalone = mongod.Mongod(store, tmp_path / "a"), mongod.Mongod(store, tmp_path / "b", standalone=True)
    for one, name in ((member, "rs0"), (standalone, None)):
        one.start()
        hello = probes.mongo(server.HOST, one.port, {"hello": 1})
        assert hello.get("setName") == name
        assert hello["isWritablePrimary"]
        one.stop()


def test_a_replica_set_moves_to_another_port(store: cache.Cache, tmp_path: Path) -> None:
    """Data of a named folder is picked up when its old port is taken."""
    before = mongod.Mongod(store, tmp_path)
    before.start()
    before.stop()
    after = mongod.Mongod(store, tmp_path)
    after.start()
    assert probes.mongo(server.HOST, after.port, {"hello": 1})["me"] == after.address
    after.stop()


def test_a_server_whose_port_is_taken_says_so(store: cache.Cache, tmp_path: Path) -> None:
    """Answers of whoever listens there must not be taken for its own."""
    first = mongod.Mongod(store, tmp_path / "a")
    first.start()
    second = mongod.Mongod(store, tmp_path / "b", first.port, standalone=True)
    with pytest.raises(errors.Unreachable, match="something else listens"):
        second.start()
    first.stop()


def test_a_machine_without_java_is_told_what_to_install(
    store: cache.Cache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A missing server is an error of its own type, with the fix; never a silent skip."""
    jars.java.cache_clear()
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    try:
        with pytest.raises(missing.ServerMissing, match="openjdk-17"):
            connect.Connect(store, tmp_path / "c", "127.0.0.1:1").start()
    finally:
        jars.java.cache_clear()


def test_a_machine_without_apt_is_told_what_to_install(
    own_store: cache.Cache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same for the databases."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sqlserver, "on_path", lambda *names: None)
    with pytest.raises(missing.ServerMissing, match="fix: install mariadb"):
        mariadb.MariaDb(own_store, tmp_path / "m").start()
