"""
Why a document is as it is: the rows that are held at its address and in the copies it looks at, read from the state.

Pure, but for the state handed in: slots are cut, never changed.  Which partition's state that is, and how it is read
from MongoDB, is known by `held`; `explain` shows it.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any
from zlib import crc32

from syncsvc.assembly.layout import COPIED, COPY_HEAD, LOCAL, PARKED, PENDING, SLOT, U16, WALK, is_answered
from syncsvc.assembly.state import State
from syncsvc.cli import written_keys
from syncsvc.routing import stamp
from syncsvc.routing.plan import Branch, Level, Plan, Role
from syncsvc.routing.slot import parse, stamp_of

_POSITION = struct.Struct(">IQIB")  # as in `changes.change`: file, place, row, phase
#: A stamp knows its binlog by a checksum of its name: these are the names that servers give.
_BINLOGS = {
    crc32(name.encode()).to_bytes(4, "big"): name for name in ("binlog", "mysql-bin", "mariadb-bin", "mysqld-bin")
}


@dataclass(frozen=True, slots=True)
class Position:
    """Where in its source a row was last written."""

    #: Binlog file and place in it; None: the source gave none.
    file: str | None
    pos: int | None
    #: Index of the row in its event.
    row: int | None
    #: Read by a snapshot, not from the stream.
    snapshot: bool
    #: Commit time in the source; None: it gave none.
    at: datetime | None

    def __str__(self) -> str:
        place = "unknown" if self.file is None else f"{self.file}:{self.pos}"
        return f"{place}{f' row {self.row}' if self.row else ''}{' snapshot' if self.snapshot else ''}"


@dataclass(frozen=True, slots=True)
class HeldRow:
    """One row that the document is made from."""

    #: Names from the root to it, `applications.user`; "" for the root.
    relation: str
    table: str
    #: Primary key, `{column: text}`.
    key: Mapping[str, str]
    position: Position
    #: `held`, `deleted` (its place is kept, because others went with it) or `unreadable` (its last good form shows).
    state: str
    #: The record that could not be decoded.
    record: str | None = None


@dataclass(frozen=True, slots=True)
class Look:
    """Something that rows of the document refer to, at another address."""

    relation: str
    table: str
    #: What it is looked up by, `{column of its table: text}`.
    by: Mapping[str, str]
    #: Offset of the keyed topic that caused the subscription; None: there is none yet.
    subscription: int | None
    #: False: the relay has not answered yet, so the document may wait.
    answered: bool
    rows: int
    #: It has changed, and documents that look at it are still being written.
    walking: bool


@dataclass(frozen=True, slots=True)
class Explained:
    """Everything that is held of one document."""

    rows: tuple[HeldRow, ...]
    looks: tuple[Look, ...]
    #: Reason for which its writes have stopped; None: they have not.
    parked: str | None
    #: It waits to be written.
    pending: bool

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready but for dates."""
        return asdict(self)


def explain(plan: Plan, kind: int, state: State, address: bytes) -> Explained:
    """
    What is held of the document at `address`.

    Args:
        plan: of the whole pipeline.
        kind: number of the kind of document, `Plan.views`.
        state: of the keyed partition that the address belongs to.
        address: node and canonical key.
    """
    walk = _Walk(plan, kind, state)
    walk.home(address)
    parked = state.get(PARKED + address)
    return Explained(
        tuple(sorted(walk.rows, key=lambda row: (row.relation.count(".") + bool(row.relation), row.relation))),
        tuple(walk.looks),
        None if parked is None else parked.partition(b"\x00")[0].decode(),
        state.get(PENDING + address) is not None,
    )


class _Walk:
    def __init__(self, plan: Plan, kind: int, state: State) -> None:
        self._plan, self._state = plan, state
        self._copied_to = int.from_bytes(state.get(COPIED) or b"", "big")
        view = plan.views[kind]
        self._paths: dict[int, str] = {view.role: ""}
        #: `{(role, index of a reference): the relation that looks there}`.
        self._branches: dict[tuple[int, int], Branch] = {}
        self._learn(view.role, view.level, "")
        self.rows: list[HeldRow] = []
        self.looks: list[Look] = []
        self._seen: set[bytes] = set()

    def _learn(self, parent: int, level: Level, path: str) -> None:
        for branch in level.all():
            below = f"{path}.{branch.name}" if path else branch.name
            self._paths[branch.role] = below
            if branch.reference is not None:
                self._branches[parent, branch.reference] = branch
            self._learn(branch.role, branch.level, below)

    def home(self, address: bytes) -> None:
        """The rows at the document's own address, and what they refer to."""
        self._take(self._state.scan(SLOT + address), 1 + len(address))

    def _take(self, held: Sequence[tuple[bytes, bytes]], start: int) -> None:
        for key, slot in held:
            role = self._plan.roles[U16.unpack_from(key, start)[0]]
            identity = key[start + 2 :]
            if role.number not in self._paths:
                continue
            self.rows.append(self._row(role, identity, slot))
            self._follow(role, slot)

    def _row(self, role: Role, identity: bytes, slot: bytes) -> HeldRow:
        key = dict(zip(role.identity, written_keys.values(identity, len(role.identity)), strict=True))
        path = self._paths[role.number]
        poison = parse(slot, len(role.references), ended=role.ended).poison
        record = None if poison is None else poison.decode("utf-8", "replace")
        return HeldRow(
            path, role.table, key, position(stamp_of(slot)), "held" if poison is None else "unreadable", record
        )

    def _follow(self, role: Role, slot: bytes) -> None:
        for index, key in enumerate(parse(slot, len(role.references), ended=role.ended).references):
            branch = self._branches.get((role.number, index))
            relay = bytes((role.references[index].node,)) + (key or b"")
            if key is not None and branch is not None and relay not in self._seen:
                self._seen.add(relay)
                self._look(branch, relay)

    def _look(self, branch: Branch, relay: bytes) -> None:
        role = self._plan.roles[branch.role]
        found = self._state.scan(LOCAL + relay)
        place, answer = COPY_HEAD.unpack(found[0][1]) if found else (None, None)
        here = [row for row in found[1:] if len(row[0]) > 1 + len(relay) + U16.size]
        self.looks.append(
            Look(
                self._paths[branch.role],
                role.table,
                dict(zip(role.address, written_keys.values(relay[1:], len(role.address)), strict=True)),
                None if place is None else place - 1,
                place is not None and is_answered(place, answer, self._copied_to),
                len(here),
                self._state.get(WALK + relay) is not None,
            )
        )
        self._take(here, 1 + len(relay))


def position(stamped: bytes) -> Position:
    """A stamp taken apart (`routing.stamp`)."""
    ms, base = stamp.ts_ms(stamped), stamped[6:10]
    at = datetime.fromtimestamp(ms / 1000, UTC) if ms else None
    if not any(stamped[6:]):
        return Position(None, None, None, False, at)
    number, place, row, phase = _POSITION.unpack(stamped[10:])
    return Position(f"{_BINLOGS.get(base, '…')}.{number:06}", place, row, phase == 0, at)


def told(key: Mapping[str, str]) -> str:
    """A key for people: its value, or `a=1, b=2`."""
    return ", ".join(f"{column}={value}" for column, value in key.items()) if len(key) > 1 else next(iter(key.values()))
