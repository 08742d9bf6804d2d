"""
What a worker or a command is told by its environment: one place, with unit, default and reason.

Names begin with `SYNCSVC_`.  Secrets are given as files (`…_FILE`) where a file can be mounted.  Refuses values that do
not fit their type, all at once.
"""

from __future__ import annotations

import os
import re
import socket
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from syncsvc.errors import Problem, UsageFault

PREFIX = "SYNCSVC_"


def _default_state_dir() -> Path:
    return Path(tempfile.gettempdir()) / "syncsvc-state"


@dataclass(frozen=True, slots=True)
class Settings:
    """The environment of a worker; every field `name` is read from `SYNCSVC_NAME`."""

    #: Brokers, `host:port,host:port`.
    kafka_bootstrap: str = "127.0.0.1:9092"
    #: PEM file of the authority that signed the brokers' certificates; turns TLS on.
    kafka_ca_file: Path | None = None
    #: SASL user; with it SCRAM-SHA-512 is spoken.
    kafka_username: str | None = None
    #: File with the SASL password.
    kafka_password_file: Path | None = None
    #: MongoDB connection string; a replica set or mongos, since documents, state and offset share transactions.
    mongo_uri: str = "mongodb://127.0.0.1:27017/?replicaSet=rs0"
    #: File with the connection string, in place of `SYNCSVC_MONGO_URI`, where it holds a password.
    mongo_uri_file: Path | None = None
    #: PEM file of the authority that signed MongoDB's certificates; turns TLS on.
    mongo_ca_file: Path | None = None
    #: Database of the documents and of the bookkeeping (`syncsvc_…` collections).
    mongo_database: str = "syncsvc"
    #: Folder of the local state cache; losing it costs a reload, never data.
    state_dir: Path = field(default_factory=_default_state_dir)
    #: Port of page, metrics and probes; 0 takes a free one.
    http_port: int = 6066
    #: Address the port is bound to; 0.0.0.0 inside a pod.
    http_host: str = "127.0.0.1"
    #: Kafka Connect's REST address, for `apply` and `plan`.
    connect_url: str | None = None
    #: Source database, `mysql://user:password@host:port/database`; for `validate --live`, `verify` and `apply`.  Where
    #: tables come from several servers: `prefix=mysql://…` for each topic prefix, with blanks between them.
    source_dsn: str | None = None
    #: File with the source DSN, in place of `SYNCSVC_SOURCE_DSN`.
    source_dsn_file: Path | None = None
    #: Schema registry of a connector that writes Avro, `http://host:port`; needs the extra `avro`.
    schema_registry_url: str | None = None
    #: PEM file of the authority that signed the registry's certificate.
    schema_registry_ca_file: Path | None = None
    #: File with `user:password` for the registry.
    schema_registry_credentials_file: Path | None = None
    #: Name of this worker: a pod's name makes it a static member of its consumer group.
    instance: str | None = None
    #: `debug`, `info`, `warning` or `error`.
    log_level: str = "info"
    #: `json` or `text`.
    log_format: str = "json"
    #: Copies that internal topics get; 3 in production.
    replication_factor: int = 1
    #: How long the keyed topic keeps records, hours: longer than any outage, since it is what a restart reads on from.
    keyed_retention_hours: float = 168.0
    #: Longest pause between two heartbeats of a connector whose source rests, seconds: three missing ones make a
    #: pipeline stale although its lag is 0.  Debezium passes the database's own heartbeat on then, which it asks for
    #: every 0.8 x `connect.keep.alive.interval.ms`, by default 48 s.  0: heartbeats are shown and not judged.
    heartbeat_seconds: float = 48.0
    #: Longest pause between two transactions of a router partition, ms: routers are not on a change's path to MongoDB.
    router_commit_ms: float = 250.0

    @property
    def name(self) -> str:
        """Who this worker is, for people."""
        return self.instance or f"{socket.gethostname()}-{os.getpid()}"

    def mongo_address(self) -> str:
        """The connection string, from its file when there is one."""
        return _secret(self.mongo_uri_file, self.mongo_uri) or ""

    def source_address(self) -> str | None:
        """The source DSN, from its file when there is one."""
        return _secret(self.source_dsn_file, self.source_dsn)

    def source_addresses(self) -> dict[str, str]:
        """`{topic prefix: DSN}`; a DSN without prefix, for all of them, stands under ""."""
        found = {}
        for part in (self.source_address() or "").split():
            named = re.fullmatch(r"([A-Za-z0-9._-]+)=(.+)", part)
            prefix, dsn = (named[1], named[2]) if named else ("", part)
            found[prefix] = dsn
        return found


def _secret(file: Path | None, value: str | None) -> str | None:
    if file is None:
        return value
    try:
        return file.read_text().strip()
    except OSError as error:
        raise UsageFault(
            code="settings.secret_file",
            where=str(file),
            what=f"the file cannot be read: {error.strerror}",
            fix="mount it readable for this user, or correct the name",
        ) from None


_READERS: dict[str, Callable[[str], Any]] = {
    "str": str,
    "str | None": str,
    "int": int,
    "float": float,
    "Path": Path,
    "Path | None": Path,
}
_CHOICES = {"log_level": ("debug", "info", "warning", "error"), "log_format": ("json", "text")}


def read(environment: Mapping[str, str] | None = None) -> Settings:
    """
    The settings of an environment.

    Raises:
        UsageFault: `settings.bad_value`, for all values that do not fit.
    """
    given = os.environ if environment is None else environment
    values: dict[str, Any] = {}
    problems = []
    for setting in fields(Settings):
        variable = PREFIX + setting.name.upper()
        text = given.get(variable, "")
        if not text:
            continue
        try:
            value = _READERS[str(setting.type)](text)
        except ValueError:
            what = f"{text!r} is not of type {setting.type}"
            problems.append(Problem("settings.bad_value", variable, what, "correct the variable"))
            continue
        choices = _CHOICES.get(setting.name)
        if choices and value not in choices:
            fix = f"use one of {', '.join(choices)}"
            problems.append(Problem("settings.bad_value", variable, f"{text!r} is not known", fix))
        values[setting.name] = value
    if problems:
        raise UsageFault.of(problems)
    return Settings(**values)
