"""
Everything that is up during a demo, opened in one place and closed in one place.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import Any

from syncsvc import settings
from syncsvc.demo import opening, scenes
from syncsvc.demo.screen import Screen
from syncsvc.demo.workers import Workers
from syncsvc.devstack import children, stack
from syncsvc.mapping.model import Pipeline
from syncsvc.mongo import client
from syncsvc.source import connection


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the person at the command line has asked for."""

    sql: stack.SqlKind
    size: opening.Size
    #: Worker processes.
    workers: int
    #: Stay up at the end.
    keep: bool


@dataclass(frozen=True, slots=True)
class Road:
    """Servers, workers and our own connections to both databases."""

    wishes: Wishes
    pipeline: Pipeline
    servers: stack.Stack
    workers: Workers
    #: `pymongo` collection with the documents of the pipeline's generation; reads what a majority has.
    collection: Any
    #: Of a user with every right.
    sql: connection.Connection
    screen: Screen

    @property
    def source(self) -> scenes.Source:
        """The tables, as the scenes ask for them."""
        return scenes.Source(self.sql)


def opened(wishes: Wishes, pipeline: Pipeline, screen: Screen, ground: contextlib.ExitStack) -> Road:
    """
    Start servers and workers, and fill the tables; nothing flows before the connector is registered.

    Args:
        ground: what ends everything when it is left, also half opened.
    """
    screen.road("MariaDB" if wishes.sql == "mariadb" else "MySQL", wishes.workers)
    servers, nursery = stack.Stack(sql=wishes.sql, progress=screen.progress), children.Nursery()
    ground.callback(_end, servers, nursery)
    workers, size = Workers(nursery), wishes.size
    with screen.waiting():
        filling = opening.Aside(lambda: opening.fill(servers, size))
        joining = opening.Aside(lambda: opening.start_workers(servers, workers, pipeline, wishes.workers))
        servers.start()
        seconds = filling.result()
        joining.result()
    rows = f"{size.meetings:,} meetings, {size.users:,} users, {size.applications:,} applications"
    screen.step(f"tables: {rows}, filled in {seconds:.1f} s")
    known = settings.read(servers.env())
    mongo = client.connect(known.mongo_address(), known.mongo_database)
    ground.callback(mongo.close)
    sql = connection.connect(servers.addresses.sql_admin_dsn)
    ground.callback(sql.close)
    return Road(wishes, pipeline, servers, workers, mongo.database[pipeline.target_collection], sql, screen)


def _end(servers: stack.Stack, nursery: children.Nursery) -> None:
    """All at once and without goodbye: nothing of what the servers hold is kept."""
    nursery.close()
    for one in servers.servers:
        one.kill()
    servers.stop()
