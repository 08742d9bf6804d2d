"""
A MySQL that compresses its transactions is refused by name: of a row that one changes twice, the second may be lost.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from syncsvc import mapping
from syncsvc.cli import main
from syncsvc.devstack import cache, children
from syncsvc.devstack.missing import ServerMissing
from syncsvc.devstack.mysql import MySql
from syncsvc.doctor import examine, source
from syncsvc.doctor.finding import Finding
from syncsvc.settings import read
from tests.verify import world

pytestmark = pytest.mark.servers


@pytest.fixture
def mysql(tmp_path: Path) -> Iterator[MySql]:
    """As it comes, with the tables of the example."""
    nursery = children.Nursery()
    server = MySql(cache.Cache(nursery, print), tmp_path / "mysql")
    try:
        server.start()
    except ServerMissing as missing:
        nursery.close()
        pytest.skip(f"MySQL cannot be had here: {missing}")
    try:
        server.execute(*world.SCHEMA)
        yield server
    finally:
        server.stop()
        nursery.close()


def of_the_binlog(server: MySql, file: Path) -> list[Finding]:
    """What doctor finds of the binlog, with the login of the service."""
    given = read({"SYNCSVC_SOURCE_DSN": server.dsn})
    looks = [("source", where, look) for where, look in source.looks([mapping.load(file)], given)]
    return [finding for finding in examine.examine(looks, 60) if finding.check == "source.binlog"]


def test_compressed_transactions_are_refused(mysql: MySql, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By `doctor` and by `validate --live`, with the variable, how it is switched off and who else may set it."""
    monkeypatch.setenv("SYNCSVC_SOURCE_DSN", mysql.dsn)
    monkeypatch.delenv("SYNCSVC_CONNECT_URL", raising=False)
    file = tmp_path / "meetings.yaml"
    file.write_text(world.MAPPING)
    (before,) = of_the_binlog(mysql, file)
    assert (before.state, "binlog_transaction_compression=OFF" in before.what) == ("ok", True)
    assert main(["validate", "--live", str(file)]) == 0

    mysql.execute("SET GLOBAL binlog_transaction_compression = ON")

    (found,) = of_the_binlog(mysql, file)
    assert (found.state, found.where.endswith(", binlog_transaction_compression")) == ("fail", True)
    assert "SET PERSIST binlog_transaction_compression = OFF" in found.fix
    assert "SESSION_VARIABLES_ADMIN" in found.fix
    assert main(["validate", "--live", str(file)]) == 1
