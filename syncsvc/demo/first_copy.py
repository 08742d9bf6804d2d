"""
Waits until what was in the tables before the start is in the documents, and shows how far it is.

Counts only; that every document is right is seen at the end, by `verify`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from syncsvc import errors
from syncsvc.demo.scenes import Source
from syncsvc.demo.screen import Screen

LOOK_AGAIN_SECONDS = 0.2
#: Longest pause in which nothing arrives; a slow machine needs ten seconds until the first row.
STALLED_SECONDS = 90.0


@dataclass(frozen=True, slots=True)
class Counts:
    """What the documents hold together."""

    documents: int
    applications: int
    #: Applications that show their user.
    users: int

    @property
    def parts(self) -> int:
        """All of it."""
        return self.documents + self.applications + self.users


def expected(source: Source) -> Counts:
    """What the tables say the documents must hold."""
    ((meetings,),) = source.rows("SELECT COUNT(*) FROM meeting")
    ((applications, users),) = source.rows(
        "SELECT COUNT(*), COUNT(u.id) FROM meeting_application a JOIN meeting m ON m.id = a.meeting_id "
        "LEFT JOIN user u ON u.id = a.user_id"
    )
    return Counts(meetings, applications, users)


def present(collection: Any) -> Counts:
    """What the documents hold now."""
    user_there = {"$gt": ["$$this.user", None]}
    with_user = {"$size": {"$filter": {"input": "$applications", "as": "this", "cond": user_there}}}
    total = {
        "_id": None,
        "documents": {"$sum": 1},
        "applications": {"$sum": {"$size": "$applications"}},
        "users": {"$sum": with_user},
    }
    found = next(iter(collection.aggregate([{"$group": total}])), {"documents": 0, "applications": 0, "users": 0})
    return Counts(found["documents"], found["applications"], found["users"])


def wait(collection: Any, wanted: Counts, screen: Screen, check: Callable[[], None]) -> None:
    """
    Returns when the documents hold what is wanted.

    Args:
        check: called now and then; raises when waiting has become useless.

    Raises:
        CheckFailed: code `demo.first_copy_stalled`.
    """
    last, moved = present(collection), time.monotonic()
    with screen.bar("rows in documents", wanted.parts) as advance:
        while last != wanted:
            check()
            time.sleep(LOOK_AGAIN_SECONDS)
            now = present(collection)
            advance(now.parts)
            if now != last:
                last, moved = now, time.monotonic()
            elif time.monotonic() - moved > STALLED_SECONDS:
                raise errors.CheckFailed(
                    code="demo.first_copy_stalled",
                    where="MongoDB",
                    what=f"nothing has arrived for {STALLED_SECONDS:.0f} s; there are {last}, wanted are {wanted}",
                    fix="read the logs of the workers and of Kafka Connect; please report it with them",
                )
