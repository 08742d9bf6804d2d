"""
What a worker or a command is told by its environment: one place, with unit, default and reason.

Names begin with `SYNCSVC_`.  Secrets are given as files (`…_FILE`) where a file can be mounted.  Refuses values that do
not fit their type, all at once.
"""

from __future__ import annotations

import ipaddress
import os
import re
import socket
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from syncsvc.errors import Problem, UsageFault

PREFIX = "SYNCSVC_"
_MOST_PORT = 65_535
#: What the name of a database in MongoDB may not hold, and how many bytes it has at most.
_NOT_IN_DATABASE = frozenset(' .$/\\"\0')
_MOST_OF_DATABASE = 63


def _default_state_dir() -> Path:
    return Path(tempfile.gettempdir()) / "syncsvc-state"


@dataclass(frozen=True, slots=True)
class Settings:
    """The environment of a worker; every field `name` is read from `SYNCSVC_NAME`."""

    #: Brokers, `host:port,host:port`.
    kafka_bootstrap: str = "127.0.0.1:9092"
    #: TLS with the authorities that the system trusts; each of the three files below turns it on as well.
    kafka_tls: bool = False
    #: PEM file of the authority that signed the brokers' certificates.
    kafka_ca_file: Path | None = None
    #: PEM files of our own certificate and its key, where brokers ask for one.
    kafka_certificate_file: Path | None = None
    kafka_key_file: Path | None = None
    #: SASL user; with it SASL is spoken.
    kafka_username: str | None = None
    #: File with the SASL password.
    kafka_password_file: Path | None = None
    #: How the password is proven; `PLAIN` shows it to the broker, so only over TLS.
    kafka_sasl_mechanism: str = "SCRAM-SHA-512"
    #: MongoDB connection string; a replica set or mongos, since documents, state and offset share transactions.
    mongo_uri: str = "mongodb://127.0.0.1:27017/?replicaSet=rs0"
    #: File with the connection string, in place of `SYNCSVC_MONGO_URI`, where it holds a password.
    mongo_uri_file: Path | None = None
    #: PEM file of the authority that signed MongoDB's certificates; turns TLS on.
    mongo_ca_file: Path | None = None
    #: PEM files of our own certificate and its key; to log in with it add `authMechanism=MONGODB-X509` to the URI.
    mongo_certificate_file: Path | None = None
    mongo_key_file: Path | None = None
    #: User, in place of the one in the connection string.
    mongo_username: str | None = None
    #: File with the user's password.
    mongo_password_file: Path | None = None
    #: Database of the documents and of the bookkeeping (`syncsvc_…` collections).
    mongo_database: str = "syncsvc"
    #: Folder of the local state cache; losing it costs a reload, never data.
    state_dir: Path = field(default_factory=_default_state_dir)
    #: Port of page, metrics and probes; 0 takes a free one.
    http_port: int = 6066
    #: Address the port is bound to; 0.0.0.0 inside a pod.
    http_host: str = "127.0.0.1"
    #: File with the token that lets a person decide about parked keys on the page; without it the page is read-only.
    http_token_file: Path | None = None
    #: Kafka Connect's REST address, for `apply` and `plan`.
    connect_url: str | None = None
    #: File with more settings of the connector, `name=value` lines: how Connect reaches a Kafka and a source with TLS
    #: and logins.  Values may be placeholders of Connect's own config providers, so that it holds no secret.
    connector_settings_file: Path | None = None
    #: Source database, `mysql://user:password@host:port/database`; for `validate --live`, `verify` and `apply`.  Where
    #: tables come from several servers: `prefix=mysql://…` for each topic prefix, with blanks between them.
    source_dsn: str | None = None
    #: File with the source DSN, in place of `SYNCSVC_SOURCE_DSN`.
    source_dsn_file: Path | None = None
    #: User for every DSN that names none.
    source_username: str | None = None
    #: File with that user's password.
    source_password_file: Path | None = None
    #: PEM file of the authority that signed the source's certificate; turns TLS on, for every DSN without `?ssl_ca=`.
    source_ca_file: Path | None = None
    #: PEM files of our own certificate and its key, where the user must show one (`REQUIRE X509`).
    source_certificate_file: Path | None = None
    source_key_file: Path | None = None
    #: Schema registry of a connector that writes Avro, `http://host:port`; needs the extra `avro`.
    schema_registry_url: str | None = None
    #: PEM file of the authority that signed the registry's certificate.
    schema_registry_ca_file: Path | None = None
    #: PEM files of our own certificate and its key, where the registry asks for one.
    schema_registry_certificate_file: Path | None = None
    schema_registry_key_file: Path | None = None
    #: File with `user:password` for the registry.
    schema_registry_credentials_file: Path | None = None
    #: Name of this worker: a pod's name makes it a static member of its consumer group.
    instance: str | None = None
    #: How long a worker may be silent before its partitions go to others, seconds.  A named instance that is back
    #: sooner gets them again without a rebalance; the partitions of one that died are read by nobody meanwhile.
    session_timeout_seconds: float = 15.0
    #: `debug`, `info`, `warning` or `error`.
    log_level: str = "info"
    #: `json` or `text`.
    log_format: str = "json"
    #: OpenTelemetry spans, one a transaction; needs the extra `otel`, and takes its `OTEL_…` variables.
    tracing: bool = False
    #: Copies that internal topics get; 3 in production.
    replication_factor: int = 1
    #: How long the keyed topic keeps records, hours: longer than any outage, since it is what a restart reads on from.
    keyed_retention_hours: float = 168.0
    #: Longest pause between two heartbeats of a connector whose source rests, seconds: three missing ones make a
    #: pipeline stale although its lag is 0.  Debezium passes the database's own heartbeat on then, which it asks for
    #: every 0.8 x `connect.keep.alive.interval.ms`, by default 48 s.  0: heartbeats are shown and not judged.
    heartbeat_seconds: float = 48.0
    #: Longest pause between two transactions of a router partition, ms: routers are not on a change's path to MongoDB.
    router_commit_ms: float = 500.0

    @property
    def name(self) -> str:
        """Who this worker is, for people."""
        return self.instance or f"{socket.gethostname()}-{os.getpid()}"

    def mongo_address(self) -> str:
        """The connection string, from its file when there is one."""
        return secret(self.mongo_uri_file, self.mongo_uri) or ""

    def mongo_password(self) -> str | None:
        """MongoDB's password, from its file when there is one."""
        return secret(self.mongo_password_file)

    def source_address(self) -> str | None:
        """The source DSN, from its file when there is one."""
        return secret(self.source_dsn_file, self.source_dsn)

    def source_addresses(self) -> dict[str, str]:
        """
        `{topic prefix: DSN}`; a DSN without prefix, for all of them, stands under "".

        User, password and certificates that are settings of their own are filled in.
        """
        found = {}
        for part in (self.source_address() or "").split():
            named = re.fullmatch(r"([A-Za-z0-9._-]+)=(.+)", part)
            prefix, dsn = (named[1], named[2]) if named else ("", part)
            found[prefix] = self._completed(dsn)
        return found

    def _completed(self, dsn: str) -> str:
        scheme, separator, rest = dsn.partition("://")
        if not separator:
            return dsn  # not of the form; told by who takes it apart
        if "@" not in rest and self.source_username is not None:
            password = secret(self.source_password_file)
            login = quote(self.source_username, safe="") + ("" if password is None else f":{quote(password, safe='')}")
            rest = f"{login}@{rest}"
        files = {
            "ssl_ca": self.source_ca_file, "ssl_cert": self.source_certificate_file, "ssl_key": self.source_key_file
        }  # fmt: skip
        given = {name: str(file) for name, file in files.items() if file is not None and f"{name}=" not in rest}
        joint = "&" if "?" in rest else "?"
        return f"{scheme}://{rest}{joint + urlencode(given) if given else ''}"


