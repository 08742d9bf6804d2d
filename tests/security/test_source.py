"""TLS and logins to MySQL and MariaDB: what goes through, and what a user is told where it does not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from syncsvc import mapping, settings
from syncsvc.devstack import cache
from syncsvc.devstack.sqlserver import DATABASE, PASSWORD, SERVICE_USER
from syncsvc.doctor import examine, source
from syncsvc.errors import Unreachable, UsageFault
from syncsvc.source import address, connection
from tests.security.authority import Authority
from tests.security.guarded import GuardedMariaDb, GuardedMySql, GuardedSql
from tests.verify import world

pytestmark = pytest.mark.servers


@pytest.fixture(scope="module", params=[GuardedMariaDb, GuardedMySql], ids=lambda kind: kind.kind)
def sql(
    request: pytest.FixtureRequest, store: cache.Cache, place: Path, authority: Authority
) -> Iterator[GuardedSql]:
    """A source with TLS, where the user of the service must show a certificate of ours."""
    kind = request.param
    server: GuardedSql = kind(store, place / kind.kind, authority, authority.issue(kind.kind))
    server.start()
    server.execute(f"ALTER USER '{SERVICE_USER}'@'%' REQUIRE X509")
    yield server
    server.stop()


@pytest.fixture
def given(sql: GuardedSql, authority: Authority, tmp_path: Path) -> dict[str, Any]:
    """Settings that go through."""
    pair, password = authority.issue("sql-client", hosts=()), tmp_path / "password"
    password.write_text(f"{PASSWORD}\n")
    return {
        "dsn": f"mysql://{sql.address}/{DATABASE}", "username": SERVICE_USER, "password_file": password,
        "ca_file": authority.file, "certificate_file": pair.certificate, "key_file": pair.key,
    }  # fmt: skip


def read(given: dict[str, Any]) -> settings.Settings:
    """Settings as a command reads them from its environment."""
    return settings.read(
        {f"SYNCSVC_SOURCE_{name.upper()}": str(value) for name, value in given.items() if value is not None}
    )


def cipher(given: dict[str, Any]) -> str:
    """The cipher of a connection with these settings."""
    with closing(connection.connect(read(given).source_addresses()[""])) as opened:
        cursor = opened.cursor()
        cursor.execute("SHOW SESSION STATUS LIKE 'Ssl_cipher'")
        return str((cursor.fetchone() or ("", ""))[1])


def refused(given: dict[str, Any]) -> str:
    """Code of the refusal."""
    with pytest.raises(Unreachable) as refusal:
        cipher(given)
    return refusal.value.problems[0].code


def test_a_password_and_a_certificate_in_files_go_through(given: dict[str, Any]) -> None:
    """The user is one that must come over TLS and show a certificate."""
    assert cipher(given)


def test_the_doctor_examines_such_a_server(sql: GuardedSql, given: dict[str, Any], tmp_path: Path) -> None:
    """Every check of the source is made with the login of the service, on MariaDB and MySQL, and none fails."""
    sql.execute(*world.SCHEMA)
    (tmp_path / "meetings.yaml").write_text(world.MAPPING)
    pipelines = [mapping.load(tmp_path / "meetings.yaml")]
    looks = [("source", where, look) for where, look in source.looks(pipelines, read(given))]

    found = examine.examine(looks, 60)

    assert {finding.check for finding in found} >= {
        "source.binlog", "source.binlog_expiry", "source.clock", "source.select", "source.replication_rights",
        "source.tables",
    }  # fmt: skip
    assert [str(finding) for finding in found if finding.state in ("fail", "unreachable")] == []


def test_without_a_certificate_such_a_user_is_refused(given: dict[str, Any]) -> None:
    """By the server, as a login that fails."""
    assert refused(given | {"certificate_file": None, "key_file": None}) == "source.refused"


def test_a_server_of_another_authority_is_refused(given: dict[str, Any], stranger: Authority) -> None:
    """Before the password is sent."""
    assert refused(given | {"ca_file": stranger.file}) == "tls.unknown_authority"


def test_a_wrong_password_is_not_shown(given: dict[str, Any], tmp_path: Path) -> None:
    """Nor is it in the message of a DSN that cannot be taken apart."""
    (tmp_path / "wrong").write_text("c4nary")
    with pytest.raises(Unreachable) as login:
        cipher(given | {"password_file": tmp_path / "wrong"})
    with pytest.raises(UsageFault) as dsn:
        address.parsed("mysql://ann:c4nary@db:port/shop")

    assert login.value.problems[0].code == "source.refused"
    assert "c4nary" not in f"{login.value}{dsn.value}"


@pytest.mark.parametrize(
    ("how", "code"),
    [({"seconds": -60}, "tls.certificate_expired"), ({"hosts": ("db.example",)}, "tls.wrong_host")],
    ids=["expired", "wrong host"],
)
def test_a_bad_certificate_of_the_server_is_refused(
    sql: GuardedSql, authority: Authority, given: dict[str, Any], how: dict[str, Any], code: str
) -> None:
    """Expired, or made for another host: no connection, and which of the two it is."""
    good = sql.pair
    sql.pair = authority.issue("bad-sql", **how)
    sql.restart()
    try:
        assert refused(given) == code
    finally:
        sql.pair = good
        sql.restart()
