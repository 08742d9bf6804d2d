"""SQLite as a fast oracle: logic, comparisons, in, between, like and aggregates mean what they mean in SQL."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator
from typing import Any

import pytest

from syncsvc.expressions import evaluate, nodes, parse
from tests.expressions.generated import Generator, described, plain, rows, same, sql

COLUMNS = ("i", "j", "x", "s", "t", "f")


@pytest.fixture
def database() -> Iterator[sqlite3.Connection]:
    """An empty table; LIKE minds case."""
    connection = sqlite3.connect(":memory:")
    connection.execute("PRAGMA case_sensitive_like = ON")
    columns = "n INTEGER PRIMARY KEY, i INTEGER, j INTEGER, x REAL, s TEXT, t TEXT, f INTEGER"
    connection.execute(f"CREATE TABLE t ({columns})")
    yield connection
    connection.close()


def _filled(database: sqlite3.Connection, seed: int, count: int) -> list[dict[str, Any]]:
    made = [{name: row[name] for name in COLUMNS} for row in rows(random.Random(seed), count)]
    for row in made:
        row["j"] = None if row["j"] is None else row["j"] % 1000  # products beyond 64 bits are doubles there
    values = [[plain(row[name]) for name in COLUMNS] for row in made]
    database.executemany("INSERT INTO t (i, j, x, s, t, f) VALUES (?, ?, ?, ?, ?, ?)", values)
    return made


@pytest.mark.parametrize("seed", range(40))
def test_sqlite_gives_the_same_values(seed: int, database: sqlite3.Connection) -> None:
    """Ten random expressions over ten random rows each."""
    made = _filled(database, seed, 10)
    generator = Generator(random.Random(seed), "sqlite")

    for _ in range(10):
        expression = parse(generator.any_kind(4))
        theirs = [row[0] for row in database.execute(f"SELECT {sql(expression.root, 'sqlite')} FROM t ORDER BY n")]
        for row, value in zip(made, theirs, strict=True):
            assert same(evaluate(expression, row), value), f"{expression.text}: {value!r} for {described(row)}"


@pytest.mark.parametrize("seed", range(30))
@pytest.mark.parametrize("size", [0, 1, 6])
def test_sqlite_gives_the_same_aggregates(seed: int, size: int, database: sqlite3.Connection) -> None:
    """Over nothing, one and several elements, with nulls among them."""
    level = {"list": _filled(database, seed, size)}
    generator = Generator(random.Random(seed), "sqlite")
    whole, condition = generator.of("whole", 2), generator.of("flag", 2)
    inner, test = (sql(parse(text).root, "sqlite") for text in (whole, condition))
    assert isinstance(parse(f"sum(list, {whole})").root, nodes.Aggregate)

    for text, query in (
        ("count(list)", "SELECT count(*) FROM t"),
        (f"count(list, {condition})", f"SELECT count(*) FROM t WHERE {test}"),
        (f"sum(list, {whole})", f"SELECT sum({inner}) FROM t"),
        (f"min(list, {whole})", f"SELECT min({inner}) FROM t"),
        ("max(list, s)", "SELECT max(s) FROM t"),
        (f"avg(list, {whole})", f"SELECT avg({inner}) FROM t"),
        (f"first(list, {whole})", f"SELECT {inner} FROM t ORDER BY n LIMIT 1"),
        (f"last(list, {whole})", f"SELECT {inner} FROM t ORDER BY n DESC LIMIT 1"),
        (f"any(list, {condition})", f"SELECT EXISTS (SELECT 1 FROM t WHERE {test})"),
        (f"all(list, {condition})", f"SELECT NOT EXISTS (SELECT 1 FROM t WHERE ({test}) IS NOT TRUE)"),
    ):
        found = database.execute(query).fetchone()
        assert same(evaluate(parse(text), level), found[0] if found else None), text
