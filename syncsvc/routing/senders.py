"""
Numbers of the senders of a generation's channels: source partitions first, keyed partitions behind them.

The same in every process and for the whole life of a generation, since receivers remember what they had of each
number; the generation document records the partition counts that the numbers follow from.
"""

from __future__ import annotations

from collections.abc import Mapping

from syncsvc.errors import UsageFault
from syncsvc.routing.records import OPERATOR


class Senders:
    """Sender numbers for `{table: source partitions}` and the number of keyed partitions."""

    def __init__(self, source_partitions: Mapping[str, int], partitions: int) -> None:
        self._first: dict[str, int] = {}
        total = 0
        for table in sorted(source_partitions):
            self._first[table] = total
            total += source_partitions[table]
        #: Source partitions in all: senders of the first round of end marks.
        self.routers = total
        self.partitions = partitions
        if total + partitions >= OPERATOR:
            raise UsageFault(
                code="mapping.too_many_partitions",
                where="partitions",
                what=f"{total} source and {partitions} keyed partitions need more sender numbers than there are",
                fix=f"use fewer partitions: at most {OPERATOR - 1} in all",
            )

    def router(self, table: str, partition: int) -> int:
        """Number of a source partition."""
        return self._first[table] + partition

    def joiner(self, partition: int) -> int:
        """Number of a keyed partition."""
        return self.routers + partition
