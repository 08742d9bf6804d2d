"""
`syncsvc init` on schemas that this repository has never seen, on real servers: from information_schema to documents.
"""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from syncsvc.devstack.stack import Stack
from syncsvc.mapping import delete_rules, load, load_with_places
from syncsvc.source import connection, introspection
from syncsvc.source.catalog import Catalog
from tests.cli.conftest import Run
from tests.source import company, rental

pytestmark = pytest.mark.servers

RENTAL_ROOTS = (
    "actor", "address", "category", "city", "country", "customer", "film", "inventory", "language", "rental", "staff",
    "store",
)  # fmt: skip


@pytest.fixture
def catalog(servers: Stack) -> Catalog:
    """Both schemas as they are read."""
    with closing(connection.connect(servers.addresses.sql_dsn)) as opened:
        return introspection.read(opened, [rental.DATABASE, company.DATABASE])


def init(run: Run, out: Path, *words: object) -> Any:
    """Run it, and give what it says as JSON."""
    outcome = run("init", "--out", out, *words, "-o", "json")
    assert outcome.code == 0, outcome
    return outcome.json


def test_every_proposal_is_valid_and_fits_the_server(run: Run, source: Stack, tmp_path: Path) -> None:
    """Every root of both schemas, three levels deep: `validate --live` finds nothing to say."""
    words = [word for name in RENTAL_ROOTS for word in ("--root", f"{rental.DATABASE}.{name}")]
    words += [word for name in ("employees", "departments", "salaries") for word in ("--root", f"company.{name}")]
    made = init(run, tmp_path, *words, "--depth", 3)
    files = [file["file"] for file in made["files"]]

    assert len(files) == len(RENTAL_ROOTS) + 3
    for pipeline, places in map(load_with_places, files):
        with closing(connection.connect(source.addresses.sql_admin_dsn)) as opened:
            silent = delete_rules.introspect(opened, pipeline.tables)
        assert delete_rules.differences(pipeline, silent, places) == []
    outcome = run("validate", *files, "--live", "-o", "json")
    assert (outcome.code, outcome.json["problems"]) == (0, [])


def test_without_a_root_every_table_that_could_head_documents_gets_a_file(
    run: Run, source: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the database that the DSN names; junctions and what nobody refers to get none."""
    monkeypatch.setenv("SYNCSVC_SOURCE_DSN", source.env()["SYNCSVC_SOURCE_DSN"].replace("/meetup", "/rental_shop"))

    made = init(run, tmp_path)

    assert sorted(file["root"] for file in made["files"]) == [f"rental_shop.{name}" for name in RENTAL_ROOTS]


def test_what_a_person_should_look_at_is_told(run: Run, source: Stack, catalog: Catalog, tmp_path: Path) -> None:
    """No key, a type that is not carried, wide texts, and cascades where the server does not log them."""
    made = init(run, tmp_path, "--root", "rental_shop.customer", "--root", "rental_shop.film")
    told = {(warning["code"], warning["where"]) for warning in made["warnings"]}

    assert {
        ("init.no_key", "rental_shop.visit_log"),
        ("init.wide", "rental_shop.film.description"),
    } <= told
    assert (("init.type", "rental_shop.address.location") in told) is (source.addresses.sql_kind == "mariadb")
    assert (("init.cascade", "rental_shop.film_category.film_id") in told) is not catalog.logs_cascades
    assert (("init.cascade", "rental_shop.rental.customer_id") in told) is not catalog.logs_cascades


def test_composite_keys_cascades_and_self_references_are_proposed(
    run: Run, source: Stack, catalog: Catalog, tmp_path: Path
) -> None:
    """The company: salaries by (emp_no, from_date), departments through a junction, bosses to two levels."""
    init(run, tmp_path, "--root", "company.employees", "--root", "company.salaries")
    employees, salaries = load(tmp_path / "employees.yaml"), load(tmp_path / "salaries.yaml")
    by_name = {embed.name: embed for embed in employees.embed}

    assert set(by_name) == {"boss", "departments", "dept_managers", "employees_by_boss", "salaries", "titles"}
    assert by_name["departments"].embed[0].merge
    assert by_name["salaries"].identity == ("emp_no", "from_date")
    assert by_name["salaries"].on_parent_delete == ("orphan" if catalog.logs_cascades else "cascade")
    assert salaries.root.key == ("emp_no", "from_date")
    assert salaries.embed[1].on == ("emp_no", "from_date")
    assert salaries.tables["company.bonus"].columns["amount"] == "decimal(40,2) as text"


def test_statistics_tell_how_long_lists_are(servers: Stack) -> None:
    """Rows of the table by distinct values of the foreign key; nothing is said of tables with few rows."""
    numbers = ", ".join(f"({number}, {number % 3})" for number in range(600))
    servers.sql.execute(
        "CREATE DATABASE IF NOT EXISTS statistics",
        "CREATE TABLE statistics.parent (id INT PRIMARY KEY)",
        "CREATE TABLE statistics.child (id INT PRIMARY KEY, parent_id INT, "
        "FOREIGN KEY (parent_id) REFERENCES statistics.parent (id))",
        "INSERT INTO statistics.parent VALUES (0), (1), (2)",
        f"INSERT INTO statistics.child VALUES {numbers}",
        "ANALYZE TABLE statistics.child",
    )
    try:
        with closing(connection.connect(servers.addresses.sql_dsn)) as opened:
            read = introspection.read(opened, ["statistics"])
        (key,) = read.tables["statistics.child"].foreign_keys
        assert key.rows_each is not None
        assert 50 <= key.rows_each <= 300  # 200, as far as a sample of the index can tell
    finally:
        servers.sql.execute("DROP DATABASE statistics")


def test_a_server_is_asked_which_cascades_it_logs(servers: Stack, catalog: Catalog) -> None:
    """MariaDB none; MySQL from 9.6 on all of them."""
    with closing(connection.connect(servers.addresses.sql_dsn)) as opened:
        version = tuple(int(part) for part in opened.get_server_info().split("-")[0].split(".")[:2])

    assert catalog.logs_cascades is (servers.addresses.sql_kind == "mysql" and version >= (9, 6))


def test_an_unknown_root_is_told_with_the_nearest_one(run: Run, source: Stack, tmp_path: Path) -> None:
    """And nothing is written."""
    outcome = run(
        "init", "--root", "rental_shop.flim", "--root", "rental_shop.visit_log", "--out", tmp_path, "-o", "json"
    )

    assert (outcome.code, outcome.codes) == (2, ["init.unknown_table", "init.no_key"])
    assert outcome.json["problems"][0]["fix"] == 'did you mean "rental_shop.film"?'
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_there_stays(run: Run, source: Stack, tmp_path: Path) -> None:
    """Unless --force; if one of several is there, none is written."""
    (tmp_path / "films.yaml").write_text("mine")
    words = ("init", "--root", "rental_shop.film", "--root", "rental_shop.actor", "--out", tmp_path, "-o", "json")

    refused = run(*words)
    assert (refused.code, refused.codes) == (2, ["init.exists"])
    assert ((tmp_path / "films.yaml").read_text(), (tmp_path / "actors.yaml").exists()) == ("mine", False)

    assert run(*words, "--force").code == 0
    assert (tmp_path / "films.yaml").read_text() != "mine"
