"""
The servers that everything here is measured on: one Kafka and one mongod of the devstack, or those that are given.

The broker makes topics on request with 8 partitions, as the rival's internal topics need; mongod is a replica set of
one with a cache of 1 GB.  With `PB_KAFKA` and `PB_MONGO` in the environment (the names of the benchmark kit) those
servers are used and left alone.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from syncsvc.devstack import cache, children
from syncsvc.devstack.kafka import Kafka
from syncsvc.devstack.mongod import Mongod

PARTITIONS = 8  # of every topic
CACHE_GB = 1.0  # of mongod
HEAP_MB = 1024  # of Kafka: its default on a server


class BenchmarkKafka(Kafka):
    """A broker with both compilers: it runs long enough here to pay for them."""

    options: ClassVar[Sequence[str]] = ()


@dataclass(frozen=True, slots=True)
class Servers:
    """What is up."""

    #: `host:port`.
    kafka: str
    #: Connection string.
    mongo: str
    #: Starts child processes that end with us.
    nursery: children.Nursery
    #: For what is fetched, built or generated once.
    store: cache.Cache
    #: For logs and state of this run; goes when it ends.
    folder: Path
    #: Started here, a moment ago.
    fresh: bool = False

    @property
    def environment(self) -> Mapping[str, str]:
        """What a child process needs to use the same servers."""
        return {"PB_KAFKA": self.kafka, "PB_MONGO": self.mongo}


def say(line: str) -> None:
    """One line for whoever waits, apart from the figures on standard output."""
    print(f"· {line}", file=sys.stderr, flush=True)


@contextmanager
def running(*, kafka: bool = True) -> Iterator[Servers]:
    """The servers, up; stopped at the end when they were started here.  Not every benchmark needs a broker."""
    # Asked to end, we end in order, as after a Ctrl-C: the workers and the rival are in sessions of their own.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    nursery = children.Nursery()
    given = os.environ.get("PB_KAFKA"), os.environ.get("PB_MONGO")
    with tempfile.TemporaryDirectory(prefix="syncsvc-bench-") as name:
        folder, store = Path(name), cache.Cache(nursery, say)
        try:
            if given[0] and given[1]:
                yield Servers(given[0], given[1], nursery, store, folder)
                return
            auto = {"auto.create.topics.enable": "true", "num.partitions": str(PARTITIONS)}
            broker = BenchmarkKafka(store, folder / "kafka", settings=auto, heap_mb=HEAP_MB)
            mongod = Mongod(store, folder / "mongod", cache_gb=CACHE_GB)
            if kafka:
                broker.start()
            mongod.start()
            yield Servers(broker.bootstrap, mongod.uri, nursery, store, folder, fresh=True)
            mongod.stop()
            broker.stop()
        finally:
            nursery.close()
