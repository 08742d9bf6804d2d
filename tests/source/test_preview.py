"""
`syncsvc preview` on real servers: what it renders from live rows is what the SQL join says, to the type.
"""

from __future__ import annotations

import json
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from bson import Int64
from pymongo import MongoClient

from syncsvc.devstack.stack import Stack
from syncsvc.mapping import load
from syncsvc.mapping.model import Pipeline
from syncsvc.source import connection, keys
from syncsvc.source.preview import preview
from syncsvc.verify import session
from syncsvc.verify.difference import first_difference
from syncsvc.verify.oracle import Oracle
from tests.cli.conftest import Run

pytestmark = pytest.mark.servers

TYPES = """
pipeline: types
source: {topic_prefix: types}
root:
  table: types.row
  key: [day, code]
  fields: [whole, big, price, huge, small, real, word, letters, options, body, moment, exact, stamp, span, year, flag,
    bits, raw, id16, spot]
tables:
  types.row:
    key: [day, code]
    columns:
      day: date
      code: varbinary(8)
      whole: int unsigned null
      big: bigint unsigned null as decimal
      price: decimal(12,2) null
      huge: decimal(40,2) null as text
      small: float null
      real: double null
      word: varchar(20) null
      letters: enum('a','b c') null
      options: set('x','y') null
      body: json null
      moment: datetime(3) null
      exact: datetime(6) null as micros
      stamp: timestamp(6) null as date
      span: time(2) null
      year: year null
      flag: tinyint(1) null
      bits: bit(9) null
      raw: blob null
      id16: binary(16) null as uuid
      spot: point null as geojson
"""
TYPES_SQL = (
    "DROP DATABASE IF EXISTS types",
    "CREATE DATABASE types CHARACTER SET utf8mb4",
    "CREATE TABLE types.row (day DATE, code VARBINARY(8), whole INT UNSIGNED, big BIGINT UNSIGNED, price DECIMAL(12,2),"
    " huge DECIMAL(40,2), small FLOAT, `real` DOUBLE, word VARCHAR(20), letters ENUM('a','b c'), options SET('x','y'),"
    " body JSON, moment DATETIME(3), exact DATETIME(6), stamp TIMESTAMP(6) NULL, span TIME(2), year YEAR, flag BOOLEAN,"
    " bits BIT(9), raw BLOB, id16 BINARY(16), spot POINT, PRIMARY KEY (day, code))",
    "SET time_zone = '+05:30'",
    "INSERT INTO types.row VALUES ('2024-02-29', x'00ff', 4294967295, 18446744073709551615, -12.30,"
    " 12345678901234567890123456789012345678.25, 0.5, 1e300, 'ä\\\\\"', 'b c', 'x,y', '[1, \"ü\", null, 2.5]',"
    " '1600-12-31 23:59:59.999', '9999-12-31 23:59:59.999999', '2024-01-01 05:30:00.123456', '-838:59:59.00', 1901, 1,"
    " b'100000001', x'00', x'000102030405060708090a0b0c0d0e0f', ST_GeomFromText('POINT(1.5 -2)')),"
    " ('1969-12-31', x'', 0, 0, 0, 0, -0.25, -1.5, '', 'a', '', '\"text\"', '1970-01-01', '1970-01-01',"
    " '1970-01-01 05:30:01', '00:00:00', 2155, 0, 0, '', x'00000000000000000000000000000000', NULL),"
    " ('0001-01-01', 'a', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,"
    " NULL, NULL, NULL, NULL, NULL)",
)  # fmt: skip


def proposed(run: Run, folder: Path, root: str) -> Path:
    """The file that `init` writes for a root."""
    outcome = run("init", "--root", root, "--out", folder, "-o", "json")
    assert outcome.code == 0, outcome
    return Path(outcome.json["files"][0]["file"])


def expected(pipeline: Pipeline, address: str | None) -> list[dict[str, Any]]:
    """Every document as the SQL join has it."""
    with closing(connection.connect(address)) as opened, session.sources(pipeline, opened) as cursors:
        oracle = Oracle(pipeline, cursors)
        return [document for _, document in oracle.documents(oracle.rows_after(None, 1000))]


def typed(identity: Any) -> str:
    """An `_id` as a person types it."""
    if isinstance(identity, dict):
        return json.dumps({name: typed(value) for name, value in identity.items()})
    return f"{identity:%Y-%m-%d}" if isinstance(identity, datetime) else str(identity)


