"""
The Kafka Connect settings of the Debezium connector that feeds the source topics, and a judge of existing ones.

Pure: the settings are made and read here, never sent.  They are the other half of `columns`: the type table there holds
because of the settings here.  Debezium's own defaults lose data in ways no reader can see afterwards (a value that does
not convert becomes null, a NULL becomes the column's default, a two-digit year is moved a millennium), so every setting
that bears on a value is written out.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from syncsvc.errors import Problem, UsageFault
from syncsvc.mapping.model import Pipeline

CLASSES = {
    "mysql": "io.debezium.connector.mysql.MySqlConnector",
    "mariadb": "io.debezium.connector.mariadb.MariaDbConnector",
}
"""`{kind: connector class}`."""
_JSON = "org.apache.kafka.connect.json.JsonConverter"
_CONFLUENT_AVRO = "io.confluent.connect.avro.AvroConverter"
_APICURIO_AVRO = "io.apicurio.registry.utils.converter.AvroConverter"
_AVRO = (_CONFLUENT_AVRO, _APICURIO_AVRO)
_NULLS = {
    _JSON: ("replace.null.with.default", "true", "false"),
    _CONFLUENT_AVRO: ("ignore.default.for.nullables", "false", "true"),
}
"""`{converter: (setting, its default, the value under which a NULL stays one in a column with a default)}`."""

_EXACT = {
    "decimal.handling.mode": "string",  # as bytes the scale would be missing from the text
    "bigint.unsigned.handling.mode": "precise",  # with numeric decimals: a plain number, never a negative one
    "time.precision.mode": "adaptive_time_microseconds",
    "enable.time.adjuster": "false",  # the server knows what it stored: year 17 is not 2017
    "binary.handling.mode": "bytes",
    "event.converting.failure.handling.mode": "fail",  # the default writes null
    "event.processing.failure.handling.mode": "fail",
    "inconsistent.schema.handling.mode": "fail",
    "errors.tolerance": "none",
    "tombstones.on.delete": "true",
    "skipped.operations": "none",  # the default hides TRUNCATE
    "snapshot.mode": "initial",
    # A global read lock for the moment in which position and schemas are read; the rows are read without it, in one
    # REPEATABLE READ transaction.
    "snapshot.locking.mode": "minimal",
}
_CONVERTER = {
    "": _JSON,
    ".schemas.enable": "false",
    ".decimal.format": "NUMERIC",
    ".replace.null.with.default": "false",  # the default turns a NULL into the column's DEFAULT
}
_QUICK = {
    "poll.interval.ms": "20",  # how long a change may wait in the connector; the default is 500
    "max.batch.size": "4096",  # records
    "max.queue.size": "16384",  # records; must be above a batch
    "producer.override.linger.ms": "5",
    "producer.override.batch.size": "131072",  # bytes
    "producer.override.compression.type": "lz4",
    "heartbeat.interval.ms": "5000",  # the source offset moves on while the captured tables rest
    "include.schema.changes": "true",  # a DROP TABLE takes its rows along without a record of their own
}


def connector_config(
    *,
    name: str,
    kind: str,
    pipelines: Sequence[Pipeline],
    host: str,
    port: int,
    user: str,
    kafka_bootstrap: str,
    server_id: int,
    password: str | None = None,
    password_file: str | None = None,
    replication_factor: int = -1,
) -> dict[str, str]:
    """
    Settings of one connector for all tables of some pipelines, to be put to `/connectors/<name>/config`.

    Args:
        name: of the connector.
        kind: "mysql" or "mariadb".
        pipelines: at least one; all with the same `topic_prefix`.
        host: of the database, as the Connect worker sees it; `port`, `user` likewise.
        kafka_bootstrap: for the schema history, as the Connect worker sees it.
        server_id: of the connector as a replica, 1 to 2**32 - 1; used by no other replica of the server.
        password: in clear; or
        password_file: absolute path on the Connect worker, read through its `DirectoryConfigProvider`, which the worker
            must have under the name `directory`.
        replication_factor: of topics that Connect creates; -1 leaves it to the broker.

    Raises:
        UsageFault: `connector.no_pipeline`, `connector.many_prefixes`, `connector.unknown_kind`, `connector.password`.
    """
    prefix = _checked(kind, pipelines, password, password_file)
    tables = sorted({table for pipeline in pipelines for table in pipeline.tables})
    config = {
        "name": name,
        "connector.class": CLASSES[kind],
        "tasks.max": "1",
        "topic.prefix": prefix,
        "database.hostname": host,
        "database.port": str(port),
        "database.user": user,
        "database.password": password if password is not None else _secret(password_file or ""),
        "database.server.id": str(server_id),
        "database.include.list": ",".join(_literal(db) for db in sorted({table.split(".", 1)[0] for table in tables})),
        "table.include.list": ",".join(map(_literal, tables)),
        "schema.history.internal.kafka.bootstrap.servers": kafka_bootstrap,
        "schema.history.internal.kafka.topic": f"syncsvc.schema-history.{prefix}",
        "topic.creation.default.partitions": str(max(pipeline.source_partitions for pipeline in pipelines)),
        "topic.creation.default.replication.factor": str(replication_factor),
        # Every record is kept: a new generation is built from the topic.  Not compacted: a broker refuses the record of
        # a TRUNCATE in a compacted topic, because it has no key.
        "topic.creation.default.cleanup.policy": "delete",
        "topic.creation.default.retention.ms": "-1",
    }
    for side in ("key", "value"):
        config |= {f"{side}.converter{setting}": value for setting, value in _CONVERTER.items()}
    return config | _EXACT | _QUICK


def _checked(kind: str, pipelines: Sequence[Pipeline], password: str | None, password_file: str | None) -> str:
    """The one topic prefix of the pipelines."""
    problems = []
    prefixes = sorted({pipeline.topic_prefix for pipeline in pipelines})
    if not pipelines:
        problems.append(Problem("connector.no_pipeline", "connector", "there is no pipeline", "name a mapping file"))
    if len(prefixes) > 1:
        what = f"the pipelines have different topic prefixes: {', '.join(prefixes)}"
        problems.append(Problem("connector.many_prefixes", "topic_prefix", what, "make one connector for each prefix"))
    if kind not in CLASSES:
        what = f'there is no connector for "{kind}"'
        problems.append(Problem("connector.unknown_kind", "kind", what, f"use one of {', '.join(CLASSES)}"))
    if (password is None) == (password_file is None):
        what = "the password is given twice or not at all"
        problems.append(Problem("connector.password", "password", what, "give either the password or its file"))
    if problems:
        raise UsageFault.of(problems)
    return prefixes[0]


def _secret(path: str) -> str:
    """The placeholder that the worker's `DirectoryConfigProvider` fills with the content of a file."""
    folder, file = posixpath.split(path)
    return f"${{directory:{folder}:{file}}}"


