"""
Avro schemas for a router: fetched before the records that need them are folded, waited for while the registry is away.

A schema that cannot be had says nothing about a record, so nothing parks for it: the partition waits and says so.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Protocol

from syncsvc.changes.avro import Record, schema_numbers
from syncsvc.errors import Unreachable

FIRST_WAIT_SECONDS = 0.5
LONGEST_WAIT_SECONDS = 10.0


class SchemaStore(Protocol):
    """Schemas by number, kept once fetched."""

    def __call__(self, number: int) -> str:
        """The schema as JSON text."""

    def missing(self, numbers: Iterable[int]) -> set[int]:
        """Those that would have to be fetched."""

    def prepare(self, numbers: Iterable[int]) -> None:
        """Fetches them; blocking.  Raises `Unreachable`."""


async def fetched(
    store: SchemaStore, records: Iterable[Record], *, closing: Callable[[], bool], told: Callable[[int, float], None]
) -> bool:
    """
    Waits until every schema that these records need is there; False when the actor closes first.

    `told` is called with number and seconds of each wait.
    """
    wait, attempt = FIRST_WAIT_SECONDS, 1
    while numbers := store.missing(schema_numbers(records)):
        if closing():
            return False
        try:
            await asyncio.to_thread(store.prepare, numbers)
        except Unreachable:
            told(attempt, wait)
            await asyncio.sleep(wait)
            wait, attempt = min(2 * wait, LONGEST_WAIT_SECONDS), attempt + 1
    return True