@pytest.mark.parametrize(
    "root",
    ["rental_shop.film", "rental_shop.customer", "rental_shop.store", "rental_shop.category", "rental_shop.rental",
     "company.employees", "company.departments", "company.salaries"],
)  # fmt: skip
def test_a_preview_equals_the_sql_join(run: Run, source: Stack, tmp_path: Path, root: str) -> None:
    """For every row of a root that init proposed: the same values, of the same types."""
    pipeline = load(proposed(run, tmp_path, root))
    documents = expected(pipeline, source.addresses.sql_dsn)
    assert documents

    for document in documents:
        key = keys.read(pipeline, typed(document["_id"]))
        with closing(connection.connect(source.addresses.sql_dsn)) as opened:
            found = preview(pipeline, {pipeline.topic_prefix: opened}, key)
        assert found.document is not None
        assert first_difference(document, found.document) is None


def test_every_type_is_read_as_the_connector_would_send_it(source: Stack, tmp_path: Path) -> None:
    """Extremes, emptiness and null of each type, in a time zone of the server that must not matter."""
    (tmp_path / "types.yaml").write_text(TYPES)
    source.sql.execute(*TYPES_SQL)
    pipeline = load(tmp_path / "types.yaml")

    words = {"2024-02-29": "0x00ff", "1969-12-31": "0x", "0001-01-01": "0x61"}
    for document in expected(pipeline, source.addresses.sql_dsn):
        day = f"{document['_id']['day']:%Y-%m-%d}".rjust(10, "0")
        key = keys.read(pipeline, f'{{"day": "{day}", "code": "{words[day]}"}}')
        with closing(connection.connect(source.addresses.sql_dsn)) as opened:
            found = preview(pipeline, {pipeline.topic_prefix: opened}, key)
        assert first_difference(document, found.document) is None


def test_the_command_prints_extended_json_or_a_tree(run: Run, source: Stack, tmp_path: Path) -> None:
    """One document, and from how many rows of which tables."""
    file = proposed(run, tmp_path, "rental_shop.film")

    outcome = run("preview", file, "--key", 1, "-o", "json")
    assert outcome.code == 0
    assert (outcome.json["document"]["_id"], outcome.json["document"]["title"]) == (1, "Frankenstein")
    assert outcome.json["document"]["rental_rate"] == {"$numberDecimal": "2.50"}
    assert outcome.json["rows"]["rental_shop.film_actor"] == 3

    tree = run("preview", file, "--key", 1)
    assert tree.out.startswith("_id: 1\n")
    assert 'first_name: "Ada"' in tree.out


def test_a_key_of_several_columns_is_written_as_json(run: Run, source: Stack, tmp_path: Path) -> None:
    """Anything else says how to write it."""
    file = proposed(run, tmp_path, "company.salaries")

    outcome = run("preview", file, "--key", '{"from_date": "1986-06-26", "emp_no": 1}', "-o", "json")
    assert outcome.json["document"]["_id"] == {"emp_no": 1, "from_date": {"$date": "1986-06-26T00:00:00Z"}}
    assert [bonus["bonus_no"] for bonus in outcome.json["document"]["bonuses"]] == [1, 2]

    assert run("preview", file, "--key", "1", "-o", "json").codes == ["key.bad_form"]
    wrong = run("preview", file, "--key", '{"from_date": "yesterday", "emp_no": 1}', "-o", "json")
    assert (wrong.code, wrong.codes) == (2, ["key.bad_value"])