def _literal(name: str) -> str:
    """A regular expression that fits exactly this name; Debezium's lists are anchored, and split at commas."""
    return re.sub(r"([^A-Za-z0-9_])", r"\\\1", name)


@dataclass(frozen=True, slots=True)
class _Rule:
    """What a setting must be for its values to be carried whole."""

    setting: str
    #: What Debezium or Connect takes when it is absent.
    default: str
    #: Values under which nothing is lost; the first is the one to set.
    good: tuple[str, ...]
    #: What happens otherwise.
    harm: str


_RULES = (
    _Rule("decimal.handling.mode", "precise", ("string",), "decimals come as doubles, or as bytes without their scale"),
    _Rule("time.precision.mode", "adaptive_time_microseconds", ("adaptive_time_microseconds",), "units differ"),
    _Rule("enable.time.adjuster", "true", ("false",), "years below 100 are moved to 1970 to 2069"),
    _Rule("binary.handling.mode", "bytes", ("bytes", "base64"), "binary values are not in plain base64"),
    _Rule("event.converting.failure.handling.mode", "warn", ("fail",), "a value that does not convert becomes null"),
    _Rule("event.processing.failure.handling.mode", "fail", ("fail",), "an event that cannot be processed is dropped"),
    _Rule("inconsistent.schema.handling.mode", "fail", ("fail",), "events with an unknown schema are dropped"),
    _Rule("errors.tolerance", "none", ("none",), "Connect drops records that do not convert"),
    _Rule("skipped.operations", "t", ("none",), "the skipped operations, TRUNCATE by default, are never seen"),
    _Rule("snapshot.mode", "initial", ("initial", "always", "when_needed"), "older rows are not read"),
    _Rule("key.converter", "the worker's", (_JSON, *_AVRO), "keys are not in a form that is read here"),
    _Rule("value.converter", "the worker's", (_JSON, *_AVRO), "values are not in a form that is read here"),
)
_CUTS = re.compile(r"column\.(?:mask|truncate)\.")
_RESHAPES = ("ExtractNewRecordState", "Filter")


def writes_avro(config: Mapping[str, str]) -> bool:
    """Whether the connector says itself that it writes Avro; what it leaves to its worker is not known."""
    return any(config.get(f"{side}.converter") in _AVRO for side in ("key", "value"))


def lossy_settings(config: Mapping[str, str]) -> list[Problem]:
    """
    Settings of an existing connector under which values are lost or changed before they can be read here.

    Args:
        config: as `/connectors/<name>/config` gives it.
    """
    name = config.get("name", "connector")

    def problem(setting: str, what: str, fix: str) -> Problem:
        return Problem("connector.lossy_setting", f"{name}: {setting}", what, fix)

    found = []
    for rule in _RULES:
        value = config.get(rule.setting, rule.default)
        if value not in rule.good:
            absent = "" if rule.setting in config else ", the default"
            found.append(problem(rule.setting, f'"{value}"{absent}: {rule.harm}', f"set {rule.setting}={rule.good[0]}"))
    for side in ("key.converter", "value.converter"):
        converter = config.get(side, _JSON)
        if converter == _APICURIO_AVRO:
            fix = f"take {_CONFLUENT_AVRO} or {_JSON}, unless no column that may be null has a DEFAULT"
            found.append(problem(side, "it turns NULL into the column's default, whatever is set", fix))
        elif converter in _NULLS:
            setting, default, good = _NULLS[converter]
            if config.get(f"{side}.{setting}", default) != good:
                what = "NULL becomes the column's default"
                found.append(problem(f"{side}.{setting}", what, f"set {side}.{setting}={good}"))
    for setting, value in sorted(config.items()):
        if _CUTS.match(setting):
            found.append(problem(setting, "it cuts or masks columns", "remove it, or leave the columns out"))
        if setting.startswith("transforms.") and setting.endswith(".type") and value.endswith(_RESHAPES):
            found.append(problem(setting, "a transform removes the envelope or records", "remove the transform"))
    return found
