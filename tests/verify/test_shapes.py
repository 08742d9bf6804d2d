"""
The oracle against documents written by hand: every spec file's changes made in a real database, and its SQL join.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from syncsvc import cases, mapping
from syncsvc.devstack.stack import Stack
from syncsvc.mapping.case import Step
from syncsvc.mapping.cases import beside
from syncsvc.mapping.model import Pipeline
from syncsvc.source import connection as sql
from syncsvc.verify import session
from syncsvc.verify.oracle import Oracle
from tests.specs import files
from tests.specs import sql as written

pytestmark = pytest.mark.servers


@pytest.fixture(scope="module")
def connection(servers: Stack) -> Iterator[sql.Connection]:
    """As the administrator."""
    with contextlib.closing(sql.connect(servers.sql.admin_dsn)) as opened:
        yield opened


def make(connection: sql.Connection, pipeline: Pipeline) -> None:
    """The empty tables of a pipeline."""
    with connection.cursor() as cursor:
        for database in {name.split(".")[0] for name in pipeline.tables}:
            cursor.execute(f"DROP DATABASE IF EXISTS `{database}`")
            cursor.execute(f"CREATE DATABASE `{database}` CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")
        for table in pipeline.tables.values():
            cursor.execute(written.table(table))
        for statement in written.cascades(pipeline):
            cursor.execute(statement)


def clear(connection: sql.Connection, pipeline: Pipeline) -> None:
    """No row is left."""
    with connection.cursor() as cursor:
        for name in reversed(pipeline.tables):
            cursor.execute(f"DELETE FROM {'.'.join(f'`{part}`' for part in name.split('.'))}")


def change(connection: sql.Connection, pipeline: Pipeline, step: Step) -> None:
    """One step of a case."""
    with connection.cursor() as cursor:
        for statement, arguments in written.statements(step, pipeline.tables):
            cursor.execute(statement, arguments or None)


def joined(pipeline: Pipeline, connection: sql.Connection) -> list[dict[str, Any]]:
    """The documents that the oracle expects."""
    with session.sources(pipeline, connection) as cursors:
        oracle = Oracle(pipeline, cursors)
        return [document for _, document in oracle.documents(oracle.rows_after(None, 1000))]


@pytest.mark.parametrize("path", files.mappings(), ids=files.name)
def test_the_sql_join_is_what_the_cases_expect(connection: sql.Connection, path: Path) -> None:
    """What `verify` expects is what a person expects, in every shape of the mapping language."""
    pipeline = mapping.load(path)
    wrong = []
    make(connection, pipeline)
    for case in cases.load(beside(path), pipeline):
        clear(connection, pipeline)
        for one in case.rounds:
            for step in one.given:
                change(connection, pipeline, step)
            for kind in pipeline.each():
                found = joined(kind, connection)
                parted = cases.differences(one.expect.get(kind.collection, ()), found)
                wrong += [(case.name, one.where, part.as_dict()) for part in parted if kind.collection in one.expect]

    assert wrong == []
