"""
The source server: does its binlog hold every row whole, for long enough, and may our user read it?
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from syncsvc.changes import columns
from syncsvc.doctor import clock
from syncsvc.doctor.finding import Finding, fail, failed, of_error, ok, warn
from syncsvc.errors import Problem, SyncError
from syncsvc.mapping import delete_rules, live
from syncsvc.mapping.model import Pipeline
from syncsvc.settings import Settings
from syncsvc.source import address, connection, connectors, health, servers
from syncsvc.source.health import SourceFacts

#: From these on the tests run; older ones may do.
TESTED = {"mysql": (8, 0), "mariadb": (10, 6)}
HOUR = 3600.0
#: The binlog must outlive an outage of the connector; after it the tables are copied anew.
SHORT_EXPIRY, TOO_SHORT_EXPIRY = 72 * HOUR, 1 * HOUR
WRITES = ("INSERT", "UPDATE", "DELETE", "SUPER")


def looks(pipelines: Sequence[Pipeline], settings: Settings) -> list[tuple[str, Callable[[], Iterable[Finding]]]]:
    """`(where, look)` for each server the pipelines read."""
    if not settings.source_addresses():
        return [(address.SETTING, _unnamed)]
    by_dsn: dict[str | None, list[str]] = {}
    found: list[tuple[str, Callable[[], Iterable[Finding]]]] = []
    for prefix in servers.prefixes(pipelines):
        try:
            dsn = servers.dsn(settings, prefix)
            address.parsed(dsn)
        except SyncError as error:
            told = of_error("source", error)
            found.append((address.SETTING, lambda told=told: told))  # type: ignore[misc]
        else:
            by_dsn.setdefault(dsn, []).append(prefix)
    for dsn, prefixes in by_dsn.items():
        where = address.parsed(dsn).where
        found.append((where, _Look(dsn, where, prefixes, pipelines, settings)))
    return found


def _unnamed() -> list[Finding]:
    fix = f"export {address.SETTING}=mysql://user:password@host:port/database"
    return [warn("source.not_asked", address.SETTING, "it is not set, so the source database was not looked at", fix)]


class _Look:
    """One server."""

    def __init__(
        self, dsn: str | None, where: str, prefixes: list[str], pipelines: Sequence[Pipeline], settings: Settings
    ) -> None:
        self._dsn, self._where, self._prefixes = dsn, where, prefixes
        self._pipelines, self._settings = pipelines, settings

    def __call__(self) -> Iterator[Finding]:
        with contextlib.closing(connection.connect(self._dsn)) as server:
            found = health.facts(server, self._where)
            yield from server_findings(found)
            problems = connection.binlog_problems(server)
            yield from failed("source", problems) or [binlog(found)]
            yield from self._rights(found)
            yield from self._tables(server)

    def _rights(self, found: SourceFacts) -> Iterator[Finding]:
        tables = sorted({name for pipeline in self._pipelines for name in self._tables_of(pipeline)})
        yield reading(found, tables)
        others = self._users_of_connectors() - {address.parsed(self._dsn).user}
        if others:
            what = f"the connector logs in as {', '.join(sorted(others))}, whose rights only an administrator can see"
            yield ok("source.replication_rights", self._where, what)
        else:
            yield from replicating(found, tables)

    def _tables_of(self, pipeline: Pipeline) -> set[str]:
        """Its tables on this server."""
        by_prefix = servers.tables_by_prefix(pipeline)
        return {name for prefix, tables in by_prefix.items() if prefix in self._prefixes for name in tables}

    def _users_of_connectors(self) -> set[str]:
        if self._settings.connect_url is None:
            return set()
        try:
            url = self._settings.connect_url
            configs = [connectors.config(url, connectors.name_for(prefix)) for prefix in self._prefixes]
        except SyncError:  # told by the look at the connector
            return set()
        return {user for config in configs if config and (user := config.get("database.user"))}

    def _tables(self, server: connection.Connection) -> Iterator[Finding]:
        for pipeline in self._pipelines:
            names = sorted(self._tables_of(pipeline))
            tables = {name: replace(pipeline.tables[name], topic_prefix="") for name in names}
            if not tables:
                continue
            problems = live.differences(tables, live.introspect(server, tables), columns)
            rules = _rules(server, tables) if pipeline.topic_prefix in self._prefixes else None
            cascades = delete_rules.differences(pipeline, rules) if rules else []
            found = [replace_where(problem, f"{pipeline.path}, {problem.where}") for problem in (*problems, *cascades)]
            yield from failed("source", found) or [
                ok("source.tables", pipeline.path, f"{len(tables)} tables are as declared")
            ]
            if rules:
                yield from silent(pipeline, rules)


def replace_where(problem: Problem, where: str) -> Problem:
    """The problem, told with another place."""
    return replace(problem, where=where)


def _rules(server: connection.Connection, tables: Iterable[str]) -> delete_rules.DeleteRules | None:
    """What the tables' foreign keys delete."""
    try:
        return delete_rules.introspect(server, sorted(tables))
    except connection.DENIED:  # told as a right that is missing
        return None


