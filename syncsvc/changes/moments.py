"""
Wire values of DATE, DATETIME and TIMESTAMP to BSON dates, or to microseconds since 1970; the zones of wall times.

Used by `columns` beside `values`, under the same rules.  A BSON date is whole milliseconds; what is finer is cut only
where the mapping says so.
"""

from __future__ import annotations

import zoneinfo
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache

from bson import Int64

from syncsvc.changes.values import NotHeld

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_WALL_EPOCH = datetime(1970, 1, 1)
_DAYS_REMEMBERED = 4096  # distinct dates; eleven years of them, under 1 MB
_MICROSECOND = timedelta(microseconds=1)


@lru_cache(maxsize=_DAYS_REMEMBERED)
def days_to_date(wire: int) -> datetime:
    """UTC midnight of a DATE, sent as days since 1970."""
    return EPOCH + timedelta(days=wire)


def millis_to_date(wire: int) -> datetime:
    """A DATETIME(0 to 3), sent as ms since 1970 of its wall time read as UTC; no zone is applied."""
    return EPOCH + timedelta(0, 0, 0, wire)


def millis_to_micros(wire: int) -> Int64:
    """µs since 1970 of a DATETIME(0 to 3), exact."""
    return Int64(wire * 1000)


def micros_to_date(wire: int) -> datetime:
    """A DATETIME(4 to 6), sent as µs, cut down to whole ms as the mapping asked for."""
    return EPOCH + timedelta(0, 0, 0, wire // 1000)


def millis_only(wire: datetime) -> datetime | None:
    """
    A TIMESTAMP(0 to 3); microseconds mean that the column is finer than declared, which BSON would cut unseen.

    A zero TIMESTAMP is None, as a snapshot has it: the stream has 1970-01-01T00:00:00Z for it, which no TIMESTAMP is.
    """
    if wire == EPOCH:
        return None
    if wire.microsecond % 1000:
        raise NotHeld("finer than milliseconds: declare the column's real precision")
    return wire


def cut_to_millis(wire: datetime) -> datetime | None:
    """A TIMESTAMP(4 to 6), cut down to whole ms as the mapping asked for; a zero one is None."""
    return None if wire == EPOCH else wire.replace(microsecond=wire.microsecond // 1000 * 1000)


def date_to_micros(wire: datetime) -> Int64 | None:
    """µs since 1970 of a TIMESTAMP, exact; a zero one is None."""
    return None if wire == EPOCH else Int64((wire - EPOCH) // _MICROSECOND)


@cache
def zone(name: str) -> zoneinfo.ZoneInfo | None:
    """The zone of a name in any case, `europe/berlin`; None when there is no such one."""
    known = next((known for known in zoneinfo.available_timezones() if known.lower() == name.lower()), None)
    return None if known is None else zoneinfo.ZoneInfo(known)


def in_zone(place: zoneinfo.ZoneInfo, factor: int) -> tuple[Callable[[int], datetime], Callable[[int], Int64]]:
    """
    Two readers of a DATETIME whose wall clock hung in `place`: to a date, cut to ms, and to µs since 1970.

    A wall time the clock showed twice is the first of the two; one it skipped is read with the offset from before.

    Args:
        factor: µs of a unit on the wire.
    """

    def moment(wire: int) -> datetime:
        wall = _WALL_EPOCH + timedelta(0, 0, wire * factor)
        try:
            return wall.replace(tzinfo=place).astimezone(UTC)
        except OverflowError:
            raise NotHeld("in UTC it is outside the years 1 to 9999") from None

    return lambda wire: cut(moment(wire)), lambda wire: Int64((moment(wire) - EPOCH) // _MICROSECOND)


def cut(moment: datetime) -> datetime:
    """Whole milliseconds, down."""
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)
