"""What MariaDB and MySQL really print about their tables, and that the shipped pipelines fit them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from syncsvc.changes import columns
from syncsvc.devstack import cache, children, dsn, mariadb, mysql
from syncsvc.mapping import delete_rules, live, load_text, load_with_places
from tests.mapping.texts import ORDERS, PIPELINES

pytestmark = pytest.mark.servers

TABLES = """
CREATE TABLE meeting (id INT UNSIGNED PRIMARY KEY AUTO_INCREMENT, title VARCHAR(200) NOT NULL,
  place VARCHAR(100) NOT NULL, capacity INT NOT NULL, status VARCHAR(20) NOT NULL, starts_at DATETIME(3) NOT NULL);
CREATE TABLE user (id INT UNSIGNED PRIMARY KEY, name VARCHAR(100) NOT NULL, email VARCHAR(200) NOT NULL,
  city VARCHAR(100) NOT NULL);
CREATE TABLE meeting_application (id BIGINT UNSIGNED PRIMARY KEY, meeting_id INT UNSIGNED NOT NULL,
  user_id INT UNSIGNED, status VARCHAR(20) NOT NULL, memo VARCHAR(500), applied_at DATETIME(3) NOT NULL);
CREATE TABLE kinds (b INT NOT NULL, a CHAR(3) NOT NULL, whole INT(7) UNSIGNED ZEROFILL NOT NULL, flag BOOLEAN,
  small TINYINT, price NUMERIC(12, 2) NOT NULL,
  colour ENUM('Red', 'dark blue') NOT NULL, sent TIMESTAMP(6) NULL, body JSON, born YEAR,
  seen DATETIME NOT NULL, bits BIT(3), raw VARBINARY(16), place POINT, PRIMARY KEY (a, b));
CREATE TABLE keyless (id INT);
CREATE TABLE whole (x INT, y INT, PRIMARY KEY (x, y));
CREATE TABLE part (id INT PRIMARY KEY, b INT, a INT, above INT,
  FOREIGN KEY (a, b) REFERENCES whole (x, y) ON DELETE CASCADE,
  FOREIGN KEY (above) REFERENCES part (id) ON DELETE SET NULL)
"""

#: How both servers' texts read here, whatever display widths they print.
KINDS = {
    "b": "int", "a": "char(3)", "whole": "int unsigned", "flag": "tinyint(1) null", "small": "tinyint null",
    "price": "decimal(12,2)", "colour": "enum('Red','dark blue')", "sent": "timestamp(6) null", "born": "year null",
    "seen": "datetime", "bits": "bit(3) null", "raw": "varbinary(16) null", "place": "point null",
}  # fmt: skip


@pytest.fixture(scope="module", params=[mariadb.MariaDb, mysql.MySql], ids=["mariadb", "mysql"])
def connection(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A real server with the tables above, in the database `meetup`."""
    nursery = children.Nursery()
    try:
        server = request.param(cache.Cache(nursery, print), tmp_path_factory.mktemp("server"))
        server.start()
        with closing(dsn.connect(server.admin_dsn)) as connected:
            with connected.cursor() as cursor:
                for statement in TABLES.split(";\n"):
                    cursor.execute(statement)
            yield connected
    finally:
        nursery.close()


def test_the_meetings_pipeline_fits_its_tables(connection: Any) -> None:
    """No difference between the shipped file and tables made with the usual SQL."""
    pipeline, places = load_with_places(PIPELINES / "meetings.yaml")

    server = live.introspect(connection, pipeline.tables)

    assert live.differences(pipeline.tables, server, columns, places) == []


def test_both_servers_print_a_type_in_ways_that_read_the_same(connection: Any) -> None:
    """Display widths, synonyms and null become one canonical text; the key is in the order of the key."""
    kinds = live.introspect(connection, ["meetup.kinds"])["meetup.kinds"]

    assert {column: text for column, text in kinds.columns.items() if column != "body"} == KINDS
    assert kinds.columns["body"] in {"json null", "longtext null"}  # MariaDB's JSON is a text with a check
    assert kinds.key == ("a", "b")


def test_a_table_without_primary_key_has_no_key(connection: Any) -> None:
    """And the comparison tells it."""
    assert live.introspect(connection, ["meetup.keyless"])["meetup.keyless"].key == ()


def test_a_table_that_is_not_there_brings_the_nearest_one_that_is(connection: Any) -> None:
    """So that the problem can ask "did you mean"."""
    text = ORDERS.replace("shop.line", "meetup.metings")
    pipeline = load_text(text, "orders.yaml")

    server = live.introspect(connection, pipeline.tables)
    fixes = {problem.fix for problem in live.differences(pipeline.tables, server, columns)}

    assert set(server) == {"meetup.meeting"}
    assert 'did you mean "meetup.meeting"?' in fixes


def test_what_foreign_keys_do_is_read_with_whether_the_log_tells_it(connection: Any) -> None:
    """Both servers; MySQL tells it from 9.6 on."""
    rules = delete_rules.introspect(connection, ["meetup.part", "meetup.whole"])

    assert {(key.table, key.parent, key.pairs, key.on_delete) for key in rules.keys} == {
        ("meetup.part", "meetup.whole", frozenset({("a", "x"), ("b", "y")}), "CASCADE"),
        ("meetup.part", "meetup.part", frozenset({("above", "id")}), "SET NULL"),
    }
    late = "mariadb" not in rules.server.lower() and [int(part) for part in rules.server.split(".")[:2]] >= [9, 6]
    assert rules.logged is late
