"""Settings of the connector: written whole, and existing ones judged."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from syncsvc.changes import connector
from syncsvc.errors import UsageFault
from syncsvc.mapping.model import Pipeline, Root, Table


def pipeline(*tables: str, prefix: str = "meetup", source_partitions: int = 8) -> Pipeline:
    """A pipeline over these tables; only its tables, prefix and partitions count here."""
    return Pipeline(
        name="p", generation=1, collection="c", publish="view", topic_prefix=prefix, partitions=8,
        source_partitions=source_partitions, root=Root(tables[0], ("id",), ()), embed=(), computed=(),
        tables={name: Table(name, ("id",), {"id": "int"}) for name in tables},
        freshness_objective_seconds=5.0, path="p.yaml", text_hash="0" * 16,
    )  # fmt: skip


def config(*pipelines: Pipeline, **other: object) -> dict[str, str]:
    """The settings, with everything but the pipelines given."""
    given = {
        "name": "meetup-source", "kind": "mariadb", "pipelines": pipelines, "host": "db", "port": 3306, "user": "cdc",
        "password": "p", "kafka_bootstrap": "kafka:9092", "server_id": 5400,
    }  # fmt: skip
    return connector.connector_config(**(given | other))


@pytest.mark.parametrize("kind", ["mysql", "mariadb"])
def test_the_settings_we_write_lose_nothing(kind):
    """The judge of existing connectors finds nothing to say about ours."""
    assert connector.lossy_settings(config(pipeline("a.b"), kind=kind)) == []


def test_one_connector_captures_the_tables_of_all_its_pipelines():
    """Each table once; names are literal, a dot in them is not a wildcard."""
    made = config(pipeline("shop.order", "shop.line"), pipeline("shop.order", "hr.user$x", source_partitions=16))

    assert made["database.include.list"] == "hr,shop"
    assert made["topic.creation.default.partitions"] == "16"
    patterns = made["table.include.list"].split(",")
    tables = ["hr.user$x", "shop.line", "shop.order"]
    assert [table for pattern in patterns for table in tables if re.fullmatch(pattern, table)] == tables
    assert not any(re.fullmatch(pattern, "shopxorder") for pattern in patterns)


def test_every_setting_is_text():
    """Kafka Connect takes nothing else."""
    made = config(pipeline("a.b"))

    assert all(isinstance(value, str) for value in made.values())
    assert made["connector.class"] == "io.debezium.connector.mariadb.MariaDbConnector"
    assert made["key.converter.schemas.enable"] == made["value.converter.schemas.enable"] == "false"


def test_a_password_can_stay_in_a_file_of_the_worker():
    """Then the settings, which anyone can read from Connect, hold only its place."""
    made = config(pipeline("a.b"), password=None, password_file="/run/secrets/source/password")

    assert made["database.password"] == "${directory:/run/secrets/source:password}"


@pytest.mark.parametrize(
    ("pipelines", "other", "codes"),
    [
        ((), {}, ["connector.no_pipeline"]),
        ((pipeline("a.b"), pipeline("a.b", prefix="x")), {}, ["connector.many_prefixes"]),
        ((pipeline("a.b"),), {"kind": "oracle", "password": None}, ["connector.unknown_kind", "connector.password"]),
        ((pipeline("a.b"),), {"password_file": "/p"}, ["connector.password"]),
    ],
)
def test_what_cannot_be_one_connector_is_refused(pipelines, other, codes):
    """With all reasons at once."""
    with pytest.raises(UsageFault) as caught:
        config(*pipelines, **other)
    assert [problem.code for problem in caught.value.problems] == codes


def test_the_defaults_of_debezium_are_lossy():
    """A connector that says nothing is flagged for everything that its defaults lose."""
    flagged = {problem.where.split(": ")[1] for problem in connector.lossy_settings({"name": "old"})}

    assert flagged == {
        "decimal.handling.mode", "enable.time.adjuster", "event.converting.failure.handling.mode", "skipped.operations",
        "key.converter", "value.converter", "key.converter.replace.null.with.default",
        "value.converter.replace.null.with.default",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("decimal.handling.mode", "double"),
        ("time.precision.mode", "connect"),
        ("binary.handling.mode", "hex"),
        ("event.converting.failure.handling.mode", "warn"),
        ("inconsistent.schema.handling.mode", "skip"),
        ("errors.tolerance", "all"),
        ("snapshot.mode", "no_data"),
        ("column.truncate.to.20.chars", "a.b.c"),
        ("column.mask.with.5.chars", "a.b.c"),
        ("transforms.unwrap.type", "io.debezium.transforms.ExtractNewRecordState"),
    ],
)
def test_a_setting_that_loses_is_named_with_its_remedy(setting, value):
    """One problem, at the connector and the setting."""
    (found,) = connector.lossy_settings(config(pipeline("a.b")) | {setting: value})

    assert (found.code, found.where) == ("connector.lossy_setting", f"meetup-source: {setting}")
    assert found.what
    assert found.fix


@pytest.mark.parametrize("mode", ["long", "precise"])
def test_both_exact_forms_of_unsigned_integers_are_fine(mode):
    """`long` wraps around at 2**63, which is undone when it is read."""
    assert connector.lossy_settings(config(pipeline("a.b")) | {"bigint.unsigned.handling.mode": mode}) == []


def test_a_pipeline_may_ask_for_more_partitions_than_another():
    """The topics get the greatest number."""
    few, many = pipeline("a.b", source_partitions=2), pipeline("a.b", source_partitions=4)

    assert config(few, replace(many, name="q"))["topic.creation.default.partitions"] == "4"


@pytest.mark.parametrize(
    ("converter", "more", "lossy"),
    [
        ("io.confluent.connect.avro.AvroConverter", {}, True),
        ("io.confluent.connect.avro.AvroConverter", {"ignore.default.for.nullables": "true"}, False),
        ("io.apicurio.registry.utils.converter.AvroConverter", {"ignore.default.for.nullables": "true"}, True),
        ("io.confluent.connect.protobuf.ProtobufConverter", {}, True),
    ],
)
def test_a_converter_is_judged_by_what_it_makes_of_null(converter, more, lossy):
    """Avro is read too; one converter can keep a NULL in a column with a default, the other cannot."""
    found = config(pipeline("a.b"))
    for side in ("key.converter", "value.converter"):
        found |= {side: converter} | {f"{side}.{setting}": value for setting, value in more.items()}

    assert bool(connector.lossy_settings(found)) is lossy
