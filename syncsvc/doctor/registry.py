"""
The schema registry of records in Avro: does it answer what a worker asks it?
"""

from __future__ import annotations

from collections.abc import Iterator

from syncsvc.doctor.finding import Finding, ok
from syncsvc.settings import Settings
from syncsvc.wiring.connections import schema_registry


def look(settings: Settings) -> Iterator[Finding]:
    """Nothing where none is named; raises as `Registry` and its `answer` do."""
    registry = schema_registry(settings)
    if registry is not None:
        registry.answer()
        yield ok("registry.answers", registry.url, "it answers when asked for a schema, as a worker asks it")
