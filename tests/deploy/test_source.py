"""The example database of docker-compose.yml is the one that the pipelines declare."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

Columns = dict[str, str]


@pytest.fixture(scope="module")
def created(root: Path) -> dict[str, Columns]:
    """`{database.table: {column: type}}` of the init script; a type ends in ` null` where NULL may stand."""
    script = (root / "deploy/mysql/10-meetup.sql").read_text()
    (database,) = re.findall(r"^CREATE DATABASE (\w+)", script, re.M)
    tables = {}
    for name, body in re.findall(r"^CREATE TABLE (\w+) \((.*?)^\);", script, re.M | re.S):
        columns = re.findall(r"^  (\w+) ([a-z][a-z0-9() ]*?) (NOT NULL|NULL)", body, re.M)
        tables[f"{database}.{name}"] = {
            column: kind + (" null" if null == "NULL" else "") for column, kind, null in columns
        }
    return tables


def test_it_has_every_table_and_column_with_the_declared_type(created, root, pipeline_files):
    """`syncsvc apply` compares them with the server and would refuse a difference."""
    for name in pipeline_files:
        declared = yaml.safe_load((root / "pipelines" / name).read_text())["tables"]
        for table, contract in declared.items():
            assert created[table] == contract["columns"], (name, table)


def test_every_table_has_rows_so_that_the_first_copy_shows_something(root, created):
    """The first `up` ends with documents to look at."""
    filled = re.findall(r"^INSERT INTO (\w+)", (root / "deploy/mysql/10-meetup.sql").read_text(), re.M)

    assert {f"meetup.{name}" for name in filled} == set(created)


def test_the_password_of_the_reading_user_stands_in_no_file(root):
    """It comes from the environment, as it does for the connector."""
    script = (root / "deploy/mysql/20-cdc-user.sh").read_text()

    assert re.findall(r"IDENTIFIED BY '([^$]*?)'", script) == []
    assert "CDC_PASSWORD" in script
