"""
The target of the commands: MongoDB as the settings name it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from syncsvc.mongo.client import Mongo
    from syncsvc.settings import Settings


def open_mongo(settings: Settings) -> Mongo:
    """
    A connection to the database of documents and bookkeeping.

    Raises:
        UsageFault, Unreachable: see `mongo.client.connect`.
    """
    from syncsvc.wiring import connections

    return connections.open_mongo(settings)
