"""
What `doctor` says of a connector, judged from what Connect says of it.
"""

from __future__ import annotations

from typing import Any

import pytest

from syncsvc.changes.connector import connector_config
from syncsvc.doctor import connector
from syncsvc.source.connectors import Wish
from tests.verify import world

WANTED = connector_config(
    name="syncsvc-meetup", kind="mysql", pipelines=[world.pipeline()], host="db", port=3306, user="u",
    password="s3cret", kafka_bootstrap="kafka:9092", server_id=7,
)  # fmt: skip
TRACE = "org.apache.kafka.connect.errors.ConnectException: no\n\tat a.b\nCaused by: {}\n\tat c.d"


def states(**there: str | None) -> dict[str, str]:
    """`{place: state}` of a connector with the wanted settings but for what is named (dots as underscores)."""
    changed = {name.replace("_", "."): value for name, value in there.items()}
    config = {name: value for name, value in (WANTED | changed).items() if value is not None}
    found = list(connector.differences(Wish("c", WANTED, config)))
    assert "s3cret" not in str(found)
    return {finding.where.rpartition(": ")[2]: str(finding.state) for finding in found}


def test_the_settings_that_apply_makes_are_all_fine() -> None:
    """One line."""
    assert states() == {"c": "ok"}


@pytest.mark.parametrize(
    ("changed", "place", "state"),
    [
        ({"decimal_handling_mode": "double"}, "decimal.handling.mode", "fail"),
        ({"event_converting_failure_handling_mode": None}, "event.converting.failure.handling.mode", "fail"),
        ({"table_include_list": "meetup\\.meeting"}, "table.include.list", "fail"),
        ({"connector_class": "io.debezium.connector.mariadb.MariaDbConnector"}, "connector.class", "fail"),
        ({"include_schema_changes": "false"}, "include.schema.changes", "fail"),
        ({"poll_interval_ms": "500"}, "poll.interval.ms", "warn"),
        ({"heartbeat_interval_ms": None}, "heartbeat.interval.ms", "warn"),
        ({"max_batch_size": "2048"}, "c", "ok"),
        ({"database_hostname": "mysql.internal"}, "c", "ok"),
        ({"database_password": "other"}, "c", "ok"),
    ],
)
def test_a_setting_is_told_by_what_it_costs(changed: dict[str, str | None], place: str, state: str) -> None:
    """What loses something fails, what costs time warns, another address or batch size is only named."""
    assert states(**changed)[place] == state


@pytest.mark.parametrize(
    ("connector_state", "tasks", "state"),
    [
        ("RUNNING", ["RUNNING"], "ok"),
        ("RUNNING", [], "fail"),
        ("RUNNING", ["UNASSIGNED"], "fail"),
        ("RUNNING", ["FAILED"], "fail"),
        ("PAUSED", ["PAUSED"], "fail"),
        ("STOPPED", [], "fail"),
    ],
)
def test_a_connector_runs_with_its_task_or_not_at_all(connector_state: str, tasks: list[str], state: str) -> None:
    """A connector may be RUNNING while its only task has failed."""
    status: dict[str, Any] = {
        "connector": {"state": connector_state}, "tasks": [{"id": n, "state": one} for n, one in enumerate(tasks)],
    }  # fmt: skip

    assert connector.running("c", status, "http://connect").state == state


@pytest.mark.parametrize(
    ("cause", "told"),
    [
        ("java.sql.SQLException: Access denied for user 'u'", "java.sql.SQLException: Access denied for user 'u'"),
        ("io.debezium.DebeziumException: cannot convert 4711-secret of row", "io.debezium.DebeziumException"),
    ],
)
def test_a_failure_is_told_without_the_values_of_a_row(cause: str, told: str) -> None:
    """What is about servers and rights is quoted, what may be about a row is only named."""
    assert connector.cause(TRACE.format(cause)) == told
    assert connector.cause("") == "it gives no reason"


@pytest.mark.parametrize(("age", "state"), [(4.0, "ok"), (20.0, "ok"), (600.0, "fail"), (None, "warn")])
def test_a_connector_that_is_silent_is_not_alive(age: float | None, state: str) -> None:
    """RUNNING says nothing about reading; a heartbeat does."""
    assert connector.heartbeat("c", 5.0, age).state == state


@pytest.mark.parametrize("side", ["key.converter", "value.converter"])
@pytest.mark.parametrize("kind", ["io.confluent.connect.avro", "io.apicurio.registry.utils.converter"])
def test_avro_without_a_registry_is_caught_before_a_record_parks(side: str, kind: str) -> None:
    """With the setting that is missing; JSON needs none."""
    there = WANTED | {side: f"{kind}.AvroConverter"}

    (found,) = connector.avro("c", there, None)
    assert (found.state, "SYNCSVC_SCHEMA_REGISTRY_URL" in found.fix) == ("fail", True)
    assert [*connector.avro("c", there, "http://registry:8081"), *connector.avro("c", WANTED, None)] == []
