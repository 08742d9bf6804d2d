"""
MariaDB as the oracle: random expressions over random rows have the value that the database gives.

Texts are compared there with a collation of code points that does not pad.  Two things differ and are left out of
random expressions: the precision of quotients (MariaDB keeps at most 38 places, ours 34 digits; compared rounded in a
test of their own), and the rounding of doubles (see `test_values`).
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pymysql
import pytest

from syncsvc.devstack.missing import ServerMissing
from syncsvc.devstack.stack import Stack
from syncsvc.expressions import ComputeError, evaluate, parse
from syncsvc.source.connection import connect
from tests.expressions.generated import Generator, described, plain, rows, same, sql

pytestmark = pytest.mark.servers
EXPRESSIONS, ROWS = 600, 25
OUT_OF_RANGE = 1690
_TABLE = """
CREATE TEMPORARY TABLE r (n INT PRIMARY KEY AUTO_INCREMENT, i INT, j BIGINT, d DECIMAL(12,2), e DECIMAL(20,6), x DOUBLE,
    s VARCHAR(40), t VARCHAR(40), f TINYINT(1), m DATETIME(3), w DATETIME(3))
    CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin
"""


@pytest.fixture(scope="module")
def database() -> Iterator[pymysql.Connection]:
    """A session in which quotes, division and collation are as this test needs them."""
    stack = Stack(sql="mariadb", connect=False, kafka=False, mongod=False)
    try:
        stack.start()
    except ServerMissing as missing:
        pytest.skip(f"MariaDB cannot be had here: {missing}")
    try:
        with contextlib.closing(connect(stack.addresses.sql_admin_dsn)) as connection, connection.cursor() as cursor:
            cursor.execute("SET NAMES utf8mb4 COLLATE utf8mb4_nopad_bin")
            cursor.execute("SET sql_mode = 'PIPES_AS_CONCAT', div_precision_increment = 30, time_zone = '+00:00'")
            cursor.execute(_TABLE)
            yield connection
    finally:
        stack.stop()


def _ask(database: pymysql.Connection, query: str, *values: Any) -> list[Any]:
    with database.cursor() as cursor:
        cursor.execute(query, values or None)
        return [row[0] for row in cursor.fetchall()]


def _filled(database: pymysql.Connection, rng: random.Random, count: int) -> list[dict[str, Any]]:
    made = rows(rng, count)
    _ask(database, "DELETE FROM r")
    for row in made:
        places = ", ".join(["%s"] * len(row))
        _ask(database, f"INSERT INTO r ({', '.join(row)}) VALUES ({places})", *map(plain, row.values()))
    return made


def test_mariadb_gives_the_same_values(database: pymysql.Connection) -> None:
    """Six hundred expressions of every kind over 25 rows: numbers by value, texts, moments and nulls exactly."""
    rng = random.Random(4)
    made = _filled(database, rng, ROWS)
    generator, wrong, seen = Generator(rng, "mariadb"), [], set()

    for _ in range(EXPRESSIONS):
        expression = parse(generator.any_kind(4))
        try:
            theirs = _ask(database, f"SELECT {sql(expression.root, 'mariadb')} FROM r ORDER BY n")
        except pymysql.OperationalError as error:
            assert error.args[0] == OUT_OF_RANGE, expression.text  # noqa: PT017
            with pytest.raises(ComputeError):
                [evaluate(expression, row) for row in made]
            continue
        for row, value in zip(made, theirs, strict=True):
            ours = evaluate(expression, row)
            seen.add(type(ours))
            if not same(ours, value):
                wrong.append(f"{expression.text}: ours {ours!r}, theirs {value!r} for {described(row)}")
                break

    assert wrong == []
    assert len(seen) >= 7  # Int64, Decimal128, float, str, bool, datetime, None


def test_mariadb_gives_the_same_aggregates(database: pymysql.Connection) -> None:
    """Sums, extremes and conditions of lists with nulls, and of lists without elements."""
    rng = random.Random(5)
    wrong = []
    for turn in range(40):
        level = {"list": _filled(database, rng, (0, 1, 5)[turn % 3])}
        generator = Generator(rng, "mariadb")
        kind, condition = generator.of(rng.choice(("whole", "decimal")), 2), generator.of("flag", 2)
        inner, test = (sql(parse(text).root, "mariadb") for text in (kind, condition))
        for text, query in (
            (f"count(list, {condition})", f"SELECT count(*) FROM r WHERE {test}"),
            (f"sum(list, {kind})", f"SELECT sum({inner}) FROM r"),
            (f"min(list, {kind})", f"SELECT min({inner}) FROM r"),
            ("max(list, s)", "SELECT max(s) FROM r"),
            ("min(list, m)", "SELECT min(m) FROM r"),
            (f"any(list, {condition})", f"SELECT EXISTS (SELECT 1 FROM r WHERE {test})"),
            (f"all(list, {condition})", f"SELECT NOT EXISTS (SELECT 1 FROM r WHERE ({test}) IS NOT TRUE)"),
        ):
            (theirs,) = _ask(database, query)
            if not same(evaluate(parse(text), level), theirs):
                wrong.append(f"{text}: ours {evaluate(parse(text), level)!r}, theirs {theirs!r}")

    assert wrong == []


@pytest.mark.parametrize("text", ["i / j", "d / e", "i / 3", "(d + 1) / (i * 7)", "j / d", "e / 0", "1 / 3 * 3"])
def test_quotients_agree_to_twenty_places(text: str, database: pymysql.Connection) -> None:
    """Ours have 34 digits, rounded half to even; MariaDB's at most 38 places, cut."""
    made = _filled(database, random.Random(6), ROWS)
    expression = parse(text)
    theirs = _ask(database, f"SELECT {sql(expression.root, 'mariadb')} FROM r ORDER BY n")

    for row, value in zip(made, theirs, strict=True):
        ours = plain(evaluate(expression, row))
        if ours is None or value is None:
            assert ours is value
        else:
            assert abs(ours - Decimal(value)) <= Decimal("1e-20"), f"{ours} and {value} for {described(row)}"