def secret(file: Path | None, value: str | None = None) -> str | None:
    """
    What stands in a mounted file, without the line end; without a file the `value`.

    Raises:
        UsageFault: `settings.secret_file`.
    """
    if file is None:
        return value
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageFault(
            code="settings.secret_file",
            where=str(file),
            what=f"the file cannot be read: {getattr(error, 'strerror', None) or 'it is not UTF-8 text'}",
            fix="mount it readable for this user, or correct the name",
        ) from None


def _truth(text: str) -> bool:
    known = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
    if text.lower() not in known:
        raise ValueError(text)
    return known[text.lower()]


def _brokers(text: str) -> bool:
    """Whether each part is `host:port`, `host`, or an IPv6 address, in brackets where a port stands behind it."""
    for part in filter(None, map(str.strip, text.split(","))):
        try:
            ipaddress.IPv6Address(part)
        except ValueError:
            found = re.fullmatch(r"(?:\[([^][]+)]|([^][:]+))(?::([0-9]{1,5}))?", part)
            if not found or int(found[3] or "1") not in range(1, _MOST_PORT + 1):
                return False
            if found[2] and not re.fullmatch(r"(?:[^\s./@]{1,63}\.)*[^\s./@]{1,63}\.?", found[2]):
                return False
    return True


