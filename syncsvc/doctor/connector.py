"""
The Debezium connectors: there, running, with settings under which nothing is lost, and alive.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from syncsvc.changes import connector as wanted_settings
from syncsvc.doctor.finding import Finding, fail, ok, warn
from syncsvc.engine.reading import newest_ms
from syncsvc.errors import SyncError
from syncsvc.mapping.model import Pipeline
from syncsvc.settings import Settings
from syncsvc.source import connection, connectors, servers
from syncsvc.source.connectors import Wish
from syncsvc.wiring.connections import engine_settings

#: Settings without which something is lost that `lossy_settings` does not look at, and what.
HARM = {
    "connector.class": "it does not speak to this kind of server",
    "database.hostname": "it reads another server than SYNCSVC_SOURCE_DSN names",
    "database.port": "it reads another server than SYNCSVC_SOURCE_DSN names",
    "topic.prefix": "its topics have other names than the mapping",
    "database.include.list": "tables of the mapping are not captured",
    "table.include.list": "tables of the mapping are not captured",
    "include.schema.changes": "a DROP TABLE takes rows along without a record of their own",
    "tombstones.on.delete": "a compacted topic would keep deleted rows for ever",
    "bigint.unsigned.handling.mode": "numbers above 2^63 come out negative",
}
#: Settings that cost time or comfort, and what.
PRICE = {
    "poll.interval.ms": "a change waits for so long in the connector",
    "heartbeat.interval.ms": "while its tables rest its place in the binlog grows old, and idle looks like broken",
    "snapshot.locking.mode": "a snapshot holds its lock for longer",
}
ON_ANOTHER_HOST = ("database.hostname", "database.port", "schema.history.internal.kafka.bootstrap.servers")
HEARTBEATS_MISSED = 6
#: What Connect says about exactly once when its workers have it switched off.
EXACTLY_ONCE = "exactly.once.support"
#: Kinds of errors whose text is about servers and rights, never about a row.
_TELLING = re.compile(r"java\.(?:sql|net|io)\.|com\.mysql\.|org\.mariadb\.|org\.apache\.kafka\.common\.")


@dataclass(frozen=True, slots=True)
class _Asked:
    """One connector and what Connect says of it."""

    wish: Wish
    url: str
    status: Mapping[str, Any] | None


def look(pipelines: Sequence[Pipeline], settings: Settings) -> Iterator[Finding]:
    """Every connector of the pipelines, where Connect is named."""
    url = settings.connect_url
    if url is None:
        fix = "export SYNCSVC_CONNECT_URL=http://host:8083"
        what = "it is not set, so no connector was looked at"
        yield warn("connector.not_asked", "SYNCSVC_CONNECT_URL", what, fix)
        return
    for wish in _wishes(pipelines, settings, url):
        yield existence(wish)
        if wish.there is not None:
            asked = _Asked(wish, url, connectors.status(url, wish.name))
            yield running(asked.wish.name, asked.status, url)
            yield from differences(wish)
            yield from avro(wish.name, wish.there, settings.schema_registry_url)
            yield from _alive(wish, settings)
        yield from _exactly_once(wish, url)


def _wishes(pipelines: Sequence[Pipeline], settings: Settings, url: str) -> list[Wish]:
    """The connectors as `apply` would make them; where the source cannot be asked, as they are."""
    prefixes = servers.prefixes(pipelines)
    there = {prefix: connectors.config(url, connectors.name_for(prefix)) for prefix in prefixes}
    try:
        with servers.connected(pipelines, settings) as opened:
            kinds = {prefix: connection.server_kind(server) for prefix, server in opened.items()}
        return connectors.wishes(pipelines, settings, url, kinds)
    except SyncError:  # told by the look at the source
        return [Wish(connectors.name_for(prefix), config or {}, config) for prefix, config in there.items()]


def existence(wish: Wish) -> Finding:
    """Somebody has registered it."""
    if wish.there is not None:
        return ok("connector.exists", wish.name, wish.there.get("connector.class", "").rpartition(".")[2])
    what = "Connect has no connector of this name: no change arrives"
    return fail("connector.exists", wish.name, what, "syncsvc apply  registers it")


def running(name: str, status: Mapping[str, Any] | None, url: str) -> Finding:
    """The connector and its task run; what a failed one says, where that cannot be about a row."""
    check, restart = "connector.running", f"POST {url.rstrip('/')}/connectors/{name}/restart?includeTasks=true"
    parts = [status["connector"], *status["tasks"]] if status else []
    failed = next((part for part in parts if part["state"] == "FAILED"), None)
    if failed is not None:
        fix = f"correct the cause ({url.rstrip('/')}/connectors/{name}/status has the whole story), then  {restart}"
        return fail(check, name, f"FAILED: {cause(failed.get('trace', ''))}", fix)
    states = ", ".join(part["state"] for part in parts) or "no state"
    if len(parts) > 1 and all(part["state"] == "RUNNING" for part in parts):
        return ok(check, name, f"RUNNING, {len(parts) - 1} task")
    if any(part["state"] in ("PAUSED", "STOPPED") for part in parts):
        return fail(check, name, f"{states}: no change arrives", f"PUT {url.rstrip('/')}/connectors/{name}/resume")
    return fail(check, name, f"{states}: it has no running task", restart)


def cause(trace: str) -> str:
    """The deepest cause of a stack trace: its text only where its kind has nothing to do with values."""
    lines = trace.strip().splitlines()
    found = [line.removeprefix("Caused by: ") for line in lines if line.startswith("Caused by: ")] or lines[:1]
    if not found:
        return "it gives no reason"
    kind, _, text = found[-1].partition(": ")
    return f"{kind}: {text[:200]}" if _TELLING.match(kind) and text else kind


def differences(wish: Wish) -> Iterator[Finding]:
    """Settings of an existing connector against those that `apply` would set."""
    there = wish.there or {}
    lossy = wanted_settings.lossy_settings(there)
    told = {problem.where.rpartition(": ")[2] for problem in lossy}
    for problem in lossy:
        yield fail("connector.setting", problem.where, problem.what, problem.fix)
    price = []
    for setting, (now, wanted) in sorted(wish.changes.items()):
        if setting in told:
            continue
        where, fix = f"{wish.name}: {setting}", f"syncsvc apply  sets {setting}={wanted}"
        if setting in HARM and setting not in ON_ANOTHER_HOST:
            yield fail("connector.setting", where, f"{_shown(now)}: {HARM[setting]}", fix)
        elif setting in PRICE:
            yield warn("connector.setting", where, f"{_shown(now)}: {PRICE[setting]}", fix)
        else:
            price.append(setting)
    if price:
        # An address may be another one seen from where Connect runs; a batch size may be chosen on purpose.
        what = f"other than apply would set, which loses nothing: {', '.join(price)}"
        yield ok("connector.settings", wish.name, what)
    elif not lossy and not wish.changes:
        yield ok("connector.settings", wish.name, f"all {len(wish.config)} as syncsvc sets them")


def avro(name: str, there: Mapping[str, str], registry: str | None) -> Iterator[Finding]:
    """Records in Avro need the registry that has their schemas."""
    if wanted_settings.writes_avro(there) and registry is None:
        what = "it writes Avro, and no schema registry is named: every record of it will park"
        yield fail("connector.avro", name, what, "export SYNCSVC_SCHEMA_REGISTRY_URL=http://host:port")


def _shown(value: str | None) -> str:
    return "not set" if value is None else f'"{value}"'


def _exactly_once(wish: Wish, url: str) -> Iterator[Finding]:
    """Asks Connect to judge the settings with exactly once required; it registers nothing."""
    if not wish.config:
        return
    found = connectors.objections(url, {**wish.config, EXACTLY_ONCE: "required"})
    check, where = "connector.exactly_once", wish.name
    if found is None:
        what = f"the worker has no plugin {wish.config['connector.class']}"
        yield fail("connector.plugin", url, what, "put Debezium's connector into its plugin.path and restart it")
    elif EXACTLY_ONCE in found:
        what = "Connect's workers have exactly-once source support off: a kill of one sends changes again"
        fix = "set  exactly.once.source.support=enabled  on every worker; repeated changes are dropped meanwhile"
        yield warn(check, where, what, fix)
    else:
        yield ok(check, where, "a kill of a Connect worker repeats nothing")
    for setting in sorted(set(found or ()) - {EXACTLY_ONCE}):
        what = f"Connect objects: {'; '.join((found or {})[setting])[:200]}"
        yield fail("connector.objection", f"{where}: {setting}", what, "correct what it names")


def _alive(wish: Wish, settings: Settings) -> Iterator[Finding]:
    """A heartbeat of late: a task may be RUNNING and read nothing."""
    there = wish.there or {}
    interval_ms = int(there.get("heartbeat.interval.ms", "0"))
    topic = f"{there.get('topic.heartbeat.prefix', '__debezium-heartbeat')}.{there.get('topic.prefix', '')}"
    if interval_ms <= 0:
        what = f"it sends no heartbeats: {PRICE['heartbeat.interval.ms']}"
        yield warn("connector.heartbeat", wish.name, what, "syncsvc apply  sets heartbeat.interval.ms=5000")
        return
    try:
        newest = asyncio.run(newest_ms(engine_settings(settings), topic))
    except SyncError:  # told by the look at Kafka
        return
    yield heartbeat(wish.name, interval_ms / 1000, None if newest is None else time.time() - newest / 1000)


def heartbeat(name: str, interval: float, age: float | None) -> Finding:
    """`age`: seconds since the newest heartbeat; None: there is none in the topic."""
    check = "connector.heartbeat"
    fix = f"look at its state and log, then  POST /connectors/{name}/restart?includeTasks=true"
    if age is None:
        return warn(check, name, f"none has come, though it should send one every {interval:g} s", fix)
    what = f"the newest heartbeat is {max(0.0, age):.0f} s old, it should send one every {interval:g} s"
    return fail(check, name, what, fix) if age > HEARTBEATS_MISSED * interval + 10 else ok(check, name, what)