def silent(pipeline: Pipeline, rules: delete_rules.DeleteRules) -> Iterator[Finding]:
    """Rows that go with one of a table which the mapping does not follow there: nothing tells of it."""
    unseen = delete_rules.unseen(pipeline, rules)
    if not unseen:
        yield ok("source.silent_deletes", pipeline.path, "no row of the documents goes without a word")
    for key, places in unseen.items():
        columns = ", ".join(sorted(column for column, _ in key.pairs))
        what = (
            f"{key.table} ({columns}): ON DELETE CASCADE of {key.name} is not logged by this server ({rules.server}): "
            f"rows deleted with their {key.parent} stay in {', '.join(places)} until verify finds them"
        )
        fix = (
            f"embed {key.parent} there with  on_parent_delete: cascade, let the application delete the rows of "
            f"{key.table} first, or use MySQL 9.6"
        )
        yield warn("source.silent_deletes", pipeline.path, what, fix)


def server_findings(found: SourceFacts) -> Iterator[Finding]:
    """Everything that is judged from the server's own words."""
    yield version(found)
    yield partial_json(found)
    yield gtid(found)
    yield expiry(found)
    yield server_id(found)
    yield replica(found)
    yield clock.finding("source.clock", found.where, found.clock_ahead, found.clock_within)


def version(found: SourceFacts) -> Finding:
    """A server that Debezium reads and we have tried."""
    name = f"{'MariaDB' if found.kind == 'mariadb' else 'MySQL'} {found.version}"
    least = TESTED[found.kind]
    if found.numbers >= least:
        return ok("source.version", found.where, name)
    what = f"{name} is older than what Debezium and syncsvc are tested with ({least[0]}.{least[1]})"
    return warn("source.version", found.where, what, "plan its upgrade; validate --live tells which types differ")


def binlog(found: SourceFacts) -> Finding:
    """The binlog as it is, once nothing is wrong with it."""
    shown = ("log_bin", "binlog_format", "binlog_row_image", "binlog_row_metadata")
    # Row metadata may be missing: Debezium takes names and types from its history of the schema.
    told = [f"{name}={found.variables[name]}" for name in shown if name in found.variables]
    return ok("source.binlog", found.where, ", ".join(told))


def partial_json(found: SourceFacts) -> Finding:
    """MySQL may log only the changed part of a JSON value."""
    if "PARTIAL_JSON" not in found.variables.get("binlog_row_value_options", "").upper():
        return ok("source.whole_values", found.where, "values are logged whole")
    what = "binlog_row_value_options=PARTIAL_JSON: JSON columns are logged in part, which Debezium cannot read"
    return fail("source.whole_values", found.where, what, "SET PERSIST binlog_row_value_options = ''")


def gtid(found: SourceFacts) -> Finding:
    """With GTIDs the connector finds its place on another server after a fail-over."""
    if found.kind == "mariadb":
        strict = found.variables.get("gtid_strict_mode", "OFF") == "ON"
        what = f"GTIDs are always on, gtid_strict_mode={'ON' if strict else 'OFF'}"
        return ok("source.gtid", found.where, what)
    mode = found.variables.get("gtid_mode", "OFF")
    if mode == "ON":
        return ok("source.gtid", found.where, "gtid_mode=ON")
    what = f"gtid_mode={mode}: after a fail-over to another server the connector has to copy all tables anew"
    fix = "set  gtid-mode=ON  and  enforce-gtid-consistency=ON  in its configuration"
    return warn("source.gtid", found.where, what, fix)


