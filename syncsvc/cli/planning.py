"""
What `plan` shows and `apply` makes: topics, connectors, generations, collections and indexes, against what exists.

Asks Kafka, Kafka Connect and MongoDB, changes nothing.  Every difference is one `Item`; those that `apply` would refuse
carry their problems, those by which something is lost are marked.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence

from syncsvc.cli import item, mongo_items, target, topic_items
from syncsvc.cli.item import CREATE, LATER, LOSES, SAME, UPDATE, Item
from syncsvc.mapping.model import Pipeline
from syncsvc.mongo import generations
from syncsvc.settings import Settings
from syncsvc.source import connection, connectors, servers

#: A connector that is pointed elsewhere goes on from its place in the binlog of the server before.
ELSEWHERE = ("connector.class", "database.hostname", "database.port", "topic.prefix")


def items(pipelines: Sequence[Pipeline], settings: Settings) -> list[Item]:
    """
    Everything the pipelines need, each thing once, in the order in which it is made.

    Raises:
        UsageFault: a setting is missing or wrong.
        Unreachable: one of the servers is not there.
    """
    mongo = target.open_mongo(settings)
    try:
        found: list[Item] = []
        for pipeline in pipelines:
            asked = asyncio.run(topic_items.asked(pipeline, settings))
            begun = generations.read(mongo, pipeline.name, pipeline.generation) is not None
            found += topic_items.of_sources(pipeline, settings, asked)
            found.append(topic_items.of_keyed(pipeline, settings, asked, begun=begun))
            found += mongo_items.items(pipeline, mongo, asked.there)
        found += _connector_items(pipelines, settings)
    finally:
        mongo.close()
    return sorted(dict.fromkeys(found), key=lambda one: one.kind == "connector")


def _connector_items(pipelines: Sequence[Pipeline], settings: Settings) -> Iterable[Item]:
    if settings.connect_url is None:
        yield Item(LATER, "connector", "-", "SYNCSVC_CONNECT_URL is not set: nobody is asked, nothing is registered")
        return
    for wish in connector_wishes(pipelines, settings, settings.connect_url):
        tables = f"{len(wish.config['table.include.list'].split(','))} tables"
        changed = item.changes(wish.changes)
        moved = [name for name in ELSEWHERE if name in wish.changes]
        if wish.there is None:
            yield Item(CREATE, "connector", wish.name, tables)
        elif moved:
            what = f"{tables}; it reads from elsewhere ({', '.join(moved)}), from its place in the binlog of before"
            yield Item(LOSES, "connector", wish.name, what, changes=changed)
        elif changed:
            yield Item(UPDATE, "connector", wish.name, tables, changes=changed)
        else:
            yield Item(SAME, "connector", wish.name, tables)


def connector_wishes(pipelines: Sequence[Pipeline], settings: Settings, url: str) -> list[connectors.Wish]:
    """The connectors of the pipelines; asks the source which kind of server it is."""
    with servers.connected(pipelines, settings) as opened:
        kinds = {prefix: connection.server_kind(server) for prefix, server in opened.items()}
    return connectors.wishes(pipelines, settings, url, kinds)
