"""One keyed partition on a table: routers in front, the log between, steps and clock by hand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import bson

from syncsvc.assembly.due import Due
from syncsvc.assembly.joiner import Joiner
from syncsvc.assembly.render import Rendered
from syncsvc.flow import Record
from syncsvc.keys import component
from syncsvc.mapping.model import Embed, OrderTerm, Pipeline, Root, Table
from syncsvc.routing import records
from syncsvc.routing.outcome import ParkedRecord
from syncsvc.routing.plan import compile_plan
from syncsvc.routing.router import Router
from syncsvc.routing.senders import Senders
from syncsvc.state.memory import MemoryStore
from tests.routing.tables import APPLICATION, MEETING, USER, change, fields, key, meetings, pipeline

CITY = "shop.city"


class Bench:
    """A pipeline of one keyed partition; nothing moves by itself."""

    def __init__(self, declared: Pipeline | None = None, *, first_copy: Mapping[str, int] | None = None) -> None:
        self.plan = compile_plan(declared or meetings(partitions=1))
        self.senders = Senders(dict.fromkeys(self.plan.tables, 1), 1)
        self.store = MemoryStore()
        self._ends = dict.fromkeys(self.plan.tables, 0) | dict(first_copy or {})
        self._routers = {
            table: Router(
                self.plan, table, table, 0,
                sender=self.senders.router(table, 0), end=self._ends[table], state=MemoryStore(),
            )
            for table in self.plan.tables
        }  # fmt: skip
        self._offsets = dict.fromkeys(self.plan.tables, 0)
        self.log: list[Record] = []
        self.read = self._pos = 0
        self.joiner = self.opened()
        for router in self._routers.values():
            router.passed(0)
            self._append(router.outbox.take())
        self.step(0)  # the first copy of nothing, unless there is one

    def opened(self) -> Joiner:
        """A joiner as the next owner opens it, on the state as it is."""
        return Joiner(self.plan, 0, self.senders, self.store)

    def crash(self) -> None:
        """The process dies behind a commit; another goes on."""
        self.joiner = self.opened()

    def _append(self, batches: dict[int, list[tuple[bytes, bytes]]]) -> None:
        for name, value in batches.get(0, []):
            self.append(name, value)

    def append(self, name: bytes, value: bytes) -> None:
        """A record at the end of the keyed log."""
        self.log.append(Record(len(self.log), name, value))

    def route(self, table: str, name: bytes, value: bytes | None) -> None:
        """A source record."""
        router = self._routers[table]
        router.fold([Record(self._offsets[table], name, value or b"", 0)])
        self._offsets[table] += 1
        router.passed(self._offsets[table])
        self._append(router.outbox.take())

    def take_parked(self, table: str) -> list[ParkedRecord]:
        """The source records of a table that could not be read."""
        return self._routers[table].take_parked()

    def put(self, table: str, **row: Any) -> None:
        """An insert or an update."""
        self._pos += 1
        self.route(table, key(id=row["id"]), change("u", row, row, pos=self._pos))

    def delete(self, table: str, **row: Any) -> None:
        """A delete."""
        self._pos += 1
        self.route(table, key(id=row["id"]), change("d", row, None, pos=self._pos))

    def fold(self) -> list[str]:
        """Folds what is in the log now, and appends what that sends; the kinds of records sent."""
        batch, first = self.log[self.read :], len(self.log)
        self.read = first
        self.joiner.fold(batch)
        self._append(self.joiner.outbox.take())
        return [records.KINDS[record.value[1]] for record in self.log[first:]]

    def settle(self) -> None:
        """Folds until nothing is left in the log."""
        while self.read < len(self.log):
            self.fold()

    def step(self, now_ms: int = 1 << 40) -> Due:
        """Folds everything; what is then due."""
        self.settle()
        return self.joiner.agenda.take(now_ms)


def document(number: int) -> bytes:
    """Address of a document."""
    return b"\0" + component(number)


def relay(number: int) -> bytes:
    """Address of a user."""
    return b"\1" + component(number)


def shown(found: list[Rendered]) -> dict[int, dict[str, Any] | None]:
    """`{_id: document, None when deleted}`."""
    read: dict[int, dict[str, Any] | None] = {}
    for rendered in found:
        assert rendered.identity is not None
        body = rendered.elements
        identity = bson.decode(rendered.identity)["_id"]
        read[identity] = body if body is None else bson.decode((len(body) + 5).to_bytes(4, "little") + body + b"\0")
    return read


def hosts() -> Pipeline:
    """Meetings with every application of their owner: a list that hangs on another column than the key."""
    tables = {
        MEETING: Table(MEETING, ("id",), {"id": "int", "title": "varchar(9)", "owner": "int null"}),
        APPLICATION: Table(APPLICATION, ("id",), {"id": "int", "owner": "int null", "memo": "mediumtext"}),
    }
    order = (OrderTerm("id"),)
    many = Embed("applications", "many", APPLICATION, ("owner",), ("owner",), ("id",), order, fields("id", "memo"))
    return pipeline(Root(MEETING, ("id",), fields("title")), many, tables=tables, partitions=1)


def hometowns() -> Pipeline:
    """Meetings with one user each, and that one's city: what is looked up refers to something else."""
    tables = {
        MEETING: Table(MEETING, ("id",), {"id": "int", "user_id": "int null"}),
        USER: Table(USER, ("id",), {"id": "int", "city_id": "int null"}),
        CITY: Table(CITY, ("id",), {"id": "int", "name": "varchar(9)"}),
    }
    city = Embed("city", "one", CITY, ("city_id",), ("id",), ("id",), (), fields("id", "name"))
    user = Embed("user", "one", USER, ("user_id",), ("id",), ("id",), (), fields("id"), (city,))
    return pipeline(Root(MEETING, ("id",), fields("id")), user, tables=tables, partitions=1)