def expiry(found: SourceFacts) -> Finding:
    """A connector that was away for longer than the binlog is kept has lost its place."""
    seconds = _kept_seconds(found)
    limit = int(found.variables.get("max_binlog_total_size") or 0)
    bounded = f", and at most {limit >> 20} MiB of it" if limit else ""
    if seconds is None:
        told = f"the binlog is kept until somebody purges it{bounded}"
    else:
        told = f"the binlog is kept for {seconds / HOUR:g} h{bounded}"
    lost = f"{told}: a connector that is down for longer has to copy all tables anew"
    fix = f"SET {'GLOBAL' if found.kind == 'mariadb' else 'PERSIST'} binlog_expire_logs_seconds = {int(7 * 24 * HOUR)}"
    if seconds is not None and seconds < TOO_SHORT_EXPIRY:
        return fail("source.binlog_expiry", found.where, lost, fix)
    if limit or (seconds is not None and seconds < SHORT_EXPIRY):
        return warn("source.binlog_expiry", found.where, lost, fix)
    return ok("source.binlog_expiry", found.where, told)


def _kept_seconds(found: SourceFacts) -> float | None:
    """How long a binlog file is kept; None: for ever."""
    said = found.variables
    if said.get("binlog_expire_logs_auto_purge", "ON") == "OFF":
        return None
    seconds = float(said.get("binlog_expire_logs_seconds") or 0) or float(said.get("expire_logs_days") or 0) * 24 * HOUR
    return seconds or None


def server_id(found: SourceFacts) -> Finding:
    """A server without a number of its own takes no replica."""
    number = int(found.variables.get("server_id") or 0)
    if number:
        return ok("source.server_id", found.where, f"server_id={number}")
    fix = "set  server-id  to a number that no other server and no connector has, and restart it"
    return fail("source.server_id", found.where, "server_id=0: the server takes no replica, and so no connector", fix)


def replica(found: SourceFacts) -> Finding:
    """A replica logs what it replicates only when it is told to."""
    said = found.variables
    logs = said.get("log_replica_updates", said.get("log_slave_updates", "ON"))
    read_only = said.get("read_only", "OFF")
    if logs == "ON" or read_only in ("OFF", "0"):
        return ok("source.replica", found.where, f"read_only={read_only}, logs what it replicates: {logs}")
    what = "it looks like a replica (read_only) and does not log what it replicates: its binlog has none of the changes"
    return fail("source.replica", found.where, what, "set  log-slave-updates=ON  and restart it, or read its primary")


def reading(found: SourceFacts, tables: Sequence[str]) -> Finding:
    """Our user sees the tables: for the snapshot, and for validate, preview and verify."""
    missing = [table for table in tables if not found.grants.allow("SELECT", table)]
    if not missing:
        return ok("source.select", found.where, f"SELECT on all {len(tables)} tables")
    fix = "; ".join(f"GRANT SELECT ON {table} TO …" for table in missing[:3])
    return fail("source.select", found.where, f"no SELECT on {', '.join(missing)}", fix)


def replicating(found: SourceFacts, tables: Sequence[str]) -> Iterator[Finding]:
    """The connector's rights, which are this user's where the connector logs in as this user."""
    allowed, where = found.grants.allow, found.where
    client = "BINLOG MONITOR" if found.kind == "mariadb" else "REPLICATION CLIENT"
    needs = {"REPLICATION SLAVE": "REPLICATION SLAVE", "REPLICATION CLIENT": client}
    missing = [shown for right, shown in needs.items() if not (allowed(right) or allowed("SUPER"))]
    if missing:
        what = f"no {' and no '.join(missing)}: the connector cannot read the binlog"
        yield fail("source.replication_rights", where, what, f"GRANT {', '.join(missing)} ON *.* TO …")
    else:
        yield ok("source.replication_rights", where, "may read the binlog")
    databases = sorted({table.split(".", 1)[0] for table in tables})
    flush = allowed("RELOAD") or allowed("FLUSH_TABLES")
    if flush or all(allowed("LOCK TABLES", f"{database}.*") for database in databases):
        yield ok("source.snapshot_rights", where, "may lock for the moment in which a snapshot begins")
    else:
        what = "neither RELOAD nor LOCK TABLES: a snapshot cannot take the short lock with which it begins"
        yield fail("source.snapshot_rights", where, what, "GRANT RELOAD ON *.* TO …")
    written = [right for right in WRITES if allowed(right)]
    if written:
        what = f"it may {', '.join(written)} anywhere; syncsvc and the connector only read"
        fix = "use a user of its own with SELECT, RELOAD, SHOW DATABASES, REPLICATION SLAVE, REPLICATION CLIENT"
        yield warn("source.least_rights", where, what, fix)
