"""
What reading costs: raw records through our Faust transport, our plain engine, bare aiokafka and stock Faust.

All read the same topic, one after another, each in a process of its own, so that CPU is theirs alone.  Goals: at
least half of bare aiokafka's records/s, at least eight times stock Faust's.

    python -m benchmarks.transport [--bootstrap host:port] [--records 400000]

Prints one JSON line; without `--bootstrap` a broker of the devstack is started.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import resource
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiokafka

from syncsvc.engine.engine import Engine
from syncsvc.engine.plain import PlainEngine
from syncsvc.engine.port import TP, RecordBatch
from syncsvc.engine.producer import Producer
from syncsvc.engine.settings import EngineSettings
from syncsvc.engine.topics import Topics, TopicWish

PARTITIONS = 8
#: About a change of a row of ten columns, without schema.
VALUE_BYTES = 250


class Meter:
    """Counts records; the clock runs from the first to the last one."""

    def __init__(self, expected: int) -> None:
        self.expected = expected
        self.seen = 0
        self.done = asyncio.Event()
        self._began: tuple[float, float] | None = None

    def count(self, records: int) -> None:
        """So many more have arrived."""
        self._began = self._began or (time.perf_counter(), cpu_seconds())
        self.seen += records
        if self.seen >= self.expected and not self.done.is_set():
            self.wall, self.cpu = time.perf_counter() - self._began[0], cpu_seconds() - self._began[1]
            self.done.set()

    def figures(self) -> dict[str, float]:
        """Records a second and µs of CPU a record."""
        return {
            "records_per_second": round(self.seen / self.wall),
            "cpu_us_per_record": round(self.cpu * 1e6 / self.seen, 2),
        }


class Sink:
    """A host that takes everything from the beginning."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter

    async def assigned(self, tps: set[TP]) -> dict[TP, int]:
        """From the beginning."""
        return dict.fromkeys(tps, 0)

    async def revoked(self, tps: set[TP]) -> None:
        """Nothing runs."""

    async def deliver(self, batch: RecordBatch, ack: Callable[[], None]) -> None:
        """Durable at once."""
        self._meter.count(len(batch.records))
        ack()

    def reading(self, more: bool) -> None:
        """Nothing waits for it."""

    def failed(self, error: BaseException) -> None:
        """Told on stderr; the figures will be missing."""
        sys.stderr.write(f"{error!r}\n")
        os._exit(1)


def cpu_seconds() -> float:
    """User and system time of all threads of this process."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


async def through_an_engine(kind: Any, settings: EngineSettings, topic: str, meter: Meter) -> None:
    """Our transport, or the engine without Faust."""
    engine = kind(settings, f"b.{uuid.uuid4().hex}", [topic], None, Sink(meter))
    await engine.start()
    await meter.done.wait()
    await engine.stop()


async def through_bare_aiokafka(settings: EngineSettings, topic: str, meter: Meter) -> None:
    """`getmany` in a loop and nothing else, with the same fetch sizes."""
    consumer = aiokafka.AIOKafkaConsumer(
        topic,
        bootstrap_servers=settings.bootstrap,
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=settings.fetch_partition_bytes,
        isolation_level="read_committed",
    )
    await consumer.start()
    while not meter.done.is_set():
        for records in (await consumer.getmany(timeout_ms=1000, max_records=settings.poll_records)).values():
            meter.count(len(records))
    await consumer.stop()


async def through_stock_faust(settings: EngineSettings, topic: str, meter: Meter) -> None:
    """`async for value in stream`, with Faust's own transport."""
    import faust

    app = faust.App(
        f"b.{uuid.uuid4().hex}",
        broker=f"kafka://{settings.bootstrap}",
        store="memory://",
        web_enabled=False,
        topic_disable_leader=True,
        consumer_auto_offset_reset="earliest",
        table_standby_replicas=0,
        datadir=tempfile.mkdtemp(),
        loop=asyncio.get_running_loop(),
    )

    @app.agent(app.topic(topic, key_serializer="raw", value_serializer="raw"))
    async def count(stream: Any) -> None:
        async for _ in stream:
            meter.count(1)

    await app.start()
    await meter.done.wait()
    os.write(1, json.dumps(meter.figures()).encode())
    os._exit(0)  # stock Faust takes its time to stop


