"""
The source servers of pipelines: one for most, several where tables come from different ones.

Which server a table comes from is told by the prefix of its topics, for one Debezium connector reads one server.
Refuses a prefix that no DSN is given for.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from syncsvc.errors import UsageFault
from syncsvc.mapping.model import Pipeline, Table
from syncsvc.settings import Settings
from syncsvc.source import address

if TYPE_CHECKING:
    from syncsvc.source.connection import Connection


def tables_by_prefix(pipeline: Pipeline) -> dict[str, dict[str, Table]]:
    """`{topic prefix: {name: table}}`, sorted by prefix."""
    found: dict[str, dict[str, Table]] = {}
    for name, table in pipeline.tables.items():
        found.setdefault(table.topic_prefix or pipeline.topic_prefix, {})[name] = table
    return dict(sorted(found.items()))


def prefixes(pipelines: Iterable[Pipeline]) -> list[str]:
    """Every topic prefix that the pipelines read."""
    return sorted({prefix for pipeline in pipelines for prefix in tables_by_prefix(pipeline)})


def dsn(settings: Settings, prefix: str) -> str | None:
    """
    DSN of the server whose changes have this topic prefix.

    Raises:
        UsageFault: `source.no_dsn`, DSNs are given by prefix and none for this one.
    """
    given = settings.source_addresses()
    if prefix not in given and given and "" not in given:
        raise UsageFault(
            code="source.no_dsn",
            where=address.SETTING,
            what=f'it has DSNs for {", ".join(sorted(given))}, and none for the topic prefix "{prefix}"',
            fix=f"add  {prefix}=mysql://user:password@host:port/database",
        )
    return given.get(prefix, given.get(""))


@contextlib.contextmanager
def connected(pipelines: Iterable[Pipeline], settings: Settings) -> Iterator[Mapping[str, Connection]]:
    """
    `{topic prefix: connection}`, one connection a server.

    Raises:
        UsageFault: a DSN is missing or not of the form.
        Unreachable: as of `connection.connect`.
    """
    from syncsvc.source import connection  # a worker names servers and asks none: the driver would take 8 MB of it

    by_dsn: dict[str | None, Connection] = {}
    with contextlib.ExitStack() as stack:
        found = {}
        for prefix in prefixes(pipelines):
            place = dsn(settings, prefix)
            if place not in by_dsn:
                by_dsn[place] = stack.enter_context(contextlib.closing(connection.connect(place)))
            found[prefix] = by_dsn[place]
        yield found
