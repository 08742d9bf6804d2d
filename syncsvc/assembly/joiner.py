"""
Fold keyed records into the state of one keyed partition: stage 3, the joiner.

Comes after `routing`, before `writing`.  Keeps invariant 1 (a channel delivers once, in order), invariant 8 (no order
is assumed between two senders: every kind of record finds its place whatever came before from others) and invariant
10.  Knows no clock, network, disk or log.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter

from syncsvc.assembly import layout
from syncsvc.assembly.due import Agenda
from syncsvc.assembly.floors import Floors
from syncsvc.assembly.layout import HELD_BY_COPY, HELD_BY_DOCUMENT, HIGH_WATER, LOCAL, SLOT, U16, row_key
from syncsvc.assembly.references import ReferenceBook
from syncsvc.assembly.relay import Relay
from syncsvc.assembly.render import Renderer
from syncsvc.assembly.rounds import Rounds
from syncsvc.assembly.state import State
from syncsvc.routing import records, stamp
from syncsvc.routing.plan import Plan
from syncsvc.routing.records import HEADER, HEADER_BYTES, KINDS, OPERATOR, Keyed, Outbox, Record, foreign
from syncsvc.routing.senders import Senders
from syncsvc.routing.slot import GOOD, parse, poison_of, poisoned, same_row, stamp_of, unpoisoned

RETRY_DOCUMENT, SKIP_DOCUMENT, SKIP_RECORD = range(1, 4)


@dataclass(slots=True)
class Tally:
    """What became of the keyed records of a step: `{kind: records}` by outcome."""

    applied: dict[str, int] = field(default_factory=dict)
    #: Dropped by the high-water mark of their sender: redelivery or a zombie's copy.
    duplicate: int = 0
    #: A slot that was already so.
    unchanged: int = 0
    #: Deliveries for a subscription that is no longer this one.
    crossed: int = 0
    #: Rows older than the emptying of their table, or than the deletion that took them along.
    barred: int = 0
    #: Rows that were held and went: with their whole table, with the row they belonged to.
    swept: int = 0
    doomed: int = 0
    #: Source commit times of the newest and the oldest record, ms; 0 when none told it.
    newest_ms: int = 0
    oldest_ms: int = 0


class Joiner:
    """The joiner of one keyed partition."""

    def __init__(self, plan: Plan, partition: int, senders: Senders, state: State) -> None:
        """`state` must be loaded up to the offset that folding begins at."""
        self._state = state
        self.outbox = Outbox(senders.joiner(partition))
        self.rounds = Rounds(
            state, self.outbox, rounds=plan.rounds, routers=senders.routers, partitions=plan.pipeline.partitions
        )
        self.renderer = Renderer(plan, state)
        self._references = ReferenceBook(plan, partition, state, self.outbox, self.renderer.copies.forget)
        self._relay = Relay(state, self.outbox)
        self._views = len(plan.views)
        self.agenda = Agenda(state, self.renderer, key_columns=plan.arity[: self._views])
        if self.rounds.copied is not None:
            self.agenda.copy.resume()
            self.renderer.copies.copied_to = self.rounds.copied
        #: `{role of a root: its references, whether its slots say where a former life ended}`.
        self._roots = {
            view.role: (len(plan.roles[view.role].references), plan.roles[view.role].ended) for view in plan.views
        }
        self._takes = plan.takes
        self._floors = Floors(plan, partition, state, self.outbox)
        self._stamped = plan.stamped
        self._high_water: dict[int, bytes] = {}
        self._risen: set[int] = set()
        self.tally = Tally()
        #: Places of records that no longer poison a row here, since the last `take_healed`.
        self._healed: list[str] = []

    def fold(self, batch: Iterable[Record]) -> None:
        """Folds records in offset order into state, `outbox`, `agenda` and `tally`."""
        unpack, high_water, tally = HEADER.unpack_from, self._high_water, self.tally
        applied, newest, oldest = [0] * (max(KINDS) + 1), tally.newest_ms, tally.oldest_ms
        for record in batch:
            key, value = record.key, record.value
            if key is None or not value or len(value) < HEADER_BYTES or value[0] != records.FORMAT:
                raise foreign(record)
            _, kind, sender, place, _, source_ms = unpack(value)
            if sender != OPERATOR:
                mark = value[4:16]
                known = high_water.get(sender)
                if known is None:
                    known = self._state.get(HIGH_WATER + U16.pack(sender)) or b""
                if mark <= known:  # invariant 1: already delivered
                    tally.duplicate += 1
                    continue
                high_water[sender] = mark
                self._risen.add(sender)
            offset = record.offset
            self.outbox.at(offset, source_ms)
            self._apply(kind, key, value, offset, place, sender, source_ms)
            if self._references.touched:
                self._references.settle(offset + 1)
            applied[kind] += 1
            if source_ms > newest:
                newest = source_ms
            if source_ms and (source_ms < oldest or not oldest):
                oldest = source_ms
        for sender in self._risen:
            self._state.put(HIGH_WATER + U16.pack(sender), high_water[sender])
        self._risen.clear()
        tally.newest_ms, tally.oldest_ms = newest, oldest
        for kind, count in enumerate(applied):
            if count:
                tally.applied[KINDS[kind]] = tally.applied.get(KINDS[kind], 0) + count

    def _apply(
        self, kind: int, address: bytes, value: bytes, offset: int, place: int, sender: int, source_ms: int
    ) -> None:
        if kind == records.PUT:
            role, identity, slot = records.parse_row(value)
            if self._floors.bar(role, slot):
                self.tally.barred += 1
                self._place(address, role, identity, None, source_ms)
            else:
                self._place(address, role, identity, slot, source_ms)
        elif kind == records.REMOVE:
            role, identity, deleted = records.parse_row(value)
            if deleted and role in self._takes:
                self._take_along(address, role, deleted, source_ms)
            self._place(address, role, identity, None, source_ms)
        elif kind in (records.ROW, records.ANSWER):
            self._deliver(address, records.parse_delivery(value), source_ms)
        elif kind == records.SUBSCRIBE:
            silent = not self.rounds.complete(2)
            self._relay.subscribe(address, records.parse_partition(value), place, silent_when_empty=silent)
        elif kind == records.UNSUBSCRIBE:
            self._relay.unsubscribe(address, records.parse_partition(value))
        elif kind == records.MARK:
            self._mark(value[HEADER_BYTES], sender, offset + 1)
        elif kind == records.POISON:
            role, identity, place_of_record = records.parse_row(value)
            held = self._state.get(row_key(SLOT, address, role, identity))
            self._place(address, role, identity, poisoned(place_of_record, held), source_ms)
        elif kind == records.BARRIER:
            self._barrier(*records.parse_barrier(value), source_ms)
        else:
            self._control(address, value[HEADER_BYTES], value, source_ms)

    def _place(self, address: bytes, role: int, identity: bytes, slot: bytes | None, source_ms: int) -> None:
        """Puts a slot at its home, or takes it away."""
        key = row_key(SLOT, address, role, identity)
        old = self._state.get(key)
        if old == slot:
            self.tally.unchanged += 1
            return
        if slot is not None and old is not None and role not in self._stamped and same_row(old, slot):
            self._state.put(key, slot)
            self.tally.unchanged += 1
            return
        if slot is None:
            self._state.delete(key)
        else:
            self._state.put(key, slot)
        if old is not None and old[:1] != GOOD:
            self._healed.append((poison_of(old) or b"").decode())
        if address[0] >= self._views:
            self._relay.deliver(address, [Keyed(role, identity, slot)])
            return
        self._references.change(role, HELD_BY_DOCUMENT + address, old, slot)
        gone = b""
        if slot is None and old is not None and role in self._roots:
            references, ended = self._roots[role]
            gone = parse(old, references, ended=ended).order
        self.agenda.touch(address, source_ms, gone)

    def _take_along(self, address: bytes, role: int, deleted: bytes, source_ms: int) -> None:
        """
        A root was deleted: forgets rows at its address that went with it.  What is not forgotten is not shown (see
        `render`): this keeps the state small, no more.
        """
        for taken in self._takes[role]:
            prefix = row_key(SLOT, address, taken, b"")
            for key, slot in self._state.scan(prefix):
                if slot[:1] == GOOD and stamp.earlier(stamp_of(slot), deleted):
                    self.tally.doomed += 1
                    self._place(address, taken, key[len(prefix) :], None, source_ms)

    def _barrier(self, table: int, stamped: bytes, cursor: bytes, source_ms: int) -> None:
        """A table has no rows older than the stamp: takes away those that are held, some in each record."""
        for address, found in groupby(self._floors.sweep(table, stamped, cursor), key=itemgetter(0)):
            rows = [Keyed(role, identity, None) for _, role, identity in found]
            self.tally.swept += len(rows)
            if address[0] < self._views:
                for role, identity, _ in rows:
                    self._place(address, role, identity, None, source_ms)
                continue
            for role, identity, _ in rows:
                self._state.delete(row_key(SLOT, address, role, identity))
            self._relay.deliver(address, rows)

    def _deliver(self, relay: bytes, delivery: records.Delivery, source_ms: int) -> None:
        """Takes rows of a relay into this partition's copy, if they are for its present subscription."""
        head = self._state.get(LOCAL + relay)
        if head is None or layout.COPY_HEAD.unpack(head)[0] != delivery.subscription:
            self.tally.crossed += 1
            return
        self.renderer.copies.forget(relay)
        empty = head[-1] == layout.AWAITED  # a subscription begins with nothing, and most are answered once
        for role, identity, slot in delivery.rows:
            key = row_key(LOCAL, relay, role, identity)
            old = None if empty else self._state.get(key)
            if slot is None:
                self._state.delete(key)
            else:
                self._state.put(key, slot)
            self._references.change(role, HELD_BY_COPY + relay, old, slot)
        answer = layout.ANSWERED if delivery.complete else layout.IN_PARTS
        self._state.put(LOCAL + relay, layout.COPY_HEAD.pack(delivery.subscription, answer))
        if delivery.complete:
            self.agenda.touch_holders(relay, source_ms)

    def _mark(self, level: int, sender: int, place: int) -> None:
        copying = self.rounds.copied is None
        self.rounds.mark(level, sender, place)
        if copying and self.rounds.copied is not None:
            self.renderer.copies.copied_to = self.rounds.copied
            self.agenda.copy.begin()

    def _control(self, address: bytes, action: int, value: bytes, source_ms: int) -> None:
        if action == SKIP_RECORD:
            role, identity, place = records.parse_row(value[:HEADER_BYTES] + value[HEADER_BYTES + 1 :])
            held = self._state.get(row_key(SLOT, address, role, identity))
            if held is not None and poison_of(held) == place:
                good = unpoisoned(held)
                if good is not None and self._floors.bar(role, good):
                    good = None
                self._place(address, role, identity, good, source_ms)
        else:
            self.agenda.release(address, write=action == RETRY_DOCUMENT, source_ms=source_ms)

    def take_healed(self) -> list[str]:
        """Places of undecodable records that a later image, a delete or a skip made good since the last call."""
        healed, self._healed = self._healed, []
        return healed

    def take_tally(self) -> Tally:
        """What happened since the last call."""
        tally, self.tally = self.tally, Tally()
        return tally


def control(action: int, address: bytes, source_ms: int, payload: bytes = b"") -> tuple[bytes, bytes]:
    """A control record, `(key, value)`: what a person decided about a parked document or record."""
    header = HEADER.pack(records.FORMAT, records.CONTROL, OPERATOR, 0, 0, source_ms)
    return address, header + bytes((action,)) + payload


def barrier(table: int, stamped: bytes) -> tuple[bytes, bytes]:
    """A barrier record, `(key, value)`: rows of the table of this number that are older than the stamp are gone."""
    header = HEADER.pack(records.FORMAT, records.BARRIER, OPERATOR, 0, 0, stamp.ts_ms(stamped))
    return b"", header + records.barrier_payload(table, stamped)
