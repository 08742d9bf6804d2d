"""
Records as aiokafka's compiled parser makes them, without the copy of each into a `ConsumerRecord`.

That copy is half of what reading costs (a dataclass of eleven fields with a dict of its own: 1.5 µs and 400 bytes a
record), and nothing of it is used here that the parsed record does not have: offset, key, value, timestamp, headers.
aiokafka has no setting for it; `tests/contract` pins the method that is replaced.
"""

from __future__ import annotations

from typing import Any

from aiokafka.consumer import fetcher


class RawRecords(fetcher.PartitionRecords):
    """The records of one partition from one fetch."""

    def _consumer_record(self, tp: Any, record: Any) -> Any:
        return record


def install() -> None:
    """Makes every consumer of this process read so."""
    fetcher.PartitionRecords = RawRecords