def _database(text: str) -> bool:
    return not _NOT_IN_DATABASE & set(text) and len(text.encode(errors="surrogateescape")) <= _MOST_OF_DATABASE


def _misfits(variable: str, text: str) -> Iterator[Problem]:
    """What is wrong with the form of a value; the value is not told."""
    if variable.endswith("_URL"):
        try:
            holds_login = "@" in urlsplit(text).netloc
        except ValueError:
            what, fix = "it is no address", "write it as  http://host:port"
            yield Problem("settings.bad_value", variable, what, fix)
            return
        if holds_login:
            what, fix = "it holds a user or password, and an address is shown in messages", "leave them out"
            yield Problem("settings.bad_value", variable, what, fix)
    if variable.endswith("KAFKA_BOOTSTRAP") and not _brokers(text):
        what, fix = "it is no list of brokers", "write it as  host:port,host:port  with ports from 1 to 65535"
        yield Problem("settings.bad_value", variable, what, fix)
    if variable.endswith("MONGO_DATABASE") and not _database(text):
        what = "no database of MongoDB can have this name"
        fix = 'use at most 63 bytes, without blanks and without any of  . $ / \\ "'
        yield Problem("settings.bad_value", variable, what, fix)


_READERS: dict[str, Callable[[str], Any]] = {
    "str": str,
    "str | None": str,
    "bool": _truth,
    "int": int,
    "float": float,
    "Path": Path,
    "Path | None": Path,
}
_CHOICES = {
    "log_level": ("debug", "info", "warning", "error"),
    "log_format": ("json", "text"),
    "kafka_sasl_mechanism": ("SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN"),
}
#: From least to most.  Beyond these a number is a slip that its server would refuse late, or nobody; `nan` is in none.
_RANGES = {
    "replication_factor": (1, 32_767),
    "session_timeout_seconds": (1, 86_400),
    "keyed_retention_hours": (0.001, 1_000_000),
    "heartbeat_seconds": (0, 86_400),
    "router_commit_ms": (0, 3_600_000),
}


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
        least, most = _RANGES.get(setting.name, (0, 0))
        if most and not least <= value <= most:
            fix = f"use a number from {least} to {most}"
            problems.append(Problem("settings.bad_value", variable, f"{text!r} is none that can be meant", fix))
        choices = _CHOICES.get(setting.name)
        if choices and value not in choices:
            fix = f"use one of {', '.join(choices)}"
            problems.append(Problem("settings.bad_value", variable, f"{text!r} is not known", fix))
        problems += _misfits(variable, text)
        values[setting.name] = value
    if problems:
        raise UsageFault.of(problems)
    return Settings(**values)
