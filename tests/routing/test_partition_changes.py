"""Which statements move rows with a partition, and of which tables, read from their text alone."""

from __future__ import annotations

import pytest

from syncsvc.routing.partition_changes import moved


@pytest.mark.parametrize(
    "ddl",
    [
        "ALTER TABLE shop.user DROP PARTITION p0",
        "alter table shop.user drop partition p0, p1",
        "ALTER TABLE user TRUNCATE PARTITION p0",
        "ALTER TABLE user TRUNCATE PARTITION ALL",
        "ALTER TABLE `user` DROP PARTITION `p0`",
        "ALTER TABLE `shop` . `user`\n\tDROP\n\tPARTITION p0;",
        'ALTER TABLE "shop"."user" DROP PARTITION p0',  # ANSI_QUOTES
        "/* ApplicationName=a tool */ ALTER TABLE user DROP PARTITION p0",
        "-- monthly\nALTER /* it's */ TABLE user # late\n DROP /**/ PARTITION p0",
        "ALTER TABLE user /*!50100 DROP PARTITION p0 */",
        "ALTER TABLE user /*M!100700 DROP PARTITION p0 */",
        "ALTER TABLE `shop`.`user`",  # what Debezium leaves of those two
        "ALTER TABLE user;",
        "ALTER TABLE user ALGORITHM=INPLACE, LOCK=NONE, DROP PARTITION p0",
        "ALTER TABLE user EXCHANGE PARTITION p0 WITH TABLE user WITHOUT VALIDATION",
        "ALTER TABLE user DISCARD PARTITION p0 TABLESPACE",
        "ALTER TABLE user IMPORT TABLESPACE",
        # MariaDB's own.
        "ALTER ONLINE IGNORE TABLE IF EXISTS user WAIT 5 DROP PARTITION IF EXISTS p0",
        "ALTER TABLE user NOWAIT DROP PARTITION p0",
        "SET STATEMENT max_statement_time = 5 FOR ALTER TABLE user DROP PARTITION p0",
    ],
)  # fmt: skip
def test_rows_that_go_with_a_partition_are_seen_however_it_is_written(ddl: str) -> None:
    """Case, comments, quotes, versions, options before it; both servers."""
    assert moved(ddl, "shop") == ["shop.user"]


@pytest.mark.parametrize(
    ("ddl", "tables"),
    [
        ("ALTER TABLE a.t EXCHANGE PARTITION p0 WITH TABLE b.s", ["a.t", "b.s"]),
        ("ALTER TABLE t EXCHANGE PARTITION p0 WITH TABLE `s` WITH VALIDATION", ["shop.t", "shop.s"]),
        ("ALTER TABLE t CONVERT PARTITION p0 TO TABLE s", ["shop.t", "shop.s"]),
        ("ALTER TABLE t CONVERT TABLE b.s TO PARTITION p0 VALUES LESS THAN (7)", ["shop.t", "b.s"]),
    ],
)
def test_both_tables_of_an_exchange_are_named(ddl: str, tables: list[str]) -> None:
    """Each has rows that it did not have, or has not those that it had."""
    assert moved(ddl, "shop") == tables


def test_names_may_have_anything_in_them() -> None:
    """Dots, quotes and words of the language, in quotes; letters of any script, without."""
    assert moved("ALTER TABLE `a.b`.`drop``s` DROP PARTITION p", None) == ["a.b.drop`s"]
    assert moved("ALTER TABLE größe$1 DROP PARTITION p", "läden") == ["läden.größe$1"]


@pytest.mark.parametrize(
    "ddl",
    [
        "ALTER TABLE user DROP COLUMN `partition`",
        "ALTER TABLE user DROP `partition`",
        "ALTER TABLE user COMMENT 'was: drop partition p0'",
        'ALTER TABLE user COMMENT "it\'s DROP PARTITION p0"',
        "ALTER TABLE user COMMENT 'a quote \\' DROP PARTITION p0'",
        "ALTER TABLE user COMMENT 'a quote \'\' DROP PARTITION p0'",
        "ALTER TABLE user ADD n int -- DROP PARTITION p0",
        "ALTER TABLE user /* DROP PARTITION p0 */ ADD n int",
        # Rows stay in these.
        "ALTER TABLE user ADD PARTITION (PARTITION p9 VALUES LESS THAN MAXVALUE)",
        "ALTER TABLE user REORGANIZE PARTITION p0 INTO (PARTITION p1 VALUES LESS THAN (3))",
        "ALTER TABLE user COALESCE PARTITION 2",
        "ALTER TABLE user REMOVE PARTITIONING",
        "ALTER TABLE user PARTITION BY HASH (id) PARTITIONS 4",
        "ALTER TABLE user CONVERT TO CHARACTER SET utf8mb4, COMMENT 'partition'",
        # It is not done, only written down.
        "CREATE EVENT e ON SCHEDULE EVERY 1 DAY DO ALTER TABLE user DROP PARTITION p0",
        "CREATE PROCEDURE p() BEGIN ALTER TABLE user DROP PARTITION p0; END",
        "ALTER EVENT e DO ALTER TABLE user DROP PARTITION p0",
        "DROP TABLE `alter table partition`",
        "ALTER TABLE DROP PARTITION",
        "",
    ],
)  # fmt: skip
def test_nothing_else_is_taken_for_one(ddl: str) -> None:
    """Texts, comments and columns that are called so; what moves rows between partitions of one table."""
    assert moved(ddl, "shop") == []