def test_tables_of_several_servers_are_read_each_from_its_own(
    run: Run, source: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which one is told by the prefix of a table's topics; a prefix without a DSN is told."""
    file = proposed(run, tmp_path, "rental_shop.film")
    text = file.read_text().replace("  rental_shop.language:\n", "  rental_shop.language:\n    topic_prefix: other\n")
    file.write_text(text)
    address = source.env()["SYNCSVC_SOURCE_DSN"]

    monkeypatch.setenv("SYNCSVC_SOURCE_DSN", f"rental_shop={address} other={address}")
    assert run("preview", file, "--key", 1, "-o", "json").json["document"]["language"]["name"] == "English"
    monkeypatch.setenv("SYNCSVC_SOURCE_DSN", f"rental_shop={address}")
    assert run("preview", file, "--key", 1, "-o", "json").codes == ["source.no_dsn"]


def test_a_key_is_found_as_the_server_compares_it(run: Run, source: Stack, tmp_path: Path) -> None:
    """The document is that of the row, under the row's own key."""
    outcome = run("preview", proposed(run, tmp_path, "company.departments"), "--key", "D001", "-o", "json")

    assert (outcome.code, outcome.json["document"]["_id"]) == (0, "d001")


def test_a_table_that_is_not_there_is_told(run: Run, source: Stack, tmp_path: Path) -> None:
    """Exit code 2: the mapping does not fit the server, `validate --live` says where."""
    file = proposed(run, tmp_path, "company.departments")
    file.write_text(file.read_text().replace("company.", "campany."))

    outcome = run("preview", file, "--key", "d001", "-o", "json")

    assert (outcome.code, outcome.codes) == (2, ["source.refused_query"])


def test_a_key_that_is_not_there_ends_with_1(run: Run, source: Stack, tmp_path: Path) -> None:
    """A failed check, not an empty document."""
    outcome = run("preview", proposed(run, tmp_path, "rental_shop.film"), "--key", 99, "-o", "json")

    assert (outcome.code, outcome.codes) == (1, ["preview.no_row"])


def test_a_document_of_too_many_rows_is_refused_in_time(run: Run, source: Stack, tmp_path: Path) -> None:
    """The limit says at which relation it was met."""
    outcome = run("preview", proposed(run, tmp_path, "rental_shop.film"), "--key", 1, "--rows", 3, "-o", "json")

    assert (outcome.code, outcome.codes) == (1, ["preview.too_many_rows"])
    assert outcome.json["problems"][0]["where"] == "actors"


def test_a_source_that_is_gone_ends_with_4(
    run: Run, source: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Like every command that cannot reach a server."""
    file = proposed(run, tmp_path, "rental_shop.film")
    monkeypatch.setenv("SYNCSVC_SOURCE_DSN", "mysql://user:secret@127.0.0.1:1/shop")

    outcome = run("preview", file, "--key", 1, "-o", "json")

    assert (outcome.code, outcome.codes) == (4, ["source.unreachable"])


def test_diff_compares_with_the_stored_document(run: Run, source: Stack, tmp_path: Path) -> None:
    """Exit code 1 when they differ, with each field that does; the version is not compared."""
    file = proposed(run, tmp_path, "rental_shop.actor")
    pipeline = load(file)
    document = expected(pipeline, source.addresses.sql_dsn)[0]
    key = ("--key", document["_id"], "--diff")
    with MongoClient[dict[str, Any]](source.mongod.uri) as client:
        stored = client["meetup"][pipeline.target_collection]
        assert run("preview", file, *key).code == 1

        stored.insert_one({**document, "_sync": {"v": [1, 7]}})
        equal = run("preview", file, *key, "-o", "json")
        stored.update_one({}, {"$set": {"first_name": "Augusta", "films.0.title": "x", "extra": 1}})
        different = run("preview", file, *key, "-o", "json")
        stored.replace_one({}, {**document, "films": [{**document["films"][0], "film_id": Int64(1)}]})
        of_another_type = run("preview", file, *key, "-o", "json")
        stored.drop()

    assert (equal.code, equal.json) == (0, {"equal": True, "differences": []})
    assert (different.code, different.json["equal"]) == (1, False)
    assert [place["path"] for place in different.json["differences"]] == ["first_name", "films[0].title", "extra"]
    assert different.json["differences"][0] == {"path": "first_name", "rendered": '"Ada"', "stored": '"Augusta"'}
    (place,) = of_another_type.json["differences"]
    assert place == {"path": "films[0].film_id", "rendered": '{"$numberInt": "1"}', "stored": '{"$numberLong": "1"}'}


@pytest.mark.parametrize(
    "huge",
    [
        pytest.param("sum(actors, actor_id) * 9223372036854775807", id="over a list: the document would park"),
        pytest.param("film_id * 9223372036854775807", id="over the row: its record would park"),
    ],
)
def test_what_a_worker_would_park_is_told(run: Run, source: Stack, tmp_path: Path, huge: str) -> None:
    """With the code that the parked entry would have."""
    file = proposed(run, tmp_path, "rental_shop.film")
    file.write_text(file.read_text().replace("embed:\n", f'computed: {{huge: "{huge}"}}\nembed:\n', 1))

    outcome = run("preview", file, "--key", 2, "-o", "json")

    assert (outcome.code, outcome.codes) == (1, ["computed.overflow"])


def test_a_row_that_a_filter_keeps_out_has_no_document(run: Run, source: Stack, tmp_path: Path) -> None:
    """The row is there, the document is not; the same code decides it as in production."""
    file = proposed(run, tmp_path, "rental_shop.actor")
    text = file.read_text().replace("  key: actor_id  # the", "  where: last_name = 'Byron'\n  key: actor_id  # the")
    file.write_text(text)

    assert run("preview", file, "--key", 1, "-o", "json").json["document"]["last_name"] == "Byron"
    kept_out = run("preview", file, "--key", 2, "-o", "json")
    assert (kept_out.code, kept_out.json["document"]) == (1, None)
    assert run("preview", file, "--key", 2, "--diff").code == 0