WAYS: dict[str, Callable[[EngineSettings, str, Meter], Any]] = {
    "ours": lambda *arguments: through_an_engine(Engine, *arguments),
    "plain": lambda *arguments: through_an_engine(PlainEngine, *arguments),
    "aiokafka": through_bare_aiokafka,
    "stock_faust": through_stock_faust,
}


async def read(way: str, bootstrap: str, topic: str, expected: int) -> None:
    """In a child process: one way, its figures on stdout."""
    meter = Meter(expected)
    await WAYS[way](EngineSettings(bootstrap), topic, meter)
    sys.stdout.write(json.dumps(meter.figures()))


async def fill(bootstrap: str, topic: str, records: int) -> dict[str, float]:
    """Write the topic; what sending costs is measured too."""
    settings = EngineSettings(bootstrap)
    async with Topics(settings) as topics:
        await topics.create([TopicWish(topic, PARTITIONS, config={"retention.ms": "-1"})])
    producer = Producer(settings)
    await producer.start()
    batch = [(b"%08d" % n, b"x" * VALUE_BYTES) for n in range(5_000)]
    began, cpu = time.perf_counter(), cpu_seconds()
    rounds = records // (len(batch) * PARTITIONS)
    for _ in range(rounds):
        await producer.send(topic, dict.fromkeys(range(PARTITIONS), batch))
    sent = rounds * len(batch) * PARTITIONS
    figures = {
        "records": sent,
        "records_per_second": round(sent / (time.perf_counter() - began)),
        "cpu_us_per_record": round((cpu_seconds() - cpu) * 1e6 / sent, 2),
    }
    await producer.stop()
    return figures


def compare(bootstrap: str, records: int) -> dict[str, Any]:
    """Fill a topic and read it in every way; stock Faust reads the first tenth of the count only."""
    topic = f"bench.{uuid.uuid4().hex[:8]}"
    sent = asyncio.run(fill(bootstrap, topic, records))
    report: dict[str, Any] = {"benchmark": "transport", "value_bytes": VALUE_BYTES, "send": sent}
    for way in WAYS:
        expected = int(sent["records"]) // (10 if way == "stock_faust" else 1)
        child = [sys.executable, "-m", "benchmarks.transport", "--child", way, topic, "--bootstrap", bootstrap]
        output = subprocess.run([*child, "--records", str(expected)], stdout=subprocess.PIPE, check=True, timeout=300)
        report[way] = json.loads(output.stdout)
    ours = report["ours"]
    for other in ("aiokafka", "plain", "stock_faust"):
        report[f"speed_against_{other}"] = round(ours["records_per_second"] / report[other]["records_per_second"], 2)
        report[f"cpu_against_{other}"] = round(ours["cpu_us_per_record"] / report[other]["cpu_us_per_record"], 3)
    return report


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bootstrap")
    parser.add_argument("--records", type=int, default=400_000)
    parser.add_argument("--child", nargs=2, metavar=("WAY", "TOPIC"), help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    logging.basicConfig(level=logging.ERROR)
    if chosen.child:
        asyncio.run(read(chosen.child[0], chosen.bootstrap, chosen.child[1], chosen.records))
    elif chosen.bootstrap:
        print(json.dumps(compare(chosen.bootstrap, chosen.records)))
    else:
        from syncsvc.devstack import cache, children
        from syncsvc.devstack.kafka import Kafka

        nursery = children.Nursery()
        with tempfile.TemporaryDirectory() as folder:
            broker = Kafka(cache.Cache(nursery, lambda text: None), Path(folder) / "kafka")
            broker.start()
            try:
                print(json.dumps(compare(broker.bootstrap, chosen.records)))
            finally:
                broker.stop()
                nursery.close()


if __name__ == "__main__":
    main()
