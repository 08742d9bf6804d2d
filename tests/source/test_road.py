"""
From a schema that syncsvc has never seen to running pipelines: init, validate, apply, run, verify, and changes on top.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from syncsvc.devstack import dsn
from syncsvc.devstack.stack import Stack
from tests.cli.conftest import Run
from tests.source import company, rental

pytestmark = pytest.mark.servers

ROOTS = ("rental_shop.film", "rental_shop.rental", "company.employees", "company.departments", "company.salaries")
#: With what MariaDB does on top of it without logging it: it deletes rows of dept_emp and of rental.
CHANGES = (
    "UPDATE rental_shop.film SET language_id = 2, last_update = '2024-05-01 00:00:00.654321' WHERE film_id = 1",
    "UPDATE rental_shop.actor SET last_name = 'Lovelace' WHERE actor_id = 1",
    "DELETE FROM rental_shop.film_actor WHERE film_id = 1 AND actor_id = 3",
    "UPDATE company.employees SET boss_no = 3 WHERE emp_no = 4",
    "INSERT INTO company.salaries VALUES (1, '1988-06-26', 66074)",
    "DELETE FROM company.departments WHERE dept_no = 'd002'",
    "DELETE FROM rental_shop.payment WHERE customer_id = 2",
    "DELETE FROM rental_shop.customer WHERE customer_id = 2",
)


@pytest.fixture
def everything(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Stack]:
    """All servers with the sample schemas, but for the column that Debezium cannot read; the environment is set."""
    with Stack(sql="mariadb") as stack:
        stack.sql.execute(*rental.statements("mariadb"), *company.statements())
        stack.sql.execute("ALTER TABLE rental_shop.address DROP COLUMN location")
        for name, value in stack.env().items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("SYNCSVC_SOURCE_DSN", dsn.without_database(stack.env()["SYNCSVC_SOURCE_DSN"]))
        monkeypatch.setenv("SYNCSVC_HTTP_PORT", "0")
        monkeypatch.setenv("SYNCSVC_STATE_DIR", str(tmp_path / "state"))
        yield stack


def test_proposed_pipelines_run_and_stay_equal_to_the_sql_join(run: Run, everything: Stack, tmp_path: Path) -> None:
    """Nothing was written by hand: many-to-many, composite keys, self references, cascades that are not logged."""
    words = [word for root in ROOTS for word in ("--root", root)]
    made = run("init", *words, "--topic-prefix", "shop", "--out", tmp_path / "pipelines", "-o", "json").json
    files = [file["file"] for file in made["files"]]
    assert run("validate", *files, "--live").code == 0
    assert run("apply", *files).code == 0

    command = [sys.executable, "-m", "syncsvc.cli", "run", *files]
    with (tmp_path / "worker.log").open("w") as log:
        worker = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, env=dict(os.environ))
    try:
        first = run("verify", *files, "--wait", 90, "-o", "json")
        assert first.code == 0, first.out
        assert [found["documents"] for found in first.json["pipelines"]] == [3, 3, 4, 2, 3]

        everything.sql.execute(*CHANGES)
        second = run("verify", *files, "--wait", 60, "-o", "json")
        assert second.code == 0, second.out
        assert [found["documents"] for found in second.json["pipelines"]] == [3, 2, 4, 1, 4]

        assert run("preview", files[0], "--key", 1, "--diff").code == 0
        explained = run("explain", files[0], "--key", 1, "-o", "json").json
        assert {row["relation"] for row in explained["rows"]} >= {"", "language", "actors", "actors.actor"}
        assert all(look["answered"] for look in explained["looks"])
    finally:
        worker.send_signal(signal.SIGTERM)
        worker.wait(30)
