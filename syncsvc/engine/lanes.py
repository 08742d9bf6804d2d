"""
One lane a partition: records in offset order, room for a bounded number of bytes, the prefix that is durable.

Stands between whatever fetches (Faust's transport, a bare consumer) and the host, and is the same for both.  Only one
`deliver` a partition runs at a time; a slow partition fills its own lane and nobody else's.  Knows no Kafka client.
Keeps invariant 4: the position to commit is the end of the longest prefix of acknowledged batches.
"""

from __future__ import annotations

import asyncio
import collections
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from syncsvc.engine.port import TP, Host, Record, RecordBatch
from syncsvc.engine.settings import EngineSettings

#: What a record costs beyond its value: its key and the objects around it.
RECORD_OVERHEAD_BYTES = 300

#: Called with True when a partition must not be read for now, with False when it may be again.
OnPressure = Callable[[TP, bool], None]
#: Called with the offsets the host wants to read from, before anything is offered.
Seek = Callable[[dict[TP, int]], Awaitable[None]]


class _Delivery:
    """A batch on its way: where reading goes on after it, and whether the host has made it durable."""

    __slots__ = ("durable", "next_offset")

    def __init__(self, next_offset: int) -> None:
        self.next_offset = next_offset
        self.durable = False


class Lane:
    """The records of one partition from the fetch to the acknowledgement."""

    def __init__(self, tp: TP, host: Host, settings: EngineSettings, on_pressure: OnPressure) -> None:
        self.tp = tp
        #: End of the durable prefix, or None before the first acknowledgement.
        self.position: int | None = None
        #: What was last committed to Kafka.
        self.committed: int | None = None
        self.closed = False
        self._host = host
        self._settings = settings
        self._on_pressure = on_pressure
        #: Chunks as they were fetched, each with its weight in bytes and where reading goes on after it.
        self._waiting: collections.deque[tuple[Sequence[Record], int, int]] = collections.deque()
        self._waiting_bytes = 0
        self._pressed = False
        self._arrived = asyncio.Event()
        self._deliveries: collections.deque[_Delivery] = collections.deque()

    def offer(self, records: Sequence[Record], position: int) -> None:
        """
        Append records that follow those offered before; never waits, presses when there are many.

        Args:
            records: none when only markers of transactions were passed.
            position: where reading goes on after them.
        """
        if self.closed:
            return
        weight = RECORD_OVERHEAD_BYTES * len(records)
        weight += sum([len(value) for record in records if (value := record.value)])
        self._waiting.append((records, weight, position))
        self._waiting_bytes += weight
        self._arrived.set()
        if not self._pressed and self._waiting_bytes >= self._settings.lane_bytes:
            self._pressed = True
            self._on_pressure(self.tp, True)

    async def run(self) -> None:
        """Give batches to the host, one at a time, until cancelled; ends with what the host raises."""
        while True:
            await self._arrived.wait()
            batch = self._take()
            delivery = _Delivery(batch.next_offset)
            self._deliveries.append(delivery)
            await self._host.deliver(batch, partial(self._acknowledge, delivery))

    def _take(self) -> RecordBatch:
        records, weight, position = self._waiting.popleft()
        most = self._settings.batch_records
        if len(records) > most:
            rest = weight * (len(records) - most) // len(records)
            self._waiting.appendleft((records[most:], rest, position))
            records, weight = records[:most], weight - rest
            position = records[-1].offset + 1
        elif self._waiting and len(records) + len(self._waiting[0][0]) <= most:
            # A partition that fell behind is given in large batches, whatever the sizes of the fetches were.
            records = list(records)
            while self._waiting and len(records) + len(self._waiting[0][0]) <= most:
                more, more_weight, position = self._waiting.popleft()
                records += more
                weight += more_weight
        self._waiting_bytes -= weight
        if not self._waiting:
            self._arrived.clear()
        if self._pressed and self._waiting_bytes <= self._settings.lane_bytes // 2:
            self._pressed = False
            self._on_pressure(self.tp, False)
        return RecordBatch(self.tp.topic, self.tp.partition, records, position)

    def _acknowledge(self, delivery: _Delivery) -> None:
        if self.closed:
            return
        delivery.durable = True
        while self._deliveries and self._deliveries[0].durable:
            self.position = self._deliveries.popleft().next_offset


class Lanes:
    """All partitions held now; opens and closes them with the host."""

    def __init__(
        self, host: Host, settings: EngineSettings, on_pressure: OnPressure, failed: Callable[[BaseException], None]
    ) -> None:
        self._host = host
        self._settings = settings
        self._on_pressure = on_pressure
        self._failed = failed
        self._held: set[TP] = set()
        self._lanes: dict[TP, Lane] = {}
        self._tasks: list[asyncio.Task[None]] = []

    def lane(self, tp: tuple[str, int]) -> Lane | None:
        """The open lane of a partition, or None."""
        return self._lanes.get(TP(*tp))

    def open(self, tps: set[TP], seek: Seek) -> None:
        """Ask the host where to read from, seek there, then start the lanes; returns at once."""
        self._held = set(tps)
        self._start(self._open(self._held, seek))

    async def close(self) -> None:
        """
        Stop all deliveries, let the host finish and let go, then forget the lanes; acks count until the host is done.

        Raises:
            TimeoutError: when the host has not let go within `revoke_timeout_seconds`.
        """
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=self._settings.revoke_timeout_seconds)
        held, self._held = self._held, set()
        if held:
            await asyncio.wait_for(self._host.revoked(held), self._settings.revoke_timeout_seconds)

    def forget(self) -> None:
        """Drop the closed lanes; later acknowledgements do nothing."""
        for lane in self._lanes.values():
            lane.closed = True
        self._lanes = {}

    def uncommitted(self) -> dict[TP, int]:
        """Durable positions that Kafka has not been told yet."""
        lanes = self._lanes.items()
        return {
            tp: lane.position for tp, lane in lanes if lane.position is not None and lane.position != lane.committed
        }

    def committed(self, offsets: dict[TP, int]) -> None:
        """Remember what Kafka has been told."""
        for tp, offset in offsets.items():
            if lane := self._lanes.get(tp):
                lane.committed = offset

    async def _open(self, tps: set[TP], seek: Seek) -> None:
        offsets = await self._host.assigned(set(tps))
        if missing := tps - offsets.keys():
            raise LookupError(f"the host gave no offset to start from for {sorted(missing)}")
        self._lanes = {tp: Lane(tp, self._host, self._settings, self._on_pressure) for tp in tps}
        for lane in self._lanes.values():
            self._start(lane.run())
        await seek({tp: offsets[tp] for tp in tps})

    def _start(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        task.add_done_callback(self._ended)
        self._tasks.append(task)

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self._failed(error)
